//! What a training step costs beside its matrix products alone, and what an epoch takes.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::fit::Fits;
use crate::files;
use crate::step::{self, human_seconds};

/// What `vae doctor --time-steps --json` prints.
#[derive(Deserialize)]
struct Doctor {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    batch: u64,
    floor_ms: f64,
    step_ms: f64,
    ratio: f64,
}

/// A line of `timings.jsonl`.
#[derive(Deserialize)]
struct Timing {
    phase: String,
    wall_s: f64,
}

/// Epochs that are timed; the first one warms up.
const EPOCHS: usize = 4;

/// Times bare steps, then epochs of a fit.
pub fn check(fits: &Fits<'_>) -> Result<String> {
    let words = ["doctor", "--time-steps", "--json", "--threads", "1", "--device", fits.device];
    let text = step::stdout(&mut fits.vae.command(&words.map(str::to_owned)))?;
    let doctor: Doctor =
        serde_json::from_str(&text).context("`vae doctor --time-steps --json` printed no steps")?;
    let steps: Vec<String> = doctor
        .steps
        .iter()
        .map(|Step { batch, floor_ms, step_ms, ratio }| {
            format!(
                "batch {batch}: {step_ms:.2} ms a step, {floor_ms:.2} ms its products alone, ratio {ratio:.2}"
            )
        })
        .collect();
    let data = if fits.vae.data_problem("mnist", true).is_none() { "mnist" } else { "strokes" };
    let epoch = human_seconds(epoch(fits, data)?);
    Ok(format!("{}; {epoch} an epoch of VaDE on {data}", steps.join("; ")))
}

/// The median of the epochs of VaDE's preset for `data`, in seconds.
fn epoch(fits: &Fits<'_>, data: &str) -> Result<f64> {
    let mut words = vec!["--preset".to_owned(), format!("vade/{data}")];
    let epochs = format!("train.epochs={EPOCHS}");
    for setting in ["pretrain.train.epochs=1", "train.min_updates=0", "train.observe_every_epochs=0", &epochs]
    {
        words.extend(["--set".to_owned(), setting.to_owned()]);
    }
    let folder = fits.out.join("times");
    files::remove_dir_if_there(&folder)?;
    step::stdout(&mut fits.fit(&words, fits.device, &folder))?;
    let path = folder.join("timings.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    median_epoch(&text).with_context(|| format!("in {}", path.display()))
}

/// The median of the epochs of the phase `train` but the first, in seconds.
fn median_epoch(timings: &str) -> Result<f64> {
    let lines: Vec<Timing> = timings.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut times: Vec<f64> =
        lines.iter().filter(|line| line.phase == "train").skip(1).map(|line| line.wall_s).collect();
    if times.is_empty() {
        bail!("the phase train has fewer than two epochs");
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_and_other_phases_do_not_count() {
        let line =
            |phase: &str, wall_s: f64| format!("{{\"phase\":\"{phase}\",\"epoch\":1,\"wall_s\":{wall_s}}}\n");
        let text: String =
            [("pretrain", 0.1), ("train", 9.0), ("train", 3.0), ("train", 1.0), ("train", 2.0)]
                .map(|(phase, wall_s)| line(phase, wall_s))
                .concat();
        assert_eq!(median_epoch(&text).unwrap(), 2.0);
        assert!(median_epoch(&line("train", 9.0)).is_err());
        assert!(median_epoch("{}").is_err());
    }
}
