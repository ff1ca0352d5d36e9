//! A Markdown file as the checks see it: links, anchors, blocks of code, tables.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A link or a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target as it stands in the text.
    pub target: String,
    /// Bytes of the whole link in the text.
    pub range: Range<usize>,
    pub line: usize,
}

/// A piece of code: a fenced block, or words in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What stands behind the fence; `None` for words in backticks.
    pub info: Option<String>,
    pub text: String,
    /// Of the first line of the text.
    pub line: usize,
}

/// A parsed file.
#[derive(Debug, Default)]
pub struct Page {
    /// Below the root of the clone, with `/` between the names.
    pub file: String,
    pub text: String,
    pub links: Vec<Link>,
    pub anchors: BTreeSet<String>,
    pub code: Vec<Code>,
    /// Tables: rows of cells as plain text, the header first.
    pub tables: Vec<Vec<Vec<String>>>,
}

impl Page {
    /// Parses `text` of the file `file`.
    pub fn new(file: &str, text: &str) -> Self {
        let mut page = Self { file: file.to_owned(), text: text.to_owned(), ..Self::default() };
        let lines = Lines::of(text);
        let mut words = String::new();
        let mut block: Option<Code> = None;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    let line = lines.at(range.start);
                    page.links.push(Link { target: dest_url.into_string(), range, line });
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let (info, below) = match kind {
                        CodeBlockKind::Fenced(info) => (info.into_string(), 1),
                        CodeBlockKind::Indented => (String::new(), 0),
                    };
                    let line = lines.at(range.start) + below;
                    block = Some(Code { info: Some(info), text: String::new(), line });
                }
                Event::End(TagEnd::CodeBlock) => page.code.extend(block.take()),
                Event::Start(Tag::Heading { .. } | Tag::TableCell) => words.clear(),
                Event::End(TagEnd::Heading(_)) => page.anchor(&words),
                Event::Start(Tag::Table(_)) => page.tables.push(Vec::new()),
                Event::Start(Tag::TableHead | Tag::TableRow) => {
                    page.tables.last_mut().into_iter().for_each(|table| table.push(Vec::new()));
                }
                Event::End(TagEnd::TableCell) => {
                    let row = page.tables.last_mut().and_then(|table| table.last_mut());
                    row.into_iter().for_each(|row| row.push(words.trim().to_owned()));
                }
                Event::Code(code) => {
                    words.push_str(&code);
                    page.code.push(Code {
                        info: None,
                        text: code.into_string(),
                        line: lines.at(range.start),
                    });
                }
                Event::Text(text) => match &mut block {
                    Some(code) => code.text.push_str(&text),
                    None => words.push_str(&text),
                },
                Event::SoftBreak | Event::HardBreak => words.push(' '),
                _ => {}
            }
        }
        page
    }

    /// Adds the anchor of a heading; equal headings are counted, as GitHub and mdBook do.
    fn anchor(&mut self, heading: &str) {
        let slug = slug(heading);
        let numbered = |n: usize| if n == 0 { slug.clone() } else { format!("{slug}-{n}") };
        let free = (0..).map(numbered).find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// The anchor of a heading: lower case, hyphens for spaces, no other punctuation.
fn slug(heading: &str) -> String {
    let kept = |c: char| match c {
        c if c.is_whitespace() => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    };
    heading.trim().to_lowercase().chars().filter_map(kept).collect()
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The line of byte `at`, counted from 1.
    fn at(&self, at: usize) -> usize {
        1 + self.0.partition_point(|&start| start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_taken_apart() {
        let text = "# A `b`, c!\n\n[x](y.md#z) and ![p](q.png)\n\n```sh tested\nvae fit\n```\n\n\
                    | k | v |\n|---|---|\n| `a` | 1 |\n\n# A b c\n";
        let page = Page::new("d/p.md", text);
        let targets: Vec<(&str, usize)> = page.links.iter().map(|l| (l.target.as_str(), l.line)).collect();
        assert_eq!(targets, [("y.md#z", 3), ("q.png", 3)]);
        assert_eq!(&text[page.links[0].range.clone()], "[x](y.md#z)");
        let anchors: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a-b-c", "a-b-c-1"]);
        let block = Code { info: Some("sh tested".into()), text: "vae fit\n".into(), line: 6 };
        assert_eq!(page.code[1], block);
        assert_eq!(page.tables, [[["k", "v"], ["a", "1"]]]);
    }
}
