//! Expectation maximisation of a tree's parameters.
//!
//! Stepwise EM (Cappé and Moulines 2009, as LTVAE uses it): the statistics that the model itself
//! expects of n points are moved a share η towards those of the batch, and maximised,
//!
//! ```text
//! s = s_model + η (s_batch − s_model)
//! mu_y = S_y / N_y,  Sigma_y = Q_y / N_y − mu_y mu_yᵀ,  P(c | y) = N_yc / Σ_c N_yc
//! ```
//!
//! so η = 1 is an ordinary step of EM on the batch, and η = 0 changes nothing. A state with zero
//! posterior mass keeps its parameters.

use super::messages::{LatentTree, Leaf, Posteriors};
use super::structure::Structure;
use tch::{Kind, Tensor};
use vae_core::Result;

/// Mass per point below which a state keeps its old parameters.
const LEAST_SHARE: f64 = 1e-9;

const ROWS: [i64; 1] = [0];
const LAST: [i64; 1] = [-1];

/// Whether covariances are estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Covariance {
    /// They are fixed.
    Kept,
    /// They are estimated; eigenvalues are at least `floor`.
    Estimated {
        /// Smallest eigenvalue.
        floor: f64,
    },
}

/// Sums over points under posteriors, or what the model expects of them.
struct Statistics {
    /// For each latent, of pairs with the parent, `[c_parent, c]`; `[1, c]` for the root.
    pairs: Vec<Tensor>,
    /// For each leaf N `[c]`, S `[c, p]` and, where covariances are estimated, Q `[c, p, p]`.
    leaves: Vec<(Tensor, Tensor, Option<Tensor>)>,
}

fn outer(x: &Tensor) -> Tensor {
    x.unsqueeze(-1) * x.unsqueeze(-2)
}

impl Statistics {
    fn of_model(tree: &LatentTree, n: f64, covariance: Covariance) -> Self {
        let marginals = tree.marginals();
        let pairs = tree.structure.latents.iter().zip(&tree.cpt).map(|(latent, cpt)| match latent.parent {
            None => cpt * n,
            Some(parent) => marginals[parent].unsqueeze(1) * cpt * n,
        });
        let leaves = tree.structure.leaves.iter().zip(&tree.leaves).map(|(node, leaf)| {
            let mass = &marginals[node.parent] * n;
            let second = (covariance != Covariance::Kept)
                .then(|| (&leaf.sigma + outer(&leaf.mu)) * mass.unsqueeze(1).unsqueeze(2));
            (mass.shallow_clone(), &leaf.mu * mass.unsqueeze(1), second)
        });
        Self { pairs: pairs.collect(), leaves: leaves.collect() }
    }

    /// `gamma`: for each latent P(y | z), `[n, c]`; `pairs` as in [`Statistics`].
    fn of_points(
        leaves: &[(usize, Tensor)],
        gamma: &[Tensor],
        pairs: Vec<Tensor>,
        covariance: Covariance,
    ) -> Self {
        let leaves = leaves.iter().map(|(parent, x)| {
            let gamma = &gamma[*parent];
            let mass = gamma.sum_dim_intlist(ROWS.as_slice(), false, None);
            let second = (covariance != Covariance::Kept).then(|| {
                // [c, p, n] with weights times [n, p].
                (gamma.tr().unsqueeze(1) * x.tr().unsqueeze(0)).matmul(x)
            });
            (mass, gamma.tr().matmul(x), second)
        });
        Self { pairs, leaves: leaves.collect() }
    }

    fn of_batch(
        tree: &LatentTree,
        z: &Tensor,
        posteriors: Posteriors,
        covariance: Covariance,
    ) -> (Self, Tensor) {
        let gamma: Vec<Tensor> = posteriors.log_state.iter().map(Tensor::exp).collect();
        let pairs = posteriors.log_pair.iter().zip(&gamma).map(|(pair, gamma)| match pair {
            None => gamma.sum_dim_intlist(ROWS.as_slice(), true, None),
            Some(pair) => pair.exp().sum_dim_intlist(ROWS.as_slice(), false, None),
        });
        let leaves: Vec<_> = tree
            .structure
            .leaves
            .iter()
            .zip(&tree.leaves)
            .map(|(node, leaf)| (node.parent, leaf.values(z)))
            .collect();
        (Self::of_points(&leaves, &gamma, pairs.collect(), covariance), posteriors.log_p)
    }

    /// `self + eta (other − self)`.
    fn towards(self, other: Self, eta: f64) -> Self {
        let mix = |a: Tensor, b: Tensor| a.lerp(&b, eta);
        let leaves =
            self.leaves.into_iter().zip(other.leaves).map(|((n, s, q), (n2, s2, q2))| {
                (mix(n, n2), mix(s, s2), q.zip(q2).map(|(q, q2)| mix(q, q2)))
            });
        let pairs = self.pairs.into_iter().zip(other.pairs).map(|(a, b)| mix(a, b));
        Self { pairs: pairs.collect(), leaves: leaves.collect() }
    }

    /// The maximiser. Where a state has no mass the parameters of `old` stay.
    fn maximised(
        self,
        structure: &Structure,
        old: &LatentTree,
        n: f64,
        covariance: Covariance,
    ) -> Result<LatentTree> {
        let least = n * LEAST_SHARE;
        let cpt = self.pairs.iter().zip(&old.cpt).map(|(pairs, old)| {
            let mass = pairs.sum_dim_intlist(LAST.as_slice(), true, None);
            let fresh = pairs / mass.clamp_min(f64::MIN_POSITIVE);
            fresh.where_self(&mass.gt(least), old)
        });
        let cpt: Vec<Tensor> = cpt.collect();
        let mut leaves = Vec::with_capacity(self.leaves.len());
        for ((node, (mass, first, second)), old) in structure.leaves.iter().zip(self.leaves).zip(&old.leaves)
        {
            let known = mass.gt(least);
            let mass = mass.clamp_min(least.max(f64::MIN_POSITIVE));
            let mu = (first / mass.unsqueeze(1)).where_self(&known.unsqueeze(1), &old.mu);
            let sigma = match (second, covariance) {
                (Some(second), Covariance::Estimated { floor }) => {
                    let mass = mass.unsqueeze(1).unsqueeze(2);
                    let sigma = floored(&(second / mass - outer(&mu)), floor)?;
                    sigma.where_self(&known.unsqueeze(1).unsqueeze(2), &old.sigma)
                }
                _ => old.sigma.shallow_clone(),
            };
            leaves.push(Leaf::new(&node.variables, mu, sigma)?);
        }
        Ok(LatentTree { structure: structure.clone(), cpt, leaves })
    }
}

/// Symmetric matrices with eigenvalues raised to at least `floor`, `[c, p, p]`.
fn floored(sigma: &Tensor, floor: f64) -> Result<Tensor> {
    if sigma.size()[2] == 1 {
        return Ok(sigma.f_clamp_min(floor)?);
    }
    let symmetric = (sigma + sigma.transpose(-2, -1)) * 0.5;
    let (values, vectors) = symmetric.f_linalg_eigh("L")?;
    if values.f_min()?.f_double_value(&[])? >= floor {
        return Ok(symmetric);
    }
    Ok((&vectors * values.f_clamp_min(floor)?.unsqueeze(-2)).f_matmul(&vectors.transpose(-2, -1))?)
}

impl LatentTree {
    /// One stepwise update by the batch `z` with learning rate `eta`; returns the new tree and the
    /// mean log p(z) under the old one.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64; its gradient is not followed.
    ///
    /// # Errors
    /// libtorch's.
    pub fn stepwise(&self, z: &Tensor, eta: f64, covariance: Covariance) -> Result<(Self, f64)> {
        let _guard = tch::no_grad_guard();
        let z = z.detach();
        self.step(&z, self.posteriors(&z), eta, covariance)
    }

    /// The same with known states of the root, i64 `[n]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn stepwise_with_root(
        &self,
        z: &Tensor,
        root: &Tensor,
        eta: f64,
        covariance: Covariance,
    ) -> Result<(Self, f64)> {
        let _guard = tch::no_grad_guard();
        let z = z.detach();
        self.step(&z, self.posteriors_with_root(&z, root), eta, covariance)
    }

    fn step(
        &self,
        z: &Tensor,
        posteriors: Posteriors,
        eta: f64,
        covariance: Covariance,
    ) -> Result<(Self, f64)> {
        let n = z.size()[0] as f64;
        let (batch, log_p) = Statistics::of_batch(self, z, posteriors, covariance);
        let moved = Statistics::of_model(self, n, covariance).towards(batch, eta);
        let tree = moved.maximised(&self.structure, self, n, covariance)?;
        Ok((tree, log_p.f_mean(Kind::Double)?.f_double_value(&[])?))
    }

    /// The tree whose parameters are the moments of `z` under given assignments, independent given
    /// `z`.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64; `gamma`: for each latent `[n, c]`, rows of sum 1.
    ///
    /// # Errors
    /// [`vae_core::Error::Config`] for a structure that is none; libtorch's.
    pub fn of_assignments(structure: &Structure, z: &Tensor, gamma: &[Tensor], floor: f64) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        structure.check(z.size()[1] as usize)?;
        let (n, covariance) = (z.size()[0] as f64, Covariance::Estimated { floor });
        // A state without points gets uniform probabilities and the moments of all points.
        let whole = |variables: &[usize], c: i64| -> Result<Leaf> {
            let columns: Vec<i64> = variables.iter().map(|&v| v as i64).collect();
            let x = z.f_index_select(1, &Tensor::f_from_slice(&columns)?.f_to_device(z.device())?)?;
            let mu = x.f_mean_dim(ROWS.as_slice(), true, None)?;
            let centred = &x - &mu;
            let p = columns.len() as i64;
            let sigma = floored(&(centred.tr().f_matmul(&centred)? / n).unsqueeze(0), floor)?;
            let (mu, sigma) = (mu.f_expand([c, p], false)?, sigma.f_expand([c, p, p], false)?);
            Leaf::new(variables, mu.f_contiguous()?, sigma.f_contiguous()?)
        };
        let states = |y: usize| structure.latents[y].n_states as i64;
        let leaves = structure.leaves.iter().map(|l| whole(&l.variables, states(l.parent)));
        let leaves: Vec<Leaf> = leaves.collect::<Result<_>>()?;
        let uniform = |latent: &super::Latent| {
            let c = latent.n_states as i64;
            let shape = [latent.parent.map_or(1, states), c];
            Tensor::f_full(shape, 1.0 / c as f64, (Kind::Double, z.device()))
        };
        let cpt = structure.latents.iter().map(uniform).collect::<std::result::Result<_, _>>()?;
        let old = Self { structure: structure.clone(), cpt, leaves };
        let pairs = structure.latents.iter().zip(gamma).map(|(latent, own)| match latent.parent {
            None => own.sum_dim_intlist(ROWS.as_slice(), true, None),
            Some(parent) => gamma[parent].tr().matmul(own),
        });
        let values: Vec<_> = structure
            .leaves
            .iter()
            .zip(&old.leaves)
            .map(|(node, leaf)| (node.parent, leaf.values(z)))
            .collect();
        let statistics = Statistics::of_points(&values, gamma, pairs.collect(), covariance);
        statistics.maximised(structure, &old, n, covariance)
    }

    /// EM on all of `z` until the mean log-likelihood gains less than `tolerance` nats, at most
    /// `n_steps`; returns the tree and its mean log p(z).
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64.
    ///
    /// # Errors
    /// libtorch's.
    pub fn em(
        self,
        z: &Tensor,
        n_steps: usize,
        tolerance: f64,
        covariance: Covariance,
    ) -> Result<(Self, f64)> {
        let (mut tree, mut before) = (self, f64::NEG_INFINITY);
        for _ in 0..n_steps {
            let (next, log_p) = tree.stepwise(z, 1.0, covariance)?;
            if log_p - before < tolerance {
                return Ok((tree, log_p));
            }
            (tree, before) = (next, log_p);
        }
        let _guard = tch::no_grad_guard();
        let log_p = tree.log_prob(z).f_mean(Kind::Double)?.f_double_value(&[])?;
        Ok((tree, log_p))
    }
}
