//! A tree as named tensors, for models and checkpoints.

use super::messages::{LatentTree, Leaf};
use super::structure::{Latent, LeafNode, Structure};
use tch::{Device, Kind, Tensor};
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::{Error, Result};

/// Stands for the root's missing parent.
const NO_PARENT: i64 = -1;

impl LatentTree {
    /// Adds the structure and all parameters, each name behind `prefix`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) -> Result<()> {
        let mut put = |name: String, t: &Tensor| -> Result<()> {
            tensors.insert(format!("{prefix}{name}"), t.f_to_device(Device::Cpu)?.copy());
            Ok(())
        };
        let latents: Vec<i64> = self
            .structure
            .latents
            .iter()
            .flat_map(|l| [l.parent.map_or(NO_PARENT, |p| p as i64), l.n_states as i64])
            .collect();
        put("latents".into(), &Tensor::f_from_slice(&latents)?.f_view([-1, 2])?)?;
        for (y, cpt) in self.cpt.iter().enumerate() {
            put(format!("{y}.cpt"), cpt)?;
        }
        for (b, (node, leaf)) in self.structure.leaves.iter().zip(&self.leaves).enumerate() {
            let place: Vec<i64> = [node.parent].iter().chain(&node.variables).map(|&v| v as i64).collect();
            // The parent first, then the variables.
            put(format!("leaf.{b:04}.place"), &Tensor::f_from_slice(&place)?)?;
            put(format!("leaf.{b:04}.mu"), &leaf.mu)?;
            put(format!("leaf.{b:04}.sigma"), &leaf.sigma)?;
        }
        Ok(())
    }

    /// Reads what [`LatentTree::store`] added.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] or [`Error::Shape`] when something is missing or does not fit,
    /// [`Error::Config`] when the structure is no tree over `dim` variables.
    pub fn load(prefix: &str, tensors: &Tensors, dim: usize, device: Device) -> Result<Self> {
        let get = |name: &str| {
            let name = format!("{prefix}{name}");
            tensors.get(&name).ok_or_else(|| Error::missing("the stored tree", name, FIT_ANEW))
        };
        let wrong = || Error::Checkpoint {
            what: "the stored tree".into(),
            why: "has a number of a latent or a variable that cannot be one".into(),
            remedy: FIT_ANEW.into(),
        };
        let index = |v: i64| usize::try_from(v).map_err(|_| wrong());
        let ints = |t: &Tensor| -> Result<Vec<i64>> {
            Ok(Vec::<i64>::try_from(t.f_to_kind(Kind::Int64)?.f_view([-1])?)?)
        };
        let latents: Result<Vec<Latent>> = ints(get("latents")?)?
            .chunks_exact(2)
            .map(|l| {
                let parent = if l[0] == NO_PARENT { None } else { Some(index(l[0])?) };
                Ok(Latent { parent, n_states: index(l[1])? })
            })
            .collect();
        let mut structure = Structure { latents: latents?, leaves: Vec::new() };
        while tensors.contains_key(&format!("{prefix}leaf.{:04}.place", structure.leaves.len())) {
            let place = ints(get(&format!("leaf.{:04}.place", structure.leaves.len()))?)?;
            let place: Vec<usize> = place.into_iter().map(index).collect::<Result<_>>()?;
            let Some((&parent, variables)) = place.split_first() else { return Err(wrong()) };
            structure.leaves.push(LeafNode { parent, variables: variables.to_vec() });
        }
        structure.check(dim)?;
        let states = |y: usize| structure.latents[y].n_states as i64;
        let fitting = |name: &str, expected: &[i64]| -> Result<Tensor> {
            let t = get(name)?;
            if t.size() != expected {
                let what = format!("tensor `{prefix}{name}`");
                return Err(Error::Shape { what, expected: expected.to_vec(), got: t.size() });
            }
            Ok(t.f_to_kind(Kind::Double)?.f_to_device(device)?)
        };
        let cpt = structure.latents.iter().enumerate().map(|(y, latent)| {
            fitting(&format!("{y}.cpt"), &[latent.parent.map_or(1, states), latent.n_states as i64])
        });
        let cpt = cpt.collect::<Result<_>>()?;
        let leaves = structure.leaves.iter().enumerate().map(|(b, node)| {
            let (c, p) = (states(node.parent), node.variables.len() as i64);
            let mu = fitting(&format!("leaf.{b:04}.mu"), &[c, p])?;
            Leaf::new(&node.variables, mu, fitting(&format!("leaf.{b:04}.sigma"), &[c, p, p])?)
        });
        let leaves = leaves.collect::<Result<_>>()?;
        Ok(Self { structure, cpt, leaves })
    }
}
