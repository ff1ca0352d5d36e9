//! `vae predict`: assign new data to the clusters of a fitted model.

use crate::args::PredictArgs;
use crate::commands::open;
use crate::commands::outputs::{Format, check_out, format_of, inputs_of};
use crate::files::{self, Probability};
use crate::output::{say, thousands};
use anyhow::{Context, Result, bail};
use ndarray::Array2;
use std::io::Write;
use std::path::Path;
use vae_core::fsio::write_atomic;

/// Writes assignments, or probabilities.
///
/// # Errors
/// Unreadable model or data, data of another dimension, a method without probabilities, an
/// unwritable file.
pub fn run(args: &PredictArgs) -> Result<()> {
    let format = match &args.out {
        Some(out) => {
            check_out(out, &inputs_of(&args.input))?;
            format_of(out, &[(Format::Csv, "csv"), (Format::Npy, "npy")])?
        }
        None => Format::Csv,
    };
    if args.facets && format == Format::Npy {
        bail!("--facets writes CSV; name the file .csv");
    }
    let (model, input) = open(&args.input)?;
    let out = args.out.as_deref();
    if args.facets {
        let facets = model.facets().context("this model has one clustering; leave out --facets")?;
        let facets = facets.assignments(&input.features)?;
        let done = format!("{} samples in {} facets", thousands(input.features.n()), facets.len());
        return write_csv(out, &done, |to| files::facets_csv(to, &facets));
    }
    let gamma: Option<Array2<f32>> = if args.proba {
        let soft = model.soft().context("this method has no probabilities; leave out --proba")?;
        Some(soft.predict_proba(&input.features)?)
    } else {
        None
    };
    let clusters = model.predict(&input.features)?;
    let done = format!("{} samples assigned", thousands(clusters.len()));
    match (out, format) {
        (Some(out), Format::Npy) => {
            match &gamma {
                Some(gamma) => files::write_npy_f32(out, gamma.view())?,
                None => files::write_npy_u32(out, clusters.view())?,
            }
            say(&format!("{done}: {}\n", out.display()))
        }
        _ => write_csv(out, &done, |to| {
            let probability = gamma.as_ref().map_or(Probability::None, |g| Probability::All(g.view()));
            files::assignments_csv(to, clusters.view(), probability)
        }),
    }
}

/// Writes to a file and says so, or to the standard output and says nothing else.
fn write_csv(
    out: Option<&Path>,
    done: &str,
    fill: impl Fn(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let Some(out) = out else {
        let mut text = Vec::new();
        fill(&mut text)?;
        return say(&String::from_utf8(text)?);
    };
    write_atomic(out, |file| fill(file))?;
    say(&format!("{done}: {}\n", out.display()))
}
