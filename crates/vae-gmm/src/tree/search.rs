//! A hill climb over structures by the Bayesian information criterion, restricted as in LTVAE's clustering runs: the numbers
//! of states stay, and there are at most `max_latents` latents.
//!
//! ```text
//! BIC(m) = d(m) · ln N − 2 log P(D | m, θ*)
//! ```
//!
//! The lower the better: Schwarz's criterion in its usual form, as [`Gmm::bic`](crate::Gmm::bic) has it. The paper maximises −½
//! times this.
//!
//! One cycle expands (NI: a new latent takes some leaves of another; PO: two leaves become a pouch), adjusts (NR: a leaf moves
//! to another latent) and simplifies (UP: a variable leaves its pouch; ND: a latent gives its leaves back). Candidates are
//! compared after a few steps of EM from the current tree's posteriors, the best one is fitted in full and taken when it
//! improves the criterion. Cycles are repeated while one of them does. The root is never deleted: its states are the clusters.
//!
//! The new latent of NI starts from the pair of leaves that gains most and takes further leaves while the criterion falls
//! (the authors score every subset their Java program reaches).

use super::em::Covariance;
use super::messages::LatentTree;
use super::structure::{Latent, LeafNode, Structure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use vae_core::random::{Streams, permutation};
use vae_core::{Error, Result};

/// Restarts of the little mixture that a new latent's states come from.
const NEW_RESTARTS: usize = 4;

/// Settings of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// Most latents.
    pub max_latents: usize,
    /// States of a new latent.
    pub new_states: usize,
    /// Whether leaves may be joined into pouches (PO). The authors' two-facet script searches without.
    pub pouches: bool,
    /// Steps of EM that a candidate gets.
    pub local_steps: usize,
    /// Most steps of EM of a winner.
    pub em_steps: usize,
    /// Random starts of a winner, besides the one from the current tree.
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

/// Where a search ended.
#[derive(Debug)]
pub struct Found {
    /// The tree with all its parameters estimated.
    pub tree: LatentTree,
    /// Its criterion ([`bic()`]), nats: the lower the better.
    pub bic: f64,
    /// What was accepted, in order, with the criterion after it.
    pub steps: Vec<(String, f64)>,
}

/// A structure that is tried, with what is known of its latents.
struct Candidate {
    name: String,
    structure: Structure,
    gamma: Vec<Tensor>,
}

/// Bayesian information criterion of a tree with the mean `ln p` `mean_log_p` on `n` points, `d ln N − 2 ln P(D)`: the lower the
/// better, as that of [`Gmm`](crate::Gmm::bic). The paper's score, the higher the better, is −½ times this.
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
            // Again and again while it helps.
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

/// What a step may change.
#[derive(Clone, Copy)]
enum Stage {
    Expansion,
    Adjustment,
    Simplification,
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

    fn candidates(&self, stage: Stage, tree: &LatentTree) -> Result<Vec<Candidate>> {
        match stage {
            Stage::Expansion => self.expansions(tree),
            Stage::Adjustment => Ok(self.adjustments(tree)),
            Stage::Simplification => Ok(self.simplifications(tree)),
        }
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

    /// The best of EM from the candidate's assignments and from random starts.
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

    /// For each latent, each point goes to the nearest of as many random points as there are states, in the variables of
    /// the latent's own leaves (all variables where it has none).
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

    /// NI and PO.
    fn expansions(&self, now: &LatentTree) -> Result<Vec<Candidate>> {
        let mut all = if self.config.pouches { self.pouches(now) } else { Vec::new() };
        if now.structure.latents.len() < self.config.max_latents {
            for y in 0..now.structure.latents.len() {
                all.extend(self.new_latent(now, y)?);
            }
        }
        Ok(all)
    }

    /// PO: two leaves of one latent become one.
    fn pouches(&self, now: &LatentTree) -> Vec<Candidate> {
        let (s, mut all) = (&now.structure, Vec::new());
        for a in 0..s.leaves.len() {
            for b in a + 1..s.leaves.len() {
                if s.leaves[a].parent == s.leaves[b].parent {
                    let mut structure = s.clone();
                    let joined = structure.leaves.remove(b).variables;
                    structure.leaves[a].variables.extend(joined);
                    all.push(self.same_latents(now, "pouch", structure));
                }
            }
        }
        all
    }

    fn same_latents(&self, now: &LatentTree, what: &str, structure: Structure) -> Candidate {
        let structure = structure.canonical();
        Candidate { name: format!("{what}: {structure}"), structure, gamma: gamma_of(now, self.z) }
    }

    /// NI: a new latent under `y` with the pair of its leaves that gains most, and more while that helps.
    fn new_latent(&self, now: &LatentTree, y: usize) -> Result<Option<Candidate>> {
        let leaves: Vec<usize> = now.structure.leaves_of(y).collect();
        let mut best: Option<(Vec<usize>, Candidate, f64)> = None;
        // The latent above keeps at least one leaf.
        if leaves.len() < 2 {
            return Ok(None);
        }
        let firsts: Vec<Vec<usize>> = if leaves.len() == 2 {
            leaves.iter().map(|&b| vec![b]).collect()
        } else {
            let pairs = leaves
                .iter()
                .enumerate()
                .flat_map(|(i, &a)| leaves[i + 1..].iter().map(move |&b| vec![a, b]));
            pairs.collect()
        };
        for moved in firsts {
            let (candidate, score) = self.split(now, y, &moved)?;
            if best.as_ref().is_none_or(|(_, _, lowest)| score < *lowest) {
                best = Some((moved, candidate, score));
            }
        }
        let Some(mut best) = best else { return Ok(None) };
        loop {
            let before = best.2;
            if best.0.len() + 1 < leaves.len() {
                let from = best.0.clone();
                for &b in leaves.iter().filter(|b| !from.contains(b)) {
                    let moved = [from.as_slice(), &[b]].concat();
                    let (candidate, score) = self.split(now, y, &moved)?;
                    if score < best.2 {
                        best = (moved, candidate, score);
                    }
                }
            }
            if best.2 >= before {
                return Ok(Some(best.1));
            }
        }
    }

    /// The candidate in which a new latent under `y` has the leaves `moved`, and its score after a few steps.
    fn split(&self, now: &LatentTree, y: usize, moved: &[usize]) -> Result<(Candidate, f64)> {
        let mut structure = now.structure.clone();
        let (new, n_states) = (structure.latents.len(), self.config.new_states);
        structure.latents.push(Latent { parent: Some(y), n_states });
        moved.iter().for_each(|&b| structure.leaves[b].parent = new);
        let structure = structure.canonical();
        // The new latent's states: a mixture of its own variables.
        let columns: Vec<i64> =
            moved.iter().flat_map(|&b| &now.structure.leaves[b].variables).map(|&v| v as i64).collect();
        let own = self.z.f_index_select(1, &Tensor::f_from_slice(&columns)?.f_to_device(self.z.device())?)?;
        let small = Climb { z: &own, config: self.config, streams: self.streams };
        let mixture = Structure::naive_bayes(n_states, columns.len());
        let mut states: Option<(LatentTree, f64)> = None;
        for restart in 0..NEW_RESTARTS {
            let gamma = small.random_assignments(&mixture, restart)?;
            let fit = small.fitted(&mixture, &gamma, self.config.local_steps)?;
            if states.as_ref().is_none_or(|lowest| fit.1 < lowest.1) {
                states = Some(fit);
            }
        }
        let mut gamma = gamma_of(now, self.z);
        gamma.extend(states.map(|(tree, _)| tree.posteriors(&own).log_state[0].exp()));
        let (_, score) = self.fitted(&structure, &gamma, self.config.local_steps)?;
        Ok((Candidate { name: format!("new latent: {structure}"), structure, gamma }, score))
    }

    /// NR: a leaf moves to another latent; the one it leaves keeps at least one.
    fn adjustments(&self, now: &LatentTree) -> Vec<Candidate> {
        let s = &now.structure;
        let mut all = Vec::new();
        for (b, leaf) in s.leaves.iter().enumerate().filter(|(_, l)| s.leaves_of(l.parent).count() > 1) {
            for y in (0..s.latents.len()).filter(|&y| y != leaf.parent) {
                let mut structure = s.clone();
                structure.leaves[b].parent = y;
                all.push(self.same_latents(now, "move", structure));
            }
        }
        all
    }

    /// UP and ND.
    fn simplifications(&self, now: &LatentTree) -> Vec<Candidate> {
        let s = &now.structure;
        let mut all = Vec::new();
        for (b, leaf) in s.leaves.iter().enumerate().filter(|(_, l)| l.variables.len() > 1) {
            for at in 0..leaf.variables.len() {
                let mut structure = s.clone();
                let alone = structure.leaves[b].variables.remove(at);
                structure.leaves.push(LeafNode { parent: leaf.parent, variables: vec![alone] });
                all.push(self.same_latents(now, "unpouch", structure));
            }
        }
        for gone in 1..s.latents.len() {
            let Some(above) = s.latents[gone].parent.filter(|_| s.children_of(gone).next().is_none()) else {
                continue;
            };
            let mut structure = s.clone();
            structure.latents.remove(gone);
            let renamed = |y: usize| if y == gone { above } else { y - usize::from(y > gone) };
            structure.leaves.iter_mut().for_each(|l| l.parent = renamed(l.parent));
            structure.latents.iter_mut().for_each(|l| l.parent = l.parent.map(renamed));
            let structure = structure.canonical();
            let mut gamma = gamma_of(now, self.z);
            let _ = gamma.remove(gone);
            all.push(Candidate { name: format!("delete latent: {structure}"), structure, gamma });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;
    use vae_core::random::{normal, uniform};

    fn config() -> SearchConfig {
        // Two threads on a busy machine wait for each other more than they compute.
        vae_core::device::configure_process(1);
        SearchConfig { n_init: 2, em_steps: 50, ..SearchConfig::default() }
    }

    /// Points of `facets`: for each the columns, and the distance of its two states' means.
    fn points(n: i64, facets: &[(&[usize], f64)], dim: i64) -> (Tensor, Vec<Tensor>) {
        let streams = Streams::new(2, "facets");
        let z = normal(&mut streams.rng("noise", 0, 0), &[n, dim], Device::Cpu).to_kind(Kind::Double);
        let states = facets.iter().enumerate().map(|(i, (columns, distance))| {
            let state =
                uniform(&mut streams.rng("state", i, 0), &[n], Device::Cpu).gt(0.5).to_kind(Kind::Double);
            for &c in *columns {
                let mut column = z.select(1, c as i64);
                let _ = column.g_add_(&(&state * *distance));
            }
            state
        });
        let states = states.collect();
        (z, states)
    }

    #[test]
    fn two_facets_are_found_with_their_variables() {
        let (z, states) = points(800, &[(&[0, 2], 5.0), (&[1, 3], 4.0)], 4);
        let streams = Streams::new(0, "search");
        let start = Structure::naive_bayes(2, 4);
        let climb = Climb { z: &z, config: &config(), streams: &streams };
        let gamma = climb.random_assignments(&start, 0).expect("assigned");
        let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
        let found = search(&tree, &z, &config(), &streams).expect("searched");
        assert!(found.steps.windows(2).all(|w| w[1].1 < w[0].1), "{:?}", found.steps);
        let s = &found.tree.structure;
        assert_eq!(s.latents.len(), 2, "{s}");
        let parent = |v: usize| s.leaves.iter().find(|l| l.variables.contains(&v)).expect("a leaf").parent;
        assert!(parent(0) == parent(2) && parent(1) == parent(3) && parent(0) != parent(1), "{s}");
        // Each facet's posterior is its state, up to its name.
        for (variable, state) in [(0, &states[0]), (1, &states[1])] {
            let winner = found.tree.posteriors(&z).log_state[parent(variable)].argmax(1, false);
            let hits = winner.to_kind(Kind::Double).eq_tensor(state).to_kind(Kind::Double).mean(Kind::Double);
            let hits = hits.double_value(&[]);
            assert!(hits.max(1.0 - hits) > 0.98, "{hits}");
        }
    }

    #[test]
    fn one_facet_stays_one() {
        let (z, _) = points(800, &[(&[0, 1, 2], 5.0)], 3);
        let streams = Streams::new(0, "search");
        let start = Structure::naive_bayes(2, 3);
        let climb = Climb { z: &z, config: &config(), streams: &streams };
        let gamma = climb.random_assignments(&start, 1).expect("assigned");
        let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
        let found = search(&tree, &z, &config(), &streams).expect("searched");
        assert_eq!(found.tree.structure.latents.len(), 1, "{}", found.tree.structure);
    }

    #[test]
    fn correlated_variables_go_into_a_pouch() {
        let (z, _) = points(800, &[(&[0], 6.0)], 3);
        let mut second = z.select(1, 2);
        second.copy_(&(z.select(1, 1) * 0.9 + z.select(1, 2) * 0.3));
        let streams = Streams::new(0, "search");
        let start = Structure::naive_bayes(2, 3);
        let climb = Climb { z: &z, config: &config(), streams: &streams };
        let gamma = climb.random_assignments(&start, 0).expect("assigned");
        let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
        let one = SearchConfig { max_latents: 1, ..config() };
        let found = search(&tree, &z, &one, &streams).expect("searched");
        let pouch = found.tree.structure.leaves.iter().find(|l| l.variables.len() > 1).expect("a pouch");
        assert_eq!(pouch.variables, [1, 2], "{}", found.tree.structure);
    }

    #[test]
    fn the_criterion_by_hand() {
        // 209 parameters at ln 1000 each.
        let got = bic(&Structure::naive_bayes(10, 10), -12.5, 1000);
        assert!((got - (209.0 * 1000f64.ln() + 25_000.0)).abs() < 1e-9);
    }
}
