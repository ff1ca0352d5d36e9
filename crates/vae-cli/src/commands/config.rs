//! `vae config`: what a fit would run with, and where each value comes from.

use crate::args::{ConfigArgs, SelectionArgs};
use crate::commands::threads;
use crate::output::{counted, say, say_json, table};
use crate::selection::{choose, lacks_clusters};
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use vae_core::matmul::Matmul;

#[derive(Serialize)]
struct Answer<'a> {
    method: &'a str,
    preset: Option<&'a str>,
    profile: &'a str,
    revision: u32,
    config: &'a toml::Table,
    config_sha256: String,
    /// Library of the matrix products that a fit on the CPU of this machine takes.
    matmul: &'static str,
}

/// Prints the resolved configuration.
///
/// # Errors
/// The errors of the selection.
pub fn run(args: &ConfigArgs) -> Result<()> {
    // A number of clusters is needed to fit, not to look: one stands in for it.
    let (chosen, is_open) = match choose(&args.selection) {
        Err(error)
            if !args.json
                && args.selection.clusters.is_none()
                && error.downcast_ref().is_some_and(lacks_clusters) =>
        {
            (choose(&SelectionArgs { clusters: Some(1), ..args.selection.clone() })?, true)
        }
        chosen => (chosen?, false),
    };
    args.compute.matmul.apply()?;
    let resolved = &chosen.resolved;
    if args.json {
        return say_json(&Answer {
            method: resolved.method.name,
            preset: resolved.preset.as_deref(),
            profile: &resolved.profile,
            revision: resolved.method.revision,
            config: resolved.table(),
            config_sha256: resolved.sha256(),
            matmul: Matmul::current().name(),
        });
    }
    let mut text = format!("method {} (revision {})\n", resolved.method.name, resolved.method.revision);
    let _ = writeln!(text, "profile {}", resolved.profile);
    chosen.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    let mut rows = vec![["KEY", "VALUE", "FROM"].map(String::from).to_vec()];
    rows.extend(resolved.with_origins().into_iter().map(|(key, value, origin)| match key.as_str() {
        "n_clusters" if is_open => vec![key, "not given".into(), "a fit needs --clusters K".into()],
        _ => vec![key, value, origin],
    }));
    let _ = writeln!(text, "\n{}", table(&rows));
    if !is_open {
        let _ = writeln!(text, "sha256 {}", resolved.sha256());
    }
    let compute = &args.compute;
    let _ = writeln!(
        text,
        "beside it: seed {}, {}, {} for matrix products on the CPU",
        compute.seed,
        counted(threads(compute.threads), "thread"),
        Matmul::current().name()
    );
    say(&text)
}
