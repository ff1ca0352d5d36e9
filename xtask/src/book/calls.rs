//! Calls of `vae` and of `cargo xtask` in the text: every command and every option exists.
//!
//! The program itself says what it knows: `vae COMMAND --help`, once for each command. Calls of
//! `cargo xtask` are parsed as they are.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use clap::{CommandFactory, error::ErrorKind};

use super::page::{Code, Page};
use crate::Cli;

/// Options and commands that a help text lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// With their hyphens.
    options: BTreeSet<String>,
    commands: BTreeSet<String>,
}

impl Help {
    /// Reads what clap prints for `--help`.
    pub fn parse(text: &str) -> Self {
        let mut help = Self::default();
        let mut in_commands = false;
        for line in text.lines() {
            let words = line.trim_start();
            match line.chars().next() {
                Some(c) if !c.is_whitespace() => in_commands = line == "Commands:",
                _ if in_commands && line.starts_with("  ") && !line.starts_with("   ") => {
                    help.commands.extend(words.split_whitespace().next().map(str::to_owned));
                }
                _ if words.starts_with('-') => {
                    let names = words.split("  ").next().unwrap_or_default().split([' ', ',', '=', '[']);
                    let names = names.filter(|word| word.starts_with('-'));
                    help.options.extend(names.map(|word| word.trim_end_matches('.').to_owned()));
                }
                _ => {}
            }
        }
        help
    }
}

/// What the program says of its commands, asked once each.
pub struct Known<'a> {
    ask: &'a dyn Fn(&[&str]) -> Result<String>,
    help: BTreeMap<String, Help>,
}

impl<'a> Known<'a> {
    /// `ask` returns the standard output of `vae WORDS`.
    pub fn new(ask: &'a dyn Fn(&[&str]) -> Result<String>) -> Self {
        Self { ask, help: BTreeMap::new() }
    }

    fn help(&mut self, commands: &[String]) -> Result<&Help> {
        let name = commands.join(" ");
        if !self.help.contains_key(&name) {
            let words: Vec<&str> = commands.iter().map(String::as_str).chain(["--help"]).collect();
            self.help.insert(name.clone(), Help::parse(&(self.ask)(&words)?));
        }
        Ok(&self.help[&name])
    }

    /// What is wrong with `vae WORDS`, if anything.
    fn problem(&mut self, words: &[String]) -> Result<Option<String>> {
        let mut commands: Vec<String> = Vec::new();
        for word in words {
            if word == "--" {
                break;
            }
            let help = self.help(&commands)?;
            if let Some(option) = option(word) {
                if !help.options.contains(option) {
                    return Ok(Some(format!("{} has no option {option}", call(&commands))));
                }
            } else if !help.commands.is_empty() {
                if is_placeholder(word) {
                    break;
                }
                if !help.commands.contains(word) {
                    return Ok(Some(format!("{} has no command {word}", call(&commands))));
                }
                commands.push(word.clone());
            }
        }
        Ok(None)
    }
}

/// `vae COMMANDS` in backticks.
fn call(commands: &[String]) -> String {
    let words: Vec<&str> = ["vae"].into_iter().chain(commands.iter().map(String::as_str)).collect();
    format!("`{}`", words.join(" "))
}

/// A line for each call in `pages` that the program would refuse.
pub fn broken<'p>(
    pages: impl Iterator<Item = &'p Page>,
    ask: &dyn Fn(&[&str]) -> Result<String>,
) -> Result<(usize, Vec<String>)> {
    let mut known = Known::new(ask);
    let (mut count, mut broken) = (0, Vec::new());
    for page in pages {
        for (line, words) in page.code.iter().flat_map(calls) {
            let problem = match words[0].as_str() {
                "vae" => known.problem(&words[1..])?,
                _ => xtask_problem(&words[1..]),
            };
            count += 1;
            broken.extend(problem.map(|what| format!("{}:{line}: {what}", page.file)));
        }
    }
    Ok((count, broken))
}

/// The calls in a piece of code: their lines, and their words from `vae` or `xtask` on.
fn calls(code: &Code) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (line, text) in commands(code) {
        let words = shlex::split(&text).unwrap_or_default();
        let ends = |word: &String| matches!(word.as_str(), "|" | "||" | "&&" | ";" | "&");
        for call in words.split(ends) {
            let call = call.iter().skip_while(|word| word.contains('=') && !word.starts_with('-'));
            let call: Vec<String> = call.map(|word| word.trim_end_matches(';').to_owned()).collect();
            let names: Vec<&str> = call.iter().map(String::as_str).collect();
            match names[..] {
                ["vae", _, ..] => found.push((line, call)),
                ["cargo", "xtask", _, ..] => found.push((line, call[1..].to_vec())),
                [program, _, ..] if program.ends_with("/vae") => {
                    found.push((line, [&["vae".to_owned()], &call[1..]].concat()));
                }
                _ => {}
            }
        }
    }
    found
}

/// The command lines of a piece of code: all lines of a shell script, the lines after `$ ` of a
/// session, words in backticks.
pub fn commands(code: &Code) -> Vec<(usize, String)> {
    let Some(info) = &code.info else { return vec![(code.line, code.text.clone())] };
    let is_session = match info.split([' ', ',']).next() {
        Some("console") => true,
        Some("sh" | "bash" | "shell") => false,
        _ => return Vec::new(),
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (i, line) in code.text.lines().enumerate() {
        let start = if is_session { line.strip_prefix("$ ") } else { Some(line) };
        match (start, found.last_mut()) {
            (_, Some((_, last))) if continues => {
                last.push(' ');
                last.push_str(line.trim());
            }
            (Some(text), _) => found.push((code.line + i, text.to_owned())),
            (None, _) => continue,
        }
        continues = found.last_mut().is_some_and(|(_, last)| match last.strip_suffix('\\') {
            Some(cut) => {
                *last = cut.trim_end().to_owned();
                true
            }
            None => false,
        });
    }
    found
}

/// The name of an option, without its value; `None` for other words, `-` and numbers.
fn option(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('-')?;
    match rest.chars().next()? {
        '-' => word.split('=').next(),
        c if c.is_ascii_alphabetic() => word.get(..2),
        _ => None,
    }
}

/// A word that stands for others: `COMMAND`, `<command>`, `...`.
fn is_placeholder(word: &str) -> bool {
    word.starts_with(|c: char| c.is_uppercase() || matches!(c, '<' | '.' | '…'))
}

/// What is wrong with `cargo xtask WORDS`, if anything.
fn xtask_problem(words: &[String]) -> Option<String> {
    if words.iter().any(|word| is_placeholder(word)) {
        return None;
    }
    let all = ["cargo xtask"].into_iter().chain(words.iter().map(String::as_str));
    let error = Cli::command().try_get_matches_from(all).err()?;
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    (!is_help).then(|| format!("`cargo xtask {}`: {first}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "Usage: vae [OPTIONS] <COMMAND>\n\nCommands:\n  fit   Cluster\n        more\n  data  Sets\n\n\
                        Options:\n  -q, --quiet       Say --nothing\n  -v, --verbose...  More\n";
    const FIT: &str = "Usage: vae fit\n\nOptions:\n  -d, --data <NAME|PATH>\n          A set --not-this\n      \
                       --set <KEY=VALUE>\n          x\n";

    fn ask(words: &[&str]) -> Result<String> {
        Ok(match words {
            ["--help"] => MAIN,
            ["fit", "--help"] => FIT,
            _ => "Commands:\n  list  All\n\nOptions:\n  -h, --help  Help\n",
        }
        .to_owned())
    }

    fn problems(text: &str) -> Vec<String> {
        broken([Page::new("a.md", text)].iter(), &ask).unwrap().1
    }

    #[test]
    fn help_lists_options_and_commands() {
        let help = Help::parse(MAIN);
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&help.commands), "data fit");
        assert_eq!(names(&help.options), "--quiet --verbose -q -v");
        assert_eq!(names(&Help::parse(FIT).options), "--data --set -d");
    }

    #[test]
    fn unknown_options_and_commands_are_told() {
        let text = "`vae fit --dta x` and `vae fly`, not `vae COMMAND --help`\n\n```sh\nvae fit -d - --set a=-1  # --x\n\
                    X=1 vae fit -x && vae data list\nvae data \\\n  lost\n```\n";
        let expected = [
            "a.md:1: `vae fit` has no option --dta",
            "a.md:1: `vae` has no command fly",
            "a.md:5: `vae fit` has no option -x",
            "a.md:6: `vae data` has no command lost",
        ];
        assert_eq!(problems(text), expected);
    }

    #[test]
    fn sessions_have_commands_behind_a_dollar() {
        let text = "```console tested\n$ vae fit \\\n    --no\nvae fit --shown\n$ ls\n```\n\n```text\nvae fit --no\n```\n";
        assert_eq!(problems(text), ["a.md:2: `vae fit` has no option --no"]);
    }

    #[test]
    fn calls_of_xtask_are_parsed() {
        assert!(problems("`cargo xtask tidy`, `cargo xtask reproduce NAME`, `cargo xtask`").is_empty());
        let [problem] = &problems("`cargo xtask tidy --fast`")[..] else { panic!("one problem") };
        assert!(problem.starts_with("a.md:1: `cargo xtask tidy --fast`: unexpected argument"), "{problem}");
    }
}
