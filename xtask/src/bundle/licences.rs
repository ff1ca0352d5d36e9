//! The licences of what travels in a bundle: the crates that are linked into its programs, Rust's
//! standard library, and libtorch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{files, project, step};

/// Beginnings of the names of files that hold licences, in capitals.
const BEGINNINGS: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// A crate from a registry.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Linked {
    name: String,
    version: String,
    /// What its manifest says, an SPDX expression.
    licence: String,
    authors: String,
    /// Where its sources are.
    folder: PathBuf,
    /// What its manifest names as the file of its licence.
    file: Option<PathBuf>,
}

/// Writes the licences of everything in the bundle to the new folder `to`; returns how many crates
/// there are. `libtorch` is the folder whose libraries travel, if they do.
pub fn collect(programs: &[&str], libtorch: Option<&Path>, to: &Path) -> Result<usize> {
    let root = project::root();
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        files::copy(&root.join(name), &to.join(name))?;
    }
    let crates = linked(&metadata()?, programs)?;
    let mut table = String::from(
        "# Licences\n\nThe project itself: `LICENSE-MIT` or `LICENSE-APACHE`, as you like.\n\n\
         Rust's standard library is in both programs: `rust/`.\n\n",
    );
    standard_library(&to.join("rust"))?;
    if let Some(libtorch) = libtorch {
        of_libtorch(libtorch, &to.join("libtorch"))?;
        table += "libtorch: `libtorch/torch/LICENSE` has the licence of PyTorch and of all that is compiled into it. Beside it are \
                  NVIDIA's licences of `libcudart` and `libcupti`. `libgomp` is GCC's, under the GPL 3 with the GCC \
                  Runtime Library Exception.\n\n";
    }
    table += "Crates in the programs:\n\n| crate | version | licence | texts |\n| --- | --- | --- | --- |\n";
    for linked in &crates {
        let texts = texts(linked)?;
        let folder = format!("crates/{}-{}", linked.name, linked.version);
        for text in &texts {
            let name = text.file_name().context("a licence without a name")?;
            files::copy(text, &to.join(&folder).join(name))?;
        }
        let found = match texts.is_empty() {
            true => format!("none in its package; by {}", linked.authors),
            false => format!("`{folder}`"),
        };
        table += &format!("| {} | {} | {} | {found} |\n", linked.name, linked.version, linked.licence);
    }
    files::write_atomic(&to.join("README.md"), table.as_bytes())?;
    Ok(crates.len())
}

/// What cargo says of all packages that are built for this machine.
fn metadata() -> Result<Value> {
    let host = step::stdout(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc named no host")?;
    let words = ["metadata", "--locked", "--format-version", "1", "--filter-platform", host];
    serde_json::from_str(&step::stdout(&mut project::cargo(&words))?)
        .context("cargo metadata did not print JSON")
}

/// The crates that are linked into the packages `programs`: what they depend on, without what is
/// used for building and for tests alone. Crates of the workspace are not among them.
fn linked(metadata: &Value, programs: &[&str]) -> Result<BTreeSet<Linked>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();
    let of_workspace = |package: &Value| package["source"].is_null();
    let mut left: Vec<String> = packages
        .iter()
        .filter(|(_, package)| of_workspace(package) && programs.contains(&text(&package["name"]).as_str()))
        .map(|(id, _)| id.clone())
        .collect();
    if left.len() != programs.len() {
        bail!("cargo metadata does not have all of the packages {}", programs.join(", "));
    }
    let mut seen: BTreeSet<String> = left.iter().cloned().collect();
    while let Some(id) = left.pop() {
        for dependency in list(&nodes.get(&id).unwrap_or(&Value::Null)["deps"]) {
            let is_linked = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let id = text(&dependency["pkg"]);
            if is_linked && seen.insert(id.clone()) {
                left.push(id);
            }
        }
    }
    let crates = seen.iter().filter_map(|id| packages.get(id)).filter(|package| !of_workspace(package));
    crates
        .map(|package| {
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let folder = manifest.parent().context("a manifest without a folder")?.to_owned();
            Ok(Linked {
                name: text(&package["name"]),
                version: text(&package["version"]),
                licence: text(&package["license"]),
                authors: list(&package["authors"]).iter().map(text).collect::<Vec<_>>().join(", "),
                file: package["license_file"].as_str().map(|file| folder.join(file)),
                folder,
            })
        })
        .collect()
}

/// The files of a crate that hold licences: at its root, and the one that its manifest names.
fn texts(linked: &Linked) -> Result<BTreeSet<PathBuf>> {
    let folder = &linked.folder;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    let found = entries.flatten().map(|entry| entry.path()).filter(is_licence);
    Ok(found.chain(linked.file.clone().filter(|file| file.is_file())).collect())
}

/// The licences that came with the toolchain.
fn standard_library(to: &Path) -> Result<()> {
    let sysroot = step::stdout(Command::new("rustc").args(["--print", "sysroot"]))?;
    let docs = Path::new(&sysroot).join("share/doc/rust");
    let name = "COPYRIGHT-library.html";
    files::copy(&docs.join(name), &to.join(name))
        .context("the toolchain came without its licences: `rustup component add rustc`")?;
    copy_all(&docs.join("licenses"), to)
}

/// Those of libtorch, from the folder that `cargo xtask libtorch` makes or from a Python package.
fn of_libtorch(libtorch: &Path, to: &Path) -> Result<()> {
    let provided = libtorch.join("licenses");
    if provided.is_dir() {
        return copy_all(&provided, to);
    }
    // site-packages/torch, and beside it torch-2.11.0+cpu.dist-info/licenses.
    let beside =
        libtorch.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let is_torch = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("torch-") && name.ends_with(".dist-info")
    };
    match beside.map(|entry| entry.path()).find(is_torch) {
        Some(info) if info.join("licenses").is_dir() => copy_all(&info.join("licenses"), &to.join("torch")),
        _ => bail!(
            "{} has no licences, and libtorch must not travel without: `cargo xtask libtorch --force` provides one with them",
            libtorch.display()
        ),
    }
}

/// Copies the files of `from`, and of its folders, to `to`.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", from.display()))?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy_all(&path, &place)? } else { files::copy(&path, &place)? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(folder: &Path, name: &str, source: Option<&str>) -> Value {
        json!({"id": name, "name": name, "version": "1.0.0", "source": source, "license": "MIT",
            "license_file": null, "manifest_path": folder.join(name).join("Cargo.toml")})
    }

    fn depends(on: &str, kind: Option<&str>) -> Value {
        json!({"pkg": on, "dep_kinds": [{"kind": kind}]})
    }

    #[test]
    fn what_is_linked_is_followed_and_what_only_builds_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Some("registry");
        let all = [
            ("vae", None),
            ("own", None),
            ("a", registry),
            ("b", registry),
            ("cc", registry),
            ("dev", registry),
        ];
        let metadata = json!({
            "packages": all.iter().map(|(name, source)| package(folder.path(), name, *source)).collect::<Vec<_>>(),
            "resolve": {"nodes": [
                {"id": "vae", "deps": [depends("own", None), depends("cc", Some("build")), depends("dev", Some("dev"))]},
                {"id": "own", "deps": [depends("a", None)]},
                {"id": "a", "deps": [depends("b", None), depends("vae", None)]},
                {"id": "b", "deps": []},
                {"id": "cc", "deps": []},
                {"id": "dev", "deps": []},
            ]},
        });
        let crates = linked(&metadata, &["vae"]).unwrap();
        assert_eq!(crates.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(linked(&metadata, &["vae", "a"]).unwrap_err().to_string().contains("vae, a"));
    }

    #[test]
    fn texts_are_found_by_their_names_and_by_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["LICENSE-MIT", "license.md", "NOTICE", "src/LICENSE", "README.md", "docs/terms.txt"] {
            files::write_atomic(&folder.path().join(name), b"text").unwrap();
        }
        let linked = Linked {
            name: "a".into(),
            version: "1.0.0".into(),
            licence: String::new(),
            authors: String::new(),
            folder: folder.path().to_owned(),
            file: Some(folder.path().join("docs/terms.txt")),
        };
        let names: Vec<String> = texts(&linked)
            .unwrap()
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["LICENSE-MIT", "NOTICE", "docs/terms.txt", "license.md"]);
    }

    #[test]
    fn the_licences_of_libtorch_are_looked_for_where_each_kind_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let (torch, to) = (folder.path().join("site/torch"), folder.path().join("to"));
        fs::create_dir_all(&torch).unwrap();
        let text = of_libtorch(&torch, &to).unwrap_err().to_string();
        assert!(text.contains("cargo xtask libtorch --force"), "{text}");
        files::write_atomic(&folder.path().join("site/torch-2.11.0+cpu.dist-info/licenses/LICENSE"), b"one")
            .unwrap();
        of_libtorch(&torch, &to).unwrap();
        assert_eq!(fs::read(to.join("torch/LICENSE")).unwrap(), b"one");
        files::write_atomic(&torch.join("licenses/nvidia/License.txt"), b"two").unwrap();
        of_libtorch(&torch, &to).unwrap();
        assert_eq!(fs::read(to.join("nvidia/License.txt")).unwrap(), b"two");
    }
}
