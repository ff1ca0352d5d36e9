//! The structure of a tree: the parent of each node.

use serde::{Deserialize, Serialize};
use vae_core::{Error, Result};

/// A discrete latent variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latent {
    /// The latent above it; none for the root, which comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// Its states.
    pub n_states: usize,
}

/// A leaf: one continuous variable, or several with a joint covariance (a "pouch").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafNode {
    /// The latent above it.
    pub parent: usize,
    /// Its variables: columns of `z`.
    pub variables: Vec<usize>,
}

/// The tree without its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    /// The root first, parents before children.
    pub latents: Vec<Latent>,
    /// In any order; each variable in exactly one.
    pub leaves: Vec<LeafNode>,
}

impl Structure {
    /// One latent over all `dim` variables in one pouch.
    pub fn mixture(n_states: usize, dim: usize) -> Self {
        let leaves = vec![LeafNode { parent: 0, variables: (0..dim).collect() }];
        Self { latents: vec![Latent { parent: None, n_states }], leaves }
    }

    /// One latent over `dim` variables, each a leaf of its own.
    pub fn naive_bayes(n_states: usize, dim: usize) -> Self {
        let leaves = (0..dim).map(|j| LeafNode { parent: 0, variables: vec![j] }).collect();
        Self { latents: vec![Latent { parent: None, n_states }], leaves }
    }

    /// Number of variables.
    pub fn dim(&self) -> usize {
        self.leaves.iter().map(|l| l.variables.len()).sum()
    }

    /// Leaves under the latent `y`.
    pub fn leaves_of(&self, y: usize) -> impl Iterator<Item = usize> + '_ {
        self.leaves.iter().enumerate().filter(move |(_, l)| l.parent == y).map(|(b, _)| b)
    }

    /// Latents under the latent `y`.
    pub(crate) fn children_of(&self, y: usize) -> impl Iterator<Item = usize> + '_ {
        self.latents.iter().enumerate().filter(move |(_, l)| l.parent == Some(y)).map(|(c, _)| c)
    }

    /// Checks that this is a tree over exactly the variables `0..dim`.
    ///
    /// # Errors
    /// [`Error::Config`] naming the entry of `structure` that is wrong.
    pub fn check(&self, dim: usize) -> Result<()> {
        for (i, latent) in self.latents.iter().enumerate() {
            let field = |name: &str| format!("structure.latents[{i}].{name}");
            match latent.parent {
                None if i > 0 => {
                    return Err(Error::config(&field("parent"), "absent", "a latent before this one"));
                }
                Some(p) if i == 0 || p >= i => {
                    let expected =
                        if i == 0 { "absent: the first is the root" } else { "a latent before this one" };
                    return Err(Error::config(&field("parent"), p, expected));
                }
                _ => {}
            }
            if latent.n_states == 0 {
                return Err(Error::config(&field("n_states"), 0, "at least 1"));
            }
        }
        if self.latents.is_empty() {
            return Err(Error::config("structure.latents", "empty", "at least the root"));
        }
        let mut seen = vec![false; dim];
        for (b, leaf) in self.leaves.iter().enumerate() {
            let field = |name: &str| format!("structure.leaves[{b}].{name}");
            if leaf.parent >= self.latents.len() {
                let expected = format!("a latent, 0 to {}", self.latents.len() - 1);
                return Err(Error::config(&field("parent"), leaf.parent, &expected));
            }
            if leaf.variables.is_empty() {
                return Err(Error::config(&field("variables"), "empty", "at least one variable"));
            }
            for &v in &leaf.variables {
                if v >= dim || seen[v] {
                    let expected = format!("each of 0 to {} once", dim.saturating_sub(1));
                    return Err(Error::config(&field("variables"), v, &expected));
                }
                seen[v] = true;
            }
        }
        match seen.iter().position(|s| !s) {
            Some(missing) => Err(Error::config(
                "structure.leaves",
                format!("without variable {missing}"),
                "every variable in a leaf",
            )),
            None => Ok(()),
        }
    }

    /// Free parameters, d(m) of the information criterion: c − 1 for the root, c_Y (c_C − 1) for a
    /// latent C under Y, and for a leaf of p variables under Y c_Y p means, with `covariances` also
    /// c_Y p (p + 1) / 2 covariances.
    pub fn n_parameters(&self, covariances: bool) -> usize {
        let states = |y: usize| self.latents[y].n_states;
        let latents = self.latents.iter().map(|l| l.parent.map_or(1, states) * (l.n_states - 1));
        let leaves = self.leaves.iter().map(|l| {
            let p = l.variables.len();
            states(l.parent) * (p + if covariances { p * (p + 1) / 2 } else { 0 })
        });
        latents.sum::<usize>() + leaves.sum::<usize>()
    }

    /// The same tree in one form: leaves in the order of their first variables, variables
    /// ascending.
    pub fn canonical(mut self) -> Self {
        self.leaves.iter_mut().for_each(|l| l.variables.sort_unstable());
        self.leaves.sort_by_key(|l| l.variables.first().copied());
        self
    }
}

impl std::fmt::Display for Structure {
    /// For example `Y0(10): z0 z1 {z2 z3}; Y1(2) under Y0: z4`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (y, latent) in self.latents.iter().enumerate() {
            let separator = if y > 0 { "; " } else { "" };
            write!(f, "{separator}Y{y}({})", latent.n_states)?;
            if let Some(parent) = latent.parent {
                write!(f, " under Y{parent}")?;
            }
            write!(f, ":")?;
            for b in self.leaves_of(y) {
                let names: Vec<String> = self.leaves[b].variables.iter().map(|v| format!("z{v}")).collect();
                match names.as_slice() {
                    [one] => write!(f, " {one}")?,
                    several => write!(f, " {{{}}}", several.join(" "))?,
                }
            }
        }
        Ok(())
    }
}
