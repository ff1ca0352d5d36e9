//! The data files of a finished fit, and its scores.

use crate::assignments::{Assignments, write_facets};
use crate::files;
use anyhow::Result;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::Path;
use vae_core::Features;
use vae_core::fsio::{write_atomic, write_bytes};
use vae_core::phase::{EpochRecord, PhaseRecord};
use vae_data::{Ids, Labels};
use vae_metrics::{ConfidenceScores, Confusion, Scores};
use vae_models::{Clusterer, FitSummary};

/// A line of `history.jsonl`. No clock in it: equal runs have equal histories.
#[derive(Serialize)]
struct HistoryLine<'a> {
    phase: &'a str,
    epoch: usize,
    loss: f64,
    #[serde(serialize_with = "ordered")]
    terms: &'a [(String, f64)],
    lr: f64,
}

/// A line of `timings.jsonl`.
#[derive(Serialize)]
struct TimingLine<'a> {
    phase: &'a str,
    epoch: usize,
    wall_s: f64,
}

/// Pairs as an object, in their order.
fn ordered<S: Serializer>(terms: &[(String, f64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(terms.iter().map(|(k, v)| (k, v)))
}

/// Writes `history.jsonl` and `timings.jsonl`.
///
/// # Errors
/// Files that cannot be written.
pub fn write_history(dir: &Path, phases: &[PhaseRecord]) -> Result<()> {
    write_atomic(&dir.join("history.jsonl"), |out| {
        for phase in phases {
            for EpochRecord { epoch, loss, terms, lr } in &phase.history {
                let (epoch, loss, lr) = (*epoch, *loss, *lr);
                let line = HistoryLine { phase: &phase.name, epoch, loss, terms, lr };
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            }
        }
        Ok(())
    })?;
    write_atomic(&dir.join("timings.jsonl"), |out| {
        for phase in phases {
            for (i, &wall_s) in phase.epoch_wall_s.iter().enumerate() {
                let line = TimingLine { phase: &phase.name, epoch: i + 1, wall_s };
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Writes `assignments.npy` and `assignments.csv`; `clusters` are those of `assignments`.
///
/// # Errors
/// Files that cannot be written.
pub fn write_assignments(
    dir: &Path,
    clusters: ArrayView1<'_, u32>,
    assignments: &Assignments<'_>,
) -> Result<()> {
    files::write_npy_u32(&dir.join("assignments.npy"), clusters)?;
    write_atomic(&dir.join("assignments.csv"), |out| assignments.write_csv(out))?;
    Ok(())
}

/// The clusterings of a fitted model that has several, in `facets.csv` and in words.
#[derive(Debug)]
pub struct FacetsFound {
    /// Assignments of each facet, `[n]`; the first is the fit's own.
    pub assignments: Vec<Array1<u32>>,
    /// What they explain.
    pub structure: String,
}

impl FacetsFound {
    /// `None` where there is one clustering.
    ///
    /// # Errors
    /// libtorch, or a file that cannot be written.
    pub fn write(
        dir: &Path,
        model: &dyn Clusterer,
        features: &Features,
        ids: Option<&Ids>,
    ) -> Result<Option<Self>> {
        let Some(facets) = model.facets() else { return Ok(None) };
        let found = Self { assignments: facets.assignments(features)?, structure: facets.structure() };
        if found.assignments.len() < 2 {
            return Ok(None);
        }
        write_atomic(&dir.join("facets.csv"), |out| write_facets(out, ids, &found.assignments))?;
        Ok(Some(found))
    }
}

/// Writes `embedding.npy`, unless the latent space is the data itself; says whether it did.
///
/// # Errors
/// Files that cannot be written.
pub fn write_embedding(dir: &Path, embedding: &Array2<f32>, x: &Features) -> Result<bool> {
    let is_data = match x.as_dense() {
        Some(x) => x == embedding,
        // Row by row: all rows of a text collection at once may not fit into memory.
        None => {
            x.dim() == embedding.ncols()
                && (0..x.n()).all(|i| x.dense_rows(i, i + 1).row(0) == embedding.row(i))
        }
    };
    if is_data {
        return Ok(false);
    }
    files::write_npy_f32(&dir.join("embedding.npy"), embedding.view())?;
    Ok(true)
}

/// Scores of a fit against labels it never saw.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// The assignments the fit ended with.
    pub fit: Scores,
    /// Whether the model is less sure where it is wrong, where it says how sure it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<ConfidenceScores>,
    /// The test split, where the fit saw the training split alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestScores>,
    /// The assignments its own training started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Scores>,
    /// Each clustering of a model that has several, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<Scores>,
    /// Over the epochs of the last phase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Clusters against classes.
    #[serde(skip)]
    pub confusion: Confusion,
    /// What the classes are called.
    #[serde(skip)]
    pub class_names: Vec<String>,
}

/// Scores of the rows that a fit did not see.
#[derive(Debug, Clone, Serialize)]
pub struct TestScores {
    /// Clusters named on this split itself.
    #[serde(flatten)]
    pub scores: Scores,
    /// Accuracy with each cluster named after its most frequent class in what was fitted.
    pub purity_train_map: f64,
    /// Accuracy with each cluster named after its highest-probability point (adversarial
    /// auto-encoders, GMVAE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aae: Option<f64>,
}

impl TestScores {
    /// Scores the assignments and soft assignments of a test split; `fitted` are assignments and
    /// labels of what was fitted.
    ///
    /// # Errors
    /// [`vae_metrics::Error`].
    pub fn new(
        (clusters, labels): (&Array1<u32>, &Array1<u32>),
        gamma: Option<&Array2<f32>>,
        fitted: (&Array1<u32>, &Array1<u32>),
    ) -> vae_metrics::Result<Self> {
        let (c, y) = (clusters.view(), labels.view());
        Ok(Self {
            scores: Scores::new(c, y)?,
            purity_train_map: vae_metrics::purity_train_map(fitted.0.view(), fitted.1.view(), c, y)?,
            aae: gamma.map(|gamma| vae_metrics::aae(gamma.view(), y)).transpose()?,
        })
    }
}

/// Scores after an epoch.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CurvePoint {
    pub epoch: usize,
    pub acc: f64,
    pub nmi: f64,
    pub ari: f64,
}

impl Evaluation {
    /// Scores what a fit left behind; `sure` is the confidence in each assignment, `facets` are all
    /// clusterings of a model that has several.
    ///
    /// # Errors
    /// [`vae_metrics::Error`], for example for labels that are different on every row.
    pub fn new(
        summary: &FitSummary,
        sure: Option<&Array1<f32>>,
        facets: &[Array1<u32>],
        labels: &Labels,
    ) -> vae_metrics::Result<Self> {
        let (rows, y) = labels.labelled();
        let y = y.view();
        let has_all = rows.len() == labels.y.len();
        let of = |clusters: &Array1<u32>| match has_all {
            true => clusters.clone(),
            false => clusters.select(Axis(0), &rows),
        };
        let score = |clusters: &Array1<u32>| Scores::new(of(clusters).view(), y);
        let curve = summary.observed.iter().map(|(epoch, clusters)| {
            score(clusters).map(|s| CurvePoint { epoch: *epoch, acc: s.acc, nmi: s.nmi, ari: s.ari })
        });
        Ok(Self {
            fit: score(&summary.assignments)?,
            confidence: sure
                .map(|sure| {
                    let sure = sure.select(Axis(0), &rows);
                    ConfidenceScores::new(of(&summary.assignments).view(), y, sure.view())
                })
                .transpose()?,
            test: None,
            start: summary.start_assignments.as_ref().map(score).transpose()?,
            facets: facets.iter().map(score).collect::<vae_metrics::Result<_>>()?,
            curve: curve.collect::<vae_metrics::Result<_>>()?,
            confusion: vae_metrics::confusion(of(&summary.assignments).view(), y)?,
            class_names: labels.class_names.clone(),
        })
    }

    /// Writes `metrics.json` and `confusion.csv`.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        write_bytes(&dir.join("metrics.json"), text.as_bytes())?;
        let table = self.confusion.permuted();
        write_atomic(&dir.join("confusion.csv"), |out| {
            let names = table.class_ids().iter().map(|&c| files::csv_field(&self.class_names[c as usize]));
            writeln!(out, "cluster,{}", names.collect::<Vec<_>>().join(","))?;
            for (cluster, row) in table.cluster_ids().iter().zip(table.counts().rows()) {
                let counts: Vec<String> = row.iter().map(u64::to_string).collect();
                writeln!(out, "{cluster},{}", counts.join(","))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Number of samples in each of `k` clusters.
pub fn cluster_sizes(clusters: ArrayView1<'_, u32>, k: usize) -> Vec<usize> {
    let mut count = BTreeMap::new();
    clusters.iter().for_each(|c| *count.entry(*c as usize).or_insert(0) += 1);
    (0..k).map(|c| count.get(&c).copied().unwrap_or(0)).collect()
}

/// Clusters that hold less than 2 % of the mean size `n / k`: the fit may have collapsed.
pub fn nearly_empty(sizes: &[usize]) -> Vec<usize> {
    let (n, k) = (sizes.iter().sum::<usize>(), sizes.len());
    (0..k).filter(|&c| (sizes[c] * k * 50) < n || sizes[c] == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn small_clusters_are_noticed() {
        let sizes = cluster_sizes(array![0, 0, 2, 2, 2].view(), 4);
        assert_eq!(sizes, [2, 0, 3, 0]);
        assert_eq!(nearly_empty(&sizes), [1, 3]);
        assert_eq!(nearly_empty(&[500, 499, 1]), [2]);
        assert!(nearly_empty(&[500, 480, 20]).is_empty());
    }

    #[test]
    fn a_test_split_is_scored_by_three_rules() {
        let gamma = array![[0.9_f32, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]];
        let (clusters, labels) = (array![0, 0, 0, 1], array![0, 1, 1, 1]);
        let fitted = (array![0, 0, 1], array![0, 0, 1]);
        let test =
            TestScores::new((&clusters, &labels), Some(&gamma), (&fitted.0, &fitted.1)).expect("valid");
        assert_eq!((test.scores.purity, test.purity_train_map, test.aae), (0.75, 0.5, Some(0.5)));
        let text = serde_json::to_string(&test).expect("json");
        assert!(
            text.starts_with("{\"acc\":") && text.ends_with("\"purity_train_map\":0.5,\"aae\":0.5}"),
            "{text}"
        );
    }

    #[test]
    fn terms_keep_their_order() {
        let terms = [("z".to_string(), 1.5), ("a".to_string(), -0.25)];
        let line = HistoryLine { phase: "train", epoch: 2, loss: 1.25, terms: &terms, lr: 0.002 };
        let text = serde_json::to_string(&line).expect("json");
        assert_eq!(text, r#"{"phase":"train","epoch":2,"loss":1.25,"terms":{"z":1.5,"a":-0.25},"lr":0.002}"#);
    }
}
