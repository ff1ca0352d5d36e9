//! The levels of categories and of numbers of few values, and the cells that were missing.

use super::Features;
use crate::random::Streams;
use crate::{Column, Schema};
use ndarray::{Array2, ArrayView1, Axis, s};
use rand::RngExt;
use std::ops::Range;
use std::sync::Arc;

impl Features {
    /// Whether a feature of a row stands for a missing value ([`Features::gaps`]).
    pub fn is_gap(&self, row: usize, feature: usize) -> bool {
        self.gaps().binary_search(&(row * self.dim() + feature)).is_ok()
    }

    /// The level of each row in the category of these one-hot features, `[n]`; `None` where it is
    /// missing, and for sparse features.
    pub fn levels(&self, category: &Range<usize>) -> Vec<Option<usize>> {
        let Some(dense) = self.as_dense() else { return vec![None; self.n()] };
        let largest = |row: ArrayView1<'_, f32>| {
            (1..row.len()).fold(0, |best, level| if row[level] > row[best] { level } else { best })
        };
        let one_hot = dense.slice(s![.., category.clone()]);
        let rows = one_hot.rows().into_iter().enumerate();
        let is_known =
            |i: usize, row: ArrayView1<'_, f32>| !row[0].is_nan() && !self.is_gap(i, category.start);
        rows.map(|(i, row)| is_known(i, row).then(|| largest(row))).collect()
    }
}

/// The share of the rows that has the rarer of two values, at least: of a value that hardly ever
/// occurs the column says nothing.
const LEAST_SHARE: f64 = 0.01;

/// More columns of two values are pixels, bits or words, and no questions.
const MOST_COLUMNS: usize = 200;

/// A number with more values has no levels: it is no code, no flag and no small count.
pub const MOST_LEVELS: usize = 10;

/// The share of the rows that has the second most frequent of several values, at least.
const SECOND_SHARE: f64 = 0.1;

impl Features {
    /// The same table with its numbers of two values as categories, one-hot, as a column of words
    /// would be: between two values there is no distance to be had. `None` where there is none, or
    /// only with one value in less than a hundredth of the rows; where there are more than 200,
    /// which are pixels, bits or words; and for features that are no table.
    ///
    /// # Errors
    /// As [`Features::table`].
    pub fn with_two_values_as_levels(&self) -> crate::Result<Option<Self>> {
        let (Some(dense), Some(schema)) = (self.as_dense(), self.schema()) else { return Ok(None) };
        let ranges: Vec<Range<usize>> = schema.ranges().collect();
        let of_column = |(column, range): (&Column, &Range<usize>)| match column.levels() {
            None => self.two_values(range.start),
            Some(_) => None,
        };
        let found: Vec<Option<TwoValues>> = schema.columns.iter().zip(&ranges).map(of_column).collect();
        if !(1..=MOST_COLUMNS).contains(&found.iter().flatten().count()) {
            return Ok(None);
        }
        let mut columns = Vec::new();
        // The feature that each new one is made of, and of which of its two values.
        let mut sources: Vec<(usize, Option<(&TwoValues, usize)>)> = Vec::new();
        for ((column, range), found) in schema.columns.iter().zip(ranges).zip(&found) {
            match found {
                None => {
                    columns.push(column.clone());
                    sources.extend(range.map(|j| (j, None)));
                }
                Some(two) => {
                    let levels = two.values.map(|value| value.to_string());
                    columns.push(Column::category(column.name.clone(), levels));
                    sources.extend([0, 1].map(|level| (range.start, Some((two, level)))));
                }
            }
        }
        let (n, dim) = (self.n(), sources.len());
        let mut gaps = Vec::new();
        let x = Array2::from_shape_fn((n, dim), |(i, feature)| {
            let (j, level) = sources[feature];
            let is_gap = self.is_gap(i, j);
            if is_gap {
                gaps.push(i * dim + feature);
            }
            match level {
                None => dense[[i, j]],
                Some((two, level)) if is_gap => two.shares[level],
                Some((two, level)) => f32::from(dense[[i, j]] == two.values[level]),
            }
        });
        let table = Self::table(x, Some(Schema { named: schema.named, columns }))?;
        Ok(Some(Self { gaps: gaps.into(), ..table }))
    }

    /// The two values of a number that has no others, both in enough of the rows.
    fn two_values(&self, feature: usize) -> Option<TwoValues> {
        let [(low, n_low), (high, n_high)] = self.few_values(feature)?[..] else { return None };
        let share = |count: usize| count as f32 / (n_low + n_high) as f32;
        let are_enough = n_low.min(n_high) as f64 >= LEAST_SHARE * self.n() as f64;
        are_enough.then(|| TwoValues { values: [low, high], shares: [share(n_low), share(n_high)] })
    }

    /// The values of a number in the rows that have one, ascending, each with its number of rows;
    /// `None` where there are more than [`MOST_LEVELS`].
    fn few_values(&self, feature: usize) -> Option<Counts> {
        let column = self.as_dense()?.index_axis_move(Axis(1), feature);
        let known = column.iter().enumerate().filter(|(i, v)| !v.is_nan() && !self.is_gap(*i, feature));
        let mut counts = Counts::new();
        for (_, &value) in known {
            match place(&counts, value) {
                Ok(at) => counts[at].1 += 1,
                Err(_) if counts.len() == MOST_LEVELS => return None,
                Err(at) => counts.insert(at, (value + 0.0, 1)),
            }
        }
        Some(counts)
    }
}

/// Values, ascending, each with its number of rows.
type Counts = Vec<(f32, usize)>;

/// Where a value stands, or would stand. Zero has two signs.
fn place(counts: &[(f32, usize)], value: f32) -> Result<usize, usize> {
    counts.binary_search_by(|(other, _)| other.total_cmp(&(value + 0.0)))
}

impl Features {
    /// The same table with the values of its counts and codes spread: a number of three to ten
    /// values gets a uniform one from half way to the value below to half way to the one above.
    /// Between the values there is nothing, and a neighbour graph would fall apart into them,
    /// whatever the rows are; spread they keep their order and their distances, and no gaps.
    /// `None` where there is no such number beside one of more values, or only with one value in
    /// nearly all rows, and for features that are no table.
    ///
    /// # Errors
    /// As [`Features::table`].
    pub fn with_levels_spread(&self, streams: &Streams) -> crate::Result<Option<Self>> {
        let (Some(dense), Some(schema)) = (self.as_dense(), self.schema()) else { return Ok(None) };
        let (numbers, _) = self.numbers_and_categories();
        let found: Vec<(usize, Option<Counts>)> = numbers.iter().map(|&j| (j, self.few_values(j))).collect();
        let has_many = found.iter().any(|(_, counts)| counts.is_none());
        let has_levels = |counts: &Counts| {
            let mut sizes: Vec<usize> = counts.iter().map(|(_, count)| *count).collect();
            sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
            sizes.len() >= 3 && sizes[1] as f64 >= SECOND_SHARE * self.n() as f64
        };
        let levels = found.into_iter().filter_map(|(j, counts)| Some((j, counts.filter(has_levels)?)));
        let levels: Vec<(usize, Counts)> = levels.filter(|_| has_many).collect();
        if levels.is_empty() {
            return Ok(None);
        }
        let mut x = dense.to_owned();
        for (j, levels) in levels {
            let mut rng = streams.rng("levels", j, 0);
            for (i, v) in x.column_mut(j).iter_mut().enumerate() {
                let share: f32 = rng.random();
                if let Ok(at) = place(&levels, *v)
                    && !self.is_gap(i, j)
                {
                    let step = |to: usize| (levels[to + 1].0 - levels[to].0) / 2.0;
                    let below = step(at.saturating_sub(1));
                    let above = step(at.min(levels.len() - 2));
                    *v += share * (below + above) - below;
                }
            }
        }
        let table = Self::table(x, Some(schema.clone()))?;
        Ok(Some(Self { gaps: Arc::clone(&self.gaps), ..table }))
    }
}

/// The values of a number that has two.
struct TwoValues {
    /// Ascending.
    values: [f32; 2],
    /// Their shares of the rows that are known.
    shares: [f32; 2],
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn numbers_of_two_values_become_levels() {
        let columns = vec![Column::number("flag"), Column::number("age"), Column::category("c", ["x", "y"])];
        let x = array![
            [1.0, 30.0, 1.0, 0.0],
            [2.5, 31.0, 0.0, 1.0],
            [f32::NAN, 30.0, 0.0, 1.0],
            [1.0, 35.0, f32::NAN, f32::NAN]
        ];
        let table = Features::table(x, Some(Schema { named: true, columns })).expect("valid");
        let filled =
            table.filled(|mut row| row.mapv_inplace(|v| if v.is_nan() { 0.5 } else { v })).expect("filled");
        let found = filled.with_two_values_as_levels().expect("a table").expect("a flag");
        let third = 2.0 / 3.0;
        let expected = array![
            [1.0, 0.0, 30.0, 1.0, 0.0],
            [0.0, 1.0, 31.0, 0.0, 1.0],
            [third, 1.0 / 3.0, 30.0, 0.0, 1.0],
            [1.0, 0.0, 35.0, 0.5, 0.5]
        ];
        assert_eq!(found.as_dense().expect("dense"), expected);
        assert_eq!(found.gaps(), [10, 11, 18, 19]);
        let schema = found.schema().expect("a schema");
        assert_eq!(schema.feature_names(), ["flag=1", "flag=2.5", "age", "c=x", "c=y"]);
        assert!(found.with_two_values_as_levels().expect("a table").is_none(), "age has three values");
    }

    #[test]
    fn counts_beside_other_numbers_are_spread() {
        let streams = Streams::new(0, "test");
        let columns = vec![Column::number("children"), Column::number("income"), Column::number("rare")];
        let x = Array2::from_shape_fn((60, 3), |(i, j)| match j {
            0 => [0.0, 1.0, 3.0][i % 3],
            1 => i as f32,
            _ => f32::from(i == 5) * 7.0 + f32::from(i == 6),
        });
        let table = Features::table(x.clone(), Some(Schema { named: true, columns })).expect("valid");
        let spread = table.with_levels_spread(&streams).expect("a table").expect("children");
        let found = spread.as_dense().expect("dense");
        assert_eq!((found.column(1), found.column(2)), (x.column(1), x.column(2)));
        for (v, level) in found.column(0).iter().zip(x.column(0)) {
            let (low, high) = match *level {
                0.0 => (-0.5, 0.5),
                1.0 => (0.5, 2.0),
                _ => (2.0, 4.0),
            };
            assert!((low..=high).contains(v), "{level} {v}");
        }
        let mut sorted = found.column(0).to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 0.7), "{sorted:?}");
        let again = table.with_levels_spread(&streams).expect("a table").expect("children");
        assert_eq!(again.as_dense(), spread.as_dense());
        let alone = Features::table(x.slice(s![.., ..1]).to_owned(), Some(Schema::plain(true, ["a"])));
        assert!(alone.expect("valid").with_levels_spread(&streams).expect("a table").is_none());
    }

    #[test]
    fn a_value_that_hardly_occurs_makes_no_levels() {
        let of = |n: usize| {
            let x = Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { i as f32 } else { f32::from(i == 3) });
            let schema = Schema::plain(true, ["a", "b"]);
            Features::table(x, Some(schema)).expect("valid").with_two_values_as_levels().expect("a table")
        };
        assert!(of(100).is_some() && of(101).is_none());
        let plain = Features::dense(Array2::eye(4)).expect("valid");
        assert!(plain.with_two_values_as_levels().expect("an array").is_none());
    }
}
