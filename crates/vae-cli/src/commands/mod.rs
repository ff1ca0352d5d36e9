//! One module per command.

pub mod cache;
pub mod config;
pub mod data;
pub mod embed;
pub mod features;
pub mod fit;
pub mod methods;
pub mod predict;
pub mod report;
pub mod sample;
pub mod score;

use crate::args::ModelOnData;
use crate::hardware::physical_cores;
use crate::input::{self, Input};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use vae_core::matmul::{self, Libraries, MatmulChoice};
use vae_data::Source;
use vae_models::{Clusterer, load_model};

/// The asked number of threads, or one per physical core.
fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(physical_cores, usize::from)
}

/// The model in a run folder, or a model file. From here on the process multiplies with the library
/// that is asked for, or else with that of the fit; another one than the fit's is said.
fn open_model(path: &Path, asked: Option<MatmulChoice>) -> Result<Box<dyn Clusterer>> {
    if !path.exists() {
        bail!(
            "{} does not exist; a run folder of `vae fit` is expected, or its model.safetensors",
            path.display()
        );
    }
    let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
    if path.is_dir() && !file.exists() {
        bail!("{} holds no model.safetensors; is it a finished run?", path.display());
    }
    let model = load_model(&file)?;
    let (library, note) = matmul::for_model(asked, model.matmul(), &Libraries::of_this_machine())?;
    library.apply();
    note.iter().for_each(|note| eprintln!("{note}"));
    Ok(model)
}

/// A model and the data to apply it to.
fn open(args: &ModelOnData) -> Result<(Box<dyn Clusterer>, Input)> {
    vae_core::device::configure_process(threads(args.threads));
    let model = open_model(&args.model, args.matmul)?;
    let input = input::load_for(&args.model, &args.data.parse::<Source>()?, &args.read)?;
    Ok((model, input))
}

/// The formats a command writes by the end of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Npy,
    Png,
}

/// The format `path` asks for, one of `allowed`.
fn format_of(path: &Path, allowed: &[(Format, &str)]) -> Result<Format> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let found = allowed.iter().find(|(_, name)| *name == ending);
    let names: Vec<String> = allowed.iter().map(|(_, name)| format!(".{name}")).collect();
    Ok(found.with_context(|| format!("{} should end in {}", path.display(), names.join(" or ")))?.0)
}

/// A file that is about to be written can be: its folder exists.
fn check_parent(path: &Path) -> Result<()> {
    let parent =
        path.parent().filter(|p| !p.as_os_str().is_empty()).map_or(PathBuf::from("."), Path::to_path_buf);
    if !parent.is_dir() {
        bail!("cannot write {}: {} is no folder", path.display(), parent.display());
    }
    Ok(())
}
