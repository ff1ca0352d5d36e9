//! What the checks found: told as they go, and written to one file.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::files;
use crate::step::human_seconds;

/// The file, in the folder of the checks.
const FILE: &str = "report.json";

/// All findings so far.
pub struct Report {
    device: String,
    findings: Vec<Finding>,
    last: Instant,
}

#[derive(Serialize)]
struct Finding {
    check: String,
    passed: bool,
    /// What was found, or what is wrong.
    said: String,
    seconds: f64,
}

impl Report {
    pub fn new(device: &str) -> Self {
        Self { device: device.to_owned(), findings: Vec::new(), last: Instant::now() }
    }

    /// Adds what came of a check, which began when the one before it ended.
    pub fn add(&mut self, check: &str, found: Result<String>) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        let (passed, said) = match found {
            Ok(said) => (true, said),
            Err(error) => (false, format!("{error:#}")),
        };
        println!(
            "{:6} {check}: {said} ({})",
            if passed { "passed" } else { "FAILED" },
            human_seconds(seconds)
        );
        self.findings.push(Finding { check: check.to_owned(), passed, said, seconds });
    }

    /// Whether a check has failed so far.
    pub fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| !finding.passed)
    }

    /// Writes the file; the exit code says whether all passed.
    pub fn finish(&self, folder: &Path, elapsed: Duration) -> Result<ExitCode> {
        #[derive(Serialize)]
        struct File<'a> {
            version: &'static str,
            device: &'a str,
            passed: bool,
            seconds: f64,
            checks: &'a [Finding],
        }
        let passed = !self.has_failed();
        let file = File {
            version: env!("CARGO_PKG_VERSION"),
            device: &self.device,
            passed,
            seconds: elapsed.as_secs_f64(),
            checks: &self.findings,
        };
        let path = folder.join(FILE);
        files::write_atomic(&path, &serde_json::to_vec_pretty(&file)?)?;
        let failed = self.findings.iter().filter(|finding| !finding.passed).count();
        println!(
            "{} of {} checks passed in {}: {}",
            self.findings.len() - failed,
            self.findings.len(),
            human_seconds(elapsed.as_secs_f64()),
            path.display()
        );
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_check_fails_all_and_is_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut report = Report::new("cuda");
        report.add("device", Ok("a GPU".to_owned()));
        assert!(!report.has_failed());
        report.add("losses of vade", Err(anyhow::anyhow!("too far")));
        assert_eq!(report.finish(dir.path(), Duration::from_secs(3)).unwrap(), ExitCode::FAILURE);
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&file["passed"], &file["checks"][0]["passed"]), (&false.into(), &true.into()));
        assert_eq!(file["checks"][1]["said"], "too far");
    }
}
