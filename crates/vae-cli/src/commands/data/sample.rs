//! A look at the first rows of a data set: an image in characters, the heaviest terms of documents,
//! or numbers.

use anyhow::Result;
use ndarray::ArrayView1;
use std::fmt::Write;
use vae_data::{Csr, ImageShape, Labels, LoadOptions, Matrix, Source};

const ROWS: usize = 3;
const VALUES: usize = 8;
const TERMS: usize = 10;
/// From dark to bright, as most terminals are dark.
const SHADES: &[u8] = b" .:-=+*#%@";
/// A picture is at most so many characters wide; characters are twice as high as wide.
const WIDTH: usize = 56;

/// Loads the set and describes its first rows.
pub(super) fn text(source: &Source, options: &LoadOptions) -> Result<String> {
    let (set, labels) = vae_data::load(source, options)?;
    let labels = labels.as_ref();
    Ok(match (&set.x, &set.vocabulary, set.image) {
        (Matrix::Sparse(x), vocabulary, _) => {
            let terms = vocabulary.as_ref().map(|v| v.terms.as_slice()).unwrap_or_default();
            documents(x, terms, labels)
        }
        (Matrix::Dense(x), _, Some(image)) => {
            let name = class(labels, 0).map_or_else(String::new, |name| format!(" ({name})"));
            format!("the first image{name}:\n{}", picture(x.row(0), image))
        }
        (Matrix::Dense(x), _, None) => {
            let mut out = String::from("the first rows:\n");
            for (i, row) in x.rows().into_iter().take(ROWS).enumerate() {
                let values: Vec<String> = row.iter().take(VALUES).map(|v| format!("{v:.4}")).collect();
                let more = if row.len() > VALUES { " ..." } else { "" };
                let _ = writeln!(out, "  {}{more}{}", values.join(" "), of_class(labels, i));
            }
            out
        }
    })
}

fn class(labels: Option<&Labels>, row: usize) -> Option<&str> {
    let labels = labels?;
    labels.class_names.get(labels.y.get(row).copied()?? as usize).map(String::as_str)
}

fn of_class(labels: Option<&Labels>, row: usize) -> String {
    class(labels, row).map_or_else(String::new, |name| format!("  ({name})"))
}

/// The heaviest terms of the first documents.
fn documents(x: &Csr, terms: &[String], labels: Option<&Labels>) -> String {
    let mean = x.values.len() as f64 / x.n().max(1) as f64;
    let mut out = format!("{mean:.1} different terms a document; the heaviest of the first ones:\n");
    for row in 0..x.n().min(ROWS) {
        let (indices, values) = x.row(row);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let heaviest: Vec<&str> = order
            .iter()
            .take(TERMS)
            .filter_map(|i| terms.get(indices[*i] as usize))
            .map(String::as_str)
            .collect();
        let _ = writeln!(out, "  {}{}", heaviest.join(" "), of_class(labels, row));
    }
    out
}

/// Brightness as characters; colours by their mean.
fn picture(row: ArrayView1<'_, f32>, image: ImageShape) -> String {
    let ImageShape { channels, height, width } = image;
    let (low, high) = row.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let columns = (2 * width).clamp(1, WIDTH);
    let lines = (columns * height / (2 * width).max(1)).max(1);
    let mut out = String::new();
    for line in 0..lines {
        let mut text = String::new();
        for column in 0..columns {
            let (y, x) = (line * height / lines, column * width / columns);
            let sum: f32 = (0..channels).map(|c| row[(c * height + y) * width + x]).sum();
            let share = (sum / channels as f32 - low) / (high - low).max(f32::MIN_POSITIVE);
            let shade = (share * (SHADES.len() - 1) as f32).round() as usize;
            text.push(char::from(SHADES[shade.min(SHADES.len() - 1)]));
        }
        let _ = writeln!(out, "  {}", text.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_picture_keeps_its_sides() {
        let image = ImageShape { channels: 1, height: 2, width: 2 };
        assert_eq!(picture(array![0.0, 1.0, 1.0, 0.0].view(), image), "    @@\n  @@\n");
        let flat = ImageShape { channels: 3, height: 1, width: 1 };
        assert_eq!(picture(array![0.5, 0.5, 0.5].view(), flat), "  \n");
        let wide = ImageShape { channels: 1, height: 1, width: 500 };
        assert_eq!(picture(ndarray::Array1::linspace(0.0, 1.0, 500).view(), wide).lines().count(), 1);
    }

    #[test]
    fn the_heaviest_terms_come_first() {
        let x = Csr { indptr: vec![0, 2, 2], indices: vec![0, 1], values: vec![0.5, 2.0], n_columns: 2 };
        let text = documents(&x, &["aa".to_owned(), "bb".to_owned()], None);
        assert_eq!(text, "1.0 different terms a document; the heaviest of the first ones:\n  bb aa\n  \n");
    }
}
