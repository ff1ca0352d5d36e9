//! The data of the compared fits.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use crate::files::write_atomic;

/// A data set: rows of a fit, and others for the prediction.
#[derive(Debug, Clone, Copy)]
pub struct Data {
    /// Options of `vae fit`.
    pub fitted: &'static [&'static str],
    /// Options of `vae predict` and `vae embed`.
    pub new: &'static [&'static str],
    /// The file that the Python program reads.
    pub file: &'static str,
    /// Its options.
    pub python: &'static [&'static str],
}

/// Drawn digits that are fitted.
pub const DIGITS: [&str; 4] = ["-d", "strokes", "--limit", "300"];

/// These, and digits that no fit has seen.
pub const MORE_DIGITS: [&str; 4] = ["-d", "strokes", "--limit", "400"];

/// The same as an array.
pub const DIGITS_ARRAY: &str = "digits.npy";

pub const OF_DIGITS: Data = Data { fitted: &DIGITS, new: &MORE_DIGITS, file: DIGITS_ARRAY, python: &[] };

/// Names of the rows, numbers of different units, a category, gaps; the columns of the new rows are
/// in another order.
pub const OF_TABLE: Data =
    Data { fitted: &["-d", "table.csv"], new: &["-d", "new.csv"], file: "new.csv", python: &[] };

/// Short texts.
pub const OF_TEXTS: Data = Data {
    fitted: &["-d", "texts.csv", "--text-column", "text"],
    new: &["-d", "new-texts.csv", "--text-column", "text"],
    file: "new-texts.csv",
    python: &["--text-column", "text"],
};

/// Writes the tables and the texts.
pub fn write(folder: &Path) -> Result<()> {
    let put = |name: &str, text: String| write_atomic(&folder.join(name), text.as_bytes());
    put("table.csv", table(0..240, false))?;
    put("new.csv", table(200..320, true))?;
    put("texts.csv", texts(0..120))?;
    put("new-texts.csv", texts(100..160))
}

/// A number in [0, 1) for each row, spread evenly: fractional parts of multiples of an irrational
/// number.
fn spread(row: usize, step: f64) -> f64 {
    (row as f64 * step).fract()
}

/// Rows of three groups. Every seventh income, every ninth age and every eleventh city is missing,
/// and of new rows one has a city that no fitted row has, and one has nothing.
fn table(rows: std::ops::Range<usize>, is_new: bool) -> String {
    let head = if is_new { "city,visits,age,income,id\n" } else { "id,age,income,visits,city\n" };
    let mut text = String::from(head);
    let cities = ["Bern", "\"Basel, Stadt\"", "Chur"];
    for row in rows {
        let group = row % 3;
        let age = format!("{:.1}", [25.0, 45.0, 70.0][group] + 12.0 * spread(row, 0.618_034));
        let income = format!("{:.2}", [2.9e3, 6.1e4, 2.2e4][group] * (1.0 + 3.0 * spread(row, 0.754_878)));
        let visits = format!("{}", [2, 9, 14][group] + (5.0 * spread(row, 0.569_840)) as usize);
        let city = cities[if spread(row, 0.414_214) < 0.7 { group } else { (row / 3) % 3 }];
        let age = if row % 9 == 4 { "" } else { &age };
        let income = if row % 7 == 3 { "NA" } else { &income };
        let city = if row % 11 == 5 { "" } else { city };
        // Writing to a String cannot fail.
        let _ = match (is_new, row) {
            (true, 250) => writeln!(text, "Zug,{visits},{age},{income},r{row}"),
            (true, 251) => writeln!(text, ",,,,r{row}"),
            (true, _) => writeln!(text, "{city},{visits},{age},{income},r{row}"),
            (false, _) => writeln!(text, "r{row},{age},{income},{visits},{city}"),
        };
    }
    text
}

/// Texts of three subjects, with words that all have; one has no word that others have.
fn texts(rows: std::ops::Range<usize>) -> String {
    let subjects = [
        ["ball", "goal", "team", "match", "player"],
        ["bank", "rate", "market", "price", "loan"],
        ["rain", "wind", "storm", "cloud", "sun"],
    ];
    let common = ["the", "a1", "of", "über", "day_one"];
    let mut text = String::from("text\n");
    for row in rows {
        let word =
            |i: usize, words: [&'static str; 5]| words[(5.0 * spread(row * 7 + i, 0.618_034)) as usize];
        let of_subject: Vec<&str> = (0..6).map(|i| word(i, subjects[row % 3])).collect();
        let of_all: Vec<&str> = (6..10).map(|i| word(i, common)).collect();
        let line = match row {
            110 => "Nowhere else".to_owned(),
            _ => format!(
                "{}, {}. {}",
                of_subject.join(" "),
                of_all.join("-"),
                subjects[row % 3][0].to_uppercase()
            ),
        };
        let _ = writeln!(text, "\"{line}\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_gaps_and_new_rows_have_what_no_fitted_row_has() {
        let (fitted, new) = (table(0..240, false), table(200..320, true));
        assert_eq!((fitted.lines().count(), new.lines().count()), (241, 121));
        assert!(fitted.contains(",NA,") && fitted.contains("\"Basel, Stadt\"") && !fitted.contains("Zug"));
        assert!(new.contains("\nZug,") && new.contains("\n,,,,r251\n"));
        assert!(texts(100..160).contains("Nowhere else"));
    }
}
