//! Text for stdout: results for people as tables, results for programs as JSON.

use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

pub use vae_report::thousands;

/// The reader of our stdout has gone.
#[derive(Debug)]
pub struct ClosedStdout;

impl std::fmt::Display for ClosedStdout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stdout was closed")
    }
}

impl std::error::Error for ClosedStdout {}

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on [`remark`] says nothing.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only results, warnings and errors are said.
pub fn quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Says on stderr what is good to know and may be left out.
pub fn remark(text: impl std::fmt::Display) {
    if !quiet() {
        eprintln!("{text}");
    }
}

/// Writes `text` to stdout.
///
/// # Errors
/// [`ClosedStdout`] for a pipe without a reader (`println!` would panic), other I/O errors as they
/// are.
pub fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(ClosedStdout.into()),
        other => Ok(other?),
    }
}

/// Writes `value` to stdout as indented JSON.
///
/// # Errors
/// As [`say`].
pub fn say_json(value: &impl Serialize) -> Result<()> {
    say(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Rows as aligned columns, two spaces apart; the last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `0.94161` as `94.16 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// `1 thread`, `2 threads`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `text` as one word of a shell command: in quotes where the shell would take it for more or for
/// less.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_end_clean() {
        let rows = [["a", "bb", "c"], ["aaa", "b", ""]].map(|r| r.map(String::from).to_vec());
        assert_eq!(table(&rows), "a    bb  c\naaa  b\n");
    }

    #[test]
    fn a_word_stays_one_word_in_the_shell() {
        assert_eq!(shell_word("out/run-1.csv"), "out/run-1.csv");
        assert_eq!(shell_word("my run"), "'my run'");
        assert_eq!(shell_word("it's; $HOME"), r"'it'\''s; $HOME'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(percent(0.941_61), "94.16 %");
        assert_eq!((thousands(999), thousands(70_000)), ("999".into(), "70,000".into()));
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!([9.94, 65.0, 600.0, 9000.0].map(duration), ["9.9 s", "65 s", "10.0 min", "2.5 h"]);
    }
}
