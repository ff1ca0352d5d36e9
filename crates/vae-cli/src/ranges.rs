//! The ranges of the columns that a model was fitted on, and new data far outside them: there a
//! model was never asked, and its answer may mean nothing.

use crate::input::folder_of;
use crate::run_record::RUN_FILE;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use vae_core::Features;
use vae_data::{ColumnKind, Schema, as_written};

/// Far is further than this part of the range's width.
const FAR: f64 = 0.5;

/// The most columns that are named.
const MOST_NAMED: usize = 5;

/// A column of numbers in the data of a fit, on the scale of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Its name.
    pub column: String,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

/// The ranges of all columns of numbers that have a value.
pub fn of(x: &Features, schema: &Schema) -> Vec<Range> {
    let range = |column: Numbers<'_>| {
        let mut ends: Option<(f64, f64)> = None;
        column.values().for_each(|v| ends = Some(ends.map_or((v, v), |(l, h)| (l.min(v), h.max(v)))));
        ends.map(|(min, max)| Range { column: column.name.to_owned(), min, max })
    };
    numbers(x, schema).into_iter().filter_map(range).collect()
}

/// What a run file says of the data of its fit; nothing where it is older than the ranges, or not
/// there.
///
/// # Errors
/// A file that cannot be read or is none of ours.
pub fn read(run_json: &Path) -> Result<Vec<Range>> {
    #[derive(Deserialize)]
    struct Run {
        #[serde(default)]
        ranges: Vec<Range>,
    }
    if !run_json.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read(run_json).with_context(|| format!("cannot read {}", run_json.display()))?;
    let run: Run = serde_json::from_slice(&text).with_context(|| {
        format!("{} is damaged: restore it, or remove it to do without its ranges", run_json.display())
    })?;
    Ok(run.ranges)
}

/// Values far outside the ranges of a fit, counted block by block.
#[derive(Debug, Clone, Default)]
pub struct Far {
    ranges: Vec<Range>,
    /// Of each range.
    found: Vec<Outside>,
    /// Places of the ranges by the names of their columns.
    places: HashMap<String, usize>,
    rows: usize,
}

/// The values of one column that lie far outside.
#[derive(Debug, Clone, Copy)]
struct Outside {
    n: usize,
    least: f64,
    most: f64,
}

impl Far {
    /// Held against `ranges`.
    pub fn new(ranges: Vec<Range>) -> Self {
        let none = Outside { n: 0, least: f64::INFINITY, most: f64::NEG_INFINITY };
        // Of columns of one name the first.
        let places = ranges.iter().enumerate().rev().map(|(i, range)| (range.column.clone(), i)).collect();
        Self { found: vec![none; ranges.len()], places, ranges, rows: 0 }
    }

    /// Held against the ranges of the model at `place`, a run folder or a file.
    ///
    /// # Errors
    /// As [`read`].
    pub fn beside(place: &Path) -> Result<Self> {
        Ok(Self::new(read(&folder_of(place).join(RUN_FILE))?))
    }

    /// Counts a block of rows.
    pub fn add(&mut self, x: &Features, schema: &Schema) {
        self.rows += x.n();
        for column in numbers(x, schema) {
            let Some(&at) = self.places.get(column.name) else { continue };
            let (range, outside) = (&self.ranges[at], &mut self.found[at]);
            let margin = FAR * (range.max - range.min);
            let (low, high) = (range.min - margin, range.max + margin);
            for v in column.values_beyond(low, high) {
                *outside =
                    Outside { n: outside.n + 1, least: outside.least.min(v), most: outside.most.max(v) };
            }
        }
    }

    /// A line for each column with values far outside its range, and one for those beyond a few.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .ranges
            .iter()
            .zip(&self.found)
            .filter_map(|(range, found)| self.line(range, found))
            .collect();
        let more = lines.len().saturating_sub(MOST_NAMED);
        lines.truncate(MOST_NAMED);
        if more > 0 {
            lines.push(format!("{more} more columns have values far outside those of the fit"));
        }
        lines
    }

    fn line(&self, range: &Range, outside: &Outside) -> Option<String> {
        let name = &range.column;
        let margin = FAR * (range.max - range.min);
        let (low, high) = (range.min - margin, range.max + margin);
        let Outside { n, least, most } = *outside;
        let extreme = match (least < low, most > high) {
            (false, false) => return None,
            (true, true) => format!("from {} to {}", number(least), number(most)),
            (true, false) => format!("down to {}", number(least)),
            (false, true) => format!("up to {}", number(most)),
        };
        let (min, max) = (number(range.min), number(range.max));
        Some(format!(
            "column `{name}`: {n} of {} rows far outside the {min} to {max} of the fit, {extreme}",
            self.rows
        ))
    }

    /// Says them as warnings.
    pub fn warn(&self) {
        for line in self.lines() {
            eprintln!("warning: {line}");
        }
    }
}

/// A feature that is a column of numbers.
struct Numbers<'a> {
    name: &'a str,
    feature: usize,
    offset: f64,
    x: ndarray::ArrayView2<'a, f32>,
}

impl Numbers<'_> {
    /// Its values on the scale of the file, but for missing ones.
    fn values(&self) -> impl Iterator<Item = f64> {
        self.x.column(self.feature).into_iter().filter(|v| !v.is_nan()).map(|v| as_written(*v, self.offset))
    }

    /// Those below `low` and above `high`.
    fn values_beyond(&self, low: f64, high: f64) -> impl Iterator<Item = f64> {
        // The shortest digits of a number, which take long to find, differ from it by less.
        let slack = 1e-6 * (low.abs() + high.abs());
        let is_near = move |v: &&f32| {
            let v = f64::from(**v) + self.offset;
            v < low + slack || v > high - slack
        };
        let near = self.x.column(self.feature).into_iter().filter(is_near);
        near.map(|v| as_written(*v, self.offset)).filter(move |v| *v < low || *v > high)
    }
}

fn numbers<'a>(x: &'a Features, schema: &'a Schema) -> Vec<Numbers<'a>> {
    let Some(x) = x.as_dense().filter(|x| x.ncols() == schema.n_features()) else { return Vec::new() };
    let columns = schema.columns.iter().zip(schema.ranges());
    let of_numbers = columns.filter_map(|(column, features)| match column.kind {
        ColumnKind::Number { offset } => {
            Some(Numbers { name: &column.name, feature: features.start, offset, x })
        }
        ColumnKind::Category { .. } => None,
    });
    of_numbers.collect()
}

fn number(v: f64) -> String {
    let mut text = String::new();
    let size = v.abs();
    let _ = match v == 0.0 || (1e-4..1e15).contains(&size) {
        true => write!(text, "{v}"),
        false => write!(text, "{v:e}"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ArrayView1, array};
    use vae_data::Column;

    fn features(x: Array2<f32>) -> Features {
        Features::dense(x).expect("finite")
    }

    #[test]
    fn a_range_is_on_the_scale_of_the_file() {
        let time = Column { name: "time".into(), kind: ColumnKind::Number { offset: 1_700_000_000.0 } };
        let columns = vec![Column::number("a"), Column::category("c", ["u", "v"]), time];
        let schema = Schema { named: true, columns };
        let ranges = of(&features(array![[0.1, 1.0, 0.0, 5.0], [-2.0, 0.0, 1.0, 7.0]]), &schema);
        let range = |column: &str, min, max| Range { column: column.into(), min, max };
        assert_eq!(ranges, [range("a", -2.0, 0.1), range("time", 1_700_000_005.0, 1_700_000_007.0)]);
    }

    fn warnings(fitted: &[Range], x: &Features, schema: &Schema) -> Vec<String> {
        let whole = told(fitted, &[x], schema);
        let dense = x.as_dense().expect("dense");
        let rows: Vec<Features> = dense.rows().into_iter().map(|row| features(array_of(row))).collect();
        assert_eq!(told(fitted, &rows.iter().collect::<Vec<_>>(), schema), whole, "row by row");
        whole
    }

    fn array_of(row: ArrayView1<'_, f32>) -> Array2<f32> {
        row.to_owned().insert_axis(ndarray::Axis(0))
    }

    fn told(fitted: &[Range], blocks: &[&Features], schema: &Schema) -> Vec<String> {
        let mut far = Far::new(fitted.to_vec());
        blocks.iter().for_each(|x| far.add(x, schema));
        far.lines()
    }

    #[test]
    fn only_what_lies_far_outside_is_told() {
        let schema = Schema::plain(true, ["age", "b"]);
        let fitted = of(&features(array![[18.0, 0.0], [90.0, 1.0]]), &schema);
        let said = |x: Array2<f32>| warnings(&fitted, &features(x), &schema);
        assert_eq!(said(array![[126.0, 1.5], [-18.0, -0.5]]), [""; 0], "half the width is not far");
        assert_eq!(
            said(array![[1000.0, 0.0], [127.0, 0.0], [91.0, 0.0]]),
            ["column `age`: 2 of 3 rows far outside the 18 to 90 of the fit, up to 1000"]
        );
        assert_eq!(
            said(array![[-1000.0, 0.0], [20.0, 1e20]]),
            [
                "column `age`: 1 of 2 rows far outside the 18 to 90 of the fit, down to -1000",
                "column `b`: 1 of 2 rows far outside the 0 to 1 of the fit, up to 1e20"
            ]
        );
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let schema = Schema::plain(true, names);
        let fitted = of(&features(Array2::zeros((2, 7))), &schema);
        let many = warnings(&fitted, &features(Array2::ones((1, 7))), &schema);
        assert_eq!(many.len(), 6);
        assert_eq!(many[5], "2 more columns have values far outside those of the fit");
    }
}
