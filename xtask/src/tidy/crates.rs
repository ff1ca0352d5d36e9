//! Who depends on whom among the crates, as their manifests say.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{Broken, Tree};
use crate::project::WITHOUT_TORCH;

/// The tables that name what a package depends on.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// The manifest of a package of the workspace.
struct Manifest<'a> {
    file: &'a str,
    text: String,
    table: Table,
}

impl Manifest<'_> {
    fn dependencies(&self) -> impl Iterator<Item = (&str, &Value)> {
        TABLES
            .iter()
            .filter_map(|table| self.table.get(*table).and_then(Value::as_table))
            .flatten()
            .map(|(name, how)| (name.as_str(), how))
    }

    /// The first line that begins with `word`, else the first.
    fn line_of(&self, word: &str) -> usize {
        self.text.lines().position(|line| line.trim_start().starts_with(word)).map_or(1, |at| at + 1)
    }

    fn broken(&self, word: &str, sentence: &str, what: String) -> Broken {
        let (file, line) = (self.file.to_owned(), self.line_of(word));
        Broken { file, line, sentence: sentence.to_owned(), what }
    }
}

/// The packages of the workspace, by name.
fn manifests(tree: &Tree) -> Result<BTreeMap<String, Manifest<'_>>> {
    let mut manifests = BTreeMap::new();
    for file in tree.ending_in(&["Cargo.toml"]) {
        let folder = file.trim_end_matches("/Cargo.toml");
        let is_member = folder == "xtask" || folder.strip_prefix("crates/").is_some_and(|f| !f.contains('/'));
        if is_member {
            let text = tree.text(file)?;
            let table: Table = text.parse().with_context(|| format!("cannot read {file}"))?;
            let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
            let name = name.with_context(|| format!("{file} names no package"))?.to_owned();
            manifests.insert(name, Manifest { file, text, table });
        }
    }
    Ok(manifests)
}

/// Cycles among the crates, those through tests included, and torch where there must be none.
pub fn broken(tree: &Tree) -> Result<Vec<Broken>> {
    let manifests = manifests(tree)?;
    let mut broken: Vec<Broken> = manifests.keys().filter_map(|name| cycle(name, &manifests)).collect();
    for (name, manifest) in manifests.iter().filter(|(name, _)| WITHOUT_TORCH.contains(&name.as_str())) {
        broken.extend(torch(name, manifest));
    }
    Ok(broken)
}

/// A way from `start` along dependencies back to it.
fn cycle(start: &str, manifests: &BTreeMap<String, Manifest<'_>>) -> Option<Broken> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = Vec::new();
    while let Some(way) = ways.pop() {
        for (next, _) in manifests.get(way.last()?)?.dependencies() {
            if next == start {
                let first = way.get(1).map_or(start, String::as_str);
                let what = format!("{} -> {start}", way.join(" -> "));
                return Some(manifests.get(start)?.broken(
                    first,
                    "crates do not depend on each other in a circle",
                    what,
                ));
            }
            if manifests.contains_key(next) && !seen.iter().any(|name| name == next) {
                seen.push(next.to_owned());
                ways.push([way.as_slice(), &[next.to_owned()]].concat());
            }
        }
    }
    None
}

/// What brings torch into a package that must not build it.
fn torch(name: &str, manifest: &Manifest<'_>) -> Vec<Broken> {
    let sentence = format!("{name} builds no torch");
    let mut broken = Vec::new();
    for (dependency, how) in manifest.dependencies() {
        let is_ours = dependency.starts_with("vae-");
        // What is optional is not there without a feature, and none is on by default (below).
        let optional = how.get("optional").and_then(Value::as_bool) == Some(true);
        let clean =
            !matches!(dependency, "tch" | "torch-sys") && (!is_ours || WITHOUT_TORCH.contains(&dependency));
        if !clean && !optional {
            broken.push(manifest.broken(dependency, &sentence, format!("it depends on {dependency}")));
        }
        if is_ours && how.get("features").is_some() {
            broken.push(manifest.broken(
                dependency,
                &sentence,
                format!("it turns on features of {dependency}"),
            ));
        }
    }
    let default = manifest.table.get("features").and_then(|features| features.get("default"));
    if default.and_then(Value::as_array).is_some_and(|names| !names.is_empty()) {
        broken.push(manifest.broken("default", &sentence, "it has features that are on by default".into()));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fake;

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n\n{rest}\n")
    }

    fn found(packages: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> = packages
            .iter()
            .map(|(name, rest)| (format!("crates/{name}/Cargo.toml"), manifest(name, rest)))
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
        let (_folder, tree) = fake::tree(&files);
        broken(&tree).unwrap().iter().map(Broken::to_string).collect()
    }

    #[test]
    fn a_circle_of_crates_is_found_through_tests_too() {
        let b = ("b", "[dependencies]\nc.workspace = true");
        assert!(found(&[("a", "[dependencies]\nb.workspace = true"), b, ("c", "")]).is_empty());
        let found = found(&[("a", ""), b, ("c", "[dev-dependencies]\nb = { path = \"../b\" }")]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            "crates/b/Cargo.toml:5: crates do not depend on each other in a circle: b -> c -> b"
        );
    }

    #[test]
    fn torch_is_found_by_every_way_in() {
        let clean = "[dependencies]\nndarray.workspace = true\nvae-array.workspace = true\n\
                     tch = { workspace = true, optional = true }\n[features]\ndefault = []\ntorch = [\"dep:tch\"]";
        assert!(found(&[("vae-data", clean)]).is_empty());
        for (rest, line) in [
            ("[dependencies]\nserde = \"1\"\ntch.workspace = true", 6),
            ("[dev-dependencies]\ntorch-sys.workspace = true", 5),
            ("[build-dependencies]\nvae-core.workspace = true", 5),
            ("[dependencies]\nvae-gmm = { workspace = true, features = [\"torch\"] }", 5),
            ("[features]\ndefault = [\"torch\"]", 5),
        ] {
            let found = found(&[("vae-data", rest)]);
            let place = format!("crates/vae-data/Cargo.toml:{line}: vae-data builds no torch: ");
            assert!(found.len() == 1 && found[0].starts_with(&place), "{rest}: {found:?}");
        }
        assert!(found(&[("vae-core", "[dependencies]\ntch.workspace = true")]).is_empty());
    }
}
