//! A change of results cannot pass unnoticed: a short fit of every method, recorded.
//!
//! `traces/CASE.json` holds for each phase the loss, its terms and the learning rate of every
//! epoch, the notes, and the revisions of the algorithms it used; then the clusters of all rows.
//! Numbers may differ by 1e-4 of themselves (see `judge.rs`), clusters of rows with a clear margin
//! not at all. `models/METHOD.safetensors` is a saved model of each method (see `models.rs`).
//!
//! `VAE_GOLDEN=renew cargo xtask test -p vae-models --test golden` renews what changed. It refuses
//! a trace that changed while no revision was raised that could explain it. `VAE_GOLDEN_THREADS`
//! and `VAE_GOLDEN_MATMUL` (`blas`, `onednn`) fit otherwise; the traces are the same.
//!
//! The branches, and the cases that take them:
//!
//! | method | branch | case |
//! |---|---|---|
//! | `kmeans` | restarts, standardised columns; mini-batches, sparse rows | `kmeans`; `kmeans_minibatch` |
//! | `gmm` | by inertia, min-max; by likelihood from the global variance, a floor | `gmm`; `gmm_likelihood` |
//! | `spectral`, `auto` | a power transformation, a learned variance, cuts by conductance | `spectral`; `auto` |
//! | pretraining | joint; stacked with masks, masked inputs; stacked with dropout | `vade`; `ae_gmm`, `dec`; `dec_caffe` |
//! | | likelihood; mean squares, SGD, momentum ramp, clipping; half of them, biases' rate | `vade`; `ae_kmeans`; `dec_caffe` |
//! | codes | by inertia; modularity; likelihood | `vade`; `ae_kmeans`; `ae_gmm` |
//! | `ae-spectral` | Krylov spaces (above 512 points); one dense matrix | `ae_spectral`; `vade_graph` |
//! | `vade` | start by a mixture; k-means, uniform pi; graph and Siamese network, warm-up | `vade`; `vade_kmeans`; `vade_graph` |
//! | | k-means or EM by modularity | `vade_better` |
//! | | steps of the learning rate to its floor; mean field, weight decay; oneDNN's products | `vade`; `vade_kmeans`; `vade_wide` |
//! | `dgg` | smoothed targets; tuples, k-means, hidden classifier of samples | `dgg`; `dgg_tuples` |
//! | | graph rebuilt and cut anew; rebuilt only, of raw rows, cosine | `dgg`; `dgg_raw` |
//! | | Siamese space, random neighbours, Gaussian weights, global pi | `dgg_siamese` |
//! | `dec` | targets renewed; the code's order, momentum, factor; IDEC, settled labels | `dec`; `dec_caffe`; `idec` |
//! | `imsat` | adversarial; unequal shares, xi in units of the input; random | `imsat`; `imsat_shares`; `imsat_rpt` |
//! | `spectralnet` | codes, Siamese, modularity; features, Euclidean, k-means, alternation | `spectralnet`; `spectralnet_plain` |
//! | `ltvae` | graph, warm-up; k-means, fixed alpha; mixture, automatic alpha | `ltvae`; `ltvae_kmeans`; `ltvae_gmm` |
//! | | two facets, independent basis; structure search | `ltvae_facets`; `ltvae_search` |
//! | `vae-cluster` | `n_init`; convolutions, squashed; graph start | `vae_cluster`; `vae_cluster_conv`; `vae_cluster_graph` |
//! | `conv-vae` | sound; literal, cut, two layers; exact-literal | `conv_vae`; `conv_vae_literal`; `conv_vae_exact` |
//! | | graph start, Bernoulli | `conv_vae_graph` |
//! | `gmvae` | M = 3, `n_init`, batch norm of layers; of convolutions | `gmvae`; `gmvae_conv` |
//! | `gmvae-m2` | the exact sum; `class_floor`, binarised | `gmvae_m2`; `gmvae_m2_floor` |

mod cases;
mod data;
mod judge;
mod judge_tests;
mod models;
mod trace;

use cases::{CASES, Case};
use judge::{COMMAND, Verdict, judge, source};
use vae_core::matmul::MatmulChoice;
use vae_models::registry::{METHODS, revisions};

/// Threads and library of matrix products. Tests run in threads of their own, and libtorch's number
/// is one of each.
fn configure() {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.into());
    vae_core::device::configure_process(setting("VAE_GOLDEN_THREADS", "1").parse().expect("a number"));
    let matmul: MatmulChoice = setting("VAE_GOLDEN_MATMUL", "auto").parse().expect("a library");
    matmul.apply().expect("a library that is there");
}

fn is_renewing() -> bool {
    std::env::var("VAE_GOLDEN").is_ok_and(|v| v == "renew")
}

/// Fits a case and compares, or renews.
fn check(case: &Case) {
    configure();
    let (_, now) = trace::fit(case);
    let known = revisions();
    for (name, number) in now.phases.iter().flat_map(|phase| &phase.revisions) {
        assert_eq!(known.get(name), Some(number), "{name} is missing in vae_models::registry::revisions()");
    }
    match (judge(trace::recorded(case).as_ref(), &now, &source), is_renewing()) {
        (Verdict::Same, _) => {}
        (Verdict::Renew(_), true) => trace::record(case, &now),
        (Verdict::Renew(why), false) => panic!("{}:\n{why}\nRenew with `{COMMAND}`.", case.name),
        (Verdict::Refused(why), false) => panic!("{}:\n{why}\nRenew with `{COMMAND}`.", case.name),
        (Verdict::Refused(why), true) => panic!("{} was not renewed:\n{why}", case.name),
    }
}

#[test]
fn every_method_has_a_case_and_every_file_belongs_to_one() {
    for method in METHODS {
        assert!(
            CASES.iter().any(|case| case.method == method.name),
            "{} has no case in cases.rs",
            method.name
        );
    }
    for entry in std::fs::read_dir(trace::folder("traces")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a name");
        assert!(
            CASES.iter().any(|case| case.name == name),
            "{} belongs to no case: delete it",
            path.display()
        );
    }
}
