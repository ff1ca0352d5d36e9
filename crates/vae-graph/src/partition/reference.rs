//! Data without clusters that look like given data otherwise: what a partition of the given data is
//! to be compared with.
//!
//! Cutting a graph of neighbours costs edges whether or not there is anything to cut: how many
//! depends on the number of rows, on the dimension and on the shape of the data. A single normal
//! distribution with the covariance of the data has the last two, and no clusters. The gap
//! statistic (Tibshirani, Walther and Hastie 2001) compares with uniform data for the same reason.

use crate::Result;
use ndarray::{Array2, Axis};
use tch::Device;
use vae_core::Features;
use vae_core::random::{Streams, normal};

/// Rows whose covariance is taken, at most: every so many-th one, for the sake of cost.
const MOST_ROWS: usize = 2000;

/// As many rows as `x` has from the normal distribution with its mean and covariance, `[n, d]`;
/// `draw` numbers independent sets. Columns of categories become numbers.
///
/// A row is a random combination of the rows of `x`, centred, with normal weights of variance
/// `1/m`: its covariance is exactly that of the m rows.
///
/// # Errors
/// libtorch.
pub fn without_clusters(x: &Features, streams: &Streams, draw: usize) -> Result<Features> {
    let step = x.n().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<usize> = (0..x.n()).step_by(step).collect();
    let mut centred = Array2::zeros((rows.len(), x.dim()));
    for (mut to, &row) in centred.axis_iter_mut(Axis(0)).zip(&rows) {
        to.assign(&x.dense_rows(row, row + 1).row(0));
    }
    let mean = centred.sum_axis(Axis(0)) / rows.len() as f32;
    centred -= &mean;
    let shape = [x.n() as i64, rows.len() as i64];
    let weights = normal(&mut streams.rng("without-clusters", draw, 0), &shape, Device::Cpu);
    let weights = Vec::<f32>::try_from(weights.flatten(0, -1)).map_err(vae_core::Error::from)?;
    let weights = Array2::from_shape_vec((x.n(), rows.len()), weights)
        .map_err(|e| vae_core::Error::Internal(e.to_string()))?;
    let drawn = weights.dot(&centred) / (rows.len() as f32).sqrt() + &mean;
    Ok(Features::dense(drawn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_covariance_are_those_of_the_data() {
        // Two groups on a diagonal: variance 2 and 8, covariance 4, mean (1, -1).
        let x = Array2::from_shape_fn((4000, 2), |(i, j)| {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            if j == 0 { 1.0 + 2.0_f32.sqrt() * side } else { -1.0 + 8.0_f32.sqrt() * side }
        });
        let x = Features::dense(x).expect("finite");
        let streams = Streams::new(0, "test");
        let drawn = without_clusters(&x, &streams, 0).expect("drawn");
        let rows = drawn.dense_rows(0, 4000);
        let mean = rows.mean_axis(Axis(0)).expect("rows");
        assert!((mean[0] - 1.0).abs() < 0.1 && (mean[1] + 1.0).abs() < 0.2, "{mean}");
        let centred = &rows - &mean;
        let covariance = centred.t().dot(&centred) / 4000.0;
        for (at, expected) in [((0, 0), 2.0), ((0, 1), 4.0), ((1, 1), 8.0)] {
            assert!((covariance[at] / expected - 1.0).abs() < 0.1, "{covariance}");
        }
        // Points near the middle, where the data have none.
        assert!(centred.rows().into_iter().filter(|row| row[0].abs() < 0.5).count() > 800);
        assert_eq!(drawn.sha256(), without_clusters(&x, &streams, 0).expect("drawn").sha256());
        assert_ne!(drawn.sha256(), without_clusters(&x, &streams, 1).expect("drawn").sha256());
    }
}
