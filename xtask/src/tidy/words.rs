//! Words that belong to one machine: hosts of package registries, folders of somebody's computer.

use anyhow::Result;

use super::{Broken, Tree};

/// Ends of the names of files that people write.
const WRITTEN: [&str; 11] =
    [".rs", ".toml", ".md", ".py", ".sh", ".yml", ".yaml", ".txt", ".html", ".css", ".js"];

/// Hosts of package registries: cargo and pip know them. In two parts, so that this file has none.
const HOSTS: [(&str, &str); 4] =
    [("index.crates", ".io"), ("static.crates", ".io"), ("pypi", ".org"), ("pythonhosted", ".org")];

/// First folders of paths that are there on one machine only, without the stroke before them.
const FOLDERS: [&str; 3] = ["work", "root", "home"];

/// Every such word in code, docs and manifests.
pub fn broken(tree: &Tree) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for file in tree.ending_in(&WRITTEN) {
        for (at, text) in tree.text(file)?.lines().enumerate() {
            let here = |sentence: &str, what: String| Broken {
                file: file.to_owned(),
                line: at + 1,
                sentence: sentence.to_owned(),
                what,
            };
            if let Some(host) = host_in(text) {
                broken.push(here("no host of a package registry is named", format!("`{host}`")));
            }
            if let Some(folder) = folder_in(text) {
                broken.push(here("no path of one machine is named", format!("`/{folder}`")));
            }
        }
    }
    Ok(broken)
}

fn host_in(text: &str) -> Option<String> {
    HOSTS.iter().map(|(name, end)| format!("{name}{end}")).find(|host| text.contains(host.as_str()))
}

/// A folder of [`FOLDERS`] that begins a path: nothing of a path before the stroke, no more letters
/// after the name.
fn folder_in(text: &str) -> Option<&'static str> {
    FOLDERS.into_iter().find(|folder| {
        text.match_indices(&format!("/{folder}")).any(|(at, path)| {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            let before = text[..at].chars().next_back();
            let continues =
                before.is_some_and(|c| inside(c) || matches!(c, '.' | '/' | '~' | '}' | '>' | ')'));
            !continues && !text[at + path.len()..].chars().next().is_some_and(inside)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fake;

    fn found(name: &str, text: &str) -> Vec<String> {
        let (_folder, tree) = fake::tree(&[(name, text)]);
        fake::places(&broken(&tree).unwrap())
    }

    #[test]
    fn hosts_of_registries_are_found() {
        for (name, end) in HOSTS {
            let text = format!("fine\nsee https://{name}{end}/x\n");
            assert_eq!(found("README.md", &text), ["README.md:2"]);
            assert!(found("Cargo.lock", &text).is_empty());
        }
        assert!(found("README.md", "from crates.io, or from PyPI\n").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in FOLDERS {
            for text in [format!("\"/{folder}/x\""), format!("cd /{folder}"), format!("(/{folder})\n")] {
                assert_eq!(found("src/a.rs", &text), ["src/a.rs:1"], "{text}");
            }
            for text in
                [format!("a/{folder}/b"), format!("/{folder}book/x"), format!("~/{folder}"), folder.into()]
            {
                assert!(found("src/a.rs", &text).is_empty(), "{text}");
            }
        }
    }
}
