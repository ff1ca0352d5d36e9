//! A saved model of every method, as files of today's format: later code predicts with them what
//! was recorded, or refuses them by their format.
//!
//! They are written once, where there is none, and never renewed with the traces: they stand for
//! the files that users have.

use super::cases::CASES;
use super::data::Data;
use super::judge::{COMMAND, assignment_differences};
use super::trace::{Assignments, assignments, fit, folder, lines};
use super::{configure, is_renewing};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vae_core::bundle;
use vae_core::fsio::write_bytes;
use vae_models::load_model;
use vae_models::registry::METHODS;

/// What a model was fitted to, and says of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    data: Data,
    /// SHA-256 of these data.
    sha256: String,
    assignments: Assignments,
}

fn paths(method: &str) -> (PathBuf, PathBuf) {
    let base = folder("models").join(method);
    (base.with_extension("safetensors"), base.with_extension("json"))
}

/// Writes the model of the method's first case.
fn write(method: &str) {
    let case = CASES.iter().find(|case| case.method == method).expect("every method has a case");
    let (fitted, trace) = fit(case);
    let expected = Expected { data: case.data, sha256: trace.data, assignments: trace.assignments };
    let (model, json) = paths(method);
    let value = serde_json::to_value(&expected).expect("plain values");
    fitted.save(&model).expect("saved");
    write_bytes(&json, (lines(&value, 0) + "\n").as_bytes()).expect("written");
}

fn check(method: &str) -> Result<(), String> {
    let (model, json) = paths(method);
    let text = std::fs::read_to_string(&json)
        .map_err(|e| format!("{method}: no recorded model ({e}); write it with `{COMMAND}`"))?;
    let expected: Expected = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", json.display()))?;
    let x = expected.data.features();
    if x.sha256() != expected.sha256 {
        return Err(format!("{method}: the data {:?} are no longer those of the model", expected.data));
    }
    match load_model(&model) {
        Ok(loaded) => {
            let differences =
                assignment_differences(&expected.assignments, &assignments(loaded.as_ref(), &x));
            match differences.is_empty() {
                true => Ok(()),
                false => {
                    Err(format!("{method}: {}; old models must predict the same", differences.join(", ")))
                }
            }
        }
        // Another format may be refused, with words that say so.
        Err(e) if is_of_another_format(&e.to_string()) => Ok(()),
        Err(e) => Err(format!("{method}: {e}")),
    }
}

fn is_of_another_format(error: &str) -> bool {
    error.contains("the model has format") && error.contains("this version reads")
}

#[test]
fn models_saved_before_predict_the_same_or_are_refused_by_their_format() {
    configure();
    if is_renewing() {
        METHODS.iter().filter(|m| !paths(m.name).0.exists()).for_each(|m| write(m.name));
    }
    let wrong: Vec<String> = METHODS.iter().filter_map(|m| check(m.name).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The model of `kmeans`, said to be of another format.
fn of_format(format: u32, folder: &Path) -> PathBuf {
    let (tensors, mut record): (_, serde_json::Value) = bundle::load(&paths("kmeans").0).expect("a model");
    record["format"] = format.into();
    let path = folder.join("model.safetensors");
    bundle::save(&path, &tensors, &record).expect("written");
    path
}

#[test]
fn a_model_of_another_format_is_refused() {
    if is_renewing() {
        // The models may not be there yet.
        return;
    }
    let temporary = tempfile::tempdir().expect("temp dir");
    for format in [0, 999] {
        let loaded = load_model(&of_format(format, temporary.path())).map(|m| m.n_clusters());
        let e = loaded.expect_err("another format").to_string();
        assert!(is_of_another_format(&e) && e.contains(&format!("format {format},")), "{e}");
    }
}
