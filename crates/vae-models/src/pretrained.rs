//! Initial values of methods with an auto-encoder: its codes, and clusterings of them.
//!
//! Restarts are chosen by the lowest k-means inertia, or by their modularity in the graph of the
//! codes' neighbours. The likelihood of the mixture is a poor criterion: on one auto-encoder's
//! codes of MNIST the mixture of highest likelihood of ten had the lowest accuracy, that of lowest
//! inertia the highest.

mod autoencoder;
mod better_start;
mod codes;
mod feature_partition;
mod graph_init;
mod graph_partition;
mod halves;
mod init;
mod latent_classes;
mod mixed_table;
mod normal_rows;
mod siamese;

pub(crate) use autoencoder::CodeModel;
pub use codes::{CodeClustering, CodeSelect};
pub(crate) use codes::{Codes, CodesInit};
pub(crate) use feature_partition::{FeaturePartition, Partitioned, load_n_clusters, store_n_clusters};
pub use feature_partition::{
    are_latent_classes, is_confirmed, number_of_clusters, number_without_halves, numbers_like_normal_rows,
};
pub use graph_init::GraphInit;
pub(crate) use graph_init::{Plain, fit_classes};
pub(crate) use graph_partition::OtherSpace;
pub use halves::take_back;
pub use init::{GraphOf, InitConfig, InitKind, LogVarInit, PiInit};
pub use latent_classes::{ClassLikelihood, bic_of_classes};
pub(crate) use siamese::{check_random_siamese, siamese};

use vae_core::Features;
use vae_core::activation::Activation;
use vae_core::identity::Revision;
use vae_core::net::NetConfig;
use vae_core::pretrain::PretrainConfig;
use vae_core::train::TrainConfig;

/// Clusterings of codes, and initial values from them.
pub(crate) const REVISIONS: &[Revision] = &[
    codes::REVISION,
    better_start::REVISION,
    graph_init::REVISION,
    feature_partition::REVISION,
    feature_partition::SPREAD,
    feature_partition::TWO_VALUES,
    halves::REVISION,
    normal_rows::REVISION,
    vae_gmm::latent_class::REVISION,
];

/// The default networks, for data without tuned settings: smaller than the published ones, which
/// were designed for images.
pub(crate) fn default_net() -> NetConfig {
    NetConfig { hidden: vec![256, 256, 512], ..NetConfig::default() }
}

/// The same for methods that cluster the codes of an auto-encoder by their distances: the
/// activation is smooth for tables.
pub(crate) fn default_net_for_codes() -> NetConfig {
    NetConfig { activation: Activation::Auto, ..default_net() }
}

/// Resolves an `auto` activation, and says to what.
pub(crate) fn net_for_data(net: &mut NetConfig, x: &Features) -> Option<String> {
    let asked = net.activation;
    net.activation = asked.for_data(x);
    (asked != net.activation).then(|| {
        let name = serde_json::json!(net.activation);
        format!("net.activation = {}", name.as_str().unwrap_or_default())
    })
}

/// The default training of the auto-encoder, for data without tuned settings: enough updates for
/// small data too.
pub(crate) fn default_pretrain() -> PretrainConfig {
    let config = PretrainConfig::default();
    PretrainConfig { train: TrainConfig { min_updates: 3000, batch_size: 128, ..config.train }, ..config }
}
