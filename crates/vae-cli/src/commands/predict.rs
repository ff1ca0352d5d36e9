//! `vae predict`: assign new data to the clusters of a fitted model.

use crate::args::PredictArgs;
use crate::assignments::{Assignments, Beside, numbers, write_facets, write_npy_with_ids};
use crate::commands::open;
use crate::commands::outputs::{Format, Target};
use crate::confidence;
use crate::files;
use crate::input::Input;
use crate::output::thousands;
use anyhow::{Context, Result, bail};
use ndarray::{Array1, Array2};
use vae_models::Clusterer;

/// Writes assignments, or probabilities.
///
/// # Errors
/// Unreadable model or data, data of another dimension, a method without probabilities, an
/// unwritable file.
pub fn run(args: &PredictArgs) -> Result<()> {
    let allowed = [(Format::Csv, "csv"), (Format::Npy, "npy")];
    let target = Target::new(args.out.as_deref(), &args.input, &allowed)?;
    if target.format == Format::Npy {
        if args.facets {
            bail!("--facets writes CSV; name the file .csv");
        }
        if args.proba && args.min_confidence.is_some() {
            bail!("--proba writes no clusters into NPY; leave out --min-confidence, or name the file .csv");
        }
    }
    let (model, input) = open(&args.input)?;
    if args.facets {
        return facets(model.as_ref(), &input, &target);
    }
    let gamma = confidence::posterior(model.as_ref(), &input.features, input.ids.as_ref())?;
    if args.proba && gamma.is_none() {
        bail!("this method has no probabilities; leave out --proba");
    }
    let clusters = model.predict(&input.features)?;
    let sure = gamma.as_ref().map(|gamma| confidence::of(gamma.view()));
    let assigned = match (args.min_confidence, &sure) {
        (None, _) => numbers(clusters.view()),
        (Some(least), Some(sure)) => confidence::only_sure(&numbers(clusters.view()), sure.view(), least),
        (Some(_), None) => bail!(
            "this method has no probabilities, so that none can be below --min-confidence; leave it out, or fit a \
             method that has them, such as vade, dgg or gmm"
        ),
    };
    let n_left = assigned.iter().filter(|cluster| **cluster < 0).count();
    let mut done = format!("{} samples assigned", thousands(assigned.len() - n_left));
    if let Some(least) = args.min_confidence {
        let left = format!("{} left unassigned (-1), below --min-confidence {least}", thousands(n_left));
        done += &format!(", {left}");
        if target.path.is_none() {
            eprintln!("{left}");
        }
    }
    write(args, &input, &target, &done, (&clusters, &assigned, gamma.as_ref(), sure.as_ref()))
}

/// What is known of the rows: their clusters, the same with rows left out, the posterior and its
/// largest values.
type Known<'a> = (&'a Array1<u32>, &'a Array1<i64>, Option<&'a Array2<f32>>, Option<&'a Array1<f32>>);

fn write(
    args: &PredictArgs,
    input: &Input,
    target: &Target<'_>,
    done: &str,
    (clusters, assigned, gamma, sure): Known<'_>,
) -> Result<()> {
    let ids = input.ids.as_ref();
    if let (Format::Npy, Some(out)) = (target.format, target.path) {
        write_npy_with_ids(out, ids, |out| match gamma {
            Some(gamma) if args.proba => files::write_npy_f32(out, gamma.view()),
            _ if args.min_confidence.is_some() => files::write_npy_i32(out, assigned.view()),
            _ => files::write_npy_u32(out, clusters.view()),
        })?;
        return target.say(done);
    }
    let beside = match (gamma, sure) {
        (Some(gamma), _) if args.proba => Beside::Probabilities(gamma.view()),
        (_, Some(sure)) => Beside::Confidence(sure.view()),
        _ => Beside::Nothing,
    };
    let assignments = Assignments { ids, clusters: assigned.view(), beside };
    target.write_text(done, |to| assignments.write_csv(to))
}

fn facets(model: &dyn Clusterer, input: &Input, target: &Target<'_>) -> Result<()> {
    let facets = model.facets().context("this model has one clustering; leave out --facets")?;
    // Where the posterior is not finite, the assignments would mean nothing.
    confidence::posterior(model, &input.features, input.ids.as_ref())?;
    let facets = facets.assignments(&input.features)?;
    let done = format!("{} samples in {} facets", thousands(input.features.n()), facets.len());
    target.write_text(&done, |to| write_facets(to, input.ids.as_ref(), &facets))
}
