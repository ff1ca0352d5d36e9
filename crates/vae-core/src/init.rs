//! Initial weights by name. Biases start at zero unless a layer says otherwise.

use crate::random::{Streams, normal, uniform};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// How the weights of a layer start. The default of `tch::nn::linear` (Kaiming uniform with ReLU
/// gain) is not that of any published setting, so the initialisation is named in every
/// configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// U(±√(6 / (fan_in + fan_out))): Keras' default (Glorot and Bengio 2010).
    GlorotUniform,
    /// N(0, 0.02²).
    Normal002,
    /// N(0, 0.01²): DEC's layers.
    Normal001,
    /// U(±1/√fan_in): PyTorch's default for linear layers; its biases are drawn from the same
    /// range.
    UniformFanIn,
    /// U(±√(6 / fan_in)) (He et al. 2015).
    HeUniform,
    /// N(0, 2 / fan_in) (He et al. 2015).
    HeNormal,
}

impl Init {
    /// Initial weights `name` of the given shape, f32 on `device`; `fan` is (fan_in, fan_out), the
    /// connections of one unit.
    pub fn weights(
        self,
        streams: &Streams,
        name: &str,
        shape: &[i64],
        fan: (i64, i64),
        device: Device,
    ) -> Tensor {
        let mut rng = streams.rng(name, 0, 0);
        let (fan_in, fan_out) = (fan.0 as f64, fan.1 as f64);
        let mut symmetric = |bound: f64| (uniform(&mut rng, shape, Device::Cpu) * 2.0 - 1.0) * bound;
        let values = match self {
            Self::GlorotUniform => symmetric((6.0 / (fan_in + fan_out)).sqrt()),
            Self::UniformFanIn => symmetric(1.0 / fan_in.sqrt()),
            Self::HeUniform => symmetric((6.0 / fan_in).sqrt()),
            Self::HeNormal => normal(&mut rng, shape, Device::Cpu) * (2.0 / fan_in).sqrt(),
            Self::Normal002 => normal(&mut rng, shape, Device::Cpu) * 0.02,
            Self::Normal001 => normal(&mut rng, shape, Device::Cpu) * 0.01,
        };
        values.to_device(device)
    }

    /// Biases `[n]` of a layer whose units have `fan_in` inputs.
    pub fn bias(self, streams: &Streams, name: &str, n: i64, fan_in: i64, device: Device) -> Tensor {
        match self {
            Self::UniformFanIn => self.weights(streams, name, &[n], (fan_in, n), device),
            _ => Tensor::zeros([n], (tch::Kind::Float, device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_moments() {
        let s = Streams::new(7, "init");
        let draw = |init: Init| init.weights(&s, "w", &[300, 500], (500, 300), Device::Cpu);
        for (init, bound) in [
            (Init::GlorotUniform, (6.0f64 / 800.0).sqrt()),
            (Init::UniformFanIn, 1.0 / 500f64.sqrt()),
            (Init::HeUniform, (6.0f64 / 500.0).sqrt()),
        ] {
            let largest = draw(init).abs().max().double_value(&[]);
            assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.999 * bound, "{init:?} {largest}");
        }
        for (init, std) in
            [(Init::Normal002, 0.02), (Init::Normal001, 0.01), (Init::HeNormal, (2.0f64 / 500.0).sqrt())]
        {
            let got = draw(init).std(true).double_value(&[]);
            assert!((got / std - 1.0).abs() < 5.0 / (2.0f64 * 150_000.0).sqrt(), "{init:?} {got}");
        }
        assert_eq!(
            Init::GlorotUniform.bias(&s, "b", 3, 5, Device::Cpu).abs().sum(None).double_value(&[]),
            0.0
        );
        assert!(Init::UniformFanIn.bias(&s, "b", 300, 5, Device::Cpu).abs().max().double_value(&[]) > 0.4);
    }
}
