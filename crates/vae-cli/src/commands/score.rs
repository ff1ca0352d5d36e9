//! `vae score`: assignments against labels.

use crate::args::ScoreArgs;
use crate::commands::{open_model, threads};
use crate::confidence;
use crate::input;
use crate::output::{remark, say, say_json, table, thousands};
use crate::predictions::Predictions;
use anyhow::{Context, Result, bail};
use ndarray::Array1;
use serde::Serialize;
use std::path::Path;
use vae_core::matmul::Matmul;
use vae_data::Source;
use vae_metrics::Scores;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    scores: Scores,
    /// Library of the matrix products, where a model was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    matmul: Option<&'static str>,
    /// Samples that the assignments leave out; the scores are of the others.
    #[serde(skip_serializing_if = "is_zero")]
    not_assigned: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to it")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Prints all scores.
///
/// # Errors
/// Missing labels, another number of labels than assignments, unreadable files.
pub fn run(args: &ScoreArgs) -> Result<()> {
    let Pair { clusters, labels, not_assigned } = match (&args.pred, &args.model) {
        (Some(pred), _) => of_files(args, pred)?,
        (None, Some(model)) => of_model(args, model)?,
        (None, None) => bail!("give --pred with --labels, or --model with --data"),
    };
    let unlabelled = labels.iter().filter(|class| class.is_none()).count();
    if unlabelled > 0 {
        remark(format_args!("note: {} without a label are left out", thousands(unlabelled)));
    }
    let (clusters, labels) = input::labelled(&clusters, &labels)?;
    let scores = Scores::new(clusters.view(), labels.view())?;
    if args.json {
        let matmul = args.model.as_ref().map(|_| Matmul::current().name());
        return say_json(&Answer { scores, matmul, not_assigned });
    }
    let value = |v: f64| format!("{v:.4}");
    let rows: Vec<Vec<String>> = [
        ("ACC", value(scores.acc), "accuracy under the best one-to-one matching of clusters and classes"),
        ("NMI", value(scores.nmi), "normalised mutual information (arithmetic mean of the entropies)"),
        ("AMI", value(scores.ami), "mutual information adjusted for chance"),
        ("ARI", value(scores.ari), "Rand index adjusted for chance"),
        ("purity", value(scores.purity), "accuracy when each cluster takes its most frequent class"),
        ("homogeneity", value(scores.homogeneity), "share of the classes' entropy explained"),
        ("completeness", value(scores.completeness), "share of the clusters' entropy explained"),
        ("V", value(scores.v_measure), "harmonic mean of the two"),
    ]
    .map(|(name, value, what)| vec![name.to_string(), value, what.to_string()])
    .to_vec();
    let (n, k, c) = (thousands(clusters.len()), scores.n_clusters_found, scores.n_classes);
    let left_out = match not_assigned {
        0 => String::new(),
        n => format!("; {} not assigned and left out", thousands(n)),
    };
    say(&format!("{n} samples, {k} clusters, {c} classes{left_out}\n{}", table(&rows)))
}

/// What is compared: clusters and classes of the same samples.
struct Pair {
    clusters: Array1<u32>,
    labels: Array1<Option<u32>>,
    /// How many other samples are in no cluster.
    not_assigned: usize,
}

fn of_files(args: &ScoreArgs, pred: &Path) -> Result<Pair> {
    let pred = if pred.is_dir() { pred.join("assignments.csv") } else { pred.to_path_buf() };
    if let (None, Some(option)) = (&args.data, args.read.table.given()) {
        bail!("{option} is for a table, and no --data is given; leave it out");
    }
    let predictions = Predictions::read(&pred)?;
    if let Some(names) = predictions.about_names() {
        remark(format_args!("{}: {names}", pred.display()));
    }
    let clusters = predictions.clusters;
    let labels = match (&args.read.labels, &args.data) {
        (Some(labels), None) => input::labels_for(labels, clusters.len(), &args.read)?,
        (_, Some(data)) => labels_of(args, data)?,
        (None, None) => bail!("no labels given: add --labels FILE, or --data with labels of its own"),
    };
    if clusters.len() != labels.len() {
        bail!(
            "{} holds {} assignments for {} labels",
            pred.display(),
            thousands(clusters.len()),
            thousands(labels.len())
        );
    }
    let assigned = clusters.iter().zip(&labels).filter_map(|(cluster, label)| Some(((*cluster)?, *label)));
    let (assigned, classes): (Vec<u32>, Vec<Option<u32>>) = assigned.unzip();
    let not_assigned = clusters.len() - assigned.len();
    Ok(Pair { clusters: assigned.into(), labels: classes.into(), not_assigned })
}

fn of_model(args: &ScoreArgs, model: &Path) -> Result<Pair> {
    vae_core::device::configure_process(threads(None));
    let place = model;
    let model = open_model(place, args.matmul)?;
    let data = args.data.as_deref().context("add --data, what the model is to be applied to")?;
    let input = input::load_for(place, &data.parse::<Source>()?, &args.read)?;
    let labels =
        input.labels.with_context(|| format!("{data} has no labels: add --labels or --label-column"))?;
    // Where a posterior is not finite, the clusters would mean nothing.
    confidence::posterior(model.as_ref(), &input.features, input.ids.as_ref())?;
    Ok(Pair { clusters: model.predict(&input.features)?, labels: labels.y, not_assigned: 0 })
}

fn labels_of(args: &ScoreArgs, data: &str) -> Result<Array1<Option<u32>>> {
    let input = input::load(&data.parse::<Source>()?, &args.read)?;
    Ok(input.labels.with_context(|| format!("{data} has no labels: add --labels or --label-column"))?.y)
}
