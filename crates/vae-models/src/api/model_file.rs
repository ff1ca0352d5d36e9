//! Fitted models on disk: one safetensors file with the configuration inside.

use super::numbers::Numbers;
use crate::input::Input;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Tensor;
use toml::Table;
use vae_core::bundle::{self, FIT_ANEW, Tensors};

/// Version of the file's layout.
const FORMAT: u32 = 1;

/// That of files whose clusters have other numbers than the model's own, which versions that do not
/// know of them must refuse.
const RENUMBERED: u32 = 2;

/// The remedy for a missing model.
const NO_MODEL: &str = "give the run folder of a finished `vae fit`, or fit again";

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    method: String,
    config: String,
    input: Input,
    /// Absent in files of fits on a GPU, and in files older than the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    matmul: Option<String>,
    /// Absent where the clusters have the model's own numbers.
    #[serde(default, skip_serializing_if = "Numbers::are_own")]
    numbers: Numbers,
}

/// A model file's content.
#[derive(Debug)]
pub struct Stored {
    config: String,
    pub input: Input,
    /// Library of the fit's matrix products, if it is known.
    pub matmul: Option<String>,
    /// The numbers of the clusters.
    pub numbers: Numbers,
    pub tensors: Tensors,
}

impl Stored {
    /// The content of a model file, and the name of its method: checks the checksum, names, shapes
    /// and that all values are finite.
    pub fn read(path: &Path) -> Result<(String, Self)> {
        let (tensors, record): (Tensors, Record) = bundle::load(path).map_err(|e| e.remedy(NO_MODEL))?;
        if !(FORMAT..=RENUMBERED).contains(&record.format) {
            let why = format!(
                "the model has format {}, this version reads {FORMAT} and {RENUMBERED}: use the version that wrote it, or fit again",
                record.format
            );
            return Err(vae_core::Error::corrupt(path, why).into());
        }
        let Record { method, config, input, matmul, numbers, .. } = record;
        Ok((method, Self { config, input, matmul, numbers, tensors }))
    }

    /// The error with the path of the file and the remedy.
    pub fn of_file(error: Error, path: &Path) -> Error {
        match error {
            Error::Core(e) => e.of_file(path, NO_MODEL).into(),
            other => other,
        }
    }

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
pub(super) fn save<C: Serialize>(
    path: &Path,
    method: &str,
    config: &C,
    (input, matmul, numbers): (&Input, Option<&str>, &Numbers),
    tensors: &Tensors,
) -> Result<()> {
    let config = toml::to_string(config)
        .map_err(|e| Error::ConfigText { origin: "configuration".into(), message: e.to_string() })?;
    let (input, matmul) = (input.clone(), matmul.map(str::to_owned));
    let format = if numbers.are_own() { FORMAT } else { RENUMBERED };
    let numbers = numbers.clone();
    let record = Record { format, method: method.into(), config, input, matmul, numbers };
    Ok(bundle::save(path, tensors, &record)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_an_older_model_is_read() {
        let scale = crate::input::Scale::Identity;
        let input = Input { dim: 2, image: None, scale, likelihood: None, schema: None, imputer: None };
        let (method, config) = ("kmeans".to_owned(), String::new());
        let record =
            Record { format: FORMAT, method, config, input, matmul: None, numbers: Numbers::default() };
        let text = serde_json::to_string(&record).expect("JSON");
        assert!(!text.contains("matmul") && !text.contains("numbers"), "{text}");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("read").matmul, None);
        let of_blas = Record { matmul: Some("blas".into()), ..record };
        let text = serde_json::to_string(&of_blas).expect("JSON");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("read").matmul.as_deref(), Some("blas"));
    }
}
