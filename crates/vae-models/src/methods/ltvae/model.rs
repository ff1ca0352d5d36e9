//! What a fitted LTVAE can do.

use super::net::{LtvaeNet, TREE};
use crate::Result;
use crate::api::{Facets, Generative, Model, Soft};
use crate::shared::assignments::labels_of;
use ndarray::{Array1, Array2};
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{BLOCK, Resident, to_array2};
use vae_core::random::{Streams, normal, uniform};
use vae_gmm::tree::LatentTree;

/// A fitted LTVAE.
#[derive(Debug)]
pub struct LtvaeModel {
    pub(super) net: LtvaeNet,
    pub(super) tree: LatentTree,
    pub(super) device: Device,
}

impl LtvaeModel {
    /// The latent tree over z.
    pub fn tree(&self) -> &LatentTree {
        &self.tree
    }

    fn posterior(&self, x: &Features, latent: usize) -> Result<Tensor> {
        let z = self.net.codes(&Resident::new(x, self.device)?)?;
        let _guard = tch::no_grad_guard();
        Ok(self.tree.posteriors(&z).log_state.swap_remove(latent).f_exp()?)
    }
}

impl Model for LtvaeModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.net.params.snapshot("")?;
        self.tree.store(TREE, &mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.posterior(x, 0)?.f_argmax(1, false)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.codes(&Resident::new(x, self.device)?)?)?)
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }

    fn facets(&self) -> Option<&dyn Facets> {
        Some(self)
    }
}

impl Facets for LtvaeModel {
    fn assignments(&self, x: &Features) -> Result<Vec<Array1<u32>>> {
        let z = self.net.codes(&Resident::new(x, self.device)?)?;
        let _guard = tch::no_grad_guard();
        self.tree.posteriors(&z).log_state.iter().map(|l| labels_of(&l.f_argmax(1, false)?)).collect()
    }

    fn structure(&self) -> String {
        self.tree.structure.to_string()
    }
}

impl Soft for LtvaeModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.posterior(x, 0)?)?)
    }
}

impl Generative for LtvaeModel {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let (streams, n) = (Streams::new(seed, "sample"), n as i64);
        let (l, j) = (self.tree.structure.latents.len() as i64, self.tree.structure.dim() as i64);
        let noise = normal(&mut streams.rng("noise", cluster, 0), &[n, j], self.device);
        let states = uniform(&mut streams.rng("states", cluster, 0), &[n, l], self.device);
        let z = self.tree.sample_given_root(
            cluster,
            &states.f_to_kind(Kind::Double)?,
            &noise.f_to_kind(Kind::Double)?,
        )?;
        let out = self.net.decoder.forward(&z.f_to_kind(Kind::Float)?);
        Ok(to_array2(&self.net.likelihood.mean(&out))?)
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (net, data) = (&self.net, Resident::new(x, self.device)?);
        let decode = |x: &Tensor| Ok(net.likelihood.mean(&net.decoder.forward(&net.encoder.mu(x))));
        Ok(to_array2(&data.map_rows(BLOCK, decode)?)?)
    }
}
