//! The methods `ae-kmeans`, `ae-gmm`, `vae-gmm` and `ae-spectral`, and a fitted model of theirs.

mod stage;

use self::stage::{CodeStage, OfVaeCodes, Spectral};
use super::config::{CodesConfig, TwoStageConfig};
use crate::api::{FitSummary, Generative, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{CodeModel, Codes};
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::FitContext;
use vae_core::pretrain::pretrain;
use vae_core::program::{Outputs, Program, Value};
use vae_gmm::{Gmm, KMeans};

/// The methods: an auto-encoder and a clustering of its codes.
#[derive(Debug)]
pub struct TwoStage<S>(std::marker::PhantomData<S>);

/// Auto-encoder and k-means.
pub type AeKMeans = TwoStage<KMeans>;

/// Auto-encoder and diagonal Gaussian mixture: the AE+GMM of the published tables.
pub type AeGmm = TwoStage<Gmm>;

/// Variational auto-encoder and diagonal Gaussian mixture: the VAE+GMM of the published tables.
pub type VaeGmm = TwoStage<OfVaeCodes>;

/// Auto-encoder and a partition of the graph of its codes.
pub type AeSpectral = TwoStage<Spectral>;

/// A fitted [`TwoStage`].
#[derive(Debug)]
pub struct TwoStageModel<S> {
    first: CodeModel,
    second: S,
}

impl<S: CodeStage> Method for TwoStage<S> {
    const NAME: &'static str = S::NAME;
    const SUMMARY: &'static str = S::SUMMARY;
    const REFERENCE: &'static str = S::REFERENCE;
    const GENERATIVE: bool = S::GENERATIVE;
    const PRESETS: &'static [Preset] = S::PRESETS;
    type Config = TwoStageConfig<S::Config>;
    type Model = TwoStageModel<S>;

    fn fit(
        config: &Self::Config,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(TwoStageModel<S>, FitSummary)> {
        let autoencoder = pretrain(x, &config.net, &config.pretrain, input.likelihood()?, cx)?;
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let init = config.codes.fit(&codes, config.n_clusters)?;
        let first = CodeModel::new(&config.net, input, &autoencoder.tensors, cx.device)?;
        let second = S::of(&init, &codes)?;
        let summary = FitSummary {
            assignments: S::assignments(&init).clone(),
            selection: init.selection,
            phases: vec![autoencoder.record.clone(), init.record],
            ..FitSummary::default()
        };
        Ok((TwoStageModel { first, second }, summary))
    }

    fn restore(config: &Self::Config, input: &Input, tensors: &Tensors) -> Result<TwoStageModel<S>> {
        let first = CodeModel::new(&config.net, input, tensors, Device::Cpu)?;
        Ok(TwoStageModel { first, second: S::load(tensors)? })
    }
}

impl<S: CodeStage> Model for TwoStageModel<S> {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.first.snapshot()?;
        self.second.store(&mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        self.second.predict(&self.first.codes(x)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        self.first.codes(x)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let codes = self.first.describe(program, x)?;
        let scores = self.second.describe(program, &codes)?;
        Ok(Outputs { scores, are_probabilities: self.second.gmm().is_some(), codes })
    }

    fn soft(&self) -> Option<&dyn Soft> {
        self.second.gmm().map(|_| self as &dyn Soft)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        self.second.gmm().map(|_| self as &dyn Generative)
    }
}

impl<S: CodeStage> TwoStageModel<S> {
    fn gmm(&self) -> Result<&Gmm> {
        self.second.gmm().ok_or_else(|| Error::Unsupported("this model has no mixture of its codes".into()))
    }
}

impl<S: CodeStage> Soft for TwoStageModel<S> {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(self.gmm()?.predict_proba(self.first.codes(x)?.view())?.mapv(|g| g as f32))
    }
}

impl<S: CodeStage> Generative for TwoStageModel<S> {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let codes: Array2<f32> = self.gmm()?.sample_component(cluster as u32, n, seed)?;
        self.first.decode(codes.view())
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        self.first.decode(self.first.codes(x)?.view())
    }

    fn latent_dim(&self) -> usize {
        self.second.gmm().map_or(0, |gmm| gmm.mu().ncols())
    }

    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        self.first.decode(z)
    }
}
