//! A fitted model for other programs: a list of steps with their tensors, and what the features are
//! made of. `docs/src/export.md` describes the file.

use crate::Result;
use crate::input::Input;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use vae_core::bundle;
use vae_core::program::{Outputs, Program, VERSION};
use vae_core::{ImageShape, Schema};

/// What a file says it is.
const FORMAT: &str = "vae-export";

/// What only the caller knows of a model.
#[derive(Clone, Debug, Default)]
pub struct ExportNotes {
    /// The terms that are the features, if the rows are documents.
    pub documents: Option<Documents>,
    /// Names that somebody gave to clusters, by their numbers.
    pub cluster_names: BTreeMap<u32, String>,
    /// The column that names the rows, which is no feature.
    pub id: Option<String>,
}

/// The terms of documents and their weights, both in the order of the features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Documents {
    /// The terms.
    pub terms: Vec<String>,
    /// Their inverse document frequencies.
    pub idf: Vec<f64>,
}

/// What the features are made of.
#[derive(Serialize)]
struct InputRecord<'a> {
    dim: usize,
    image: Option<ImageShape>,
    table: Option<&'a Schema>,
    documents: Option<&'a Documents>,
    id: Option<&'a str>,
}

#[derive(Serialize)]
struct Record<'a> {
    format: &'static str,
    version: u32,
    /// For people: nothing depends on it.
    method: &'a str,
    n_clusters: usize,
    input: InputRecord<'a>,
    steps: serde_json::Value,
    outputs: &'a Outputs,
    cluster_names: &'a BTreeMap<u32, String>,
}

/// Writes the file.
pub(super) fn write(
    path: &Path,
    (method, n_clusters): (&str, usize),
    input: &Input,
    (program, outputs): (&Program, &Outputs),
    notes: &ExportNotes,
) -> Result<()> {
    let documents = notes.documents.as_ref();
    let (table, id) = (input.schema.as_ref(), notes.id.as_deref());
    let input = InputRecord { dim: input.dim, image: input.image, table, documents, id };
    let record = Record {
        format: FORMAT,
        version: VERSION,
        method,
        n_clusters,
        input,
        steps: program.steps()?,
        outputs,
        cluster_names: &notes.cluster_names,
    };
    Ok(bundle::save_for_others(path, program.tensors(), &record)?)
}
