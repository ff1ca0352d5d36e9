//! `vae export`: a fitted model for programs other than this one.

use crate::args::{ExportArgs, ExportFormat};
use crate::commands::open_model;
use crate::commands::outputs::{check_out, tell_of_replacing};
use crate::input::{VOCABULARY_FILE, folder_of};
use crate::output::{quiet, say};
use crate::report::names;
use crate::run_folder::id_column;
use anyhow::{Context, Result, bail};
use std::path::Path;
use vae_data::Vocabulary;
use vae_models::{Documents, ExportNotes};

/// Writes the model with everything that a prediction on raw data needs.
///
/// # Errors
/// An unreadable model or vocabulary, a method that cannot be exported, an unwritable file.
pub fn run(args: &ExportArgs) -> Result<()> {
    let model = args.run.as_ref().or(args.model.as_ref()).context("name a run, or a model with --model")?;
    let ExportFormat::Safetensors = args.format;
    if args.out.extension().is_none_or(|ending| ending != "safetensors") {
        bail!("{} should end in .safetensors", args.out.display());
    }
    check_out(&args.out, &[model])?;
    let fitted = open_model(model, None)?;
    let notes = ExportNotes {
        documents: documents(model)?,
        cluster_names: names::read(model)?,
        id: id_column(folder_of(model)),
    };
    tell_of_replacing(&args.out);
    fitted.export(&args.out, &notes)?;
    if !quiet() {
        let (out, k) = (args.out.display(), fitted.n_clusters());
        say(&format!("model with {k} clusters for other programs (docs/src/export.md): {out}\n"))?;
    }
    Ok(())
}

/// The terms that the model was fitted on, where its rows were documents.
fn documents(model: &Path) -> Result<Option<Documents>> {
    let path = folder_of(model).join(VOCABULARY_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let Vocabulary { terms, idf, .. } = Vocabulary::read(&path)?;
    Ok(Some(Documents { terms, idf }))
}
