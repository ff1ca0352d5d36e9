//! Observation models p(x | z), in nats per sample: a sum over dimensions, no mean.

mod table;

use crate::kl::HALF_LN_TWO_PI;
use crate::{Error, Features, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use tch::Tensor;

pub use table::Table;

/// Which observation model a configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LikelihoodKind {
    /// Bernoulli for images in [0, 1] and for values that are all 0 or 1, else `learned`.
    Auto,
    /// Each value in [0, 1] is the probability of a Bernoulli variable; the decoder's outputs are
    /// logits.
    Bernoulli,
    /// Normal with one fixed variance λ; the decoder's outputs are means.
    Gaussian,
    /// Normal with one fixed variance λ around a sigmoid; the decoder's outputs are logits.
    Squashed,
    /// Normal with one learned variance; the decoder's outputs are means.
    Learned,
}

/// p(x | z) with the decoder's outputs `m`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Likelihood {
    /// `Σ_d softplus(m_d) − x_d m_d`.
    Bernoulli,
    /// `‖x − m‖² / 2λ`; the constant `(D/2) ln 2πλ` is not part of the loss
    /// ([`Likelihood::constant`]).
    Gaussian {
        /// λ, the variance of every dimension.
        variance: f64,
    },
    /// `‖x − sigmoid(m)‖² / 2λ`: the squared error of pixels in [0, 1]; without the same constant.
    Squashed {
        /// λ, the variance of every dimension.
        variance: f64,
    },
    /// `‖x − m‖² / 2v + (D/2) ln v` with the variance v at its optimum for the batch, its mean
    /// squared error, but at least `least` (Rybkin, Daniilidis and Levine 2021, "Simple and
    /// effective VAE training with calibrated decoders", section 3.2). v is a constant for the
    /// gradient: at the optimum it has none. `(D/2) ln 2π` stays out of the loss.
    Learned {
        /// The smallest variance.
        least: f64,
    },
    /// The columns of a table with categories or missing values: see [`Table`].
    Table(Table),
}

/// The least a learned variance can be, for `dim` features of variance 1: `(dim / 64)²`, between
/// 0.01 and 1. Found on five tables of 4 to 64 columns. A wide table that is reproduced well would
/// leave the latent terms without a say, and training would drift from its initial clusters; in a
/// narrow one a large variance lets the clusters merge.
pub fn smallest_variance(dim: usize) -> f64 {
    (dim as f64 / 64.0).powi(2).clamp(0.01, 1.0)
}

/// Checks λ.
///
/// # Errors
/// [`Error::Config`] for a variance that is not positive.
pub fn check_variance(variance: f64) -> Result<()> {
    if variance > 0.0 && variance.is_finite() {
        return Ok(());
    }
    Err(Error::config("likelihood_variance", variance, "a finite number above 0"))
}

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bernoulli => f.write_str("bernoulli"),
            Self::Gaussian { variance } => write!(f, "gaussian, variance {variance}"),
            Self::Squashed { variance } => write!(f, "squashed, variance {variance}"),
            Self::Learned { least } => {
                write!(f, "learned (a normal distribution's variance, at least {least})")
            }
            Self::Table(table) => table.fmt(f),
        }
    }
}

impl Likelihood {
    /// A learned variance of `dim` features, at least [`smallest_variance`].
    pub fn learned(dim: usize) -> Self {
        Self::Learned { least: smallest_variance(dim) }
    }

    /// The likelihood for `kind` on these features; `auto` depends on their range. Of a table
    /// `kind` is that of the numbers; categories have a softmax.
    ///
    /// # Errors
    /// [`Error::Features`] when means in [0, 1] are asked for and a value is outside;
    /// [`Error::Config`] for a variance that is not positive.
    pub fn resolve(kind: LikelihoodKind, variance: f64, x: &Features) -> Result<Self> {
        check_variance(variance)?;
        if let Some(table) = Table::of(x, |numbers| Self::of_numbers(kind, variance, numbers))? {
            return Ok(Self::Table(table));
        }
        Self::of_numbers(kind, variance, x)
    }

    fn of_numbers(kind: LikelihoodKind, variance: f64, x: &Features) -> Result<Self> {
        let (low, high) = x.range();
        let unit = low >= 0.0 && high <= 1.0;
        match kind {
            LikelihoodKind::Gaussian => Ok(Self::Gaussian { variance }),
            LikelihoodKind::Learned => Ok(Self::learned(x.dim())),
            LikelihoodKind::Auto if !(unit && (x.image().is_some() || x.is_binary())) => {
                Ok(Self::learned(x.dim()))
            }
            LikelihoodKind::Bernoulli | LikelihoodKind::Squashed if !unit => {
                let name = if kind == LikelihoodKind::Bernoulli { "Bernoulli" } else { "squashed" };
                Err(Error::Features(format!(
                    "a {name} likelihood needs values in [0, 1], these go from {low} to {high}; set likelihood = \"gaussian\" or scale = \"minmax\""
                )))
            }
            LikelihoodKind::Squashed => Ok(Self::Squashed { variance }),
            LikelihoodKind::Auto | LikelihoodKind::Bernoulli => Ok(Self::Bernoulli),
        }
    }

    /// `−ln p(x | m)` without [`Likelihood::constant`], summed over dimensions **and over the
    /// batch**, a scalar. Callers divide by the batch size: one reduction instead of two.
    ///
    /// # Shapes
    /// `m` (logits or means), `x`: `[b, d]`.
    pub fn nll_sum(&self, m: &Tensor, x: &Tensor) -> Tensor {
        match self {
            Self::Table(table) => table.terms(m, x).sum(None::<tch::Kind>),
            Self::Bernoulli => {
                m.binary_cross_entropy_with_logits(x, None::<&Tensor>, None::<&Tensor>, tch::Reduction::Sum)
            }
            Self::Gaussian { variance } => m.mse_loss(x, tch::Reduction::Sum) * (0.5 / variance),
            Self::Squashed { variance } => m.sigmoid().mse_loss(x, tch::Reduction::Sum) * (0.5 / variance),
            Self::Learned { least } => {
                let squared = m.mse_loss(x, tch::Reduction::Sum);
                let size = x.numel() as f64;
                let variance = learned_variance(&squared, size, *least);
                squared * 0.5 / &variance + variance.log() * (0.5 * size)
            }
        }
    }

    /// `−ln p(x | m)` without [`Likelihood::constant`] per sample, `[b]`.
    ///
    /// # Shapes
    /// `m` (logits or means), `x`: `[b, d]`.
    pub fn nll(&self, m: &Tensor, x: &Tensor) -> Tensor {
        self.terms(m, x).sum_dim_intlist([-1i64].as_slice(), false, None)
    }

    /// The sum of the squared errors of the numbers whose variance is learned, and their count;
    /// `None` where no variance is.
    ///
    /// # Shapes
    /// `m` (means), `x`: `[b, d]`.
    pub fn learned_errors(&self, m: &Tensor, x: &Tensor) -> Option<(f64, f64)> {
        match self {
            Self::Table(table) => table.learned_errors(m, x),
            Self::Learned { .. } => {
                Some(((x - m).square().sum(tch::Kind::Double).double_value(&[]), x.numel() as f64))
            }
            Self::Bernoulli | Self::Gaussian { .. } | Self::Squashed { .. } => None,
        }
    }

    /// The same model with a learned variance fixed at `variance`, or at the least it can be: then
    /// the density of a sample does not hang on the others of its batch.
    #[must_use]
    pub fn with_variance(&self, variance: f64) -> Self {
        match self {
            Self::Table(table) => Self::Table(table.with_variance(variance)),
            Self::Learned { least } => Self::Gaussian { variance: variance.max(*least) },
            other => other.clone(),
        }
    }

    /// Whether missing values (NaN in `x`) take no part.
    pub fn leaves_out_missing(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// `−ln p` of every value, `[b, d]`, and of every category of a table.
    fn terms(&self, m: &Tensor, x: &Tensor) -> Tensor {
        match self {
            Self::Table(table) => table.terms(m, x),
            Self::Bernoulli => {
                m.binary_cross_entropy_with_logits(x, None::<&Tensor>, None::<&Tensor>, tch::Reduction::None)
            }
            Self::Gaussian { variance } => (x - m).square() * (0.5 / variance),
            Self::Squashed { variance } => (x - m.sigmoid()).square() * (0.5 / variance),
            Self::Learned { least } => {
                let squared = (x - m).square();
                let sum = squared.sum(None::<tch::Kind>);
                let variance = learned_variance(&sum, x.numel() as f64, *least);
                squared * 0.5 / &variance + variance.log() * 0.5
            }
        }
    }

    /// The constant that the loss leaves out, nats per sample, for a reported ELBO: `(D/2) ln 2πλ`
    /// for a normal, 0 otherwise.
    pub fn constant(&self, dim: usize) -> f64 {
        match self {
            Self::Bernoulli => 0.0,
            Self::Table(table) => table.constant(),
            Self::Learned { .. } => dim as f64 * HALF_LN_TWO_PI,
            Self::Gaussian { variance } | Self::Squashed { variance } => {
                dim as f64 * (HALF_LN_TWO_PI + 0.5 * variance.ln())
            }
        }
    }

    /// E[x | m] on the scale of the data, `[b, d]`.
    pub fn mean(&self, m: &Tensor) -> Tensor {
        match self {
            Self::Table(table) => table.mean(m),
            Self::Bernoulli | Self::Squashed { .. } => m.sigmoid(),
            Self::Gaussian { .. } | Self::Learned { .. } => m.shallow_clone(),
        }
    }

    /// The mean of the squared differences of [`Likelihood::mean`] and the values that are there, a
    /// scalar.
    pub fn squared_error(&self, m: &Tensor, x: &Tensor) -> Tensor {
        match self {
            Self::Table(_) => {
                let (is_there, x) = table::present(x);
                let squared = (self.mean(m) - x).square() * &is_there;
                squared.sum(None::<tch::Kind>) / is_there.sum(None::<tch::Kind>).clamp_min(1.0)
            }
            _ => self.mean(m).mse_loss(x, tch::Reduction::Mean),
        }
    }
}

/// The variance of the largest likelihood for a sum of squared errors of `size` values.
fn learned_variance(squared: &Tensor, size: f64, least: f64) -> Tensor {
    (squared.detach() / size).clamp_min(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;
    use ndarray::array;
    use tch::Kind;

    #[test]
    fn reconstruction_terms_by_hand() {
        // Two logits of 0; then x = (1, 0, 0.5) with logits (2, -1, 0.3).
        let nll = |m: &[f64], x: &[f64]| {
            let (m, x) = (Tensor::from_slice(m).view([1, -1]), Tensor::from_slice(x).view([1, -1]));
            let single = Likelihood::Bernoulli.nll(&m, &x).double_value(&[0]);
            assert!((single - Likelihood::Bernoulli.nll_sum(&m, &x).double_value(&[])).abs() < 1e-12);
            single
        };
        assert!((nll(&[0.0, 0.0], &[1.0, 0.0]) - 1.386_294_361_1).abs() < 1e-9);
        assert!((nll(&[2.0, -1.0, 0.3], &[1.0, 0.0, 0.5]) - 1.144_544_943_0).abs() < 1e-9);
    }

    #[test]
    fn gaussian_with_its_constant_is_the_log_density() {
        let likelihood = Likelihood::Gaussian { variance: 0.5 };
        let (m, x) = (
            Tensor::from_slice(&[1.0f64, 2.0]).view([1, 2]),
            Tensor::from_slice(&[0.0f64, 2.5]).view([1, 2]),
        );
        let got = likelihood.nll(&m, &x).double_value(&[0]) + likelihood.constant(2);
        let density = |d: f64| 0.5 * (2.0 * std::f64::consts::PI * 0.5).ln() + d * d / (2.0 * 0.5);
        assert!((got - density(1.0) - density(0.5)).abs() < 1e-12);
        assert!((likelihood.nll_sum(&m, &x).double_value(&[]) - 1.25).abs() < 1e-12);
    }

    #[test]
    fn squashed_is_the_squared_error_of_the_sigmoid() {
        let likelihood = Likelihood::Squashed { variance: 0.4 };
        let (m, x) = (
            Tensor::from_slice(&[0.0f64, 3f64.ln()]).view([1, 2]),
            Tensor::from_slice(&[1.0f64, 0.25]).view([1, 2]),
        );
        // ½ · 2.5 · (0.5² + 0.5²)
        assert!((likelihood.nll(&m, &x).double_value(&[0]) - 0.625).abs() < 1e-12);
        assert!((likelihood.nll_sum(&m, &x).double_value(&[]) - 0.625).abs() < 1e-12);
        assert!((likelihood.mean(&m).double_value(&[0, 1]) - 0.75).abs() < 1e-12);
        assert_eq!(likelihood.constant(2), Likelihood::Gaussian { variance: 0.4 }.constant(2));
    }

    #[test]
    fn large_logits_stay_finite() {
        let m = Tensor::from_slice(&[1e4f32, -1e4]).view([1, 2]);
        let x = Tensor::from_slice(&[0.0f32, 1.0]).view([1, 2]);
        assert_eq!(Likelihood::Bernoulli.nll(&m, &x).to_kind(Kind::Double).double_value(&[0]), 2e4);
    }

    #[test]
    fn the_learned_variance_is_that_of_the_largest_likelihood() {
        let (m, x) = (
            Tensor::from_slice(&[1.0f64, 2.0, 0.0, 0.0]).view([2, 2]),
            Tensor::from_slice(&[0.0f64, 2.5, 1.0, -1.0]).view([2, 2]),
        );
        // Squared errors 1, 0.25, 1, 1: variance 0.8125, and 4/2 (1 + ln v) in all.
        let want = 2.0 * (1.0 + 0.8125f64.ln());
        let learned = Likelihood::learned(2);
        assert!((learned.nll_sum(&m, &x).double_value(&[]) - want).abs() < 1e-12);
        let each = learned.nll(&m, &x);
        assert!((each.sum(Kind::Double).double_value(&[]) - want).abs() < 1e-12);
        assert!((each.double_value(&[0]) - (1.25 / 1.625 + 0.8125f64.ln())).abs() < 1e-12);
        // The gradient is that of a normal distribution of this fixed variance.
        let gradient = |likelihood: &Likelihood| {
            let m = m.copy().set_requires_grad(true);
            likelihood.nll_sum(&m, &x).backward();
            m.grad()
        };
        let fixed = gradient(&Likelihood::Gaussian { variance: 0.8125 });
        assert!((gradient(&learned) - fixed).abs().max().double_value(&[]) < 1e-12);
        // Perfect reconstructions stop at the smallest variance.
        let least = 2.0 * smallest_variance(2).ln();
        assert!((learned.nll_sum(&x, &x).double_value(&[]) - least).abs() < 1e-12);
    }

    #[test]
    fn a_fixed_variance_makes_rows_independent() {
        let (m, x) = (
            Tensor::from_slice(&[1.0f64, 2.0, 0.0, 0.0]).view([2, 2]),
            Tensor::from_slice(&[0.0f64, 2.5, 1.0, -1.0]).view([2, 2]),
        );
        let learned = Likelihood::learned(2);
        assert_eq!(learned.learned_errors(&m, &x), Some((3.25, 4.0)));
        assert_eq!(Likelihood::Bernoulli.learned_errors(&m, &x), None);
        let fixed = learned.with_variance(0.8125);
        // 1.25 / 1.625 and 2 / 1.625, whatever the other row is.
        let nll = fixed.nll(&m, &x);
        assert!((nll.double_value(&[0]) - 1.25 / 1.625).abs() < 1e-12);
        let alone = fixed.nll(&m.narrow(0, 1, 1), &x.narrow(0, 1, 1));
        assert!((alone.double_value(&[0]) - 2.0 / 1.625).abs() < 1e-12);
        assert_eq!(learned.with_variance(0.0), Likelihood::Gaussian { variance: smallest_variance(2) });
        assert_eq!(Likelihood::Bernoulli.with_variance(2.0), Likelihood::Bernoulli);
    }

    #[test]
    fn auto_looks_at_the_values_and_at_their_kind() {
        let features = |x| Features::dense(x).expect("valid");
        let binary = features(array![[0.0f32, 1.0]]);
        let unit = features(array![[0.0f32, 0.5]]);
        let wide = features(array![[-1.0f32, 1.0]]);
        let image =
            unit.clone().with_image(ImageShape { channels: 1, height: 1, width: 2 }).expect("two values");
        let resolve = |kind, x| Likelihood::resolve(kind, 1.0, x);
        let auto = |x| resolve(LikelihoodKind::Auto, x).expect("valid");
        assert_eq!([auto(&binary), auto(&image)], [const { Likelihood::Bernoulli }; 2]);
        assert_eq!([auto(&unit), auto(&wide)], [Likelihood::learned(2), Likelihood::learned(2)]);
        for kind in [LikelihoodKind::Bernoulli, LikelihoodKind::Squashed] {
            assert!(resolve(kind, &wide).is_err_and(|e| e.to_string().contains("-1")));
        }
        assert!(Likelihood::resolve(LikelihoodKind::Gaussian, 0.0, &unit).is_err());
    }
}
