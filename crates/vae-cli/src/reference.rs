//! What new data are compared with: the sizes of the clusters of the fitted data, and how unusual
//! each fitted sample is for the model. It lies beside the model as `reference.json`.
//!
//! How unusual a sample is, is one number: minus its ELBO or log-likelihood where the model has
//! one, else the Euclidean distance of its latent code to the mean code of its cluster. Its outlier
//! score is the percentile of that number among the fitted samples, from 0 to 1: the share of them
//! that are less unusual.

mod drift;

pub use drift::Drift;

use crate::confidence::require_finite_from;
use crate::input::folder_of;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use std::path::Path;
use vae_core::Features;
use vae_core::fsio::write_bytes;
use vae_data::Ids;
use vae_models::{Assessed, Calibration, Clusterer};

/// The file.
pub const REFERENCE_FILE: &str = "reference.json";

/// Version of the keys.
const SCHEMA: u32 = 1;

/// Steps between the smallest and the largest number that are kept: a tenth of a percent each.
const STEPS: usize = 1000;

/// The fitted data, in so far as new data are compared with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    schema: u32,
    /// Number of fitted samples.
    n: usize,
    /// Samples in each cluster.
    clusters: Vec<usize>,
    unusual: Unusual,
}

/// How unusual a sample is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unusual {
    /// `elbo` or `log_likelihood`, whose negative it is, or `distance`.
    measure: String,
    calibration: Calibration,
    /// Mean code of each cluster, for distances; `None` where no sample is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    centres: Vec<Option<Vec<f64>>>,
    /// Of the fitted samples, at equal steps from the smallest to the largest.
    quantiles: Vec<f64>,
}

/// What distances are called.
const DISTANCE: &str = "distance";

impl Reference {
    /// The reference of a fit, and the outlier scores of the fitted samples `x`, `[n]`: `clusters`
    /// are their assignments and `codes` their embedding.
    ///
    /// # Errors
    /// What the model cannot compute.
    pub fn of_fit(
        model: &dyn Clusterer,
        x: &Features,
        (clusters, codes): (&Array1<u32>, &Array2<f32>),
    ) -> Result<(Self, Array1<f32>)> {
        let k = model.n_clusters();
        let mut unusual = Unusual {
            measure: model.density().map_or(DISTANCE, |density| density.name()).to_owned(),
            calibration: Calibration::default(),
            centres: Vec::new(),
            quantiles: Vec::new(),
        };
        let values = if let Some(density) = model.density() {
            unusual.calibration = density.calibrate(x)?;
            density.log_density(x, &unusual.calibration)?.mapv(|v| -v)
        } else {
            unusual.centres = centres(codes.view(), clusters.view(), k);
            unusual.distances(codes.view(), clusters.view())
        };
        // What the model cannot compute is as unusual as can be: no reason to lose a fit.
        let values = values.mapv(|v| if v.is_nan() { f32::MAX } else { in_range(v) });
        unusual.quantiles = quantiles(values.view());
        let scores = values.mapv(|v| unusual.score(v));
        let sizes = crate::results::cluster_sizes(clusters.view(), k);
        Ok((Self { schema: SCHEMA, n: clusters.len(), clusters: sizes, unusual }, scores))
    }

    /// Writes the file into a run folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        Ok(write_bytes(&dir.join(REFERENCE_FILE), (serde_json::to_string(self)? + "\n").as_bytes())?)
    }

    /// The reference beside the model at `place`, a run folder or a file, with `k` clusters; `None`
    /// where there is none.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged or belongs to another model.
    pub fn beside(place: &Path, k: usize) -> Result<Option<Self>> {
        let path = folder_of(place).join(REFERENCE_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let remedy = "restore it, or remove it to do without outlier scores";
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}; {remedy}", path.display()))?;
        let read: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged: {remedy}", path.display()))?;
        if read.schema != SCHEMA {
            bail!("{} has schema {}, this version reads {SCHEMA}: {remedy}", path.display(), read.schema);
        }
        let sorted = read.unusual.quantiles.is_sorted() && read.unusual.quantiles.len() == STEPS + 1;
        if read.n == 0 || !sorted {
            bail!("{} is damaged: {remedy}", path.display());
        }
        if read.clusters.len() != k {
            bail!(
                "{} is of a model with {} clusters, and this one has {k}: {remedy}",
                path.display(),
                read.clusters.len()
            );
        }
        Ok(Some(read))
    }

    /// What [`Clusterer::assess`] is to be given, so that [`Reference::scores`] has what it needs;
    /// `None` where that is the codes.
    pub fn calibration(&self) -> Option<&Calibration> {
        (self.unusual.measure != DISTANCE).then_some(&self.unusual.calibration)
    }

    /// Outlier scores, `[n]`, of the samples `x`.
    ///
    /// # Errors
    /// What the model cannot compute, with the row; `start` rows lie before these.
    pub fn scores(
        &self,
        model: &dyn Clusterer,
        (x, start, ids): (&Features, usize, Option<&Ids>),
        assessed: &Assessed,
    ) -> Result<Array1<f32>> {
        let values = match (&assessed.log_density, self.calibration()) {
            (Some(values), Some(_)) => values.mapv(|v| -v),
            (None, Some(_)) => bail!(
                "{REFERENCE_FILE} is of a model with another measure than this one has; restore it, or remove it to do \
                 without outlier scores"
            ),
            (_, None) => self.unusual.distances(model.embed(x)?.view(), assessed.clusters.view()),
        };
        let values = values.mapv(in_range);
        require_finite_from(values.view().insert_axis(Axis(1)), "its outlier scores", ids, start)?;
        Ok(values.mapv(|v| self.unusual.score(v)))
    }
}

impl Unusual {
    /// Distances of codes, `[n, d]`, to the means of their clusters; to the nearest mean where a
    /// cluster has none.
    fn distances(&self, codes: ArrayView2<'_, f32>, clusters: ArrayView1<'_, u32>) -> Array1<f32> {
        let distance = |code: ArrayView1<'_, f32>, centre: &[f64]| {
            code.iter().zip(centre).map(|(v, m)| (f64::from(*v) - m).powi(2)).sum::<f64>().sqrt()
        };
        let one = |(code, &cluster): (ArrayView1<'_, f32>, &u32)| {
            let own = self.centres.get(cluster as usize).and_then(Option::as_ref);
            let nearest = || {
                let all = self.centres.iter().flatten().map(|centre| distance(code, centre));
                all.fold(f64::INFINITY, f64::min)
            };
            own.map_or_else(nearest, |centre| distance(code, centre)) as f32
        };
        codes.rows().into_iter().zip(clusters).map(one).collect()
    }

    /// The share of the fitted samples that are less unusual, those that are as unusual counting
    /// half.
    fn score(&self, value: f32) -> f32 {
        let (value, q) = (f64::from(value), &self.quantiles);
        let below = q.partition_point(|v| *v < value);
        let upto = q.partition_point(|v| *v <= value);
        let place = if below < upto {
            (below + upto - 1) as f64 / 2.0
        } else if below == 0 {
            0.0
        } else if below == q.len() {
            STEPS as f64
        } else {
            (below - 1) as f64 + (value - q[below - 1]) / (q[below] - q[below - 1])
        };
        (place / STEPS as f64) as f32
    }
}

/// The number, or the largest there is for what is beyond all: that is no fault of a sample.
fn in_range(value: f32) -> f32 {
    value.clamp(f32::MIN, f32::MAX)
}

/// Mean code of each of `k` clusters.
fn centres(codes: ArrayView2<'_, f32>, clusters: ArrayView1<'_, u32>, k: usize) -> Vec<Option<Vec<f64>>> {
    let mut sums = vec![vec![0.0; codes.ncols()]; k];
    let mut counts = vec![0_usize; k];
    for (code, &cluster) in codes.rows().into_iter().zip(clusters) {
        counts[cluster as usize] += 1;
        sums[cluster as usize].iter_mut().zip(code).for_each(|(sum, v)| *sum += f64::from(*v));
    }
    let mean = |(sum, count): (Vec<f64>, usize)| {
        (count > 0).then(|| sum.into_iter().map(|v| v / count as f64).collect())
    };
    sums.into_iter().zip(counts).map(mean).collect()
}

/// Quantiles at [`STEPS`] equal steps, linear between the values.
fn quantiles(values: ArrayView1<'_, f32>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = |step: usize| {
        let (whole, rest) = (step * last / STEPS, step * last % STEPS);
        let (low, high) = (sorted[whole], sorted[(whole + 1).min(last)]);
        if rest == 0 { low } else { low + (high - low) * rest as f64 / STEPS as f64 }
    };
    (0..=STEPS).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn unusual(values: &Array1<f32>) -> Unusual {
        Unusual {
            measure: DISTANCE.into(),
            calibration: Calibration::default(),
            centres: vec![Some(vec![0.0, 0.0]), None, Some(vec![10.0, 0.0])],
            quantiles: quantiles(values.view()),
        }
    }

    #[test]
    fn scores_are_shares_of_the_fitted_samples() {
        let all = unusual(&Array1::from_iter((0..=10).rev().map(|v| v as f32)));
        assert_eq!([all.score(-1.0), all.score(0.0), all.score(5.0), all.score(11.0)], [0.0, 0.0, 0.5, 1.0]);
        assert!((all.score(2.5) - 0.25).abs() < 1e-6 && (all.score(9.99) - 0.999).abs() < 1e-6);
        // Where all are alike none is an outlier.
        let equal = unusual(&array![3.0, 3.0, 3.0]);
        assert_eq!([equal.score(2.9), equal.score(3.0), equal.score(3.1)], [0.0, 0.5, 1.0]);
        let one = unusual(&array![1.0]);
        assert_eq!([one.score(1.0), one.score(in_range(f32::INFINITY))], [0.5, 1.0]);
        assert!(in_range(f32::NAN).is_nan());
    }

    #[test]
    fn the_order_of_values_is_that_of_scores() {
        let values = Array1::from_iter((0..5000).map(|i| ((i * 7919 % 5000) as f32).sqrt()));
        let all = unusual(&values);
        for (i, v) in values.iter().enumerate().step_by(97) {
            let naive = values.iter().filter(|other| *other < v).count() as f32 / 4999.0;
            assert!((all.score(*v) - naive).abs() < 1e-3, "{i}: {naive}");
        }
    }

    #[test]
    fn distances_are_to_the_own_mean() {
        let codes = array![[3.0_f32, 4.0], [9.0, 0.0], [0.0, 1.0]];
        let all = unusual(&array![1.0]);
        // The second cluster had no sample: the nearest mean stands for it.
        assert_eq!(all.distances(codes.view(), array![0, 1, 2].view()).to_vec()[..2], [5.0, 1.0]);
        let means = centres(codes.view(), array![0, 0, 2].view(), 3);
        assert_eq!(means, [Some(vec![6.0, 2.0]), None, Some(vec![0.0, 1.0])]);
    }
}
