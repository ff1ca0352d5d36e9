//! One module per command.

pub mod cache;
pub mod compare;
pub mod completions;
pub mod config;
pub mod data;
pub mod doctor;
pub mod embed;
pub mod export;
pub mod features;
pub mod fit;
pub mod man;
pub mod methods;
pub mod name;
pub mod predict;
pub mod report;
pub mod sample;
pub mod score;
pub mod sweep;

mod apply;
mod outputs;

use crate::hardware::physical_cores;
use crate::output::remark;
use crate::run_folder::MODEL;
use anyhow::{Result, bail};
use std::path::Path;
use vae_core::matmul::{self, Libraries, MatmulChoice};
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
    let file = if path.is_dir() { path.join(MODEL) } else { path.to_path_buf() };
    if path.is_dir() && !file.exists() {
        bail!("{} holds no {MODEL}; is it a finished run?", path.display());
    }
    let model = load_model(&file)?;
    let (library, note) = matmul::for_model(asked, model.matmul(), &Libraries::of_this_machine())?;
    library.apply();
    note.iter().for_each(remark);
    Ok(model)
}
