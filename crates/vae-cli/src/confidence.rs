//! How sure a model is of its assignments: the largest posterior probability of each row.

use anyhow::{Result, bail};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::Serialize;
use vae_core::Features;
use vae_data::Ids;
use vae_models::Clusterer;

use crate::assignments::NOT_ASSIGNED;

/// The posterior of a model that has one, `[n, k]`.
///
/// # Errors
/// Those of the model, and a probability that is not finite, with its row.
pub fn posterior(model: &dyn Clusterer, x: &Features, ids: Option<&Ids>) -> Result<Option<Array2<f32>>> {
    let Some(soft) = model.soft() else { return Ok(None) };
    let gamma = soft.predict_proba(x)?;
    require_finite(gamma.view(), "the probabilities of the clusters", ids)?;
    Ok(Some(gamma))
}

/// Refuses what is not finite in what a model computed of its rows, `[n, d]`.
///
/// # Errors
/// The first row with such a value.
pub fn require_finite(values: ArrayView2<'_, f32>, what: &str, ids: Option<&Ids>) -> Result<()> {
    require_finite_from(values, what, ids, 0)
}

/// [`require_finite`] of rows behind `start` others; `ids` are their own names.
///
/// # Errors
/// The first row with such a value.
pub fn require_finite_from(
    values: ArrayView2<'_, f32>,
    what: &str,
    ids: Option<&Ids>,
    start: usize,
) -> Result<()> {
    let Some(row) = values.rows().into_iter().position(|row| row.iter().any(|v| !v.is_finite())) else {
        return Ok(());
    };
    let name = ids.and_then(|ids| Some(format!(" ({} {})", ids.name(), ids.get(row)?)));
    bail!(
        "row {}{} has values that the model cannot compute with: {what} are not finite; correct or remove that row",
        start + row + 1,
        name.unwrap_or_default()
    )
}

/// The probability of the cluster that each row has, `[n]`. It is the largest of the row but where
/// a fit keeps clusters that the model, asked again, would give a few rows otherwise.
pub fn of_clusters<'a>(
    gamma: ArrayView2<'_, f32>,
    clusters: impl IntoIterator<Item = &'a u32>,
) -> Array1<f32> {
    gamma.outer_iter().zip(clusters).map(|(row, &cluster)| row[cluster as usize].min(1.0)).collect()
}

/// The largest probability of each row, `[n]`.
pub fn of(gamma: ArrayView2<'_, f32>) -> Array1<f32> {
    // Rows sum to 1 but for rounding.
    gamma.map_axis(Axis(1), |row| row.iter().copied().fold(0.0, f32::max).min(1.0))
}

/// The clusters of rows that are sure enough, [`NOT_ASSIGNED`] for the others.
pub fn only_sure(clusters: &Array1<i64>, confidence: ArrayView1<'_, f32>, least: f64) -> Array1<i64> {
    let of_row = |(cluster, confidence): (&i64, &f32)| match f64::from(*confidence) < least {
        true => NOT_ASSIGNED,
        false => *cluster,
    };
    clusters.iter().zip(confidence).map(of_row).collect()
}

/// How many assignments are in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Rows whose largest probability is below a half.
    #[serde(rename = "below_0.5")]
    pub below_half: usize,
    /// Rows whose largest probability is below nine tenths.
    #[serde(rename = "below_0.9")]
    pub below_nine_tenths: usize,
    /// Mean of all rows.
    pub mean: f64,
}

impl Summary {
    /// Counts the confidences of all rows, of which there is at least one.
    pub fn new(confidence: ArrayView1<'_, f32>) -> Self {
        let below = |limit: f32| confidence.iter().filter(|c| **c < limit).count();
        let sum: f64 = confidence.iter().map(|c| f64::from(*c)).sum();
        let mean = sum / confidence.len().max(1) as f64;
        Self { below_half: below(0.5), below_nine_tenths: below(0.9), mean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_below_a_limit_are_counted_and_left_out() {
        let gamma = array![[0.5_f32, 0.5], [0.1, 0.9], [0.4, 0.3], [1.0, 0.0]];
        let confidence = of(gamma.view());
        assert_eq!(confidence, array![0.5_f32, 0.9, 0.4, 1.0]);
        assert_eq!(of_clusters(gamma.view(), &[0, 1, 0, 0]), confidence);
        assert_eq!(of_clusters(gamma.view(), &[1, 1, 1, 1]), array![0.5_f32, 0.9, 0.3, 0.0]);
        let summary = Summary::new(confidence.view());
        assert_eq!((summary.below_half, summary.below_nine_tenths), (1, 2));
        assert!((summary.mean - 0.7).abs() < 1e-6, "{summary:?}");
        let text = serde_json::to_string(&summary).expect("json");
        assert!(text.starts_with(r#"{"below_0.5":1,"below_0.9":2,"mean":0."#), "{text}");
        let clusters = array![0_i64, 1, 0, 0];
        assert_eq!(only_sure(&clusters, confidence.view(), 0.5), array![0_i64, 1, -1, 0]);
        assert_eq!(only_sure(&clusters, confidence.view(), 1.0), array![-1_i64, -1, -1, 0]);
    }

    #[test]
    fn what_is_not_finite_is_named_by_row() {
        let wrong = array![[0.5_f32, 0.5], [f32::NAN, 0.0]];
        let error = require_finite(wrong.view(), "the codes", None).expect_err("NaN").to_string();
        assert!(error.contains("row 2 has values") && error.contains("the codes are not finite"), "{error}");
        let error = require_finite_from(wrong.view(), "the codes", None, 4096).expect_err("NaN").to_string();
        assert!(error.starts_with("row 4098 has values"), "{error}");
        assert!(require_finite(array![[1.0_f32]].view(), "the codes", None).is_ok());
    }
}
