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
    let step =
        Step::start("build the program vae", "about 6 minutes the first time on two cores, then seconds");
    let mut command =
        project::cargo(&["build", "--package", "vae-cli", "--message-format", "json-render-diagnostics"]);
    libtorch.apply(&mut command);
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

/// The executable of the binary target `vae` in cargo's JSON messages, one a line.
fn executable_in(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "vae")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"vae-core","kind":["lib"]},"executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"vae","kind":["bin"]},"executable":"/t/debug/vae"}"#,
            "\n"
        );
        assert_eq!(executable_in(messages), Some(PathBuf::from("/t/debug/vae")));
        assert_eq!(executable_in(""), None);
    }
}
