//! Ways between clusters: points on the straight line between two centres of the latent space, and
//! what the model makes of them.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use vae_models::Generator;

/// Ways of a run, at most.
const MOST: usize = 12;

/// The way from one cluster to another.
pub struct Walk {
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
    /// Decoded points at equal distances, both ends included, on the scale of the data,
    /// `[steps, d]`.
    pub x: Array2<f32>,
}

/// From each cluster to the one whose centre is nearest, each pair once. `z` `[n, latent_dim]` are
/// the codes, a centre is the mean of a cluster's codes; clusters without samples have none. None
/// where codes are not finite.
///
/// # Errors
/// As [`Generator::decode`].
pub fn of(
    generator: &dyn Generator,
    z: ArrayView2<'_, f32>,
    clusters: ArrayView1<'_, u32>,
    steps: usize,
) -> vae_models::Result<Vec<Walk>> {
    if z.iter().any(|v| !v.is_finite()) {
        return Ok(Vec::new());
    }
    let centres = centres(z, clusters);
    let walk = |[from, to]: [usize; 2]| {
        let (a, b) = (&centres[from], &centres[to]);
        let at = |i: usize| i as f32 / (steps.max(2) - 1) as f32;
        let line = Array2::from_shape_fn((steps, z.ncols()), |(i, j)| match (a, b) {
            (Some(a), Some(b)) => a[j] + at(i) * (b[j] - a[j]),
            _ => 0.0,
        });
        Ok(Walk { from: from as u32, to: to as u32, x: generator.decode(line.view())? })
    };
    pairs(&centres).into_iter().take(MOST).map(walk).collect()
}

/// Mean codes of the clusters.
fn centres(z: ArrayView2<'_, f32>, clusters: ArrayView1<'_, u32>) -> Vec<Option<Array1<f32>>> {
    let k = clusters.iter().max().map_or(0, |&c| c as usize + 1);
    let mut sums = vec![(Array1::<f64>::zeros(z.ncols()), 0usize); k];
    for (code, &cluster) in z.rows().into_iter().zip(clusters) {
        let (sum, count) = &mut sums[cluster as usize];
        sum.zip_mut_with(&code, |sum, v| *sum += f64::from(*v));
        *count += 1;
    }
    let mean =
        |(sum, count): (Array1<f64>, usize)| (count > 0).then(|| sum.mapv(|v| (v / count as f64) as f32));
    sums.into_iter().map(mean).collect()
}

/// Each cluster with the nearest other, each pair once, in the order of the first.
fn pairs(centres: &[Option<Array1<f32>>]) -> Vec<[usize; 2]> {
    let mut pairs: Vec<[usize; 2]> = Vec::new();
    for (from, centre) in centres.iter().enumerate() {
        let Some(centre) = centre else { continue };
        let distance =
            |other: &Array1<f32>| (centre - other).iter().map(|e| f64::from(*e).powi(2)).sum::<f64>();
        let others = centres.iter().enumerate().filter(|(to, _)| *to != from);
        let others = others.filter_map(|(to, other)| Some((to, distance(other.as_ref()?))));
        let Some((to, _)) = others.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        if !pairs.contains(&[to, from]) {
            pairs.push([from, to]);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use vae_core::Features;

    /// Decodes a point to itself and its double.
    struct Doubling;

    impl Generator for Doubling {
        fn sample(&self, _: usize, n: usize, _: u64) -> vae_models::Result<Array2<f32>> {
            Ok(Array2::zeros((n, 2)))
        }

        fn reconstruct(&self, x: &Features) -> vae_models::Result<Array2<f32>> {
            Ok(Array2::zeros((x.n(), 2)))
        }

        fn decode(&self, z: ArrayView2<'_, f32>) -> vae_models::Result<Array2<f32>> {
            Ok(Array2::from_shape_fn((z.nrows(), 2), |(i, j)| z[[i, 0]] * (j + 1) as f32))
        }
    }

    #[test]
    fn a_way_leads_from_centre_to_centre() {
        // Centres 0, 10 and 14; cluster 2 has no samples.
        let z = array![[-1.0f32], [1.0], [10.0], [14.0]];
        let walks = of(&Doubling, z.view(), array![0, 0, 1, 3].view(), 3).expect("decoded");
        let found: Vec<(u32, u32)> = walks.iter().map(|walk| (walk.from, walk.to)).collect();
        assert_eq!(found, [(0, 1), (1, 3)], "the way back is not told again");
        assert_eq!(walks[0].x, array![[0.0, 0.0], [5.0, 10.0], [10.0, 20.0]]);
        assert_eq!(walks[1].x.column(0).to_vec(), [10.0, 12.0, 14.0]);
    }

    #[test]
    fn one_cluster_leads_nowhere_and_codes_are_finite() {
        let z = array![[1.0f32], [2.0]];
        assert!(of(&Doubling, z.view(), array![0, 0].view(), 3).expect("decoded").is_empty());
        let z = array![[1.0f32], [f32::NAN]];
        assert!(of(&Doubling, z.view(), array![0, 1].view(), 3).expect("decoded").is_empty());
    }
}
