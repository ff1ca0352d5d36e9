//! A Python with numpy and safetensors: the machine's own, or packages that pip puts into the cache
//! folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step;
use crate::{files, project};

/// What the program needs. No sums are pinned: each Python and each platform has a file of its own.
const PACKAGES: [&str; 2] = ["numpy>=1.24", "safetensors>=0.4"];

/// How Python may be started.
const CANDIDATES: [&str; 2] = ["python3", "python"];

/// A Python that can import both.
#[derive(Debug)]
pub struct Python {
    program: &'static str,
    /// Where the packages are, if not with Python itself.
    packages: Option<PathBuf>,
}

impl Python {
    /// The machine's own where it has both packages; else they are fetched once.
    pub fn find() -> Result<Self> {
        let Some(program) = CANDIDATES.into_iter().find(|program| version(program).is_ok()) else {
            bail!("there is no Python: neither `{}` can be started", CANDIDATES.join("` nor `"));
        };
        let own = Self { program, packages: None };
        if own.works() {
            return Ok(own);
        }
        let folder = project::cache_dir()?.join(format!("python-{}-numpy-safetensors", version(program)?));
        let fetched = Self { program, packages: Some(folder.clone()) };
        if !fetched.works() {
            fetch(program, &folder).context("numpy and safetensors are not there and not to be had")?;
        }
        if !fetched.works() {
            bail!("`{program}` cannot import numpy and safetensors from {}; remove it", folder.display());
        }
        Ok(fetched)
    }

    /// `python`, which finds the packages.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    fn works(&self) -> bool {
        step::stdout(self.command().args(["-c", "import numpy, safetensors"])).is_ok()
    }
}

/// `3.11`, which compiled packages are for.
fn version(program: &str) -> Result<String> {
    let code = "import sys; print('%d.%d' % sys.version_info[:2])";
    step::stdout(Command::new(program).args(["-c", code]))
}

/// Installs the packages into `folder`, which is there only when they are complete.
fn fetch(program: &str, folder: &Path) -> Result<()> {
    let step = step::Step::start("numpy and safetensors with pip", "10 seconds");
    let beside = folder.with_extension(format!("{}.tmp", std::process::id()));
    files::remove_dir_if_there(&beside)?;
    let mut pip = Command::new(program);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--only-binary=:all:", "--target"]).arg(&beside).args(PACKAGES);
    // They go into a folder of their own, which a rule that asks for a virtual environment is not
    // meant for.
    pip.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_ROOT_USER_ACTION", "ignore");
    step::run(&mut pip)?;
    files::remove_dir_if_there(folder)?;
    fs::rename(&beside, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    step.done();
    Ok(())
}
