//! Losses and scores over the epochs, from the files of a run.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vae_report::page::Curve;

#[derive(Deserialize)]
struct Line {
    phase: String,
    epoch: f64,
    loss: Option<f64>,
    #[serde(default)]
    terms: BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    curve: Vec<Scores>,
}

#[derive(Deserialize)]
struct Scores {
    epoch: f64,
    acc: f64,
    nmi: f64,
    ari: f64,
}

/// The loss of each phase, its terms where it has several, and scores where assignments were scored
/// on the way.
///
/// # Errors
/// Files that are damaged; a file that is not there has no curves.
pub fn of(dir: &Path) -> Result<Vec<Curve>> {
    let mut curves: Vec<Curve> = Vec::new();
    for line in text(dir, "history.jsonl")?.lines() {
        let line: Line = serde_json::from_str(line).with_context(|| damaged(dir, "history.jsonl"))?;
        let has_terms = line.terms.len() > 1;
        let mut push = |name: &str, value: Option<f64>| {
            let Some(value) = value else { return };
            let point = (line.epoch, value);
            match curves.iter_mut().find(|curve| curve.phase == line.phase && curve.name == name) {
                Some(curve) => curve.points.push(point),
                None => {
                    curves.push(Curve {
                        phase: line.phase.clone(),
                        name: name.to_owned(),
                        points: vec![point],
                    });
                }
            }
        };
        push("loss", line.loss);
        line.terms.iter().filter(|_| has_terms).for_each(|(name, value)| push(name, *value));
    }
    let metrics = text(dir, "metrics.json")?;
    if !metrics.is_empty() {
        let metrics: Metrics =
            serde_json::from_str(&metrics).with_context(|| damaged(dir, "metrics.json"))?;
        let mut push = |name: &str, value: fn(&Scores) -> f64| {
            let points = metrics.curve.iter().map(|scores| (scores.epoch, value(scores))).collect();
            curves.push(Curve { phase: "scores, computed after the fit".into(), name: name.into(), points });
        };
        if !metrics.curve.is_empty() {
            push("ACC", |s| s.acc);
            push("NMI", |s| s.nmi);
            push("ARI", |s| s.ari);
        }
    }
    Ok(curves)
}

fn damaged(dir: &Path, name: &str) -> String {
    format!("{} is damaged", dir.join(name).display())
}

/// The text of a file that may be missing.
fn text(dir: &Path, name: &str) -> Result<String> {
    let path = dir.join(name);
    if !path.is_file() {
        return Ok(String::new());
    }
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
