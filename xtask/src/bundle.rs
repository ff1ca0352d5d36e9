//! `cargo xtask bundle`: one folder, and an archive of it, that makes runs on a machine without
//! Rust and without network.
//!
//! ```text
//! vae-0.1.0-x86_64-linux/
//!   vae  run.sh  gpu-check.sh   shell scripts that set the paths (env.sh) and start a program
//!   cells                       what run.sh makes without arguments
//!   bin/                        the programs vae and xtask
//!   libtorch/lib/               what vae loads
//!   results/RECIPE/recipe.toml  the tables; runs go beside them
//!   data/                       data sets
//!   licences/  README.md  bundle.json
//! ```
//!
//! Presets and the registry of data sets are inside `vae`.

mod compile;
mod contents;
mod elf;
mod licences;
mod needs;
mod root;
mod trial;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::compile::Programs;
use self::contents::{Bundle, Contents};
use self::root::Root;
use crate::libtorch;
use crate::step::{self, Step, human_bytes};
use crate::{files, project};

/// Make the folder and the archive.
#[derive(clap::Args)]
pub struct Args {
    /// Data sets that travel with it, by the names of `vae data list`; `strokes` is in the program
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub data: Vec<String>,
    /// Runs that `./run.sh` makes without arguments, as words after `cargo xtask reproduce`; may be
    /// repeated
    #[arg(long, value_name = "RECIPE OPTIONS", default_value = "demo --seeds 1")]
    pub cells: Vec<String>,
    /// Where the folder and the archive go [default: out/bundle of the clone]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Compile and link in this Debian root, for machines with an older glibc. Where it is not
    /// there it is made by debootstrap. Only root can do that
    #[arg(long, value_name = "DIR")]
    pub in_root: Option<PathBuf>,
    /// The suite of a root that is made
    #[arg(long, default_value = root::OLDEST)]
    pub suite: String,
    /// Leave libtorch out: `VAE_LIBTORCH` then names one where the bundle is used
    #[arg(long)]
    pub without_libtorch: bool,
    /// Make no archive
    #[arg(long, conflicts_with = "trial")]
    pub no_archive: bool,
    /// Unpack the archive in this Debian root, made where it is not there, and run it without
    /// network. Only root can do that
    #[arg(long = "try", value_name = "DIR", id = "trial")]
    pub trial: Option<PathBuf>,
    /// With --try: this archive instead of one made now
    #[arg(long, value_name = "FILE", requires = "trial")]
    pub archive: Option<PathBuf>,
    /// These programs instead of ones built now
    #[arg(long, hide = true, num_args = 2, value_names = ["VAE", "XTASK"])]
    pub programs: Vec<PathBuf>,
}

impl Args {
    /// No data sets, no runs, linked here, into `out`.
    pub fn new(out: PathBuf) -> Self {
        Self {
            data: Vec::new(),
            cells: Vec::new(),
            out: Some(out),
            in_root: None,
            suite: root::OLDEST.to_owned(),
            without_libtorch: false,
            no_archive: false,
            trial: None,
            archive: None,
            programs: Vec::new(),
        }
    }
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let archive = match &args.archive {
        Some(archive) => Some(archive.clone()),
        None => make(args)?,
    };
    if let (Some(dir), Some(archive)) = (&args.trial, archive) {
        trial::run(&Root::provide(dir, &args.suite, &[])?, &archive)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder and, unless it is not wanted, the archive, whose path is returned.
pub fn make(args: &Args) -> Result<Option<PathBuf>> {
    // What is asked for wrongly is said before minutes of compiling.
    let contents = Contents::of(args)?;
    let libtorch = libtorch::ensure()?;
    let root = args.in_root.as_deref();
    let root = root.map(|dir| Root::provide(dir, &args.suite, &root::TO_LINK)).transpose()?;
    let programs = match args.programs.as_slice() {
        [vae, xtask] => Programs { vae: vae.clone(), xtask: xtask.clone() },
        _ => compile::build(&libtorch, root.as_ref())?,
    };
    let linked_in = root.as_ref().map(Root::release).transpose()?;
    let out = args.out.clone().unwrap_or_else(|| project::root().join("out/bundle"));
    let step = Step::start("put the bundle together", "seconds");
    let bundle = contents.write(&programs, &libtorch, linked_in.as_deref(), &out)?;
    step.done();
    say(&bundle);
    match args.no_archive {
        true => Ok(None),
        false => pack(&bundle.folder).map(Some),
    }
}

fn say(bundle: &Bundle) {
    let Bundle { folder, crates, needs } = bundle;
    println!("{}: {}", folder.display(), human_bytes(files::folder_bytes(folder)));
    println!("licences of {crates} crates");
    print!("{}", needs.table());
    println!("{}", needs.sentence());
}

/// Packs `folder` as an archive beside it, in an order and with owners that depend on nothing else.
fn pack(folder: &Path) -> Result<PathBuf> {
    let (parent, name) = (
        folder.parent().context("a bundle without a folder around it")?,
        folder.file_name().context("a bundle without a name")?,
    );
    let archive = folder.with_added_extension("tar.zst");
    let beside = folder.with_added_extension("tar.zst.tmp");
    let step = Step::start(&format!("pack {}", archive.display()), "about 20 seconds");
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=posix"]);
    tar.args(["--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"]);
    tar.args(["--use-compress-program", "zstd -10 -T0 -q", "-cf"]).arg(&beside);
    step::run(tar.arg("-C").arg(parent).arg(name)).context(
        "the archive needs GNU tar and zstd (Debian's package zstd); --no-archive makes the folder alone",
    )?;
    std::fs::rename(&beside, &archive)
        .with_context(|| format!("cannot rename {} to its place", beside.display()))?;
    step.done();
    let bytes = std::fs::metadata(&archive).map_or(0, |meta| meta.len());
    println!("{}: {}", archive.display(), human_bytes(bytes));
    Ok(archive)
}
