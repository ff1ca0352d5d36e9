//! What the template is filled with.

use super::flow::{self, BAR, Bar, Layout};
use super::{Change, Comparison, Flow, Pair, Run};
use crate::page::colour;
use crate::sweep::CRITERIA;
use crate::text::{counted, cut, number, percent, thousands};
use serde::Serialize;
use std::collections::BTreeMap;

/// Runs of the diagram, at most: more columns cannot be followed.
const COLUMNS: usize = 12;
/// Bands between two runs, at most.
const BANDS: usize = 300;
/// Rows of a table of flows, and sentences about a pair, at most.
const ROWS: usize = 60;
/// The share of all samples from which on a band is a stop for the keyboard.
const STOP: f64 = 0.01;
/// Room for the names of the clusters at both ends, and for what is said of a band above all.
const SIDE: f64 = 150.0;
const TOP: f64 = 58.0;
const WIDTH: f64 = 860.0;
const APART: f64 = 230.0;

/// The page.
#[derive(Debug, Serialize)]
pub struct View {
    title: String,
    about: String,
    columns: Vec<&'static str>,
    runs: Vec<RunView>,
    has_scores: bool,
    heat: Vec<HeatRow>,
    pairs: Vec<PairLine>,
    diagram: Option<Diagram>,
    changes: Vec<ChangeView>,
}

#[derive(Debug, Serialize)]
struct RunView {
    place: usize,
    name: String,
    method: String,
    clusters: usize,
    seed: String,
    loss: String,
    /// By the columns of the view.
    criteria: Vec<String>,
    scores: Option<[String; 3]>,
}

#[derive(Debug, Serialize)]
struct HeatRow {
    place: usize,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    /// From 0, no more than chance, to 1.
    strength: f64,
    text: String,
    says: String,
}

#[derive(Debug, Serialize)]
struct PairLine {
    a: usize,
    b: usize,
    ari: String,
    nmi: String,
    acc: String,
}

#[derive(Debug, Serialize)]
struct Diagram {
    width: f64,
    height: f64,
    heads: Vec<Head>,
    bars: Vec<BarView>,
    bands: Vec<BandView>,
    /// Samples of flows that are too small to be drawn.
    left_out: Option<String>,
    more_runs: usize,
}

#[derive(Debug, Serialize)]
struct Head {
    x: f64,
    text: String,
    below: String,
}

#[derive(Debug, Serialize)]
struct BarView {
    x: f64,
    y: f64,
    height: f64,
    colour: &'static str,
    text: String,
    text_x: f64,
    text_y: f64,
    anchor: &'static str,
    says: String,
}

#[derive(Debug, Serialize)]
struct BandView {
    d: String,
    colour: &'static str,
    is_stop: bool,
    says: String,
}

/// What becomes of the clusters of one run in the next.
#[derive(Debug, Serialize)]
struct ChangeView {
    a: usize,
    b: usize,
    name_a: String,
    name_b: String,
    lines: Vec<String>,
    more_lines: usize,
    rows: Vec<FlowView>,
    more_rows: usize,
}

#[derive(Debug, Serialize)]
struct FlowView {
    from: String,
    to: String,
    count: String,
    share_of_a: String,
    share_of_b: String,
    change: &'static str,
}

/// The page of a comparison.
pub fn of(comparison: &Comparison) -> View {
    let runs = &comparison.runs;
    let used = |key: &str| runs.iter().any(|run| run.criteria.contains_key(key));
    let criteria: Vec<_> = CRITERIA.iter().filter(|criterion| used(criterion.key)).collect();
    let keys: Vec<&str> = criteria.iter().map(|criterion| criterion.key).collect();
    let on = comparison.dataset.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    View {
        title: format!("Comparison of {}{on}", counted(runs.len(), "run")),
        about: format!("{}, the same in every run", counted(comparison.n, "sample")),
        columns: criteria.iter().map(|criterion| criterion.name).collect(),
        runs: runs.iter().enumerate().map(|(at, run)| run_view(at, run, &keys)).collect(),
        has_scores: runs.iter().any(|run| run.scores.is_some()),
        heat: heat(comparison),
        pairs: comparison.pairs.iter().map(pair_line).collect(),
        diagram: diagram(comparison),
        changes: comparison.consecutive().filter_map(|pair| change(comparison, pair)).collect(),
    }
}

fn run_view(at: usize, run: &Run, keys: &[&str]) -> RunView {
    let value = |key: &&str| run.criteria.get(*key).map_or_else(String::new, |v| number(*v));
    RunView {
        place: at + 1,
        name: run.run.clone(),
        method: run.method.clone().unwrap_or_default(),
        clusters: run.n_clusters,
        seed: run.seed.map_or_else(String::new, |seed| seed.to_string()),
        loss: run.loss_nats.map_or_else(String::new, |loss| format!("{loss:.3}")),
        criteria: keys.iter().map(value).collect(),
        scores: run.scores.map(|s| [s.acc, s.nmi, s.ari].map(|v| format!("{v:.4}"))),
    }
}

fn heat(comparison: &Comparison) -> Vec<HeatRow> {
    let at = |matrix: &[Vec<f64>], i: usize, j: usize| {
        matrix.get(i).and_then(|row| row.get(j)).copied().unwrap_or(f64::NAN)
    };
    let r = comparison.runs.len();
    let cell = |i: usize, j: usize| {
        let [ari, nmi, acc] = [&comparison.ari, &comparison.nmi, &comparison.acc].map(|of| at(of, i, j));
        let strength = if ari.is_finite() { (100.0 * ari.clamp(0.0, 1.0)).round() / 100.0 } else { 0.0 };
        let (one, other) = (i + 1, j + 1);
        Cell {
            strength,
            text: format!("{ari:.3}"),
            says: format!("runs {one} and {other}: ARI {ari:.4}, NMI {nmi:.4}, {} match", percent(acc)),
        }
    };
    (0..r).map(|i| HeatRow { place: i + 1, cells: (0..r).map(|j| cell(i, j)).collect() }).collect()
}

fn pair_line(pair: &Pair) -> PairLine {
    let [ari, nmi] = [pair.ari, pair.nmi].map(|v| format!("{v:.4}"));
    PairLine { a: pair.a + 1, b: pair.b + 1, ari, nmi, acc: format!("{:.2} %", 100.0 * pair.acc) }
}

fn change(comparison: &Comparison, pair: &Pair) -> Option<ChangeView> {
    let (a, b) = (comparison.runs.get(pair.a)?, comparison.runs.get(pair.b)?);
    let mut lines = comparison.changes(pair);
    let row = |flow: &Flow| FlowView {
        from: a.cluster(flow.a),
        to: b.cluster(flow.b),
        count: thousands(flow.count as usize),
        share_of_a: percent(flow.share_of_a),
        share_of_b: percent(flow.share_of_b),
        change: match flow.change {
            Change::Kept => "kept",
            Change::Split => "part of the one",
            Change::Merged => "part of the other",
            Change::Mixed => "",
        },
    };
    let more_lines = lines.len().saturating_sub(ROWS);
    lines.truncate(ROWS);
    Some(ChangeView {
        a: pair.a + 1,
        b: pair.b + 1,
        name_a: a.run.clone(),
        name_b: b.run.clone(),
        lines,
        more_lines,
        rows: pair.flows.iter().take(ROWS).map(row).collect(),
        more_rows: pair.flows.len().saturating_sub(ROWS),
    })
}

fn diagram(comparison: &Comparison) -> Option<Diagram> {
    let runs = &comparison.runs[..comparison.runs.len().min(COLUMNS)];
    let sizes: Vec<BTreeMap<u32, usize>> = runs.iter().map(|run| run.sizes.clone()).collect();
    // The largest flows come first; what is not drawn is told.
    let drawn = |pair: &Pair| pair.flows.iter().take(BANDS).copied().collect::<Vec<Flow>>();
    let flows: Vec<Vec<Flow>> =
        comparison.consecutive().filter(|pair| pair.b < runs.len()).map(drawn).collect();
    if runs.len() < 2 || flows.len() + 1 != runs.len() {
        return None;
    }
    let layout = flow::layout(&sizes, &flows);
    let gaps = (runs.len() - 1) as f64;
    let width = WIDTH.max(2.0 * SIDE + gaps * APART + BAR);
    let x = |at: usize| SIDE + at as f64 * (width - 2.0 * SIDE - BAR) / gaps;
    let hidden = |pair: &Pair| pair.flows.iter().skip(BANDS).map(|flow| flow.count as usize).sum::<usize>();
    let left_out: usize = comparison.consecutive().filter(|pair| pair.b < runs.len()).map(hidden).sum();
    Some(Diagram {
        width,
        height: TOP + layout.height + 14.0,
        heads: runs.iter().enumerate().map(|(at, run)| head(at, run, x(at))).collect(),
        bars: bars(runs, &layout, &flows, &x),
        bands: bands(comparison, &layout, &flows, &x),
        left_out: (left_out > 0).then(|| counted(left_out, "sample")),
        more_runs: comparison.runs.len() - runs.len(),
    })
}

fn head(at: usize, run: &Run, x: f64) -> Head {
    let method = run.method.as_deref().unwrap_or("assignments");
    Head {
        x: tenths(x + BAR / 2.0),
        text: format!("run {}", at + 1),
        below: format!("{method}, {}", counted(run.n_clusters, "cluster")),
    }
}

fn tenths(v: f64) -> f64 {
    (10.0 * v).round() / 10.0
}

fn bars(runs: &[Run], layout: &Layout, flows: &[Vec<Flow>], x: &dyn Fn(usize) -> f64) -> Vec<BarView> {
    let mut views = Vec::new();
    for (at, (column, run)) in layout.columns.iter().zip(runs).enumerate() {
        let is_first = at == 0;
        let mut last = f64::NEG_INFINITY;
        for bar in column {
            let middle = TOP + bar.y + bar.height / 2.0;
            // Names of small clusters would lie on each other: those are told by their titles.
            let has_room = middle - last >= 12.0;
            last = if has_room { middle } else { last };
            views.push(BarView {
                x: tenths(x(at)),
                y: tenths(TOP + bar.y),
                height: tenths(bar.height.max(1.0)),
                colour: colour(bar.colour),
                text: if has_room { cut(&run.cluster(bar.cluster), 24) } else { String::new() },
                text_x: tenths(if is_first { x(at) - 7.0 } else { x(at) + BAR + 7.0 }),
                text_y: tenths(middle + 4.0),
                anchor: if is_first { "end" } else { "start" },
                says: bar_says(at, run, bar, flows.get(at)),
            });
        }
    }
    views
}

/// `run 1, cluster 3: 812 samples; in run 2: 80 % in cluster 5, 20 % in 2`.
fn bar_says(at: usize, run: &Run, bar: &Bar, flows: Option<&Vec<Flow>>) -> String {
    let size = run.sizes.get(&bar.cluster).copied().unwrap_or(0);
    let mut text =
        format!("run {}, cluster {}: {}", at + 1, run.cluster(bar.cluster), counted(size, "sample"));
    let to = flows.into_iter().flatten().filter(|flow| flow.a == bar.cluster).take(4);
    let to: Vec<String> = to.map(|flow| format!("{} in {}", percent(flow.share_of_a), flow.b)).collect();
    if !to.is_empty() {
        text += &format!("; in run {}: {}", at + 2, to.join(", "));
    }
    text
}

fn bands(
    comparison: &Comparison,
    layout: &Layout,
    flows: &[Vec<Flow>],
    x: &dyn Fn(usize) -> f64,
) -> Vec<BandView> {
    let mut views = Vec::new();
    for (at, (gap, flows)) in layout.gaps.iter().zip(flows).enumerate() {
        let (left, right) = (x(at) + BAR, x(at + 1));
        let (run, next) = (&comparison.runs[at], &comparison.runs[at + 1]);
        for band in gap {
            let flow = &flows[band.flow];
            views.push(BandView {
                d: path((left, TOP + band.from), (right, TOP + band.to), band.height),
                colour: colour(band.colour),
                is_stop: flow.count as f64 >= STOP * comparison.n as f64,
                says: format!(
                    "{} of cluster {} of run {} ({}) are in cluster {} of run {} ({} of it)",
                    counted(flow.count as usize, "sample"),
                    run.cluster(flow.a),
                    at + 1,
                    percent(flow.share_of_a),
                    next.cluster(flow.b),
                    at + 2,
                    percent(flow.share_of_b)
                ),
            });
        }
    }
    views
}

/// A band of one height between two upright edges.
fn path((x0, y0): (f64, f64), (x1, y1): (f64, f64), height: f64) -> String {
    // What is thinner cannot be seen.
    let height = height.max(0.5);
    let half = (x0 + x1) / 2.0;
    let (low0, low1) = (y0 + height, y1 + height);
    format!(
        "M{x0:.1} {y0:.1}C{half:.1} {y0:.1} {half:.1} {y1:.1} {x1:.1} {y1:.1}V{low1:.1}C{half:.1} {low1:.1} {half:.1} {low0:.1} {x0:.1} {low0:.1}Z"
    )
}
