//! Says what is done, how long it will take and how long it took; runs child processes.

use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
pub use vae_jobs::{last_words, line};

/// One announced piece of work.
pub struct Step {
    name: String,
    started: Instant,
}

impl Step {
    /// Announces `name` and the time it is expected to take, as words ("about 4 minutes").
    pub fn start(name: &str, expected: &str) -> Self {
        eprintln!("==> {name} ({expected})");
        Self { name: name.to_owned(), started: Instant::now() }
    }

    /// Says how long the step took and returns it.
    pub fn done(self) -> Duration {
        let elapsed = self.started.elapsed();
        eprintln!("    {}: done in {}", self.name, human_seconds(elapsed.as_secs_f64()));
        elapsed
    }
}

/// Runs `command` with inherited streams; a non-zero exit is an error that names the command line.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs `command` with inherited streams and returns how it ended.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot start `{}`", line(command)))
}

/// The standard output of `command`, with trailing white space cut; a non-zero exit is an error
/// with its last line.
pub fn stdout(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", line(command), output.status, last_words(&stderr));
    }
    Ok(String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed bytes that are not UTF-8", line(command)))?
        .trim_end()
        .to_owned())
}

/// Seconds for people: `42 s`, `3.2 min`, `1.5 h`.
pub fn human_seconds(seconds: f64) -> String {
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 99.5 {
        format!("{seconds:.0} s")
    } else if seconds < 5_970.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// Bytes for people, in decimal megabytes: `531 MB`.
pub fn human_bytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_bytes_read_well() {
        assert_eq!(human_seconds(0.04), "0.0 s");
        assert_eq!(human_seconds(42.4), "42 s");
        assert_eq!(human_seconds(192.0), "3.2 min");
        assert_eq!(human_seconds(5_400.0), "90.0 min");
        assert_eq!(human_seconds(7_200.0), "2.0 h");
        assert_eq!(human_bytes(530_604_548), "531 MB");
    }

    #[test]
    fn a_failing_command_is_named_with_its_last_line() {
        let error =
            stdout(Command::new("sh").args(["-c", "echo one >&2; echo two >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("sh -c 'echo one") && text.ends_with(": two"), "{text}");
        assert!(run(Command::new("sh").args(["-c", "exit 1"])).is_err());
        assert!(
            run(&mut Command::new("no-such-program-here")).unwrap_err().to_string().contains("cannot start")
        );
    }
}
