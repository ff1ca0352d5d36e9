//! `cargo xtask gpu-check`: what somebody with a GPU runs once.
//!
//! Without `--stage` it makes the folder for that person: a [bundle] with MNIST,
//! whose `gpu-check.sh` calls this command with `--stage` where there is no Rust. With
//! `--device cpu` the stages run anywhere, which is how they are tested: **they were never run on a
//! GPU**.

mod fit;
mod interrupted;
mod losses;
mod report;
mod times;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

use self::fit::Fits;
use self::report::Report;
use crate::reproduce::{self, Vae};
use crate::step::human_seconds;
use crate::{bundle, project, step};

/// Make the folder for somebody with a GPU, or run its stages here.
#[derive(clap::Args)]
pub struct Args {
    /// Run this stage here; without it the folder is made
    #[arg(long, value_enum)]
    stage: Option<Stage>,
    /// The device to check
    #[arg(long, default_value = "cuda")]
    device: String,
    /// Only these methods, in the stage `checks`
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    methods: Vec<String>,
    /// In the stage `table`: a few runs of the demo instead of Table 1
    #[arg(long)]
    small: bool,
    /// In the stage `table`: a count of seeds, or a list, as for `cargo xtask reproduce`
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Where the stages work, and the folder goes [default: out/gpu-check of the clone]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For the folder: compile and link in this Debian root, see `cargo xtask bundle --help`
    #[arg(long, value_name = "DIR", conflicts_with = "stage")]
    in_root: Option<PathBuf>,
    /// This binary instead of one built now
    #[arg(long, hide = true)]
    vae: Option<PathBuf>,
}

/// What is run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The device, losses against the CPU's, times, an interrupted run: less than 8 minutes on a
    /// GPU
    Checks,
    /// Table 1's column MNIST at the profile `paper`
    Table,
}

/// The runs of the stage `table`, as words after `reproduce`.
const TABLE: &str = "table1 --datasets mnist --profile paper";

/// The same for a trial on any machine.
const SMALL_TABLE: &str = "demo --methods kmeans,vade --profile quick --seeds 1";

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    match args.stage {
        None => make(args),
        Some(Stage::Checks) => checks(args),
        Some(Stage::Table) => table(args),
    }
}

fn out(args: &Args) -> PathBuf {
    args.out.clone().unwrap_or_else(|| project::root().join("out/gpu-check"))
}

fn make(args: &Args) -> Result<ExitCode> {
    let words = bundle::Args {
        data: vec!["mnist".to_owned()],
        cells: vec![format!("{TABLE} --device {}", args.device)],
        in_root: args.in_root.clone(),
        ..bundle::Args::new(out(args))
    };
    if let Some(archive) = bundle::make(&words)? {
        println!(
            "on the machine with the GPU: unpack {}, then ./gpu-check.sh --stage checks, then --stage table; README.md in it says more",
            archive.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn checks(args: &Args) -> Result<ExitCode> {
    let (started, vae, out) = (Instant::now(), program(args)?, out(args).join("checks"));
    let fits = Fits { vae: &vae, device: &args.device, out: &out };
    let mut report = Report::new(&args.device);
    report.add("device", device(&fits));
    if report.has_failed() {
        // Everything else would fail for the same reason.
        return report.finish(&out, started.elapsed());
    }
    for method in methods(args, &vae)? {
        report.add(&format!("losses of {method}"), losses::check(&fits, &method));
    }
    report.add("times", times::check(&fits));
    report.add("an interrupted and continued run", interrupted::check(&fits));
    report.finish(&out, started.elapsed())
}

/// Whether the device is there, and what it is.
fn device(fits: &Fits<'_>) -> Result<String> {
    if fits.device == "cpu" {
        return Ok(
            "cpu, which stands for a GPU here: this shows that the checks work, and nothing about a GPU"
                .to_owned(),
        );
    }
    let words = ["doctor".to_owned(), "--json".to_owned()];
    let text = step::stdout(&mut fits.vae.command(&words))?;
    let found: Value = serde_json::from_str(&text).context("`vae doctor --json` did not print JSON")?;
    match found["gpu"]["name"].as_str() {
        Some(name) => Ok(name.to_owned()),
        None => anyhow::bail!("{}", found["gpu"]["why_not"].as_str().unwrap_or("no GPU was found")),
    }
}

fn methods(args: &Args, vae: &Vae) -> Result<Vec<String>> {
    let known = vae.methods()?;
    if let Some(unknown) = args.methods.iter().find(|name| !known.contains(name)) {
        anyhow::bail!("there is no method {unknown}; there are {}", known.join(", "));
    }
    Ok(if args.methods.is_empty() { known } else { args.methods.clone() })
}

fn table(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    let words = if args.small { SMALL_TABLE } else { TABLE };
    let mut words = format!("{words} --offline --device {}", args.device);
    if let Some(seeds) = &args.seeds {
        words += &format!(" --seeds {seeds}");
    }
    let code = reproduce::run_words(&words, args.vae.clone())?;
    eprintln!("stage table: {}", human_seconds(started.elapsed().as_secs_f64()));
    Ok(code)
}

/// The program, which knows nothing of phases that other runs have shared.
fn program(args: &Args) -> Result<Vae> {
    match &args.vae {
        // Its caller knows where its libraries are.
        Some(program) => Ok(Vae { program: program.clone(), libtorch: None, cache: None }),
        None => reproduce::build(),
    }
}
