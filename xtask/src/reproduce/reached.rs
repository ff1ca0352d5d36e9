//! What a method reaches, in its page of the book: rows of the rendered tables of `results/`,
//! between `<!-- reached: ROW; ROW -->` and `<!-- /reached -->`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Folder of the pages about one method each, below the root.
const METHODS: &str = "docs/src/methods";

/// The recipes whose tables are quoted, and the data of those with one data set.
const RECIPES: [(&str, &str); 8] = [
    ("table1", ""),
    ("su2018", ""),
    ("yan2020", ""),
    ("gmvae2016", "MNIST"),
    ("fashion", "Fashion-MNIST"),
    ("reuters21578", "Reuters-21578"),
    ("own", ""),
    ("demo", "strokes"),
];

const OPEN: &str = "<!-- reached: ";
const CLOSE: &str = "<!-- /reached -->";

/// A row of a rendered table, as far as it has been run.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    recipe: &'static str,
    data: String,
    /// The heading above the table, as an anchor; empty where there is none.
    anchor: String,
    name: String,
    score: String,
    runs: String,
}

/// The pages of methods as they should be, where the results are as in `results`: the path and the
/// text of rendered pages, which may be newer than the files.
pub fn pages(root: &Path, results: &[(PathBuf, String)]) -> Result<Vec<(PathBuf, String)>> {
    let folder = root.join(METHODS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for (recipe, data) in RECIPES {
        let path = root.join("results").join(recipe).join("README.md");
        let text = match results.iter().find(|(rendered, _)| *rendered == path) {
            Some((_, text)) => text.clone(),
            None => read(&path)?,
        };
        rows.extend(rows_of(recipe, data, &text));
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "md"));
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = filled(&read(&file)?, &rows).with_context(|| format!("in {}", file.display()))?;
            Ok((file, text))
        })
        .collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// `text` with every marked place filled.
fn filled(text: &str, rows: &[Row]) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (names, after) = after.split_once(" -->").context("`<!-- reached: ` is not closed")?;
        let Some((_, after)) = after.split_once(CLOSE) else { bail!("`{names}` has no `{CLOSE}`") };
        let table = table(names, rows)?;
        write!(out, "{before}{OPEN}{names} -->\n{table}{CLOSE}").context("cannot write")?;
        rest = after;
    }
    Ok(out + rest)
}

/// The table of the rows with one of the `names`, which `;` separates.
fn table(names: &str, rows: &[Row]) -> Result<String> {
    let names: Vec<&str> = names.split(';').map(str::trim).collect();
    for name in &names {
        ensure!(rows.iter().any(|row| row.name == *name), "no table of results/ has a row {name} with runs");
    }
    let mut text = String::from("\n| data | row | score, % | runs |\n| --- | --- | ---: | ---: |\n");
    for row in rows.iter().filter(|row| names.contains(&row.name.as_str())) {
        let Row { recipe, data, anchor, name, score, runs } = row;
        let link = format!("../../../results/{recipe}/README.md{anchor}");
        writeln!(text, "| [{data}]({link}) | {name} | {score} | {runs} |").context("cannot write")?;
    }
    text.push('\n');
    Ok(text)
}

/// The rows of the profile `standard` in a rendered page that have been run.
fn rows_of(recipe: &'static str, only: &str, page: &str) -> Vec<Row> {
    let standard =
        page.split("\n## ").find(|part| part.starts_with("Profile `standard`")).unwrap_or_default();
    let (mut data, mut anchor) = (only.to_owned(), String::new());
    let mut columns: Option<(String, usize, usize)> = None;
    let mut rows = Vec::new();
    for line in standard.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            data = heading.to_owned();
            anchor = format!("#{}", heading.to_lowercase());
        }
        let Some(line) = line.strip_prefix("| ") else {
            columns = None;
            continue;
        };
        let cells: Vec<&str> = line.trim_end_matches('|').split('|').map(str::trim).collect();
        match &columns {
            None => columns = score_and_runs(&cells),
            Some((metric, score, runs)) => {
                let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
                let Some(score) = cell(*score).strip_prefix("**") else { continue };
                let more = if metric == "ACC" || score.contains(metric.as_str()) { "" } else { metric };
                let score = format!("{} {more}", score.replace("**", ""));
                rows.push(Row {
                    recipe,
                    data: data.clone(),
                    anchor: anchor.clone(),
                    name: cells[0].to_owned(),
                    score: score.trim().to_owned(),
                    runs: cell(*runs).to_owned(),
                });
            }
        }
    }
    rows
}

/// The metric of a table with one data set, and the columns of its score and of the number of runs.
fn score_and_runs(header: &[&str]) -> Option<(String, usize, usize)> {
    let (at, metric) =
        header.iter().enumerate().find_map(|(at, cell)| Some((at, cell.strip_suffix(" %")?)))?;
    let runs = header.iter().position(|cell| *cell == "n")?;
    Some((metric.to_owned(), at, runs))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# T\n\n## Profile `standard`\n\n| method | A, published | ours (n) |\n| --- | --- | --- |\n\
                        | VaDE | 94 | **1.00** (1) |\n\n### My-data\n\n| method | published | purity % | n | NMI |\n\
                        | --- | --- | --- | --- | --- |\n| VaDE | 94 [1] | **70.75 ± 1.00** test | 2 | 1 |\n| DEC | 84 | not run yet |  |  |\n\
                        \n### B\n\n| method | ACC % | n |\n| --- | --- | --- |\n| VaDE | **50.00** | 1 |\n\n## Profile `quick`\n\n\
                        | method | ACC % | n |\n| --- | --- | --- |\n| VaDE | **9.00** | 1 |\n";

    #[test]
    fn rows_are_those_of_the_tables_of_one_data_set() {
        let rows = rows_of("table1", "", PAGE);
        let text = filled("a\n<!-- reached: VaDE -->\nold\n<!-- /reached -->\nb\n", &rows).unwrap();
        let table = "| [My-data](../../../results/table1/README.md#my-data) | VaDE | 70.75 ± 1.00 test purity | 2 |\n\
                     | [B](../../../results/table1/README.md#b) | VaDE | 50.00 | 1 |\n";
        assert!(text.contains(table), "{text}");
        assert!(
            text.starts_with("a\n<!-- reached: VaDE -->\n\n| data |")
                && text.ends_with("<!-- /reached -->\nb\n")
        );
        assert_eq!(filled(&text, &rows).unwrap(), text);
    }

    #[test]
    fn rows_that_are_not_there_are_refused() {
        let rows = rows_of("table1", "", PAGE);
        let error = |text: &str| filled(text, &rows).unwrap_err().to_string();
        assert!(
            error("<!-- reached: DEC --><!-- /reached -->").contains("no table of results/ has a row DEC")
        );
        assert!(error("<!-- reached: VaDE -->").contains("has no `<!-- /reached -->`"));
    }
}
