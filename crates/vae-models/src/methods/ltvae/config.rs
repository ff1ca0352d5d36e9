//! The configuration of LTVAE.

use crate::api::MethodConfig;
use crate::config::{check_above_0, check_at_least_1, check_optional};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind, check_affine};
use crate::pretrained::{InitConfig, InitKind, PiInit, net_for_data};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::identity::neutral;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::pretrain::PretrainConfig;
use vae_core::schedule::LrSchedule;
use vae_core::train::TrainConfig;
use vae_gmm::tree::Structure;
use vae_gmm::tree::em::Covariance;
use vae_gmm::tree::search::SearchConfig;
use vae_graph::partition::PartitionConfig;
use vae_graph::siamese::SiameseConfig;

/// The axes of z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeBasisKind {
    /// Those of the auto-encoder's codes.
    Codes,
    /// The codes' independent components, scaled to variance 1, in descending order of |excess
    /// kurtosis|. Every latent is initialised by k-means on its own variables, the root included.
    Independent,
}

/// Whether the covariances of the leaves are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CovarianceKind {
    /// Fixed at `alpha I` (the authors' clustering runs).
    Fixed,
    /// Stepwise EM estimates them (the paper's text).
    Estimated,
}

/// The table `[search]`: a hill climb over structures every few epochs. Absent: the structure is
/// fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StructureSearch {
    /// Epochs between two searches; the first is before the epoch of this number (0-based).
    pub every_epochs: usize,
    /// Share of the samples whose posterior means are used in a search.
    pub share: f64,
    /// The hill climb.
    pub climb: SearchConfig,
}

impl Default for StructureSearch {
    fn default() -> Self {
        Self { every_epochs: 10, share: 0.2, climb: SearchConfig::default() }
    }
}

/// The configuration of LTVAE. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LtvaeConfig {
    /// Number of clusters, K: states of the root.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// Then every value is multiplied by this. The authors' code has grey values in [0, 5.1].
    #[serde(skip_serializing_if = "is_one")]
    pub input_factor: f64,
    /// p(x | z).
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// `codes` or `independent`.
    pub basis: CodeBasisKind,
    /// Variance of every leaf where `covariance` is `fixed`. 0: the mean variance of the codes
    /// within the initial clusters of the root.
    pub alpha: f64,
    /// `fixed` or `estimated`.
    pub covariance: CovarianceKind,
    /// Smallest eigenvalue of an estimated covariance.
    pub covariance_floor: f64,
    /// η of stepwise EM.
    pub eta: f64,
    /// Epochs in which the states of the root are fixed at the initial assignments.
    #[serde(skip_serializing_if = "no_warmup")]
    pub assignment_warmup_epochs: usize,
    /// Encoder and decoder.
    pub net: NetConfig,
    /// The auto-encoder's training, which gives the initial weights.
    pub pretrain: PretrainConfig,
    /// The initial clusters of the root.
    pub init: InitConfig,
    /// The tree; absent: one facet over all of z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<Structure>,
    /// The search for a structure; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<StructureSearch>,
    /// The training of the ELBO.
    pub train: TrainConfig,
}

/// For a setting whose neutral value is 1.
fn is_one(value: &f64) -> bool {
    neutral(value, &1.0)
}

fn no_warmup(epochs: &usize) -> bool {
    neutral(epochs, &0)
}

impl Default for LtvaeConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            input_factor: 1.0,
            likelihood: LikelihoodKind::Auto,
            likelihood_variance: 0.1,
            basis: CodeBasisKind::Codes,
            alpha: 0.0,
            covariance: CovarianceKind::Estimated,
            covariance_floor: 0.01,
            eta: 0.01,
            assignment_warmup_epochs: 20,
            net: crate::pretrained::default_net(),
            pretrain: crate::pretrained::default_pretrain(),
            init: InitConfig { kind: InitKind::Graph, ..InitConfig::default() },
            structure: None,
            search: None,
            train: TrainConfig {
                epochs: 40,
                min_updates: 2000,
                batch_size: 128,
                lr: 1e-3,
                lr_schedule: LrSchedule::Cosine,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl LtvaeConfig {
    /// The initial structure of the tree.
    pub(super) fn initial_structure(&self) -> Structure {
        let (k, j) = (self.n_clusters, self.net.latent_dim);
        match (&self.structure, &self.search) {
            (Some(given), _) => given.clone(),
            // Leaves that can be moved one by one.
            (None, Some(_)) => Structure::naive_bayes(k, j),
            (None, None) => Structure::mixture(k, j),
        }
    }

    pub(super) fn covariance(&self) -> Covariance {
        match self.covariance {
            CovarianceKind::Fixed => Covariance::Kept,
            CovarianceKind::Estimated => Covariance::Estimated { floor: self.covariance_floor },
        }
    }
}

impl MethodConfig for LtvaeConfig {
    fn input(&self) -> InputConfig {
        let likelihood = Some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        let mut all = Self { search: Some(StructureSearch::default()), ..Self::default() };
        all.init.partition = Some(PartitionConfig::default());
        all.init.siamese = Some(SiameseConfig::default());
        all
    }

    fn complete(&mut self) {
        if self.init.kind == InitKind::Graph {
            self.init.partition.get_or_insert_default();
        }
    }

    fn foreign_tables(&self) -> &'static [&'static str] {
        // The profile `paper` of a preset changes the kind.
        if self.init.kind == InitKind::Graph { &[] } else { &["init.partition", "init.siamese"] }
    }

    fn affine(&self) -> (f64, f64) {
        (self.input_factor, 0.0)
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        net_for_data(&mut self.net, x)
    }

    fn check(&self) -> Result<()> {
        check_affine(self.input_factor, 0.0)?;
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.init.codes.check().within("init.codes")?;
        let graph = (self.init.kind == InitKind::Graph, "init.kind is \"graph\"");
        check_optional("init.partition", self.init.partition.as_ref(), graph, |p| Ok(p.check()?))?;
        check_optional("init.siamese", self.init.siamese.as_ref(), graph, |s| Ok(s.check()?))?;
        if self.init.pi != PiInit::Gmm {
            let expected = "\"gmm\": the weights of a tree are the shares of the start's clusters";
            return Err(Error::config("init.pi", "uniform", expected));
        }
        self.train.check().within("train")?;
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return Err(Error::config("alpha", self.alpha, "a finite number above 0, or 0 for automatic"));
        }
        check_above_0("covariance_floor", self.covariance_floor)?;
        if !(0.0..=1.0).contains(&self.eta) {
            return Err(Error::config("eta", self.eta, "a number in [0, 1]"));
        }
        if let Some(structure) = &self.structure {
            structure.check(self.net.latent_dim)?;
            let root = structure.latents[0].n_states;
            if root != self.n_clusters {
                let expected =
                    format!("n_clusters, {}: the states of the root are the clusters", self.n_clusters);
                return Err(Error::config("structure.latents[0].n_states", root, &expected));
            }
        }
        if let Some(search) = &self.search {
            search.climb.check().within("search.climb")?;
            check_at_least_1("search.every_epochs", search.every_epochs)?;
            if !(search.share > 0.0 && search.share <= 1.0) {
                return Err(Error::config("search.share", search.share, "a number in (0, 1]"));
            }
        }
        Ok(())
    }
}
