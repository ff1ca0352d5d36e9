//! The program `vae`: built for the other commands.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::libtorch::Libtorch;
use crate::project;
use crate::step::{self, Step};

/// Builds `vae` and returns the path of the executable, wherever the target folder is.
pub fn build(libtorch: &Libtorch) -> Result<PathBuf> {
    build_by(&["--package", "vae-cli"], "about 6 minutes the first time on two cores, then seconds", libtorch)
}

/// Like [`build`], but the one that `cargo test --workspace` has built: tests ask for more features
/// of some dependencies, with which all that depends on them is compiled once more.
pub fn of_tests(libtorch: &Libtorch) -> Result<PathBuf> {
    build_by(&["--locked", "--workspace", "--bins", "--tests"], "seconds after the tests", libtorch)
}

fn build_by(words: &[&str], expected: &str, libtorch: &Libtorch) -> Result<PathBuf> {
    let step = Step::start("build the program vae", expected);
    let mut command = project::cargo(&["build", "--message-format", "json-render-diagnostics"]);
    libtorch.apply(command.args(words));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", step::line(&command)))?;
    if !output.status.success() {
        bail!("the build of vae-cli failed ({}): its messages are above", output.status);
    }
    step.done();
    executable_in(&String::from_utf8_lossy(&output.stdout)).context(
        "cargo built vae-cli but named no executable `vae`: does the package still have that binary?",
    )
}

/// The executable of the binary target `vae`, not of its unit tests, in cargo's JSON messages, one
/// a line.
fn executable_in(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "vae")
        .filter(|message| message["profile"]["test"] == false)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"vae-core"},"profile":{"test":false},"executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"vae"},"profile":{"test":true},"executable":"/t/debug/deps/vae-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"vae"},"profile":{"test":false},"executable":"/t/debug/vae"}"#,
            "\n"
        );
        assert_eq!(executable_in(messages), Some(PathBuf::from("/t/debug/vae")));
        assert_eq!(executable_in(""), None);
    }
}
