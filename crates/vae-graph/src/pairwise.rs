//! DGG's graph objective (Yang, Cheung, Li and Fang 2019, equations 9 to 12), in two forms.
//!
//! With weights `u_ii = ½` for the point itself and `u_ij = ½ w_ij` for its neighbours (Σ_j u_ij =
//! 1), DGG minimises
//!
//! ```text
//! Σ_i Σ_j u_ij [ −ln p(x_i | z_j) + zc_j − ent_j + Σ_k gamma_jk (ln gamma_jk − ln pi_ik) ]
//! ```
//!
//! where z_j, gamma_j belong to x_j while the target is x_i, and `pi_i` is the maximiser of the
//! objective on the simplex, `pi_i = Σ_j u_ij gamma_j`. (The formula printed for pi in the paper is
//! not normalised over k; the authors' code has the right one.)
//!
//! [`tuples`] is that sum as printed: each point with all its neighbours is encoded and decoded, 21
//! times the work of an auto-encoder. [`smoothed`] is the same number and the same gradient at the
//! work of one: **z_j is decoded once whatever the target, and the log-likelihood is linear in the
//! target** (Bernoulli; for a Gaussian up to a constant), so the sum over i can be done on the
//! data, once, before training:
//!
//! ```text
//! c_j   = Σ_i u_ij                    weights
//! x̄_j   = Σ_i u_ij x_i / c_j          smoothed targets
//! ℓ̄_jk  = Σ_i u_ij ln pi_ik / c_j     a prior for each sample
//!
//! Σ_j c_j [ −ln p(x̄_j | z_j) + zc_j − ent_j + Σ_k gamma_jk (ln gamma_jk − ℓ̄_jk) ]
//! ```
//!
//! [`Smoothing`] holds the three. `pi` needs the assignments of all points, so a training keeps
//! them in a bank.

use crate::{Graph, Result, affinity};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use tch::{Kind, Tensor};
use vae_core::Features;
use vae_core::identity::Revision;

/// The objective, with the graph it is taken on.
pub const REVISIONS: &[Revision] = &[("pairwise-objective", 1), affinity::REVISION];

/// Smallest pi whose logarithm is taken.
const SMALLEST_PI: f64 = 1e-30;

/// Rows of features made dense at a time.
const BLOCK: usize = 4096;

/// The weights `u` of all pairs, and the sums over targets that they define.
#[derive(Debug)]
pub struct Smoothing {
    u: Graph,
    turned: Graph,
    c: Array1<f64>,
}

impl Smoothing {
    /// From a directed graph whose rows sum to 1. A node without neighbours has weight 1 on itself.
    pub fn new(w: &Graph) -> Self {
        let u = w.with_self(0.5, 0.5);
        let turned = u.transposed();
        let c = turned.row_sums();
        Self { u, turned, c }
    }

    /// The weights `u_ij`; every row sums to 1.
    pub fn u(&self) -> &Graph {
        &self.u
    }

    /// `c_j`, `[n]`: the total weight of the targets of point j's latent. Their sum is n.
    pub fn c(&self) -> &Array1<f64> {
        &self.c
    }

    /// The smoothed targets x̄, `[n, d]`, dense.
    ///
    /// # Errors
    /// [`crate::Error::Size`] when `x` has another number of rows.
    pub fn targets(&self, x: &Features) -> Result<Array2<f32>> {
        let mut targets = match x.as_dense() {
            Some(x) => self.turned.multiply(x)?,
            None => {
                // Sparse rows: column blocks of the product would need the transposed data, so rows
                // are gathered instead.
                let mut out = Array2::zeros((x.n(), x.dim()));
                for start in (0..x.n()).step_by(BLOCK) {
                    for i in start..(start + BLOCK).min(x.n()) {
                        let row = x.dense_rows(i, i + 1);
                        for (j, u) in self.u.row(i) {
                            out.row_mut(j as usize).scaled_add(u, &row.row(0));
                        }
                    }
                }
                out
            }
        };
        for (mut row, &c) in targets.outer_iter_mut().zip(&self.c) {
            row.mapv_inplace(|v| (f64::from(v) / c) as f32);
        }
        Ok(targets)
    }

    /// `pi = U gamma`, `[n, K]`: the exact maximiser of the objective for the given assignments.
    ///
    /// # Errors
    /// [`crate::Error::Size`] when `gamma` has another number of rows.
    pub fn pi(&self, gamma: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.u.multiply(gamma)
    }

    /// ℓ̄, `[n, K]`: the weighted mean of `ln pi_i` over the points i whose target is decoded from
    /// j.
    ///
    /// # Errors
    /// [`crate::Error::Size`] when `pi` has another number of rows.
    pub fn log_prior(&self, pi: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let log_pi = pi.mapv(|p| p.max(SMALLEST_PI).ln());
        let c = self.c.view().insert_axis(Axis(1));
        Ok(self.turned.multiply(log_pi.view())? / c)
    }
}

/// The latent terms of a batch: the inputs of the objective besides the likelihood. The leading
/// shape is `[b]` for [`smoothed`] and `[b, m]` for [`tuples`].
#[derive(Debug)]
pub struct Latent {
    /// `[.., K]`: `−E_q(z) ln p(z | c)` without the constant `(J/2) ln 2π`.
    pub energy: Tensor,
    /// `[..]`: entropy of q(z | x) without the same constant.
    pub entropy: Tensor,
    /// `[.., K]`: log assignments of the classifier.
    pub log_gamma: Tensor,
}

/// The terms of the objective: scalars, nats per sample, means over the batch.
#[derive(Debug)]
pub struct Terms {
    /// `rec + zc − ent + cat`.
    pub total: Tensor,
    /// `−ln p(x | z)`, weighted.
    pub rec: Tensor,
    /// Expected energy under the components, weighted.
    pub zc: Tensor,
    /// Entropy of q(z | x), weighted.
    pub ent: Tensor,
    /// `Σ_k gamma (ln gamma − ln prior)`, weighted: at the optimal pi a generalised Jensen–Shannon
    /// divergence of the assignments of a point and its neighbours, 0 when all agree.
    pub cat: Tensor,
}

const LAST: [i64; 1] = [-1];

/// The objective of a batch of points j in the smoothed form.
///
/// # Shapes
/// `nll`: `[b]`, `−ln p(x̄_j | z_j)`; `latent` with leading shape `[b]`; `log_prior`: `[b, K]`,
/// rows of [`Smoothing::log_prior`]; `c`: `[b]`, rows of [`Smoothing::c`].
///
/// # Reduction
/// Mean over the batch. Over all n points this is 1/n of the double sum, because the `c` sum to n.
pub fn smoothed(nll: &Tensor, latent: &Latent, log_prior: &Tensor, c: &Tensor) -> Terms {
    weighted(nll, latent, log_prior, &(c / c.size()[0] as f64))
}

/// The objective of a batch of tuples, as printed: slot 0 is the point i itself, the others are its
/// neighbours j.
///
/// `pi_i` comes from the assignments in the tuple, without a gradient; since it is the maximiser,
/// the gradient is that of the objective with pi inside.
///
/// # Shapes
/// `nll`: `[b, m]`, `−ln p(x_i | z_j)`; `latent` with leading shape `[b, m]`; `u`: `[b, m]`, rows
/// sum to 1.
///
/// # Reduction
/// Sum over the slots, mean over the batch.
pub fn tuples(nll: &Tensor, latent: &Latent, u: &Tensor) -> Terms {
    let gamma = latent.log_gamma.detach().exp();
    let pi = (u.unsqueeze(-1) * gamma).sum_dim_intlist([-2i64].as_slice(), true, None);
    weighted(nll, latent, &pi.clamp_min(SMALLEST_PI).log(), &(u / u.size()[0] as f64))
}

/// Sums with the weights `w` of the leading shape.
fn weighted(nll: &Tensor, latent: &Latent, log_prior: &Tensor, w: &Tensor) -> Terms {
    let gamma = latent.log_gamma.exp();
    let per_cluster = |t: Tensor| (&gamma * t).sum_dim_intlist(LAST.as_slice(), false, None);
    let total = |t: &Tensor| (w * t).sum(None::<Kind>);
    let rec = total(nll);
    let zc = total(&per_cluster(latent.energy.shallow_clone()));
    let ent = total(&latent.entropy);
    let cat = total(&per_cluster(&latent.log_gamma - log_prior));
    Terms { total: &rec + &zc - &ent + &cat, rec, zc, ent, cat }
}

#[cfg(test)]
mod tests;
