//! `vae predict`: assign new data to the clusters of a fitted model.

use crate::args::PredictArgs;
use crate::commands::{Format, check_parent, format_of, open};
use crate::files::{self, Probability};
use crate::output::{say, thousands};
use anyhow::{Context, Result, bail};
use ndarray::Array2;
use vae_core::fsio::write_atomic;

/// Writes assignments, or probabilities.
///
/// # Errors
/// Unreadable model or data, data of another dimension, a method without probabilities, an unwritable file.
pub fn run(args: &PredictArgs) -> Result<()> {
    let format = match &args.out {
        Some(out) => {
            check_parent(out)?;
            format_of(out, &[(Format::Csv, "csv"), (Format::Npy, "npy")])?
        }
        None => Format::Csv,
    };
    if args.facets && format == Format::Npy {
        bail!("--facets writes CSV; name the file .csv");
    }
    let (model, input) = open(&args.input)?;
    if args.facets {
        let facets = model.facets().context("this model has one clustering; leave out --facets")?;
        let facets = facets.assignments(&input.features)?;
        return match &args.out {
            Some(out) => {
                write_atomic(out, |file| files::facets_csv(file, &facets))?;
                say(&format!(
                    "{} samples in {} facets: {}\n",
                    thousands(input.features.n()),
                    facets.len(),
                    out.display()
                ))
            }
            None => {
                let mut text = Vec::new();
                files::facets_csv(&mut text, &facets)?;
                say(&String::from_utf8(text)?)
            }
        };
    }
    let gamma: Option<Array2<f32>> = if args.proba {
        let soft = model.soft().context("this method has no probabilities; leave out --proba")?;
        Some(soft.predict_proba(&input.features)?)
    } else {
        None
    };
    let clusters = model.predict(&input.features)?;
    let Some(out) = &args.out else {
        let mut text = Vec::new();
        let probability = gamma.as_ref().map_or(Probability::None, |g| Probability::All(g.view()));
        files::assignments_csv(&mut text, clusters.view(), probability)?;
        return say(&String::from_utf8(text)?);
    };
    match (format, &gamma) {
        (Format::Npy, Some(gamma)) => files::write_npy_f32(out, gamma.view())?,
        (Format::Npy, None) => files::write_npy_u32(out, clusters.view())?,
        (_, gamma) => {
            let probability = gamma.as_ref().map_or(Probability::None, |g| Probability::All(g.view()));
            write_atomic(out, |file| files::assignments_csv(file, clusters.view(), probability))?;
        }
    }
    say(&format!("{} samples assigned: {}\n", thousands(clusters.len()), out.display()))
}
