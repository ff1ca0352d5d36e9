//! `vae data`: the known data sets, and what a file of one's own holds.

mod columns;
mod sample;
mod verify;

pub(crate) use self::columns::NoteFacts;

use crate::args::{DataCommand, FeatureModel, FeaturesArgs, ReadArgs};
use crate::commands::features;
use crate::input::options;
use crate::output::{quiet, remark, say, say_json, table, thousands};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vae_core::device::DeviceChoice;
use vae_data::{FetchOptions, FileState, Info, Places, Progress, Reader, Source, registry};

/// Runs one of the four.
///
/// # Errors
/// Unknown names, sets that are not on this machine, files that are wrong, the network.
pub fn run(command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::List { data_dir, json } => list(data_dir.as_deref(), *json),
        DataCommand::Fetch { name, data_dir, offline, weights } => {
            fetch(name, data_dir.clone(), *offline, weights.as_deref())
        }
        DataCommand::Verify { names, data_dir, json } => verify::run(names, data_dir.clone(), *json),
        DataCommand::Info(args) => {
            let data = args.data.as_deref().or(args.data_option.as_deref()).context("give NAME or PATH")?;
            info(data, &args.read, args.json)
        }
    }
}

#[derive(Serialize)]
struct Row {
    name: String,
    title: String,
    n: usize,
    dim: usize,
    n_classes: usize,
    licence: String,
    readable: bool,
    found: Option<PathBuf>,
    /// It can be used as it is.
    available: bool,
}

fn list(data_dir: Option<&Path>, json: bool) -> Result<()> {
    let places = Places::from_env(data_dir);
    let rows = registry().sets.iter().map(|entry| {
        let found = places.find(entry).0;
        let (generated, readable) = (entry.reader == Reader::Strokes, entry.reader != Reader::Unsupported);
        Row {
            name: entry.name.clone(),
            title: entry.title.clone(),
            n: entry.rows,
            dim: entry.dim,
            n_classes: entry.classes,
            licence: entry.licence.clone(),
            readable,
            available: readable && (generated || found.is_some()),
            found: found.filter(|_| !generated),
        }
    });
    let rows: Vec<Row> = rows.collect();
    if json {
        return say_json(&rows);
    }
    let mut lines = vec![["NAME", "ROWS", "DIM", "CLASSES", "HERE", "WHAT IT IS"].map(String::from).to_vec()];
    lines.extend(rows.iter().map(|r| {
        let here = match (r.available, r.readable) {
            (true, _) if r.found.is_none() => "built in",
            (true, _) => "yes",
            (false, true) => "no",
            (false, false) => "not read yet",
        };
        let numbers = [thousands(r.n), thousands(r.dim), r.n_classes.to_string()];
        [vec![r.name.clone()], numbers.to_vec(), vec![here.into(), r.title.clone()]].concat()
    }));
    say(&(table(&lines) + "\nGet one with: vae data fetch NAME\n"))
}

fn fetch(name: &str, data_dir: Option<PathBuf>, offline: bool, weights: Option<&Path>) -> Result<()> {
    let options = FetchOptions { data_dir: data_dir.clone(), offline, ..FetchOptions::default() };
    let mut display = Display::default();
    let entry = registry().require(name)?;
    if entry.reader == Reader::Strokes {
        return say(&format!("{name} is drawn by the program; there is nothing to fetch\n"));
    }
    remark(format_args!("{}\nlicence: {}", entry.title, entry.licence));
    let folder = vae_data::fetch(name, &options, &mut |step| display.show(&step));
    display.end_line();
    let folder = folder?;
    say(&format!("{name} is in {}\n", folder.display()))?;
    for file in entry.files.iter() {
        let Some(command) = &file.made_with else { continue };
        match weights {
            None => say(&format!("one file is computed from the others: {command}\n"))?,
            Some(weights) => features::run(&FeaturesArgs {
                model: FeatureModel::Resnet50,
                weights: weights.to_owned(),
                images: name.to_owned(),
                out: Some(folder.join(&file.name)),
                data_dir: data_dir.clone(),
                device: DeviceChoice::Auto,
                threads: None,
            })?,
        }
    }
    Ok(())
}

/// Progress of a download on stderr: one line that is rewritten on a terminal, a line now and then
/// elsewhere.
#[derive(Default)]
struct Display {
    last: Option<Instant>,
    open: bool,
}

impl Display {
    fn show(&mut self, step: &Progress<'_>) {
        if quiet() {
            return;
        }
        let text = match step {
            Progress::Received { file, done, total } => {
                let terminal = std::io::stderr().is_terminal();
                let wait = if terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
                if self.last.is_some_and(|t| t.elapsed() < wait) {
                    return;
                }
                self.last = Some(Instant::now());
                let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
                let of = total.map_or_else(String::new, |t| format!(" of {:.1}", mib(t)));
                let line = format!("{file}: {:.1}{of} MiB", mib(*done));
                if terminal {
                    eprint!("\r{line}\x1b[K");
                    let _ = std::io::stderr().flush();
                    self.open = true;
                    return;
                }
                line
            }
            Progress::Present { file } => format!("{file}: already there, with the right checksum"),
            Progress::Started { file, url, resumed_at: 0, .. } => format!("{file}: from {url}"),
            Progress::Started { file, url, .. } => format!("{file}: continuing from {url}"),
            Progress::Retrying { file, reason, wait } => {
                format!("{file}: {reason}; trying again in {} s", wait.as_secs())
            }
            Progress::Checking { file } => format!("{file}: verifying"),
            Progress::Unpacking { file } => format!("{file}: unpacking"),
            _ => return,
        };
        self.end_line();
        remark(text);
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.open) {
            eprintln!();
        }
    }
}

#[derive(Serialize)]
struct Facts<'a> {
    name: &'a str,
    n: usize,
    dim: usize,
    image: Option<vae_data::ImageShape>,
    n_train: usize,
    n_classes: Option<usize>,
    readable: bool,
    found: Option<&'a Path>,
    preprocessing: &'a str,
    licence: &'a str,
    homepage: &'a str,
    citation: &'a str,
    /// What the columns are, where the data are a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<columns::Facts<'a>>,
    notes: Vec<NoteFacts>,
}

fn info(data: &str, read: &ReadArgs, json: bool) -> Result<()> {
    let source: Source = data.parse()?;
    // Documents in a column are no columns of features.
    let table = match read.table.text_column {
        None => vae_data::table_info(&source, &options(read))?,
        Some(_) => None,
    };
    let mut info = match (vae_data::info(&source, &options(read)), &table) {
        (Err(error), Some(table)) if !json => {
            // What the columns are says more than the first of them that is refused.
            say(&format!("{}{}", columns::text(table), columns::notes(&table.notes)))?;
            return Err(error.into());
        }
        (info, _) => info?,
    };
    if let Some(limit) = read.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)) {
        info.n = info.n.min(limit);
        info.n_train = info.n_train.min(limit);
    }
    if json {
        say_json(&Facts {
            name: &info.name,
            n: info.n,
            dim: info.dim,
            image: info.image,
            n_train: info.n_train,
            n_classes: info.n_classes,
            readable: info.readable,
            found: info.found.as_deref(),
            preprocessing: &info.preprocessing,
            licence: &info.licence,
            homepage: &info.homepage,
            citation: &info.citation,
            table: table.as_ref().map(columns::Facts::of),
            notes: info.notes.iter().map(NoteFacts::from).collect(),
        })?;
    } else {
        say(&describe(&info))?;
        let columns = table.as_ref().map(columns::text).unwrap_or_default();
        say(&(columns + &columns::notes(&info.notes)))?;
    }
    usable(&source, &info, read)?;
    if json { Ok(()) } else { say(&sample::text(&source, &options(read))?) }
}

fn describe(info: &Info) -> String {
    let mut rows = vec![("samples", thousands(info.n)), ("features", thousands(info.dim))];
    let mut put = |key: &'static str, value: String| {
        if !value.is_empty() {
            rows.push((key, value));
        }
    };
    put("images", info.image.map(|i| format!("{i} (channels x height x width)")).unwrap_or_default());
    put(
        "training split",
        if info.n_train < info.n { format!("first {}", thousands(info.n_train)) } else { String::new() },
    );
    put("classes", info.n_classes.map_or_else(|| "no labels".into(), |k| k.to_string()));
    let names = if info.class_names.len() <= 20 { info.class_names.join(", ") } else { String::new() };
    put("class names", names);
    put("on loading", on_loading(info));
    put("licence", info.licence.clone());
    put("homepage", info.homepage.clone());
    put("cite", info.citation.clone());
    put("found in", info.found.as_ref().map(|p| p.display().to_string()).unwrap_or_default());
    let mut text =
        if info.title.is_empty() { info.name.clone() } else { format!("{}: {}", info.name, info.title) };
    text.push('\n');
    let rows: Vec<_> = rows.into_iter().map(|(key, value)| vec![format!("  {key}"), value]).collect();
    text.push_str(&table(&rows));
    text + &verify::file_lines(info)
}

/// What is done to the values on loading, and what a fit does afterwards.
fn on_loading(info: &Info) -> String {
    match info.preprocessing.as_str() {
        "none" => "values stay as they are; a fit scales the columns (setting scale, auto by default)".into(),
        other => other.into(),
    }
}

/// Fails when a fit could not use the set, so that scripts can ask.
fn usable(source: &Source, info: &Info, read: &ReadArgs) -> Result<()> {
    let Source::Known(name) = source else { return Ok(()) };
    let entry = registry().require(name)?;
    if !info.readable {
        bail!("this version does not read {name} yet");
    }
    if entry.reader != Reader::Strokes {
        Places::from_env(read.data_dir.as_deref()).require(entry)?;
    }
    let wrong =
        info.files.iter().find(|f| matches!(f.state, FileState::Different { .. } | FileState::Unreadable(_)));
    if let Some(file) = wrong {
        let path = file.path.as_deref().context("a file that was looked at has a path")?;
        bail!("{} is not the published file; delete it and run: vae data fetch {name}", path.display());
    }
    Ok(())
}
