//! The silhouette of one clustering over several spaces.

use ndarray::{ArrayView1, ArrayView2};

use crate::error::{Error, Result};
use crate::silhouette::{SilhouetteOptions, silhouette};

/// Mean silhouette of a clustering over spaces.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PooledSilhouette {
    /// Plain mean over the spaces, in `[-1, 1]`.
    pub mean: f64,
    /// Mean silhouette in each space, in their order.
    pub of_space: Vec<f64>,
    /// Number of points scored in each space.
    pub n_scored: usize,
}

/// Mean silhouette of `clusters` `[n]` in each of `spaces` (`[n, d]` each, `d` of its own), and the
/// plain mean of these over the spaces: high when the clusters are compact and apart in all of
/// them.
///
/// ```text
/// pooled = 1/M sum_m s(clusters | Z_m)
/// ```
///
/// A silhouette in a method's own latent space says how well that space was shaped to the clusters,
/// and is not comparable between runs. The mean over the spaces of all runs under comparison is: it
/// is the "pooled score" of Wang & Ye 2024, arXiv 2403.14830, section 4. Their ACE score also
/// drops and weights spaces, which is not done here. All clusterings must be scored in the same
/// spaces.
///
/// Above `max_points` the same points are scored in every space. Time O(min(n, max_points) n d)
/// for each space.
///
/// # Errors
///
/// [`Error::Empty`] without a space, and those of [`silhouette`].
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{SilhouetteOptions, pooled_silhouette};
///
/// let clusters = array![0, 0, 1, 1];
/// let good = array![[0.0], [0.0], [3.0], [3.0]];
/// let bad = array![[0.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 2.0]];
/// let options = SilhouetteOptions::default();
/// let score = pooled_silhouette(&[good.view(), bad.view()], clusters.view(), &options)?;
/// // In the bad space a = 2 and b = 1.
/// assert_eq!(score.of_space, [1.0, -0.5]);
/// assert_eq!(score.mean, 0.25);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn pooled_silhouette<T>(
    spaces: &[ArrayView2<'_, T>],
    clusters: ArrayView1<'_, u32>,
    options: &SilhouetteOptions,
) -> Result<PooledSilhouette>
where
    T: Copy + Into<f64>,
{
    if spaces.is_empty() {
        return Err(Error::Empty { what: "spaces" });
    }
    let mut n_scored = 0;
    let mut of_space = Vec::with_capacity(spaces.len());
    for space in spaces {
        let score = silhouette(*space, clusters, options)?;
        n_scored = score.n_scored;
        of_space.push(score.mean);
    }
    let mean = of_space.iter().sum::<f64>() / spaces.len() as f64;
    Ok(PooledSilhouette { mean, of_space, n_scored })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, array};

    use super::*;
    use crate::random::split_mix;

    fn space(seed: u64, n: usize, d: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, d), |(i, j)| (split_mix(seed, (i * 16 + j) as u64) % 1000) as f32)
    }

    #[test]
    fn it_is_the_mean_of_the_silhouettes() {
        let clusters = Array1::from_iter((0..90).map(|i| i % 3));
        let spaces = [space(1, 90, 2), space(2, 90, 5), space(3, 90, 1)];
        let views: Vec<_> = spaces.iter().map(Array2::view).collect();
        for max_points in [20, 500] {
            let options = SilhouetteOptions { max_points, seed: 4 };
            let got = pooled_silhouette(&views, clusters.view(), &options).expect("valid");
            let of_space: Vec<f64> = views
                .iter()
                .map(|x| silhouette(*x, clusters.view(), &options).expect("valid").mean)
                .collect();
            assert_eq!(got.of_space, of_space);
            assert!((got.mean - of_space.iter().sum::<f64>() / 3.0).abs() < 1e-15);
            assert_eq!(got.n_scored, max_points.min(90));
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let options = SilhouetteOptions::default();
        let none = pooled_silhouette::<f32>(&[], array![0, 1].view(), &options);
        assert_eq!(none, Err(Error::Empty { what: "spaces" }));
        let (good, short) = (space(1, 4, 2), space(1, 3, 2));
        let clusters = array![0, 0, 1, 1];
        let error = pooled_silhouette(&[good.view(), short.view()], clusters.view(), &options);
        assert!(matches!(error, Err(Error::LengthMismatch { left: 3, right: 4, .. })));
        let nan = Array2::from_elem((4, 1), f32::NAN);
        let error = pooled_silhouette(&[good.view(), nan.view()], clusters.view(), &options);
        assert!(matches!(error, Err(Error::NotFinite { row: 0, .. })));
        let error = pooled_silhouette(&[good.view()], array![3, 3, 3, 3].view(), &options);
        assert_eq!(error, Err(Error::OneCluster { cluster: 3 }));
    }
}
