//! The loss of GMVAE-M2 as a pure function of tensors.
//!
//! One z_k per sample and class; sums over pixels and dimensions, the exact sum over classes, a
//! mean over the batch:
//!
//! ```text
//! rec  = Σ_k q(k | x) · −ln p(x | z_k)
//! kl   = Σ_k q(k | x) · [ ln q(z_k | x, k) − ln p(z_k | k) ]
//! cat  = Σ_k q(k | x) ln q(k | x) + ln K
//! loss = rec + kl + cat                                                            (= −ELBO)
//! ```

use tch::{Kind, Tensor};
use vae_core::likelihood::Likelihood;

/// Diagonal normals, by mean and variance.
#[derive(Debug)]
pub struct Gaussian {
    /// Means.
    pub mu: Tensor,
    /// Variances, of the same shape.
    pub var: Tensor,
}

impl Gaussian {
    /// `−2 ln N(z; mu, var) − J ln 2π`, a sum over the last axis.
    fn energy(&self, z: &Tensor) -> Tensor {
        let terms = self.var.log() + (z - &self.mu).square() / &self.var;
        terms.sum_dim_intlist([-1i64].as_slice(), false, None)
    }
}

/// The terms of the loss: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + kl + cat`.
    pub total: Tensor,
    /// `−ln p(x | z)`, expected over the classes.
    pub rec: Tensor,
    /// The divergence of z from its class, expected over the classes.
    pub kl: Tensor,
    /// `KL(q(y | x) ‖ uniform)`.
    pub cat: Tensor,
}

/// `ln q(z_k | x, k) − ln p(z_k | k)`.
///
/// # Shapes
/// `z` and `q`: `[K, b, J]`, `p`: `[K, 1, J]`; result `[K, b]`. Or all three of pairs, `[m, J]`;
/// result `[m]`.
pub fn latent(z: &Tensor, q: &Gaussian, p: &Gaussian) -> Tensor {
    (p.energy(z) - q.energy(z)) * 0.5
}

/// The loss of one batch.
///
/// # Shapes
/// `log_y` (ln q(y | x)): `[b, K]`; `latent`: `[K, b]`; `out` (logits or means, class after class):
/// `[K·b, d]`; `x`: `[b, d]`.
pub fn loss(likelihood: &Likelihood, log_y: &Tensor, latent: &Tensor, out: &Tensor, x: &Tensor) -> Terms {
    let (b, k) = (log_y.size()[0], log_y.size()[1]);
    let y = log_y.exp();
    let weights = y.transpose(0, 1);
    let nll = likelihood.nll(out, &x.repeat([k, 1])).view([k, b]);
    let rec = (&weights * nll).sum(None::<Kind>) / b as f64;
    let kl = (weights * latent).sum(None::<Kind>) / b as f64;
    let cat = divergence(&y, log_y);
    Terms { total: &rec + &kl + &cat, rec, kl, cat }
}

/// The classes in the sum of each sample, as m pairs (class, row) in the order of the classes.
#[derive(Debug)]
pub struct Pairs {
    /// i64 `[m]`.
    pub class: Tensor,
    /// The sample's row in the batch, i64 `[m]`.
    pub row: Tensor,
    /// One over the probability of being drawn, `[m]`.
    pub boost: Tensor,
}

impl Pairs {
    /// Draws pairs: a class of probability `floor` or more always, others with probability
    /// `y / floor`. Uniform numbers in single precision are 0 with probability 2⁻²⁴, so a class of
    /// positive probability is never drawn less often than that: the bias is below `floor · 2⁻²⁴`
    /// times a difference of losses.
    ///
    /// # Shapes
    /// `y` (q(y | x), no gradient passes) and `uniform` (in [0, 1)): `[b, K]`.
    pub fn draw(y: &Tensor, floor: f64, uniform: &Tensor) -> Self {
        let p = (y.detach() / floor).clamp_max(1.0).transpose(0, 1);
        let drawn = uniform.transpose(0, 1).lt_tensor(&p);
        let pairs = drawn.nonzero();
        let boost = p.masked_select(&drawn).reciprocal();
        Self { class: pairs.select(1, 0), row: pairs.select(1, 1), boost }
    }

    /// These pairs followed by pairs of weight 0, so that their number is a multiple of `multiple`.
    pub fn padded(self, multiple: i64) -> Self {
        let missing = (-self.boost.size()[0]).rem_euclid(multiple);
        let extend = |t: &Tensor| Tensor::cat(&[t, &t.new_zeros([missing], (t.kind(), t.device()))], 0);
        match missing {
            0 => self,
            _ => Self { class: extend(&self.class), row: extend(&self.row), boost: extend(&self.boost) },
        }
    }

    /// The entries of the pairs in a matrix `[b, K]`.
    fn of(&self, matrix: &Tensor) -> Tensor {
        matrix.take(&(&self.row * matrix.size()[1] + &self.class))
    }

    /// The values of the pairs minus that of their sample's most probable class, and the sum of the
    /// latter over the samples. The most probable class is always drawn.
    fn above(&self, y: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let most_probable = y.argmax(1, false);
        let is_most_probable = self.class.eq_tensor(&most_probable.index_select(0, &self.row));
        let is_most_probable = is_most_probable.logical_and(&self.boost.gt(0.0));
        let base = values.detach().new_zeros(y.size()[0], (values.kind(), values.device()));
        let base = base.index_add(0, &self.row, &(values.detach() * is_most_probable.to_kind(values.kind())));
        (values - base.index_select(0, &self.row), base.sum(None::<Kind>))
    }
}

/// [`loss`] from sampled pairs: an unbiased estimate of its value and gradient.
///
/// As Σ_k y_ik = 1, the value of the sample's most probable class can be subtracted as a baseline:
/// a rare term with a large weight is then a difference of losses instead of a loss.
///
/// # Shapes
/// `log_y`: `[b, K]`; `nll` and `latent` of the pairs: `[m]`.
pub fn loss_of_pairs(log_y: &Tensor, pairs: &Pairs, latent: &Tensor, nll: &Tensor) -> Terms {
    let b = log_y.size()[0] as f64;
    let y = log_y.exp();
    let ((nll, nll_base), (latent, latent_base)) = (pairs.above(&y, nll), pairs.above(&y, latent));
    // A class whose gradient on y overflows single precision has a y below 10⁻³³ and is left out.
    let slope = nll.detach() / b * &pairs.boost + latent.detach() / b * &pairs.boost;
    let boost = pairs.boost.where_self(&slope.isfinite(), &pairs.boost.zeros_like());
    let sum = |above: Tensor| (pairs.of(&y) * &boost * above).sum(None::<Kind>);
    let rec = (sum(nll) + nll_base) / b;
    let kl = (sum(latent) + latent_base) / b;
    let cat = divergence(&y, log_y);
    Terms { total: &rec + &kl + &cat, rec, kl, cat }
}

/// `KL(q(y | x) ‖ uniform)`, a mean over the batch. A class of probability 0 contributes 0: 0 ·
/// (−large) instead of 0 · (−∞).
fn divergence(y: &Tensor, log_y: &Tensor) -> Tensor {
    let k = y.size()[1] as f64;
    (y * (log_y.clamp_min(-1e4) + k.ln())).sum(None::<Kind>) / y.size()[0] as f64
}

#[cfg(test)]
mod tests;
