//! What a [`Fit`] can do beyond assignments, where its model can.

use super::{Fit, Generative, Method, Model};
use crate::api::clusterer::{Clusterer, Facets, Generator, SoftAssign};
use crate::api::density::{Calibration, Density};
use crate::input::Input;
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2};
use vae_core::Features;

impl<M: Method> Fit<M> {
    fn lacks(what: &str) -> Error {
        Error::Unsupported(format!(
            "this model of `{}` has no {what}; choose another method, see `vae methods`",
            M::NAME
        ))
    }

    pub(super) fn generative(&self) -> Result<(&Input, &dyn Generative)> {
        let (input, model) = self.fitted()?;
        let generative = model.generative().ok_or_else(|| Self::lacks("distribution to sample from"))?;
        Ok((input, generative))
    }

    fn model_density(&self) -> Result<(&Input, &dyn Density)> {
        let (input, model) = self.fitted()?;
        Ok((input, model.density().ok_or_else(|| Self::lacks("density"))?))
    }
}

impl<M: Method> Density for Fit<M> {
    fn name(&self) -> &'static str {
        self.model_density().map_or("", |(_, density)| density.name())
    }

    fn calibrate(&self, x: &Features) -> Result<Calibration> {
        let (input, density) = self.model_density()?;
        density.calibrate(input.prepare(x)?.as_ref())
    }

    fn log_density(&self, x: &Features, calibration: &Calibration) -> Result<Array1<f32>> {
        let (input, density) = self.model_density()?;
        density.log_density(input.prepare(x)?.as_ref(), calibration)
    }
}

impl<M: Method> SoftAssign for Fit<M> {
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>> {
        let (input, model) = self.fitted()?;
        let soft = model.soft().ok_or_else(|| Self::lacks("probabilities"))?;
        Ok(self.numbers.of_columns(without_values(x, soft.gamma(input.prepare(x)?.as_ref())?)))
    }
}

/// The posterior with equal probabilities for rows without any value: what stands for these lies
/// amid some cluster, and says nothing of it.
pub(super) fn without_values(x: &Features, mut gamma: Array2<f32>) -> Array2<f32> {
    let Some(x) = x.as_dense() else { return gamma };
    let equal = 1.0 / gamma.ncols() as f32;
    let rows = x.outer_iter().zip(gamma.outer_iter_mut());
    rows.filter(|(row, _)| row.iter().all(|v| v.is_nan())).for_each(|(_, mut gamma)| gamma.fill(equal));
    gamma
}

impl<M: Method> Facets for Fit<M> {
    fn assignments(&self, x: &Features) -> Result<Vec<Array1<u32>>> {
        let (input, model) = self.fitted()?;
        let facets = model.facets().ok_or_else(|| Self::lacks("several clusterings"))?;
        let mut all = facets.assignments(input.prepare(x)?.as_ref())?;
        // The first is the clustering of `predict`.
        if let Some(first) = all.first_mut() {
            *first = self.numbers.of_rows(std::mem::take(first));
        }
        Ok(all)
    }

    fn structure(&self) -> String {
        self.fitted.as_ref().and_then(|(_, model)| model.facets()).map_or_else(String::new, Facets::structure)
    }
}

impl<M: Method> Generator for Fit<M> {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let (input, model) = self.generative()?;
        let n_clusters = self.n_clusters();
        if cluster >= n_clusters {
            return Err(Error::NoCluster { cluster, n_clusters });
        }
        Ok(input.scale.invert(model.sample(self.numbers.own(cluster), n, seed)?))
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (input, model) = self.generative()?;
        Ok(input.scale.invert(model.reconstruct(input.prepare(x)?.as_ref())?))
    }

    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let (input, model) = self.generative()?;
        let (expected, got) = (model.latent_dim(), z.ncols());
        if got != expected {
            return Err(Error::LatentDim { expected, got });
        }
        Ok(input.scale.invert(model.decode(z)?))
    }
}
