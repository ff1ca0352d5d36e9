//! Questions to the binary `vae`: the schema of configurations and the list of methods live there,
//! and only there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::identity::{Identity, Revisions};
use super::recipe::{FitSplit, Precision};
use crate::libtorch::Libtorch;
use crate::step;

/// Weights of the network that STL-10's features come from; `vae data fetch` takes them from there.
const WEIGHTS: &str = "VAE_RESNET50_WEIGHTS";

/// The built binary and its surroundings.
pub struct Vae {
    pub program: PathBuf,
    /// `None` where the binary needs no help to find its libraries.
    pub libtorch: Option<Libtorch>,
    /// `VAE_CACHE_DIR` for its processes, if it is not to be the user's.
    pub cache: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Config {
    config_sha256: String,
    revisions: Revisions,
    #[serde(default)]
    data_sha256: Known,
    #[serde(default)]
    defaults: Vec<String>,
    matmul: Option<String>,
}

/// Content of a data set as the registry knows it.
#[derive(Deserialize, Default)]
struct Known {
    all: Option<String>,
    train: Option<String>,
}

/// What `vae config` says of a run.
#[derive(Debug)]
pub struct Resolved {
    pub identity: Identity,
    /// Settings that nobody chose.
    pub defaults: Vec<String>,
    /// Library of its matrix products, where the program tells.
    pub matmul: Option<String>,
}

impl Vae {
    /// `vae <words>`.
    pub fn command(&self, words: &[String]) -> Command {
        let mut command = self.around(&self.program);
        command.args(words);
        command
    }

    /// A program that is `vae`, or starts it.
    pub fn around(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(libtorch) = &self.libtorch {
            libtorch.apply(&mut command);
        }
        if let Some(cache) = &self.cache {
            command.env("VAE_CACHE_DIR", cache);
        }
        command
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        step::stdout(&mut self.command(&words))
    }

    /// The methods this version has.
    pub fn methods(&self) -> Result<Vec<String>> {
        let text = self.ask(&["methods", "--json"])?;
        let value: Value = serde_json::from_str(&text).context("`vae methods --json` did not print JSON")?;
        method_names(&value).context("`vae methods --json` printed no list of methods with a name each")
    }

    /// Why the data set cannot be used here, after an attempt to fetch it unless `offline`; `None`
    /// if it can. The words are the same on every machine, because they are committed.
    pub fn data_problem(&self, dataset: &str, offline: bool) -> Option<String> {
        let problem = self.ask(&["data", "info", dataset]).err()?;
        // The images alone, gigabytes, would not fill a cell.
        let lacks_weights = env::var_os(WEIGHTS).is_none() && format!("{problem:#}").contains("vae features");
        if lacks_weights && !offline {
            eprintln!(
                "    {dataset} has features of images: {WEIGHTS}=FILE, torchvision's ResNet-50, computes them here"
            );
        }
        if offline || lacks_weights {
            return Some(reason(&problem, dataset));
        }
        eprintln!("    {dataset} is not here: trying `vae data fetch {dataset}`");
        let words = ["data".to_owned(), "fetch".to_owned(), dataset.to_owned()];
        // Its own progress is on the standard error; the reason is asked for afterwards.
        let fetched = step::status(&mut self.command(&words)).is_ok_and(|status| status.success());
        let after = self.ask(&["data", "info", dataset]).err()?;
        Some(reason(if fetched { &after } else { &problem }, dataset))
    }

    /// What these options come to: what a run must be to be of today, and the library of matrix
    /// products.
    pub fn resolve(&self, selection: &[String], fit_split: FitSplit) -> Result<Resolved> {
        let mut words = vec!["config".to_owned()];
        words.extend_from_slice(selection);
        words.push("--json".to_owned());
        let mut command = self.command(&words);
        let text = step::stdout(&mut command)?;
        let config: Config = serde_json::from_str(&text)
            .with_context(|| format!("`{}` printed no config_sha256 and revisions", step::line(&command)))?;
        let hex = config.config_sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex || config.config_sha256.len() < 8 {
            bail!(
                "`{}` printed a config_sha256 that is none: {:?}",
                step::line(&command),
                config.config_sha256
            );
        }
        let Config { config_sha256, revisions, data_sha256, defaults, matmul } = config;
        let data_sha256 = match fit_split {
            FitSplit::All => data_sha256.all,
            FitSplit::Train => data_sha256.train,
        };
        let identity =
            Identity { config_sha256, data_sha256, fit_split, revisions, precision: Precision::F32 };
        Ok(Resolved { identity, defaults, matmul })
    }
}

/// `["kmeans", ...]` or `[{"name": "kmeans", ...}, ...]`.
fn method_names(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|entry| entry.as_str().or_else(|| entry.get("name")?.as_str()).map(str::to_owned))
        .collect()
}

/// What the program said about a data set, without the command line in front of it and without what
/// is only true of this machine: it ends before the first part that names a path or opens a list of
/// paths.
fn reason(error: &anyhow::Error, dataset: &str) -> String {
    let text = format!("{error:#}");
    let said = text.split_once("): ").map_or(text.as_str(), |(_, said)| said);
    let is_general = |part: &&str| !part.contains('/') && !part.ends_with(':');
    let parts: Vec<&str> = said.split("; ").take_while(is_general).collect();
    let general = parts.join("; ");
    let more = format!("`cargo xtask data info {dataset}` says more");
    match general.as_str() {
        "" => format!("its files cannot be used; {more}"),
        all if all == said => general,
        _ => format!("{general}; {more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn methods_are_names_or_objects_with_names() {
        assert_eq!(method_names(&json!(["a", "b"])).unwrap(), ["a", "b"]);
        assert_eq!(method_names(&json!([{"name": "a", "x": 1}])).unwrap(), ["a"]);
        assert!(method_names(&json!([{"title": "a"}])).is_none());
        assert!(method_names(&json!({"a": 1})).is_none());
    }

    #[test]
    fn the_reason_is_what_the_program_said() {
        let of =
            |said: &str| reason(&anyhow::anyhow!("`vae data info x` failed (exit status: 1): {said}"), "x");
        assert_eq!(of("no such set (see `vae data list`)"), "no such set (see `vae data list`)");
        // What is true of one machine is left out, whichever part of the set is there.
        let missing = "data set `x` was not found; `cargo xtask data info x` says more";
        for places in [
            "/cache/me/x (cache): no such folder; get it with: vae data fetch x; and then: vae features --images x",
            "/a b/x (VAE_DATA_DIR): missing there: y.bin; make the file with: vae features --images x",
        ] {
            assert_eq!(of(&format!("data set `x` was not found; looked in:; {places}")), missing);
        }
        let damaged = "its files cannot be used; `cargo xtask data info x` says more";
        assert_eq!(
            of("data/x/y.bin is cut short: 5 bytes expected, 3 found; copy or fetch it again"),
            damaged
        );
    }
}
