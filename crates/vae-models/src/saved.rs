//! Fitted models on disk: one safetensors file with the configuration inside.

use crate::registry;
use crate::scale::Scale;
use crate::{Clusterer, Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;
use toml::Table;
use vae_core::bundle::{self, Tensors};
use vae_core::likelihood::Likelihood;
use vae_core::{Features, ImageShape};

/// Version of the file's layout.
const FORMAT: u32 = 1;

/// What a fitted model knows about its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Number of features.
    pub dim: usize,
    /// Shape of the images, if they were images.
    pub image: Option<ImageShape>,
    /// Scaling before the method.
    pub scale: Scale,
    /// The observation model, for methods that have one.
    pub likelihood: Option<Likelihood>,
}

impl Input {
    /// Checks the number of features and scales them.
    pub fn prepare<'a>(&self, x: &'a Features) -> Result<Cow<'a, Features>> {
        if x.dim() != self.dim {
            return Err(Error::Dim { expected: self.dim, got: x.dim() });
        }
        self.scale.apply(x)
    }
}

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

    /// The tensor `name`.
    pub fn tensor(&self, name: &str) -> Result<&tch::Tensor> {
        let missing = || vae_core::Error::Features(format!("the model file has no tensor `{name}`"));
        Ok(self.tensors.get(name).ok_or_else(missing)?)
    }
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
    let revision = registry::method(method)?.revision;
    let record = Record { format: FORMAT, method: method.into(), revision, config, input: input.clone() };
    Ok(bundle::save(path, tensors, &record)?)
}

/// Reads a model that [`Clusterer::save`] wrote: checks the checksum, names, shapes and that all values are finite.
///
/// # Errors
/// A file that is missing, damaged, of another format, or of a method this version does not have.
pub fn load_model(path: &Path) -> Result<Box<dyn Clusterer>> {
    let (tensors, record): (Tensors, Record) = bundle::load(path)?;
    if record.format != FORMAT {
        let why = format!("the model has format {}, this version reads {FORMAT}", record.format);
        return Err(vae_core::Error::corrupt(path, why).into());
    }
    let method = registry::method(&record.method)?;
    method.restore(Stored { config: record.config, input: record.input, tensors })
}
