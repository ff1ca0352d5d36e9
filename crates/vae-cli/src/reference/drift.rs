//! Whether new data are like those of the fit: the shares of the clusters, and of unusual samples.

use super::Reference;
use crate::output::{percent, table, thousands};
use ndarray::ArrayView1;
use serde::Serialize;
use std::fmt::Write;

/// The percentiles whose excess is told, with the share that is expected beyond each.
const TAILS: [(f32, f64); 2] = [(0.99, 0.01), (0.95, 0.05)];

/// The most clusters that are shown: those whose shares differ most.
const MOST_SHOWN: usize = 20;

/// Counts of new data, block by block.
#[derive(Debug, Clone)]
pub struct Drift<'r> {
    reference: &'r Reference,
    clusters: Vec<usize>,
    /// Samples beyond each of [`TAILS`]; `None` until scores are seen.
    beyond: Option<[usize; 2]>,
}

/// What `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Samples.
    n: usize,
    /// Samples of the fit.
    n_fitted: usize,
    /// Half the sum of the differences of the shares: 0 for equal ones, at most 1.
    difference: f64,
    clusters: Vec<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outliers: Option<Outliers>,
    /// Reasons to look closer.
    warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Share {
    cluster: usize,
    n: usize,
    share: f64,
    share_fitted: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outliers {
    /// What makes a sample unusual.
    measure: String,
    /// Share of the samples that are more unusual than 99 % of the fitted ones: 1 % is expected.
    #[serde(rename = "beyond_0.99")]
    beyond_99: f64,
    /// The same for 95 %.
    #[serde(rename = "beyond_0.95")]
    beyond_95: f64,
}

impl<'r> Drift<'r> {
    /// Nothing is counted yet.
    pub fn new(reference: &'r Reference) -> Self {
        Self { reference, clusters: vec![0; reference.clusters.len()], beyond: None }
    }

    /// Counts a block: its clusters, and its outlier scores if they are wanted.
    pub fn add(&mut self, clusters: ArrayView1<'_, u32>, scores: Option<ArrayView1<'_, f32>>) {
        for &cluster in clusters {
            if let Some(count) = self.clusters.get_mut(cluster as usize) {
                *count += 1;
            }
        }
        if let Some(scores) = scores {
            let beyond = self.beyond.get_or_insert([0; 2]);
            for (count, (limit, _)) in beyond.iter_mut().zip(TAILS) {
                *count += scores.iter().filter(|score| **score > limit).count();
            }
        }
    }

    /// What was counted.
    pub fn summary(&self) -> Summary {
        let n: usize = self.clusters.iter().sum();
        let of = |count: usize, all: usize| count as f64 / all.max(1) as f64;
        let pairs = self.clusters.iter().zip(&self.reference.clusters).enumerate();
        let share = |(cluster, (&count, &fitted)): (usize, (&usize, &usize))| Share {
            cluster,
            n: count,
            share: of(count, n),
            share_fitted: of(fitted, self.reference.n),
        };
        let clusters: Vec<Share> = pairs.map(share).collect();
        let difference = clusters.iter().map(|c| (c.share - c.share_fitted).abs()).sum::<f64>() / 2.0;
        let outliers = self.beyond.map(|[far, near]| Outliers {
            measure: self.reference.unusual.measure.clone(),
            beyond_99: of(far, n),
            beyond_95: of(near, n),
        });
        let mut summary =
            Summary { n, n_fitted: self.reference.n, difference, clusters, outliers, warnings: Vec::new() };
        summary.warnings = summary.reasons();
        summary
    }
}

impl Summary {
    /// What is more than chance and worth a look: shares that differ by a tenth in all, three times
    /// as many unusual samples as expected.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        // Half the mean absolute deviation of shares of so few samples, twice.
        let k = self.clusters.len() as f64;
        let chance = (k / self.n.max(1) as f64).sqrt() + (k / self.n_fitted as f64).sqrt();
        if self.difference > 0.1 + chance / 2.0 {
            reasons.push(format!(
                "the shares of the clusters differ from those of the fit by {} in all; fit again if the data have changed",
                percent(self.difference)
            ));
        }
        let expected = TAILS[0].1;
        let error = (expected / self.n.max(1) as f64).sqrt();
        if let Some(outliers) = &self.outliers
            && outliers.beyond_99 > (3.0 * expected).max(expected + 4.0 * error)
        {
            reasons.push(format!(
                "{} of the rows are more unusual than 99 % of the fitted ones, and 1 % is expected; look at those with an \
                 outlier score near 1 before relying on their clusters",
                percent(outliers.beyond_99)
            ));
        }
        reasons
    }

    /// Lines for people, without the warnings.
    pub fn text(&self) -> String {
        let mut text = format!("beside the {} fitted samples:\n", thousands(self.n_fitted));
        let mut shown: Vec<&Share> = self.clusters.iter().collect();
        // Stable: clusters that differ as much stay in their order.
        shown.sort_by(|a, b| (b.share - b.share_fitted).abs().total_cmp(&(a.share - a.share_fitted).abs()));
        let more = shown.len().saturating_sub(MOST_SHOWN);
        shown.truncate(MOST_SHOWN);
        shown.sort_by_key(|share| share.cluster);
        let mut rows = vec![["  cluster", "here", "fitted"].map(String::from).to_vec()];
        rows.extend(
            shown.iter().map(|c| vec![format!("  {}", c.cluster), percent(c.share), percent(c.share_fitted)]),
        );
        text += &table(&rows);
        if more > 0 {
            let _ = writeln!(text, "  and {more} more, whose shares differ less");
        }
        let _ = writeln!(text, "  the shares differ by {} in all", percent(self.difference));
        if let Some(outliers) = &self.outliers {
            let _ = writeln!(
                text,
                "  more unusual than 99 % of the fitted: {} (expected 1 %); than 95 %: {} (expected 5 %)",
                percent(outliers.beyond_99),
                percent(outliers.beyond_95)
            );
        }
        text
    }

    /// Reasons to look closer.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;
    use ndarray::{Array1, array};

    fn reference() -> Reference {
        let unusual = Unusual {
            measure: "elbo".into(),
            calibration: Calibration::default(),
            centres: Vec::new(),
            quantiles: (0..=STEPS).map(|i| i as f64).collect(),
        };
        Reference { schema: SCHEMA, n: 100, clusters: vec![50, 30, 20], unusual }
    }

    #[test]
    fn shares_and_tails_by_hand() {
        let reference = reference();
        let mut drift = Drift::new(&reference);
        drift.add(array![0, 0].view(), Some(array![0.5, 0.96].view()));
        drift.add(array![1, 0].view(), Some(array![0.991, 1.0].view()));
        let summary = drift.summary();
        assert_eq!((summary.n, summary.n_fitted), (4, 100));
        // |0.75 − 0.5| + |0.25 − 0.3| + |0 − 0.2|, halved.
        assert!((summary.difference - 0.25).abs() < 1e-12);
        let outliers = summary.outliers.as_ref().expect("scores");
        assert_eq!((outliers.beyond_99, outliers.beyond_95), (0.5, 0.75));
        let text = summary.text();
        assert!(text.contains("  0        75.00 %  50.00 %\n"), "{text}");
        assert!(text.contains("99 % of the fitted: 50.00 % (expected 1 %)"), "{text}");
        let json = serde_json::to_string(&summary).expect("JSON");
        assert!(json.contains("\"beyond_0.99\":0.5") && json.contains("\"share_fitted\":0.3"), "{json}");
    }

    #[test]
    fn chance_is_no_reason_to_warn_and_a_shift_is() {
        let reference = reference();
        let told = |clusters: Array1<u32>, score: f32| {
            let mut drift = Drift::new(&reference);
            let scores = Array1::from_elem(clusters.len(), score);
            drift.add(clusters.view(), Some(scores.view()));
            drift.summary().warnings().len()
        };
        let as_fitted = Array1::from_iter((0..1000).map(|i| [0, 0, 0, 0, 0, 1, 1, 1, 2, 2][i % 10]));
        assert_eq!(told(as_fitted.clone(), 0.5), 0);
        assert_eq!(told(as_fitted, 0.995), 1);
        assert_eq!(told(Array1::from_elem(1000, 2), 0.5), 1);
        assert_eq!(told(array![2], 0.5), 0, "one row proves nothing");
    }
}
