//! Which other cluster is nearest.

use crate::clusters::{Nearest, NearestBy};
use crate::data::{Confidence, Subject};
use ndarray::{ArrayView1, ArrayView2};

/// By the centres in the latent space; without codes by the posterior; else nothing. Empty clusters
/// are near to none. Of equally near ones the first.
pub fn of(subject: &Subject<'_>, sizes: &[usize]) -> Vec<Option<Nearest>> {
    match (subject.codes, subject.confidence) {
        (Some(codes), _) => by_centres(subject, codes, sizes),
        (None, Confidence::Posterior(gamma)) => by_posterior(subject, gamma, sizes),
        _ => vec![None; sizes.len()],
    }
}

fn by_centres(subject: &Subject<'_>, codes: ArrayView2<'_, f32>, sizes: &[usize]) -> Vec<Option<Nearest>> {
    let centres = centres(subject, codes);
    let of = |c: usize| {
        let distance = |other: usize| {
            let pairs = centres[c].iter().zip(&centres[other]);
            pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        best(c, sizes, distance, |new, old| new < old, NearestBy::Centres)
    };
    (0..sizes.len()).map(of).collect()
}

fn by_posterior(subject: &Subject<'_>, gamma: ArrayView2<'_, f32>, sizes: &[usize]) -> Vec<Option<Nearest>> {
    let mut sums = vec![vec![0.0; sizes.len()]; sizes.len()];
    for (row, &c) in gamma.rows().into_iter().zip(subject.assignments) {
        sums[c as usize].iter_mut().zip(row).for_each(|(sum, &p)| *sum += f64::from(p));
    }
    let of = |c: usize| {
        let mean = |other: usize| sums[c][other] / sizes[c] as f64;
        best(c, sizes, mean, |new, old| new > old, NearestBy::Posterior)
    };
    (0..sizes.len()).map(of).collect()
}

fn best(
    c: usize,
    sizes: &[usize],
    value: impl Fn(usize) -> f64,
    better: fn(f64, f64) -> bool,
    by: NearestBy,
) -> Option<Nearest> {
    if sizes[c] == 0 {
        return None;
    }
    let others = (0..sizes.len()).filter(|&other| other != c && sizes[other] > 0);
    others.fold(None, |best: Option<Nearest>, other| {
        let new = Nearest { cluster: other as u32, by, value: value(other) };
        match best {
            Some(old) if !better(new.value, old.value) => Some(old),
            _ => Some(new),
        }
    })
}

/// Mean code of each cluster, `[k][j]`; zeros for empty ones.
pub fn centres(subject: &Subject<'_>, codes: ArrayView2<'_, f32>) -> Vec<Vec<f64>> {
    let mut centres = vec![vec![0.0; codes.ncols()]; subject.n_clusters];
    let mut counts = vec![0usize; subject.n_clusters];
    for (row, &c) in codes.rows().into_iter().zip(subject.assignments) {
        counts[c as usize] += 1;
        centres[c as usize].iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    for (centre, count) in centres.iter_mut().zip(counts) {
        centre.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
    }
    centres
}

/// Squared Euclidean distance.
pub fn square_distance(row: ArrayView1<'_, f32>, centre: &[f64]) -> f64 {
    row.iter().zip(centre).map(|(&v, c)| (f64::from(v) - c).powi(2)).sum()
}
