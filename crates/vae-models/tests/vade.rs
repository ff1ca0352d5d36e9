//! VaDE's held assignments.

mod common;

use common::{build, features, groups, model_bytes, refuses};

const SET: [&str; 8] = [
    "net.hidden=[16]",
    "net.latent_dim=2",
    "pretrain.train.epochs=4",
    "pretrain.train.min_updates=0",
    "train.epochs=6",
    "train.min_updates=0",
    "train.batch_size=32",
    "assignment_warmup_epochs=5",
];

#[test]
fn a_stopped_training_continues_to_the_same_bytes() {
    let fresh = || tempfile::tempdir().expect("temp dir");
    let x = features(groups(120, 8, (0.6, 0.4)));
    let bytes = |refresh: &'static str, stops: &[usize]| {
        let set = [&SET[..], &["pretrain.train.batch_size=32", refresh]].concat();
        model_bytes(|| build("vade", 3, &set), &x, fresh().path(), stops)
    };
    let whole = bytes("assignment_refresh_epochs=2", &[]);
    // Four epochs of four steps pretrain; then stops before, at and after the assignments of the
    // model of the moment are taken, and in the free epoch.
    for within in [3, 8, 10, 17, 22] {
        assert_eq!(
            whole,
            bytes("assignment_refresh_epochs=2", &[16 + within, 1]),
            "stopped at step {within}"
        );
    }
    assert_ne!(whole, bytes("assignment_refresh_epochs=0", &[]));
}

#[test]
fn nothing_is_refreshed_that_is_not_held() {
    for warmup in ["assignment_warmup_epochs=0", "assignment_warmup_epochs=2"] {
        refuses("vade", &["assignment_refresh_epochs=2", warmup], "assignment_refresh_epochs");
    }
}
