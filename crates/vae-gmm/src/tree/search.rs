//! A hill climb over structures by the Bayesian information criterion, restricted as in LTVAE's
//! clustering runs: the numbers of states are fixed, and there are at most `max_latents` latents.
//!
//! ```text
//! BIC(m) = d(m) · ln N − 2 log P(D | m, θ*)
//! ```
//!
//! The lower the better: Schwarz's criterion in its usual form, as [`Gmm::bic`](crate::Gmm::bic)
//! has it. The paper maximises −½ times this.
//!
//! One cycle expands (NI: a new latent takes some leaves of another; PO: two leaves become a
//! pouch), adjusts (NR: a leaf moves to another latent) and simplifies (UP: a variable leaves its
//! pouch; ND: a latent is deleted and its leaves return to its parent). Candidates are compared
//! after a few steps of EM from the current tree's posteriors, the best one is fitted in full and
//! taken when it improves the criterion. Cycles are repeated while one of them does. The root is
//! never deleted: its states are the clusters.
//!
//! The new latent of NI begins with the pair of leaves that lowers the criterion most and takes
//! further leaves while the criterion falls (the authors score every subset their Java program
//! reaches).

mod moves;

use self::moves::{Candidate, Stage};
use super::em::Covariance;
use super::messages::LatentTree;
use super::structure::Structure;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use vae_core::random::{Streams, permutation};
use vae_core::{Error, Result};

/// Settings of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// Largest number of latents.
    pub max_latents: usize,
    /// States of a new latent.
    pub new_states: usize,
    /// Whether leaves may be joined into pouches (PO). The authors' two-facet script searches
    /// without.
    pub pouches: bool,
    /// Steps of EM for a candidate.
    pub local_steps: usize,
    /// Largest number of EM steps for the best candidate.
    pub em_steps: usize,
    /// Random initialisations for the best candidate, besides the one from the current tree.
    pub n_init: usize,
    /// Smallest eigenvalue of a covariance.
    pub covariance_floor: f64,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            max_latents: 2,
            new_states: 2,
            pouches: true,
            local_steps: 20,
            em_steps: 200,
            n_init: 10,
            covariance_floor: 0.01,
        }
    }
}

impl SearchConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        for (field, value, least) in [
            ("max_latents", self.max_latents, 1),
            ("new_states", self.new_states, 2),
            ("local_steps", self.local_steps, 1),
            ("em_steps", self.em_steps, 1),
        ] {
            if value < least {
                return Err(Error::config(field, value, &format!("at least {least}")));
            }
        }
        if !(self.covariance_floor > 0.0 && self.covariance_floor.is_finite()) {
            return Err(Error::config("covariance_floor", self.covariance_floor, "a finite number above 0"));
        }
        Ok(())
    }
}

/// The result of a search.
#[derive(Debug)]
pub struct Found {
    /// The tree with all its parameters estimated.
    pub tree: LatentTree,
    /// Its criterion ([`bic()`]), nats: the lower the better.
    pub bic: f64,
    /// The accepted steps in order, each with the criterion after it, nats.
    pub steps: Vec<(String, f64)>,
}

/// Bayesian information criterion of a tree with the mean `ln p` `mean_log_p` on `n` points,
/// `d ln N − 2 ln P(D)`: the lower the better, as that of [`Gmm`](crate::Gmm::bic). The paper's
/// score, the higher the better, is −½ times this.
pub fn bic(structure: &Structure, mean_log_p: f64, n: usize) -> f64 {
    let score = n as f64 * mean_log_p - 0.5 * structure.n_parameters(true) as f64 * (n as f64).ln();
    // Exact: candidates compare as their scores do.
    -2.0 * score
}

/// Improves the structure of `start` on the points `z`. Equal streams give equal results.
///
/// # Shapes
/// `z`: `[n, J]`, f64.
///
/// # Errors
/// [`Error::Config`]; libtorch's.
pub fn search(start: &LatentTree, z: &Tensor, config: &SearchConfig, streams: &Streams) -> Result<Found> {
    config.check()?;
    let _guard = tch::no_grad_guard();
    let climb = Climb { z, config, streams };
    let first = Candidate {
        name: "start".into(),
        structure: start.structure.clone().canonical(),
        gamma: gamma_of(start, z),
    };
    let mut now = climb.full(&first)?;
    let mut steps = vec![(first.name, now.1)];
    loop {
        let before = now.1;
        for stage in [Stage::Expansion, Stage::Adjustment, Stage::Simplification] {
            // Repeated while the criterion falls.
            while let Some((name, better)) = climb.best(&now, climb.candidates(stage, &now.0)?)? {
                now = better;
                steps.push((name, now.1));
            }
        }
        if now.1 >= before {
            return Ok(Found { tree: now.0, bic: now.1, steps });
        }
    }
}

fn gamma_of(tree: &LatentTree, z: &Tensor) -> Vec<Tensor> {
    tree.posteriors(z).log_state.iter().map(Tensor::exp).collect()
}

struct Climb<'a> {
    z: &'a Tensor,
    config: &'a SearchConfig,
    streams: &'a Streams,
}

impl Climb<'_> {
    fn n(&self) -> usize {
        self.z.size()[0] as usize
    }

    fn covariance(&self) -> Covariance {
        Covariance::Estimated { floor: self.config.covariance_floor }
    }

    /// A candidate after `n_steps` of EM from its assignments, and its criterion.
    fn fitted(&self, structure: &Structure, gamma: &[Tensor], n_steps: usize) -> Result<(LatentTree, f64)> {
        let tree = LatentTree::of_assignments(structure, self.z, gamma, self.config.covariance_floor)?;
        let (tree, log_p) = tree.em(self.z, n_steps, 1e-6, self.covariance())?;
        Ok((tree, bic(structure, log_p, self.n())))
    }

    /// The best of EM from the candidate's assignments and from random ones.
    fn full(&self, candidate: &Candidate) -> Result<(LatentTree, f64)> {
        let structure = &candidate.structure;
        let mut best = self.fitted(structure, &candidate.gamma, self.config.em_steps)?;
        for restart in 0..self.config.n_init {
            let gamma = self.random_assignments(structure, restart)?;
            let other = self.fitted(structure, &gamma, self.config.em_steps)?;
            if other.1 < best.1 {
                best = other;
            }
        }
        Ok(best)
    }

    /// For each latent, each point is assigned to the nearest of as many random points as there are
    /// states, in the variables of the latent's own leaves (all variables where it has none).
    fn random_assignments(&self, structure: &Structure, restart: usize) -> Result<Vec<Tensor>> {
        let gamma = structure.latents.iter().enumerate().map(|(y, latent)| {
            let own: Vec<i64> = structure
                .leaves_of(y)
                .flat_map(|b| &structure.leaves[b].variables)
                .map(|&v| v as i64)
                .collect();
            let x = match own.as_slice() {
                [] => self.z.shallow_clone(),
                columns => {
                    self.z.f_index_select(1, &Tensor::f_from_slice(columns)?.f_to_device(self.z.device())?)?
                }
            };
            let rows = permutation(&mut self.streams.rng("restart", restart, y), self.n());
            let rows: Vec<i64> = rows.into_iter().cycle().take(latent.n_states).collect();
            let seeds = x.f_index_select(0, &Tensor::f_from_slice(&rows)?.f_to_device(x.device())?)?;
            let nearest = Tensor::f_cdist(&x, &seeds, 2.0, None)?.f_argmin(1, false)?;
            Ok(nearest.f_one_hot(latent.n_states as i64)?.f_to_kind(Kind::Double)?)
        });
        gamma.collect()
    }

    /// The best candidate, fitted in full, if it improves on `now`.
    fn best(
        &self,
        now: &(LatentTree, f64),
        candidates: Vec<Candidate>,
    ) -> Result<Option<(String, (LatentTree, f64))>> {
        let mut best: Option<(Candidate, f64)> = None;
        for candidate in candidates {
            let (_, score) = self.fitted(&candidate.structure, &candidate.gamma, self.config.local_steps)?;
            if best.as_ref().is_none_or(|(_, lowest)| score < *lowest) {
                best = Some((candidate, score));
            }
        }
        let Some((candidate, _)) = best else { return Ok(None) };
        let fitted = self.full(&candidate)?;
        Ok((fitted.1 < now.1).then_some((candidate.name, fitted)))
    }
}

#[cfg(test)]
mod tests;
