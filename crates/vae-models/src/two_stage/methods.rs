//! The methods `ae-kmeans`, `ae-gmm` and `ae-spectral`.

use super::{
    CodeClustering, CodeModel, cluster_codes, labels_of, labels_to_tensor, partition_codes, resolve_input,
};
use crate::clusterer::{Clusterer, FitSummary, Generator, SoftAssign};
use crate::mixture::{Mixture, array_of, sample_component, tensor_of};
use crate::registry::{MethodConfig, Restorable};
use crate::saved::{Stored, save};
use crate::scale::ScaleKind;
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::{Device, Kind};
use vae_core::features::to_array2;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::phase::{Artefact, FitContext};
use vae_core::pretrain::{PretrainConfig, pretrain};
use vae_core::{Features, ImageShape};
use vae_gmm::{Gmm, KMeans};
use vae_graph::knn::{Knn, Metric};
use vae_graph::partition::PartitionConfig;

/// The configuration of `ae-kmeans`, `ae-gmm` (`C` = [`CodeClustering`]) and `ae-spectral` ([`PartitionConfig`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwoStageConfig<C: Default> {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// What the auto-encoder's outputs mean.
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The training of the auto-encoder.
    pub pretrain: PretrainConfig,
    /// The clustering of the codes.
    pub codes: C,
}

impl<C: Default> Default for TwoStageConfig<C> {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            // A tenth of a standardised column's variance is noise: with 1 a few columns could not outweigh the prior,
            // and the latent space would go unused.
            likelihood_variance: 0.1,
            net: super::default_net(),
            pretrain: super::default_pretrain(),
            codes: C::default(),
        }
    }
}

/// The table `[codes]`.
pub trait CodesConfig:
    Serialize + DeserializeOwned + Default + Clone + std::fmt::Debug + Send + 'static
{
    /// Checks the ranges.
    ///
    /// # Errors
    /// An error that names the key.
    fn check(&self) -> Result<()>;
}

impl CodesConfig for CodeClustering {
    fn check(&self) -> Result<()> {
        Ok(self.check()?)
    }
}

impl CodesConfig for PartitionConfig {
    fn check(&self) -> Result<()> {
        Ok(self.check()?)
    }
}

impl<C: CodesConfig> MethodConfig for TwoStageConfig<C> {
    fn check(&self) -> Result<()> {
        crate::config::check_n_clusters(self.n_clusters)?;
        self.net.check()?;
        self.pretrain.check()?;
        self.codes.check()
    }
}

/// Second stage of a fitted model.
pub trait CodeStage: Sized + Send {
    const NAME: &'static str;
    type Config: CodesConfig;
    /// Clusters the codes of all samples.
    fn start(
        x: &Features,
        config: &TwoStageConfig<Self::Config>,
        autoencoder: &Artefact,
        cx: &FitContext,
    ) -> Result<super::Start>;
    /// From what [`CodeStage::start`] found.
    fn of(start: &super::Start, codes: impl FnOnce() -> Result<Array2<f32>>) -> Result<Self>;
    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>>;
    fn store(&self, tensors: &mut vae_core::bundle::Tensors);
    fn load(stored: &Stored) -> Result<Self>;
    fn assignments(start: &super::Start) -> &Array1<u32>;
}

impl CodeStage for KMeans {
    const NAME: &'static str = "ae-kmeans";
    type Config = CodeClustering;

    fn start(
        x: &Features,
        config: &TwoStageConfig<CodeClustering>,
        autoencoder: &Artefact,
        cx: &FitContext,
    ) -> Result<super::Start> {
        cluster_codes(x, &config.net, &config.codes, config.n_clusters, autoencoder, cx)
    }

    fn of(start: &super::Start, _codes: impl FnOnce() -> Result<Array2<f32>>) -> Result<Self> {
        Ok(Self::from_centres(start.centres.clone())?)
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut vae_core::bundle::Tensors) {
        tensors.insert("kmeans.centres".into(), tensor_of(self.centres()));
    }

    fn load(stored: &Stored) -> Result<Self> {
        Ok(Self::from_centres(array_of(stored.tensor("kmeans.centres")?)?)?)
    }

    fn assignments(start: &super::Start) -> &Array1<u32> {
        &start.kmeans_assignments
    }
}

impl CodeStage for Gmm {
    const NAME: &'static str = "ae-gmm";
    type Config = CodeClustering;

    fn start(
        x: &Features,
        config: &TwoStageConfig<CodeClustering>,
        autoencoder: &Artefact,
        cx: &FitContext,
    ) -> Result<super::Start> {
        cluster_codes(x, &config.net, &config.codes, config.n_clusters, autoencoder, cx)
    }

    fn of(start: &super::Start, _codes: impl FnOnce() -> Result<Array2<f32>>) -> Result<Self> {
        start.mixture.to_gmm()
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut vae_core::bundle::Tensors) {
        Mixture::of(self).store("gmm.", tensors);
    }

    fn load(stored: &Stored) -> Result<Self> {
        Mixture::load(&stored.tensors, "gmm.")?.to_gmm()
    }

    fn assignments(start: &super::Start) -> &Array1<u32> {
        &start.assignments
    }
}

/// A partition of the graph of the codes; a new code belongs to the cluster of the nearest known one.
#[derive(Debug)]
pub struct Spectral {
    codes: Features,
    labels: Array1<u32>,
}

impl CodeStage for Spectral {
    const NAME: &'static str = "ae-spectral";
    type Config = PartitionConfig;

    fn start(
        x: &Features,
        config: &TwoStageConfig<PartitionConfig>,
        autoencoder: &Artefact,
        cx: &FitContext,
    ) -> Result<super::Start> {
        partition_codes(x, &config.net, (&config.codes, config.n_clusters), autoencoder, None, cx)
    }

    fn of(start: &super::Start, codes: impl FnOnce() -> Result<Array2<f32>>) -> Result<Self> {
        Ok(Self { codes: Features::dense(codes()?)?, labels: start.assignments.clone() })
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        let nearest = Knn { k: 1, metric: Metric::Euclidean };
        let codes = Features::dense(codes.clone())?;
        let found = nearest.among(&self.codes, &codes, &FitContext::in_memory(0))?;
        Ok(found.index().column(0).mapv(|i| self.labels[i as usize]))
    }

    fn store(&self, tensors: &mut vae_core::bundle::Tensors) {
        let codes = self.codes.dense_rows(0, self.codes.n());
        tensors.insert("spectral.codes".into(), tensor_of(codes.mapv(f64::from).view()).to_kind(Kind::Float));
        tensors.insert("spectral.labels".into(), labels_to_tensor(&self.labels));
    }

    fn load(stored: &Stored) -> Result<Self> {
        let codes = Features::dense(to_array2(stored.tensor("spectral.codes")?)?)?;
        let labels = labels_of(stored.tensor("spectral.labels")?)?;
        if labels.len() != codes.n() {
            let why = format!("the model file has {} labels for {} codes", labels.len(), codes.n());
            return Err(vae_core::Error::Features(why).into());
        }
        Ok(Self { codes, labels })
    }

    fn assignments(start: &super::Start) -> &Array1<u32> {
        &start.assignments
    }
}

/// An auto-encoder and a clustering of its codes.
#[derive(Debug)]
pub struct TwoStage<S: CodeStage> {
    config: TwoStageConfig<S::Config>,
    fitted: Option<(CodeModel, S)>,
}

/// Auto-encoder and k-means.
pub type AeKMeans = TwoStage<KMeans>;

/// Auto-encoder and diagonal Gaussian mixture: the AE+GMM of the published tables.
pub type AeGmm = TwoStage<Gmm>;

/// Auto-encoder and a partition of the graph of its codes.
pub type AeSpectral = TwoStage<Spectral>;

impl<S: CodeStage> TwoStage<S> {
    fn fitted(&self) -> Result<&(CodeModel, S)> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }
}

impl<S: CodeStage> TwoStage<S> {
    fn fit_stages(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let config = &self.config;
        let likelihood = Some((config.likelihood, config.likelihood_variance));
        let (input, resolved) = resolve_input(x, config.scale, likelihood, config.n_clusters)?;
        let scaled = input.prepare(x)?;
        let likelihood = input.likelihood.ok_or(Error::NotFitted)?;
        let autoencoder = pretrain(&scaled, &config.net, &config.pretrain, likelihood, cx)?;
        let start = S::start(&scaled, config, &autoencoder, cx)?;
        let model = CodeModel::new(&config.net, input.clone(), &autoencoder.tensors, cx.device)?;
        let stage = S::of(&start, || model.codes(x))?;
        self.fitted = Some((model, stage));
        Ok(FitSummary {
            assignments: S::assignments(&start).clone(),
            start_assignments: None,
            observed: Vec::new(),
            selection: start.selection,
            phases: vec![autoencoder.record, start.record],
            resolved,
        })
    }

    fn save_stages(&self, path: &Path) -> Result<()> {
        let (model, stage) = self.fitted()?;
        let mut tensors = model.snapshot()?;
        stage.store(&mut tensors);
        save(path, S::NAME, &self.config, &model.input, &tensors)
    }

    fn restore_stages(config: TwoStageConfig<S::Config>, stored: &Stored) -> Result<Self> {
        let model = CodeModel::new(&config.net, stored.input.clone(), &stored.tensors, Device::Cpu)?;
        let stage = S::load(stored)?;
        Ok(Self { config, fitted: Some((model, stage)) })
    }
}

/// The parts of [`Clusterer`] that do not differ between the two.
macro_rules! common_methods {
    () => {
        fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
            self.fit_stages(x, cx)
        }

        fn predict(&self, x: &Features) -> Result<Array1<u32>> {
            let (model, stage) = self.fitted()?;
            CodeStage::predict(stage, &model.codes(x)?)
        }

        fn embed(&self, x: &Features) -> Result<Array2<f32>> {
            self.fitted()?.0.codes(x)
        }

        fn save(&self, path: &Path) -> Result<()> {
            self.save_stages(path)
        }

        fn n_clusters(&self) -> usize {
            self.config.n_clusters
        }

        fn image(&self) -> Option<ImageShape> {
            self.fitted.as_ref().and_then(|(model, _)| model.input.image)
        }
    };
}

impl Clusterer for AeKMeans {
    common_methods!();
}

impl Clusterer for AeSpectral {
    common_methods!();
}

impl Clusterer for AeGmm {
    common_methods!();

    fn soft(&self) -> Option<&dyn SoftAssign> {
        Some(self)
    }

    fn generator(&self) -> Option<&dyn Generator> {
        Some(self)
    }
}

impl SoftAssign for AeGmm {
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>> {
        let (model, gmm) = self.fitted()?;
        Ok(gmm.predict_proba(model.codes(x)?.view())?.mapv(|g| g as f32))
    }
}

impl Generator for AeGmm {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let (model, gmm) = self.fitted()?;
        model.decode(sample_component(gmm, cluster, n, seed)?.view())
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (model, _) = self.fitted()?;
        model.decode(model.codes(x)?.view())
    }
}

impl<S: CodeStage + 'static> Restorable for TwoStage<S>
where
    Self: Clusterer,
{
    type Config = TwoStageConfig<S::Config>;

    fn new(config: Self::Config) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: Self::Config, stored: Stored) -> Result<Self> {
        Self::restore_stages(config, &stored)
    }
}
