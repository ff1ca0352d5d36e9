//! Scores of a fit, the only place of it that sees labels.

use crate::confidence;
use crate::input::{self, HeldOut};
use crate::results::{Evaluation, TestScores};
use anyhow::Result;
use ndarray::{Array1, Axis};
use std::path::Path;
use vae_data::Labels;
use vae_models::{Clusterer, FitSummary};

/// Scores the fit, and the test split where it was held out, and writes the scores.
///
/// # Errors
/// What predicting the test split and writing can return.
pub fn score(
    dir: &Path,
    model: &dyn Clusterer,
    (summary, sure, facets): (&FitSummary, Option<&Array1<f32>>, &[Array1<u32>]),
    (labels, held_out): (&Labels, Option<&HeldOut>),
) -> Result<Option<Evaluation>> {
    let Some(mut evaluation) = evaluate(summary, sure, facets, labels) else { return Ok(None) };
    if let Some(held_out) = held_out {
        evaluation.test = score_held_out(model, held_out, (&summary.assignments, &labels.y))?;
    }
    evaluation.write(dir)?;
    Ok(Some(evaluation))
}

/// Labels that cannot be scored do not spoil a finished fit.
fn evaluate(
    summary: &FitSummary,
    sure: Option<&Array1<f32>>,
    facets: &[Array1<u32>],
    labels: &Labels,
) -> Option<Evaluation> {
    match Evaluation::new(summary, sure, facets, labels) {
        Ok(evaluation) => Some(evaluation),
        Err(error) => {
            eprintln!("warning: the labels could not be scored: {error}");
            None
        }
    }
}

/// Scores of the test split, if its classes are known; `fitted` are assignments and labels of the
/// training split.
fn score_held_out(
    model: &dyn Clusterer,
    held_out: &HeldOut,
    (assignments, y): (&Array1<u32>, &Array1<Option<u32>>),
) -> Result<Option<TestScores>> {
    let Some(labels) = &held_out.labels else { return Ok(None) };
    let clusters = model.predict(&held_out.features)?;
    let gamma = confidence::posterior(model, &held_out.features, None)?;
    let rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row].is_some()).collect();
    let gamma =
        gamma.map(|gamma| if rows.len() < labels.len() { gamma.select(Axis(0), &rows) } else { gamma });
    let (clusters, labels) = input::labelled(&clusters, labels)?;
    let (assignments, y) = input::labelled(assignments, y)?;
    Ok(Some(TestScores::new((&clusters, &labels), gamma.as_ref(), (&assignments, &y))?))
}
