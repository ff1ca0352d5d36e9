//! `run.json`: what a run was and cost, for tables and scripts. The keys are stable.

use crate::align::Aligned;
use crate::args::FitSplit;
use crate::commands::data::NoteFacts;
use crate::confidence;
use crate::input::Input;
use crate::made_from;
use crate::ranges::{self, Range};
use crate::results::{Evaluation, TestScores};
use anyhow::{Context, Result};
use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use vae_core::fsio;
use vae_core::identity::Revisions;
use vae_core::matmul::Matmul;
use vae_core::phase::PhaseRecord;
use vae_core::precision::Precision;
use vae_core::provenance::{Hardware, Provenance, Versions};
use vae_models::registry::Resolved;
use vae_models::{FitSummary, Watch};

/// The file.
pub const RUN_FILE: &str = "run.json";

/// Version of the keys.
const SCHEMA: u32 = 2;

/// The words that stood for missing cells in the fit of the run folder `dir`; none where they were
/// not said, or the record is not there.
pub fn missing_words(dir: &Path) -> Vec<String> {
    #[derive(Default, Deserialize)]
    struct Words {
        #[serde(default)]
        missing_words: Vec<String>,
    }
    let text = std::fs::read_to_string(dir.join(RUN_FILE)).unwrap_or_default();
    serde_json::from_str::<Words>(&text).unwrap_or_default().missing_words
}

/// What is known before the fit.
#[derive(Debug, Clone, Serialize)]
pub struct Begun {
    schema: u32,
    profile: String,
    preset: Option<String>,
    method: &'static str,
    dataset: String,
    seed: u64,
    n: usize,
    dim: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    fit_split: &'static str,
    threads: usize,
    device: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    matmul: Option<&'static str>,
    /// Of the large products of training steps; absent in single precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<&'static str>,
    config_sha256: String,
    data_sha256: String,
    /// The words of `--missing`: new data have them too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_words: Vec<String>,
    /// What was decided while reading the data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_notes: Vec<NoteFacts>,
    /// Of the columns of a table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
    versions: Versions,
    hardware: Hardware,
}

/// How a run computes.
#[derive(Debug, Clone)]
pub struct Compute {
    pub seed: u64,
    pub threads: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Library of the matrix products; none on a GPU, which has its own.
    pub matmul: Option<Matmul>,
    /// Of the large products of training steps.
    pub precision: Precision,
    /// Which rows are fitted.
    pub fit_split: FitSplit,
    pub hardware: Hardware,
}

/// What is known of a fit beside its summary.
#[derive(Debug)]
pub struct Found<'a> {
    pub n_clusters: usize,
    /// Scores, where there are labels.
    pub evaluation: Option<&'a Evaluation>,
    /// Where the method has a posterior.
    pub confidence: Option<confidence::Summary>,
    /// Criteria without labels that the run has by itself.
    pub criteria: &'a BTreeMap<String, f64>,
    /// What became of the numbers of a former run, where it is aligned to one.
    pub aligned: Option<&'a Aligned>,
    /// Reasons to doubt, without labels.
    pub warnings: &'a [String],
}

#[derive(Serialize)]
struct Finished<'a> {
    #[serde(flatten)]
    begun: &'a Begun,
    n_clusters: usize,
    /// Absent for methods without a posterior.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<confidence::Summary>,
    /// Criteria without labels.
    criteria: &'a BTreeMap<String, f64>,
    /// Absent where the numbers of the clusters are the method's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    aligned_to: Option<&'a Aligned>,
    /// What the training did to its initial clusters; absent for methods without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<Watch>,
    /// Reasons to doubt, each with advice.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<vae_metrics::Scores>,
    /// The algorithms that the result depends on.
    revisions: &'a Revisions,
    selection: &'a str,
    resolved: &'a [String],
    phases: Vec<Phase<'a>>,
    /// Sum over the phases, at their original cost.
    wall_s: f64,
    cpu_s: f64,
    peak_rss_mib: u64,
    assignments_sha256: String,
}

#[derive(Serialize)]
struct Metrics {
    fit: vae_metrics::Scores,
    /// Whether the model is less sure where it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<vae_metrics::ConfidenceScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<TestScores>,
}

#[derive(Serialize)]
struct Phase<'a> {
    name: &'a str,
    revisions: &'a Revisions,
    epochs: usize,
    wall_s: f64,
    cpu_s: f64,
    cached: bool,
    final_loss_nats: Option<f64>,
    notes: &'a serde_json::Value,
    /// Of another machine or build, where the phase is from a cache; absent where that is older
    /// than the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<&'a Provenance>,
}

#[derive(Serialize)]
struct Failed<'a> {
    #[serde(flatten)]
    begun: &'a Begun,
    error: &'a str,
}

impl Begun {
    /// Collects what is known before the fit.
    pub fn new(resolved: &Resolved, input: &Input, compute: &Compute) -> Self {
        let about = &input.about;
        Self {
            schema: SCHEMA,
            profile: resolved.profile.clone(),
            preset: resolved.preset.clone(),
            method: resolved.method.name,
            dataset: about.name.clone(),
            seed: compute.seed,
            n: about.n,
            dim: about.dim,
            limit: about.limit,
            fit_split: compute.fit_split.name(),
            threads: compute.threads,
            device: compute.device.clone(),
            matmul: compute.matmul.map(Matmul::name),
            precision: compute.precision.name_unless_f32(),
            config_sha256: resolved.sha256().to_string(),
            data_sha256: about.sha256.clone(),
            missing_words: about.missing.clone(),
            ranges: input
                .schema
                .as_ref()
                .map(|schema| ranges::of(&input.features, schema))
                .unwrap_or_default(),
            data_notes: input.notes.iter().map(NoteFacts::from).collect(),
            versions: made_from::versions(),
            hardware: compute.hardware.clone(),
        }
    }

    /// Writes the record of a finished run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_finished(&self, path: &Path, summary: &FitSummary, found: &Found<'_>) -> Result<()> {
        let &Found { n_clusters, evaluation, confidence, criteria, aligned, warnings } = found;
        let sum = |of: fn(&PhaseRecord) -> f64| summary.phases.iter().map(of).sum();
        let record = Finished {
            begun: self,
            n_clusters,
            confidence,
            criteria,
            aligned_to: aligned,
            watch: summary.watch,
            warnings,
            metrics: evaluation.map(|e| Metrics {
                fit: e.fit,
                confidence: e.confidence,
                test: e.test.clone(),
            }),
            start: evaluation.and_then(|e| e.start),
            revisions: &summary.revisions,
            selection: &summary.selection,
            resolved: &summary.resolved,
            phases: summary.phases.iter().map(Phase::from).collect(),
            wall_s: sum(|p| p.wall_s),
            cpu_s: sum(|p| p.cpu_s),
            peak_rss_mib: vae_core::resources::peak_rss_mib(),
            assignments_sha256: assignments_sha256(summary.assignments.view()),
        };
        write(path, &record)
    }

    /// Writes the record of a run that ended in an error.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_failed(&self, path: &Path, error: &str) -> Result<()> {
        write(path, &Failed { begun: self, error })
    }
}

impl<'a> From<&'a PhaseRecord> for Phase<'a> {
    fn from(p: &'a PhaseRecord) -> Self {
        Self {
            name: &p.name,
            revisions: &p.revisions,
            epochs: p.epochs,
            wall_s: p.wall_s,
            cpu_s: p.cpu_s,
            cached: p.cached,
            final_loss_nats: p.final_loss_nats,
            notes: &p.notes,
            made_by: p.made_by.as_ref(),
        }
    }
}

/// The revisions that a finished run lists. A record of an older schema lists none that this
/// version knows.
///
/// # Errors
/// A file that cannot be read, or is none of ours.
pub fn revisions_in(path: &Path) -> Result<Revisions> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        revisions: Revisions,
    }
    let remedy = "delete the folder and fit again";
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}; {remedy}", path.display()))?;
    let listed: Listed =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged; {remedy}", path.display()))?;
    Ok(listed.revisions)
}

/// SHA-256 of the assignments as little-endian u32.
fn assignments_sha256(assignments: ArrayView1<'_, u32>) -> String {
    let bytes: Vec<u8> = assignments.iter().flat_map(|a| a.to_le_bytes()).collect();
    fsio::sha256_hex(&bytes)
}

fn write(path: &Path, record: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(record)? + "\n";
    Ok(fsio::write_bytes(path, text.as_bytes())?)
}
