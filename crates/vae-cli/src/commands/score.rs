//! `vae score`: assignments against labels, or what can be said without any.

mod unlabelled;

use self::unlabelled::Unlabelled;
use crate::args::ScoreArgs;
use crate::commands::{open_model, threads};
use crate::confidence;
use crate::criteria::{finite, of_run, select};
use crate::input::{self, Input};
use crate::output::{remark, say, say_json, table, thousands};
use crate::predictions::{Predictions, head_of, is_own};
use crate::row_names::{self, RowNames};
use crate::runs::Run;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, Axis};
use serde::Serialize;
use std::path::Path;
use vae_core::Features;
use vae_core::matmul::Matmul;
use vae_data::{Ids, Source};
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
pub(super) fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What there is to score.
enum Scored {
    Labelled(Pair),
    Unlabelled(Box<Unlabelled>),
}

/// Prints all scores; without labels the criteria that need none.
///
/// # Errors
/// Nothing to compare with, another number of labels than assignments, unreadable files.
pub fn run(args: &ScoreArgs) -> Result<()> {
    let scored = match (&args.pred, &args.model) {
        (Some(pred), _) => of_files(args, pred)?,
        (None, Some(model)) => of_model(args, model)?,
        (None, None) => bail!("give --pred with --labels, or --model with --data"),
    };
    match scored {
        Scored::Labelled(pair) => say_scores(args, &pair),
        Scored::Unlabelled(unlabelled) => unlabelled.say(args.json),
    }
}

fn say_scores(args: &ScoreArgs, pair: &Pair) -> Result<()> {
    let Pair { clusters, labels, not_assigned } = pair;
    let not_assigned = *not_assigned;
    let unlabelled = labels.iter().filter(|class| class.is_none()).count();
    if unlabelled > 0 {
        remark(format_args!("note: {} without a label are left out", thousands(unlabelled)));
    }
    let (clusters, labels) = input::labelled(clusters, labels)?;
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
    labels: Labels,
    /// How many other samples are in no cluster.
    not_assigned: usize,
}

fn of_files(args: &ScoreArgs, place: &Path) -> Result<Scored> {
    let is_run = place.is_dir();
    let pred = if is_run { place.join("assignments.csv") } else { place.to_path_buf() };
    let mut table = args.read.table.clone();
    if args.read.labels.is_some() {
        // Of the file of labels, which may be a table.
        table.label_column = None;
    }
    if let (None, Some(option)) = (&args.data, table.given()) {
        bail!("{option} is for a table, and no --data is given; leave it out");
    }
    let data = match &args.data {
        Some(data) => {
            Some(input::load_beside(is_run.then_some(place), &data.parse::<Source>()?, &args.read)?)
        }
        None => None,
    };
    let names_of_data = data.as_ref().and_then(|data| data.ids.as_ref());
    let in_both =
        args.read.labels.as_deref().filter(|_| !is_run).and_then(|labels| column_in_both(&pred, labels));
    let names = names_of_data.map(Ids::name).or(in_both.as_deref());
    let predictions = Predictions::read_beside(&pred, names)?;
    if let Some(names) = predictions.about_names() {
        remark(format_args!("{}: {names}", pred.display()));
    }
    let Predictions { clusters, ids, .. } = predictions;
    let (labels, features) = match (&args.read.labels, data) {
        (Some(labels), None) => {
            (Some(input::labels_for(labels, clusters.len(), ids.as_ref(), &args.read)?), None)
        }
        (_, Some(data)) => in_order_of(ids.as_ref(), data, &pred)?,
        (None, None) if is_run => (None, None),
        (None, None) => {
            bail!(
                "no labels given: add --labels FILE, or --data with labels of its own; --data without labels gives \
                 criteria that need none"
            )
        }
    };
    let others = [labels.as_ref().map(Array1::len), features.as_ref().map(Features::n)];
    if let Some(other) = others.into_iter().flatten().find(|n| *n != clusters.len()) {
        let what = if labels.is_some() { "labels" } else { "rows of data" };
        bail!(
            "{} holds {} assignments for {} {what}",
            pred.display(),
            thousands(clusters.len()),
            thousands(other)
        );
    }
    match labels {
        Some(labels) => Ok(Scored::Labelled(assigned(&clusters, &labels))),
        None => {
            Ok(Scored::Unlabelled(Box::new(without_labels(&clusters, features, is_run.then_some(place))?)))
        }
    }
}

/// The first column that a table of assignments and one of labels have in common.
fn column_in_both(pred: &Path, labels: &Path) -> Option<String> {
    let of_labels = head_of(labels);
    head_of(pred).into_iter().find(|column| !is_own(column) && of_labels.contains(column))
}

/// The class of each row, where it has one.
type Labels = Array1<Option<u32>>;

/// The labels and the features of the data, in the order of the assignments in `pred` where both
/// name their rows.
///
/// # Errors
/// Rows of one that the other does not have.
fn in_order_of(
    ids: Option<&RowNames>,
    data: Input,
    pred: &Path,
) -> Result<(Option<Labels>, Option<Features>)> {
    let Input { labels, features, ids: of_data, .. } = data;
    let labels = labels.map(|labels| labels.y);
    let of_data = of_data.map(|ids| (ids.name().to_owned(), ids.iter().map(str::to_owned).collect()));
    let places = match (ids, of_data) {
        (Some(ids), Some(of_data)) => row_names::places(ids, &of_data, [&pred.display(), &"the data"])?,
        _ => None,
    };
    let Some(places) = places else { return Ok((labels, Some(features))) };
    if let Some((column, _)) = ids {
        remark(format_args!(
            "note: the rows of the data are matched with those of {} by `{column}`",
            pred.display()
        ));
    }
    Ok((labels.map(|labels| labels.select(Axis(0), &places)), Some(select(&features, &places)?)))
}

/// The samples that are in a cluster, with their labels.
fn assigned(clusters: &[Option<u32>], labels: &Labels) -> Pair {
    let assigned = clusters.iter().zip(labels).filter_map(|(cluster, label)| Some(((*cluster)?, *label)));
    let (assigned, classes): (Vec<u32>, Vec<Option<u32>>) = assigned.unzip();
    let not_assigned = clusters.len() - assigned.len();
    Pair { clusters: assigned.into(), labels: classes.into(), not_assigned }
}

/// The samples that are in a cluster, with the data and what a run folder knows.
fn without_labels(
    clusters: &[Option<u32>],
    features: Option<Features>,
    folder: Option<&Path>,
) -> Result<Unlabelled> {
    let rows: Vec<usize> = (0..clusters.len()).filter(|&row| clusters[row].is_some()).collect();
    let not_assigned = clusters.len() - rows.len();
    let features = match features {
        Some(features) if not_assigned > 0 => Some(select(&features, &rows)?),
        other => other,
    };
    let clusters: Array1<u32> = clusters.iter().flatten().copied().collect();
    let mut n_clusters = clusters.iter().max().map_or(0, |&most| most as usize + 1);
    let (mut codes, mut known) = (None, std::collections::BTreeMap::new());
    if let Some(folder) = folder {
        let run = Run::of_folder(folder)?;
        n_clusters = run.record["n_clusters"].as_u64().map_or(n_clusters, |n| n as usize);
        codes = run.embedding()?;
        known = finite([
            ("mean_confidence", run.record["confidence"]["mean"].as_f64()),
            ("mean_entropy", run.record["criteria"]["mean_entropy"].as_f64()),
        ]);
    }
    Ok(Unlabelled { clusters, n_clusters, features, codes, known, not_assigned })
}

fn of_model(args: &ScoreArgs, place: &Path) -> Result<Scored> {
    vae_core::device::configure_process(threads(None));
    let model = open_model(place, args.matmul)?;
    let data = args.data.as_deref().context("add --data, what the model is to be applied to")?;
    let input = input::load_for(place, &data.parse::<Source>()?, &args.read)?;
    // Where a posterior is not finite, the clusters would mean nothing.
    let gamma = confidence::posterior(model.as_ref(), &input.features, input.ids.as_ref())?;
    let clusters = model.predict(&input.features)?;
    if let Some(labels) = input.labels {
        return Ok(Scored::Labelled(Pair { clusters, labels: labels.y, not_assigned: 0 }));
    }
    let n_clusters = model.n_clusters();
    let mut known = of_run(clusters.view(), n_clusters, gamma.as_ref());
    let sure = gamma.as_ref().map(|gamma| confidence::of(gamma.view()));
    known.extend(finite([("mean_confidence", sure.and_then(|sure| sure.mean()).map(f64::from))]));
    let codes = Some(model.embed(&input.features)?);
    let features = Some(input.features);
    Ok(Scored::Unlabelled(Box::new(Unlabelled {
        clusters,
        n_clusters,
        features,
        codes,
        known,
        not_assigned: 0,
    })))
}
