//! On what and with which code the runs of a table were made.

use std::collections::BTreeMap;

use super::Sheet;
use crate::reproduce::recipe::{Precision, Profile};
use crate::reproduce::runfile::RunFile;

impl Sheet<'_> {
    /// On what and with which code the runs of a profile were made.
    pub(super) fn machines(&self, profile: Profile) -> String {
        let mut machines: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.profile == profile) {
            *machines.entry(machine(run)).or_default().entry(commit(run)).or_default() += 1;
        }
        if machines.is_empty() {
            return String::new();
        }
        let lines = machines.iter().map(|(machine, commits)| {
            let n: usize = commits.values().sum();
            let commits: Vec<String> = commits.iter().map(|(commit, n)| format!("{commit} ({n})")).collect();
            format!("* {machine}: {n} run{} at {}\n", if n == 1 { "" } else { "s" }, commits.join(", "))
        });
        "\nMade on (commits with their number of runs):\n\n".to_owned() + &lines.collect::<String>()
    }
}

fn machine(run: &RunFile) -> String {
    let hardware = &run.hardware;
    let mut text = hardware.cpu.clone().unwrap_or_else(|| "unknown processor".to_owned());
    if let Some(cores) = hardware.cores {
        text += &format!(", {cores} cores");
    }
    if let Some(gpu) = &hardware.gpu {
        text += &format!(", {gpu}");
    }
    if let (Some(device), Some(threads)) = (&run.device, run.threads) {
        let format = Some(run.identity.precision).filter(|&format| format != Precision::F32);
        let parts: Vec<String> =
            run.matmul.iter().cloned().chain(format.map(|format| format.to_string())).collect();
        let library = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        let s = if threads == 1 { "" } else { "s" };
        text += &format!("; device {device}{library}, {threads} thread{s} a run");
    }
    text
}

fn commit(run: &RunFile) -> String {
    let commit = run.versions.commit.as_deref().unwrap_or("unknown");
    let short: String = commit.chars().take(10).collect();
    short + if run.versions.dirty { " with changes" } else { "" }
}
