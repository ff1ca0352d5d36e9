//! `cargo xtask exported`: models of every method, exported and applied by a program that knows
//! none of them, `examples/python/predict.py`.
//!
//! Every method is fitted shortly to drawn digits, and to a table with numbers of different units,
//! a category and gaps; a few more fits have what these do not: texts, several facets, clusters
//! with other numbers. Clusters, probabilities and codes of new rows must be those of `vae predict`
//! and `vae embed`.

mod compare;
mod data;
mod fits;
mod python;

use std::env;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::compare::{Agreement, Codes, Table};
use self::fits::Fit;
use self::python::Python;
use crate::files;
use crate::reproduce::{self, Vae};
use crate::step::{self, Step};

/// Compare examples/python/predict.py on exported models of every method with `vae predict`.
#[derive(clap::Args)]
pub struct Args {
    /// Only fits whose names hold one of these words, such as `vade` or `table`
    words: Vec<String>,
    /// This binary instead of one built now
    #[arg(long, hide = true)]
    vae: Option<PathBuf>,
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let python = Python::find()?;
    let vae = match &args.vae {
        // It is started in another folder.
        Some(vae) => Vae { program: absolute(vae)?, libtorch: None, cache: None },
        None => reproduce::build()?,
    };
    compare_all(&python, &vae, &args.words)?;
    Ok(ExitCode::SUCCESS)
}

/// All fits, where there is a Python with what the program needs; a line says where not.
pub fn check(vae: &Vae) -> Result<()> {
    match Python::find() {
        Ok(python) => compare_all(&python, vae, &[]),
        Err(problem) => {
            eprintln!("SKIPPED: exported models in Python: {problem:#}");
            Ok(())
        }
    }
}

fn compare_all(python: &Python, vae: &Vae, words: &[String]) -> Result<()> {
    let step = Step::start("exported models in Python: every method on two sets", "4 minutes");
    let folder = env::temp_dir().join(format!("vae-exported-{}", std::process::id()));
    files::remove_dir_if_there(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let place = Place { folder: &folder, python, vae };
    data::write(&folder)?;
    place.digits()?;
    let is_asked = |fit: &&Fit| words.is_empty() || words.iter().any(|word| fit.name.contains(word.as_str()));
    for fit in fits::all(vae)?.iter().filter(is_asked) {
        let compared = place.compare(fit);
        let agreement =
            compared.with_context(|| format!("{}, whose files are in {}", fit.name, folder.display()))?;
        eprintln!("    {}: {agreement}", fit.name);
    }
    files::remove_dir_if_there(&folder)?;
    step.done();
    Ok(())
}

/// Where fits are made and compared.
struct Place<'a> {
    folder: &'a Path,
    python: &'a Python,
    vae: &'a Vae,
}

impl Place<'_> {
    fn vae(&self, words: &[&str]) -> Result<()> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut command = self.vae.command(&words);
        command.current_dir(self.folder).env("VAE_CACHE_DIR", self.folder.join("cache"));
        step::stdout(&mut command).map(drop)
    }

    /// The digits as an array: k-means has no latent space, so that its codes are the features.
    fn digits(&self) -> Result<()> {
        let fit = ["fit", "-m", "kmeans", "-k", "10", "--set", "kmeans.n_init=1", "-o", "digits"];
        self.vae(&[&fit[..], &data::DIGITS].concat())?;
        self.vae(&[&["embed", "-m", "digits", "-o", data::DIGITS_ARRAY][..], &data::MORE_DIGITS].concat())
    }

    /// Fits, exports, predicts with both programs.
    fn compare(&self, fit: &Fit) -> Result<Agreement> {
        let name = fit.name.as_str();
        let file = |what: &str| format!("{name}.{what}");
        let (export, codes) = (file("safetensors"), file("codes.csv"));
        let (expected, expected_codes) = (file("vae.csv"), file("vae.codes.csv"));
        let settings: Vec<&str> = fit.words.iter().map(String::as_str).collect();
        self.vae(&[&["fit", "-o", name, "--threads", "1"][..], &settings, fit.data.fitted].concat())?;
        self.vae(&["name", name, "1", "the second"])?;
        self.vae(&["export", name, "-o", &export])?;
        let out = file("python.csv");
        let mut python = self.python.predict(self.folder);
        python.args([&export, fit.data.file, "--out", &out, "--codes", &codes]).args(fit.data.python);
        step::run(&mut python)?;
        let table = Table::read(&self.folder.join(&out))?;
        let proba: &[&str] = if table.has_probabilities() { &["--proba"] } else { &[] };
        let predict = ["predict", "-m", name, "--no-outlier", "-o", &expected];
        self.vae(&[&predict[..], fit.data.new, proba].concat())?;
        self.vae(&[&["embed", "-m", name, "-o", &expected_codes][..], fit.data.new].concat())?;
        table.require_variety()?;
        let agreement = table.agrees_with(&Table::read(&self.folder.join(expected))?)?;
        let codes = Codes::read(&self.folder.join(codes))?;
        codes.agree_with(&Codes::read(&self.folder.join(expected_codes))?, &table)?;
        Ok(agreement)
    }
}

impl Python {
    /// The program that is compared.
    fn predict(&self, folder: &Path) -> Command {
        let mut command = self.command();
        command.arg(crate::project::root().join("examples/python/predict.py")).current_dir(folder);
        command
    }
}
