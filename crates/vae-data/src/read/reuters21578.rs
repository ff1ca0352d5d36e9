//! Reuters-21578, Distribution 1.0: 22 SGML files of about 1,000 documents and the list of topic
//! categories.
//!
//! Source: Lewis 1997, the distribution's `README.txt` and `cat-descriptions_120396.txt`. The text
//! of a document is its title and body, or all of its text where these are not marked; dateline and
//! author are left out. The files are read as Latin-1: one document holds a byte that is no UTF-8.
//!
//! Classes (ours, since documents have many topics or none): documents whose topics all fall into
//! one of four groups of the list. Group 1 joins economic indicators, currencies, `money-fx` and
//! `interest`. `ship` is in no group and does not count, so a document with `ship` and `crude` is
//! one of energy, and one with `ship` alone is left out.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::memory::{self, Meter};
use crate::read::input::Input;
use crate::read::lines::Lines;
use crate::read::numbered::Numbered;

/// The largest document of the collection has 13 kB.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// Headings of the category list, by how they begin, and the group of what follows.
const HEADINGS: [(&str, Option<i64>); 6] = [
    ("****Subject Codes", None),
    ("**Economic Indicator Codes", Some(1)),
    ("**Currency Codes", Some(1)),
    ("**Corporate Codes", Some(0)),
    ("**Commodity Codes", Some(2)),
    ("**Energy Codes", Some(3)),
];
/// Categories above the first group that count as economy and money.
const MONEY: [&str; 2] = ["money-fx", "interest"];

/// Group of each topic, by its name in the documents.
pub(crate) type Groups = HashMap<String, i64>;

/// Reads the category list: lines such as `Balance of Payments (BOP)` or `ALUM` below headings.
pub(crate) fn read_groups(input: Input<'_>) -> Result<Groups> {
    let mut lines = Lines::new(input);
    let mut groups: Groups = MONEY.iter().map(|topic| ((*topic).to_owned(), 1)).collect();
    let mut group = None;
    let mut headings = 0;
    let mut meter = Meter::default();
    while let Some((_, line)) = lines.next_line()? {
        if let Some((_, of)) = HEADINGS.iter().find(|(start, _)| line.starts_with(start)) {
            (group, headings) = (*of, headings + 1);
        } else if line.starts_with("@heading") {
            group = None;
        } else if let Some(group) = group {
            let line = line.trim();
            let name = line.rsplit_once('(').map_or(line, |(_, name)| name.trim_end_matches(')'));
            let room = meter.add(name.len()).and_then(|()| memory::reserve_key(&mut groups));
            let name = name.to_lowercase();
            room.map_err(|short| short.at(lines.path()))?;
            groups.insert(name, group);
        }
    }
    let path = lines.path().to_owned();
    lines.finish()?;
    if headings != HEADINGS.len() {
        let problem =
            format!("{headings} of the {} headings of the category list were found", HEADINGS.len());
        return Err(Error::format(&path, problem));
    }
    Ok(groups)
}

/// The group all grouped topics fall into; `None` where there are none or several.
fn group_of(topics: &[String], groups: &Groups) -> Option<i64> {
    let mut found = topics.iter().filter_map(|topic| groups.get(topic));
    let first = *found.next()?;
    found.all(|group| *group == first).then_some(first)
}

/// Hands on the text and the group of each document that has one, in the order of the file.
pub(crate) fn read(
    input: Input<'_>,
    groups: &Groups,
    mut take: impl FnMut(&str, i64) -> Result<()>,
) -> Result<()> {
    let mut documents = Documents(Numbered::new(input));
    while let Some(document) = documents.next()? {
        let topics =
            topics(&document).ok_or_else(|| documents.0.problem("the document has no TOPICS element"))?;
        let Some(group) = group_of(&topics, groups) else { continue };
        let text = text(&document).ok_or_else(|| documents.0.problem("the document has no TEXT element"))?;
        take(&text, group)?;
    }
    documents.0.finish()
}

/// Documents of one file, from `<REUTERS` to `</REUTERS>`.
struct Documents<'a>(Numbered<'a>);

impl Documents<'_> {
    /// The next document; what stands between documents is left out.
    fn next(&mut self) -> Result<Option<String>> {
        let mut document: Vec<u8> = Vec::new();
        let mut inside = false;
        loop {
            if !inside {
                document.clear();
            }
            let start = document.len();
            let left = (MAX_DOCUMENT_BYTES + 1 - start) as u64;
            let n = self.0.read(left, &mut document)?;
            if n == 0 {
                return if inside {
                    Err(self.0.problem("the file ends inside a document"))
                } else {
                    Ok(None)
                };
            }
            if document.len() > MAX_DOCUMENT_BYTES {
                return Err(self.0.problem("a document is longer than 4 MiB; this is no Reuters-21578 file"));
            }
            let begins = find(&document[start..], b"<REUTERS");
            if inside && begins.is_some() {
                return Err(self.0.problem("a document begins before the last one has ended"));
            }
            inside |= begins.is_some();
            if inside && find(&document[start..], b"</REUTERS>").is_some() {
                return Ok(Some(document.iter().map(|byte| char::from(*byte)).collect()));
            }
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// What stands between `<NAME …>` and `</NAME>`, the first time.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}"))?;
    let (_, rest) = rest.split_once('>')?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

fn topics(document: &str) -> Option<Vec<String>> {
    // The attribute of the same name stands before it: `<REUTERS TOPICS="YES" …>`.
    let topics = element(document, "TOPICS")?;
    let names = topics.split("<D>").skip(1);
    Some(names.filter_map(|rest| Some(rest.split_once("</D>")?.0.trim().to_owned())).collect())
}

/// Title and body, without tags and with characters instead of entities.
fn text(document: &str) -> Option<String> {
    let text = without(Cow::Borrowed(element(document, "TEXT")?), "DATELINE");
    let text = without(text, "AUTHOR");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        let marked = &rest[at..];
        let (character, length) = if marked.starts_with('<') { tag(marked) } else { entity(marked) };
        out.push(character);
        rest = &marked[length..];
    }
    out.push_str(rest);
    Some(out)
}

/// The text without the first element of that name.
fn without<'t>(text: Cow<'t, str>, name: &str) -> Cow<'t, str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let cut = text.find(&open).and_then(|start| {
        let end = start + text[start..].find(&close)? + close.len();
        Some(format!("{} {}", &text[..start], &text[end..]))
    });
    cut.map_or(text, Cow::Owned)
}

/// A tag becomes a blank; `<` without `>` stays.
fn tag(text: &str) -> (char, usize) {
    text.find('>').map_or(('<', 1), |end| (' ', end + 1))
}

/// The character of an entity and its length; control characters become blanks, what is no entity
/// stays.
fn entity(text: &str) -> (char, usize) {
    let known = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"')];
    if let Some((name, character)) = known.into_iter().find(|(name, _)| text.starts_with(name)) {
        return (character, name.len());
    }
    let number = text.strip_prefix("&#").and_then(|rest| {
        let digits = rest.bytes().take(8).take_while(u8::is_ascii_digit).count();
        let character = char::from_u32(rest[..digits].parse().ok()?)?;
        rest[digits..].starts_with(';').then_some((character, digits + 3))
    });
    match number {
        Some((character, length)) if character.is_control() => (' ', length),
        Some(found) => found,
        None => ('&', 1),
    }
}

#[cfg(test)]
#[path = "reuters21578_tests.rs"]
mod tests;
