//! What a run's result depends on.

use crate::input::{SCHEMA_FILE, schema_of, schema_text};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vae_core::fsio::sha256_hex;
use vae_data::Schema;

/// Key of the configuration's hash; the settings themselves, `config.*`, are there for people.
pub const CONFIG: &str = "config_sha256";

/// Key of the library of matrix products on the CPU, where it is not the BLAS.
pub const MATMUL: &str = "matmul";

/// Key of the precision of large products, where it is not single.
pub const PRECISION: &str = "precision";

/// Key of a hash of what the columns are called and of the categories they have: equal values under
/// other names are another table.
const COLUMNS: &str = "columns";

/// Key that only the identity of a sweep has.
pub const SWEEP: &str = "sweep";

/// Everything a run's result depends on, as text by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(pub BTreeMap<String, String>);

impl Identity {
    /// With the columns of `schema`, if the data are a table.
    ///
    /// # Errors
    /// None that a schema of a table can have.
    pub fn of_columns(mut self, schema: Option<&Schema>) -> Result<Self> {
        if let Some(schema) = schema {
            self.0.insert(COLUMNS.into(), sha256_hex(schema_text(schema)?.as_bytes()));
        }
        Ok(self)
    }

    /// With the columns that `folder` says, where this was written before it named them; those of
    /// `like` where the folder does not say them either.
    pub(super) fn with_columns_of(self, folder: &Path, like: &Self) -> Result<Self> {
        if self.0.contains_key(COLUMNS) {
            return Ok(self);
        }
        let mut known = self.of_columns(schema_of(folder)?.as_ref())?;
        if let (false, Some(columns)) = (known.0.contains_key(COLUMNS), like.0.get(COLUMNS)) {
            known.0.insert(COLUMNS.into(), columns.clone());
        }
        Ok(known)
    }

    /// What differs, a line for each key.
    pub(super) fn differences(&self, there: &Self) -> Vec<String> {
        // The hash decides: a setting younger than the folder is no difference at its neutral
        // value.
        let same_settings = self.0.contains_key(CONFIG) && self.0.get(CONFIG) == there.0.get(CONFIG);
        let keys: BTreeSet<_> = self.0.keys().chain(there.0.keys()).collect();
        keys.into_iter()
            .filter(|key| self.0.get(*key) != there.0.get(*key))
            .filter(|key| !(same_settings && key.starts_with("config.")))
            .map(|key| match key.as_str() {
                MATMUL => format!(
                    "matrix products: made with {}, and this machine now uses {} (--matmul chooses)",
                    there.library(),
                    self.library()
                ),
                COLUMNS => format!(
                    "the names of the columns, or the categories in them, are not those of the run there ({SCHEMA_FILE})"
                ),
                PRECISION => {
                    let value = |of: &Self| of.0.get(key).map_or_else(|| "f32".into(), String::clone);
                    format!("precision: {} there, {} here (--precision chooses)", value(there), value(self))
                }
                _ => {
                    let value = |of: &Self| of.0.get(key).map_or_else(|| "absent".into(), String::clone);
                    format!("{key}: {} there, {} here", value(there), value(self))
                }
            })
            .collect()
    }

    /// Library of the matrix products. The BLAS is not named, so that folders older than the choice
    /// are found.
    pub(super) fn library(&self) -> &str {
        let of_device = match self.0.get("device").is_some_and(|device| device != "cpu") {
            true => "that of the GPU",
            false => "blas",
        };
        self.0.get(MATMUL).map_or(of_device, String::as_str)
    }
}
