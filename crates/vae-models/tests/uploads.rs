//! What a training draws on the host goes to the device in blocks of steps: an epoch costs a few
//! copies however many steps it has.

mod common;

use common::{build, features, groups};
use vae_core::device::uploads;
use vae_core::phase::FitContext;

/// 60 steps an epoch, 40 with batches of six: two blocks of each stream of random numbers.
const ROWS: usize = 240;

const BASE: &str = "train.min_updates=0 train.batch_size=4";
const NET: &str = "net.hidden=[8] net.latent_dim=2";
const PRETRAIN: &str = "pretrain.train.epochs=1 pretrain.train.min_updates=0";

/// Copies of a fit with so many epochs of the phase whose setting is `epochs`.
fn copies(method: &str, set: &[&str], epochs: &str, n: usize) -> u64 {
    let number = format!("{epochs}={n}");
    let set: Vec<&str> = set.iter().flat_map(|part| part.split(' ')).chain([number.as_str()]).collect();
    let x = features(groups(ROWS, 6, (0.8, 0.2)));
    let before = uploads();
    build(method, 3, &set).fit(&x, &FitContext::in_memory(1)).expect("fitted");
    uploads() - before
}

/// `streams`: what each step of an epoch draws besides the order of the rows.
#[track_caller]
fn an_epoch_costs(method: &str, set: &[&str], epochs: &str, streams: u64) {
    let more = copies(method, set, epochs, 6) - copies(method, set, epochs, 2);
    assert_eq!(more, 4 * (1 + 2 * streams), "{method}: copies in four epochs");
}

#[test]
fn noise_of_mixture_vaes() {
    an_epoch_costs("vade", &[BASE, NET, PRETRAIN], "train.epochs", 1);
    an_epoch_costs("ltvae", &[BASE, NET, PRETRAIN, "assignment_warmup_epochs=0"], "train.epochs", 1);
    let dgg =
        "graph.neighbors.n_neighbors=5 assignment_warmup_epochs=0 classifier.train.epochs=1 graph.space=raw";
    an_epoch_costs("dgg", &[BASE, NET, PRETRAIN, dgg, "pi=global"], "train.epochs", 1);
}

#[test]
fn noise_of_pretraining() {
    let masked = "pretrain.train.min_updates=0 pretrain.train.batch_size=4 pretrain.input_mask=0.2";
    an_epoch_costs("ae-kmeans", &[NET, masked], "pretrain.train.epochs", 1);
    an_epoch_costs("vae-gmm", &[NET, masked], "pretrain.train.epochs", 2);
    let plain = "pretrain.train.min_updates=0 pretrain.train.batch_size=4";
    an_epoch_costs("ae-kmeans", &[NET, plain], "pretrain.train.epochs", 0);
}

#[test]
fn noise_from_random_weights() {
    for (method, streams) in [("vae-cluster", 1), ("conv-vae", 1), ("gmvae", 2), ("gmvae-m2", 1)] {
        an_epoch_costs(method, &[BASE, NET], "train.epochs", streams);
    }
}

#[test]
fn batches_and_partners_of_the_others() {
    // A random subset for each batch, and the direction; no order of the rows.
    let more = copies("imsat", &[BASE, "net.hidden=[8]"], "train.epochs", 6)
        - copies("imsat", &[BASE, "net.hidden=[8]"], "train.epochs", 2);
    assert_eq!(more, 4 * 2 * 2, "imsat");
    let map = "map.hidden=[8] space=features distance=euclidean clusters=kmeans affinity.n_neighbors=0 train.batch_size=6";
    an_epoch_costs("spectralnet", &[BASE, map], "train.epochs", 1);
    let pairs = "space=features map.hidden=[8] siamese_net.hidden=[8] siamese_net.latent_dim=2 train.epochs=1 \
                 train.min_updates=0 siamese.train.min_updates=0 siamese.train.batch_size=4";
    an_epoch_costs("spectralnet", &[pairs], "siamese.train.epochs", 1);
    an_epoch_costs("dec", &[BASE, NET, PRETRAIN, "tolerance=0.0"], "train.epochs", 0);
}
