//! The matrix products of a VaDE step alone: the same shapes through the same library, forward and
//! backward.

use super::WIDTH;
use tch::{Device, Kind, Tensor};
use vae_core::matmul::{Matmul, is_worth_rounding, library_of};
use vae_core::precision::Precision;
use vae_core::random::{Streams, uniform};

/// (inputs, outputs) of the layers of D–500–500–2000–10 with two heads and its mirror image.
const LAYERS: [(i64, i64); 9] = [
    (WIDTH, 500),
    (500, 500),
    (500, 2000),
    (2000, 10),
    (2000, 10),
    (10, 2000),
    (2000, 500),
    (500, 500),
    (500, WIDTH),
];

/// The matrix products of one training step: per layer `y = x Wᵀ`, `dW = dyᵀ x`, and `dx = dy W`
/// but for the first.
#[derive(Debug)]
pub(super) struct Floor {
    layers: Vec<Product>,
}

impl Floor {
    /// Products for `batch` samples, in the precision and of the library in force.
    pub fn new(batch: i64, device: Device) -> Self {
        let streams = Streams::new(1, "floor");
        let draw = |name: String, shape: &[i64]| uniform(&mut streams.rng(&name, 0, 0), shape, device);
        let layers = LAYERS
            .iter()
            .enumerate()
            .map(|(i, &(n_in, n_out))| {
                let x = draw(format!("x{i}"), &[batch, n_in]);
                let w = draw(format!("w{i}"), &[n_out, n_in]);
                Product::new(x, w, draw(format!("g{i}"), &[batch, n_out]))
            })
            .collect();
        Self { layers }
    }

    pub fn step(&self) {
        self.layers.iter().enumerate().for_each(|(i, layer)| layer.step(i == 0));
    }
}

/// `x`, `W` and `dy` of a layer, the first and the last in the form that its library wants.
#[derive(Debug)]
struct Product {
    library: Matmul,
    x: Tensor,
    w: Tensor,
    g: Tensor,
}

impl Product {
    fn new(x: Tensor, w: Tensor, g: Tensor) -> Self {
        let library = library_of(&x, &w);
        if Precision::current() == Precision::Bf16 && is_worth_rounding(&x, &w) {
            let [x, w, g] = [x, w, g].map(|t| t.to_kind(Kind::BFloat16));
            return Self { library: Matmul::Blas, x, w, g };
        }
        let (x, g) = match library {
            Matmul::Blas => (x, g),
            Matmul::OneDnn => (x.to_mkldnn(), g.to_mkldnn()),
        };
        Self { library, x, w, g }
    }

    fn step(&self, is_first: bool) {
        let Self { library, x, w, g } = self;
        match library {
            Matmul::Blas => {
                let _ = x.matmul(&w.tr());
                let _ = g.tr().matmul(x);
            }
            Matmul::OneDnn => {
                let _ = x.mkldnn_linear(w, None::<&Tensor>);
                let _ = x.mkldnn_linear_backward_weights(g, w, false);
            }
        }
        match library {
            _ if is_first => {}
            Matmul::Blas => drop(g.matmul(w)),
            Matmul::OneDnn => drop(Tensor::mkldnn_linear_backward_input(x.size(), g, w)),
        }
    }
}
