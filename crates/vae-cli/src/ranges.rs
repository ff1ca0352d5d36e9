//! The ranges of the columns that a model was fitted on, and new data far outside them: there a
//! model was never asked, and its answer may mean nothing.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::Path;
use vae_core::Features;
use vae_data::{ColumnKind, Schema};

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

/// A line for each column with values far outside its range, and one for those beyond a few.
pub fn warnings(ranges: &[Range], x: &Features, schema: &Schema) -> Vec<String> {
    let far = |column: Numbers<'_>| {
        let range = ranges.iter().find(|range| range.column == column.name)?;
        let margin = FAR * (range.max - range.min);
        let (low, high) = (range.min - margin, range.max + margin);
        let (mut n, mut least, mut most) = (0, f64::INFINITY, f64::NEG_INFINITY);
        for v in column.values().filter(|v| *v < low || *v > high) {
            (n, least, most) = (n + 1, least.min(v), most.max(v));
        }
        let extreme = match (least < low, most > high) {
            (false, false) => return None,
            (true, true) => format!("from {} to {}", number(least), number(most)),
            (true, false) => format!("down to {}", number(least)),
            (false, true) => format!("up to {}", number(most)),
        };
        let (min, max) = (number(range.min), number(range.max));
        Some(format!(
            "column `{}`: {n} of {} rows far outside the {min} to {max} of the fit, {extreme}",
            column.name,
            x.n()
        ))
    };
    let mut lines: Vec<String> = numbers(x, schema).into_iter().filter_map(far).collect();
    let more = lines.len().saturating_sub(MOST_NAMED);
    lines.truncate(MOST_NAMED);
    if more > 0 {
        lines.push(format!("{more} more columns have values far outside those of the fit"));
    }
    lines
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
        let on_scale = |v: f32| if self.offset == 0.0 { shortest(v) } else { f64::from(v) + self.offset };
        self.x.column(self.feature).into_iter().filter(|v| !v.is_nan()).map(move |v| on_scale(*v))
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

/// The number with the digits that the single needs: 0.1 and not 0.10000000149.
fn shortest(v: f32) -> f64 {
    v.to_string().parse().unwrap_or_else(|_| f64::from(v))
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
    use ndarray::{Array2, array};
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
