//! Labels beside the features that are a table: each line names its row, or stands in its place.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::labels::RawLabels;
use crate::memory::{self, Interner};
use crate::near::nearest;
use crate::note::listed;
use crate::read::content::Content;
use crate::read::labels;
use crate::read::lines::Lines;
use crate::read::missing::Missing;
use crate::read::table::{LONGEST_FIELD, Layout};
use crate::source::LoadOptions;

/// The column that programs number rows in, from 0.
const INDEX: &str = "index";

/// The rows that labels are for.
#[derive(Debug, Clone)]
pub(crate) struct Labelled<'r> {
    pub n: usize,
    /// Name of the column that names them, and their names.
    pub names: Option<(&'r str, Vec<&'r str>)>,
    /// Column of a table of labels that holds them, where that can be said.
    pub column: Option<&'r str>,
    /// Whether it can be said.
    pub may_say: bool,
}

/// Labels of these rows: a table with a header where the first line has several fields, else what
/// [`labels::read`] reads.
pub(crate) fn read(path: &Path, rows: &Labelled<'_>, missing: &[String]) -> Result<RawLabels> {
    let content = Content::of_path(path)?;
    if is_table(&content)? {
        return read_table(&content, rows, missing);
    }
    if rows.column.is_some() {
        let reason = format!("{} has one label a line, and no columns; leave it out", path.display());
        return Err(Error::Option { option: "--label-column", reason });
    }
    labels::read(content.open()?, rows.n, None, &Missing::new(missing))
}

/// Whether a file is text whose first line has several fields.
fn is_table(content: &Content) -> Result<bool> {
    const LOOKED_AT: u64 = 6;
    let mut input = content.open()?;
    if matches!(&input.peek(LOOKED_AT)?[..], [0, 0, _, _, _, _] | b"\x93NUMPY") {
        return Ok(false);
    }
    let mut lines = Lines::new(input);
    Ok(lines.next_line()?.is_some_and(|(_, text)| text.contains([',', ';', '\t'])))
}

fn read_table(content: &Content, rows: &Labelled<'_>, missing: &[String]) -> Result<RawLabels> {
    let path = content.path();
    let options = LoadOptions { missing: missing.to_vec(), ..LoadOptions::default() };
    let layout = Layout::of(content, &options, Some(true))?;
    let numbers: Vec<String>;
    let (key, names) = match &rows.names {
        Some((name, names)) => (Some(key_column(content, &layout, name, names)?), names.clone()),
        None => match layout.names.iter().position(|name| name == INDEX) {
            Some(index) => {
                numbers = (0..rows.n).map(|i| i.to_string()).collect();
                (Some(index), numbers.iter().map(String::as_str).collect())
            }
            None => (None, Vec::new()),
        },
    };
    let column = label_column(path, &layout, key, rows)?;
    let mut found = Found::new(path, rows.n, key.map(|_| names))?;
    let mut records = layout.records(content, LONGEST_FIELD)?;
    while let Some(record) = records.next()? {
        let label = record.get(column);
        let label = if layout.cells.missing.is(label) { "" } else { label };
        found.add(record.line, key.map(|key| record.get(key)), label)?;
    }
    records.finish()?;
    found.finish()
}

/// The column by whose names the rows are found.
fn key_column(content: &Content, layout: &Layout, name: &str, names: &[&str]) -> Result<usize> {
    layout.names.iter().position(|other| other == name).ok_or_else(|| {
        let hint = match columns_of(content, layout, names).unwrap_or_default()[..] {
            [only] => format!(" (`{}` has their names)", layout.names[only]),
            _ => nearest(name, layout.names.iter().map(String::as_str))
                .map_or_else(String::new, |near| format!(" (`{near}`, if it holds their names)")),
        };
        let problem = format!(
            "is a table of labels whose first line gives the columns {}, and none is `{name}`, which names the rows of the \
             data: rename the column that names the rows to `{name}`{hint}, or give one label a line, in the order of the rows",
            listed(&layout.names)
        );
        Error::format(content.path(), problem)
    })
}

/// The columns in which all values are among these names.
fn columns_of(content: &Content, layout: &Layout, names: &[&str]) -> Result<Vec<usize>> {
    let names: HashSet<&str> = names.iter().map(|name| name.trim()).collect();
    let mut columns: Vec<usize> = (0..layout.names.len()).collect();
    let mut records = layout.records(content, LONGEST_FIELD)?;
    while let Some(record) = records.next()? {
        columns.retain(|i| names.contains(record.get(*i).trim()));
    }
    Ok(columns)
}

/// The column of the labels: the one that is said, or the only one beside the names.
fn label_column(path: &Path, layout: &Layout, key: Option<usize>, rows: &Labelled<'_>) -> Result<usize> {
    if let Some(name) = rows.column {
        return layout.find(path, name);
    }
    let others: Vec<usize> = (0..layout.names.len()).filter(|i| Some(*i) != key).collect();
    if let ([only], Some(_)) = (&others[..], key) {
        return Ok(*only);
    }
    let say =
        if rows.may_say { "say with --label-column which holds the labels" } else { "keep the labels alone" };
    let listed: Vec<&str> = others.iter().take(20).map(|i| layout.names[*i].as_str()).collect();
    let problem = match key {
        Some(key) => {
            let (key, listed) = (&layout.names[key], listed.join(", "));
            format!("has several columns beside `{key}`, the names of the rows: {listed}; {say}")
        }
        None => format!(
            "has several columns ({}), and the rows have no names by which its lines could be found; give one label a \
             line in the order of the rows{}",
            listed.join(", "),
            if rows.may_say {
                ", or say which column has them in this order with --label-column"
            } else {
                ""
            }
        ),
    };
    Err(Error::format(path, problem))
}

/// Labels in the order of the rows.
struct Found<'r> {
    path: &'r Path,
    n: usize,
    names: Option<Vec<&'r str>>,
    places: HashMap<&'r str, usize>,
    /// Of each row its label and the line that has it.
    labels: Vec<Option<(usize, Arc<str>)>>,
    texts: Interner,
    count: usize,
}

impl<'r> Found<'r> {
    fn new(path: &'r Path, n: usize, names: Option<Vec<&'r str>>) -> Result<Self> {
        let (mut places, mut labels) = (HashMap::new(), Vec::new());
        memory::reserve(&mut labels, n).map_err(|short| short.at(path))?;
        labels.resize(n, None);
        for (row, name) in names.iter().flatten().enumerate() {
            memory::reserve_key(&mut places).map_err(|short| short.at(path))?;
            if places.insert(name.trim(), row).is_some() {
                let problem = format!(
                    "cannot be used: two rows of the data are called `{name}`, so that no line is found by its name; give \
                     one label a line, in the order of the rows"
                );
                return Err(Error::format(path, problem));
            }
        }
        Ok(Self { path, n, names, places, labels, texts: Interner::default(), count: 0 })
    }

    fn add(&mut self, line: usize, name: Option<&str>, label: &str) -> Result<()> {
        let row = match name {
            Some(name) => *self.places.get(name.trim()).ok_or_else(|| {
                let problem =
                    format!("line {line}: `{name}` is the name of no row of the data; leave the line out");
                Error::format(self.path, problem)
            })?,
            None => self.count,
        };
        self.count += 1;
        let label = self.texts.get(label).map_err(|short| short.at(self.path))?;
        // Beyond the last row lines are only counted.
        let Some(place) = self.labels.get_mut(row) else { return Ok(()) };
        if let Some((first, _)) = place {
            let name = name.unwrap_or_default();
            let problem =
                format!("line {line}: `{name}` has a label on line {first} already; keep one of them");
            return Err(Error::format(self.path, problem));
        }
        *place = Some((line, label));
        Ok(())
    }

    fn finish(self) -> Result<RawLabels> {
        if let Some(row) = self.labels.iter().position(Option::is_none)
            && let Some(names) = &self.names
        {
            let problem = format!(
                "has no line for the row `{}`; add one, with an empty label if the row has none",
                names[row]
            );
            return Err(Error::format(self.path, problem));
        }
        if self.count != self.n {
            return Err(Error::LabelCount { path: self.path.to_owned(), rows: self.n, labels: self.count });
        }
        let labels: Vec<Arc<str>> = self.labels.into_iter().flatten().map(|(_, label)| label).collect();
        if self.n > 0 && labels.iter().all(|label| label.is_empty()) {
            return Err(Error::format(self.path, "has no label for any row: all of its labels are missing"));
        }
        Ok(RawLabels::Texts(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for(text: &str, rows: &Labelled<'_>) -> Result<Vec<String>> {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, text).expect("file");
        match read(&path, rows, &[])? {
            RawLabels::Texts(texts) => Ok(texts.iter().map(|text| text.to_string()).collect()),
            RawLabels::Ints(_) => panic!("texts"),
        }
    }

    fn named<'r>(names: &[&'r str]) -> Labelled<'r> {
        Labelled { n: names.len(), names: Some(("who", names.to_vec())), column: None, may_say: true }
    }

    fn refused(text: &str, rows: &Labelled<'_>) -> String {
        read_for(text, rows).expect_err(text).to_string()
    }

    #[test]
    fn lines_are_found_by_the_names_of_the_rows() {
        let rows = named(&["a", "b", "c d"]);
        let expected = ["x", "", "y"];
        assert_eq!(read_for("who,kind\nb,NA\nc d,y\na,x\n", &rows).expect("a table"), expected);
        assert_eq!(read_for("kind;who\n;b\ny;\"c d\"\nx;a\n", &rows).expect("another form"), expected);
        let said = Labelled { column: Some("kind"), ..rows.clone() };
        assert_eq!(read_for("who,size,kind\na,1,x\nb,2,\nc d,3,y\n", &said).expect("said"), expected);
        assert_eq!(read_for("x\n\"\"\ny\n", &rows).expect("one label a line"), expected);
        let numbered = Labelled { names: None, ..rows };
        assert_eq!(read_for("index,kind\n2,y\n0,x\n1,\n", &numbered).expect("by number"), expected);
    }

    #[test]
    fn rows_that_differ_are_named() {
        let rows = named(&["a", "b"]);
        for (text, why) in [
            ("who,kind\na,x\nc,y\n", "line 3: `c` is the name of no row of the data"),
            ("who,kind\na,x\n", "has no line for the row `b`; add one"),
            ("who,kind\na,x\nb,y\na,x\n", "line 4: `a` has a label on line 2 already"),
            (
                "customer,kind\na,x\nb,y\n",
                "the columns customer, kind, and none is `who`, which names the rows of the data: rename the column \
                 that names the rows to `who` (`customer` has their names), or give one label a line",
            ),
            ("Who,kind\na,x\nc,y\n", "to `who` (`Who`, if it holds their names), or give"),
            (
                "a,x\nc,y\n",
                "the columns a, x, and none is `who`, which names the rows of the data: rename the",
            ),
            ("who,kind,size\na,x,1\nb,y,2\n", "rows: kind, size; say with --label-column which"),
            ("who,kind\na,\nb,NA\n", "has no label for any row"),
        ] {
            let told = refused(text, &rows);
            assert!(told.contains(why), "{why} is not in: {told}");
        }
        let told = refused("who,kind\na,x\n", &named(&["a", "a"]));
        assert!(told.contains("two rows of the data are called `a`"), "{told}");
        let told = refused("x\ny\n", &Labelled { column: Some("kind"), ..rows });
        assert!(told.contains("--label-column does not apply") && told.contains("leave it out"), "{told}");
    }

    #[test]
    fn rows_without_names_go_by_place_only_where_that_is_said() {
        let rows = Labelled { n: 2, names: None, column: None, may_say: true };
        let told = refused("who,kind\na,x\nb,y\n", &rows);
        assert!(told.contains("the rows have no names") && told.contains("with --label-column"), "{told}");
        let told = refused("who,kind\na,x\nb,y\n", &Labelled { may_say: false, ..rows.clone() });
        assert!(!told.contains("--label-column"), "{told}");
        let said = Labelled { column: Some("kind"), ..rows };
        assert_eq!(read_for("who,kind\na,x\nb,y\n", &said).expect("said"), ["x", "y"]);
        for other in ["who,kind\na,x\n", "who,kind\na,x\nb,y\nc,z\n"] {
            assert!(refused(other, &said).contains("labels for 2 rows"));
        }
    }
}
