//! A layout of latent codes in the plane by t-SNE (van der Maaten and Hinton 2008) with the
//! Barnes-Hut approximation (van der Maaten 2014), as `bhtsne` computes it.
//!
//! It starts from the principal components, scaled to a small spread (Kobak and Berens 2019), with
//! the exact neighbours of `vae-graph`, and runs on one thread: sums are then always taken in one
//! order, so equal codes and seeds give equal places whatever the machine has to do.

use crate::progress::Rounds;
use anyhow::{Context, Result};
use bhtsne::{Neighbor, tSNE};
use ndarray::Array2;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::{Streams, permutation};
use vae_graph::knn::{Knn, Metric};
use vae_report::page::Layout;

/// Effective number of neighbours; fewer where there are few rows.
const PERPLEXITY: f32 = 30.0;
/// Rows below which there is nothing that principal components do not show as well.
const LEAST_ROWS: usize = 16;
/// Rounds of the descent, the first 250 with exaggerated attraction.
const ROUNDS: usize = 750;
/// Accuracy of the approximation; smaller is more exact.
const THETA: f32 = 0.5;
/// Standard deviation of the start along its first axis.
const SPREAD: f32 = 1e-4;
/// Noise of the start, as a share of its spread: codes of one dimension leave their line.
const NOISE: f32 = 0.01;

/// Places of the rows of `z` `[m, d]`, from `start`, their principal components `[m]`; none for few
/// rows, for codes that are not finite, and where they do not vary.
///
/// # Errors
/// What the search for neighbours can return; a thread that cannot be started.
pub fn layout(z: &Array2<f32>, start: &[[f32; 2]], seed: u64) -> Result<Option<Layout>> {
    let m = z.nrows();
    let spread = spread(start);
    let is_usable = m >= LEAST_ROWS && start.len() == m && spread > 0.0 && spread.is_finite();
    if !is_usable || z.iter().any(|v| !v.is_finite()) {
        return Ok(None);
    }
    let perplexity = PERPLEXITY.min(((m - 1) / 3) as f32);
    let neighbours = neighbours(z, 3 * perplexity as usize)?;
    let start = small(start, spread, seed);
    // The pool is dropped with its thread when the layout is there.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.context("a thread for the map cannot be started; leave it out with --map pca")?;
    let places = pool.install(|| descend(&neighbours, start, perplexity));
    let points: Vec<[f32; 2]> = places.as_chunks::<2>().0.to_vec();
    let is_finite = points.len() == m && points.iter().flatten().all(|v| v.is_finite());
    Ok(is_finite.then(|| Layout {
        name: "t-SNE".into(),
        about: format!(
            "t-SNE of the latent space, perplexity {perplexity}: rows that are near in it are near here. The axes mean nothing, \
             and neither do sizes of groups and distances between them"
        ),
        points,
    }))
}

/// The exact neighbours of each row, nearest first, and their distances.
fn neighbours(z: &Array2<f32>, k: usize) -> Result<Vec<Vec<Neighbor<f32>>>> {
    let found =
        Knn { k, metric: Metric::Euclidean }.of(&Features::dense(z.clone())?, &FitContext::in_memory(0))?;
    let of_row = |(index, distance): (ndarray::ArrayView1<'_, u32>, ndarray::ArrayView1<'_, f32>)| {
        let pairs = index.iter().zip(distance);
        pairs.map(|(&index, &distance)| Neighbor { index: index as usize, distance }).collect()
    };
    Ok(found.index().rows().into_iter().zip(found.distance().rows()).map(of_row).collect())
}

fn descend(neighbours: &[Vec<Neighbor<f32>>], start: Vec<f32>, perplexity: f32) -> Vec<f32> {
    // The rows themselves are not looked at: their neighbours are known.
    let rows = vec![(); neighbours.len()];
    let mut rounds = Rounds::new("map", ROUNDS);
    let mut tsne: tSNE<'_, f32, (), 2> = tSNE::new(&rows);
    tsne.perplexity(perplexity).epochs(ROUNDS).initial_embedding(start);
    tsne.epoch_callback(move |round, _| rounds.done(round + 1));
    tsne.barnes_hut_with_neighbors(THETA, neighbours);
    tsne.embedding()
}

/// Standard deviation along the first axis.
fn spread(points: &[[f32; 2]]) -> f32 {
    let n = points.len().max(1) as f64;
    let mean = points.iter().map(|p| f64::from(p[0])).sum::<f64>() / n;
    let square = points.iter().map(|p| (f64::from(p[0]) - mean).powi(2)).sum::<f64>() / n;
    square.sqrt() as f32
}

/// The start on its small scale, with noise: whole numbers in a random order, which are spread
/// evenly.
fn small(start: &[[f32; 2]], spread: f32, seed: u64) -> Vec<f32> {
    let n = 2 * start.len();
    let ranks = permutation(&mut Streams::new(seed, "map").rng("noise", 0, 0), n);
    let noise = ranks.into_iter().map(|rank| rank as f32 / n as f32 - 0.5);
    start.as_flattened().iter().zip(noise).map(|(v, noise)| SPREAD * (v / spread + NOISE * noise)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::pca;

    /// Three far clouds of 40 rows in five dimensions.
    fn clouds() -> (Array2<f32>, Vec<[f32; 2]>) {
        let z = Array2::from_shape_fn((120, 5), |(i, j)| {
            let noise = ((i * 31 + j * 17) as f32 * 0.618_034).fract();
            if i % 3 == j { 20.0 + noise } else { noise }
        });
        let plane = pca::project(z.view(), 120);
        let start = plane.points.rows().into_iter().map(|p| [p[0] as f32, p[1] as f32]).collect();
        (z, start)
    }

    #[test]
    fn clouds_stay_apart_and_twice_is_the_same() {
        let (z, start) = clouds();
        let one = layout(&z, &start, 3).expect("laid out").expect("there");
        assert_eq!(layout(&z, &start, 3).expect("laid out"), Some(one.clone()), "to the bit");
        assert_ne!(layout(&z, &start, 4).expect("laid out"), Some(one.clone()), "the seed matters");
        // The nearest other row is of the same cloud.
        for (i, p) in one.points.iter().enumerate() {
            let distance = |q: &[f32; 2]| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
            let others = one.points.iter().enumerate().filter(|(j, _)| *j != i);
            let nearest = others.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).expect("others").0;
            assert_eq!(nearest % 3, i % 3, "row {i}");
        }
    }

    #[test]
    fn what_has_no_layout_has_none() {
        let (z, start) = clouds();
        let few = z.slice(ndarray::s![..15, ..]).to_owned();
        assert_eq!(layout(&few, &start[..15], 0).expect("few"), None);
        assert_eq!(layout(&Array2::ones((120, 5)), &vec![[0.0; 2]; 120], 0).expect("constant"), None);
        let mut broken = z;
        broken[[3, 3]] = f32::NAN;
        assert_eq!(layout(&broken, &start, 0).expect("not finite"), None);
    }

    /// Principal components of one column are a line, which no descent leaves by itself.
    #[test]
    fn codes_of_one_dimension_get_a_plane() {
        let z = Array2::from_shape_fn((60, 1), |(i, _)| i as f32);
        let start: Vec<[f32; 2]> = (0..60).map(|i| [i as f32 - 29.5, 0.0]).collect();
        let of = layout(&z, &start, 0).expect("laid out").expect("there");
        let heights: Vec<f32> = of.points.iter().map(|p| p[1]).collect();
        assert!(heights.iter().any(|y| (y - heights[0]).abs() > 1e-3), "{heights:?}");
    }
}
