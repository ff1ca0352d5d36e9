//! What is in a bundle, and where.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Args;
use super::compile::Programs;
use super::licences;
use super::needs::AllNeeds;
use crate::libtorch::{self, Libtorch};
use crate::reproduce;
use crate::sets::{self, Found, Sets};
use crate::{files, project};

/// Scripts and their names in the bundle; all but `env.sh` are started.
const SCRIPTS: [(&str, &str); 4] = [
    ("env.sh", include_str!("env.sh")),
    ("vae", include_str!("vae.sh")),
    ("run.sh", include_str!("run.sh")),
    ("gpu-check.sh", include_str!("gpu-check.sh")),
];

const README: &str = include_str!("README.md");

/// A finished bundle.
pub struct Bundle {
    pub folder: PathBuf,
    /// How many crates have their licences in it.
    pub crates: usize,
    pub needs: AllNeeds,
}

/// What was asked for, found.
pub struct Contents {
    data: Vec<DataSet>,
    /// Lines of words after `reproduce`.
    cells: Vec<String>,
    with_libtorch: bool,
}

/// A data set that travels.
struct DataSet {
    name: String,
    title: String,
    licence: String,
    homepage: String,
    /// The data directory.
    place: PathBuf,
    found: Found,
}

impl Contents {
    /// Checks the cells and looks for the data.
    pub fn of(args: &Args) -> Result<Self> {
        let root = project::root();
        for cells in &args.cells {
            let asked = reproduce::check_words(cells).with_context(|| format!("in --cells {cells:?}"))?;
            for name in asked.iter().filter(|name| *name != "strokes" && !args.data.contains(name)) {
                eprintln!("note: `{cells}` has runs on {name}, which does not travel; --data {name} adds it");
            }
        }
        let sets = Sets::read(&root)?;
        let data =
            args.data.iter().map(|name| find(&sets, name, &sets::places())).collect::<Result<Vec<_>>>()?;
        let data = data.into_iter().flatten().collect();
        Ok(Self { data, cells: args.cells.clone(), with_libtorch: !args.without_libtorch })
    }

    /// Writes the bundle into `out`; an older one of the same name is replaced.
    pub fn write(
        &self,
        programs: &Programs,
        libtorch: &Libtorch,
        linked_in: Option<&str>,
        out: &Path,
    ) -> Result<Bundle> {
        let name =
            format!("vae-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
        let (folder, partial) = (out.join(&name), out.join(format!("{name}.partial")));
        files::remove_dir_if_there(&partial)?;
        files::copy(&programs.vae, &partial.join("bin/vae"))?;
        files::copy(&programs.xtask, &partial.join("bin/xtask"))?;
        let place = libtorch.folder()?;
        let needs = AllNeeds::read(&programs.vae, Some(&place.join("lib")), &[&programs.xtask])?;
        if self.with_libtorch {
            for library in needs.libraries(&place.join("lib")) {
                let name = library.file_name().context("a library without a name")?;
                files::copy(&library, &partial.join("libtorch/lib").join(name))?;
            }
            let version = format!("{}\n", libtorch::VERSION);
            files::write_atomic(&partial.join("libtorch/build-version"), version.as_bytes())?;
        }
        let crates = licences::collect(
            &["vae-cli", "xtask"],
            self.with_libtorch.then_some(place.as_path()),
            &partial.join("licences"),
        )?;
        self.write_texts(&partial, &needs, linked_in)?;
        for set in &self.data {
            for file in &set.found.files {
                let path = Path::new(&set.found.folder).join(file);
                files::copy(&set.place.join(&path), &partial.join("data").join(&path))?;
            }
        }
        files::remove_dir_if_there(&folder)?;
        fs::rename(&partial, &folder)
            .with_context(|| format!("cannot rename {} to its place", partial.display()))?;
        Ok(Bundle { folder, crates, needs })
    }

    /// Scripts, recipes, the list of cells, `README.md` and `bundle.json`.
    fn write_texts(&self, folder: &Path, needs: &AllNeeds, linked_in: Option<&str>) -> Result<()> {
        scripts(folder)?;
        let results = project::root().join("results");
        for name in reproduce::recipe_names(&results)? {
            let recipe = Path::new(&name).join("recipe.toml");
            files::copy(&results.join(&recipe), &folder.join("results").join(&recipe))?;
        }
        let head = "# Runs that ./run.sh makes: a recipe of results/ and options, as in `./run.sh --help`.\n";
        files::write_atomic(&folder.join("cells"), format!("{head}{}\n", self.cells.join("\n")).as_bytes())?;
        let provenance = project::provenance();
        let about = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "commit": provenance.commit,
            "dirty": provenance.dirty,
            "rustc": provenance.rustc,
            "libtorch": libtorch::VERSION,
            "linked_in": linked_in.map(|release| format!("Debian {release}")),
            "needs": needs.json(),
            "data": self.data.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(),
        });
        files::write_atomic(&folder.join(project::BUNDLE), &serde_json::to_vec_pretty(&about)?)?;
        let readme = self.readme(needs, linked_in, &provenance.commit);
        files::write_atomic(&folder.join("README.md"), readme.as_bytes())
    }

    fn readme(&self, needs: &AllNeeds, linked_in: Option<&str>, commit: &str) -> String {
        let or_any = |text: Option<String>| text.unwrap_or_else(|| "any".to_owned());
        let linked = match linked_in {
            Some(release) => format!("The programs were linked in a root of Debian {release}."),
            None => "The programs were linked on the machine that made the bundle.".to_owned(),
        };
        let without = match self.with_libtorch {
            true => "The libtorch of this folder has no CUDA half.",
            false => "**This folder has no libtorch.**",
        };
        let with_mnist = self.data.iter().any(|set| set.name == "mnist");
        let mnist =
            if with_mnist { "" } else { ", with the data set MNIST in a folder that `VAE_DATA_DIR` names" };
        let mut data = String::from("`strokes` is inside the program.");
        for DataSet { title, licence, homepage, found, .. } in &self.data {
            data += &format!(" `data/{}` is {title} ({licence}; {homepage}).", found.folder);
        }
        data += " Others are looked for in the folder that `VAE_DATA_DIR` names.";
        [
            ("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()),
            ("@COMMIT@", commit.to_owned()),
            ("@LIBTORCH@", libtorch::VERSION.to_owned()),
            ("@ARCH@", std::env::consts::ARCH.replace('_', "-")),
            ("@GLIBCXX@", format!("GLIBCXX_{}", or_any(needs.libstdcxx().map(ToString::to_string)))),
            ("@GLIBC@", or_any(needs.glibc().map(ToString::to_string))),
            ("@DISTRIBUTIONS@", needs.distributions()),
            ("@NEEDS@", needs.table().trim_end().to_owned()),
            ("@LINKED@", linked),
            ("@WITHOUT@", without.to_owned()),
            ("@MNIST@", mnist.to_owned()),
            ("@DATA@", data),
        ]
        .iter()
        .fold(README.to_owned(), |text, (place, value)| text.replace(place, value))
    }
}

/// Writes the scripts of a bundle into `folder`.
fn scripts(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for (name, text) in SCRIPTS {
        let path = folder.join(name);
        files::write_atomic(&path, text.replace("@LIBTORCH@", libtorch::VERSION).as_bytes())?;
        let mode = if name == "env.sh" { 0o644 } else { 0o755 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot make {} executable", path.display()))?;
    }
    Ok(())
}

/// The set `name` in the first of `places` that has it; `None` for one that the program draws.
fn find(sets: &Sets, name: &str, places: &[PathBuf]) -> Result<Option<DataSet>> {
    let set = sets.get(name)?;
    if sets.files(set).is_empty() {
        return Ok(None);
    }
    let Some((place, found)) = places.iter().find_map(|place| Some((place, sets.find(set, place)?))) else {
        let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        bail!(
            "the data set {name} is not here (looked in {}): `cargo xtask data fetch {name}`, or set VAE_DATA_DIR",
            looked.join(", ")
        );
    };
    Ok(Some(DataSet {
        name: name.to_owned(),
        title: set.title.clone(),
        licence: set.licence.clone(),
        homepage: set.homepage.clone(),
        place: place.clone(),
        found,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_taken_from_the_first_place_that_has_all_of_it() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sets = Sets::read(&project::root()).unwrap();
        let places = [one.path().to_owned(), two.path().to_owned()];
        let text = find(&sets, "mnist", &places).err().unwrap().to_string();
        assert!(text.contains("cargo xtask data fetch mnist") && text.contains("VAE_DATA_DIR"), "{text}");
        let names = sets.files(sets.get("mnist").unwrap());
        assert_eq!(names.len(), 4);
        files::write_atomic(&one.path().join("mnist").join(names[0]), b"x").unwrap();
        for name in &names {
            files::write_atomic(&two.path().join(format!("MNIST/raw/{name}.gz")), b"x").unwrap();
        }
        let set = find(&sets, "mnist", &places).unwrap().unwrap();
        assert_eq!((set.place.as_path(), set.found.folder.as_str()), (two.path(), "MNIST/raw"));
        assert!(set.found.files.iter().all(|file| file.ends_with(".gz")));
        assert!(find(&sets, "strokes", &places).unwrap().is_none());
        assert!(find(&sets, "moon", &places).err().unwrap().to_string().contains("no set moon"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn every_place_of_the_readme_is_filled() {
        let program = std::env::current_exe().unwrap();
        let needs = AllNeeds::read(&program, None, &[]).unwrap();
        let contents = Contents { data: Vec::new(), cells: Vec::new(), with_libtorch: true };
        let text = contents.readme(&needs, Some("11"), "abc");
        assert!(!text.contains('@'), "{text}");
        let glibc = format!("**glibc {} or newer**", needs.glibc().unwrap());
        assert!(text.contains(&glibc) && text.contains("in a root of Debian 11"), "{text}");
    }
}
