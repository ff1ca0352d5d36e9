//! A tree with its parameters: densities, log p(z) and posteriors.
//!
//! ```text
//! l_Y(y)   = Σ_b log N(z_b | mu_by, Sigma_by)  +  Σ_C m_C(y)          over leaves b and latents C under Y
//! m_C(y)   = logsumexp_c [ log P(c | y) + l_C(c) ]
//! log p(z) = logsumexp_y [ log P(y) + l_root(y) ]
//! downward: log P(c, y | z) = log P(y | z) − m_C(y) + log P(c | y) + l_C(c)
//! ```

use super::structure::Structure;
use tch::{Kind, Tensor};
use vae_core::kl::HALF_LN_TWO_PI;
use vae_core::program::{Op, Program, Value};
use vae_core::{Error, Result};

/// Lower bound of probabilities before the logarithm: published trees have zeros and denormals.
const SMALLEST: f64 = 1e-100;

/// Log probability of an excluded state; finite, so that gradients are.
const IMPOSSIBLE: f64 = 1e5;

const LAST: [i64; 1] = [-1];

/// The Gaussians of a leaf of p variables under a latent of c states.
#[derive(Debug)]
pub struct Leaf {
    /// `[c, p]`.
    pub mu: Tensor,
    /// Covariances, `[c, p, p]`.
    pub sigma: Tensor,
    /// Columns of `z`, i64 `[p]`.
    columns: Tensor,
    /// Inverse of the Cholesky factor of `sigma`, `[c, p, p]`.
    whiten: Tensor,
    /// `−(p/2) ln 2π − ½ ln |Sigma|`, `[c]`.
    constant: Tensor,
}

impl Leaf {
    /// Gaussians of the given variables, p of them, for each of c states.
    ///
    /// # Shapes
    /// `mu`: `[c, p]`, `sigma`: `[c, p, p]`.
    ///
    /// # Errors
    /// [`Error::Numeric`] when a covariance is not positive definite; libtorch's.
    pub fn new(variables: &[usize], mu: Tensor, sigma: Tensor) -> Result<Self> {
        let columns: Vec<i64> = variables.iter().map(|&v| v as i64).collect();
        let (factor, info) = sigma.f_linalg_cholesky_ex(false, false)?;
        if info.f_abs()?.f_max()?.f_int64_value(&[])? != 0 {
            let why = "a covariance of the latent tree is not positive definite; raise `covariance_floor`, or lower `eta`";
            return Err(Error::Numeric(why.into()));
        }
        let p = variables.len() as i64;
        let eye = Tensor::f_eye(p, (Kind::Double, sigma.device()))?.f_expand_as(&sigma)?;
        let whiten = factor.f_linalg_solve_triangular(&eye, false, true, false)?;
        let half_log_det =
            factor.f_diagonal(0, -2, -1)?.f_log()?.f_sum_dim_intlist(LAST.as_slice(), false, None)?;
        let constant = -half_log_det - p as f64 * HALF_LN_TWO_PI;
        let columns = Tensor::f_from_slice(&columns)?.f_to_device(mu.device())?;
        Ok(Self { mu, sigma, columns, whiten, constant })
    }

    /// The leaf's variables of `z`, `[n, p]`.
    pub fn values(&self, z: &Tensor) -> Tensor {
        z.index_select(1, &self.columns)
    }

    /// `log N(z_b | mu_y, Sigma_y)`, `[n, c]`.
    pub(crate) fn log_density(&self, z: &Tensor) -> Tensor {
        let difference = self.values(z).unsqueeze(0) - self.mu.unsqueeze(1);
        let white = difference.matmul(&self.whiten.transpose(-2, -1));
        let quadratic = white.square().sum_dim_intlist(LAST.as_slice(), false, None);
        (quadratic * -0.5 + self.constant.unsqueeze(1)).tr()
    }

    /// Adds the log density of each state to a program.
    pub(super) fn describe(&self, program: &mut Program, z: &Value) -> Result<Value> {
        let Self { mu, columns, whiten, constant, .. } = self;
        let tensors = [("columns", columns), ("mu", mu), ("whiten", whiten), ("constant", constant)];
        program.add(Op::Gaussians, &[z], &tensors)
    }
}

/// A structure with its parameters.
#[derive(Debug)]
pub struct LatentTree {
    /// The structure of a tree: the parent of each node.
    pub structure: Structure,
    /// For each latent P(own state | state of the parent), `[c_parent, c]`; `[1, c]` for the root.
    pub cpt: Vec<Tensor>,
    /// For each leaf of the structure its Gaussians.
    pub leaves: Vec<Leaf>,
}

/// Posteriors of `n` points.
#[derive(Debug)]
pub struct Posteriors {
    /// `log p(z)`, `[n]`.
    pub log_p: Tensor,
    /// For each latent `log P(y | z)`, `[n, c]`.
    pub log_state: Vec<Tensor>,
    /// For each latent but the root `log P(parent, own | z)`, `[n, c_parent, c]`.
    pub log_pair: Vec<Option<Tensor>>,
}

/// The upward messages.
struct Upward {
    /// l_Y, `[n, c]`, for each latent.
    l: Vec<Tensor>,
    /// m_C, `[n, c_parent]`, for each latent but the root.
    m: Vec<Option<Tensor>>,
    log_p: Tensor,
}

impl LatentTree {
    pub(super) fn log_cpt(&self, y: usize) -> Tensor {
        self.cpt[y].clamp_min(SMALLEST).log()
    }

    /// `hint`: added to l of the root, `[n, c]`.
    fn upward(&self, z: &Tensor, hint: Option<&Tensor>) -> Upward {
        let n_latents = self.structure.latents.len();
        let mut l: Vec<Option<Tensor>> = (0..n_latents).map(|_| None).collect();
        let mut m: Vec<Option<Tensor>> = (0..n_latents).map(|_| None).collect();
        let add = |slot: &mut Option<Tensor>, term: Tensor| {
            *slot = Some(match slot.take() {
                None => term,
                Some(sum) => sum + term,
            });
        };
        for (node, leaf) in self.structure.leaves.iter().zip(&self.leaves) {
            add(&mut l[node.parent], leaf.log_density(z));
        }
        let shape = |y: usize| [z.size()[0], self.structure.latents[y].n_states as i64];
        let nothing = |y: usize| Tensor::zeros(shape(y), (z.kind(), z.device()));
        // Children come after their parents, so that in reverse order each message is complete when
        // it is sent.
        for c in (1..n_latents).rev() {
            let own = l[c].take().unwrap_or_else(|| nothing(c));
            let message = (own.unsqueeze(1) + self.log_cpt(c)).logsumexp(LAST.as_slice(), false);
            l[c] = Some(own);
            if let Some(parent) = self.structure.latents[c].parent {
                add(&mut l[parent], message.shallow_clone());
            }
            m[c] = Some(message);
        }
        if let Some(hint) = hint {
            add(&mut l[0], hint.shallow_clone());
        }
        let l: Vec<Tensor> =
            l.into_iter().enumerate().map(|(y, l)| l.unwrap_or_else(|| nothing(y))).collect();
        let log_p = (&l[0] + self.log_cpt(0)).logsumexp(LAST.as_slice(), false);
        Upward { l, m, log_p }
    }

    /// `log p(z)` in nats, `[n]`. Differentiable with respect to `z`.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64.
    pub fn log_prob(&self, z: &Tensor) -> Tensor {
        self.upward(z, None).log_p
    }

    /// `log p(z, y)` for given states y of the root, `[n]`. Differentiable with respect to `z`.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64; `root`: i64 `[n]`.
    pub fn log_prob_with_root(&self, z: &Tensor, root: &Tensor) -> Tensor {
        self.upward(z, Some(&self.hint(root))).log_p
    }

    /// 0 for the given states of the root, a large negative number for the others, `[n, c]`.
    fn hint(&self, root: &Tensor) -> Tensor {
        let states = self.structure.latents[0].n_states as i64;
        (root.one_hot(states).to_kind(Kind::Double) - 1.0) * IMPOSSIBLE
    }

    /// The posteriors of all latents.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64.
    pub fn posteriors(&self, z: &Tensor) -> Posteriors {
        self.downward(self.upward(z, None))
    }

    /// The posteriors when the states of the root are known.
    ///
    /// # Shapes
    /// `z`: `[n, J]`, f64; `root`: i64 `[n]`.
    pub(crate) fn posteriors_with_root(&self, z: &Tensor, root: &Tensor) -> Posteriors {
        self.downward(self.upward(z, Some(&self.hint(root))))
    }

    fn downward(&self, up: Upward) -> Posteriors {
        let root = &up.l[0] + self.log_cpt(0) - up.log_p.unsqueeze(1);
        let (mut log_state, mut log_pair) = (vec![root], vec![None]);
        for c in 1..up.l.len() {
            let (Some(parent), Some(message)) = (self.structure.latents[c].parent, &up.m[c]) else {
                continue;
            };
            let above = &log_state[parent] - message;
            let pair = above.unsqueeze(2) + self.log_cpt(c) + up.l[c].unsqueeze(1);
            log_state.push(pair.logsumexp([1i64].as_slice(), false));
            log_pair.push(Some(pair));
        }
        Posteriors { log_p: up.log_p, log_state, log_pair }
    }

    /// P(y) of each latent in the model, `[c]`.
    pub fn marginals(&self) -> Vec<Tensor> {
        let mut marginals: Vec<Tensor> = vec![self.cpt[0].squeeze_dim(0)];
        for (c, latent) in self.structure.latents.iter().enumerate().skip(1) {
            let above = marginals[latent.parent.unwrap_or(0)].unsqueeze(0);
            marginals.push(above.matmul(&self.cpt[c]).squeeze_dim(0));
        }
        marginals
    }

    /// The device of the parameters.
    pub fn device(&self) -> tch::Device {
        self.cpt[0].device()
    }

    /// The same structure and probabilities with all covariances `alpha I`.
    ///
    /// # Errors
    /// [`Error::Numeric`] when `alpha` is not positive; libtorch's.
    pub fn with_isotropic(&self, alpha: f64) -> Result<Self> {
        let leaves = self.structure.leaves.iter().zip(&self.leaves).map(|(node, leaf)| {
            let p = node.variables.len() as i64;
            let eye = Tensor::f_eye(p, (Kind::Double, leaf.mu.device()))? * alpha;
            Leaf::new(&node.variables, leaf.mu.shallow_clone(), eye.f_expand_as(&leaf.sigma)?.f_contiguous()?)
        });
        let leaves = leaves.collect::<Result<_>>()?;
        let cpt = self.cpt.iter().map(Tensor::shallow_clone).collect();
        Ok(Self { structure: self.structure.clone(), cpt, leaves })
    }

    /// A point of each state of the root, `[n, J]`: states of the other latents are drawn below it
    /// by `uniform`, `[n, l]` in [0, 1), Gaussians by `noise`, `[n, J]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn sample_given_root(&self, state: usize, uniform: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let n = noise.size()[0];
        let mut states = vec![Tensor::f_full([n], state as i64, (Kind::Int64, noise.device()))?];
        for (c, latent) in self.structure.latents.iter().enumerate().skip(1) {
            let above = &states[latent.parent.unwrap_or(0)];
            let cumulative = self.cpt[c].f_cumsum(1, Kind::Double)?.f_index_select(0, above)?;
            let drawn = uniform.f_narrow(1, c as i64, 1)?.f_ge_tensor(&cumulative)?.f_sum_dim_intlist(
                LAST.as_slice(),
                false,
                Kind::Int64,
            )?;
            states.push(drawn.f_clamp_max(latent.n_states as f64 - 1.0)?.f_to_kind(Kind::Int64)?);
        }
        let z = noise.f_zeros_like()?;
        for (node, leaf) in self.structure.leaves.iter().zip(&self.leaves) {
            let state = &states[node.parent];
            let factor = leaf.sigma.f_linalg_cholesky(false)?.f_index_select(0, state)?;
            let white = leaf.values(noise).f_unsqueeze(2)?;
            let drawn = leaf.mu.f_index_select(0, state)? + factor.f_matmul(&white)?.f_squeeze_dim(2)?;
            let _ = z.shallow_clone().f_index_copy_(1, &leaf.columns, &drawn)?;
        }
        Ok(z)
    }
}
