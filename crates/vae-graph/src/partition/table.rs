//! The neighbour graph of a table with categories.
//!
//! Two levels of a category are as far apart in one-hot features as any other two, and farther than
//! near rows in their numbers: nearest neighbours share every category, and their graph falls apart
//! into the combinations of levels. So the numbers have a graph of their own, each category one
//! that links rows of equal level, and what is cut is a weighted mean of these layers.
//!
//! A layer's weight is how well the groups explain it, in log odds ([`Graph::log_odds`]; Pamfil et
//! al. 2019): a category that has little to do with the groups of the numbers counts little, one
//! that has nothing to do with them nothing. Groups and weights are found in turn, from the groups
//! of the numbers. Numbers without clear groups tell nothing of the categories: all layers count
//! alike.
//!
//! Few numbers repeat each other, as ages do. Rows of equal numbers would be each other's nearest
//! neighbours, and every value a piece of the graph and so a group that stands apart. Where many
//! repeat, their graph is that of the different rows, and groups are looked for in it.

use super::{Clarity, Graphs, PartitionConfig};
use crate::knn::{Knn, Metric};
use crate::{Distinct, Error, Graph, Result};
use ndarray::{Array1, Axis};
use rand::RngExt;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// Times that the layers are weighed. The weights hardly depend on where a cut lies: the second
/// time changes them little.
const ROUNDS: usize = 3;

/// Share of the log odds of the numbers that counts. Their graph joins near rows, so that any
/// compact clusters explain much of it, those of a single round group too. On made tables half of
/// the log odds does as well, a quarter makes clusters of levels, and the whole prefers clusters of
/// cells that are missing.
const OF_NUMBERS: f64 = 0.7;

/// The mean graph of the columns of `x`, with `k` neighbours; `None` for features without
/// categories.
///
/// # Errors
/// What searching and cutting can return.
pub(super) fn graph(
    config: &PartitionConfig,
    x: &Features,
    k: usize,
    cx: &FitContext,
) -> Result<Option<Graph>> {
    if x.as_dense().is_none() || !x.has_categories() {
        return Ok(None);
    }
    let streams = Streams::new(cx.seed, "table-graph");
    let (numbers, categories) = x.numbers_and_categories();
    let of_numbers = match self::numbers(x)? {
        None => None,
        Some(numbers) => Some(NumbersGraph::new(config, &numbers, k, cx)?),
    };
    let weight = of_numbers.as_ref().map_or(1.0, |numbers| mean_weight(&numbers.graph));
    let of_categories = categories
        .into_iter()
        .enumerate()
        .map(|(i, features)| same_level(&x.levels(&features), features.len(), (k, weight), (&streams, i)));
    let of_categories: Vec<Graph> = of_categories.collect::<Result<_>>()?;
    let Some(of_numbers) = of_numbers else {
        let alike = vec![1.0; of_categories.len()];
        return mean(&of_categories.iter().collect::<Vec<_>>(), &alike).map(Some);
    };
    let layers: Vec<&Graph> = [&of_numbers.graph].into_iter().chain(&of_categories).collect();
    match of_numbers.groups(config, &streams)? {
        Some(found) => weighted(config, &layers, found, &streams).map(Some),
        // The numbers count for each of their columns.
        None => {
            let mut alike = vec![1.0; layers.len()];
            alike[0] = numbers.len() as f64;
            mean(&layers, &alike).map(Some)
        }
    }
}

/// The numbers of a table with numbers and categories, without the latter.
///
/// # Errors
/// None in practice.
fn numbers(x: &Features) -> Result<Option<Features>> {
    let Some(dense) = x.as_dense().filter(|_| x.has_categories()) else { return Ok(None) };
    let (numbers, _) = x.numbers_and_categories();
    if numbers.is_empty() {
        return Ok(None);
    }
    Features::dense(dense.select(Axis(1), &numbers)).map(Some).map_err(Into::into)
}

impl PartitionConfig {
    /// The graph of the numbers alone of the first of `spaces` that is a table with numbers and
    /// categories; `None` without one.
    ///
    /// # Errors
    /// What searching can return.
    pub fn graph_of_numbers(&self, spaces: &[&Features], cx: &FitContext) -> Result<Option<Graph>> {
        for x in spaces {
            if let Some(numbers) = numbers(x)? {
                self.check()?;
                let of = |k: usize| Ok(NumbersGraph::new(self, &numbers, k, cx)?.graph);
                return self.of_few_pieces(numbers.n() - 1, 2, of).map(Some);
            }
        }
        Ok(None)
    }
}

impl PartitionConfig {
    /// Whether the numbers `x` have groups that are clear and stand apart. Of rows that repeat, the
    /// different ones are asked.
    ///
    /// # Errors
    /// What searching and cutting can return.
    pub fn has_groups_apart(&self, x: &Features, cx: &FitContext) -> Result<bool> {
        let graph = NumbersGraph::new(self, x, self.n_neighbors, cx)?;
        let graph = graph.different.as_ref().map_or(&graph.graph, |(graph, _)| graph);
        let streams = Streams::new(cx.seed, "table-graph");
        let found = self.number_of_clusters(graph, |_| Ok(Vec::new()), &streams)?;
        Ok(found.clarity == Clarity::Clear && found.stands_apart())
    }
}

/// The graph of the numbers of a table.
struct NumbersGraph {
    /// Of all rows.
    graph: Graph,
    /// Of the different rows, where many repeat.
    different: Option<(Graph, Distinct)>,
}

impl NumbersGraph {
    /// With `k` neighbours, or as many as there are.
    ///
    /// # Errors
    /// What searching can return.
    fn new(config: &PartitionConfig, numbers: &Features, k: usize, cx: &FitContext) -> Result<Self> {
        let of = |x: &Features| -> Result<Graph> {
            let search = Knn { k: k.min(x.n() - 1), metric: Metric::Euclidean };
            config.adjacency(&search.of(x, cx)?)
        };
        match Distinct::of(numbers).filter(|distinct| distinct.n() > 1) {
            None => Ok(Self { graph: of(numbers)?, different: None }),
            Some(distinct) => {
                let different = of(&numbers.select(distinct.rows())?)?;
                let graph = of_all(&different, &distinct, k, &Streams::new(cx.seed, "equal-numbers"))?;
                Ok(Self { graph, different: Some((different, distinct)) })
            }
        }
    }

    /// The groups of the numbers, `[n]`; `None` where they are neither clear nor stand apart:
    /// pieces of the line that a single number makes would have the say on all categories.
    fn groups(&self, config: &PartitionConfig, streams: &Streams) -> Result<Option<Array1<u32>>> {
        let graph = self.different.as_ref().map_or(&self.graph, |(graph, _)| graph);
        let found = config.number_of_clusters(graph, |_| Ok(Vec::new()), streams)?;
        if found.clarity != Clarity::Clear && !found.stands_apart() {
            return Ok(None);
        }
        let labels = match config.of_graph(graph, found.n_clusters, &[], streams) {
            Ok(partition) => partition.labels,
            Err(Error::NoPartition { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        Ok(Some(match &self.different {
            Some((_, distinct)) => distinct.to_all(&labels),
            None => labels,
        }))
    }
}

/// The graph of all rows, given that of the different ones: for each edge of its group a row has
/// one to a random row of the neighbour, and it has as many as `k` to random rows that are equal.
fn of_all(different: &Graph, distinct: &Distinct, k: usize, streams: &Streams) -> Result<Graph> {
    let groups = distinct.groups();
    let members = members(groups.iter().map(|&group| Some(group as usize)), distinct.n());
    let mut rng = streams.rng("neighbours", 0, 0);
    let rows = groups.iter().enumerate().map(|(i, &group)| {
        let mut edges = links((i, k, 1.0), &members[group as usize], &mut rng);
        edges.extend(different.row(group as usize).map(|(j, weight)| {
            let of_neighbour = &members[j as usize];
            (of_neighbour[rng.random_range(0..of_neighbour.len())], weight)
        }));
        edges
    });
    Ok(Graph::from_rows(rows.collect())?.symmetrised())
}

/// The mean of the layers, weighed by the groups in them, from the groups `found`.
fn weighted(
    config: &PartitionConfig,
    layers: &[&Graph],
    mut found: Array1<u32>,
    streams: &Streams,
) -> Result<Graph> {
    let n_clusters = found.iter().max().map_or(1, |most| *most as usize + 1);
    let weigh = |found: &Array1<u32>| -> Result<Graph> {
        let weights = layers.iter().map(|layer| Ok(layer.log_odds(found.view())?.max(0.0)));
        let mut weights: Vec<f64> = weights.collect::<Result<_>>()?;
        weights[0] *= OF_NUMBERS;
        mean(layers, &weights)
    };
    for _ in 1..ROUNDS {
        let all = weigh(&found)?;
        match config.of_graph(Graphs { all: &all, numbers: Some(layers[0]) }, n_clusters, &[], streams) {
            Ok(partition) if partition.labels == found => break,
            Ok(partition) => found = partition.labels,
            Err(Error::NoPartition { .. }) => break,
            Err(e) => return Err(e),
        }
    }
    weigh(&found)
}

/// The weighted mean of graphs, of the first where all weights are 0.
fn mean(layers: &[&Graph], weights: &[f64]) -> Result<Graph> {
    let (mut sum, mut mean): (f64, Graph) = (weights[0], layers[0].clone());
    for (layer, weight) in layers.iter().zip(weights).skip(1).filter(|(_, weight)| **weight > 0.0) {
        sum += weight;
        mean = mean.mixed(layer, (weight / sum) as f32)?;
    }
    Ok(mean)
}

/// Each row linked to `k` random others of its level, symmetrised.
fn same_level(
    levels: &[Option<usize>],
    n_levels: usize,
    (k, weight): (usize, f32),
    (streams, category): (&Streams, usize),
) -> Result<Graph> {
    let members = members(levels.iter().copied(), n_levels);
    let mut rng = streams.rng("neighbours", category, 0);
    let rows = levels.iter().enumerate().map(|(i, level)| {
        level.map_or_else(Vec::new, |level| links((i, k, weight), &members[level], &mut rng))
    });
    Ok(Graph::from_rows(rows.collect())?.symmetrised())
}

/// The rows of each of `n` groups.
fn members(groups: impl Iterator<Item = Option<usize>>, n: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); n];
    for (i, group) in groups.enumerate() {
        if let Some(group) = group {
            members[group].push(i as u32);
        }
    }
    members
}

/// Links of row `i` to `k` random others of its group, as far as it has so many.
fn links((i, k, weight): (usize, usize, f32), own: &[u32], rng: &mut impl RngExt) -> Vec<(u32, f32)> {
    let draws = (0..k.min(own.len() - 1)).map(|_| own[rng.random_range(0..own.len())]);
    draws.filter(|&j| j as usize != i).map(|j| (j, weight)).collect()
}

/// The mean weight of an edge; 1 without any.
fn mean_weight(graph: &Graph) -> f32 {
    match graph.n_edges() {
        0 => 1.0,
        n => (graph.row_sums().sum() / n as f64) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2};
    use vae_core::{Column, Schema};

    /// Two groups of 60 rows by a number; a category of four levels, two a group but for every
    /// sixth row.
    fn mixed() -> (Features, Array<u32, ndarray::Ix1>) {
        let mut x = Array2::<f32>::zeros((120, 5));
        for i in 0..120 {
            let (group, step) = (i / 60, i % 60);
            x[[i, 0]] = group as f32 * 4.0 + step as f32 * 0.02;
            let level = if step % 6 == 0 { step / 6 % 4 } else { 2 * group + step % 2 };
            x[[i, 1 + level]] = 1.0;
        }
        let columns = vec![Column::number("a"), Column::category("b", ["p", "q", "r", "s"])];
        let schema = Schema { named: true, columns };
        (Features::table(x, Some(schema)).expect("valid"), Array::from_shape_fn(120, |i| (i / 60) as u32))
    }

    #[test]
    fn equal_numbers_are_no_groups() {
        // 600 ages of 73 values.
        let mut rng = Streams::new(0, "test").rng("ages", 0, 0);
        let ages = Array2::from_shape_fn((600, 1), |_| rng.random_range(18..91) as f32);
        let numbers = Features::dense(ages.clone()).expect("finite");
        let (config, cx) = (PartitionConfig::default(), FitContext::in_memory(0));
        let found = NumbersGraph::new(&config, &numbers, 10, &cx).expect("a graph");
        assert_eq!((found.graph.n(), found.graph.n_components()), (600, 1));
        assert!(found.groups(&config, &Streams::new(0, "test")).expect("cut").is_none());
        // Those who are 20 years apart are not linked.
        for i in 0..600 {
            let far =
                found.graph.row(i).filter(|(j, _)| (ages[[i, 0]] - ages[[*j as usize, 0]]).abs() > 20.0);
            assert_eq!(far.count(), 0);
        }
    }

    #[test]
    fn groups_that_categories_blur_are_found() {
        let (x, truth) = mixed();
        let cx = FitContext::in_memory(3);
        let config = PartitionConfig::default();
        let found = config.fit(&[&x], 2, &[], &Streams::new(3, "test"), &cx).expect("cut");
        let same = found.labels.iter().zip(&truth).filter(|(a, b)| a == b).count();
        // Rows of the other group's levels may go with them.
        assert!(same.max(120 - same) >= 114, "{same} of 120");
        let plain = Features::dense(x.as_dense().expect("dense").to_owned()).expect("valid");
        assert!(graph(&config, &plain, 10, &cx).expect("no categories").is_none());
    }

    /// Three groups in two numbers; a category that follows the first two groups and is even in the
    /// small third, and one that has to do with none.
    fn weak() -> (Features, Array<u32, ndarray::Ix1>) {
        let (sizes, centres) = ([150, 120, 50], [[0.0, 0.0], [12.0, 0.0], [0.0, 12.0]]);
        let truth: Vec<u32> = (0..3).flat_map(|c| vec![c; sizes[c as usize]]).collect();
        let mut rng = Streams::new(0, "weak").rng("rows", 0, 0);
        let mut x = Array2::<f32>::zeros((truth.len(), 6));
        for (i, &c) in truth.iter().enumerate() {
            for j in 0..2 {
                let spread: f32 = (0..6).map(|_| rng.random::<f32>() - 0.5).sum();
                x[[i, j]] = centres[c as usize][j] + spread;
            }
            let level = if c < 2 && i % 5 > 0 { c as usize } else { i % 2 };
            x[[i, 2 + level]] = 1.0;
            x[[i, 4 + rng.random_range(0..2)]] = 1.0;
        }
        let categories = [Column::category("c", ["p", "q"]), Column::category("d", ["r", "s"])];
        let columns = [Column::number("a"), Column::number("b")].into_iter().chain(categories).collect();
        (Features::table(x, Some(Schema { named: true, columns })).expect("valid"), Array::from(truth))
    }

    #[test]
    fn categories_that_have_little_to_do_with_the_groups_do_not_hide_them() {
        let (x, truth) = weak();
        let (cx, streams) = (FitContext::in_memory(3), Streams::new(3, "test"));
        let config = PartitionConfig::default();
        let graph = config.mean_graph(&[&x], 2, &cx).expect("a graph");
        let numbers = config.graph_of_numbers(&[&x], &cx).expect("a graph");
        let graphs = Graphs { all: &graph, numbers: numbers.as_ref() };
        let found = config.number_of_clusters(graphs, |_| Ok(Vec::new()), &streams).expect("an estimate");
        assert_eq!((found.n_clusters, found.clarity), (3, Clarity::Clear), "{found:?}");
        let cut = config.of_graph(graphs, 3, &[], &streams).expect("cut");
        assert_eq!(graph.agreement(truth.view()), graph.agreement(cut.labels.view()));
        // The category without groups links no rows of different groups.
        let layer = |j: usize| {
            let levels: Vec<_> = x.as_dense().expect("dense").column(j).mapv(|v| Some(v as usize)).to_vec();
            same_level(&levels, 2, (10, 1.0), (&streams, j)).expect("a graph")
        };
        let (weak, none) = (layer(3).log_odds(truth.view()), layer(5).log_odds(truth.view()));
        assert!(weak.expect("odds") > 0.5 && none.expect("odds").abs() < 0.1);
    }

    #[test]
    fn missing_levels_have_no_edges_and_equal_ones_have() {
        let levels = [Some(0), Some(0), None, Some(1), Some(0)];
        let graph = same_level(&levels, 2, (3, 0.5), (&Streams::new(0, "test"), 0)).expect("graph");
        let degree: Vec<bool> = graph.row_sums().iter().map(|sum| *sum > 0.0).collect();
        assert_eq!(degree, [true, true, false, false, true]);
        for i in [0, 1, 4] {
            assert!(graph.row(i).all(|(j, w)| [0, 1, 4].contains(&j) && j as usize != i && w > 0.0));
        }
    }
}
