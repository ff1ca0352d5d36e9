//! `vae methods`

use crate::args::MethodsArgs;
use crate::output::{say, say_json, table};
use anyhow::Result;
use serde::Serialize;
use vae_models::registry::{Entry, METHODS};

#[derive(Serialize)]
struct Row {
    name: &'static str,
    summary: &'static str,
    reference: &'static str,
    generative: bool,
    presets: Vec<&'static str>,
}

impl From<&'static Entry> for Row {
    fn from(m: &'static Entry) -> Self {
        let presets = m.presets.iter().map(|p| p.dataset).collect();
        let Entry { name, summary, reference, generative, .. } = *m;
        Self { name, summary, reference, generative, presets }
    }
}

/// Lists the methods.
///
/// # Errors
/// Stdout.
pub fn run(args: &MethodsArgs) -> Result<()> {
    let rows: Vec<Row> = METHODS.iter().map(Row::from).collect();
    if args.json {
        return say_json(&rows);
    }
    let mut lines = vec![["METHOD", "WHAT IT IS", "FROM"].map(String::from).to_vec()];
    lines.extend(rows.iter().map(|r| [r.name, r.summary, r.reference].map(String::from).to_vec()));
    let mut text = table(&lines);
    text.push_str("\nPresets (vae fit --preset METHOD/DATASET):\n");
    let presets: Vec<_> = rows.iter().map(|r| vec![format!("  {}", r.name), r.presets.join(" ")]).collect();
    text.push_str(&table(&presets));
    say(&text)
}
