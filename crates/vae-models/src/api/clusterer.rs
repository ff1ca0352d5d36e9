//! The trait of all methods as a user has them, and the report of a fit.

use super::density::{Assessed, Calibration, Density};
use super::export::ExportNotes;
use super::numbers::renumber;
use super::watch::Watch;
use crate::Result;
use ndarray::{Array1, Array2, ArrayView2};
use std::path::Path;
use vae_core::identity::Revisions;
use vae_core::phase::{FitContext, PhaseRecord};
use vae_core::{Features, ImageShape};

/// A clustering method with its configuration, fitted or not.
///
/// `Features` has no labels, so that a fit cannot use any: a property of this signature.
pub trait Clusterer: Send {
    /// Learns the clusters of `x`.
    ///
    /// # Errors
    /// Configuration out of range, features the method cannot use, a loss that is not finite, an
    /// interruption (the same call continues), files.
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary>;

    /// Hard assignments, `[n]`, values in `0..n_clusters`.
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted), [`Error::Dim`](crate::Error::Dim).
    fn predict(&self, x: &Features) -> Result<Array1<u32>>;

    /// Points of the latent space, `[n, latent_dim]` (the scaled features themselves for a method
    /// without one).
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted), [`Error::Dim`](crate::Error::Dim).
    fn embed(&self, x: &Features) -> Result<Array2<f32>>;

    /// Writes the fitted model (safetensors with its configuration); read it with
    /// [`load_model`](crate::load_model).
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted), files.
    fn save(&self, path: &Path) -> Result<()>;

    /// Writes the fitted model for programs other than this one: all steps from raw features to
    /// clusters in one safetensors file, as `docs/src/export.md` describes it.
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted);
    /// [`Error::Unsupported`](crate::Error::Unsupported) for a method that does not say how its
    /// models compute; files.
    fn export(&self, path: &Path, notes: &ExportNotes) -> Result<()>;

    /// Number of clusters.
    fn n_clusters(&self) -> usize;

    /// Gives the clusters of a fitted model other numbers: cluster `c` becomes `numbers[c]` in all
    /// that it says from now on, and in what is saved.
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted), and
    /// [`Error::Numbers`](crate::Error::Numbers) for what is no permutation of `0..n_clusters`.
    fn renumber(&mut self, numbers: &[u32]) -> Result<()>;

    /// Shape of the images it was fitted on, if they were images.
    fn image(&self) -> Option<ImageShape>;

    /// Library of the fit's matrix products, as [`Matmul::name`](vae_core::matmul::Matmul::name): a
    /// model is best applied with the same. `None` for a fit on a GPU, and where a model file does
    /// not say.
    fn matmul(&self) -> Option<&str> {
        None
    }

    /// Soft assignments, for fitted methods that have them.
    fn soft(&self) -> Option<&dyn SoftAssign> {
        None
    }

    /// The clusterings of fitted methods that find more than one.
    fn facets(&self) -> Option<&dyn Facets> {
        None
    }

    /// New samples and reconstructions, for fitted methods that are generative.
    fn generator(&self) -> Option<&dyn Generator> {
        None
    }

    /// How probable samples are, for fitted methods that say so.
    fn density(&self) -> Option<&dyn Density> {
        None
    }

    /// Assignments, their probabilities and, with a calibration, the densities of samples: what
    /// [`Clusterer::predict`], [`Clusterer::soft`] and [`Clusterer::density`] give, in one pass
    /// where the method can.
    ///
    /// # Errors
    /// As [`Clusterer::predict`].
    fn assess(&self, x: &Features, calibration: Option<&Calibration>) -> Result<Assessed>;
}

/// A posterior over clusters.
pub trait SoftAssign {
    /// `gamma`, `[n, k]`; rows sum to 1.
    ///
    /// # Errors
    /// As [`Clusterer::predict`].
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>>;
}

/// A model of the data.
pub trait Generator {
    /// `n` new samples of one cluster on the scale of the data, `[n, d]`: means of p(x | z) with z
    /// from the cluster's prior. Equal seeds give equal samples.
    ///
    /// # Errors
    /// [`Error::NoCluster`](crate::Error::NoCluster),
    /// [`Error::NotFitted`](crate::Error::NotFitted).
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>>;

    /// The data as the model sees it, `[n, d]`: decoded posterior means on the scale of the data.
    ///
    /// # Errors
    /// As [`Clusterer::predict`].
    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>>;

    /// What the model makes of points `z` of its latent space `[n, latent_dim]`, such as
    /// [`Clusterer::embed`] gives: means of p(x | z) on the scale of the data, `[n, d]`.
    ///
    /// # Errors
    /// [`Error::LatentDim`](crate::Error::LatentDim),
    /// [`Error::NotFitted`](crate::Error::NotFitted).
    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>>;
}

/// Several clusterings of the same samples at once.
pub trait Facets {
    /// For each facet the assignments, `[n]`; the first facet is that of [`Clusterer::predict`].
    ///
    /// # Errors
    /// As [`Clusterer::predict`].
    fn assignments(&self, x: &Features) -> Result<Vec<Array1<u32>>>;

    /// A text of the facets: their states and variables.
    fn structure(&self) -> String;
}

impl FitSummary {
    /// Gives the clusters other numbers, as [`Clusterer::renumber`] does.
    pub fn renumber(&mut self, numbers: &[u32]) {
        renumber(&mut self.assignments, numbers);
        self.start_assignments.iter_mut().for_each(|clusters| renumber(clusters, numbers));
        self.observed.iter_mut().for_each(|(_, clusters)| renumber(clusters, numbers));
    }
}

/// The report of a fit.
#[derive(Debug, Default)]
pub struct FitSummary {
    /// Assignments of the fitted samples, `[n]`.
    pub assignments: Array1<u32>,
    /// Assignments of the initialisation, `[n]`.
    pub start_assignments: Option<Array1<u32>>,
    /// What the training did to those of the initialisation.
    pub watch: Option<Watch>,
    /// (epoch, assignments) as observed during the last phase; epochs count from 1.
    pub observed: Vec<(usize, Array1<u32>)>,
    /// How restarts were chosen, without labels.
    pub selection: String,
    /// The phases in order, with their histories and costs.
    pub phases: Vec<PhaseRecord>,
    /// The algorithms that the result depends on.
    pub revisions: Revisions,
    /// The `auto` settings as resolved on this data, for example `likelihood = bernoulli`.
    pub resolved: Vec<String>,
}
