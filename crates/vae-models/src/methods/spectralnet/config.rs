//! The configuration of SpectralNet.

use crate::api::MethodConfig;
use crate::config::{check_optional, check_widths};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind};
use crate::pretrained::check_random_siamese;
use crate::pretrained::net_for_data;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::activation::Activation;
use vae_core::init::Init;
use vae_core::likelihood::LikelihoodKind;
use vae_core::net::NetConfig;
use vae_core::pretrain::PretrainConfig;
use vae_core::schedule::LrSchedule;
use vae_core::train::TrainConfig;
use vae_gmm::KMeansConfig;
use vae_graph::siamese::{PairLoss, SiameseConfig, SiameseInit};

/// The points that are clustered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PointSpace {
    /// `features` for tables, `codes` for images and sparse features. Graphs of codes of a small
    /// table lose groups that those of its features keep (docs/lab-notes.md).
    Auto,
    /// Codes of a pretrained auto-encoder.
    Codes,
    /// The features themselves.
    Features,
}

/// The distance of the affinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairDistance {
    /// `euclidean` for features, `siamese` for codes and where a table `[siamese]` is given.
    Auto,
    /// That of the points.
    Euclidean,
    /// That of a Siamese network trained on the points' neighbours.
    Siamese,
}

/// How the map's outputs are clustered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterChoice {
    /// k-means on all of them (published, with as many outputs as clusters).
    Kmeans,
    /// k-means on the unit rows of several numbers of the leading ones; the one of highest
    /// modularity in the neighbour graph is chosen.
    Modularity,
}

/// The table `[affinity]`: the graph of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AffinityConfig {
    /// Nearest points of the batch that a point is linked to, itself among them. 0: all of them.
    pub n_neighbors: usize,
    /// The scale is the median distance to this neighbour, the point itself being the first.
    pub scale_neighbor: usize,
}

impl Default for AffinityConfig {
    fn default() -> Self {
        Self::of(PointSpace::Codes)
    }
}

impl AffinityConfig {
    /// The default: the published numbers for codes, more neighbours for features, which no
    /// network has drawn together.
    fn of(space: PointSpace) -> Self {
        match space {
            PointSpace::Features => Self { n_neighbors: 10, scale_neighbor: 5 },
            PointSpace::Codes | PointSpace::Auto => Self { n_neighbors: 3, scale_neighbor: 2 },
        }
    }
}

/// The table `[map]`: the network from points to eigenvectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapConfig {
    /// Widths of the hidden layers. A tanh follows the output.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Activation,
    /// Initial weights.
    pub init: Init,
    /// Number of outputs, the eigenvectors that are learnt. 0: K, or ⌈8K/5⌉ where `clusters` is
    /// `modularity`.
    pub n_outputs: usize,
}

impl Default for MapConfig {
    fn default() -> Self {
        Self {
            hidden: vec![512, 512, 256],
            activation: Activation::Relu,
            init: Init::GlorotUniform,
            n_outputs: 0,
        }
    }
}

/// The configuration of SpectralNet. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpectralNetConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// What the auto-encoder's outputs mean.
    pub likelihood: LikelihoodKind,
    /// λ of a Gaussian likelihood.
    pub likelihood_variance: f64,
    /// `auto`, `codes` or `features`.
    pub space: PointSpace,
    /// `auto`, `euclidean` or `siamese`.
    pub distance: PairDistance,
    /// Whether gradients flow through the orthonormalisation (the authors' code) or not (the
    /// alternation of the paper).
    pub grad_through_ortho: bool,
    /// `kmeans` or `modularity`.
    pub clusters: ClusterChoice,
    /// The auto-encoder.
    pub net: NetConfig,
    /// Its training.
    pub pretrain: PretrainConfig,
    /// The Siamese network's widths; `latent_dim` is its output.
    pub siamese_net: NetConfig,
    /// Its training, for `distance = "siamese"`, from random weights; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siamese: Option<SiameseConfig>,
    /// The graph of a batch; where it is absent, 10 neighbours and the scale of the fifth for
    /// features, 3 and the second for codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<AffinityConfig>,
    /// The map.
    pub map: MapConfig,
    /// The training of the map.
    pub train: TrainConfig,
    /// The clustering of the map's outputs.
    pub kmeans: KMeansConfig,
}

/// The table `[siamese]` where it is absent: the authors' loss and margin.
fn default_siamese() -> SiameseConfig {
    let base = SiameseConfig::default();
    SiameseConfig {
        start: SiameseInit::Random,
        n_positives: 2,
        loss: PairLoss::Spectralnet,
        margin: 1.0,
        train: TrainConfig { epochs: 10, batch_size: 128, lr: 1e-3, weight_decay: 0.0, ..base.train },
    }
}

impl Default for SpectralNetConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            likelihood: LikelihoodKind::Auto,
            likelihood_variance: 0.1,
            space: PointSpace::Auto,
            distance: PairDistance::Auto,
            grad_through_ortho: true,
            clusters: ClusterChoice::Modularity,
            net: crate::pretrained::default_net(),
            pretrain: crate::pretrained::default_pretrain(),
            siamese_net: NetConfig { hidden: vec![256, 256, 128], ..NetConfig::default() },
            siamese: None,
            affinity: None,
            map: MapConfig::default(),
            train: TrainConfig {
                epochs: 40,
                min_updates: 2000,
                batch_size: 512,
                lr: 1e-3,
                lr_schedule: LrSchedule::Cosine,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
            kmeans: KMeansConfig::default(),
        }
    }
}

impl SpectralNetConfig {
    /// The graph of a batch.
    pub(super) fn affinity(&self) -> AffinityConfig {
        self.affinity.clone().unwrap_or_else(|| AffinityConfig::of(self.space))
    }

    /// Outputs of the map.
    pub(super) fn n_outputs(&self) -> usize {
        match (self.map.n_outputs, self.clusters) {
            (0, ClusterChoice::Kmeans) => self.n_clusters,
            (0, ClusterChoice::Modularity) => (8 * self.n_clusters).div_ceil(5),
            (given, _) => given,
        }
    }
}

impl MethodConfig for SpectralNetConfig {
    fn input(&self) -> InputConfig {
        let codes = self.space != PointSpace::Features;
        let likelihood = codes.then_some((self.likelihood, self.likelihood_variance));
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood }
    }

    fn every_table() -> Self {
        let (affinity, siamese) = (Some(AffinityConfig::default()), Some(default_siamese()));
        Self { affinity, siamese, ..Self::default() }
    }

    fn complete(&mut self) {
        if self.distance == PairDistance::Auto {
            self.distance = match self.space {
                _ if self.siamese.is_some() => PairDistance::Siamese,
                PointSpace::Auto => PairDistance::Auto,
                PointSpace::Codes => PairDistance::Siamese,
                PointSpace::Features => PairDistance::Euclidean,
            };
        }
        if self.distance == PairDistance::Siamese {
            self.siamese.get_or_insert_with(default_siamese);
        }
        if self.space != PointSpace::Auto {
            self.affinity.get_or_insert_with(|| AffinityConfig::of(self.space));
        }
    }

    fn for_data(&mut self, x: &Features) -> Option<String> {
        let asked = self.space;
        if asked == PointSpace::Auto {
            let is_table = x.image().is_none() && x.as_dense().is_some();
            self.space = if is_table { PointSpace::Features } else { PointSpace::Codes };
        }
        self.complete();
        let name = |value: serde_json::Value| value.as_str().unwrap_or_default().to_string();
        let space = (asked != self.space).then(|| {
            let (space, distance) =
                (name(serde_json::json!(self.space)), name(serde_json::json!(self.distance)));
            format!("space = {space}, distance = {distance}")
        });
        let net = net_for_data(&mut self.net, x);
        let said: Vec<String> = [space, net].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn check(&self) -> Result<()> {
        self.net.check().within("net")?;
        self.pretrain.check().within("pretrain")?;
        self.siamese_net.check().within("siamese_net")?;
        self.train.check().within("train")?;
        self.kmeans.check().within("kmeans")?;
        let siamese = (self.distance != PairDistance::Euclidean, "distance is \"siamese\"");
        check_optional("siamese", self.siamese.as_ref(), siamese, check_random_siamese)?;
        check_widths("map.hidden", &self.map.hidden)?;
        let affinity = self.affinity();
        if affinity.n_neighbors == 1 {
            return Err(Error::config(
                "affinity.n_neighbors",
                1,
                "0 for all, or at least 2: one is the point itself",
            ));
        }
        if affinity.scale_neighbor < 2 {
            let expected = "at least 2: the first is the point itself";
            return Err(Error::config("affinity.scale_neighbor", affinity.scale_neighbor, expected));
        }
        if self.train.batch_size < 2 * self.n_outputs() {
            let expected = format!("at least twice the outputs of the map, {}", 2 * self.n_outputs());
            return Err(Error::config("train.batch_size", self.train.batch_size, &expected));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use vae_core::ImageShape;

    #[test]
    fn the_data_decide_what_auto_leaves_open() {
        let of = |x: Features, change: &dyn Fn(&mut SpectralNetConfig)| {
            let mut config = SpectralNetConfig { n_clusters: 2, ..SpectralNetConfig::default() };
            change(&mut config);
            config.complete();
            let said = config.for_data(&x);
            config.check().expect("valid");
            let affinity = config.affinity.expect("decided");
            (config.space, config.distance, affinity.n_neighbors, config.siamese.is_some(), said)
        };
        let table = || Features::dense(Array2::zeros((4, 4))).expect("valid");
        let (codes, features) = (PointSpace::Codes, PointSpace::Features);
        let (siamese, euclidean) = (PairDistance::Siamese, PairDistance::Euclidean);
        let said = Some("space = features, distance = euclidean".to_string());
        assert_eq!(of(table(), &|_| {}), (features, euclidean, 10, false, said));
        assert_eq!(of(table(), &|c| c.space = codes), (codes, siamese, 3, true, None));
        assert_eq!(of(table(), &|c| c.distance = siamese).1, siamese);
        assert_eq!(of(table(), &|c| c.siamese = Some(default_siamese())).1, siamese);
        let images = table().with_image(ImageShape { channels: 1, height: 2, width: 2 }).expect("valid");
        let (space, distance, n_neighbors, ..) = of(images, &|_| {});
        assert_eq!((space, distance, n_neighbors), (codes, siamese, 3));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let base = || {
            let mut config = SpectralNetConfig { n_clusters: 10, ..SpectralNetConfig::default() };
            config.complete();
            config
        };
        assert!(base().check().is_ok());
        let refused = |part: &str, change: &dyn Fn(&mut SpectralNetConfig)| {
            let mut config = base();
            change(&mut config);
            assert!(config.check().is_err_and(|e| e.to_string().contains(part)), "{part}");
        };
        refused("train.batch_size", &|c| c.train.batch_size = 19);
        let affinity = |n_neighbors, scale_neighbor| Some(AffinityConfig { n_neighbors, scale_neighbor });
        refused("affinity.n_neighbors", &|c| c.affinity = affinity(1, 2));
        refused("affinity.scale_neighbor", &|c| c.affinity = affinity(3, 1));
        refused("map.hidden[1]", &|c| c.map.hidden[1] = 0);
        refused("siamese", &|c| {
            (c.distance, c.siamese) = (PairDistance::Euclidean, Some(default_siamese()));
        });
        refused("siamese.start", &|c| {
            c.siamese = Some(SiameseConfig::default());
        });
    }
}
