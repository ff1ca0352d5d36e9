//! Partitions of one graph, and which of them is kept.

use super::{Graphs, PartitionConfig, Scaling};
use crate::{Error, Result};
use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};
use vae_core::random::Streams;

/// Which candidate wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// The highest modularity.
    Modularity,
    /// The highest modularity, after moves of single points, among those that cut through no dense
    /// group. Modularity prefers clusters of equal size, and halves a large group to get them. Such
    /// a cut shows: at the border of the cluster there are as many edges as inside it. A candidate
    /// is sound if the conductance of each of its clusters is at most 0.4 of what halving the
    /// cluster costs ([`halving_costs`](crate::Graph::halving_costs)), in the graph or in that of
    /// the numbers. Halves of
    /// a large round group in few columns can be sound; but where groups stand apart, a candidate
    /// that keeps them has far smaller ratios. So of the highest sound candidate and those that cut
    /// fewer edges the ones remain whose worst cluster has at most twice the least ratio, or at
    /// most 0.1. Where none is sound, those remain that have at most twice the least ratio.
    /// Candidates with a cluster of no more points than a point has neighbours
    /// ([`PartitionConfig::least_size`]) only win where all have one.
    ///
    /// Where groups fall into pieces, hardly an edge is cut however these are put together, and the
    /// modularity says only how equal the clusters are. So of the candidates whose modularity is
    /// near that of a winner that stands apart the one whose worst cluster has the least
    /// conductance is kept if that is at most a tenth of the winner's.
    Conductance,
}

/// A cluster is not cut through if its conductance is at most this share of what halving it costs.
/// Halves of a round group have 0.5 to 1, groups that touch at 3.5 deviations 0.35.
pub const SOUND: f64 = 0.4;

/// Clusters with at most this ratio stand apart. Groups that are four deviations apart have 0.01 to
/// 0.1.
const APART: f64 = 0.1;

/// How many times the least of the candidates' largest ratios another candidate may have.
const FACTOR: f64 = 2.0;

/// What modularity must differ by to say more than a conductance that is [`FEWER`] times as small.
const NEAR: f64 = 0.01;

/// How many times smaller the conductance of a candidate is that wins in spite of its modularity.
const FEWER: f64 = 10.0;

/// Sweeps over all points before modularities are compared. What k-means of the eigenvectors leaves
/// at the borders of its clusters can outweigh the difference between two partitions; the labels
/// that are kept are those before the moves, which prefer clusters of equal size.
const SWEEPS: usize = 5;

/// How a partition was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// k-means of leading eigenvectors.
    Spectral {
        /// Leading eigenvectors used.
        n_vectors: usize,
        /// Scaling of the rows.
        scaling: Scaling,
    },
    /// Otherwise.
    Given {
        /// For example `k-means`.
        name: String,
    },
}

/// One partition that was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// How it was found.
    #[serde(flatten)]
    pub origin: Origin,
    /// Modularity in the graph of neighbours.
    pub modularity: f64,
    /// The same after moves of single points
    /// ([`modularity_after_moves`](crate::Graph::modularity_after_moves)); not computed for
    /// `select = "modularity"`.
    pub modularity_after_moves: Option<f64>,
    /// The largest conductance of its clusters.
    pub conductance: f64,
    /// The largest ratio of a cluster's conductance and the cost of halving it, in the graph of the
    /// numbers where that is smaller ([`Graphs`]); only computed where it decided. A winner that
    /// took the place of another has the smaller one of both: halving a group in pieces can cost
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_conductance: Option<f64>,
    /// Points in the smallest cluster.
    pub smallest: usize,
}

impl Candidate {
    /// What candidates are compared by.
    fn height(&self) -> f64 {
        self.modularity_after_moves.unwrap_or(self.modularity)
    }
}

/// What has been tried on a graph.
pub(super) struct Candidates<'a> {
    graphs: Graphs<'a>,
    n_clusters: usize,
    select: Select,
    streams: &'a Streams,
    labels: Vec<Array1<u32>>,
    about: Vec<Candidate>,
}

impl<'a> Candidates<'a> {
    pub fn new(graphs: Graphs<'a>, n_clusters: usize, select: Select, streams: &'a Streams) -> Self {
        Self { graphs, n_clusters, select, streams, labels: Vec::new(), about: Vec::new() }
    }

    pub fn push(&mut self, origin: Origin, labels: Array1<u32>) -> Result<()> {
        let modularity = self.graphs.all.modularity(labels.view())?;
        // Restarts often end alike; the names of the clusters do not matter.
        if self.about.iter().any(|c| c.modularity == modularity) && self.select == Select::Conductance {
            return Ok(());
        }
        let conductance = self.graphs.all.conductances(labels.view())?.into_iter().fold(0.0, f64::max);
        let sizes = (0..self.n_clusters as u32).map(|c| labels.iter().filter(|&&l| l == c).count());
        let smallest = sizes.min().unwrap_or(0);
        let modularity_after_moves = match self.select {
            Select::Modularity => None,
            Select::Conductance => Some(self.graphs.all.modularity_after_moves(labels.view(), SWEEPS)?),
        };
        let relative_conductance = None;
        self.about.push(Candidate {
            origin,
            modularity,
            modularity_after_moves,
            conductance,
            relative_conductance,
            smallest,
        });
        self.labels.push(labels);
        Ok(())
    }

    /// The winner's labels and its place, and the record of all.
    pub fn choose(mut self, config: &PartitionConfig) -> Result<(Array1<u32>, usize, Vec<Candidate>)> {
        let none = Error::NoPartition { n_clusters: self.n_clusters };
        let mut ratios: Vec<Option<f64>> = vec![None; self.about.len()];
        let best = best((&self.about, self.graphs.all.n()), config, (SOUND, APART, FACTOR), |i| {
            let ratio = relative_conductance(self.graphs, self.labels[i].view(), self.streams)?;
            ratios[i] = Some(ratio);
            Ok(ratio)
        })?;
        self.about.iter_mut().zip(ratios).for_each(|(c, ratio)| c.relative_conductance = ratio);
        let (best, ratio) = best.ok_or(none)?;
        self.about[best].relative_conductance = ratio;
        Ok((self.labels.swap_remove(best), best, self.about))
    }
}

/// The largest ratio of a cluster's conductance and the cost of halving it
/// ([`Graph::halving_costs`](crate::Graph::halving_costs)), in the graph where that is smaller.
/// Above [`SOUND`] a cluster cuts through a dense group. The largest number of single precision
/// where halving costs nothing.
///
/// # Errors
/// [`Error::Size`] when there is not one label per point.
pub fn relative_conductance<'a>(
    graphs: impl Into<Graphs<'a>>,
    labels: ArrayView1<'_, u32>,
    streams: &Streams,
) -> Result<f64> {
    let graphs = graphs.into();
    let mut least = f64::INFINITY;
    for graph in [Some(graphs.all), graphs.numbers].into_iter().flatten() {
        // The same draws for every partition.
        let halving = graph.halving_costs(labels, &mut streams.rng("halving", 0, 0))?;
        let ratios = graph.conductances(labels)?.into_iter().zip(halving);
        least = least.min(ratios.map(|(c, h)| relative(c, h)).fold(0.0, f64::max));
    }
    Ok(least)
}

/// A conductance relative to the cost of halving. The largest number where a cluster that loses
/// edges falls apart for nothing: JSON has no infinity.
fn relative(conductance: f64, halving: f64) -> f64 {
    if conductance > 0.0 { (conductance / halving).min(f64::from(f32::MAX)) } else { 0.0 }
}

/// The candidate in place of a `winner` that stands apart, if there is one: of nearly its
/// modularity, with far fewer edges cut.
fn of_fewer_edges(all: &[Candidate], large: &[usize], winner: usize) -> Option<usize> {
    let (height, conductance) = (all[winner].height(), all[winner].conductance);
    let is_clearer =
        |&i: &usize| all[i].height() >= height - NEAR && all[i].conductance * FEWER <= conductance;
    let clearer = large.iter().copied().filter(|_| conductance > 0.0).filter(is_clearer);
    clearer.min_by(|&a, &b| all[a].conductance.total_cmp(&all[b].conductance))
}

/// The place of the winner, and the ratio by which it won; `None` where none was compared. Ratios
/// are asked for from the highest candidate down to the first that is sound, and of those below it
/// that cut fewer edges: finding one costs as much as the candidate itself.
fn best(
    (all, n): (&[Candidate], usize),
    config: &PartitionConfig,
    (sound, apart, factor): (f64, f64, f64),
    mut ratio: impl FnMut(usize) -> Result<f64>,
) -> Result<Option<(usize, Option<f64>)>> {
    let mut order: Vec<usize> = (0..all.len()).filter(|&i| all[i].smallest > 0).collect();
    // A stable order: of equals the first that was tried wins.
    order.sort_by(|&a, &b| all[b].height().total_cmp(&all[a].height()));
    let least = config.least_size(n);
    let large: Vec<usize> = order.iter().copied().filter(|&i| all[i].smallest >= least).collect();
    // Where no candidate has clusters of a size, there is nothing to compare.
    if config.select == Select::Modularity || large.is_empty() {
        return Ok(order.first().map(|&first| (first, None)));
    }
    let mut tried: Vec<(usize, f64)> = Vec::with_capacity(large.len());
    let mut below = large.iter();
    while let Some(&i) = below.next() {
        let of_i = ratio(i)?;
        if of_i > sound {
            tried.push((i, of_i));
            continue;
        }
        if of_i <= apart {
            return match of_fewer_edges(all, &large, i) {
                Some(j) => Ok(Some((j, Some(of_i.min(ratio(j)?))))),
                None => Ok(Some((i, Some(of_i)))),
            };
        }
        tried = vec![(i, of_i)];
        for &j in below.filter(|&&j| all[j].conductance < all[i].conductance) {
            tried.push((j, ratio(j)?));
        }
        return Ok(highest(&tried, apart, factor));
    }
    Ok(highest(&tried, 0.0, factor))
}

/// The first, and so highest, of candidates with their ratios that is at most `apart` or `factor`
/// times the least.
fn highest(tried: &[(usize, f64)], apart: f64, factor: f64) -> Option<(usize, Option<f64>)> {
    let least = tried.iter().map(|(_, ratio)| *ratio).fold(f64::INFINITY, f64::min);
    tried.iter().find(|(_, ratio)| *ratio <= apart.max(factor * least)).map(|&(i, ratio)| (i, Some(ratio)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (f64, f64, f64) = (SOUND, APART, FACTOR);

    fn candidate(modularity: f64, smallest: usize) -> Candidate {
        let origin = Origin::Given { name: "made".into() };
        Candidate {
            origin,
            modularity,
            modularity_after_moves: None,
            conductance: 0.0,
            relative_conductance: None,
            smallest,
        }
    }

    /// The winner among candidates of (modularity, ratio, smallest), and how many ratios it took.
    fn winner(all: &[(f64, f64, usize)], select: Select, bounds: (f64, f64, f64)) -> (Option<usize>, usize) {
        let config = PartitionConfig { select, ..PartitionConfig::default() };
        let about: Vec<Candidate> = all.iter().map(|&(q, _, n)| candidate(q, n)).collect();
        let mut asked = 0;
        let ratio = |i: usize| {
            asked += 1;
            Ok(all[i].1)
        };
        (place(best((&about, 5000), &config, bounds, ratio)), asked)
    }

    fn place(best: Result<Option<(usize, Option<f64>)>>) -> Option<usize> {
        best.expect("ratios").map(|(place, _)| place)
    }

    #[test]
    fn ratios_are_numbers_that_json_has() {
        assert_eq!((relative(0.1, 0.5), relative(0.0, 0.0)), (0.2, 0.0));
        let all = relative(0.1, 0.0);
        assert!(all.is_finite() && all > 1e38);
    }

    #[test]
    fn of_equal_modularity_the_one_that_cuts_far_fewer_edges_is_kept() {
        let kept = |all: &[(f64, f64)]| {
            let of = |&(q, conductance): &(f64, f64)| Candidate { conductance, ..candidate(q, 100) };
            let about: Vec<Candidate> = all.iter().map(of).collect();
            place(best((&about, 5000), &PartitionConfig::default(), BOUNDS, |_| Ok(0.0)))
        };
        // Three groups in pieces, and pieces put together to clusters of equal degree.
        assert_eq!(kept(&[(0.666_565, 0.0), (0.666_588, 1e-7)]), Some(0));
        assert_eq!(kept(&[(0.61, 0.001), (0.61, 0.0005), (0.615, 0.02)]), Some(1), "the least");
        assert_eq!(kept(&[(0.61, 0.005), (0.615, 0.02)]), Some(1), "a quarter is not far fewer");
        assert_eq!(kept(&[(0.60, 0.0), (0.615, 0.02)]), Some(1), "modularity has something to say");
        assert_eq!(kept(&[(0.62, 0.0), (0.625, 0.0)]), Some(1), "neither cuts any");
    }

    #[test]
    fn what_takes_the_place_of_a_winner_has_the_smaller_ratio_of_both() {
        let of = |ratios: [f64; 2]| {
            let first = Candidate { conductance: 0.02, ..candidate(0.615, 100) };
            let fewer = Candidate { conductance: 0.0005, ..candidate(0.61, 100) };
            let found = best((&[first, fewer], 5000), &PartitionConfig::default(), BOUNDS, |i| Ok(ratios[i]));
            found.expect("ratios")
        };
        assert_eq!(of([0.05, 0.002]), Some((1, Some(0.002))));
        assert_eq!(of([0.05, 1e38]), Some((1, Some(0.05))), "of groups in pieces");
    }

    #[test]
    fn a_large_group_is_not_halved_where_groups_stand_apart() {
        let kept = |all: &[(f64, f64, f64)], bounds: (f64, f64, f64)| {
            let of = |&(q, conductance, _): &(f64, f64, f64)| Candidate { conductance, ..candidate(q, 100) };
            let about: Vec<Candidate> = all.iter().map(of).collect();
            let mut asked = Vec::new();
            let ratio = |i: usize| {
                asked.push(i);
                Ok(all[i].2)
            };
            (place(best((&about, 5000), &PartitionConfig::default(), bounds, ratio)), asked)
        };
        let of = |all: &[(f64, f64, f64)]| kept(all, BOUNDS);
        // Modularity, conductance and ratio of groups of 1102 and 366 points in three columns: the
        // larger one halved, and the groups.
        let all = [(0.471, 0.035, 0.39), (0.470, 0.036, 0.38), (0.371, 0.0013, 0.02)];
        assert_eq!(of(&all), (Some(2), vec![0, 2]), "what cuts more edges is not asked");
        for bounds in [(0.4, 0.05, 2.0), (0.4, 0.2, 2.0), (0.4, 0.1, 1.0), (0.4, 0.1, 4.0)] {
            assert_eq!(kept(&all, bounds).0, Some(2), "{bounds:?}");
        }
        // Both stand apart; groups that touch.
        assert_eq!(of(&[(0.72, 0.02, 0.09), (0.70, 0.001, 0.01)]), (Some(0), vec![0]));
        assert_eq!(of(&[(0.72, 0.05, 0.3), (0.71, 0.04, 0.2)]), (Some(0), vec![0, 1]));
        // Unsound ones do not come back.
        assert_eq!(of(&[(0.8, 0.06, 0.5), (0.72, 0.05, 0.39), (0.71, 0.04, 0.3)]), (Some(1), vec![0, 1, 2]));
    }

    #[test]
    fn a_cut_through_a_dense_group_does_not_win() {
        let of = |all: &[(f64, f64, usize)]| winner(all, Select::Conductance, BOUNDS);
        // The measures of three groups of 97, 2 and 1 %: the large one cut in three, and the groups
        // themselves.
        let all = [(0.605, 0.77, 487), (0.054, 0.24, 15), (0.9, 0.0, 0)];
        assert_eq!(winner(&all, Select::Modularity, BOUNDS), (Some(0), 0));
        assert_eq!(of(&all), (Some(1), 2));
        for (sound, factor) in [(0.25, 2.0), (0.7, 2.0), (0.4, 1.0), (0.4, 3.0)] {
            let bounds = (sound, APART, factor);
            assert_eq!(winner(&all, Select::Conductance, bounds).0, Some(1), "{bounds:?}");
        }
        // Groups that touch, and the cuts of them that modularity puts behind: one ratio is enough.
        assert_eq!(of(&[(0.640, 0.28, 604), (0.642, 0.36, 672), (0.617, 1.41, 659)]), (Some(1), 1));
        // Groups that run into each other: all cuts are alike, and modularity decides.
        assert_eq!(of(&[(0.41, 0.6, 186), (0.42, 0.9, 204)]), (Some(1), 2));
        // A few outliers cost no edges; they are no measure, and do not win.
        assert_eq!(of(&[(0.735, 0.5, 465), (0.622, 0.01, 8), (0.73, 0.6, 400)]), (Some(0), 2));
        // Nothing else was found.
        assert_eq!(of(&[(0.622, 0.01, 8)]), (Some(0), 0));
        assert_eq!(of(&[(0.9, 0.0, 0)]), (None, 0));
        assert_eq!(of(&[]), (None, 0));
    }
}
