//! How well single samples fit a model, and all that is asked of new samples at once.

use crate::Result;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use vae_core::Features;

/// What the density of a sample needs to know of the fitted samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Mean squared error of the numbers, on the scale of the method, where an observation model
    /// learns its variance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<f64>,
}

/// A model that says how probable a sample is.
pub trait Density {
    /// What it says: `elbo` or `log_likelihood`.
    fn name(&self) -> &'static str;

    /// What [`Density::log_density`] needs to know of the fitted samples `x`, `[n, d]`.
    ///
    /// # Errors
    /// libtorch.
    fn calibrate(&self, x: &Features) -> Result<Calibration>;

    /// The logarithm of the density of each sample, or a lower bound of it, in nats, up to a
    /// constant that all samples share, `[n]`. Values that are missing take no part.
    ///
    /// # Errors
    /// libtorch.
    fn log_density(&self, x: &Features, calibration: &Calibration) -> Result<Array1<f32>>;
}

/// What a model says of samples.
#[derive(Clone, Debug)]
pub struct Assessed {
    /// Hard assignments, `[n]`.
    pub clusters: Array1<u32>,
    /// Probabilities of the clusters, `[n, K]`, for models that have them.
    pub gamma: Option<Array2<f32>>,
    /// [`Density::log_density`], `[n]`, where a calibration was given and the model has one.
    pub log_density: Option<Array1<f32>>,
}
