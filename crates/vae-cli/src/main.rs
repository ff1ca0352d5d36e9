//! The program `vae`: deep clustering with variational auto-encoders from the command line.
//!
//! One command is one module of [`commands`]. What a fit leaves behind is [`results`] (data files),
//! [`run_record`] (`run.json`), [`pictures`] and [`report`]; [`run_folder`] decides whether a
//! folder is begun, continued, finished or of another run. Labels are read by [`input`], stay in
//! this crate, and are looked at after the fit only.

mod align;
mod args;
mod assignments;
mod commands;
mod comparison;
mod confidence;
mod criteria;
mod exit;
mod files;
mod hardware;
mod input;
mod made_from;
mod output;
mod pictures;
mod predictions;
mod progress;
mod ranges;
mod reference;
mod report;
mod results;
mod row_names;
mod rows;
mod run_folder;
mod run_record;
mod runs;
mod selection;
mod signals;
mod walks;

use args::{Cli, Command};
use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::install_panic_hook();
    let cli = Cli::parse();
    start_log(cli.verbose);
    if cli.quiet {
        output::be_quiet();
    }
    let done = match cli.command {
        Command::Fit(args) => commands::fit::run(args),
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Embed(args) => commands::embed::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Sample(args) => commands::sample::run(&args),
        Command::Score(args) => commands::score::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Name(args) => commands::name::run(&args),
        Command::Config(args) => commands::config::run(&args),
        Command::Methods(args) => commands::methods::run(&args),
        Command::Features(args) => commands::features::run(&args),
        Command::Data(command) => commands::data::run(&command),
        Command::Cache(command) => commands::cache::run(&command),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    };
    exit::code(done)
}

/// Messages of the crates on stderr: `-v` for what is done, `-vv` for details; VAE_LOG overrides.
fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("VAE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !says_no_color())
        .with_target(verbose > 1)
        .without_time()
        .init();
}

/// Whether `NO_COLOR` is set to something (no-color.org).
fn says_no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
