//! The posterior of the root as steps of a program.

use super::messages::LatentTree;
use vae_core::Result;
use vae_core::program::{Op, Program, Value};

impl LatentTree {
    /// Adds P(y | z) of the root to a program: the upward messages of [`LatentTree::posteriors`].
    ///
    /// # Errors
    /// libtorch's.
    pub fn describe(&self, program: &mut Program, z: &Value) -> Result<Value> {
        let latents = &self.structure.latents;
        let mut below: Vec<Vec<Value>> = vec![Vec::new(); latents.len()];
        for (node, leaf) in self.structure.leaves.iter().zip(&self.leaves) {
            below[node.parent].push(leaf.describe(program, z)?);
        }
        for c in (1..latents.len()).rev() {
            // A latent without anything below it says nothing.
            let (Some(parent), false) = (latents[c].parent, below[c].is_empty()) else { continue };
            let own = program.add(Op::Sum, &below[c].iter().collect::<Vec<_>>(), &[])?;
            let message = program.add(Op::LogSumExp, &[&own], &[("log_p", &self.log_cpt(c))])?;
            below[parent].push(message);
        }
        let prior = self.log_cpt(0).squeeze_dim(0);
        let joint = program.add(Op::Sum, &below[0].iter().collect::<Vec<_>>(), &[("bias", &prior)])?;
        program.add(Op::Softmax, &[&joint], &[])
    }
}
