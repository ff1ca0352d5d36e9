//! What a recipe that can be read must still hold to; every mistake is told with its line.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Result, bail};
use toml::Spanned;

use super::{Cell, FitSplit, Recipe, Split};

impl Recipe {
    /// Checks ids, what refers to them, splits and published values; `text` is what `self` was read
    /// from.
    pub(super) fn check(&self, text: &str) -> Result<()> {
        let datasets = unique(text, "data set", self.datasets.iter().map(|dataset| &dataset.id))?;
        unique(text, "row", self.rows.iter().map(|row| &row.id))?;
        if self.seeds == 0 || datasets.is_empty() || self.rows.is_empty() {
            bail!("a recipe needs at least one seed, one [[dataset]] and one [[row]]");
        }
        for row in &self.rows {
            let named = row.cells.iter().filter_map(|cell| cell.dataset.as_ref());
            if named.clone().count() != row.cells.len() {
                bail!(
                    "line {}: a [[row.cell]] of row {} names no dataset",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            if let Some(name) = row.only.iter().find(|name| !datasets.contains(name.as_str())) {
                bail!(
                    "line {}: row {} is only for {name}, and there is no such [[dataset]]",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            for dataset in unique(text, "cell", named.clone())? {
                if !datasets.contains(dataset) {
                    let at = named.clone().find(|name| name.as_ref() == dataset).map_or(0..0, Spanned::span);
                    bail!("line {}: there is no [[dataset]] with the id {dataset}", line(text, at));
                }
            }
            if self.fit_split == FitSplit::All && row.cells.iter().any(|cell| cell.split == Split::Test) {
                bail!(
                    "line {}: a cell of row {} is scored on the test split, which needs fit_split = \"train\" at the top",
                    line(text, row.id.span()),
                    row.id.as_ref()
                );
            }
            row.cells.iter().try_for_each(|cell| check_published(text, cell))?;
        }
        Ok(())
    }
}

fn check_published(text: &str, cell: &Cell) -> Result<()> {
    let Some(published) = &cell.published else {
        return match cell.published_runs {
            None => Ok(()),
            Some(runs) => bail!("published_runs = {runs} stands in a cell without `published`"),
        };
    };
    if !is_percent(published.as_ref()) {
        bail!(
            "line {}: published is per cent like \"94.46\" or \"97.58 ± 0.1\", not {:?}",
            line(text, published.span()),
            published.as_ref()
        );
    }
    if cell.published_runs.is_some_and(|runs| runs < 2 || !published.as_ref().contains('±')) {
        bail!(
            "line {}: published_runs is 2 or more and belongs to a mean with a spread, like \"97.58 ± 0.1\"",
            line(text, published.span())
        );
    }
    Ok(())
}

fn unique<'a>(
    text: &str,
    what: &str,
    ids: impl Iterator<Item = &'a Spanned<String>>,
) -> Result<BTreeSet<&'a str>> {
    let mut seen = BTreeSet::new();
    for id in ids {
        let name: &str = id.as_ref();
        let good = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            bail!("line {}: {what} {name:?}: an id is made of a-z, 0-9 and -", line(text, id.span()));
        }
        if !seen.insert(name) {
            bail!("line {}: {what} {name} appears twice", line(text, id.span()));
        }
    }
    Ok(seen)
}

fn line(text: &str, span: Range<usize>) -> usize {
    text.as_bytes()[..span.start.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn is_percent(text: &str) -> bool {
    text.split(" ± ").all(|part| part.parse::<f64>().is_ok_and(|value| (0.0..=100.0).contains(&value)))
        && text.split(" ± ").count() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::recipe::tests::SMALL;

    #[test]
    fn mistakes_are_told_with_their_line() {
        let wrong = |from: &str, to: &str| {
            assert!(SMALL.contains(from));
            format!("{:#}", Recipe::parse("small", &SMALL.replacen(from, to, 1)).unwrap_err())
        };
        let text = wrong("seeds = 2", "sedes = 2");
        assert!(text.contains("line 5, column 1") && text.contains("sedes"), "{text}");
        let text = wrong("metric = \"acc\"", "metric = \"accuracy\"");
        assert!(text.contains("line 3") && text.contains("accuracy"), "{text}");
        let text = wrong("set_in.quick", "set_in.fast");
        assert!(text.contains("line 32") && text.contains("fast"), "{text}");
        assert_eq!(wrong("id = \"dec\"", "id = \"vade\""), "line 37: row vade appears twice");
        assert_eq!(
            wrong("id = \"dec\"", "id = \"a/b\""),
            "line 37: row \"a/b\": an id is made of a-z, 0-9 and -"
        );
        assert_eq!(
            wrong("dataset = \"moon\"", "dataset = \"sun\""),
            "line 42: there is no [[dataset]] with the id sun"
        );
        assert!(
            wrong("\"94.46\"", "\"94.46\"\npublished_runs = 5").contains("belongs to a mean with a spread")
        );
        assert!(wrong("\"84.3 ± 0.1\"", "\"84.3 ± 0.1\"\npublished_runs = 1").contains("2 or more"));
        assert!(wrong("\"94.46\"", "\"0.94.46\"").starts_with("line 33: published is per cent"));
        assert!(wrong("\"94.46\"", "\"194.46\"").starts_with("line 33"));
        let text = wrong("method = \"dec\"", "method = \"dec\"\nonly = [\"sun\"]");
        assert_eq!(text, "line 37: row dec is only for sun, and there is no such [[dataset]]");
        assert!(wrong("metric = \"purity\"\n", "split = \"test\"\n").contains("fit_split = \"train\""));
        assert!(wrong("seeds = 2", "seeds = 0").contains("at least one seed"));
        assert!(wrong("dataset = \"moon\"\n", "").contains("names no dataset"));
    }
}
