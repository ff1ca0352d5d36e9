//! The book as HTML: a copy of its pages, and of all that they link to, given to mdBook.
//!
//! Chapters link to pages and files of the repository by their paths there, so that they can be
//! read in the repository too. In the copy these are chapters and files of the book.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::links::Target;
use super::page::Page;
use crate::files;

/// Folder of the chapters, below the root.
pub const CHAPTERS: &str = "docs/src/";

/// The contents of the book.
pub const SUMMARY: &str = "docs/src/SUMMARY.md";

/// What the copy is made of, below its folder `src`.
#[derive(Debug, PartialEq, Eq)]
pub struct Copy {
    /// Pages: place and text.
    pages: BTreeMap<String, String>,
    /// Other files: place and path below the root.
    files: BTreeMap<String, String>,
}

impl Copy {
    /// The book made of `pages`, the Markdown files of the repository by path.
    ///
    /// # Errors
    /// Links to folders without a README.md, and two files with one place.
    pub fn of(pages: &BTreeMap<String, Page>) -> Result<Self> {
        let chapters = pages.keys().filter(|file| file.starts_with(CHAPTERS));
        let mut open: Vec<&str> = chapters.map(String::as_str).collect();
        let mut taken: BTreeSet<&str> = open.iter().copied().collect();
        let mut copy = Self { pages: BTreeMap::new(), files: BTreeMap::new() };
        while let Some(file) = open.pop() {
            let page = &pages[file];
            let text = moved(page, &mut |target| {
                let path = match pages.get_key_value(&format!("{}/README.md", target.path)) {
                    Some((readme, _)) => readme,
                    None => &target.path,
                };
                match pages.get_key_value(path) {
                    Some((known, _)) => {
                        if taken.insert(known) {
                            open.push(known);
                        }
                    }
                    None if Path::new(path).extension().is_none() => {
                        bail!("{file}: {path} is a folder without a README.md: link to a file in it");
                    }
                    None => drop(copy.files.insert(place(path), path.clone())),
                }
                Ok(place(path))
            })?;
            if copy.pages.insert(place(file), text).is_some() {
                bail!("two pages of the book would have the place {}", place(file));
            }
        }
        let beside: Vec<&Page> =
            taken.iter().filter(|file| !file.starts_with(CHAPTERS)).map(|file| &pages[*file]).collect();
        copy.pages.entry(place(SUMMARY)).or_default().push_str(&contents(&beside));
        Ok(copy)
    }

    /// Writes the copy into the empty folder `to`, with the book's settings.
    pub fn write(&self, root: &Path, to: &Path) -> Result<()> {
        let put = |from: &Path, place: &Path| -> Result<()> {
            fs::create_dir_all(place.parent().unwrap_or(to))
                .and_then(|()| fs::copy(from, place))
                .with_context(|| format!("cannot copy {} to {}", from.display(), place.display()))?;
            Ok(())
        };
        put(&root.join("docs/book.toml"), &to.join("book.toml"))?;
        for (place, path) in &self.files {
            put(&root.join(path), &to.join("src").join(place))?;
        }
        self.pages
            .iter()
            .try_for_each(|(place, text)| files::write_atomic(&to.join("src").join(place), text.as_bytes()))
    }
}

/// Where a file of the repository is in the book.
fn place(path: &str) -> String {
    if let Some(chapter) = path.strip_prefix(CHAPTERS) {
        return chapter.to_owned();
    }
    match path.strip_suffix("/README.md") {
        Some(folder) => format!("{folder}.md"),
        None if path == "README.md" => "repository.md".to_owned(),
        None => path.to_owned(),
    }
}

/// The text of `page` with its links to `place` of their targets.
fn moved(page: &Page, place_of: &mut dyn FnMut(&Target) -> Result<String>) -> Result<String> {
    let mut text = page.text.clone();
    // From the last to the first, so that ranges stay true; a picture in a link comes after it.
    for link in page.links.iter().rev() {
        let target = Target::of(&page.file, &link.target).map_err(anyhow::Error::msg)?;
        let Some(target) = target.filter(|target| target.path != page.file) else { continue };
        let to = relative(&place(&page.file), &place_of(&target)?);
        let to = target.anchor.map_or(to.clone(), |anchor| format!("{to}#{anchor}"));
        let Some(at) = text[link.range.clone()].rfind(&link.target) else {
            bail!("{}:{}: write the target of this link in the link", page.file, link.line);
        };
        let start = link.range.start + at;
        text.replace_range(start..start + link.target.len(), &to);
    }
    Ok(text)
}

/// The path from the page at `from` to `to`.
fn relative(from: &str, to: &str) -> String {
    let folders: Vec<&str> = from.split('/').collect();
    let folders = &folders[..folders.len() - 1];
    let names: Vec<&str> = to.split('/').collect();
    let common = folders.iter().zip(&names[..names.len() - 1]).take_while(|(a, b)| a == b).count();
    let up = folders[common..].iter().map(|_| "..");
    up.chain(names[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

/// The part of the contents that lists pages of the repository; those of a folder below its own.
fn contents(beside: &[&Page]) -> String {
    let mut places: Vec<(String, &Page)> = beside.iter().map(|page| (place(&page.file), *page)).collect();
    // A page before those of its folder: `results.md`, `results/own.md`.
    places.sort_by_key(|(place, _)| place.trim_end_matches(".md").to_owned());
    let mut text = String::from("\n# Pages of the repository\n\n");
    for (at, page) in &places {
        let above = at.rsplit_once('/').map(|(folder, _)| format!("{folder}.md"));
        let is_below = above.is_some_and(|above| places.iter().any(|(place, _)| *place == above));
        let title = page.text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(at);
        text += &format!("{}- [{title}]({at})\n", if is_below { "  " } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(files: &[(&str, &str)]) -> Result<Copy> {
        let pages = files.iter().map(|(file, text)| ((*file).to_owned(), Page::new(file, text)));
        Copy::of(&pages.collect())
    }

    #[test]
    fn what_chapters_link_to_becomes_part_of_the_book() {
        let copy = copy(&[
            ("docs/src/SUMMARY.md", "# Book\n\n- [A](m/a.md)\n"),
            (
                "docs/src/m/a.md",
                "[r](../../../results/own/README.md#x), [p](../../p.png), [s](#s), <https://e.org>",
            ),
            ("results/own/README.md", "# Own\n\n[all](../README.md) [code](../../src/a.rs) [up](..)"),
            ("results/README.md", "# Results\n\n[b](own/README.md)"),
            ("other.md", "# Not linked"),
        ])
        .unwrap();
        let pages: Vec<&str> = copy.pages.keys().map(String::as_str).collect();
        assert_eq!(pages, ["SUMMARY.md", "m/a.md", "results.md", "results/own.md"]);
        assert_eq!(
            copy.pages["m/a.md"],
            "[r](../results/own.md#x), [p](../docs/p.png), [s](#s), <https://e.org>"
        );
        assert_eq!(
            copy.pages["results/own.md"],
            "# Own\n\n[all](../results.md) [code](../src/a.rs) [up](../results.md)"
        );
        assert!(copy.pages["SUMMARY.md"].ends_with("- [Results](results.md)\n  - [Own](results/own.md)\n"));
        assert_eq!(copy.files["docs/p.png"], "docs/p.png");
    }

    #[test]
    fn folders_without_a_page_are_refused() {
        let error = copy(&[("docs/src/SUMMARY.md", "[x](../../examples)")]).unwrap_err().to_string();
        assert!(error.contains("examples is a folder without a README.md"), "{error}");
    }
}
