//! The project's tasks, one file per command: `cargo xtask <command>`.
//!
//! **Invariant:** this crate links neither torch nor any crate of the workspace that could, and of
//! the others `vae-jobs` alone. It builds the binary `vae`, runs it as a process and reads the
//! files it writes; so it compiles in seconds, before libtorch is there.

#![cfg_attr(
    test,
    expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")
)]

#[cfg(not(unix))]
compile_error!("xtask uses symbolic links and POSIX signals: run it on Linux or macOS");

mod bench;
mod book;
mod bundle;
// The one answer to where the cache is: see there.
#[path = "../../crates/vae-data/src/cache_dir.rs"]
mod cache_dir;
mod ci;
mod data;
mod deny;
mod examples;
mod exported;
mod files;
mod gpu_check;
mod libtorch;
mod package;
mod program;
mod project;
mod reproduce;
mod sets;
mod step;
mod test;
mod tidy;
mod tool;
mod workflows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this repository. Commands that need libtorch provide it by themselves on first use.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Provide libtorch 2.11.0: kept in the user's cache folder, linked into this clone as
    /// ./libtorch
    Libtorch(libtorch::Args),
    /// Run the tests, doctests included, with the library path set
    Test(test::Args),
    /// Everything continuous integration checks: format, layout, lints, tests, docs, licences,
    /// packages, examples, the book, tables, recorded runs, exported models, Slurm where it is
    /// there, a small demo
    Ci(ci::Args),
    /// Check the layout: who imports whom, crates without torch, lengths of files, paths that
    /// belong to one machine
    Tidy(tidy::Args),
    /// Licences, sources, duplicates and known vulnerabilities of the dependencies, as deny.toml
    /// says
    Deny(deny::Args),
    /// Package every crate as for publishing, and check what is in the packages
    Package(package::Args),
    /// Build and run the packages of examples/, which depend on one crate each
    Examples(examples::Args),
    /// Apply exported models of every method with examples/python/predict.py, and compare it with
    /// `vae predict`
    Exported(exported::Args),
    /// Fill and render a table of results/: only the runs that are missing are made
    Reproduce(Box<reproduce::Args>),
    /// Check the book of docs/ and its commands against the program, and build it into out/book
    Book(book::Args),
    /// Run the criterion benches in the one optimised profile
    Bench(bench::Args),
    /// A folder and an archive with the program, its libtorch, recipes and data sets, for machines
    /// without Rust and without network
    Bundle(bundle::Args),
    /// The folder that somebody with a GPU runs once; with --stage, that run
    GpuCheck(gpu_check::Args),
    /// Check the workflows of .github with actionlint
    Workflows(workflows::Args),
    /// `vae data ...`: list, fetch and describe data sets
    Data(data::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Libtorch(args) => libtorch::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Tidy(args) => tidy::run(&args),
        Command::Deny(args) => deny::run(&args),
        Command::Package(args) => package::run(&args),
        Command::Examples(args) => examples::run(&args),
        Command::Exported(args) => exported::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Book(args) => book::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::GpuCheck(args) => gpu_check::run(&args),
        Command::Workflows(args) => workflows::run(&args),
        Command::Data(args) => data::run(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
