//! Whether rows without groups come apart as much: the reference of an estimate on few rows.
//!
//! Rows along one factor, or few rows of many columns, have gaps by chance, and the neighbour graph
//! is cut there as if there were groups. An estimate is compared with those of normal rows of the
//! same mean and covariance, the null hypothesis of Liu, Hayes, Nobel and Marron 2008 ("Statistical
//! significance of clustering for high-dimension, low-sample size data").

use super::feature_partition::FeaturePartition;
use crate::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::features::{to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::phase::PhaseContext;
use vae_core::random::{Streams, normal};
use vae_graph::partition::number::CLEAR;
use vae_graph::partition::{Clarity, NumberOfClusters};

/// The comparison. Only fits without a number of clusters have it.
pub const REVISION: Revision = ("estimate-by-normal-rows", 1);

/// Sets of normal rows: one such set in twenty comes apart better than all others.
const DRAWS: usize = 19;
/// The number of clusters is one of several that were looked at, so the rows have to come apart
/// better at it than any set of normal rows at any number up to this or to the estimate.
const AT_LEAST_UP_TO: usize = 4;
/// More rows have no gaps by chance, and are not compared.
const MOST_ROWS: usize = 1000;

/// Relative conductance of more clusters than the search went on to: it ends where three numbers in
/// a row cut through something dense.
const NOT_REACHED: f64 = 1.0;

/// What sets of normal rows say of the numbers of clusters. A number is judged by its relative
/// conductance divided by the mean of the sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NormalRows {
    /// Sets of normal rows that were drawn.
    pub draws: usize,
    /// The ratio of the rows, for all numbers up to the estimate and its runner-up.
    pub ratios: BTreeMap<usize, f64>,
    /// The least ratio of all sets and numbers.
    pub least_of_normal: f64,
}

impl NormalRows {
    fn of(rows: &[f64], normal: &[Vec<f64>]) -> Self {
        let last = rows.len() + 1;
        let value = |of: &[f64], k: usize| of.get(k - 2).copied().unwrap_or(NOT_REACHED);
        let mean = |k: usize| normal.iter().map(|of| value(of, k)).sum::<f64>() / normal.len() as f64;
        let means: Vec<f64> = (2..=last.max(AT_LEAST_UP_TO)).map(mean).collect();
        let ratio = |of: &[f64], k: usize| value(of, k) / means[k - 2].max(f64::MIN_POSITIVE);
        let least_of =
            |of: &Vec<f64>| (2..means.len() + 2).map(|k| ratio(of, k)).fold(f64::INFINITY, f64::min);
        let least_of_normal = normal.iter().map(least_of).fold(f64::INFINITY, f64::min);
        let ratios = (2..=last).map(|k| (k, ratio(rows, k))).collect();
        Self { draws: normal.len(), ratios, least_of_normal }
    }

    /// Whether normal rows come apart into `k` clusters as much; not for numbers that were not
    /// compared.
    pub fn are_alike(&self, k: usize) -> bool {
        self.ratios.get(&k).is_some_and(|ratio| *ratio >= self.least_of_normal)
    }

    /// All numbers into which normal rows come apart as much.
    pub fn alike(&self) -> Vec<usize> {
        self.ratios.keys().copied().filter(|&k| self.are_alike(k)).collect()
    }

    /// The estimate in their light: itself, or a smaller number, or none.
    pub fn correct(&self, number: NumberOfClusters) -> NumberOfClusters {
        let k = number.n_clusters;
        if !self.are_alike(k) {
            return number;
        }
        // A smaller number has to be as sound as an estimate that is called clear.
        let is_sound = |fewer: usize| number.relative_conductances[fewer - 2] <= CLEAR;
        match (2..k).rev().find(|&fewer| !self.are_alike(fewer) && is_sound(fewer)) {
            None => NumberOfClusters { clarity: Clarity::NoGroups, ..number },
            Some(fewer) => number.in_favour_of(fewer),
        }
    }
}

impl FeaturePartition<'_> {
    /// Compares the estimate and its runner-up with normal rows. `None` where the graph shows no
    /// groups anyway, where the estimate rests on other spaces too, and for categories, missing
    /// cells, sparse features and many rows.
    ///
    /// # Errors
    /// What searching, the partition and k-means can return.
    pub(super) fn normal_rows(
        &self,
        number: &NumberOfClusters,
        phase: &PhaseContext<'_>,
    ) -> Result<Option<NormalRows>> {
        let may_be_said = number.clarity != Clarity::NoGroups;
        let is_plain = self.others.is_empty() && !self.x.has_categories() && !self.x.has_gaps();
        let (Some(x), true) = (self.x.as_dense(), may_be_said && is_plain && self.x.n() <= MOST_ROWS) else {
            return Ok(None);
        };
        let last = number.n_clusters.max(number.runner_up.unwrap_or(0));
        let Some(own) = number.relative_conductances.get(..last - 1) else { return Ok(None) };
        let x = to_tensor(x, Device::Cpu)?;
        let mut normal = Vec::with_capacity(DRAWS);
        for draw in 0..DRAWS {
            let rows = Features::dense(to_array2(&like(&x, &phase.streams, draw)?)?)?;
            let of_normal = FeaturePartition { x: &rows, ..*self }.estimate(phase)?;
            normal.push(of_normal.relative_conductances);
        }
        Ok(Some(NormalRows::of(own, &normal)))
    }
}

/// Normal rows with the mean and the covariance of the rows `x`, as many.
///
/// # Shapes
/// `x` and result: `[n, d]`.
fn like(x: &Tensor, streams: &Streams, draw: usize) -> Result<Tensor> {
    let n = x.size()[0];
    let mean = x.f_mean_dim(0, true, Kind::Float)?;
    // Each row is a combination of all centred rows with independent normal weights: its
    // covariance is that of the rows, also of fewer rows than columns.
    let weights = normal(&mut streams.rng("normal-rows", draw, 0), &[n, n], Device::Cpu);
    let scaled = weights / ((n - 1).max(1) as f64).sqrt();
    Ok(scaled.f_matmul(&(x - &mean))? + mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_that_stands_apart() {
        // Means 0.4, 0.5, 0.9, and ratios from 0.8 on.
        let normal = [vec![0.32, 0.6, 0.8], vec![0.48, 0.4]];
        let of = |rows: &[f64], clarity| {
            let found = NormalRows::of(rows, &normal);
            let number = NumberOfClusters {
                n_clusters: rows.len() + 1,
                runner_up: Some(7),
                clarity,
                relative_conductances: [rows, &[1.0]].concat(),
            };
            let corrected = found.correct(number);
            (corrected.n_clusters, corrected.runner_up, corrected.clarity, found)
        };
        let (k, other, clarity, found) = of(&[0.1, 0.05], Clarity::Clear);
        assert_eq!((k, other, clarity), (3, Some(7), Clarity::Clear));
        assert_eq!((found.ratios.len(), found.draws, found.alike()), (2, 2, vec![]));
        assert!((found.ratios[&3] - 0.1).abs() < 1e-12 && (found.least_of_normal - 0.8).abs() < 1e-12);
        assert!(!found.are_alike(4), "it was not compared");
        // Four pieces of two groups.
        let (k, other, clarity, found) = of(&[0.0, 0.45, 0.8], Clarity::Clear);
        assert_eq!((k, other, clarity, found.alike()), (2, Some(4), Clarity::Contested, vec![3, 4]));
        // No groups: cut through as much as normal rows are; or less, but still through a lot. And
        // one of the sets themselves, which is not better than all.
        for rows in [&[0.33, 0.41][..], &[0.31, 0.41], &[0.32, 0.6, 0.8]] {
            assert_eq!(of(rows, Clarity::Contested).2, Clarity::NoGroups, "{rows:?}");
        }
    }

    #[test]
    fn they_have_the_mean_and_the_covariance() {
        // Two correlated columns of different scales, and a constant one.
        let base = normal(&mut Streams::new(0, "test").rng("x", 0, 0), &[400, 2], Device::Cpu);
        let (a, b) = (base.select(1, 0), base.select(1, 1));
        let x = Tensor::stack(&[&a * 3.0 + 10.0, &a + &b, a.ones_like() * 5.0], 1);
        let moments = |x: &Tensor| {
            let mean = x.mean_dim(0, true, Kind::Float);
            let centred = x - &mean;
            (mean, centred.tr().matmul(&centred) / (x.size()[0] - 1) as f64)
        };
        let drawn: Vec<Tensor> =
            (0..50).map(|draw| like(&x, &Streams::new(1, "test"), draw).expect("drawn")).collect();
        let ((mean, cov), (mean2, cov2)) = (moments(&x), moments(&Tensor::cat(&drawn, 0)));
        assert!((mean - mean2).abs().max().double_value(&[]) < 0.1);
        assert!((&cov - cov2).abs().max().double_value(&[]) < 0.03 * cov.max().double_value(&[]));
        assert!(drawn[0].size() == [400, 3] && !drawn[0].equal(&drawn[1]));
    }
}
