//! A table of texts, as Markdown and for the terminal.

/// Header and rows of equal length; the first column is left-aligned, the others right.
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&text| text.to_owned()).collect(), rows: Vec::new() }
    }

    /// Appends a row; it is cut or filled to the length of the header.
    pub fn push(&mut self, mut row: Vec<String>) {
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
    }

    /// GitHub's Markdown, ending with a newline.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> =
                cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<_> =
            (0..self.header.len()).map(|i| if i == 0 { "---" } else { "---:" }.to_owned()).collect();
        let mut text = line(&self.header) + &line(&rule);
        self.rows.iter().for_each(|row| text += &line(row));
        text
    }

    /// Columns of equal width, two spaces apart, ending with a newline.
    pub fn terminal(&self) -> String {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let width = |i: usize| all().map(|row| plain(&row[i]).chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.header.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<_> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(i, (cell, &width))| {
                    let cell = plain(cell);
                    if i == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                })
                .collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        };
        let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
        let mut text = line(&self.header) + &rule + "\n";
        self.rows.iter().for_each(|row| text += &line(row));
        text
    }
}

/// Without the emphasis of Markdown.
fn plain(cell: &str) -> String {
    cell.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Table {
        let mut table = Table::new(&["method", "ACC", "time"]);
        table.push(vec!["VaDE".into(), "**94.10 ± 0.20**".into(), "3.2 min".into()]);
        table.push(vec!["k-means on a|b".into(), "53.1".into()]);
        table
    }

    #[test]
    fn markdown_golden() {
        assert_eq!(
            small().markdown(),
            "| method | ACC | time |\n| --- | ---: | ---: |\n| VaDE | **94.10 ± 0.20** | 3.2 min |\n| k-means on a\\|b | 53.1 |  |\n"
        );
    }

    #[test]
    fn terminal_golden() {
        let expected = "\
method                   ACC     time
-------------------------------------
VaDE            94.10 ± 0.20  3.2 min
k-means on a|b          53.1
";
        assert_eq!(small().terminal(), expected);
    }
}
