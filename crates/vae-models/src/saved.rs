//! Fitted models on disk: one safetensors file with the configuration inside.

use crate::input::Input;
use crate::registry;
use crate::{Clusterer, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Tensor;
use toml::Table;
use vae_core::bundle::{self, FIT_ANEW, Tensors};

/// Version of the file's layout.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    method: String,
    revision: u32,
    config: String,
    input: Input,
}

/// A model file's content.
#[derive(Debug)]
pub struct Stored {
    config: String,
    pub input: Input,
    pub tensors: Tensors,
}

impl Stored {
    pub fn config(&self) -> Result<Table> {
        let wrong =
            |e: toml::de::Error| Error::ConfigText { origin: "model file".into(), message: e.to_string() };
        toml::from_str(&self.config).map_err(wrong)
    }
}

/// The tensor `name` of a model file or an artefact.
///
/// # Errors
/// [`vae_core::Error::Checkpoint`] for a model without it.
pub fn stored<'a>(tensors: &'a Tensors, name: &str) -> Result<&'a Tensor> {
    Ok(tensors.get(name).ok_or_else(|| vae_core::Error::missing("the model", name, FIT_ANEW))?)
}

/// Writes a model.
pub(crate) fn save<C: Serialize>(
    path: &Path,
    method: &str,
    revision: u32,
    config: &C,
    input: &Input,
    tensors: &Tensors,
) -> Result<()> {
    let config = toml::to_string(config)
        .map_err(|e| Error::ConfigText { origin: "configuration".into(), message: e.to_string() })?;
    let record = Record { format: FORMAT, method: method.into(), revision, config, input: input.clone() };
    Ok(bundle::save(path, tensors, &record)?)
}

/// Reads a model that [`Clusterer::save`] wrote: checks the checksum, names, shapes and that all values are finite.
///
/// # Errors
/// A file that is missing, damaged, of another format, or of a method this version does not have.
pub fn load_model(path: &Path) -> Result<Box<dyn Clusterer>> {
    let no_model = "give the run folder of a finished `vae fit`, or fit again";
    let (tensors, record): (Tensors, Record) = bundle::load(path).map_err(|e| e.remedy(no_model))?;
    if record.format != FORMAT {
        let why = format!("the model has format {}, this version reads {FORMAT}", record.format);
        return Err(vae_core::Error::corrupt(path, why).into());
    }
    let method = registry::method(&record.method)?;
    let stored = Stored { config: record.config, input: record.input, tensors };
    method.restore(stored).map_err(|e| match e {
        Error::Core(e) => e.of_file(path, no_model).into(),
        other => other,
    })
}
