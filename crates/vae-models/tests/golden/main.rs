//! A change of results cannot pass unnoticed: a short fit of every method, recorded.

mod cases;
mod data;
mod judge;
mod judge_tests;
mod models;
mod trace;

use cases::{CASES, Case};
use judge::{COMMAND, Verdict, judge, source};
use vae_core::matmul::MatmulChoice;
use vae_models::registry::METHODS;

/// Threads and library of matrix products. Tests run in threads of their own, and libtorch's number is one of each.
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
    match (judge(trace::recorded(case).as_ref(), &now, &source), is_renewing()) {
        (Verdict::Same, _) => {}
        (Verdict::Renew(_), true) => trace::record(case, &now),
        (Verdict::Renew(why), false) => panic!("{}: {why}\nRenew with `{COMMAND}`.", case.name),
        (Verdict::Refused(why), false) => panic!("{}: {why}\nRenew with `{COMMAND}`.", case.name),
        (Verdict::Refused(why), true) => panic!("{} was not renewed: {why}", case.name),
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
