//! A partition of the neighbour graph, an alternative to k-means on the same codes.
//!
//! Codes of an auto-encoder lie in curved, elongated clusters: k-means cuts through them, a
//! neighbour graph follows them. The steps are those of normalised spectral clustering (Ng, Jordan
//! and Weiss 2001) with self-tuning weights (Zelnik-Manor and Perona 2004):
//!
//! 1. each point and its nearest neighbours, weights `exp(−d² / s_i s_j)` with `s_i` the distance
//!    to a fixed neighbour, symmetrised;
//! 2. the leading eigenvectors of the normalised adjacency `D^-½ W D^-½`;
//! 3. k-means in their space, for several numbers of eigenvectors and two scalings, since no single
//!    choice serves all data;
//! 4. the candidate of the highest modularity in the graph wins, by default among those that cut
//!    through no dense group ([`Select`]). No label is looked at.
//!
//! Of a table with categories the graph is a weighted mean of one of the numbers and one of each
//! category: its nearest rows alone would fall apart into the combinations of levels. A category
//! counts as much as it has to do with the groups.
//!
//! Why modularity: the normalised cut, whose relaxation the eigenvectors are, prefers partitions
//! with tiny clusters of outliers on real data; modularity charges for unequal sizes as well as for
//! cut edges.

mod candidates;
mod eigen;
pub mod number;
mod table;

use candidates::Candidates;
pub use candidates::{Candidate, Origin, SOUND, Select, relative_conductance};
pub use eigen::{Eigen, leading_eigenvectors};
pub use number::{CLEAR, Clarity, NumberOfClusters};

use crate::knn::{self, Knn, Metric, Neighbours};
use crate::{Error, Graph, Result, affinity};
use ndarray::{Array1, Array2, s};
use serde::{Deserialize, Serialize};
use vae_core::Features;
use vae_core::identity::{Revision, neutral};
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_gmm::KMeansConfig;
use vae_gmm::kmeans;

/// Eigenvectors, scalings and the choice by modularity, with what they use.
pub const REVISIONS: &[Revision] =
    &[("spectral-partition", 2), affinity::REVISION, knn::REVISION, kmeans::REVISION];

/// The same with the choice by conductance.
pub const REVISIONS_BY_CONDUCTANCE: &[Revision] = &[
    ("partition-by-conductance", 5),
    ("spectral-partition", 2),
    affinity::REVISION,
    knn::REVISION,
    kmeans::REVISION,
];

/// The same where small clusters of few points are taken for groups.
pub const REVISIONS_OF_FEW_POINTS: &[Revision] = &[
    ("small-clusters-of-few-points", 1),
    ("partition-by-conductance", 5),
    ("spectral-partition", 2),
    affinity::REVISION,
    knn::REVISION,
    kmeans::REVISION,
];

/// The graph whose modularity selects among clusterings that were found by other methods.
pub const REFERENCE_GRAPH: PartitionConfig =
    PartitionConfig { n_neighbors: 10, scale_neighbor: 7, n_init: 10, select: Select::Modularity };

/// A cluster of this share of the points is a group, if it has [`LEAST_SIZE`] points.
const LEAST_SHARE: f64 = 0.04;
/// See [`LEAST_SHARE`].
const LEAST_SIZE: usize = 5;

/// Exponent of the eigenvalues in the diffusion scaling.
const DIFFUSION_STEPS: i32 = 8;

/// A table `[partition]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartitionConfig {
    /// Neighbours per point; doubled until the graph has no more pieces than clusters are asked
    /// for.
    pub n_neighbors: usize,
    /// The neighbour (1-based) whose distance is the point's scale.
    pub scale_neighbor: usize,
    /// Restarts of k-means per number of eigenvectors and scaling. For `select = "modularity"` the
    /// one of the lowest inertia is a candidate, else each: partitions that differ much can have
    /// inertias that differ little.
    pub n_init: usize,
    /// `modularity` or `conductance`: which candidate wins.
    #[serde(skip_serializing_if = "by_modularity")]
    pub select: Select,
}

fn by_modularity(select: &Select) -> bool {
    neutral(select, &Select::Modularity)
}

impl Default for PartitionConfig {
    fn default() -> Self {
        Self { n_neighbors: 10, scale_neighbor: 7, n_init: 10, select: Select::Conductance }
    }
}

/// How the rows of eigenvectors were scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Each row divided by its length.
    Unit,
    /// Eigenvector k times `λ_k⁸`, rows divided by the root of the degree: a diffusion map.
    Diffusion,
}

/// What is cut: a symmetric graph, or the same with [`Graphs::numbers`].
#[derive(Clone, Copy, Debug)]
pub struct Graphs<'a> {
    /// The graph of the neighbours of all points.
    pub all: &'a Graph,
    /// Of a table with categories the graph of its numbers alone
    /// ([`PartitionConfig::graph_of_numbers`]). What stands apart in the numbers stands apart,
    /// though a category that is spread over a small group links it to all others.
    pub numbers: Option<&'a Graph>,
}

impl<'a> From<&'a Graph> for Graphs<'a> {
    fn from(all: &'a Graph) -> Self {
        Self { all, numbers: None }
    }
}

/// The partition that won, and the others' record.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Cluster of every point, `[n]`.
    pub labels: Array1<u32>,
    /// Its modularity.
    pub modularity: f64,
    /// The largest conductance of its clusters.
    pub conductance: f64,
    /// Which of the candidates it is.
    pub chosen: usize,
    /// Everything that was tried.
    pub candidates: Vec<Candidate>,
    /// Leading eigenvalues of the normalised adjacency, descending.
    pub eigenvalues: Vec<f64>,
}

impl PartitionConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        if self.n_neighbors == 0 {
            return Err(Error::config("n_neighbors", 0, "at least 1"));
        }
        if self.scale_neighbor == 0 || self.scale_neighbor > self.n_neighbors {
            let expected = format!("1 to n_neighbors, {}", self.n_neighbors);
            return Err(Error::config("scale_neighbor", self.scale_neighbor, &expected));
        }
        if self.n_init == 0 {
            return Err(Error::config("n_init", 0, "at least 1"));
        }
        Ok(())
    }

    /// Revisions of what a partition of `n` points with these settings runs.
    pub fn revisions(&self, n: usize) -> &'static [Revision] {
        match self.select {
            Select::Modularity => REVISIONS,
            Select::Conductance if self.least_size(n) <= self.n_neighbors => REVISIONS_OF_FEW_POINTS,
            Select::Conductance => REVISIONS_BY_CONDUCTANCE,
        }
    }

    /// The least number of points in a cluster that is taken for a group and not for outliers or
    /// copies of a point, where there are `n` points: one more than a point has neighbours, or of
    /// few points a share of them.
    pub fn least_size(&self, n: usize) -> usize {
        let share = (LEAST_SHARE * n as f64).ceil() as usize;
        share.max(LEAST_SIZE).min(self.n_neighbors + 1)
    }

    /// Partitions points into `n_clusters`. Each of `spaces` holds all points in a space of its
    /// own; with several, the mean of their graphs is cut: a group that one space links to the
    /// wrong cluster is seldom linked so in another. `others` are partitions that were found
    /// otherwise, by name; they are candidates too.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Size`] when there is no space or their numbers of points differ,
    /// [`Error::NoPartition`], and what searching and k-means can return.
    pub fn fit(
        &self,
        spaces: &[&Features],
        n_clusters: usize,
        others: &[(&str, Array1<u32>)],
        streams: &Streams,
        cx: &FitContext,
    ) -> Result<Partition> {
        let all = self.mean_graph(spaces, n_clusters, cx)?;
        let numbers = self.graph_of_numbers(spaces, cx)?;
        let graphs = Graphs { all: &all, numbers: numbers.as_ref() };
        self.of_graph(graphs, n_clusters, others, streams)
    }

    /// The mean of the neighbour graphs of the same points in all of `spaces`, with as many
    /// neighbours as it takes for no more than `n_pieces` pieces without an edge between them.
    ///
    /// # Errors
    /// As [`PartitionConfig::fit`].
    pub fn mean_graph(&self, spaces: &[&Features], n_pieces: usize, cx: &FitContext) -> Result<Graph> {
        self.check()?;
        let most = spaces.iter().map(|x| x.n() - 1).min().unwrap_or(0);
        self.of_few_pieces(most, n_pieces, |k| self.mean_adjacency(spaces, k, cx))
    }

    /// The graph of as many neighbours, `most` at most, as it takes for no more than `n_pieces`
    /// pieces.
    fn of_few_pieces(
        &self,
        most: usize,
        n_pieces: usize,
        of: impl Fn(usize) -> Result<Graph>,
    ) -> Result<Graph> {
        let mut k = self.n_neighbors.min(most);
        loop {
            let graph = of(k)?;
            // Pieces without an edge between them say nothing of which belong together.
            if k == most || graph.n_components() <= n_pieces {
                return Ok(graph);
            }
            k = (2 * k).min(most);
        }
    }

    /// The symmetric graph of the nearest neighbours of all points in one space, with self-tuning
    /// weights: the one whose modularity selects among partitions. Takes fewer neighbours where
    /// there are fewer points.
    ///
    /// # Errors
    /// [`Error::Config`], and what searching can return.
    pub fn neighbour_graph(&self, x: &Features, cx: &FitContext) -> Result<Graph> {
        self.check()?;
        self.mean_adjacency(&[x], self.n_neighbors.min(x.n() - 1), cx)
    }

    fn mean_adjacency(&self, spaces: &[&Features], k: usize, cx: &FitContext) -> Result<Graph> {
        let mut mean: Option<Graph> = None;
        for (i, x) in spaces.iter().enumerate() {
            let graph = match table::graph(self, x, k, cx)? {
                Some(of_columns) => of_columns,
                None => self.adjacency(&Knn { k, metric: Metric::Euclidean }.of(x, cx)?)?,
            };
            mean = Some(match mean {
                None => graph,
                // The running mean of i graphs, and one more.
                Some(mean) => mean.mixed(&graph, 1.0 / (i as f32 + 1.0))?,
            });
        }
        mean.ok_or_else(|| Error::Size { what: "the list of spaces".into(), got: 0, expected: 1 })
    }

    /// The symmetric graph with self-tuning weights.
    ///
    /// # Errors
    /// None in practice.
    pub fn adjacency(&self, neighbours: &Neighbours) -> Result<Graph> {
        let at = self.scale_neighbor.min(neighbours.k()) - 1;
        let distance = neighbours.distance();
        let scale = distance.column(at);
        let rows = (0..neighbours.n()).map(|i| {
            let own = neighbours.of(i);
            let weight = |j: usize| {
                let d = f64::from(distance[[i, j]]);
                let s = f64::from(scale[i]) * f64::from(scale[own[j] as usize]);
                // Points that coincide with all their neighbours have scale 0.
                let w = if d == 0.0 { 1.0 } else { (-d * d / s.max(f64::MIN_POSITIVE)).exp() };
                // Far neighbours keep a trace, or outliers would be without edges.
                (own[j], w.max(1e-6) as f32)
            };
            (0..neighbours.k()).map(weight).collect()
        });
        Ok(Graph::from_rows(rows.collect())?.symmetrised())
    }

    /// Partitions the nodes of a symmetric graph. `others` are partitions that were found
    /// otherwise, by name; they are candidates like those of the eigenvectors.
    ///
    /// # Errors
    /// As [`PartitionConfig::fit`].
    pub fn of_graph<'a>(
        &self,
        graphs: impl Into<Graphs<'a>>,
        n_clusters: usize,
        others: &[(&str, Array1<u32>)],
        streams: &Streams,
    ) -> Result<Partition> {
        let graphs = graphs.into();
        let tries = tries(n_clusters, graphs.all.n());
        let most = tries.iter().map(|(m, _)| *m).max().unwrap_or(n_clusters);
        self.check_for(graphs.all, n_clusters)?;
        let eigen = leading_eigenvectors(graphs.all, most, streams)?;
        self.of_eigen(graphs, n_clusters, (&eigen, &tries), others, streams)
    }

    fn check_for(&self, graph: &Graph, n_clusters: usize) -> Result<()> {
        self.check()?;
        let n = graph.n();
        if n_clusters == 0 || n_clusters > n {
            return Err(Error::config("n_clusters", n_clusters, &format!("1 to the number of points, {n}")));
        }
        Ok(())
    }

    /// The same with the numbers of eigenvectors and scalings that are tried.
    fn of_eigen(
        &self,
        graphs: Graphs<'_>,
        n_clusters: usize,
        (eigen, tries): (&Eigen, &[(usize, Scaling)]),
        others: &[(&str, Array1<u32>)],
        streams: &Streams,
    ) -> Result<Partition> {
        let kmeans = KMeansConfig::fixed(self.n_init);
        let mut candidates = Candidates::new(graphs, n_clusters, self.select, streams);
        for &(m, scaling) in tries {
            let space = space(eigen, graphs.all, m, scaling);
            let seed = streams.derived_seed(&format!("kmeans.{m}.{scaling:?}"));
            let fits = match self.select {
                Select::Modularity => kmeans.fit(space.view(), n_clusters, seed).map(|fit| vec![fit]),
                Select::Conductance => kmeans.fit_all(space.view(), n_clusters, seed),
            };
            match fits {
                Ok(fits) => fits.iter().try_for_each(|fit| {
                    candidates.push(Origin::Spectral { n_vectors: m, scaling }, fit.labels().to_owned())
                })?,
                // Fewer distinct rows than clusters: this space cannot tell so many apart.
                Err(vae_gmm::Error::TooFewDistinctRows { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        for (name, labels) in others {
            candidates.push(Origin::Given { name: name.to_string() }, labels.clone())?;
        }
        let (labels, chosen, candidates) = candidates.choose(self)?;
        let Candidate { modularity, conductance, .. } = candidates[chosen];
        let eigenvalues = eigen.values.to_vec();
        Ok(Partition { labels, modularity, conductance, chosen, candidates, eigenvalues })
    }
}

/// The numbers of eigenvectors and scalings that are tried.
fn tries(n_clusters: usize, n: usize) -> Vec<(usize, Scaling)> {
    let k = n_clusters;
    let wide = (8 * k).div_ceil(5);
    let mut numbers: Vec<usize> =
        [k, k + 1, k + 2, k + 3, k + 4, wide, (12 * k).div_ceil(5)].map(|m| m.min(n)).to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let mut tries: Vec<_> = numbers.into_iter().map(|m| (m, Scaling::Unit)).collect();
    tries.push((wide.min(n), Scaling::Diffusion));
    tries
}

/// The rows that k-means gets, `[n, m]`.
fn space(eigen: &Eigen, graph: &Graph, m: usize, scaling: Scaling) -> Array2<f32> {
    let mut rows: Array2<f64> = eigen.vectors.slice(s![.., ..m]).to_owned();
    match scaling {
        Scaling::Unit => {
            for mut row in rows.outer_iter_mut() {
                let length = row.dot(&row).sqrt();
                if length > 0.0 {
                    row /= length;
                }
            }
        }
        Scaling::Diffusion => {
            for (mut column, value) in rows.columns_mut().into_iter().zip(&eigen.values) {
                column *= value.powi(DIFFUSION_STEPS);
            }
            let degrees = graph.row_sums();
            let typical = (degrees.sum() / degrees.len() as f64).max(f64::MIN_POSITIVE);
            for (mut row, degree) in rows.outer_iter_mut().zip(&degrees) {
                row /= (degree / typical).max(1e-12).sqrt();
            }
        }
    }
    // Lengths of order 1 whatever n: the entries of an eigenvector are of order 1/√n.
    let unit = if scaling == Scaling::Diffusion { (graph.n() as f64).sqrt() } else { 1.0 };
    rows.mapv(|v| (v * unit) as f32)
}

#[cfg(test)]
mod tests;
