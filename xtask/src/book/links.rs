//! Links between the pages: every target inside the repository is there, and so is its heading.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::page::{Link, Page};

/// A link's target below the root, and the heading in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// With `/` between the names.
    pub path: String,
    pub anchor: Option<String>,
}

impl Target {
    /// Where `link` of the file `file` leads; `None` for what is not in the repository, an address
    /// of the web.
    ///
    /// # Errors
    /// A path that leaves the repository.
    pub fn of(file: &str, link: &str) -> Result<Option<Self>, String> {
        let is_address = link.contains("://") || link.starts_with("mailto:");
        if is_address {
            return Ok(None);
        }
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor.to_owned())),
            None => (link, None),
        };
        if path.is_empty() {
            return Ok(Some(Self { path: file.to_owned(), anchor }));
        }
        let mut names: Vec<&str> = file.split('/').collect();
        names.pop();
        for part in Path::new(path).components() {
            match part {
                Component::ParentDir => {
                    names.pop().ok_or_else(|| format!("{link} leaves the repository"))?;
                }
                Component::Normal(name) => names.push(name.to_str().unwrap_or_default()),
                Component::CurDir => {}
                _ => return Err(format!("{link} is no relative path")),
            }
        }
        Ok(Some(Self { path: names.join("/"), anchor }))
    }
}

/// A line for each link of `pages` whose target is not there. `exists` is asked about paths below
/// the root.
pub fn broken(pages: &BTreeMap<String, Page>, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let of_page = |page: &Page| {
        let problems = page.links.iter().filter_map(|link| {
            problem(page, link, pages, exists).map(|what| format!("{}:{}: {what}", page.file, link.line))
        });
        problems.collect::<Vec<_>>()
    };
    pages.values().flat_map(of_page).collect()
}

fn problem(
    page: &Page,
    link: &Link,
    pages: &BTreeMap<String, Page>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let target = match Target::of(&page.file, &link.target) {
        Err(problem) => return Some(problem),
        Ok(target) => target?,
    };
    if !exists(&target.path) {
        return Some(format!("{} is not there", target.path));
    }
    let anchor = target.anchor?;
    let known = pages.get(&target.path)?;
    if known.anchors.contains(&anchor) {
        return None;
    }
    Some(format!("{} has no heading with the anchor #{anchor}", target.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_paths_below_the_root() {
        let of = |link: &str| Target::of("docs/src/a.md", link);
        let target = |path: &str, anchor: Option<&str>| {
            Ok(Some(Target { path: path.into(), anchor: anchor.map(str::to_owned) }))
        };
        assert_eq!(of("../../README.md"), target("README.md", None));
        assert_eq!(of("b/./c.md#x"), target("docs/src/b/c.md", Some("x")));
        assert_eq!(of("#x"), target("docs/src/a.md", Some("x")));
        assert_eq!(of("https://example.org/a#b"), Ok(None));
        assert!(of("../../../x").is_err() && of("/etc").is_err());
    }

    #[test]
    fn missing_files_and_headings_are_told_with_their_line() {
        let a = Page::new("a.md", "# One\n\n[ok](b.md#two) [no](c.md)\n[head](b.md#three) [self](#one)\n");
        let b = Page::new("b.md", "# Two\n");
        let pages: BTreeMap<String, Page> =
            [a, b].into_iter().map(|page| (page.file.clone(), page)).collect();
        let found = broken(&pages, &|path| path == "b.md" || path == "a.md");
        assert_eq!(
            found,
            ["a.md:3: c.md is not there", "a.md:4: b.md has no heading with the anchor #three"]
        );
    }
}
