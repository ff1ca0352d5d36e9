//! The flow diagram: a column for each run, in it a bar for each cluster, and between two runs a
//! band for each group of samples that goes from one cluster to another.
//!
//! Heights are numbers of samples, with one scale in all columns. Bars are ordered so that few
//! samples cross: by the mean place of what they are connected with (the barycentre heuristic of
//! Sugiyama, Tagawa and Toda 1981), forwards and backwards; the best of all orders seen is drawn. A
//! cluster has the colour of the one it mostly comes from, where it is also most of what becomes of
//! that one.

use super::Flow;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of ordering.
const SWEEPS: usize = 6;
/// Height of a cluster with its gap, if all were equally large.
const PITCH: f64 = 17.0;
/// Height of the bars of a column.
const HEIGHTS: (f64, f64) = (300.0, 1100.0);
/// The gap between two bars.
const GAP: f64 = 7.0;
/// Width of a bar.
pub const BAR: f64 = 16.0;

/// A cluster of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its number.
    pub cluster: u32,
    /// Its upper edge.
    pub y: f64,
    /// Its height.
    pub height: f64,
    /// Which colour it has.
    pub colour: usize,
}

/// Samples that go from one cluster to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Which of the flows between the two columns.
    pub flow: usize,
    /// Upper edge at the bar it comes from.
    pub from: f64,
    /// Upper edge at the bar it goes to.
    pub to: f64,
    /// Its height.
    pub height: f64,
    /// The colour of the bar it comes from.
    pub colour: usize,
}

/// The drawing, without places from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Height of all.
    pub height: f64,
    /// Bars of each run, from the top.
    pub columns: Vec<Vec<Bar>>,
    /// Bands between each run and the next, in the order of their flows.
    pub gaps: Vec<Vec<Band>>,
}

/// Samples, or colours, by cluster.
type ByCluster = BTreeMap<u32, usize>;

/// Places for runs with clusters of these sizes, and for the flows between each run and the next;
/// `flows` has one list less than `sizes`. Flows of clusters without a size are left out.
pub fn layout(sizes: &[ByCluster], flows: &[Vec<Flow>]) -> Layout {
    let paper = Paper::new(sizes, colours(sizes, flows));
    let columns = ordered(&paper, flows);
    let gap = |(pair, flows): (&[Vec<Bar>], &Vec<Flow>)| bands(&pair[0], &pair[1], flows, paper.scale);
    let gaps = columns.windows(2).zip(flows).map(gap).collect();
    Layout { height: paper.height, columns, gaps }
}

/// What is known of the bars before they have an order.
struct Paper<'a> {
    sizes: &'a [ByCluster],
    colours: Vec<ByCluster>,
    /// Height of a sample.
    scale: f64,
    height: f64,
}

impl<'a> Paper<'a> {
    fn new(sizes: &'a [ByCluster], colours: Vec<ByCluster>) -> Self {
        let most = sizes.iter().map(BTreeMap::len).max().unwrap_or(0);
        let n = sizes.iter().map(|of| of.values().sum::<usize>()).max().unwrap_or(0);
        let bars = (PITCH * most as f64).clamp(HEIGHTS.0, HEIGHTS.1);
        let scale = if n > 0 { bars / n as f64 } else { 0.0 };
        Self { sizes, colours, scale, height: bars + GAP * most.saturating_sub(1) as f64 }
    }

    /// The bars in these orders of the clusters, each column in the middle.
    fn columns(&self, orders: &[Vec<u32>]) -> Vec<Vec<Bar>> {
        orders.iter().enumerate().map(|(at, order)| self.column(at, order)).collect()
    }

    fn column(&self, at: usize, order: &[u32]) -> Vec<Bar> {
        let (sizes, colours) = (&self.sizes[at], &self.colours[at]);
        let used = sizes.values().map(|&size| size as f64 * self.scale).sum::<f64>();
        let mut y = (self.height - used - GAP * sizes.len().saturating_sub(1) as f64) / 2.0;
        let bar = |&cluster: &u32| {
            let height = sizes[&cluster] as f64 * self.scale;
            let bar = Bar { cluster, y, height, colour: colours[&cluster] };
            y += height + GAP;
            bar
        };
        order.iter().map(bar).collect()
    }
}

/// The columns in the order in which the fewest samples cross.
fn ordered(paper: &Paper<'_>, flows: &[Vec<Flow>]) -> Vec<Vec<Bar>> {
    let mut orders: Vec<Vec<u32>> = paper.sizes.iter().map(|of| of.keys().copied().collect()).collect();
    let mut best = paper.columns(&orders);
    let mut least = crossings(&best, flows);
    for sweep in 0..SWEEPS {
        let forwards = sweep % 2 == 0;
        let mut steps: Vec<usize> = (1..orders.len()).collect();
        if !forwards {
            steps.reverse();
        }
        for step in steps {
            // Forwards the right column of a gap follows its left one, backwards the other way.
            let (fixed, moved) = if forwards { (step - 1, step) } else { (step, step - 1) };
            let Some(flows) = flows.get(step - 1) else { continue };
            let columns = paper.columns(&orders);
            let pull = pull(&columns[fixed], flows, forwards);
            let own: BTreeMap<u32, f64> =
                columns[moved].iter().map(|bar| (bar.cluster, middle(bar))).collect();
            let at = |cluster: &u32| pull.get(cluster).or(own.get(cluster)).copied().unwrap_or(0.0);
            orders[moved].sort_by(|a, b| at(a).total_cmp(&at(b)).then(a.cmp(b)));
        }
        let columns = paper.columns(&orders);
        let crossed = crossings(&columns, flows);
        if crossed < least {
            (best, least) = (columns, crossed);
        }
    }
    best
}

fn middle(bar: &Bar) -> f64 {
    bar.y + bar.height / 2.0
}

/// The mean place of what each cluster of the other column is connected with in `fixed`.
fn pull(fixed: &[Bar], flows: &[Flow], forwards: bool) -> BTreeMap<u32, f64> {
    let places: BTreeMap<u32, f64> = fixed.iter().map(|bar| (bar.cluster, middle(bar))).collect();
    let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for flow in flows {
        let (from, to) = if forwards { (flow.a, flow.b) } else { (flow.b, flow.a) };
        let Some(place) = places.get(&from) else { continue };
        let sum = sums.entry(to).or_default();
        *sum = (sum.0 + flow.count as f64 * place, sum.1 + flow.count as f64);
    }
    sums.into_iter().map(|(cluster, (sum, count))| (cluster, sum / count)).collect()
}

/// Pairs of samples whose ways cross.
fn crossings(columns: &[Vec<Bar>], flows: &[Vec<Flow>]) -> u128 {
    let rank = |column: &[Bar]| -> BTreeMap<u32, usize> {
        column.iter().enumerate().map(|(rank, bar)| (bar.cluster, rank)).collect()
    };
    let of_gap = |(pair, flows): (&[Vec<Bar>], &Vec<Flow>)| {
        let (left, right) = (rank(&pair[0]), rank(&pair[1]));
        let place = |flow: &Flow| Some((*left.get(&flow.a)?, *right.get(&flow.b)?, flow.count));
        let placed: Vec<(usize, usize, u64)> = flows.iter().filter_map(place).collect();
        let mut crossed = 0u128;
        for (i, one) in placed.iter().enumerate() {
            for other in &placed[..i] {
                if (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1) {
                    crossed += u128::from(one.2) * u128::from(other.2);
                }
            }
        }
        crossed
    };
    columns.windows(2).zip(flows).map(of_gap).sum()
}

/// The bands between two columns. At a bar they lie in the order of the bars at their other ends.
fn bands(left: &[Bar], right: &[Bar], flows: &[Flow], scale: f64) -> Vec<Band> {
    let of = |column: &[Bar]| -> BTreeMap<u32, (usize, Bar)> {
        column.iter().enumerate().map(|(rank, bar)| (bar.cluster, (rank, bar.clone()))).collect()
    };
    let (left, right) = (of(left), of(right));
    let mut placed: Vec<(usize, usize, usize)> = flows
        .iter()
        .enumerate()
        .filter_map(|(at, flow)| Some((left.get(&flow.a)?.0, right.get(&flow.b)?.0, at)))
        .collect();
    let mut bands: BTreeMap<usize, Band> = BTreeMap::new();
    let mut used = BTreeMap::new();
    placed.sort_unstable();
    for &(_, _, at) in &placed {
        let (flow, bar) = (&flows[at], &left[&flows[at].a].1);
        let height = flow.count as f64 * scale;
        let from = used.entry(flow.a).or_insert(bar.y);
        bands.insert(at, Band { flow: at, from: *from, to: 0.0, height, colour: bar.colour });
        *from += height;
    }
    placed.sort_unstable_by_key(|&(from, to, at)| (to, from, at));
    let mut used = BTreeMap::new();
    for &(_, _, at) in &placed {
        let to = used.entry(flows[at].b).or_insert(right[&flows[at].b].1.y);
        if let Some(band) = bands.get_mut(&at) {
            band.to = *to;
            *to += band.height;
        }
    }
    bands.into_values().collect()
}

/// The colour of every cluster of every run. Those of the first run have their numbers' colours.
fn colours(sizes: &[ByCluster], flows: &[Vec<Flow>]) -> Vec<ByCluster> {
    let mut all: Vec<ByCluster> = Vec::new();
    for (at, of) in sizes.iter().enumerate() {
        let Some((former, flows)) = at.checked_sub(1).and_then(|i| Some((&all[i], flows.get(i)?))) else {
            all.push(of.keys().map(|&cluster| (cluster, cluster as usize)).collect());
            continue;
        };
        let mut taken: BTreeSet<usize> = all.iter().flat_map(|of| of.values().copied()).collect();
        let inherited = |cluster: u32| {
            let source = largest(flows, |flow| flow.b == cluster)?;
            let target = largest(flows, |flow| flow.a == source.a)?;
            (target.b == cluster).then(|| former.get(&source.a).copied()).flatten()
        };
        let mut fresh = || {
            let colour = (0..).find(|colour| !taken.contains(colour)).unwrap_or(0);
            taken.insert(colour);
            colour
        };
        all.push(of.keys().map(|&c| (c, inherited(c).unwrap_or_else(&mut fresh))).collect());
    }
    all
}

/// The largest of some flows; the first of equals.
fn largest(flows: &[Flow], is_one: impl Fn(&Flow) -> bool) -> Option<&Flow> {
    flows
        .iter()
        .filter(|flow| is_one(flow))
        .reduce(|best, flow| if flow.count > best.count { flow } else { best })
}

#[cfg(test)]
mod tests;
