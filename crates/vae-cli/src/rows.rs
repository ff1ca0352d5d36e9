//! Lines of what is written of every row, block by block: a table of its own, or columns behind the
//! rows of a table as it stands.

use crate::files::csv_field;
use anyhow::Result;
use std::fmt::Write as _;
use std::io::{self, Write};
use vae_data::{Ids, TableText};

/// What the column of names is called where its own name is that of another column.
const OTHER_NAME: &str = "id";

/// What new columns begin with where the table has one of their names.
const PREFIX: &str = "vae_";

/// The most columns that are named in a warning.
const MOST_TOLD: usize = 4;

/// Where the columns stand.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a table of their own, behind the names of the rows if these have some.
    Own,
    /// Behind the rows of the data as these are written.
    Behind(TableText),
}

/// Some rows: their names, how many they are, and, for [`Place::Behind`], as they are written.
#[derive(Debug, Clone, Copy)]
pub struct RowNames<'a> {
    pub ids: Option<&'a Ids>,
    pub n: usize,
    pub text: Option<&'a [String]>,
}

/// Writes lines.
pub struct RowWriter<'a> {
    out: &'a mut dyn Write,
    place: &'a Place,
    line: Line,
}

/// The fields of a line.
#[derive(Debug)]
pub struct Line {
    text: String,
    field: String,
    separator: char,
    decimal_comma: bool,
    /// `None` where the table knows no quotes.
    quote: Option<char>,
}

impl Line {
    fn new(place: &Place) -> Self {
        let (separator, decimal_comma, quote) = match place {
            Place::Own => (',', false, Some('"')),
            Place::Behind(table) => (table.separator, table.decimal_comma, table.quote),
        };
        Self { text: String::new(), field: String::new(), separator, decimal_comma, quote }
    }

    /// Adds a number, with the decimal sign of the table.
    pub fn push(&mut self, number: std::fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push(self.separator);
        }
        if !self.decimal_comma {
            let _ = self.text.write_fmt(number);
            return;
        }
        self.field.clear();
        let _ = self.field.write_fmt(number);
        let needs_quotes = self.separator == ',' && self.field.contains('.');
        let quote = needs_quotes.then(|| self.quote.unwrap_or('"'));
        self.text.extend(quote);
        self.text.extend(self.field.chars().map(|c| if c == '.' { ',' } else { c }));
        self.text.extend(quote);
    }

    /// Adds a name, in quotes where it needs some. In a table without quotes a separator within the
    /// name becomes a blank.
    pub fn push_name(&mut self, name: &str) {
        let Some(quote) = self.quote else {
            return self.push_text(&name.replace(self.separator, " "));
        };
        let needs_quotes = name.trim() != name || name.contains([self.separator, quote, ';', '\t']);
        if !needs_quotes {
            return self.push_text(name);
        }
        self.push_text(&format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}"))));
    }

    fn push_text(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push(self.separator);
        }
        self.text.push_str(text);
    }
}

impl<'a> RowWriter<'a> {
    /// Lines for `out`.
    pub fn new(out: &'a mut dyn Write, place: &'a Place) -> Self {
        Self { out, place, line: Line::new(place) }
    }

    /// Writes what stands above the rows: the names of the columns, where the first has the names
    /// of the rows and is called `id_name`. Behind rows without a header none is written.
    ///
    /// # Errors
    /// Those of writing.
    pub fn head(&mut self, id_name: Option<&str>, names: &[String]) -> io::Result<()> {
        self.line.text.clear();
        match self.place {
            Place::Own => {
                if let Some(own) = id_name {
                    let is_taken = names.iter().any(|other| other == own);
                    self.line.push_text(&if is_taken { OTHER_NAME.into() } else { csv_field(own) });
                }
                names.iter().for_each(|name| self.line.push_text(name));
                writeln!(self.out, "{}", self.line.text)
            }
            Place::Behind(table) => {
                let (above, header) = match table.head.split_last() {
                    Some((header, above)) if table.named => (above, Some(header)),
                    _ => (table.head.as_slice(), None),
                };
                for line in above {
                    writeln!(self.out, "{line}")?;
                }
                let Some(header) = header else { return Ok(()) };
                self.line.push_text(header);
                let (new, taken) = (new_names(names, &table.names), taken(names, &table.names));
                if !taken.is_empty() {
                    eprintln!("warning: {}", about_taken(&taken, &new));
                }
                new.iter().for_each(|name| self.line.push_text(name));
                writeln!(self.out, "{}", self.line.text)
            }
        }
    }

    /// Writes a line for each row; `fill` adds the fields of the row with this number among these.
    ///
    /// # Errors
    /// Those of writing.
    pub fn rows(&mut self, rows: RowNames<'_>, mut fill: impl FnMut(&mut Line, usize)) -> io::Result<()> {
        let is_other = |names: Option<usize>| names.is_some_and(|names| names != rows.n);
        if is_other(rows.ids.map(Ids::len)) || is_other(rows.text.map(<[String]>::len)) {
            let n = rows.n;
            return Err(io::Error::other(format!(
                "{n} rows have another number of names; this is a bug of vae"
            )));
        }
        for i in 0..rows.n {
            self.line.text.clear();
            match (self.place, rows.text, rows.ids.and_then(|ids| ids.get(i))) {
                (Place::Behind(_), Some(text), _) => self.line.text.push_str(&text[i]),
                (Place::Own, _, Some(id)) => self.line.text.push_str(&csv_field(id)),
                _ => {}
            }
            fill(&mut self.line, i);
            writeln!(self.out, "{}", self.line.text)?;
        }
        Ok(())
    }
}

/// Names that no column of the table has: with a prefix before all of them where one has.
fn new_names(names: &[String], taken: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    while names.iter().any(|name| taken.contains(name)) {
        names.iter_mut().for_each(|name| name.insert_str(0, PREFIX));
    }
    names
}

/// Those of the names that columns of the table have.
fn taken<'n>(names: &'n [String], of_table: &[String]) -> Vec<&'n str> {
    names.iter().filter(|name| of_table.contains(name)).map(String::as_str).collect()
}

/// What becomes of columns that an earlier command put there.
fn about_taken(taken: &[&str], new: &[String]) -> String {
    let listed = |names: &[&str]| {
        let shown: Vec<String> = names.iter().take(MOST_TOLD).map(|name| format!("`{name}`")).collect();
        shown.join(", ") + if names.len() > MOST_TOLD { " and so on" } else { "" }
    };
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    format!(
        "the table has {} already, as an earlier --append writes them: they stay as they are, and the new columns are called \
         {}; for one of each, give the table without the old ones",
        listed(taken),
        listed(&new)
    )
}

/// Names of the columns `{prefix}{i}` for the numbers `first` to `first + n - 1`.
pub fn numbered(prefix: &str, first: usize, n: usize) -> Vec<String> {
    (first..first + n).map(|i| format!("{prefix}{i}")).collect()
}

/// The place of columns: behind the rows of the table `text`, if that is asked for.
///
/// # Errors
/// Data that are no table.
pub fn place(append: bool, text: Option<TableText>) -> Result<Place> {
    match (append, text) {
        (false, _) => Ok(Place::Own),
        (true, Some(table)) => Ok(Place::Behind(table)),
        (true, None) => anyhow::bail!(
            "--append puts columns behind the rows of a table (CSV, TSV), and these data are none; leave it out"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(head: &[&str], separator: char, decimal_comma: bool) -> TableText {
        TableText {
            head: head.iter().map(ToString::to_string).collect(),
            named: !head.is_empty(),
            names: head.last().map_or_else(Vec::new, |h| h.split(separator).map(String::from).collect()),
            separator,
            decimal_comma,
            quote: Some('"'),
        }
    }

    fn written(place: &Place, names: &[&str], text: &[&str]) -> String {
        let mut out = Vec::new();
        let text: Vec<String> = text.iter().map(ToString::to_string).collect();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut writer = RowWriter::new(&mut out, place);
        writer.head(None, &names).expect("memory");
        let rows = RowNames { ids: None, n: text.len(), text: Some(&text) };
        let fill = |line: &mut Line, i: usize| {
            line.push(format_args!("{i}"));
            line.push(format_args!("{:.2}", 0.5));
        };
        writer.rows(rows, fill).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn rows_stay_as_they_are() {
        let behind = Place::Behind(table(&["a,\"b\""], ',', false));
        let text = written(&behind, &["cluster", "p"], &["1,\"x, \"\"y\"\"\"", "\"two\nlines\","]);
        assert_eq!(text, "a,\"b\",cluster,p\n1,\"x, \"\"y\"\"\",0,0.50\n\"two\nlines\",,1,0.50\n");
        let semicolons = Place::Behind(table(&["sep=;", "a;cluster"], ';', true));
        assert_eq!(
            written(&semicolons, &["cluster", "p"], &["1,5;2"]),
            "sep=;\na;cluster;vae_cluster;vae_p\n1,5;2;0;0,50\n"
        );
        let quoted = Place::Behind(table(&[], ',', true));
        assert_eq!(written(&quoted, &["cluster", "p"], &["\"1,5\""]), "\"1,5\",0,\"0,50\"\n");
    }

    #[test]
    fn a_table_of_its_own_begins_with_its_columns() {
        assert_eq!(written(&Place::Own, &["index", "p"], &["x"]), "index,p\n0,0.50\n");
        assert_eq!(numbered("z", 1, 2), ["z1", "z2"]);
        assert!(place(true, None).is_err_and(|e| e.to_string().contains("leave it out")));
    }
}
