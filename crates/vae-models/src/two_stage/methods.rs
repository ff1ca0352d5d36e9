//! The methods `ae-kmeans` and `ae-gmm`.

use super::{CodeClustering, CodeModel, cluster_codes, resolve_input};
use crate::clusterer::{Clusterer, FitSummary, Generator, SoftAssign};
use crate::mixture::{Mixture, array_of, sample_component, tensor_of};
use crate::registry::{MethodConfig, Restorable};
use crate::saved::{Stored, save};
use crate::scale::ScaleKind;
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Device;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::phase::FitContext;
use vae_core::pretrain::{PretrainConfig, pretrain};
use vae_core::{Features, ImageShape};
use vae_gmm::{Gmm, KMeans};

/// The configuration of `ae-kmeans` and `ae-gmm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwoStageConfig {
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
    pub codes: CodeClustering,
}

impl Default for TwoStageConfig {
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
            codes: CodeClustering::default(),
        }
    }
}

impl MethodConfig for TwoStageConfig {
    fn check(&self) -> Result<()> {
        crate::config::check_n_clusters(self.n_clusters)?;
        self.net.check()?;
        self.pretrain.check()?;
        Ok(self.codes.check()?)
    }
}

/// Second stage of a fitted model.
pub trait CodeStage: Sized + Send {
    const NAME: &'static str;
    /// From what the phase `init` found.
    fn of(start: &super::Start) -> Result<Self>;
    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>>;
    fn store(&self, tensors: &mut vae_core::bundle::Tensors);
    fn load(stored: &Stored) -> Result<Self>;
    fn assignments(start: &super::Start) -> &Array1<u32>;
}

impl CodeStage for KMeans {
    const NAME: &'static str = "ae-kmeans";

    fn of(start: &super::Start) -> Result<Self> {
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

    fn of(start: &super::Start) -> Result<Self> {
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

/// An auto-encoder and a clustering of its codes.
#[derive(Debug)]
pub struct TwoStage<S> {
    config: TwoStageConfig,
    fitted: Option<(CodeModel, S)>,
}

/// Auto-encoder and k-means.
pub type AeKMeans = TwoStage<KMeans>;

/// Auto-encoder and diagonal Gaussian mixture: the AE+GMM of the published tables.
pub type AeGmm = TwoStage<Gmm>;

impl<S> TwoStage<S> {
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
        let start = cluster_codes(&scaled, &config.net, &config.codes, config.n_clusters, &autoencoder, cx)?;
        let model = CodeModel::new(&config.net, input.clone(), &autoencoder.tensors, cx.device)?;
        self.fitted = Some((model, S::of(&start)?));
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

    fn restore_stages(config: TwoStageConfig, stored: &Stored) -> Result<Self> {
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

impl Restorable for AeKMeans {
    type Config = TwoStageConfig;

    fn new(config: TwoStageConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: TwoStageConfig, stored: Stored) -> Result<Self> {
        Self::restore_stages(config, &stored)
    }
}

impl Restorable for AeGmm {
    type Config = TwoStageConfig;

    fn new(config: TwoStageConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: TwoStageConfig, stored: Stored) -> Result<Self> {
        Self::restore_stages(config, &stored)
    }
}
