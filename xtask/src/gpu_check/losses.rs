//! Whether the losses of every step are those of the CPU.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::fit::{Fits, STEPS};

/// The largest difference of a loss, relative to the larger of it and 1.
const TOLERANCE: f64 = 1e-4;

/// The largest share of rows in another cluster, for methods that train nothing.
const OTHER_CLUSTER: f64 = 0.01;

/// A line of `history.jsonl`.
#[derive(Debug, Deserialize)]
struct Line {
    phase: String,
    epoch: usize,
    /// In nats per sample.
    loss: f64,
}

/// Fits on the CPU and on the device, and compares.
pub fn check(fits: &Fits<'_>, method: &str) -> Result<String> {
    let cpu = fits.in_steps(method, "cpu", &format!("{method}-cpu"))?;
    let device = fits.in_steps(method, fits.device, &format!("{method}-device"))?;
    let (ours, theirs) = (history(&device)?, history(&cpu)?);
    if theirs.is_empty() {
        return same_clusters(&device, &cpu);
    }
    compare(&ours, &theirs)
}

fn history(folder: &Path) -> Result<Vec<Line>> {
    let path = folder.join("history.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is no history of losses", path.display()))
}

/// Compares the first [`STEPS`] losses of each phase; says the largest difference.
fn compare(ours: &[Line], theirs: &[Line]) -> Result<String> {
    let shape = |lines: &[Line]| -> Vec<(String, usize)> {
        lines.iter().map(|line| (line.phase.clone(), line.epoch)).collect()
    };
    if shape(ours) != shape(theirs) {
        bail!("the device made {} steps and the CPU {}, or in other phases", ours.len(), theirs.len());
    }
    let (mut largest, mut compared) = (0.0_f64, 0);
    for (our, their) in ours.iter().zip(theirs).filter(|(our, _)| our.epoch <= STEPS) {
        let difference = (our.loss - their.loss).abs() / their.loss.abs().max(1.0);
        // A loss that is not a number has no difference.
        if difference.is_nan() || difference > TOLERANCE {
            bail!(
                "{}, step {}: the loss is {} on the device and {} on the CPU, a difference of {difference:.1e}; at most {TOLERANCE:.0e} was expected",
                our.phase,
                our.epoch,
                our.loss,
                their.loss
            );
        }
        largest = largest.max(difference);
        compared += 1;
    }
    Ok(format!("{compared} losses, the largest difference is {largest:.1e}"))
}

/// For methods without a training: the clusters of the rows.
fn same_clusters(device: &Path, cpu: &Path) -> Result<String> {
    let read = |folder: &Path| {
        let path = folder.join("assignments.csv");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (ours, theirs) = (read(device)?, read(cpu)?);
    let (ours, theirs) = (clusters(&ours)?, clusters(&theirs)?);
    if ours.len() != theirs.len() || ours.is_empty() {
        bail!("the device has {} assignments and the CPU {}", ours.len(), theirs.len());
    }
    let other = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).count();
    if other as f64 > OTHER_CLUSTER * ours.len() as f64 {
        bail!("{other} of {} rows are in another cluster than on the CPU", ours.len());
    }
    Ok(format!("it trains nothing; {other} of {} rows are in another cluster", ours.len()))
}

/// The column `cluster` of `assignments.csv`, whose first line names the columns.
fn clusters(text: &str) -> Result<Vec<&str>> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let column = head
        .split(',')
        .position(|name| name == "cluster")
        .context("assignments.csv has no column `cluster`")?;
    Ok(lines.filter_map(|line| line.split(',').nth(column)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(losses: &[f64]) -> Vec<Line> {
        let line = |(i, &loss): (usize, &f64)| Line { phase: "train".into(), epoch: i + 1, loss };
        losses.iter().enumerate().map(line).collect()
    }

    #[test]
    fn losses_are_compared_relative_to_their_size() {
        let said = compare(&lines(&[300.0, 0.5]), &lines(&[300.02, 0.50005])).unwrap();
        assert_eq!(said, "2 losses, the largest difference is 6.7e-5");
        let text = compare(&lines(&[300.0, 0.5]), &lines(&[300.0, 0.5002])).unwrap_err().to_string();
        assert!(
            text.starts_with("train, step 2: the loss is 0.5 on the device and 0.5002 on the CPU"),
            "{text}"
        );
        assert!(compare(&lines(&[300.0]), &lines(&[300.04])).is_err());
    }

    #[test]
    fn what_is_no_number_or_lacks_steps_fails() {
        assert!(compare(&lines(&[f64::NAN]), &lines(&[1.0])).is_err());
        assert!(compare(&lines(&[1.0]), &lines(&[f64::NAN])).is_err());
        let text = compare(&lines(&[1.0]), &lines(&[1.0, 2.0])).unwrap_err().to_string();
        assert!(text.contains("1 steps and the CPU 2"), "{text}");
        let mut other = lines(&[1.0]);
        other[0].phase = "pretrain".into();
        assert!(compare(&other, &lines(&[1.0])).is_err());
    }

    #[test]
    fn later_steps_are_no_part_of_the_check() {
        let (mut ours, theirs) = (vec![1.0; STEPS + 1], vec![1.0; STEPS + 1]);
        ours[STEPS] = 2.0;
        assert!(compare(&lines(&ours), &lines(&theirs)).unwrap().starts_with("20 losses"));
        ours[STEPS - 1] = 2.0;
        assert!(compare(&lines(&ours), &lines(&theirs)).is_err());
    }

    #[test]
    fn without_a_training_the_clusters_are_compared() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, other: usize| {
            let rows = (0..200).map(|i| format!("{i},{},0.9\n", if i < other { 7 } else { 3 }));
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            let text = format!("row,cluster,confidence\n{}", rows.collect::<String>());
            fs::write(folder.join("assignments.csv"), text).unwrap();
            folder
        };
        let (cpu, near, far) = (put("cpu", 0), put("near", 2), put("far", 3));
        assert!(same_clusters(&near, &cpu).unwrap().contains("2 of 200 rows"));
        let text = same_clusters(&far, &cpu).unwrap_err().to_string();
        assert_eq!(text, "3 of 200 rows are in another cluster than on the CPU");
        assert!(clusters("row,group\n1,2\n").is_err());
    }
}
