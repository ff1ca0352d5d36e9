//! Nearest centres, exactly, at the speed of a matrix product.
//!
//! A block of rows is scored against all centres of all restarts at once,
//! `s_j = |c_j|^2 - 2 x . c_j` (the squared distance less `|x|^2`), by one f32 matrix product on
//! centred data. The product is a filter only: where the two best scores lie closer than the
//! rounding error they may carry, the candidates are compared again by their f64 distances.
//! Assignments are therefore those of the naive f64 loop, ties going to the lowest index, whatever
//! instructions the matrix product used, and whether the rows are dense or sparse.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, linalg::general_mat_mul, s};
use vae_array::Csr;

use crate::data::{BLOCK, Data, blocks};
use crate::vector::{sq_dist, square};

/// Rounding error of one score in units of `f32::EPSILON * |c| * (|x| + |c|)`, less the number of
/// columns: the inner product's own bound grows with that number, the constant covers the roundings
/// of centring, of the centre to f32, and of the final additions.
const ERROR_SLACK: f64 = 8.0;

/// Sets of centres `[k, d]` ready to be scored: one set per restart.
pub(crate) struct Scorer<'a> {
    sets: Vec<ArrayView2<'a, f64>>,
    k: usize,
    /// Centred f32 centres of all sets, `[sets * k, d]`.
    centred: Array2<f32>,
    /// Their squared norms.
    sq_norms: Vec<f32>,
    /// Largest norm within each set.
    max_norms: Vec<f32>,
    /// Error factor of the scores, see [`ERROR_SLACK`].
    error: f32,
    /// For sparse rows, whose products are taken without centring them.
    uncentred: Option<Uncentred>,
}

/// Centres for products with sparse rows: `(x - m) . c = x . c - m . c`.
struct Uncentred {
    /// The centred centres, transposed, `[d, sets * k]`: a stored value needs one row of them.
    by_column: Array2<f32>,
    /// `m . c` of each.
    of_mean: Vec<f32>,
    /// Norm of the mean row, by which uncentred rows may be longer than centred ones.
    mean_norm: f32,
}

impl Uncentred {
    fn new(data: &Data<'_>, centred: &Array2<f32>) -> Self {
        let dot = |c: ArrayView1<'_, f32>| -> f64 {
            c.iter().zip(&data.mean).map(|(&c, &m)| f64::from(c) * f64::from(m)).sum()
        };
        Self {
            by_column: centred.t().as_standard_layout().into_owned(),
            of_mean: centred.outer_iter().map(|c| dot(c) as f32).collect(),
            mean_norm: data.mean.iter().map(|&m| square(f64::from(m))).sum::<f64>().sqrt() as f32,
        }
    }

    /// Adds `-2 (x - m) . c` of `rows` to the scores, `[sets * k, rows.len()]`.
    fn add_products(&self, x: &Csr, rows: Range<usize>, scores: &mut ArrayViewMut2<'_, f32>) {
        let mut products = vec![0.0_f32; self.of_mean.len()];
        for (b, i) in rows.enumerate() {
            products.iter_mut().zip(&self.of_mean).for_each(|(product, &m)| *product = -m);
            let (columns, values) = x.row(i);
            for (&column, &value) in columns.iter().zip(values) {
                let c = self.by_column.row(column as usize);
                let c = c.to_slice().expect("a row of a fresh array is contiguous");
                products.iter_mut().zip(c).for_each(|(product, &c)| *product += value * c);
            }
            scores.column_mut(b).iter_mut().zip(&products).for_each(|(score, &p)| *score -= 2.0 * p);
        }
    }
}

impl<'a> Scorer<'a> {
    /// Prepares sets of equal shape for the given data.
    pub(crate) fn new(data: &Data<'_>, sets: Vec<ArrayView2<'a, f64>>) -> Self {
        let (k, d) = sets[0].dim();
        let mut centred = Array2::zeros((sets.len() * k, d));
        let rows = sets.iter().flat_map(|set| set.outer_iter());
        for (mut out, row) in centred.outer_iter_mut().zip(rows) {
            out.iter_mut().zip(row).zip(&data.mean).for_each(|((o, &c), &m)| *o = (c - f64::from(m)) as f32);
        }
        let norms: Vec<f64> =
            centred.outer_iter().map(|c| c.iter().map(|&v| square(f64::from(v))).sum::<f64>()).collect();
        let uncentred = data.sparse().map(|_| Uncentred::new(data, &centred));
        let largest = |c: &[f64]| c.iter().copied().fold(0.0, f64::max).sqrt() as f32;
        Self {
            k,
            max_norms: norms.chunks_exact(k).map(largest).collect(),
            sq_norms: norms.iter().map(|&v| v as f32).collect(),
            centred,
            uncentred,
            // two scores are compared, each wrong by at most half of this factor
            error: (2.0 * (d as f64 + ERROR_SLACK) * f64::from(f32::EPSILON)) as f32,
            sets,
        }
    }

    /// Writes the nearest centre of each row of `rows` (at most [`BLOCK`]) for each set into
    /// `labels`, laid out `[sets, BLOCK]`.
    fn label_block(&self, data: &Data<'_>, rows: Range<usize>, scratch: &mut Scratch, labels: &mut [u32]) {
        let len = rows.len();
        for (row, &sq) in scratch.scores.outer_iter_mut().zip(&self.sq_norms) {
            row.into_slice().expect("a row of a fresh array is contiguous").fill(sq);
        }
        let mut scores: ArrayViewMut2<'_, f32> = scratch.scores.slice_mut(s![.., ..len]);
        let mut longer = 0.0;
        match (data.sparse(), &self.uncentred) {
            (Some(x), Some(uncentred)) => {
                uncentred.add_products(x, rows.clone(), &mut scores);
                // |x| + |m| in place of |x - m|
                longer = 2.0 * uncentred.mean_norm;
            }
            _ => {
                scratch.block.resize(BLOCK * data.d(), 0.0);
                data.centre_into(rows.clone(), &mut scratch.block);
                let block = ArrayView2::from_shape((len, data.d()), &scratch.block[..len * data.d()])
                    .expect("the buffer holds BLOCK rows");
                general_mat_mul(-2.0, &self.centred, &block.t(), 1.0, &mut scores);
            }
        }
        for (set, labels) in labels.chunks_exact_mut(BLOCK).enumerate() {
            let own = scratch.scores.slice(s![set * self.k..(set + 1) * self.k, ..]);
            let (best, second) = (&mut scratch.best, &mut scratch.second);
            two_smallest(own, best, second, labels);
            for (b, i) in rows.clone().enumerate() {
                let c = self.max_norms[set];
                let margin = self.error * c * (data.norms[i] + longer + c);
                if !exceeds(second[b] - best[b], margin) {
                    labels[b] = self.nearest_exactly(&data.row(i), set, own, b, best[b] + margin);
                }
            }
        }
    }

    /// The nearest of the centres whose score does not exceed `limit`, by f64 distances.
    fn nearest_exactly(
        &self,
        x: &[f32],
        set: usize,
        scores: ArrayView2<'_, f32>,
        b: usize,
        limit: f32,
    ) -> u32 {
        let centres = self.sets[set];
        let mut nearest = (f64::INFINITY, 0);
        for j in (0..self.k).filter(|&j| !exceeds(scores[[j, b]], limit)) {
            let dist = sq_dist(x, centres.row(j).to_slice().expect("centres are contiguous"));
            if dist < nearest.0 {
                nearest = (dist, j as u32);
            }
        }
        nearest.1
    }

    /// Labels of all rows for each set, and the sums of the rows of each cluster.
    pub(crate) fn assign(&self, data: &Data<'_>) -> Vec<Assignment> {
        let (sets, d) = (self.sets.len(), data.d());
        let parts = data.over_parts(|part| {
            let mut found: Vec<Assignment> =
                (0..sets).map(|_| Assignment::empty(part.len(), self.k, d)).collect();
            self.over_blocks(data, part, |rows, labels| {
                for (own, labels) in found.iter_mut().zip(labels.chunks_exact(BLOCK)) {
                    own.push(data, rows.clone(), labels);
                }
            });
            found
        });
        let mut parts = parts.into_iter();
        let mut total = parts.next().expect("data have at least one row");
        for part in parts {
            total.iter_mut().zip(part).for_each(|(t, p)| t.append(p));
        }
        total
    }

    /// Labels of all rows for the first set.
    pub(crate) fn predict(&self, data: &Data<'_>) -> Vec<u32> {
        let parts = data.over_parts(|part| {
            let mut out = Vec::with_capacity(part.len());
            self.over_blocks(data, part, |rows, labels| out.extend_from_slice(&labels[..rows.len()]));
            out
        });
        parts.concat()
    }

    fn over_blocks(&self, data: &Data<'_>, part: Range<usize>, mut f: impl FnMut(Range<usize>, &[u32])) {
        let mut scratch = Scratch::new(self.centred.nrows());
        let mut labels = vec![0_u32; self.sets.len() * BLOCK];
        for rows in blocks(part) {
            self.label_block(data, rows.clone(), &mut scratch, &mut labels);
            f(rows, &labels);
        }
    }
}

/// `a > b` for certain: false for the NaNs of an f32 overflow, which then end in the exact
/// comparison.
fn exceeds(a: f32, b: f32) -> bool {
    a > b
}

/// Buffers of one worker.
struct Scratch {
    /// Dense rows, centred; empty for sparse ones.
    block: Vec<f32>,
    scores: Array2<f32>,
    best: [f32; BLOCK],
    second: [f32; BLOCK],
}

impl Scratch {
    fn new(centres: usize) -> Self {
        Self {
            block: Vec::new(),
            scores: Array2::zeros((centres, BLOCK)),
            best: [0.0; BLOCK],
            second: [0.0; BLOCK],
        }
    }
}

/// Smallest and second smallest score of every column of `scores` `[k, BLOCK]`, and the row of the
/// smallest.
fn two_smallest(
    scores: ArrayView2<'_, f32>,
    best: &mut [f32; BLOCK],
    second: &mut [f32; BLOCK],
    labels: &mut [u32],
) {
    best.fill(f32::INFINITY);
    second.fill(f32::INFINITY);
    labels.fill(0);
    let labels: &mut [u32; BLOCK] = labels.try_into().expect("labels come in blocks");
    for (j, row) in scores.outer_iter().enumerate() {
        let row: &[f32; BLOCK] =
            row.to_slice().and_then(|r| r.try_into().ok()).expect("a row of scores is one contiguous block");
        for b in 0..BLOCK {
            let smaller = row[b] < best[b];
            let runner_up = if smaller { best[b] } else { row[b] };
            second[b] = if runner_up < second[b] { runner_up } else { second[b] };
            labels[b] = if smaller { j as u32 } else { labels[b] };
            best[b] = if smaller { row[b] } else { best[b] };
        }
    }
}

/// The outcome of one pass for one set of centres.
pub(crate) struct Assignment {
    /// Nearest centre of each row.
    pub(crate) labels: Vec<u32>,
    /// Sum of the rows of each cluster, `[k, d]`.
    pub(crate) sums: Array2<f64>,
    /// Rows of each cluster.
    pub(crate) counts: Vec<usize>,
}

impl Assignment {
    fn empty(n: usize, k: usize, d: usize) -> Self {
        Self { labels: Vec::with_capacity(n), sums: Array2::zeros((k, d)), counts: vec![0; k] }
    }

    fn push(&mut self, data: &Data<'_>, rows: Range<usize>, labels: &[u32]) {
        let d = data.d();
        let sums = self.sums.as_slice_mut().expect("a fresh array is contiguous");
        for (i, &label) in rows.zip(labels) {
            let j = label as usize;
            data.add_to(i, &mut sums[j * d..(j + 1) * d]);
            self.counts[j] += 1;
            self.labels.push(label);
        }
    }

    fn append(&mut self, other: Self) {
        self.labels.extend(other.labels);
        self.sums += &other.sums;
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
    }
}

/// Squared distance of each row to the centre its label names, `[n]`.
pub(crate) fn own_distances(data: &Data<'_>, centres: ArrayView2<'_, f64>, labels: &[u32]) -> Vec<f64> {
    let own = |i: usize| {
        let c = centres.row(labels[i] as usize);
        sq_dist(&data.row(i), c.to_slice().expect("centres are contiguous"))
    };
    data.over_parts(|part| part.map(own).collect::<Vec<f64>>()).concat()
}
