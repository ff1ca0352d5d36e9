//! The configuration of `ae-kmeans`, `ae-gmm`, `vae-gmm` and `ae-spectral`.

use crate::api::MethodConfig;
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::{CodeClustering, Codes, CodesInit, GraphOf, net_for_data};
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::pretrain::{PretrainConfig, PretrainKind};
use vae_graph::partition::PartitionConfig;

/// The configuration of `ae-kmeans`, `ae-gmm` (`C` = [`CodeClustering`]), `vae-gmm` (`OfVae`) and
/// `ae-spectral` ([`PartitionConfig`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound = "")]
pub struct TwoStageConfig<C: CodesConfig> {
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

impl<C: CodesConfig> Default for TwoStageConfig<C> {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            // A tenth of a standardised column's variance as noise: with 1 the likelihood of a few
            // columns would not outweigh the prior, and the posterior would collapse.
            likelihood_variance: 0.1,
            net: crate::pretrained::default_net_for_codes(),
            pretrain: PretrainConfig { kind: C::PRETRAIN, ..crate::pretrained::default_pretrain() },
            codes: C::default(),
        }
    }
}

/// The table `[codes]`.
pub trait CodesConfig:
    Serialize + DeserializeOwned + Default + Clone + std::fmt::Debug + PartialEq + Send + 'static
{
    /// How the networks are trained by default.
    const PRETRAIN: PretrainKind = PretrainKind::Joint;

    /// Checks how the networks are trained.
    ///
    /// # Errors
    /// An error that names the key.
    fn check_pretrain(_pretrain: &PretrainConfig) -> Result<()> {
        Ok(())
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// An error that names the key.
    fn check(&self) -> Result<()>;

    /// Clusters codes.
    ///
    /// # Errors
    /// Clusters that cannot be found, libtorch.
    fn fit(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<CodesInit>;
}

impl CodesConfig for CodeClustering {
    fn check(&self) -> Result<()> {
        Self::check(self)
    }

    fn fit(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<CodesInit> {
        codes.cluster(self, n_clusters)
    }
}

/// The clustering of the codes of a plain VAE.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfVae(CodeClustering);

impl CodesConfig for OfVae {
    const PRETRAIN: PretrainKind = PretrainKind::Variational;

    fn check_pretrain(pretrain: &PretrainConfig) -> Result<()> {
        match pretrain.kind {
            PretrainKind::Variational => Ok(()),
            other => {
                let found = serde_json::json!(other);
                let expected = "variational (ae-gmm has the others)";
                Err(Error::config("kind", found.as_str().unwrap_or_default(), expected))
            }
        }
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn fit(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<CodesInit> {
        codes.cluster(&self.0, n_clusters)
    }
}

impl CodesConfig for PartitionConfig {
    fn check(&self) -> Result<()> {
        Ok(self.check()?)
    }

    fn fit(&self, codes: &Codes<'_>, n_clusters: usize) -> Result<CodesInit> {
        codes.partition(self, n_clusters, (GraphOf::Codes, &[]))
    }
}

impl<C: CodesConfig> MethodConfig for TwoStageConfig<C> {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        C::check_pretrain(&self.pretrain).within("pretrain")?;
        self.codes.check().within("codes")
    }
}
