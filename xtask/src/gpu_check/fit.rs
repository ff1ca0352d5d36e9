//! The fits of the checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::files;
use crate::reproduce::Vae;
use crate::step;

/// Rows of a fit, and of one batch: an epoch is one step, and the history has the loss of each.
pub const ROWS: usize = 500;

/// Steps of a training.
pub const STEPS: usize = 20;

/// The learning rate of `train`, of `siamese.train` and of the prior. Adam divides a gradient by
/// its own size, so a difference in the last digits of a gradient near zero becomes one of the size
/// of the rate. From a mixture of 500 codes, at VaDE's own rates, two libraries of the CPU differ
/// by 2e-2 after four steps; at this one by 2e-5 after twenty, while the loss falls by a third.
const RATE: &str = "3e-5";

/// Trainings that a method may have, as keys of its configuration.
const TRAININGS: [&str; 4] = ["pretrain.train", "siamese.train", "classifier.train", "train"];

/// What fits of all checks share.
pub struct Fits<'a> {
    pub vae: &'a Vae,
    /// The device to check.
    pub device: &'a str,
    /// Where run folders go.
    pub out: &'a Path,
}

impl Fits<'_> {
    /// A fit of `method` on `strokes` with [`STEPS`] steps in each of its trainings, into the
    /// folder `name`.
    pub fn in_steps(&self, method: &str, device: &str, name: &str) -> Result<PathBuf> {
        let mut words = selection(method);
        for setting in settings(&self.config(method)?) {
            words.extend(["--set".to_owned(), setting]);
        }
        words.extend(["--limit".to_owned(), ROWS.to_string()]);
        let folder = self.out.join(name);
        files::remove_dir_if_there(&folder)?;
        step::stdout(&mut self.fit(&words, device, &folder))?;
        Ok(folder)
    }

    /// `vae fit <words>` on `device` into `folder`; it shares nothing with other runs.
    pub fn fit(&self, words: &[String], device: &str, folder: &Path) -> Command {
        let mut all = vec!["--quiet".to_owned(), "fit".to_owned()];
        all.extend_from_slice(words);
        all.extend(["--no-cache", "--threads", "1", "--device", device, "--out"].map(str::to_owned));
        let mut command = self.vae.command(&all);
        command.arg(folder);
        command
    }

    /// The configuration of `method`, with all its settings.
    fn config(&self, method: &str) -> Result<Value> {
        let mut words = vec!["config".to_owned(), "--json".to_owned()];
        words.extend(selection(method));
        let text = step::stdout(&mut self.vae.command(&words))?;
        let mut answer: Value =
            serde_json::from_str(&text).context("`vae config --json` did not print JSON")?;
        Ok(answer["config"].take())
    }
}

fn selection(method: &str) -> Vec<String> {
    ["--method", method, "--data", "strokes"].map(str::to_owned).into()
}

/// What makes each training of a configuration one of [`STEPS`] steps.
fn settings(config: &Value) -> Vec<String> {
    let has_training = |path: &&&str| {
        let at = path.split('.').try_fold(config, |value, key| value.get(key));
        at.is_some_and(|training| training.get("batch_size").is_some())
    };
    let mut settings = Vec::new();
    let mut trainings: Vec<&str> = TRAININGS.iter().filter(has_training).copied().collect();
    if config.get("space").is_some() {
        // The neighbours of codes that 20 steps made are a matter of the last digits.
        settings.push("space=features".to_owned());
        trainings.retain(|training| *training != "pretrain.train");
    }
    for training in trainings {
        settings.push(format!("{training}.epochs={STEPS}"));
        settings.push(format!("{training}.min_updates=0"));
        settings.push(format!("{training}.batch_size={ROWS}"));
        if ["siamese.train", "train"].contains(&training) {
            settings.push(format!("{training}.lr={RATE}"));
        }
    }
    if config.get("prior_lr").is_some() {
        settings.push(format!("prior_lr={RATE}"));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_training_of_a_configuration_gets_its_steps() {
        let train = json!({"batch_size": 128, "epochs": 3, "lr": 1e-3});
        let vade = json!({"pretrain": {"kind": "plain", "train": train}, "train": train, "prior_lr": 2e-3});
        assert_eq!(
            settings(&vade).join(" "),
            "pretrain.train.epochs=20 pretrain.train.min_updates=0 pretrain.train.batch_size=500 train.epochs=20 \
             train.min_updates=0 train.batch_size=500 train.lr=3e-5 prior_lr=3e-5"
        );
        let spectralnet =
            json!({"space": "codes", "pretrain": {"train": train}, "siamese": {"train": train}});
        let settings_of_spectralnet = settings(&spectralnet).join(" ");
        assert!(
            settings_of_spectralnet.starts_with("space=features siamese.train.epochs=20"),
            "{settings_of_spectralnet}"
        );
        assert!(!settings_of_spectralnet.contains("pretrain"), "{settings_of_spectralnet}");
        assert!(settings(&json!({"kmeans": {"batch_size": 4096}})).is_empty());
    }
}
