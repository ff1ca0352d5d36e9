//! Criteria of a clustering that need no labels, in a space that is the same for all runs.
//!
//! The space is that of the scaled features, as `scale = "auto"` or a sweep's `--set` scales them;
//! above
//! [`MOST_ROWS`] rows a random sample of them, the same one for every run. A run's own latent space
//! was shaped to its clusters and says little about them; silhouettes are the means over the
//! features and the latent spaces of several runs (pooled).

use anyhow::Result;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, sorted_sample};
use vae_graph::Graph;
use vae_graph::partition::{Graphs, PartitionConfig, relative_conductance};
use vae_metrics::{Shares, SilhouetteOptions};
use vae_models::{ScaleKind, scale_kind, scaled};

/// Rows that criteria are computed on, at most.
pub const MOST_ROWS: usize = 5000;

/// Points whose silhouette is computed, at most; each is compared with all rows of the sample.
const SILHOUETTES: usize = 500;

/// Names of random streams.
pub const PHASE: &str = "criteria";

/// Rows of the data in the space in which runs are compared.
pub struct Sample {
    /// Which rows of the data, ascending.
    pub rows: Vec<usize>,
    /// The scaled features, missing values filled in and two values as levels, `[m, d]`, as the
    /// partition of a graph sees them.
    pub x: Features,
    /// How they are scaled.
    pub scale: ScaleKind,
}

impl Sample {
    /// At most `most` rows of the data, scaled by `scale`; of `auto` what it means for all rows.
    ///
    /// # Errors
    /// Features that cannot be scaled.
    pub fn new(x: &Features, most: usize, scale: ScaleKind) -> Result<Self> {
        let rows = rows(x.n(), most);
        let sample = select(x, &rows)?;
        let scale = if scale == ScaleKind::Auto { scale_kind(x)? } else { scale };
        let x = scaled(scale, &sample)?;
        let x = x.with_two_values_as_levels()?.unwrap_or(x);
        Ok(Self { rows, x, scale })
    }

    /// The clusters of the sample's rows.
    pub fn clusters(&self, clusters: &Array1<u32>) -> Array1<u32> {
        clusters.select(Axis(0), &self.rows)
    }

    /// The graph of the nearest neighbours.
    ///
    /// # Errors
    /// What searching can return.
    pub fn graph(&self, cx: &FitContext) -> Result<Graph> {
        let spread = self.x.with_levels_spread(&Streams::new(0, PHASE))?;
        Ok(PartitionConfig::default().mean_graph(&[spread.as_ref().unwrap_or(&self.x)], 2, cx)?)
    }

    /// The largest relative conductance of `clusters`, of all rows of the data, in the `graph` of
    /// the sample.
    ///
    /// # Errors
    /// A graph of other rows.
    pub fn relative_conductance(&self, graph: &Graph, clusters: &Array1<u32>) -> Result<f64> {
        let numbers = PartitionConfig::default().graph_of_numbers(&[&self.x], &FitContext::in_memory(0))?;
        let graphs = Graphs { all: graph, numbers: numbers.as_ref() };
        Ok(relative_conductance(graphs, self.clusters(clusters).view(), &Streams::new(0, PHASE))?)
    }

    /// The share of the rows from which on a cluster is no matter of a few outliers.
    pub fn least_share(&self) -> f64 {
        let n = self.rows.len();
        PartitionConfig::default().least_size(n) as f64 / n as f64
    }

    /// The features as a matrix.
    pub fn matrix(&self) -> Array2<f32> {
        self.x.dense_rows(0, self.x.n())
    }
}

/// At most `most` of the rows `0..n`, ascending; the same ones for the same numbers.
pub fn rows(n: usize, most: usize) -> Vec<usize> {
    sorted_sample(&mut Streams::new(0, PHASE).rng("rows", 0, 0), n, most)
}

/// Some rows of the data, dense, with what is known of their columns.
///
/// # Errors
/// None that rows of valid features can have.
pub fn select(x: &Features, rows: &[usize]) -> Result<Features> {
    let mut sample = Array2::zeros((rows.len(), x.dim()));
    for (mut to, &row) in sample.axis_iter_mut(Axis(0)).zip(rows) {
        to.assign(&x.dense_rows(row, row + 1).row(0));
    }
    let sample = Features::table(sample, x.schema().cloned())?;
    Ok(match x.image() {
        Some(image) => sample.with_image(image)?,
        None => sample,
    })
}

/// The criteria of the sample's clusters, by their keys; those that do not exist for a clustering,
/// such as a silhouette of one cluster, are left out. `spaces` hold the rows of the sample.
///
/// # Errors
/// A graph of other rows.
pub fn of(
    x: ArrayView2<'_, f32>,
    graph: &Graph,
    spaces: &[ArrayView2<'_, f32>],
    clusters: ArrayView1<'_, u32>,
) -> Result<BTreeMap<String, f64>> {
    let options = SilhouetteOptions { max_points: SILHOUETTES, seed: 0 };
    let silhouette = vae_metrics::pooled_silhouette(spaces, clusters, &options).ok().map(|s| s.mean);
    let conductance = graph.conductances(clusters)?.into_iter().fold(0.0, f64::max);
    let values = [
        ("pooled_silhouette", silhouette),
        ("modularity", Some(graph.modularity(clusters)?)),
        ("largest_conductance", Some(conductance)),
        ("calinski_harabasz", vae_metrics::calinski_harabasz(x, clusters).ok()),
        ("davies_bouldin", vae_metrics::davies_bouldin(x, clusters).ok()),
    ];
    Ok(finite(values))
}

/// The share of the smallest cluster, and the number of clusters that one of even sizes would have
/// for the same entropy.
pub fn of_sizes(clusters: ArrayView1<'_, u32>, n_clusters: usize) -> BTreeMap<String, f64> {
    let most = clusters.iter().max().map_or(0, |&c| c as usize + 1);
    let shares = Shares::of_labels(clusters, n_clusters.max(most)).ok();
    let of = |value: fn(&Shares) -> f64| shares.as_ref().map(value);
    finite([
        ("smallest_share", of(Shares::smallest)),
        ("effective_clusters", of(|shares| shares.entropy().exp())),
    ])
}

/// What one run says of itself: the sizes of its clusters, and the entropy of its posterior
/// `[n, k]`, where it has one.
pub fn of_run(
    clusters: ArrayView1<'_, u32>,
    n_clusters: usize,
    gamma: Option<&Array2<f32>>,
) -> BTreeMap<String, f64> {
    let entropy = gamma.and_then(|gamma| vae_metrics::mean_entropy(gamma.view()).ok());
    let mut all = of_sizes(clusters, n_clusters);
    all.extend(finite([("mean_entropy", entropy)]));
    all
}

/// Those that are there and finite: JSON has no others.
pub fn finite<const N: usize>(values: [(&str, Option<f64>); N]) -> BTreeMap<String, f64> {
    let finite = values.into_iter().filter_map(|(key, value)| Some((key, value?)));
    finite.filter(|(_, value)| value.is_finite()).map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two groups of 30 points on a line.
    fn groups() -> (Features, Array1<u32>) {
        let x = Array2::from_shape_fn((60, 1), |(i, _)| (i / 30) as f32 * 100.0 + (i % 30) as f32 * 0.1);
        (Features::dense(x).expect("valid"), Array1::from_shape_fn(60, |i| (i / 30) as u32))
    }

    #[test]
    fn the_right_clusters_are_better_by_every_criterion() {
        let (x, right) = groups();
        let sample = Sample::new(&x, 1000, ScaleKind::Auto).expect("scaled");
        let graph = sample.graph(&FitContext::in_memory(0)).expect("searched");
        let wrong = Array1::from_shape_fn(60, |i| (i % 2) as u32);
        let x = sample.matrix();
        let of = |clusters: &Array1<u32>| of(x.view(), &graph, &[x.view()], clusters.view()).expect("fits");
        let (good, bad) = (of(&right), of(&wrong));
        for (key, sign) in [
            ("pooled_silhouette", 1.0),
            ("modularity", 1.0),
            ("largest_conductance", -1.0),
            ("calinski_harabasz", 1.0),
            ("davies_bouldin", -1.0),
        ] {
            assert!(sign * good[key] > sign * bad[key], "{key}: {good:?} {bad:?}");
        }
        assert_eq!(good["largest_conductance"], 0.0);
        let one = super::of(x.view(), &graph, &[x.view()], Array1::zeros(60).view()).expect("fits");
        assert!(!one.contains_key("pooled_silhouette") && one["modularity"] == 0.0, "{one:?}");
    }

    #[test]
    fn sizes_are_counted_with_clusters_that_nobody_is_in() {
        let sizes = of_sizes(ndarray::array![0, 0, 1, 1].view(), 3);
        assert_eq!(sizes["smallest_share"], 0.0);
        assert!((sizes["effective_clusters"] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_sample_is_the_same_every_time() {
        let sample = rows(1000, 10);
        assert_eq!((sample.len(), &sample), (10, &rows(1000, 10)));
        assert!(sample.is_sorted() && sample != rows(1001, 10));
        assert_eq!(rows(5, 10), [0, 1, 2, 3, 4]);
    }
}
