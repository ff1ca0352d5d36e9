//! The mixture prior of a variational auto-encoder as a torch module.
//!
//! p(c) = pi_c, p(z | c) = N(mu_c, diag exp log_var_c), with pi = softmax(logits), so that no
//! constraint is needed. Published code trains pi and variances directly, which can leave the
//! simplex and become negative; it adds `1e-10` to densities, which gives far points a uniform
//! posterior without a gradient. Here all densities are logarithms (VaDE: Jiang et al. 2017,
//! equations 9 and 16).

use ndarray::{ArrayView1, ArrayView2};
use tch::{Device, Kind, Tensor};
use vae_core::kl::HALF_LN_TWO_PI;
use vae_core::params::Params;
use vae_core::program::{Op, Program, Value};

const ROWS: [i64; 1] = [-1];

/// Name and number of the mixture prior's terms; the number is raised whenever the code changes a
/// result.
pub const REVISION: (&str, u32) = ("mixture-prior", 1);

/// The parameters of the mixture; `K` components in `J` dimensions.
#[derive(Debug)]
pub struct MixturePrior {
    /// `[K]`, unnormalised log mixing weights.
    pub logits: Tensor,
    /// `[K, J]`, means.
    pub mu: Tensor,
    /// `[K, J]`, log variances.
    pub log_var: Tensor,
}

/// Whether the mixing weights are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pi {
    /// They are a parameter.
    Trained,
    /// They are constant.
    Fixed,
}

impl MixturePrior {
    /// Registers `prior.logits` (unless pi is fixed), `prior.mu` and `prior.log_var` in `group`,
    /// with the values `(pi, mu, var)`.
    ///
    /// # Shapes
    /// `pi`: `[K]`; `mu`, `var`: `[K, J]`, all positive but `mu`.
    pub fn new(
        params: &mut Params,
        group: usize,
        device: Device,
        pi: Pi,
        values: (ArrayView1<'_, f64>, ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    ) -> Self {
        let (weights, mu, var) = values;
        let (k, j) = (mu.nrows() as i64, mu.ncols() as i64);
        let tensor = |values: Vec<f64>, shape: &[i64]| {
            Tensor::from_slice(&values).view(shape).to_kind(Kind::Float).to_device(device)
        };
        let logits = tensor(weights.iter().map(|p| p.max(1e-12).ln()).collect(), &[k]);
        let log_var = tensor(var.iter().map(|v| v.max(1e-12).ln()).collect(), &[k, j]);
        Self {
            logits: match pi {
                Pi::Trained => params.add("prior.logits", logits, group),
                Pi::Fixed => logits,
            },
            mu: params.add("prior.mu", tensor(mu.iter().copied().collect(), &[k, j]), group),
            log_var: params.add("prior.log_var", log_var, group),
        }
    }

    /// `ln pi`, `[K]`.
    pub fn log_pi(&self) -> Tensor {
        self.logits.log_softmax(-1, None)
    }

    /// `ln p(z, c)`, `[b, K]`:
    ///
    /// ```text
    /// s_c = ln pi_c − ½ Σ_j [ ln 2π + log_var_cj + (z_j − mu_cj)² / exp log_var_cj ]
    /// ```
    ///
    /// # Shapes
    /// `z`: `[b, J]`.
    pub fn log_joint(&self, z: &Tensor) -> Tensor {
        let j = z.size()[1] as f64;
        let distance = (z.unsqueeze(1) - &self.mu).square() * self.log_var.neg().exp();
        let quadratic = distance.sum_dim_intlist(ROWS.as_slice(), false, None);
        let log_det = self.log_var.sum_dim_intlist(ROWS.as_slice(), false, None);
        self.log_pi() - (quadratic + log_det) * 0.5 - j * HALF_LN_TWO_PI
    }

    /// `ln gamma = ln p(c | z)`, `[b, K]`: [`MixturePrior::log_joint`] minus its log-sum-exp. No
    /// density is exponentiated before the normalisation, so points at any distance have a finite
    /// posterior.
    ///
    /// # Shapes
    /// `z`: `[b, J]`.
    pub fn log_gamma(&self, z: &Tensor) -> Tensor {
        self.log_joint(z).log_softmax(-1, None)
    }

    /// Adds the posterior p(c | z) to a program.
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, z: &Value) -> vae_core::Result<Value> {
        let tensors = [("log_pi", &self.log_pi()), ("mu", &self.mu), ("log_var", &self.log_var)];
        program.add(Op::GaussianMixture, &[z], &tensors)
    }

    /// `ln gamma*`, `[b, K]`, the mean-field posterior: the minimiser of the latent terms of the
    /// loss for a given q(z | x) = N(mu, diag exp log_var),
    ///
    /// ```text
    /// ln gamma*_c = const + ln pi_c − ½ Σ_j [ log_var_cj + (exp log_var_j + (mu_j − mu_cj)²) / exp log_var_cj ]
    /// ```
    ///
    /// # Shapes
    /// `mu`, `log_var`: `[b, J]`.
    pub fn log_gamma_mean_field(&self, mu: &Tensor, log_var: &Tensor) -> Tensor {
        (self.log_pi() - self.expected_energy(mu, log_var)).log_softmax(-1, None)
    }

    /// `−E_q(z) ln p(z | c)` without the constant `(J/2) ln 2π`, `[b, K]`:
    ///
    /// ```text
    /// ½ Σ_j [ log_var_cj + exp(log_var_j) / exp(log_var_cj) + (mu_j − mu_cj)² / exp(log_var_cj) ]
    /// ```
    ///
    /// # Shapes
    /// `mu`, `log_var` of q(z | x): `[b, J]`.
    pub fn expected_energy(&self, mu: &Tensor, log_var: &Tensor) -> Tensor {
        let second_moment = (mu.unsqueeze(1) - &self.mu).square() + log_var.exp().unsqueeze(1);
        let quadratic =
            (second_moment * self.log_var.neg().exp()).sum_dim_intlist(ROWS.as_slice(), false, None);
        let log_det = self.log_var.sum_dim_intlist(ROWS.as_slice(), false, None);
        (quadratic + log_det) * 0.5
    }

    /// `z = mu_c + exp(log_var_c / 2) · noise` of one component, `[n, J]`.
    ///
    /// # Shapes
    /// `noise`: `[n, J]`, standard normal.
    pub fn sample(&self, component: usize, noise: &Tensor) -> Tensor {
        let c = component as i64;
        self.mu.get(c) + (self.log_var.get(c) * 0.5).exp() * noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};
    use vae_core::random::{Streams, normal};

    /// Two components in one dimension, in f64.
    fn t2() -> MixturePrior {
        let prior = MixturePrior::new(
            &mut Params::new(),
            0,
            Device::Cpu,
            Pi::Trained,
            (array![0.25, 0.75].view(), array![[-1.0], [1.0]].view(), array![[1.0], [0.5]].view()),
        );
        MixturePrior {
            logits: Tensor::from_slice(&[0.25f64.ln(), 0.75f64.ln()]),
            mu: prior.mu.to_kind(Kind::Double),
            log_var: Tensor::from_slice(&[0.0f64, 0.5f64.ln()]).view([2, 1]),
        }
    }

    fn vector(t: &Tensor) -> Vec<f64> {
        Vec::try_from(t.to_kind(Kind::Double).view([-1])).expect("vector")
    }

    fn close(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < tolerance, "{got:?} is not {want:?}");
        }
    }

    #[test]
    fn densities_and_posterior_by_hand() {
        let z = Tensor::from_slice(&[1.0f64]).view([1, 1]);
        close(&vector(&t2().log_joint(&z)), &[-4.305_232_894_3, -0.860_047_015_4], 1e-9);
        close(&vector(&t2().log_gamma(&z).exp()), &[0.030_912_751_5, 0.969_087_248_5], 1e-9);
        let (mu, log_var) =
            (Tensor::from_slice(&[0.5f64]).view([1, 1]), Tensor::from_slice(&[0.25f64.ln()]).view([1, 1]));
        let mean_field = t2().log_gamma_mean_field(&mu, &log_var).exp();
        close(&vector(&mean_field), &[0.100_183_632_5, 0.899_816_367_5], 1e-9);
    }

    #[test]
    fn log_joint_equals_the_naive_density() {
        let streams = Streams::new(3, "prior");
        let (k, j, b) = (3usize, 4usize, 5usize);
        let draw = |name: &str, shape: &[i64]| {
            normal(&mut streams.rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
        };
        let (logits, mu, log_var) = (draw("l", &[3]), draw("m", &[3, 4]), draw("v", &[3, 4]));
        let z = draw("z", &[5, 4]);
        let got = vector(
            &MixturePrior {
                logits: logits.shallow_clone(),
                mu: mu.shallow_clone(),
                log_var: log_var.shallow_clone(),
            }
            .log_joint(&z),
        );
        let (l, m, v, z) = (vector(&logits), vector(&mu), vector(&log_var), vector(&z));
        let total: f64 = l.iter().map(|a| a.exp()).sum();
        for row in 0..b {
            for c in 0..k {
                let mut density = l[c].exp() / total;
                for d in 0..j {
                    let (var, diff) = (v[c * j + d].exp(), z[row * j + d] - m[c * j + d]);
                    density *= (-0.5 * diff * diff / var).exp() / (2.0 * std::f64::consts::PI * var).sqrt();
                }
                assert!((got[row * k + c] - density.ln()).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn extreme_points_and_variances_stay_finite() {
        for log_var in [-30.0, 30.0] {
            let prior = MixturePrior {
                logits: Tensor::from_slice(&[0.0f32, 1.0, 2.0]),
                mu: Tensor::from_slice(&[0.0f32, 1.0, -1.0]).view([3, 1]),
                log_var: Tensor::from_slice(&[log_var as f32, 0.0, 0.0]).view([3, 1]),
            };
            let z = Tensor::from_slice(&[1e4f32, -1e4, 0.0]).view([3, 1]);
            let log_gamma = prior.log_gamma(&z);
            assert!(vector(&log_gamma).iter().all(|v| v.is_finite()));
            let sums = vector(&log_gamma.exp().sum_dim_intlist(ROWS.as_slice(), false, None));
            close(&sums, &[1.0, 1.0, 1.0], 1e-6);
        }
    }

    #[test]
    fn parameters_go_in_and_come_out() {
        let (pi, mu, var) =
            (Array1::from(vec![0.2, 0.8]), Array2::ones((2, 3)), Array2::from_elem((2, 3), 4.0));
        let mut params = Params::new();
        let prior =
            MixturePrior::new(&mut params, 1, Device::Cpu, Pi::Trained, (pi.view(), mu.view(), var.view()));
        close(&vector(&prior.log_pi().exp()), &[0.2, 0.8], 1e-6);
        assert!(params.iter().all(|p| p.group == 1 && p.name.starts_with("prior.")));
        // One standard deviation from the mean is 2.
        let noise = Tensor::ones([1, 3], (Kind::Float, Device::Cpu));
        close(&vector(&prior.sample(1, &noise)), &[3.0, 3.0, 3.0], 1e-6);
    }
}
