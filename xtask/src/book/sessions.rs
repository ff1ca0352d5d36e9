//! Sessions in the text: fenced blocks ```` ```console tested ````, whose commands are run.
//!
//! The blocks of a page are run in their order in one empty folder, beside copies of the tables
//! that the page links to. A command that fails is an error, and so is a shown line that the
//! command does not print. Numbers are not compared, because another processor has other last
//! digits; `…` stands for anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::links::Target;
use super::page::{Code, Page};
use crate::step::human_seconds;

/// Ends of the names of files that sessions get copies of.
const TABLES: [&str; 2] = [".csv", ".txt"];

/// A command and what the text shows of its output.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// How commands are run.
pub struct Sessions<'a> {
    /// The root of the clone.
    pub root: &'a Path,
    /// Makes a command of the words after `sh`, in an environment in which `vae` is found.
    pub shell: &'a dyn Fn(&str) -> Command,
    /// A folder for the folders of pages.
    pub folder: &'a Path,
}

impl Sessions<'_> {
    /// Runs the sessions of `page`; a line for each command that does otherwise than the text says.
    pub fn broken(&self, page: &Page) -> Result<Vec<String>> {
        let blocks: Vec<&Code> = page.code.iter().filter(|code| is_tested(code)).collect();
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.folder_of(page)?;
        let mut broken = Vec::new();
        for shown in blocks.into_iter().flat_map(shown) {
            let started = Instant::now();
            let printed =
                self.run(&folder, &shown).with_context(|| format!("{}:{}", page.file, shown.line))?;
            let seconds = human_seconds(started.elapsed().as_secs_f64());
            eprintln!("    {}:{}: {} ({seconds})", page.file, shown.line, shown.command);
            let missing = shown.output.iter().filter(|line| !is_printed(line, &printed));
            broken.extend(missing.map(|line| {
                format!("{}:{}: `{}` does not print: {line}", page.file, shown.line, shown.command)
            }));
        }
        Ok(broken)
    }

    /// A folder with what the page gives its readers.
    fn folder_of(&self, page: &Page) -> Result<PathBuf> {
        let folder = self.folder.join(page.file.replace('/', "-"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for link in &page.links {
            let target = Target::of(&page.file, &link.target).ok().flatten();
            let Some(Target { path, .. }) = target else { continue };
            if TABLES.iter().any(|end| path.ends_with(end)) {
                let from = self.root.join(&path);
                let to = folder.join(from.file_name().unwrap_or_default());
                fs::copy(&from, &to).with_context(|| format!("cannot copy {path} for {}", page.file))?;
            }
        }
        Ok(folder)
    }

    /// The lines that the command prints on both streams.
    fn run(&self, folder: &Path, shown: &Shown) -> Result<Vec<String>> {
        let output = (self.shell)(&format!("exec 2>&1\n{}", shown.command))
            .current_dir(folder)
            .output()
            .context("cannot start sh")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("`{}` failed ({}):\n{text}", shown.command, output.status);
        }
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// Whether a block is a session that is run.
fn is_tested(code: &Code) -> bool {
    code.info.as_deref().is_some_and(|info| info.split([' ', ',']).eq(["console", "tested"]))
}

/// The commands of a session, each with the lines after it.
fn shown(code: &Code) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut continues = false;
    for (i, line) in code.text.lines().enumerate() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (None, Some(last)) if continues => last.command += &format!("\n{line}"),
            (Some(command), _) => {
                found.push(Shown { line: code.line + i, command: command.to_owned(), output: Vec::new() });
            }
            (None, Some(last)) => {
                last.output.push(line.to_owned());
                continue;
            }
            (None, None) => continue,
        }
        continues = line.ends_with('\\');
    }
    found
}

/// Whether `line` is one of the `printed` lines, numbers and widths of gaps aside.
fn is_printed(line: &str, printed: &[String]) -> bool {
    let line = shape(line);
    let parts: Vec<&str> = line.split('…').collect();
    printed.iter().any(|printed| {
        let printed = shape(printed);
        let [first, .., last] = parts[..] else { return printed == line };
        let Some(mut rest) = printed.strip_prefix(first.trim_end()) else { return false };
        for part in &parts[1..parts.len() - 1] {
            let Some(at) = rest.find(part.trim()) else { return false };
            rest = &rest[at + part.trim().len()..];
        }
        rest.ends_with(last.trim_start())
    })
}

/// The line with `#` for each number and one space for each gap.
fn shape(line: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in line.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        let is_number = c.is_ascii_digit() || in_number && matches!(c, '.' | ',');
        if is_number && !in_number {
            out.push('#');
        } else if !is_number {
            out.push(c);
        }
        in_number = is_number;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Vec<String>> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("t.csv"), "a,b\n").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let sessions = Sessions { root: root.path(), shell: &shell, folder: folder.path() };
        sessions.broken(&Page::new("p.md", text))
    }

    #[test]
    fn commands_of_a_page_share_a_folder_with_its_tables() {
        let text = "[t](t.csv)\n\n```console tested\n$ cat t.csv > u.csv\n```\n\n```console tested\n$ cat \\\n  u.csv\n\
                    a,b\n$ echo 3.5 of 12,000 >&2\n7 of 8\n```\n\n```console\n$ false\n```\n";
        assert!(run(text).unwrap().is_empty());
    }

    #[test]
    fn other_output_and_failures_are_told() {
        let wrong = run("```console tested\n$ echo one 1\ntwo 1\n```\n").unwrap();
        assert_eq!(wrong, ["p.md:2: `echo one 1` does not print: two 1"]);
        let failed = run("```console tested\n$ echo why; exit 3\n```\n").unwrap_err();
        assert!(format!("{failed:#}").contains("p.md:2: `echo why; exit 3` failed (exit status: 3):\nwhy"));
    }

    #[test]
    fn lines_agree_but_for_numbers_gaps_and_ellipses() {
        let printed = ["time 3.2 s,  wrote run/x 1,024".to_owned()];
        for same in ["time 12 s, wrote run/x 5", "time … wrote run/x 5", "…run/x…", "…", "time… s, wrote…"]
        {
            assert!(is_printed(same, &printed), "{same}");
        }
        for other in ["time 12 s, wrote run/y 5", "wrote…", "time … run/y …", "time"] {
            assert!(!is_printed(other, &printed), "{other}");
        }
    }
}
