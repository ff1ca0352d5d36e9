//! `vae predict`: assign new data to the clusters of a fitted model.

use crate::args::PredictArgs;
use crate::assignments::{Assignments, Beside, facet_names, facet_rows, numbers};
use crate::commands::apply::{Applied, Piece, within, write_array, write_lines};
use crate::commands::outputs::{Format, Target};
use crate::confidence;
use crate::output::{quiet, remark, say, say_json, thousands};
use crate::reference::{Drift, REFERENCE_FILE, Reference};
use crate::report::names;
use crate::rows::Place;
use anyhow::{Result, bail};
use ndarray::{Array1, Array2};
use vae_models::Clusterer;
use vae_report::ClusterNames;

/// Writes assignments, or probabilities, block by block.
///
/// # Errors
/// Unreadable model or data, data of another dimension, a method without probabilities, an
/// unwritable file.
pub fn run(args: &PredictArgs) -> Result<()> {
    let allowed = [(Format::Csv, "csv"), (Format::Npy, "npy")];
    let target = Target::new(args.out.as_deref(), &args.input, &allowed)?;
    check(args, &target)?;
    let mut data = Applied::open(&args.input, args.append, &target)?;
    if args.facets {
        return facets(&mut data, &target);
    }
    check_model(args, data.model.as_ref())?;
    let reference = Reference::beside(&args.input.model, data.model.n_clusters())?;
    if reference.is_none() {
        if args.json {
            bail!(
                "no {REFERENCE_FILE} beside the model: nothing to compare the data with; leave out --json, or fit again"
            );
        }
        remark(format_args!(
            "note: no {REFERENCE_FILE} beside the model, which an older version fitted or which was moved without it: no \
             outlier scores and no drift"
        ));
    }
    let names = names::read(&args.input.model)?;
    let mut judge = Judge {
        least: args.min_confidence,
        reference: reference.as_ref(),
        wants_scores: !args.no_outlier,
        drift: reference.as_ref().map(Drift::new),
        n_left: 0,
    };
    match (target.format, target.path) {
        (Format::Npy, Some(path)) => {
            let (n, k) = (data.n() as u64, data.model.n_clusters() as u64);
            match (args.proba, args.min_confidence) {
                (true, _) => write_array(&mut data, path, &[n, k], |model, piece| judge.gamma(model, piece)),
                (_, Some(_)) => write_array(&mut data, path, &[n], |model, piece| {
                    let assigned = judge.look(model, piece)?.assigned;
                    Ok(assigned.iter().map(|v| i32::try_from(*v)).collect::<Result<_, _>>()?)
                }),
                (_, None) => write_array(&mut data, path, &[n], |model, piece| {
                    Ok(judge.look(model, piece)?.clusters.to_vec())
                }),
            }?;
        }
        _ => write_lines(&mut data, target.path, |data, to| {
            let is_own = matches!(data.place, Place::Own);
            let id_name = data.id_name().map(str::to_owned);
            data.each(|model, piece| {
                let judged = judge.look(model, piece)?;
                let lines = judged.lines(piece, args.proba, &names);
                if piece.start == 0 {
                    to.head(id_name.as_deref(), &lines.names(is_own))?;
                }
                Ok(lines.write_rows(to, piece.names(), is_own.then_some(piece.start))?)
            })
        })?,
    }
    tell(args, &target, data.n(), &judge)
}

/// Options that contradict each other or the kind of file.
fn check(args: &PredictArgs, target: &Target<'_>) -> Result<()> {
    if args.json && target.path.is_none() {
        bail!("--json prints a summary where the rows would go; name a file with --out");
    }
    if target.format == Format::Npy {
        if args.facets {
            bail!("--facets writes CSV; name the file .csv");
        }
        if args.append {
            bail!("--append writes CSV; name the file .csv");
        }
        if args.proba && args.min_confidence.is_some() {
            bail!("--proba writes no clusters into NPY; leave out --min-confidence, or name the file .csv");
        }
    }
    Ok(())
}

/// Options for probabilities, where the model has none.
fn check_model(args: &PredictArgs, model: &dyn Clusterer) -> Result<()> {
    if model.soft().is_some() {
        return Ok(());
    }
    if args.proba {
        bail!("this method has no probabilities; leave out --proba");
    }
    if args.min_confidence.is_some() {
        bail!(
            "this method has no probabilities, so that none can be below --min-confidence; leave it out, or fit a \
             method that has them, such as vade, dgg or gmm"
        );
    }
    Ok(())
}

/// Looks at pieces, and counts what it sees.
struct Judge<'r> {
    /// The least confidence of a row that is assigned.
    least: Option<f64>,
    reference: Option<&'r Reference>,
    wants_scores: bool,
    drift: Option<Drift<'r>>,
    /// Rows that were left unassigned.
    n_left: usize,
}

/// What is known of some rows.
struct Judged {
    clusters: Array1<u32>,
    /// The same with rows left out.
    assigned: Array1<i64>,
    gamma: Option<Array2<f32>>,
    /// Largest probability of each row.
    sure: Option<Array1<f32>>,
    outlier: Option<Array1<f32>>,
}

impl Judge<'_> {
    fn look(&mut self, model: &dyn Clusterer, piece: &Piece) -> Result<Judged> {
        let (x, ids, start) = (&piece.x, piece.ids.as_ref(), piece.start);
        let reference = self.reference.filter(|_| self.wants_scores);
        let assessed = within(model.assess(x, reference.and_then(Reference::calibration)), start)?;
        if let Some(gamma) = &assessed.gamma {
            let what = "the probabilities of the clusters";
            confidence::require_finite_from(gamma.view(), what, ids, start)?;
        }
        let outlier = reference.map(|reference| reference.scores(model, (x, start, ids), &assessed));
        let outlier = outlier.transpose()?;
        let (clusters, gamma) = (assessed.clusters, assessed.gamma);
        let sure = gamma.as_ref().map(|gamma| confidence::of(gamma.view()));
        let assigned = match (self.least, &sure) {
            (Some(least), Some(sure)) => confidence::only_sure(&numbers(clusters.view()), sure.view(), least),
            _ => numbers(clusters.view()),
        };
        self.n_left += assigned.iter().filter(|cluster| **cluster < 0).count();
        if let Some(drift) = &mut self.drift {
            drift.add(clusters.view(), outlier.as_ref().map(Array1::view));
        }
        Ok(Judged { clusters, assigned, gamma, sure, outlier })
    }

    /// The probabilities, row after row.
    fn gamma(&mut self, model: &dyn Clusterer, piece: &Piece) -> Result<Vec<f32>> {
        Ok(self.look(model, piece)?.gamma.map(|gamma| gamma.into_iter().collect()).unwrap_or_default())
    }
}

impl Judged {
    fn lines<'a>(&'a self, piece: &'a Piece, proba: bool, names: &'a ClusterNames) -> Assignments<'a> {
        let beside = match (&self.gamma, &self.sure) {
            (Some(gamma), _) if proba => Beside::Probabilities(gamma.view()),
            (_, Some(sure)) => Beside::Confidence(sure.view()),
            _ => Beside::Nothing,
        };
        let outlier = self.outlier.as_ref().map(Array1::view);
        let (ids, cluster_names) = (piece.ids.as_ref(), Some(names));
        Assignments { ids, clusters: self.assigned.view(), cluster_names, beside, outlier }
    }
}

/// Says what was done, and how the data differ from those of the fit.
fn tell(args: &PredictArgs, target: &Target<'_>, n: usize, judge: &Judge<'_>) -> Result<()> {
    let summary = judge.drift.as_ref().map(Drift::summary);
    if args.json {
        return say_json(&summary);
    }
    let mut done = format!("{} samples assigned", thousands(n - judge.n_left));
    if let Some(least) = judge.least {
        let left =
            format!("{} left unassigned (-1), below --min-confidence {least}", thousands(judge.n_left));
        done += &format!(", {left}");
        if target.path.is_none() {
            remark(left);
        }
    }
    target.say(&done)?;
    if let Some(summary) = summary {
        // Where the rows go to standard output only what is amiss is said.
        if target.path.is_some() && !quiet() {
            say(&summary.text())?;
        }
        for warning in summary.warnings() {
            eprintln!("warning: {warning}");
        }
    }
    Ok(())
}

fn facets(data: &mut Applied, target: &Target<'_>) -> Result<()> {
    if data.model.facets().is_none() {
        bail!("this model has one clustering; leave out --facets");
    }
    let mut n_facets = 0;
    write_lines(data, target.path, |data, to| {
        let first = matches!(data.place, Place::Own);
        let id_name = data.id_name().map(str::to_owned);
        data.each(|model, piece| {
            let Some(facets) = model.facets() else { return Ok(()) };
            // Where the posterior is not finite, the assignments would mean nothing.
            within(confidence::posterior(model, &piece.x, None), piece.start)?;
            let facets = within(facets.assignments(&piece.x), piece.start)?;
            if piece.start == 0 {
                n_facets = facets.len();
                to.head(id_name.as_deref(), &facet_names(&facets, first))?;
            }
            Ok(facet_rows(to, piece.names(), &facets, first.then_some(piece.start))?)
        })
    })?;
    target.say(&format!("{} samples in {n_facets} facets", thousands(data.n())))
}
