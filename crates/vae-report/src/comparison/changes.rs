//! What becomes of the clusters of one run in another, in sentences.

use super::{Change, Comparison, Flow, Pair, Parts, Run};
use crate::text::{percent, thousands};
use std::collections::BTreeSet;

/// The share of a cluster from which on a flow is told that is neither kept nor a part.
const TOLD: f64 = 0.2;

/// The sentences: what is kept first, then splits, mergers, and larger other flows. No cluster is
/// left unsaid: of one that none of these names the largest flow is told.
pub fn of(comparison: &Comparison, pair: &Pair) -> Vec<String> {
    let (Some(a), Some(b)) = (comparison.runs.get(pair.a), comparison.runs.get(pair.b)) else {
        return Vec::new();
    };
    let mut lines: Vec<String> = Vec::new();
    let kept: Vec<String> =
        pair.kept.iter().map(|[from, to]| format!("{} as {}", a.cluster(*from), b.cluster(*to))).collect();
    if !kept.is_empty() {
        lines.push(format!("kept: {}", kept.join(", ")));
    }
    let split =
        pair.split.iter().map(|of| format!("{} splits into {}", a.cluster(of.cluster), list(b, &of.parts)));
    let merged =
        pair.merged.iter().map(|of| format!("{} merge into {}", list(a, &of.parts), b.cluster(of.cluster)));
    lines.extend(split.chain(merged));
    lines.extend(told(pair).into_iter().map(|flow| {
        format!(
            "{} of {} samples go to {} ({} of the one, {} of the other)",
            a.cluster(flow.a),
            thousands(flow.count as usize),
            b.cluster(flow.b),
            percent(flow.share_of_a),
            percent(flow.share_of_b)
        )
    }));
    if lines.is_empty() {
        lines.push("no cluster of the one is a cluster of the other, or a part of one".into());
    }
    lines
}

/// The flows that are told one by one, the largest first.
fn told(pair: &Pair) -> Vec<&Flow> {
    let is_told = |flow: &Flow| flow.change == Change::Mixed && flow.share_of_a.max(flow.share_of_b) >= TOLD;
    let in_parts = |all: &[Parts], flow: &Flow, of: fn(&Flow) -> (u32, u32)| {
        let (whole, part) = of(flow);
        all.iter().any(|of| of.cluster == whole && of.parts.contains(&part))
    };
    let is_named = |flow: &Flow| {
        pair.kept.contains(&[flow.a, flow.b])
            || in_parts(&pair.split, flow, |flow| (flow.a, flow.b))
            || in_parts(&pair.merged, flow, |flow| (flow.b, flow.a))
            || is_told(flow)
    };
    let named = |of: fn(&Flow) -> u32| -> BTreeSet<u32> {
        pair.flows.iter().filter(|flow| is_named(flow)).map(of).collect()
    };
    let (mut in_a, mut in_b) = (named(|flow| flow.a), named(|flow| flow.b));
    let mut all = Vec::new();
    for flow in &pair.flows {
        let is_first = !in_a.contains(&flow.a) || !in_b.contains(&flow.b);
        if is_told(flow) || is_first {
            in_a.insert(flow.a);
            in_b.insert(flow.b);
            all.push(flow);
        }
    }
    all
}

/// `2, 3 and 5`.
fn list(run: &Run, clusters: &[u32]) -> String {
    let words: Vec<String> = clusters.iter().map(|&cluster| run.cluster(cluster)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
