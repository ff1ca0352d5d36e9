//! What is recorded of a fit, and its file.

use super::cases::Case;
use super::data::Data;
use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vae_core::Features;
use vae_core::fsio::write_bytes;
use vae_core::phase::{FitContext, PhaseRecord};
use vae_models::Clusterer;
use vae_models::registry::{Resolved, Selection, resolve};

/// The seed of every recorded fit.
const SEED: u64 = 7;

/// Least margin of a row whose assignment must be the same everywhere.
const MARGIN: f32 = 0.01;

/// What is recorded of a fit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// SHA-256 of the features.
    pub data: String,
    /// Every setting of the resolved configuration, `path` to value.
    pub config: BTreeMap<String, String>,
    /// In the order in which they ran.
    pub phases: Vec<Phase>,
    /// Where a row belongs at last.
    pub assignments: Assignments,
}

/// What is recorded of a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub name: String,
    /// Algorithm to revision, of all algorithms that the phase used.
    pub revisions: BTreeMap<String, u32>,
    pub epochs: Vec<Epoch>,
    pub notes: Value,
}

/// What is recorded of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    pub loss: f64,
    pub lr: f64,
    pub terms: BTreeMap<String, f64>,
}

/// The clusters of all rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignments {
    /// A letter a row: `A` is the first cluster of a row with a margin above [`MARGIN`], `a` that
    /// of another row.
    pub letters: String,
    /// Mean margin of the rows.
    pub mean_margin: f64,
}

/// Eight digits: far more than are compared, and files that stay readable.
fn rounded(value: f64) -> f64 {
    format!("{value:.7e}").parse().unwrap_or(value)
}

fn rounded_notes(notes: &Value) -> Value {
    match notes {
        Value::Number(n) if n.is_f64() => n.as_f64().map_or(Value::Null, |v| rounded(v).into()),
        Value::Array(all) => all.iter().map(rounded_notes).collect(),
        Value::Object(all) => all.iter().map(|(key, v)| (key.clone(), rounded_notes(v))).collect(),
        other => other.clone(),
    }
}

fn phase(record: &PhaseRecord) -> Phase {
    let epochs = record.history.iter().map(|e| Epoch {
        loss: rounded(e.loss),
        lr: rounded(e.lr),
        terms: e.terms.iter().map(|(name, v)| (name.clone(), rounded(*v))).collect(),
    });
    Phase {
        name: record.name.clone(),
        revisions: record.revisions.clone(),
        epochs: epochs.collect(),
        notes: rounded_notes(&record.notes),
    }
}

/// How much nearer each row of `points` is to the mean of its own cluster than to the nearest other
/// one, as a share of the sum of both distances.
///
/// For methods without a posterior. k-means assigns by the distance to these means, and so do the
/// methods that end with k-means on `embed`; the groups that `ae-spectral` is given are far enough
/// from each other for it, too.
fn geometric_margins(points: &Array2<f32>, labels: &Array1<u32>, n_clusters: usize) -> Vec<f32> {
    let mut means = Array2::<f32>::zeros((n_clusters, points.ncols()));
    for (c, mut mean) in means.outer_iter_mut().enumerate() {
        let own: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] as usize == c).collect();
        own.iter().for_each(|&i| mean += &points.row(i));
        mean /= own.len().max(1) as f32;
    }
    let distance = |row: ArrayView1<'_, f32>, c: usize| (&row - &means.row(c)).mapv(|v| v * v).sum().sqrt();
    let margin = |(row, &own): (ArrayView1<'_, f32>, &u32)| {
        let others = (0..n_clusters).filter(|&c| c != own as usize).map(|c| distance(row, c));
        let (near, other) = (distance(row, own as usize), others.fold(f32::INFINITY, f32::min));
        if other.is_finite() { (other - near) / (other + near).max(f32::MIN_POSITIVE) } else { 1.0 }
    };
    points.outer_iter().zip(labels).map(margin).collect()
}

/// The most likely less the second most likely cluster of each row of `gamma`.
fn posterior_margins(gamma: &Array2<f32>) -> Vec<f32> {
    let margin = |row: ArrayView1<'_, f32>| {
        let (first, second) = row.iter().fold((0.0f32, 0.0f32), |(first, second), &g| match g > first {
            true => (g, first),
            false => (first, second.max(g)),
        });
        first - second
    };
    gamma.outer_iter().map(margin).collect()
}

/// Where a fitted method puts the rows of `x`.
pub fn assignments(fitted: &dyn Clusterer, x: &Features) -> Assignments {
    let labels = fitted.predict(x).expect("fitted");
    let margins = match fitted.soft() {
        Some(soft) => posterior_margins(&soft.predict_proba(x).expect("fitted")),
        None => geometric_margins(&fitted.embed(x).expect("fitted"), &labels, fitted.n_clusters()),
    };
    let letter = |(&label, &margin): (&u32, &f32)| {
        let first = if margin > MARGIN { b'A' } else { b'a' };
        char::from(first + u8::try_from(label).expect("few clusters"))
    };
    let letters = labels.iter().zip(&margins).map(letter).collect();
    let mean = margins.iter().map(|&m| f64::from(m)).sum::<f64>() / margins.len() as f64;
    Assignments { letters, mean_margin: rounded(mean) }
}

/// The defaults of the day the cases were made, so that a change of defaults changes no case.
fn pinned(case: &Case) -> Vec<&'static str> {
    if ["auto", "spectral"].contains(&case.method) {
        return Vec::new();
    }
    let sets = |key: &str| case.set.iter().any(|set| set.contains(key));
    let (scale, likelihood) = match case.data {
        Data::Scales => ("scale=standardize", "likelihood=gaussian"),
        _ if case.data.features().range().0 < 0.0 || case.data.features().range().1 > 1.0 => {
            ("scale=none", "likelihood=gaussian")
        }
        _ => ("scale=none", "likelihood=bernoulli"),
    };
    let mut pinned = vec![scale];
    let without = ["kmeans", "gmm", "imsat", "vae-cluster", "conv-vae", "gmvae"];
    if !without.contains(&case.method) {
        pinned.push(likelihood);
    }
    let steps = "train.lr_schedule=step train.lr_decay_every_epochs=10 train.lr_decay_factor=0.9 \
                 train.lr_floor=2e-4";
    pinned.extend(match case.method {
        "vade" => vec!["init.kind=gmm init.graph=codes assignment_warmup_epochs=0", steps],
        "dgg" => vec!["init.graph=codes graph.space=codes assignment_warmup_epochs=8", steps],
        "ltvae" => vec!["init.graph=codes assignment_warmup_epochs=5 train.lr_schedule=constant"],
        "ae-spectral" => vec!["codes.select=modularity net.activation=relu"],
        "ae-kmeans" | "ae-gmm" | "dec" => vec!["net.activation=relu"],
        _ => Vec::new(),
    });
    let of_graph = match case.method {
        "vade" => sets("init.kind=graph"),
        "dgg" => !sets("init.kind=kmeans"),
        "ltvae" => !sets("init.kind="),
        _ => false,
    };
    if of_graph || sets("init.partition") {
        pinned.push("init.partition.select=modularity");
    }
    if sets("graph_start.") {
        pinned.push("graph_start.partition.select=modularity");
    }
    pinned
}

/// The case's configuration.
pub fn resolved(case: &Case) -> Resolved {
    let set = pinned(case).into_iter().chain(case.set.iter().copied());
    let set = set.flat_map(|s| s.split_whitespace()).map(String::from).collect();
    let (method, n_clusters) = (Some(case.method.to_string()), Some(case.n_clusters));
    resolve(&Selection { method, n_clusters, set, ..Selection::default() })
        .unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// Fits the case.
pub fn fit(case: &Case) -> (Box<dyn Clusterer>, Trace) {
    let (resolved, x) = (resolved(case), case.data.features());
    let mut method = resolved.build().expect("checked when it was resolved");
    let cx = FitContext::in_memory(SEED);
    let summary = method.fit(&x, &cx).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let trace = Trace {
        data: x.sha256().to_string(),
        config: resolved.with_origins().into_iter().map(|(path, value, _)| (path, value)).collect(),
        phases: summary.phases.iter().map(phase).collect(),
        assignments: assignments(method.as_ref(), &x),
    };
    (method, trace)
}

/// The folder `name` beside this file.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn path(case: &Case) -> PathBuf {
    folder("traces").join(format!("{}.json", case.name))
}

/// The recorded trace, if there is one.
pub fn recorded(case: &Case) -> Option<Trace> {
    let path = path(case);
    let text = std::fs::read_to_string(&path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// Writes a trace.
pub fn record(case: &Case, trace: &Trace) {
    let value = serde_json::to_value(trace).expect("plain values");
    write_bytes(&path(case), (lines(&value, 0) + "\n").as_bytes()).expect("written");
}

/// JSON with everything that fits on one line on one line: an epoch each, and a difference shows as
/// one.
pub fn lines(value: &Value, depth: usize) -> String {
    let (text, indent) = (value.to_string(), " ".repeat(depth + 1));
    let end = " ".repeat(depth);
    match value {
        _ if text.len() + depth <= 120 && depth > 0 => text,
        Value::Array(all) if !all.is_empty() => {
            let all: Vec<String> = all.iter().map(|v| format!("{indent}{}", lines(v, depth + 1))).collect();
            format!("[\n{}\n{end}]", all.join(",\n"))
        }
        Value::Object(all) if !all.is_empty() => {
            let entry = |(key, v): (&String, &Value)| format!("{indent}{key:?}: {}", lines(v, depth + 1));
            format!("{{\n{}\n{end}}}", all.iter().map(entry).collect::<Vec<_>>().join(",\n"))
        }
        _ => text,
    }
}
