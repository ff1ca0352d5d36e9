//! `vae config`: what a fit would run with, and where each value comes from.

use crate::args::{ConfigArgs, SelectionArgs};
use crate::commands::threads;
use crate::output::{counted, say, say_json, table};
use crate::selection::{choose, clusters_set, lacks_clusters};
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use vae_core::device::DeviceChoice;
use vae_core::identity::Revisions;
use vae_core::matmul::Matmul;
use vae_data::Source;
use vae_models::registry::revisions;

#[derive(Serialize)]
struct Answer<'a> {
    method: &'a str,
    preset: Option<&'a str>,
    profile: &'a str,
    config: &'a toml::Table,
    /// Paths of the settings that nobody chose.
    defaults: Vec<String>,
    config_sha256: &'a str,
    /// The present number of every algorithm that a result can depend on.
    revisions: Revisions,
    /// What the features of a known data set must be, where that is known without reading them.
    data_sha256: Known<'a>,
    /// Library of the matrix products that a fit on the CPU of this machine takes.
    matmul: &'static str,
    /// Number format of the large products of a fit on the CPU of this machine.
    precision: &'static str,
}

/// Content of a known data set: all rows, and the publisher's training split.
#[derive(Serialize, Default)]
struct Known<'a> {
    all: Option<&'a str>,
    train: Option<&'a str>,
}

impl Known<'_> {
    fn of(source: Option<&Source>) -> Self {
        let Some(Source::Known(name)) = source else { return Self::default() };
        let Some(entry) = vae_data::registry().get(name) else { return Self::default() };
        Self { all: entry.content_sha256.as_deref(), train: entry.train_content_sha256.as_deref() }
    }
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
                && clusters_set(&args.selection.set).is_none()
                && error.downcast_ref().is_some_and(lacks_clusters) =>
        {
            (choose(&SelectionArgs { clusters: Some(1), ..args.selection.clone() })?, true)
        }
        chosen => (chosen?, false),
    };
    args.compute.matmul.apply()?;
    let precision = args.compute.precision.on(DeviceChoice::Cpu.resolve()?)?;
    let resolved = &chosen.resolved;
    if args.json {
        return say_json(&Answer {
            method: resolved.method.name,
            preset: resolved.preset.as_deref(),
            profile: &resolved.profile,
            config: resolved.table(),
            defaults: resolved.defaults(),
            config_sha256: resolved.sha256(),
            revisions: revisions(),
            data_sha256: Known::of(chosen.source.as_ref()),
            matmul: Matmul::current().name(),
            precision: precision.name(),
        });
    }
    let mut text = format!("method {}\n", resolved.method.name);
    let _ = writeln!(text, "profile {}", resolved.profile);
    chosen.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    let mut rows = vec![["KEY", "VALUE", "FROM"].map(String::from).to_vec()];
    rows.extend(resolved.with_origins().into_iter().map(|(key, value, origin)| match key.as_str() {
        "n_clusters" if is_open => vec![key, "not given".into(), "a fit needs --clusters K".into()],
        "n_clusters" if value == "0" => vec![key, "0 (estimated)".into(), origin],
        _ => vec![key, value, origin],
    }));
    let _ = writeln!(text, "\n{}", table(&rows));
    if !is_open {
        let _ = writeln!(text, "sha256 {}", resolved.sha256());
    }
    let compute = &args.compute;
    let _ = writeln!(
        text,
        "not part of the hash: seed {}, {}, {} in {} for matrix products on the CPU",
        compute.seed,
        counted(threads(compute.threads), "thread"),
        Matmul::current().name(),
        precision.name()
    );
    say(&text)
}
