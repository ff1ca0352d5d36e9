//! Exported models: the numbers of clusters, and models that do not say how they compute. What the
//! steps of each method compute is held against `predict` by `cargo xtask exported`.

mod common;

use common::{build, features, groups};
use ndarray::{Array1, Array2};
use serde_json::{Value, json};
use std::path::Path;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::FitContext;
use vae_core::program::{self, Program};
use vae_models::{ExportNotes, Model, Result};

/// The description in an exported file.
fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).expect("written");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let text = header["__metadata__"]["vae_export"].as_str().expect("a description").to_owned();
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn other_numbers_of_the_clusters_are_a_step_of_their_own() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("out.safetensors");
    let mut method = build("kmeans", 3, &["scale=none"]);
    assert!(method.export(&path, &ExportNotes::default()).is_err(), "it is not fitted");
    method.fit(&features(groups(30, 3, (0.8, 0.1))), &FitContext::in_memory(0)).expect("fitted");
    method.export(&path, &ExportNotes::default()).expect("written");
    let own = read(&path);
    assert_eq!(own["steps"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["outputs"], json!({ "scores": "h1", "are_probabilities": false, "codes": "x" }));
    // Cluster 0 becomes 2, 1 becomes 0, 2 becomes 1.
    method.renumber(&[2, 0, 1]).expect("a permutation");
    method.export(&path, &ExportNotes::default()).expect("written");
    let renumbered = read(&path);
    let columns = json!({ "op": "columns", "order": [1, 2, 0], "in": ["h1"], "out": "h2" });
    assert_eq!(renumbered["steps"][1], columns);
    assert_eq!(renumbered["outputs"]["scores"], "h2");
}

/// A model that does not say how it computes.
#[derive(Debug)]
struct Silent;

impl Model for Silent {
    fn tensors(&self) -> Result<Tensors> {
        Ok(Tensors::new())
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Array1::zeros(x.n()))
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(x.dense_rows(0, x.n()))
    }
}

#[test]
fn a_model_that_says_nothing_of_its_steps_is_refused() {
    let described = Silent.describe(&mut Program::new(), &program::Value::input());
    let refused = described.expect_err("no steps").to_string();
    assert!(refused.contains("cannot be exported") && refused.contains("vae predict"), "{refused}");
}
