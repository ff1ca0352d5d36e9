//! The configuration of VaDE.

use super::loss::Gamma;
use crate::api::MethodConfig;
use crate::config::{check_above_0, check_optional};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::{InitConfig, InitKind, net_for_data};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::identity::neutral;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::pretrain::PretrainConfig;
use vae_core::schedule::LrSchedule;
use vae_core::train::TrainConfig;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::SiameseConfig;

/// The configuration of VaDE. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadeConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// p(c | x) inside the loss.
    pub gamma: Gamma,
    /// Learning rate of pi, mu and log_var of the prior; it follows the schedule of `train`.
    pub prior_lr: f64,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder's training, which gives the initial weights.
    pub pretrain: PretrainConfig,
    /// The initial prior.
    pub init: InitConfig,
    /// Epochs in which p(c | x) is fixed at the initial assignments. In the first epochs the codes
    /// move before the prior structures them, and assignments that follow them lose the initial
    /// clusters.
    #[serde(skip_serializing_if = "no_epochs")]
    pub assignment_warmup_epochs: usize,
    /// After every so many of them the fixed assignments become those of the model of the moment:
    /// the networks, which fit most points before they fit those that were assigned wrongly,
    /// correct them. 0: the initial ones throughout.
    #[serde(skip_serializing_if = "no_epochs")]
    pub assignment_refresh_epochs: usize,
    /// The training of the ELBO.
    pub train: TrainConfig,
}

fn no_epochs(epochs: &usize) -> bool {
    neutral(epochs, &0)
}

impl Default for VadeConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            // A tenth of a standardised column's variance as noise: with 1 the likelihood of a few
            // columns would not outweigh the prior, and the posterior would collapse.
            likelihood_variance: 0.1,
            gamma: Gamma::Sample,
            prior_lr: 2e-3,
            net: crate::pretrained::default_net(),
            pretrain: crate::pretrained::default_pretrain(),
            init: InitConfig { kind: InitKind::Graph, ..InitConfig::default() },
            assignment_warmup_epochs: 25,
            assignment_refresh_epochs: 0,
            train: TrainConfig {
                epochs: 50,
                min_updates: 2000,
                batch_size: 128,
                lr: 2e-3,
                lr_schedule: LrSchedule::Cosine,
                adam_eps: 1e-4,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl MethodConfig for VadeConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        let mut all = Self::default();
        all.init.partition = Some(PartitionConfig::default());
        all.init.siamese = Some(SiameseConfig::default());
        all
    }

    fn complete(&mut self) {
        if self.init.kind == InitKind::Graph {
            self.init.partition.get_or_insert_default();
        }
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.init.codes.check().within("init.codes")?;
        let graph = (self.init.kind == InitKind::Graph, "init.kind is \"graph\"");
        check_optional("init.partition", self.init.partition.as_ref(), graph, |p| Ok(p.check()?))?;
        check_optional("init.siamese", self.init.siamese.as_ref(), graph, |s| Ok(s.check()?))?;
        self.train.check().within("train")?;
        let refresh = self.assignment_refresh_epochs;
        if refresh > 0 && refresh >= self.assignment_warmup_epochs {
            let expected = "0, or less than `assignment_warmup_epochs`, in which assignments are fixed";
            return Err(Error::config("assignment_refresh_epochs", refresh, expected));
        }
        check_above_0("prior_lr", self.prior_lr)
    }
}
