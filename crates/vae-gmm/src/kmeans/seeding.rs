//! Greedy k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding",
//! 2007, and its remark on trying several candidates per centre), for all restarts in lockstep.
//!
//! Every next centre is drawn with probability proportional to the squared distance `D^2` to the
//! centres chosen so far. `2 + floor(ln k)` candidates are drawn and the one that lowers the sum of
//! `D^2` most is kept, as scikit-learn does.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, linalg::general_mat_mul, s};
use rand::RngExt;
use rand_chacha::ChaCha12Rng;

use crate::data::{BLOCK, Data, blocks};
use crate::rng::row;
use crate::vector::sq_dist;
use crate::{Error, Result};

/// Below this share of `|x|^2 + |c|^2` a distance from the f32 product has lost too many digits to
/// cancellation and is computed again in f64; equal rows get exactly 0 that way.
const CANCELLED: f32 = 1e-2;

/// State of one restart.
struct Draw {
    rng: ChaCha12Rng,
    chosen: Vec<usize>,
    /// `D^2` of each row.
    closest: Vec<f64>,
    /// Sum of `closest` over each part of the data.
    potential: Vec<f64>,
}

/// Row numbers of `k` centres for each generator, `[rngs.len()][k]`.
///
/// # Errors
///
/// [`Error::TooFewDistinctRows`] when fewer than `k` rows differ.
pub(crate) fn plus_plus(data: &Data<'_>, k: usize, rngs: Vec<ChaCha12Rng>) -> Result<Vec<Vec<usize>>> {
    let n = data.n();
    let trials = 2 + (k as f64).ln() as usize;
    let mut draws: Vec<Draw> = rngs
        .into_iter()
        .map(|mut rng| {
            let first = row(&mut rng, n);
            Draw { rng, chosen: vec![first], closest: vec![f64::INFINITY; n], potential: Vec::new() }
        })
        .collect();
    advance(data, &mut draws);
    while draws[0].chosen.len() < k {
        let mut candidates = Vec::with_capacity(draws.len() * trials);
        for draw in &mut draws {
            for _ in 0..trials {
                candidates.push(draw.candidate(data, k)?);
            }
        }
        let potentials = potentials(data, &draws, &candidates, trials);
        for (i, draw) in draws.iter_mut().enumerate() {
            let own = i * trials..(i + 1) * trials;
            let best = own.min_by(|&a, &b| potentials[a].total_cmp(&potentials[b])).expect("trials > 0");
            draw.chosen.push(candidates[best]);
        }
        advance(data, &mut draws);
    }
    Ok(draws.into_iter().map(|draw| draw.chosen).collect())
}

impl Draw {
    /// Draws a row with probability proportional to `D^2`.
    fn candidate(&mut self, data: &Data<'_>, k: usize) -> Result<usize> {
        let total: f64 = self.potential.iter().sum();
        if total <= 0.0 {
            return Err(Error::TooFewDistinctRows { distinct: self.chosen.len(), k });
        }
        let mut left = self.rng.random::<f64>() * total;
        let mut last = 0;
        for (part, &sum) in data.parts().into_iter().zip(&self.potential) {
            if sum > 0.0 && left < sum {
                for i in part {
                    let weight = self.closest[i];
                    if weight > 0.0 {
                        if left < weight {
                            return Ok(i);
                        }
                        left -= weight;
                        last = i;
                    }
                }
                // rounding left a remainder behind the part's last row
                return Ok(last);
            }
            left -= sum;
        }
        // rounding left a remainder behind the last part
        Ok(self.closest.iter().rposition(|&w| w > 0.0).expect("the sum is positive"))
    }
}

/// Lowers `D^2` of every restart by its newest centre.
fn advance(data: &Data<'_>, draws: &mut [Draw]) {
    let newest: Vec<usize> = draws.iter().map(|d| *d.chosen.last().expect("never empty")).collect();
    let candidates = Candidates::new(data, &newest);
    let parts = data.over_parts(|part| {
        let mut closest: Vec<Vec<f64>> = draws.iter().map(|d| d.closest[part.clone()].to_vec()).collect();
        candidates.over_blocks(data, part.clone(), |rows, j, dist| {
            let own = &mut closest[j][rows.start - part.start..rows.end - part.start];
            own.iter_mut().zip(dist).for_each(|(o, &v)| *o = o.min(v));
        });
        closest
    });
    for (j, draw) in draws.iter_mut().enumerate() {
        draw.potential = parts.iter().map(|p| p[j].iter().sum()).collect();
        draw.closest = parts.iter().flat_map(|p| p[j].iter().copied()).collect();
    }
}

/// The sum of `D^2` that each candidate would leave.
fn potentials(data: &Data<'_>, draws: &[Draw], rows: &[usize], trials: usize) -> Vec<f64> {
    let candidates = Candidates::new(data, rows);
    let parts = data.over_parts(|part| {
        let mut sums = vec![0.0; rows.len()];
        candidates.over_blocks(data, part, |rows, j, dist| {
            let closest = &draws[j / trials].closest[rows];
            sums[j] += closest.iter().zip(dist).map(|(&c, &v)| c.min(v)).sum::<f64>();
        });
        sums
    });
    (0..rows.len()).map(|j| parts.iter().map(|p| p[j]).sum()).collect()
}

/// Rows of the data as trial centres.
struct Candidates {
    rows: Vec<usize>,
    centred: Array2<f32>,
}

impl Candidates {
    fn new(data: &Data<'_>, rows: &[usize]) -> Self {
        let mut centred = vec![0.0; rows.len() * data.d()];
        for (&i, out) in rows.iter().zip(centred.chunks_exact_mut(data.d())) {
            data.centre_into(i..i + 1, out);
        }
        let centred = Array2::from_shape_vec((rows.len(), data.d()), centred).expect("sized above");
        Self { rows: rows.to_vec(), centred }
    }

    /// Calls `f(rows, candidate, squared distances)` for every block of a part and every candidate.
    fn over_blocks(
        &self,
        data: &Data<'_>,
        part: Range<usize>,
        mut f: impl FnMut(Range<usize>, usize, &[f64]),
    ) {
        let mut block = vec![0.0; BLOCK * data.d()];
        let mut products = Array2::zeros((self.rows.len(), BLOCK));
        let mut dist = [0.0; BLOCK];
        let as_f64: Vec<Vec<f64>> =
            self.rows.iter().map(|&i| data.row(i).iter().map(|&v| f64::from(v)).collect()).collect();
        for rows in blocks(part) {
            let len = rows.len();
            data.centre_into(rows.clone(), &mut block);
            let x = ArrayView2::from_shape((len, data.d()), &block[..len * data.d()])
                .expect("the buffer holds BLOCK rows");
            general_mat_mul(1.0, &self.centred, &x.t(), 0.0, &mut products.slice_mut(s![.., ..len]));
            for (j, &centre) in self.rows.iter().enumerate() {
                let c_sq = data.norms[centre] * data.norms[centre];
                for (b, i) in rows.clone().enumerate() {
                    let scale = data.norms[i] * data.norms[i] + c_sq;
                    let sq = scale - 2.0 * products[[j, b]];
                    // an overflow gives NaN or infinity, an underflow equality: both go to the
                    // exact branch
                    let trusted = sq > CANCELLED * scale && sq < f32::MAX;
                    dist[b] = if trusted { f64::from(sq) } else { sq_dist(&data.row(i), &as_f64[j]) };
                }
                f(rows.clone(), j, &dist[..len]);
            }
        }
    }
}
