//! Batch normalisation over the rows of a batch (Ioffe and Szegedy 2015), in three modes.

use super::Builder;
use crate::Result;
use crate::program::{Op, Program, Value};
use tch::{Kind, Tensor};

/// Weight of the newest batch in the running statistics (a decay of 0.9).
const MOMENTUM: f64 = 0.1;

/// Which mean and variance a pass normalises with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Those of the batch; the running ones are updated. For training.
    Update,
    /// Those of the batch; the running ones are not updated. For inputs that are not data, as
    /// perturbed samples.
    Batch,
    /// The running ones. For prediction.
    Running,
}

/// `y_j = gamma_j (x_j − mean_j) / √(var_j + eps) + beta_j`.
#[derive(Debug)]
pub struct BatchNorm {
    /// `[d]`, trained.
    gamma: Tensor,
    /// `[d]`, trained.
    beta: Tensor,
    /// `[d]`, a buffer.
    running_mean: Tensor,
    /// `[d]`, a buffer; of the unbiased variance.
    running_var: Tensor,
    eps: f64,
}

impl BatchNorm {
    /// A layer for `width` columns: gamma 1, beta 0, running mean 0 and variance 1.
    pub fn new(builder: &mut Builder<'_>, name: &str, width: usize, eps: f64) -> Self {
        let (shape, options) = ([width as i64], (Kind::Float, builder.device));
        let (ones, zeros) = (|| Tensor::ones(shape, options), || Tensor::zeros(shape, options));
        Self {
            gamma: builder.params.add(format!("{name}.gamma"), ones(), builder.group),
            beta: builder.params.add(format!("{name}.beta"), zeros(), builder.group),
            running_mean: builder.params.add_buffer(format!("{name}.running_mean"), zeros()),
            running_var: builder.params.add_buffer(format!("{name}.running_var"), ones()),
            eps,
        }
    }

    /// # Shapes
    /// `x`: `[b, d]`; result `[b, d]`. A single row has no variance and leaves the running
    /// statistics alone.
    pub fn forward(&self, x: &Tensor, statistics: Statistics) -> Tensor {
        let running = (Some(&self.running_mean), Some(&self.running_var));
        let ((mean, var), training) = match statistics {
            Statistics::Update if x.size()[0] > 1 => (running, true),
            Statistics::Update | Statistics::Batch => ((None, None), true),
            Statistics::Running => (running, false),
        };
        x.batch_norm(Some(&self.gamma), Some(&self.beta), mean, var, training, MOMENTUM, self.eps, false)
    }

    /// Adds this layer with its running statistics to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let Self { gamma, beta, running_mean: mean, running_var: var, eps } = self;
        let tensors = [("gamma", gamma), ("beta", beta), ("mean", mean), ("var", var)];
        program.add(Op::BatchNorm { eps: *eps }, &[x], &tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Init;
    use crate::params::Params;
    use crate::random::{Streams, normal};
    use tch::Device;

    fn layer(width: usize) -> (Params, BatchNorm) {
        let (mut params, streams) = (Params::new(), Streams::new(0, "test"));
        let mut b = Builder {
            params: &mut params,
            streams: &streams,
            init: Init::HeNormal,
            group: 0,
            device: Device::Cpu,
        };
        let layer = BatchNorm::new(&mut b, "bn", width, 2e-5);
        (params, layer)
    }

    fn rows(n: i64) -> Tensor {
        normal(&mut Streams::new(1, "test").rng("x", 0, 0), &[n, 3], Device::Cpu) * 2.0 + 5.0
    }

    fn difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn each_mode_uses_and_changes_what_it_says() {
        let (params, layer) = layer(3);
        let (x, before) = (rows(40), params.snapshot("").expect("snapshot"));
        let (mean, var) = (x.mean_dim(0, false, Kind::Float), x.var_dim(0, true, false));
        let naive = |mean: &Tensor, var: &Tensor| (&x - mean) / (var + 2e-5).sqrt();
        let biased: Tensor = &var * (39.0 / 40.0);
        assert!(difference(&layer.forward(&x, Statistics::Batch), &naive(&mean, &biased)) < 1e-5);
        let after = params.snapshot("").expect("snapshot");
        assert!(before.iter().all(|(name, t)| t.equal(&after[name])), "a batch pass changes nothing");
        let y = layer.forward(&x, Statistics::Update);
        assert!(difference(&y, &naive(&mean, &biased)) < 1e-5);
        // One step of the running averages: 0.9 old + 0.1 new, from mean 0 and variance 1.
        let (mean, var): (Tensor, Tensor) = (&mean * 0.1, &var * 0.1 + 0.9);
        let after = params.snapshot("").expect("snapshot");
        assert!(difference(&after["bn.running_mean"], &mean) < 1e-6);
        assert!(difference(&after["bn.running_var"], &var) < 1e-6);
        assert!(difference(&layer.forward(&x, Statistics::Running), &naive(&mean, &var)) < 1e-5);
    }

    #[test]
    fn one_row_stays_finite() {
        let (params, layer) = layer(3);
        let y = layer.forward(&rows(1), Statistics::Update);
        // x − mean is 0 up to rounding, which 1/√eps enlarges.
        assert!(y.abs().max().double_value(&[]) < 1e-3);
        let after = params.snapshot("").expect("snapshot");
        assert!(after.values().all(|t| bool::try_from(t.isfinite().all()).expect("bool")));
    }
}
