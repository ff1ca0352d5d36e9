//! The columns of a table with categories, as latent classes see them.
//!
//! A class has a normal distribution of each number. Where a number has few values, or often the
//! same one, a class of a single value has no variance, and its density pays for classes of which
//! the other columns know nothing; and a number of another shape, such as ages or incomes, is
//! described better by several classes than by one. So such values become levels of a category,
//! and the others are replaced by their normal scores: numbers say which rows are alike, and their
//! shapes say nothing of classes.

use crate::Result;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use tch::Tensor;
use vae_core::Features;
use vae_core::features::MOST_LEVELS;
use vae_gmm::MixedRows;
use vae_gmm::latent_class::MISSING;

/// A value that a larger share of the rows has, of those whose values are not more frequent, is a
/// level.
const SHARE_OF_A_LEVEL: f64 = 0.2;

/// Fewer rows than this share, of values that are not levels, are one level.
const SHARE_OF_THE_REST: f64 = 0.1;

/// The columns of a table that vary.
pub(super) struct MixedTable {
    /// `[n, d]`, [`MISSING`] where a cell is.
    levels: Array2<u32>,
    /// Normal scores, `[n, q]`, NaN where a cell is missing or has a level.
    numbers: Array2<f32>,
    /// The features of `numbers`.
    features: Vec<usize>,
    /// How many of the categories of the table vary.
    n_categories: usize,
}

impl MixedTable {
    /// That of `x`; `None` for sparse features and those without categories.
    ///
    /// # Errors
    /// libtorch's.
    pub fn of(x: &Features) -> Result<Option<Self>> {
        let Some(dense) = x.as_dense().filter(|_| x.has_categories()) else { return Ok(None) };
        let (numbers, categories) = x.numbers_and_categories();
        let of_category = |features| -> Vec<u32> {
            x.levels(features).into_iter().map(|level| level.map_or(MISSING, |l| l as u32)).collect()
        };
        let mut levels: Vec<Vec<u32>> = categories.iter().map(of_category).filter(|c| varies(c)).collect();
        let n_categories = levels.len();
        let (mut scores, mut features) = (Vec::new(), Vec::new());
        for j in numbers {
            // The sum makes 0 of -0, which is equal to it.
            let known = |(i, v): (usize, &f32)| if x.is_gap(i, j) { f32::NAN } else { *v + 0.0 };
            let values: Array1<f32> = dense.column(j).iter().enumerate().map(known).collect();
            let (of_levels, rest) = split(values.view());
            levels.extend(of_levels);
            if let Some(rest) = rest {
                scores.push(normal_scores(&rest)?);
                features.push(j);
            }
        }
        let n = x.n();
        Ok(Some(Self {
            levels: Array2::from_shape_fn((n, levels.len()), |(i, j)| levels[j][i]),
            numbers: Array2::from_shape_fn((n, scores.len()), |(i, j)| scores[j][i]),
            features,
            n_categories,
        }))
    }

    pub fn rows(&self) -> MixedRows<'_> {
        MixedRows { levels: self.levels.view(), numbers: self.numbers.view() }
    }

    pub fn n(&self) -> usize {
        self.levels.nrows()
    }

    /// How many of the categories of the table vary.
    pub fn n_categories(&self) -> usize {
        self.n_categories
    }

    /// The features that are neither categories nor have levels.
    pub fn numbers(&self) -> &[usize] {
        &self.features
    }

    /// Some of the rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let (levels, numbers) = (self.levels.select(Axis(0), rows), self.numbers.select(Axis(0), rows));
        Self { levels, numbers, features: self.features.clone(), n_categories: self.n_categories }
    }

    /// Without the numbers.
    pub fn levels_alone(self) -> Self {
        Self { numbers: Array2::zeros((self.levels.nrows(), 0)), features: Vec::new(), ..self }
    }
}

/// Whether at least two levels occur.
fn varies(levels: &[u32]) -> bool {
    let mut known = levels.iter().filter(|level| **level != MISSING);
    known.next().is_some_and(|first| known.any(|level| level != first))
}

/// The values of a number that are levels, and the others, NaN where there is none. Neither without
/// two values that differ.
fn split(values: ArrayView1<'_, f32>) -> (Option<Vec<u32>>, Option<Vec<f32>>) {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let counted: Vec<(f32, usize)> = sorted.chunk_by(|a, b| a == b).map(|all| (all[0], all.len())).collect();
    if counted.len() < 2 {
        return (None, None);
    }
    let mut of_levels: Vec<f32> = counted.iter().map(|(value, _)| *value).collect();
    let mut rest = 0;
    if counted.len() > MOST_LEVELS {
        rest = sorted.len();
        let mut by_count = counted;
        by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let is_level = |&(_, count): &(f32, usize)| {
            let is_frequent = count as f64 > SHARE_OF_A_LEVEL * rest as f64;
            rest -= if is_frequent { count } else { 0 };
            is_frequent
        };
        of_levels = by_count.into_iter().take_while(is_level).map(|(value, _)| value).collect();
        of_levels.sort_unstable_by(f32::total_cmp);
    }
    let has_rest = rest as f64 >= SHARE_OF_THE_REST * sorted.len() as f64;
    let level = |value: f32| of_levels.binary_search_by(|other| other.total_cmp(&value));
    let code = |value: &f32| match level(*value) {
        _ if value.is_nan() => MISSING,
        Ok(at) => at as u32,
        Err(_) => of_levels.len() as u32,
    };
    let levels = (!of_levels.is_empty()).then(|| values.iter().map(code).collect());
    let others = values.iter().map(|v| if v.is_nan() || level(*v).is_ok() { f32::NAN } else { *v });
    (levels, has_rest.then(|| others.collect()))
}

/// The quantile of the standard normal distribution at the rank of each value, (r - 1/2) / n with
/// the mean rank of equal values; NaN stays.
///
/// # Errors
/// libtorch's.
fn normal_scores(values: &[f32]) -> Result<Vec<f32>> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let n = order.len() as f64;
    let mut shares = vec![f64::NAN; values.len()];
    let mut below = 0.0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let share = (below + 0.5 * equal.len() as f64) / n;
        equal.iter().for_each(|&i| shares[i] = share);
        below += equal.len() as f64;
    }
    let scores = Tensor::f_from_slice(&shares)?.f_special_ndtri()?;
    Ok(Vec::<f64>::try_from(scores)?.into_iter().map(|score| score as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vae_core::{Column, Schema};

    #[test]
    fn frequent_values_are_levels_and_the_rest_has_scores() {
        let of = |values: &[f32]| split(ndarray::aview1(values));
        assert_eq!(of(&[3.0, 3.0, f32::NAN]), (None, None), "nothing varies");
        let (levels, rest) = of(&[5.0, 0.0, f32::NAN, 5.0, 0.0]);
        assert_eq!((levels, rest), (Some(vec![1, 0, MISSING, 1, 0]), None));
        // Half of the rows are 0, and the others differ.
        let mut values: Vec<f32> = (0..40).map(|i| if i % 2 == 0 { 0.0 } else { i as f32 }).collect();
        let (levels, rest) = of(&values);
        assert_eq!(levels.map(|l| l[..3].to_vec()), Some(vec![0, 1, 0]));
        let rest = rest.expect("numbers");
        assert!(rest[0].is_nan() && rest[1] == 1.0 && rest[3] == 3.0);
        // No value is frequent.
        values = (0..40).map(|i| i as f32).collect();
        assert_eq!(of(&values), (None, Some(values.clone())));
        // Counts that fall by half: 0, 1, 2, … are levels until few rows are left.
        values = (0..1024_u32).map(|i| (i + 1).trailing_zeros() as f32).collect();
        let (levels, rest) = of(&values);
        assert!(rest.is_none(), "the few others are one level");
        assert_eq!(levels.map(|l| l.into_iter().max()), Some(Some(10)));
    }

    #[test]
    fn scores_are_normal_quantiles_of_the_mean_rank() {
        let scores = normal_scores(&[10.0, f32::NAN, 7.0, 7.0, 100.0]).expect("scores");
        // Shares 5/8, 2/8 twice, and 7/8.
        let expected = [0.318_639_36, f32::NAN, -0.674_489_75, -0.674_489_75, 1.150_349_4];
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6 || (score.is_nan() && expected.is_nan()), "{scores:?}");
        }
    }

    #[test]
    fn columns_that_do_not_vary_are_left_out() {
        let columns = vec![
            Column::category("a", ["x", "y"]),
            Column::category("b", ["x", "y"]),
            Column::number("c"),
            Column::number("d"),
        ];
        let x = ndarray::array![
            [1.0, 0.0, 1.0, 0.0, 4.0, 1.0],
            [0.0, 1.0, 1.0, 0.0, 4.0, 2.0],
            [0.0, 1.0, 1.0, 0.0, 4.0, 2.0]
        ];
        let x = Features::table(x, Some(Schema { named: true, columns })).expect("valid");
        let table = MixedTable::of(&x).expect("columns").expect("a table with categories");
        assert_eq!((table.n_categories(), table.numbers()), (1, &[][..]));
        assert_eq!(table.rows().levels, ndarray::array![[0, 0], [1, 1], [1, 1]], "a and d");
        assert!(
            MixedTable::of(&Features::dense(Array2::zeros((2, 2))).expect("valid")).expect("no").is_none()
        );
    }
}
