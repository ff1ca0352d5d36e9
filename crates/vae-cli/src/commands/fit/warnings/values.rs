//! Clusters that are the values of one column, or of few.
//!
//! Codes that are read as numbers (1 for a man, 2 for a woman), flags and counts come apart into
//! their values, clearly and whatever the other columns say; so do the levels of a category that
//! is the class itself. The clusters are then no news, and a reader should know.

use crate::output::shell_word;
use ndarray::{Array1, ArrayView1};
use std::collections::BTreeMap;
use vae_core::features::MOST_LEVELS;
use vae_core::random::{Streams, sorted_sample};
use vae_core::{Column, Features};

/// Rows of a value, or of a combination of some, on average and at least: of fewer it tells
/// nothing.
const ROWS_A_VALUE: usize = 10;

/// Rows whose cluster is that of most rows with the value, at least.
const TOLD: f64 = 0.99;

/// The share of the largest cluster, at most: of one that holds nearly all rows every column tells.
const LARGEST: f64 = 0.95;

/// Rows that are looked at, at most, for the sake of cost.
const MOST_ROWS: usize = 5_000;

/// More columns of few values are pixels, bits or words, and no codes.
const MOST_CANDIDATES: usize = 100;

/// Columns whose combinations are looked at.
const MOST_COLUMNS: usize = 3;

/// The warning; `None` where no column tells the clusters, and for features that are no table with
/// several columns.
pub fn warning(features: &Features, clusters: &Array1<u32>) -> Option<String> {
    let rows = sorted_sample(&mut Streams::new(0, "values").rng("rows", 0, 0), clusters.len(), MOST_ROWS);
    let columns = columns_of_values(features, &rows)?;
    let clusters: Array1<u32> = rows.iter().map(|row| clusters[*row]).collect();
    if columns.len() > MOST_CANDIDATES {
        return None;
    }
    let n_in_largest = counts(clusters.iter()).into_values().max()?;
    if n_in_largest as f64 > LARGEST * clusters.len() as f64 {
        return None;
    }
    let told = columns_that_tell(&columns, clusters.view())?;
    let names: Vec<&str> = told.iter().map(|column| column.name.as_str()).collect();
    let numbers: Vec<&str> =
        told.iter().filter(|column| !column.is_category).map(|c| c.name.as_str()).collect();
    let of = |names: &[&str], option: &str| {
        names.iter().map(|name| format!("{option} {}", shell_word(name))).collect::<Vec<_>>().join(" ")
    };
    let are = if names.len() == 1 { "the values" } else { "combinations of the values" };
    let named = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let which = if numbers.len() == 1 { "its numbers" } else { "these" };
    let codes = match numbers.is_empty() {
        true => String::new(),
        false => format!("if {which} are codes and not amounts, say {}; ", of(&numbers, "--categorical")),
    };
    Some(format!(
        "the clusters are {are} of {named}, whatever the other columns say: {codes}if that is no news, fit again with {}",
        of(&names, "--drop")
    ))
}

/// A column of few values.
struct OfValues {
    name: String,
    is_category: bool,
    /// A number for the value of each row.
    values: Vec<u32>,
}

/// The numbers with few values, and the categories whose levels have enough rows.
fn columns_of_values(features: &Features, rows: &[usize]) -> Option<Vec<OfValues>> {
    let n = rows.len();
    let schema = features.schema().filter(|schema| schema.columns.len() > 1)?;
    let dense = features.as_dense()?;
    let of = |(column, range): (&Column, std::ops::Range<usize>)| {
        let is_category = column.levels().is_some();
        let levels = if is_category { features.levels(&range) } else { Vec::new() };
        let value = |row: usize| match is_category {
            true => levels[row].map(|level| level as u32),
            false => {
                let value = dense[[row, range.start]];
                let is_known = !value.is_nan() && !features.is_gap(row, range.start);
                is_known.then(|| (value + 0.0).to_bits())
            }
        };
        let most = if is_category { n / ROWS_A_VALUE } else { MOST_LEVELS.min(n / ROWS_A_VALUE) };
        let (mut known, mut values) = (BTreeMap::new(), Vec::with_capacity(n));
        for &row in rows {
            let next = known.len() as u32;
            values.push(*known.entry(value(row)).or_insert(next));
            if known.len() > most {
                return None;
            }
        }
        (known.len() > 1).then(|| OfValues { name: column.name.clone(), is_category, values })
    };
    Some(schema.columns.iter().zip(schema.ranges()).filter_map(of).collect())
}

/// The column whose value tells the cluster, or the numbers whose values together do.
fn columns_that_tell<'a>(
    columns: &'a [OfValues],
    clusters: ArrayView1<'_, u32>,
) -> Option<Vec<&'a OfValues>> {
    let n = clusters.len();
    let is_enough = |told: usize| told as f64 >= TOLD * n as f64;
    let alone = columns.iter().map(|column| (told(&column.values, clusters), column));
    if let Some((_, best)) = alone.max_by_key(|(told, _)| *told).filter(|(told, _)| is_enough(*told)) {
        return Some(vec![best]);
    }
    let (mut found, mut values): (Vec<&OfValues>, Vec<u32>) = (Vec::new(), vec![0; n]);
    while found.len() < MOST_COLUMNS {
        let with = |column: &OfValues| combined(&values, &column.values);
        let numbers = columns.iter().filter(|column| !column.is_category);
        let best =
            numbers.map(|column| (told(&with(column), clusters), column)).max_by_key(|(told, _)| *told);
        let (n_told, column) = best?;
        values = with(column);
        found.push(column);
        if counts(values.iter()).len() * ROWS_A_VALUE > n {
            return None;
        }
        if is_enough(n_told) {
            return Some(found);
        }
    }
    None
}

/// A number for each combination of two values.
fn combined(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut known = BTreeMap::new();
    let number = |(a, b): (&u32, &u32)| {
        let next = known.len() as u32;
        *known.entry((*a, *b)).or_insert(next)
    };
    a.iter().zip(b).map(number).collect()
}

/// Rows whose cluster is that of most rows with their value.
fn told(values: &[u32], clusters: ArrayView1<'_, u32>) -> usize {
    let of_pairs = counts(values.iter().copied().zip(clusters.iter().copied()));
    let mut most = BTreeMap::<u32, usize>::new();
    for ((value, _), count) in of_pairs {
        let most = most.entry(value).or_default();
        *most = count.max(*most);
    }
    most.into_values().sum()
}

fn counts<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use vae_core::Schema;

    /// 100 rows: a code of 1, 2 and 3, a number that differs from row to row, a flag, and two
    /// levels.
    fn table() -> Features {
        let x = Array2::from_shape_fn((100, 5), |(i, j)| match j {
            0 => (i % 3 + 1) as f32,
            1 => i as f32,
            2 => (i % 2) as f32,
            j => f32::from((i % 5 == 0) == (j == 3)),
        });
        let columns = vec![
            Column::number("sex"),
            Column::number("income"),
            Column::number("is_member"),
            Column::category("the class", ["a", "b"]),
        ];
        Features::table(x, Some(Schema { named: true, columns })).expect("valid")
    }

    #[test]
    fn a_code_that_is_the_clusters_is_told() {
        let x = table();
        let of = |cluster: &dyn Fn(usize) -> u32| warning(&x, &(0..100).map(cluster).collect());
        let told = of(&|i| u32::from(i % 3 == 1)).expect("a warning");
        assert!(told.contains("values of `sex`") && told.contains("--categorical sex"), "{told}");
        assert!(told.ends_with("--drop sex"), "{told}");
        assert_eq!(of(&|i| u32::from(i % 3 == 1 || i < 4)), None, "98 of 100");
        assert_eq!(of(&|i| u32::from(i < 50)), None, "a number of many values");
        assert_eq!(of(&|i| u32::from(i == 3)), None, "one cluster holds nearly all rows");
        let category = of(&|i| u32::from(i % 5 == 0)).expect("a warning");
        assert!(category.contains("--drop 'the class'") && !category.contains("--categorical"), "{category}");
        let both = of(&|i| u32::from(i % 3 == 1) + 2 * u32::from(i % 2 == 0)).expect("a warning");
        assert!(both.contains("combinations of the values of `is_member` and `sex`"), "{both}");
        assert!(
            both.contains("if these are codes") && both.ends_with("--drop is_member --drop sex"),
            "{both}"
        );
        let alone = Features::dense(Array2::zeros((100, 1))).expect("valid");
        assert_eq!(warning(&alone, &(0..100).map(|i| i % 2).collect()), None);
    }
}
