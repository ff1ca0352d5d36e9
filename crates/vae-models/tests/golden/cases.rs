//! The fits whose traces are recorded. The head of `main.rs` says which covers what.

use super::data::Data;

/// A fit.
#[derive(Debug)]
pub struct Case {
    /// The name of its file and of its test.
    pub name: &'static str,
    pub method: &'static str,
    pub data: Data,
    pub n_clusters: usize,
    /// As `--set`, with spaces between.
    pub set: &'static [&'static str],
}

/// Defines [`CASES`], and a test for each.
macro_rules! cases {
    ($($name:ident: $method:literal, $data:ident, $k:literal, $($set:expr),+;)*) => {
        pub const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            method: $method,
            data: Data::$data,
            n_clusters: $k,
            set: &[$($set),+],
        }),*];
        $(#[test]
        fn $name() {
            super::check(CASES.iter().find(|case| case.name == stringify!($name)).expect("listed"));
        })*
    };
}

const NET: &str = "net.hidden=[16] net.latent_dim=3";
const PRETRAIN: &str = "pretrain.train.epochs=6 pretrain.train.min_updates=0 pretrain.train.batch_size=32 \
                        pretrain.train.lr=4e-3";
const STACKED: &str = "pretrain.kind=stacked pretrain.layer_epochs=2 pretrain.input_mask=0.1";
const TRAIN: &str = "train.epochs=6 train.min_updates=0 train.batch_size=32 train.observe_every_epochs=3";
/// For methods that start from random weights, which part classes late.
const BRISK: &str = "train.lr=1e-2 train.epochs=12 likelihood_variance=0.02";
/// The learning rate of the last epochs is the floor.
const STEPS: &str =
    "train.lr_schedule=step train.lr_decay_every_epochs=2 train.lr_decay_factor=0.5 train.lr_floor=8e-4";
const START: &str = "graph_start.epochs=3 graph_start.min_updates=0 graph_start.hold_share=0.5 \
                     graph_start.siamese.train.epochs=3 graph_start.siamese.train.min_updates=0 \
                     graph_start.siamese.train.batch_size=64 graph_start.siamese_net.hidden=[16] \
                     graph_start.siamese_net.latent_dim=3 graph_start.partition.n_init=60";

const NEIGHBOURS: &str = "graph.neighbors.n_neighbors=6";
const CLASSIFIER: &str = "classifier.train.epochs=4 classifier.train.min_updates=0 classifier.train.batch_size=32 \
     classifier.train.lr=0.3";
const IMSAT: &str = "net.hidden=[16,16] train.epochs=6 train.min_updates=0 train.batch_size=60 train.lr=5e-3 \
                     train.adam_eps=1e-4 net.output_scale=0.1";
const MAP: &str = "map.hidden=[32,16] train.batch_size=80 train.epochs=10";
const CONV: &str = "net.width=16 net.latent_dim=3 net.classifier_hidden=8";

cases! {
    kmeans: "kmeans", Scales, 3, "kmeans.n_init=4 kmeans.tol=0.0";
    kmeans_minibatch: "kmeans", Sparse, 3,
        "kmeans.n_init=2 kmeans.max_iter=4 kmeans.mini_batch_above=100 kmeans.batch_size=48";
    gmm: "gmm", Groups, 3, "scale=minmax gmm.n_init=4 gmm.max_iter=6 gmm.tol=0.0";
    gmm_likelihood: "gmm", Sparse, 3,
        "gmm.n_init=3 gmm.select=log_likelihood gmm.init_cov=global gmm.min_covar=0.01";

    spectral: "spectral", Scales, 3, "partition.n_init=3 kmeans.n_init=3";
    spectral_number: "spectral", Groups, 0, "partition.n_init=3 kmeans.n_init=3";
    auto: "auto", Scales, 3, NET, PRETRAIN, TRAIN, "assignment_warmup_epochs=3 kmeans.n_init=3";

    ae_kmeans: "ae-kmeans", Scales, 5, NET, PRETRAIN,
        "pretrain.loss=mse pretrain.train.optimizer=sgd pretrain.train.lr=0.5 pretrain.train.momentum=0.8",
        "pretrain.train.momentum_ramp_updates=20 pretrain.train.grad_clip_norm=0.5 codes.select=modularity codes.n_init=3",
        "net.activation=tanh pretrain.init=uniform_fan_in";
    ae_gmm: "ae-gmm", Groups, 3, NET, PRETRAIN, STACKED, "codes.select=log_likelihood codes.init_cov=global";
    vae_gmm: "vae-gmm", Groups, 3, NET, PRETRAIN, "net.activation=relu";
    ae_spectral: "ae-spectral", Many, 3, NET, PRETRAIN, "net.activation=leaky_relu codes.n_init=60";

    vade: "vade", Groups, 3, NET, PRETRAIN, TRAIN, STEPS;
    vade_kmeans: "vade", Scales, 3, NET, PRETRAIN, TRAIN,
        "init.kind=kmeans init.pi=uniform init.log_var=glorot gamma=meanfield train.weight_decay=1e-3";
    vade_better: "vade", Scales, 3, NET, PRETRAIN, TRAIN, "init.kind=kmeans-or-gmm init.codes.select=modularity";
    vade_graph: "vade", Sparse, 3, NET, PRETRAIN, TRAIN,
        "init.kind=graph assignment_warmup_epochs=2 init.siamese.train.epochs=3 init.siamese.train.min_updates=0",
        "init.siamese.train.batch_size=64";
    vade_refreshed: "vade", Groups, 3, NET, PRETRAIN, TRAIN, "pretrain.loss=mse pretrain.outputs=means",
        "likelihood=bernoulli assignment_warmup_epochs=4 assignment_refresh_epochs=2";
    vade_wide: "vade", Wide, 3, PRETRAIN, TRAIN,
        "net.hidden=[256,256] net.latent_dim=3 pretrain.train.batch_size=256 train.batch_size=256 train.epochs=4";

    dgg: "dgg", Sparse, 3, NET, PRETRAIN, TRAIN, STEPS, NEIGHBOURS, CLASSIFIER,
        "assignment_warmup_epochs=2 graph.rebuild_epochs=[3] graph.repartition_hold_epochs=1 init.partition.n_init=60";
    dgg_tuples: "dgg", Scales, 3, NET, PRETRAIN, TRAIN, NEIGHBOURS, CLASSIFIER,
        "objective=tuples init.kind=kmeans classifier.input=sample classifier.hidden=[6]",
        "assignment_warmup_epochs=1";
    dgg_siamese: "dgg", Sparse, 3, NET, PRETRAIN, TRAIN, NEIGHBOURS, CLASSIFIER,
        "graph.space=siamese pi=global assignment_warmup_epochs=0 graph.neighbors.choice=random",
        "graph.neighbors.pool=20 graph.neighbors.weighting=gaussian siamese.loss=hinge siamese.train.epochs=3",
        "siamese.train.min_updates=0 siamese.train.batch_size=64 init.partition.n_init=60";
    dgg_raw: "dgg", Sparse, 3, NET, PRETRAIN, TRAIN, NEIGHBOURS, CLASSIFIER,
        "graph.space=raw graph.metric=cosine graph.rebuild_epochs=[4] assignment_warmup_epochs=3";

    dec: "dec", Groups, 3, NET, PRETRAIN, STACKED, TRAIN, "tolerance=0.0 train.epochs=10";
    dec_caffe: "dec", Scales, 3, NET, PRETRAIN, STACKED, TRAIN, STEPS,
        "pretrain.layer_noise=dropout pretrain.loss=halfmse pretrain.bias_lr_factor=2.0 tolerance=0.0",
        "pretrain.init=normal001 pretrain.train.optimizer=sgd pretrain.train.lr=0.02 input_factor=5.1",
        "order=sequential restart_momentum=true bias_lr_factor=2.0 refresh_every_updates=10 alpha=0.5",
        "train.momentum_ramp_updates=15";
    idec: "dec", Sparse, 3, NET, PRETRAIN, TRAIN,
        "reconstruction_weight=1.0 clustering_weight=0.1 train.optimizer=adam train.lr=1e-3";

    imsat: "imsat", Groups, 3, IMSAT;
    imsat_shares: "imsat", Scales, 3, IMSAT,
        "shares=[0.5,0.3,0.2] perturbation.xi_unit=input perturbation.xi=0.5 input_factor=2.0 input_shift=0.1 train.epochs=2",
        "train.adam_eps=1e-2";
    imsat_rpt: "imsat", Sparse, 3, IMSAT, "perturbation.kind=rpt";

    spectralnet: "spectralnet", Sparse, 3, NET, PRETRAIN, TRAIN, MAP, "space=codes",
        "siamese_net.hidden=[16] siamese_net.latent_dim=3 siamese.train.epochs=3 siamese.train.min_updates=0";
    spectralnet_plain: "spectralnet", Scales, 3, TRAIN, MAP,
        "space=features distance=euclidean clusters=kmeans grad_through_ortho=false affinity.n_neighbors=0";

    ltvae: "ltvae", Sparse, 3, NET, PRETRAIN, TRAIN, "assignment_warmup_epochs=2 eta=0.05 init.partition.n_init=60";
    ltvae_kmeans: "ltvae", Scales, 3, NET, PRETRAIN, TRAIN,
        "init.kind=kmeans init.log_var=glorot covariance=fixed alpha=1.0 assignment_warmup_epochs=0",
        "input_factor=1.5";
    ltvae_gmm: "ltvae", Sparse, 3, NET, PRETRAIN, TRAIN, "init.kind=gmm covariance=fixed";
    ltvae_facets: "ltvae", Facets, 2, NET, PRETRAIN, TRAIN,
        "net.latent_dim=4 basis=independent assignment_warmup_epochs=0 init.kind=gmm pretrain.train.epochs=10",
        "structure={latents=[{n_states=2},{parent=0,n_states=2}],leaves=[{parent=0,variables=[0,2]},{parent=1,variables=[1,3]}]}";
    ltvae_search: "ltvae", Facets, 2, NET, PRETRAIN, TRAIN,
        "net.latent_dim=4 basis=independent assignment_warmup_epochs=1 init.kind=gmm pretrain.train.epochs=10",
        "search.every_epochs=2 search.share=0.5 search.climb.n_init=1 search.climb.em_steps=20 search.climb.local_steps=5";

    vae_cluster: "vae-cluster", Groups, 3, NET, TRAIN, BRISK, "net.classifier_hidden=8 n_init=2";
    vae_cluster_conv: "vae-cluster", Colours, 3, TRAIN, BRISK,
        "net.channels=[4,8] net.latent_dim=3 net.classifier_hidden=8 likelihood=squashed";
    vae_cluster_graph: "vae-cluster", Sparse, 3, NET, TRAIN, START, "net.classifier_hidden=8 train.lr=1e-2";

    conv_vae: "conv-vae", Pictures, 3, TRAIN, BRISK, CONV;
    conv_vae_literal: "conv-vae", Colours, 3, TRAIN, BRISK, CONV,
        "mode=literal net.intermediate=cut net.n_layers=2";
    conv_vae_exact: "conv-vae", Groups, 3, NET, TRAIN, BRISK,
        "mode=exact-literal category_input=latent net.classifier_hidden=8 n_init=2";
    conv_vae_graph: "conv-vae", Colours, 3, TRAIN, CONV, START, "likelihood=bernoulli train.lr=5e-3 train.epochs=4",
        "graph_start.partition.n_neighbors=20";

    gmvae: "gmvae", Groups, 3, NET, TRAIN, BRISK,
        "net.prior_hidden=8 net.style_dim=2 n_samples=3 lambda=1.0 n_init=2 train.adam_eps=1e-4";
    gmvae_conv: "gmvae", LargePictures, 3, TRAIN, BRISK,
        "net.conv_features=32 net.latent_dim=3 net.prior_hidden=8 net.style_dim=2 train.epochs=2 train.adam_eps=1e-2 \
         train.lr=1e-3";

    gmvae_m2: "gmvae-m2", Scales, 3, NET, TRAIN, BRISK;
    gmvae_m2_floor: "gmvae-m2", Groups, 3, NET, TRAIN,
        "likelihood=bernoulli binarize=true class_floor=0.2 n_init=2 train.lr=5e-3";
}
