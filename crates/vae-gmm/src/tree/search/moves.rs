//! The steps of a search: structures near a given one.

use super::super::messages::LatentTree;
use super::super::structure::{Latent, LeafNode, Structure};
use super::{Climb, gamma_of};
use tch::Tensor;
use vae_core::Result;

/// Restarts of the mixture that initialises the states of a new latent.
const NEW_RESTARTS: usize = 4;

/// A candidate structure with the initial posteriors of its latents.
pub(super) struct Candidate {
    /// The step and the structure it leads to.
    pub name: String,
    pub structure: Structure,
    /// Initial posteriors of the latents for EM, each f64 `[n, states]`.
    pub gamma: Vec<Tensor>,
}

/// The kinds of steps.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Expansion,
    Adjustment,
    Simplification,
}

impl Climb<'_> {
    /// The structures that one step of `stage` away from `tree` leads to.
    pub(super) fn candidates(&self, stage: Stage, tree: &LatentTree) -> Result<Vec<Candidate>> {
        match stage {
            Stage::Expansion => self.expansions(tree),
            Stage::Adjustment => Ok(self.adjustments(tree)),
            Stage::Simplification => Ok(self.simplifications(tree)),
        }
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

    /// NI: a new latent under `y` with the pair of its leaves of the lowest criterion, and further
    /// leaves while the criterion falls.
    fn new_latent(&self, now: &LatentTree, y: usize) -> Result<Option<Candidate>> {
        let leaves: Vec<usize> = now.structure.leaves_of(y).collect();
        let mut best: Option<(Vec<usize>, Candidate, f64)> = None;
        // The parent keeps at least one leaf.
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

    /// The candidate in which a new latent under `y` has the leaves `moved`, and its score after a
    /// few steps.
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

    /// NR: a leaf moves to another latent; its old parent keeps at least one leaf.
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
