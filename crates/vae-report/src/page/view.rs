//! What the templates are filled with: texts and numbers that need no more work.

use super::cards::{self, Card};
use super::{Generated, Page, Phase, Scores, Walk, confidence, curves, map_data, pictures};
use crate::Result;
use crate::text::{counted, number, thousands};
use serde::Serialize;

/// The page, ready for the templates.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    title: &'a str,
    n: String,
    k: String,
    mean_confidence: Option<String>,
    scores: Option<ScoreView>,
    warnings: &'a [String],
    /// `table`, `documents` or `other`, by what the clusters have.
    kind: &'static str,
    cards: Vec<Card>,
    /// Lines of the clusters that have no card.
    others: Vec<&'a str>,
    map: Option<map_data::View>,
    confidence: Option<confidence::View>,
    curves: Vec<curves::View>,
    facts: &'a [super::Fact],
    data_notes: &'a [String],
    phases: Vec<PhaseView<'a>>,
    pictures: Vec<pictures::View>,
    generated: Option<GeneratedView<'a>>,
    configuration: &'a str,
    is_without_rows: bool,
    few: usize,
}

#[derive(Debug, Serialize)]
struct GeneratedView<'a> {
    columns: &'a [String],
    left_out: usize,
    samples: Vec<Block<'a>>,
    walks: Vec<Block<'a>>,
}

/// Rows with a common title.
#[derive(Debug, Serialize)]
struct Block<'a> {
    title: String,
    rows: &'a [Vec<String>],
}

#[derive(Debug, Serialize)]
struct ScoreView {
    acc: String,
    nmi: String,
    ari: String,
    purity: String,
    start: Option<String>,
}

#[derive(Debug, Serialize)]
struct PhaseView<'a> {
    name: &'a str,
    epochs: String,
    loss: String,
    time: &'a str,
    note: &'a str,
}

/// Collects everything.
///
/// # Errors
/// Data of the map that cannot be written.
pub fn of(page: &Page) -> Result<View<'_>> {
    let (cards, left_out) = cards::view(page);
    let clusters = &page.clusters;
    let others = &clusters.clusters[clusters.clusters.len() - left_out..];
    let map = page.map.as_ref();
    Ok(View {
        title: &page.title,
        n: counted(clusters.n, "row"),
        k: counted(clusters.n_clusters, "cluster"),
        mean_confidence: clusters.mean_confidence.map(|mean| format!("{mean:.3}")),
        scores: page.scores.map(scores),
        warnings: &page.warnings,
        kind: kind(page),
        cards,
        others: others.iter().map(|cluster| cluster.summary.as_str()).collect(),
        map: match map {
            Some(map) => map_data::view(map, clusters)?,
            None => None,
        },
        confidence: page.confidence.as_ref().and_then(confidence::view),
        curves: curves::view(&page.curves),
        facts: &page.facts,
        data_notes: &page.data_notes,
        phases: page.phases.iter().map(phase).collect(),
        pictures: pictures::view(&page.pictures),
        generated: page.generated.as_ref().map(|generated| generated_view(page, generated)),
        configuration: &page.configuration,
        is_without_rows: page.is_without_rows,
        few: crate::FEW,
    })
}

fn generated_view<'a>(page: &'a Page, generated: &'a Generated) -> GeneratedView<'a> {
    let title = |cluster: u32| match page.clusters.clusters.get(cluster as usize) {
        Some(of) => cards::title(of),
        None => format!("cluster {cluster}"),
    };
    let samples = generated.samples.iter().map(|of| Block { title: title(of.cluster), rows: &of.rows });
    let walk = |walk: &'a Walk| Block {
        title: format!("{} → {}", title(walk.from), title(walk.to)),
        rows: &walk.rows,
    };
    GeneratedView {
        columns: &generated.columns,
        left_out: generated.left_out,
        samples: samples.collect(),
        walks: generated.walks.iter().map(walk).collect(),
    }
}

fn kind(page: &Page) -> &'static str {
    let has = |of: fn(&crate::Cluster) -> bool| page.clusters.clusters.iter().any(of);
    match (has(|c| !c.features.is_empty()), has(|c| !c.words.is_empty())) {
        (true, _) => "table",
        (false, true) => "documents",
        (false, false) => "other",
    }
}

fn scores(scores: Scores) -> ScoreView {
    let percent = |v: f64| format!("{:.2} %", 100.0 * v);
    ScoreView {
        acc: percent(scores.acc),
        nmi: format!("{:.4}", scores.nmi),
        ari: format!("{:.4}", scores.ari),
        purity: percent(scores.purity),
        start: scores.start_acc.map(percent),
    }
}

fn phase(phase: &Phase) -> PhaseView<'_> {
    PhaseView {
        name: &phase.name,
        epochs: thousands(phase.epochs),
        loss: phase.final_loss_nats.map_or_else(String::new, number),
        time: &phase.time,
        note: &phase.note,
    }
}
