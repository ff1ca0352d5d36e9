//! Fitted models on disk: one safetensors file with the configuration inside.

use crate::input::Input;
use crate::registry;
use crate::{Clusterer, Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Tensor;
use toml::Table;
use vae_core::bundle::{self, Tensors};

/// Version of the file's layout.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    method: String,
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
/// A model without it.
pub fn stored<'a>(tensors: &'a Tensors, name: &str) -> Result<&'a Tensor> {
    let missing = || vae_core::Error::Features(format!("the model has no tensor `{name}`"));
    Ok(tensors.get(name).ok_or_else(missing)?)
}

/// Writes a model.
pub(crate) fn save<C: Serialize>(
    path: &Path,
    method: &str,
    config: &C,
    input: &Input,
    tensors: &Tensors,
) -> Result<()> {
    let config = toml::to_string(config)
        .map_err(|e| Error::ConfigText { origin: "configuration".into(), message: e.to_string() })?;
    let record = Record { format: FORMAT, method: method.into(), config, input: input.clone() };
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
    method.restore(Stored { config: record.config, input: record.input, tensors })
}
