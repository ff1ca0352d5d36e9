//! A change of results cannot pass unnoticed: a short fit of every method, recorded.

mod cases;
mod data;
mod judge;
mod trace;

use cases::{CASES, Case};
use judge::{COMMAND, Verdict, judge, source};
use vae_core::matmul::MatmulChoice;

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
