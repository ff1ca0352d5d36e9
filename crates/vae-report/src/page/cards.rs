//! A card for each cluster: what it is, what sets it apart, which rows to look at.

use super::Page;
use super::colours;
use super::rows::{CLUSTERS, RowFacts};
use crate::clusters::{Cluster, Detail, Direction, Feature, Member, NearestBy, TypicalBy};
use crate::summary;
use crate::text::{counted, number, percent, thousands};
use serde::Serialize;
use std::collections::BTreeMap;

/// Features of a card, at most.
const FEATURES: usize = 6;

/// A cluster on the page.
#[derive(Debug, Serialize)]
pub struct Card {
    id: u32,
    title: String,
    colour: &'static str,
    size: String,
    share: String,
    /// Length of its bar in per cent of the largest cluster's.
    bar: f64,
    is_empty: bool,
    about: String,
    confidence: Option<String>,
    mean_image: Option<minijinja::Value>,
    nearest: Option<Neighbour>,
    features: Vec<FeatureView>,
    words: Vec<WordView>,
    typical_by: &'static str,
    typical: Vec<RowView>,
    doubtful: Vec<RowView>,
}

#[derive(Debug, Serialize)]
struct Neighbour {
    cluster: u32,
    title: String,
    how: String,
}

#[derive(Debug, Serialize)]
struct FeatureView {
    name: String,
    /// `high`, `low`, `more often`, `less often`.
    direction: &'static str,
    is_high: bool,
    inside: String,
    outside: String,
    /// `median`, `mean`, `share`.
    what: &'static str,
    overlap: String,
    title: String,
    bars: Bars,
}

/// Where the members and all others lie, in per cent of the width.
#[derive(Debug, Serialize)]
struct Bars {
    /// Of numbers: first quartile, median, third quartile, inside and outside.
    range: Option<[[f64; 3]; 2]>,
    /// Of levels: shares inside and outside.
    share: Option<[f64; 2]>,
}

#[derive(Debug, Serialize)]
struct WordView {
    word: String,
    /// In per cent of the strongest word's weight.
    strength: f64,
    inside: String,
    outside: String,
}

#[derive(Debug, Serialize)]
struct RowView {
    name: String,
    confidence: Option<String>,
    /// The cluster that comes second, with its probability.
    runner_up: Option<(u32, String)>,
    values: Vec<(String, String)>,
    text: Option<String>,
    png: Option<minijinja::Value>,
}

/// The cards in the order of the clusters' numbers; the second is how many were left out.
pub fn view(page: &Page) -> (Vec<Card>, usize) {
    let clusters = &page.clusters;
    let rows: BTreeMap<usize, &RowFacts> = page.rows.iter().map(|row| (row.row, row)).collect();
    let means: BTreeMap<u32, &str> =
        page.mean_images.iter().map(|image| (image.cluster, image.png.as_str())).collect();
    let largest = clusters.clusters.iter().map(|cluster| cluster.size).max().unwrap_or(0).max(1);
    let title = |at: u32| clusters.clusters.get(at as usize).map_or_else(|| format!("cluster {at}"), title);
    let card = |cluster: &Cluster| Card {
        id: cluster.cluster,
        title: self::title(cluster),
        colour: colours::of(cluster.cluster as usize),
        size: counted(cluster.size, "row"),
        share: percent(cluster.share),
        bar: 100.0 * cluster.size as f64 / largest as f64,
        is_empty: cluster.size == 0,
        about: about(cluster, clusters.n),
        confidence: cluster.mean_confidence.map(|mean| format!("{mean:.3}")),
        mean_image: means.get(&cluster.cluster).and_then(|png| address(png)),
        nearest: cluster.nearest.map(|near| Neighbour {
            cluster: near.cluster,
            title: title(near.cluster),
            how: match near.by {
                NearestBy::Centres => format!("distance of centres {}", number(near.value)),
                NearestBy::Posterior => {
                    format!("members belong to it with {} on average", percent(near.value))
                }
            },
        }),
        features: cluster.features.iter().take(FEATURES).map(feature).collect(),
        words: words(cluster),
        typical_by: match cluster.typical_by {
            TypicalBy::Centre => "nearest to the centre",
            TypicalBy::Confidence => "highest confidence",
            TypicalBy::Order => "the first in the data",
        },
        typical: cluster.typical.iter().map(|member| row(member, None, &rows)).collect(),
        doubtful: cluster
            .doubtful
            .iter()
            .map(|doubt| {
                let second = doubt.runner_up.map(|r| (r.cluster, percent(r.probability)));
                row(&doubt.member, second, &rows)
            })
            .collect(),
    };
    let cards = clusters.clusters.iter().take(CLUSTERS).map(card).collect();
    (cards, clusters.clusters.len().saturating_sub(CLUSTERS))
}

/// `cluster 3`, or with its name.
pub fn title(cluster: &Cluster) -> String {
    cluster.name.as_ref().map_or_else(
        || format!("cluster {}", cluster.cluster),
        |name| format!("{} · {name}", cluster.cluster),
    )
}

fn about(cluster: &Cluster, n: usize) -> String {
    let about = summary::about(cluster, n);
    match cluster.size {
        0 => "no row is in this cluster".into(),
        size if size == n => "all rows are in this cluster: there is nothing to compare it with".into(),
        _ => about,
    }
}

fn feature(feature: &Feature) -> FeatureView {
    let is_high = feature.direction == Direction::High;
    let overlap = percent(feature.overlap);
    let in_deviations = format!("standardised difference {:+.2}", feature.difference);
    match &feature.detail {
        Detail::Number { inside, outside, axis, .. } => {
            let (what, [a, b]) = summary::typical(inside, outside);
            // The axis holds both boxes, and nearly all rows.
            let low = axis[0].min(inside.q25).min(outside.q25);
            let high = axis[1].max(inside.q75).max(outside.q75);
            let along = |v: f64| if high > low { 100.0 * (v - low) / (high - low) } else { 50.0 };
            let of = |s: &crate::Spread| [s.q25, s.median, s.q75].map(along);
            FeatureView {
                name: feature.column.clone(),
                direction: if is_high { "high" } else { "low" },
                is_high,
                inside: a,
                outside: b,
                what,
                overlap,
                title: format!(
                    "half of the members lie from {} to {}, half of the others from {} to {}; {in_deviations}",
                    number(inside.q25),
                    number(inside.q75),
                    number(outside.q25),
                    number(outside.q75)
                ),
                bars: Bars { range: Some([of(inside), of(outside)]), share: None },
            }
        }
        Detail::Level { level, count, share_inside, share_outside, lift } => {
            let title = format!(
                "{} members; {lift:.2} times as often as in all rows; {in_deviations}",
                thousands(*count)
            );
            of_share(
                format!("{} = {level}", feature.column),
                is_high,
                [*share_inside, *share_outside],
                title,
                overlap,
            )
        }
        Detail::Missing { count, share_inside, share_outside, lift } => {
            let title = format!(
                "{} members; {lift:.2} times as often as in all rows; {in_deviations}",
                thousands(*count)
            );
            of_share(
                format!("{} missing", feature.column),
                is_high,
                [*share_inside, *share_outside],
                title,
                overlap,
            )
        }
    }
}

fn of_share(name: String, is_high: bool, shares: [f64; 2], title: String, overlap: String) -> FeatureView {
    let [inside, outside] = shares.map(percent);
    FeatureView {
        name,
        direction: if is_high { "more often" } else { "less often" },
        is_high,
        inside,
        outside,
        what: "share",
        overlap,
        title,
        bars: Bars { share: Some(shares.map(|share| 100.0 * share)), range: None },
    }
}

fn words(cluster: &Cluster) -> Vec<WordView> {
    let most = cluster.words.first().map_or(1.0, |word| word.weight);
    let of = |word: &crate::Word| WordView {
        word: word.word.clone(),
        strength: (100.0 * word.weight / most).clamp(0.0, 100.0),
        inside: percent(word.share_inside),
        outside: percent(word.share_outside),
    };
    cluster.words.iter().map(of).collect()
}

fn row(member: &Member, runner_up: Option<(u32, String)>, rows: &BTreeMap<usize, &RowFacts>) -> RowView {
    let facts = rows.get(&member.row);
    RowView {
        name: member.name.clone().unwrap_or_else(|| format!("row {}", thousands(member.row + 1))),
        confidence: member.confidence.map(|v| format!("{v:.2}")),
        runner_up,
        values: facts.map(|facts| facts.values.clone()).unwrap_or_default(),
        text: facts.and_then(|facts| facts.text.clone()),
        png: facts.and_then(|facts| facts.png.as_deref()).and_then(address),
    }
}

/// A PNG as an address. Letters, digits, `+`, `/` and `=` mean nothing in HTML; what has others is
/// no base64.
fn address(png: &str) -> Option<minijinja::Value> {
    let is_base64 = png.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    is_base64.then(|| minijinja::Value::from_safe_string(format!("data:image/png;base64,{png}")))
}
