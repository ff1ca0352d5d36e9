//! `vae data verify`: the files of sets, each against its checksum.

use crate::output::{say, say_json};
use anyhow::{Result, bail};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use vae_data::{Entry, FileState, Info, LoadOptions, Places, Reader, Source, registry};

/// A data set, for programs.
#[derive(Serialize)]
struct Set {
    name: String,
    /// `verified`, `wrong` or `built in`.
    state: &'static str,
    found: Option<PathBuf>,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    name: String,
    state: String,
}

/// Checks the sets `names`, or all that are on this machine.
///
/// # Errors
/// Unknown names; sets that are incomplete or damaged, once all are checked.
pub fn run(names: &[String], data_dir: Option<PathBuf>, json: bool) -> Result<()> {
    let places = Places::from_env(data_dir.as_deref());
    let entries: Vec<_> = if names.is_empty() {
        registry().sets.iter().filter(|entry| places.find(entry).0.is_some()).collect()
    } else {
        names.iter().map(|name| registry().require(name)).collect::<Result<_, _>>()?
    };
    if entries.is_empty() && !json {
        return say("no data set with files is on this machine; get one with: vae data fetch NAME\n");
    }
    let options = LoadOptions { data_dir, ..LoadOptions::default() };
    let mut sets = Vec::new();
    for entry in entries {
        let (set, text) = check(entry, &options)?;
        if !json {
            say(&text)?;
        }
        sets.push(set);
    }
    if json {
        say_json(&sets)?;
    }
    let wrong: Vec<&str> =
        sets.iter().filter(|set| set.state == "wrong").map(|set| set.name.as_str()).collect();
    match wrong.first() {
        None => Ok(()),
        Some(first) => {
            bail!("incomplete or damaged: {}; get it with: vae data fetch {first}", wrong.join(", "))
        }
    }
}

/// What is found about a set, and the lines that say it.
fn check(entry: &Entry, options: &LoadOptions) -> Result<(Set, String)> {
    let name = entry.name.clone();
    if entry.reader == Reader::Strokes {
        let text = format!("{name}: drawn by the program, verified whenever it is drawn\n");
        return Ok((Set { name, state: "built in", found: None, files: Vec::new() }, text));
    }
    let info = vae_data::info(&Source::Known(name.clone()), options)?;
    let place = info.found.as_ref().map_or_else(|| "not here".into(), |path| path.display().to_string());
    let text = format!("{name}: {place}\n{}", file_lines(&info));
    let is_wrong = info.files.iter().any(|f| !matches!(f.state, FileState::Verified | FileState::Unchecked));
    let files = info.files.iter().map(|f| File { name: f.name.clone(), state: words(&f.state) }).collect();
    let state = if is_wrong { "wrong" } else { "verified" };
    Ok((Set { name, state, found: info.found, files }, text))
}

/// A line for each file of a set.
pub fn file_lines(info: &Info) -> String {
    let mut text = String::new();
    for file in &info.files {
        let _ = writeln!(text, "  {}  {}", file.name, words(&file.state));
    }
    text
}

fn words(state: &FileState) -> String {
    match state {
        FileState::Verified => "verified".into(),
        FileState::Unchecked => "present (no checksum is known)".into(),
        FileState::Missing => "missing".into(),
        FileState::Different { .. } => "differs from the published file".into(),
        FileState::Unreadable(why) => format!("cannot be read: {why}"),
        other => format!("{other:?}"),
    }
}
