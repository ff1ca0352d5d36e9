//! `vae score`: assignments against labels.

use crate::args::ScoreArgs;
use crate::commands::{open_model, threads};
use crate::output::{say, say_json, table, thousands};
use crate::{files, input};
use anyhow::{Context, Result, bail};
use ndarray::Array1;
use serde::Serialize;
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
}

/// Prints all scores.
///
/// # Errors
/// Missing labels, another number of labels than assignments, unreadable files.
pub fn run(args: &ScoreArgs) -> Result<()> {
    let (clusters, labels) = match (&args.pred, &args.model) {
        (Some(pred), _) => of_files(args, pred)?,
        (None, Some(model)) => of_model(args, model)?,
        (None, None) => bail!("give --pred with --labels, or --model with --data"),
    };
    let unlabelled = labels.iter().filter(|class| class.is_none()).count();
    if unlabelled > 0 {
        eprintln!("note: {} without a label are left out", thousands(unlabelled));
    }
    let (clusters, labels) = input::labelled(&clusters, &labels)?;
    let scores = Scores::new(clusters.view(), labels.view())?;
    if args.json {
        let matmul = args.model.as_ref().map(|_| Matmul::current().name());
        return say_json(&Answer { scores, matmul });
    }
    let value = |v: f64| format!("{v:.4}");
    let rows: Vec<Vec<String>> = [
        ("ACC", value(scores.acc), "accuracy under the best one-to-one matching of clusters and classes"),
        ("NMI", value(scores.nmi), "normalised mutual information (arithmetic mean of the entropies)"),
        ("AMI", value(scores.ami), "mutual information adjusted for chance"),
        ("ARI", value(scores.ari), "Rand index adjusted for chance"),
        ("purity", value(scores.purity), "accuracy when each cluster takes its commonest class"),
        ("homogeneity", value(scores.homogeneity), "share of the classes' entropy explained"),
        ("completeness", value(scores.completeness), "share of the clusters' entropy explained"),
        ("V", value(scores.v_measure), "harmonic mean of the two"),
    ]
    .map(|(name, value, what)| vec![name.to_string(), value, what.to_string()])
    .to_vec();
    let (n, k, c) = (thousands(clusters.len()), scores.n_clusters_found, scores.n_classes);
    say(&format!("{n} samples, {k} clusters, {c} classes\n{}", table(&rows)))
}

type Pair = (Array1<u32>, Array1<Option<u32>>);

fn of_files(args: &ScoreArgs, pred: &std::path::Path) -> Result<Pair> {
    let clusters = match pred.is_dir() {
        true => files::read_assignments(&pred.join("assignments.csv"))?,
        false => files::read_assignments(pred)?,
    };
    let labels = match (&args.read.labels, &args.data) {
        (Some(labels), None) => input::labels_for(labels, clusters.len())?,
        (_, Some(data)) => labels_of(args, data)?,
        (None, None) => bail!("no labels given: add --labels FILE, or --data with labels of its own"),
    };
    Ok((clusters, labels))
}

fn of_model(args: &ScoreArgs, model: &std::path::Path) -> Result<Pair> {
    vae_core::device::configure_process(threads(None));
    let place = model;
    let model = open_model(place, args.matmul)?;
    let data = args.data.as_deref().context("add --data, what the model is to be applied to")?;
    let input = input::load_for(place, &data.parse::<Source>()?, &args.read)?;
    let labels =
        input.labels.with_context(|| format!("{data} has no labels: add --labels or --label-column"))?;
    Ok((model.predict(&input.features)?, labels.y))
}

fn labels_of(args: &ScoreArgs, data: &str) -> Result<Array1<Option<u32>>> {
    let input = input::load(&data.parse::<Source>()?, &args.read)?;
    Ok(input.labels.with_context(|| format!("{data} has no labels: add --labels or --label-column"))?.y)
}
