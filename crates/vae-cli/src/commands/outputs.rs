//! Where a command may write: checked before anything is computed.

use crate::args::ModelOnData;
use crate::assignments::ids_file;
use crate::output::{quiet, remark, say};
use crate::run_folder::is_of_a_fit;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The formats a command writes by the end of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Npy,
    Png,
}

/// Where the results of data go: a file, or the standard output as CSV. There nothing else is said.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The file.
    pub path: Option<&'a Path>,
    pub format: Format,
}

impl<'a> Target<'a> {
    /// Checks that `out` can be written before anything is computed; without it, and with `-`, it
    /// is the standard output.
    ///
    /// # Errors
    /// An ending that is none of `allowed`; those of [`check_out`], also for the file of names
    /// beside an array.
    pub fn new(out: Option<&'a Path>, args: &ModelOnData, allowed: &[(Format, &str)]) -> Result<Self> {
        let Some(path) = out.filter(|path| *path != Path::new("-")) else {
            return Ok(Self { path: None, format: Format::Csv });
        };
        check_out(path, &inputs_of(args))?;
        let format = format_of(path, allowed)?;
        if format == Format::Npy {
            check_out(&ids_file(path), &inputs_of(args))?;
        }
        Ok(Self { path: Some(path), format })
    }

    /// Says what was done and where it is.
    pub fn say(&self, done: &str) -> Result<()> {
        match self.path {
            Some(path) if !quiet() => say(&format!("{done}: {}\n", path.display())),
            _ => Ok(()),
        }
    }
}

/// The format `path` asks for, one of `allowed`.
pub fn format_of(path: &Path, allowed: &[(Format, &str)]) -> Result<Format> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let found = allowed.iter().find(|(_, name)| *name == ending);
    let names: Vec<String> = allowed.iter().map(|(_, name)| format!(".{name}")).collect();
    Ok(found.with_context(|| format!("{} should end in {}", path.display(), names.join(" or ")))?.0)
}

/// A file that is about to be written can be: its folder exists, it is none of `inputs`, and none
/// that a fit wrote.
///
/// # Errors
/// Otherwise, with the reason.
pub fn check_out(out: &Path, inputs: &[&Path]) -> Result<()> {
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        bail!("cannot write {}: {} is no folder", out.display(), parent.display());
    }
    if out.is_dir() {
        bail!("cannot write {}: it is a folder; name a file in it", out.display());
    }
    if let Some(input) = inputs.iter().find(|input| is_same_file(out, input)) {
        let (out, input) = (out.display(), input.display());
        bail!("--out {out} would replace the input {input}; choose another --out");
    }
    if is_of_a_fit(&followed(out)) || is_of_a_fit(&parent_followed(out)) {
        bail!(
            "--out {} would replace a file of the run that `vae fit` wrote there; choose another --out",
            out.display()
        );
    }
    Ok(())
}

/// Says that a file which is there is about to be replaced.
pub fn tell_of_replacing(out: &Path) {
    if out.is_file() {
        remark(format_args!("note: {} is there already, and is replaced", out.display()));
    }
}

/// The files that `args` names: none of them may be written.
fn inputs_of(args: &ModelOnData) -> Vec<&Path> {
    let labels = args.read.labels.as_deref();
    [Some(args.model.as_path()), Some(Path::new(&args.data)), labels].into_iter().flatten().collect()
}

/// Whether both names lead to one file, through links of either kind.
fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (fs::metadata(a), fs::metadata(b))
            && (a.dev(), a.ino()) == (b.dev(), b.ino())
        {
            return true;
        }
    }
    fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
}

/// `path` without links; what is not there yet keeps its name in its folder.
fn followed(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| parent_followed(path))
}

/// `path` by its own name, in its folder without links.
fn parent_followed(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(parent), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_decides_the_format() {
        let allowed = [(Format::Csv, "csv"), (Format::Npy, "npy")];
        assert_eq!(format_of(Path::new("a/B.NPY"), &allowed).expect("npy"), Format::Npy);
        let refused = format_of(Path::new("a.png"), &allowed).expect_err("png").to_string();
        assert!(refused.contains("should end in .csv or .npy"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_found_under_each_of_its_names() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("x.csv"), "1").expect("file");
        fs::create_dir(path("folder")).expect("folder");
        std::os::unix::fs::symlink(path("x.csv"), path("link.csv")).expect("link");
        fs::hard_link(path("x.csv"), path("hard.csv")).expect("hard link");
        let input = path("x.csv");
        for name in ["x.csv", "link.csv", "hard.csv", "folder/../x.csv"] {
            let text = check_out(&path(name), &[&input]).expect_err(name).to_string();
            assert!(text.contains("would replace the input"), "{text}");
        }
        assert!(check_out(&path("y.csv"), &[&input]).is_ok());
        let text = check_out(&path("folder"), &[&input]).expect_err("a folder").to_string();
        assert!(text.contains("name a file in it"), "{text}");
    }
}
