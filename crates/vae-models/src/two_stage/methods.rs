//! The methods `ae-kmeans`, `ae-gmm` and `ae-spectral`.

use super::{CodeClustering, CodeModel, Codes, Start, labels_of, labels_to_tensor};
use crate::clusterer::FitSummary;
use crate::error::Within;
use crate::input::{Input, InputConfig};
use crate::method::{Generative, Method, MethodConfig, Model, Soft};
use crate::mixture::Mixture;
use crate::registry::Preset;
use crate::saved::stored;
use crate::scale::ScaleKind;
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::features::{to_array2, to_array2_f64, to_tensor, to_tensor_f64};
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::phase::FitContext;
use vae_core::pretrain::{PretrainConfig, pretrain};
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

    /// Clusters codes.
    ///
    /// # Errors
    /// Clusters that cannot be found, libtorch.
    fn start(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<Start>;
}

impl CodesConfig for CodeClustering {
    fn check(&self) -> Result<()> {
        Self::check(self)
    }

    fn start(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<Start> {
        codes.cluster(self, n_clusters)
    }
}

impl CodesConfig for PartitionConfig {
    fn check(&self) -> Result<()> {
        Ok(self.check()?)
    }

    fn start(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<Start> {
        codes.partition(self, n_clusters, None)
    }
}

impl<C: CodesConfig> MethodConfig for TwoStageConfig<C> {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.codes.check().within("codes")
    }
}

/// Second stage of a fitted model.
pub trait CodeStage: Sized + Send + std::fmt::Debug + 'static {
    const NAME: &'static str;
    const SUMMARY: &'static str;
    const REFERENCE: &'static str;
    const PRESETS: &'static [Preset];
    /// Whether it is a model of the codes.
    const GENERATIVE: bool = false;
    type Config: CodesConfig;
    /// From what [`CodesConfig::start`] found.
    fn of(start: &Start, codes: &Codes<'_>) -> Result<Self>;
    fn assignments(start: &Start) -> &Array1<u32>;
    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>>;
    fn store(&self, tensors: &mut Tensors) -> Result<()>;
    fn load(tensors: &Tensors) -> Result<Self>;
    /// The mixture, where it is one.
    fn gmm(&self) -> Option<&Gmm> {
        None
    }
}

impl CodeStage for KMeans {
    const NAME: &'static str = "ae-kmeans";
    const SUMMARY: &'static str = "auto-encoder, then k-means on its codes";
    const REFERENCE: &'static str = "baseline of DEC and VaDE";
    const PRESETS: &'static [Preset] = presets!("ae-kmeans":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = CodeClustering;

    fn of(start: &Start, _codes: &Codes<'_>) -> Result<Self> {
        Ok(Self::from_centres(start.centres.clone())?)
    }

    fn assignments(start: &Start) -> &Array1<u32> {
        &start.kmeans_assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        tensors.insert("kmeans.centres".into(), to_tensor_f64(self.centres())?);
        Ok(())
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        Ok(Self::from_centres(to_array2_f64(stored(tensors, "kmeans.centres")?)?)?)
    }
}

impl CodeStage for Gmm {
    const NAME: &'static str = "ae-gmm";
    const SUMMARY: &'static str = "auto-encoder, then a diagonal Gaussian mixture on its codes";
    const REFERENCE: &'static str = "baseline of VaDE, LTVAE and DGG (AE+GMM)";
    const PRESETS: &'static [Preset] = presets!("ae-gmm":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    const GENERATIVE: bool = true;
    type Config = CodeClustering;

    fn of(start: &Start, _codes: &Codes<'_>) -> Result<Self> {
        start.mixture.to_gmm()
    }

    fn assignments(start: &Start) -> &Array1<u32> {
        &start.assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        Ok(Self::predict(self, codes.view())?)
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        Mixture::of(self).store("gmm.", tensors)
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        Mixture::load(tensors, "gmm.")?.to_gmm()
    }

    fn gmm(&self) -> Option<&Gmm> {
        Some(self)
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
    const SUMMARY: &'static str =
        "auto-encoder, then a partition of its codes' neighbour graph, chosen by modularity";
    const REFERENCE: &'static str = "Ng, Jordan and Weiss 2001; Newman 2004";
    const PRESETS: &'static [Preset] = presets!("ae-spectral":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = PartitionConfig;

    fn of(start: &Start, codes: &Codes<'_>) -> Result<Self> {
        Ok(Self { codes: codes.get()?.clone(), labels: start.assignments.clone() })
    }

    fn assignments(start: &Start) -> &Array1<u32> {
        &start.assignments
    }

    fn predict(&self, codes: &Array2<f32>) -> Result<Array1<u32>> {
        let nearest = Knn { k: 1, metric: Metric::Euclidean };
        let codes = Features::dense(codes.clone())?;
        let found = nearest.among(&self.codes, &codes, &FitContext::in_memory(0))?;
        Ok(found.index().column(0).mapv(|i| self.labels[i as usize]))
    }

    fn store(&self, tensors: &mut Tensors) -> Result<()> {
        let codes = self.codes.dense_rows(0, self.codes.n());
        tensors.insert("spectral.codes".into(), to_tensor(codes.view(), Device::Cpu)?);
        tensors.insert("spectral.labels".into(), labels_to_tensor(&self.labels));
        Ok(())
    }

    fn load(tensors: &Tensors) -> Result<Self> {
        let codes = Features::dense(to_array2(stored(tensors, "spectral.codes")?)?)?;
        let labels = labels_of(stored(tensors, "spectral.labels")?)?;
        if labels.len() != codes.n() {
            let why = format!("has {} labels for {} codes", labels.len(), codes.n());
            let (what, remedy) = ("the model".into(), FIT_ANEW.into());
            return Err(vae_core::Error::Checkpoint { what, why, remedy }.into());
        }
        Ok(Self { codes, labels })
    }
}

/// The methods: an auto-encoder and a clustering of its codes.
#[derive(Debug)]
pub struct TwoStage<S>(std::marker::PhantomData<S>);

/// Auto-encoder and k-means.
pub type AeKMeans = TwoStage<KMeans>;

/// Auto-encoder and diagonal Gaussian mixture: the AE+GMM of the published tables.
pub type AeGmm = TwoStage<Gmm>;

/// Auto-encoder and a partition of the graph of its codes.
pub type AeSpectral = TwoStage<Spectral>;

/// A fitted [`TwoStage`].
#[derive(Debug)]
pub struct Stages<S> {
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
    type Model = Stages<S>;

    fn fit(
        config: &Self::Config,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(Stages<S>, FitSummary)> {
        let autoencoder = pretrain(x, &config.net, &config.pretrain, input.likelihood()?, cx)?;
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let start = config.codes.start(&codes, config.n_clusters)?;
        let first = CodeModel::new(&config.net, input, &autoencoder.tensors, cx.device)?;
        let second = S::of(&start, &codes)?;
        let summary = FitSummary {
            assignments: S::assignments(&start).clone(),
            selection: start.selection,
            phases: vec![autoencoder.record.clone(), start.record],
            ..FitSummary::default()
        };
        Ok((Stages { first, second }, summary))
    }

    fn restore(config: &Self::Config, input: &Input, tensors: &Tensors) -> Result<Stages<S>> {
        let first = CodeModel::new(&config.net, input, tensors, Device::Cpu)?;
        Ok(Stages { first, second: S::load(tensors)? })
    }
}

impl<S: CodeStage> Model for Stages<S> {
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

    fn soft(&self) -> Option<&dyn Soft> {
        self.second.gmm().map(|_| self as &dyn Soft)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        self.second.gmm().map(|_| self as &dyn Generative)
    }
}

impl<S: CodeStage> Stages<S> {
    fn gmm(&self) -> Result<&Gmm> {
        self.second.gmm().ok_or_else(|| Error::Unsupported("this model has no mixture of its codes".into()))
    }
}

impl<S: CodeStage> Soft for Stages<S> {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(self.gmm()?.predict_proba(self.first.codes(x)?.view())?.mapv(|g| g as f32))
    }
}

impl<S: CodeStage> Generative for Stages<S> {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let codes: Array2<f32> = self.gmm()?.sample_component(cluster as u32, n, seed)?;
        self.first.decode(codes.view())
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        self.first.decode(self.first.codes(x)?.view())
    }
}
