//! The clusters of a table whose groups are in its categories: latent classes.
//!
//! Rows of categories repeat each other or differ by whole levels, so that a graph of their
//! neighbours says little: how often a combination of levels occurs is what tells groups. A mixture
//! whose classes draw every column by itself sees that, and numbers beside the categories have a
//! normal distribution in each class. Where the numbers have groups of their own, of whatever
//! shape, the graph is better; so a table with numbers gets latent classes if these have none, and
//! the categories alone have some.
//!
//! The number of classes is that of the lowest BIC (Nylund, Asparouhov and Muthén 2007 find it the
//! best of the usual criteria), and halves of the rows are asked whether they confirm it.

use super::feature_partition::{FeaturePartition, N_INIT as FEW, store_n_clusters};
use super::halves::Halves;
use crate::Result;
use crate::shared::assignments::labels_to_tensor;
use ndarray::{Array1, Array2, ArrayView1, s};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord};
use vae_gmm::latent_class::MISSING;
use vae_gmm::{KMeansConfig, LatentClassConfig, MixedRows};
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig};

/// Fewer categories do not determine classes.
const LEAST_CATEGORIES: usize = 3;

/// The largest number of classes that is tried.
const MOST: usize = 15;

/// The search ends after so many numbers in a row with a higher BIC than the lowest.
const HIGHER_IN_A_ROW: usize = 3;

/// Rows of which BIC is computed, at most, for the sake of cost: of categories, whose rows repeat
/// each other …
const MOST_ROWS: usize = 5000;
/// … and with numbers.
const MOST_ROWS_WITH_NUMBERS: usize = 2000;

/// Restarts for each number that is tried.
const N_INIT: usize = 5;

/// Of more rows with numbers EM starts anew but twice.
const MANY_ROWS: usize = 20_000;

/// A BIC that is lower by so much is very strong evidence (Kass and Raftery 1995).
const VERY_STRONG: f64 = 10.0;

/// A table of categories, and perhaps numbers.
pub(super) struct MixedTable {
    /// `[n, d]`, [`MISSING`] where a cell is.
    levels: Array2<u32>,
    /// `[n, q]`, NaN where a cell is missing.
    numbers: Array2<f32>,
}

impl MixedTable {
    /// That of `x`, if latent classes are its clusters; `None` for other features.
    ///
    /// # Errors
    /// What EM, searching and cutting can return.
    pub fn of(x: &Features, partition: &PartitionConfig, cx: &FitContext) -> Result<Option<Self>> {
        let (numbers, categories) = x.numbers_and_categories();
        let Some(dense) = x.as_dense().filter(|_| categories.len() >= LEAST_CATEGORIES) else {
            return Ok(None);
        };
        let mut levels = Array2::zeros((x.n(), categories.len()));
        for (mut column, category) in levels.columns_mut().into_iter().zip(&categories) {
            let of_rows = x.levels(category).into_iter();
            column.iter_mut().zip(of_rows).for_each(|(to, level)| *to = level.map_or(MISSING, |l| l as u32));
        }
        let of =
            |(i, j): (usize, usize)| if x.is_gap(i, numbers[j]) { f32::NAN } else { dense[[i, numbers[j]]] };
        let all = Self { levels, numbers: Array2::from_shape_fn((x.n(), numbers.len()), of) };
        if numbers.is_empty() {
            return Ok(Some(all));
        }
        let alone = Self { levels: all.levels.clone(), numbers: Array2::zeros((x.n(), 0)) };
        let bic = alone.bic(0)?;
        let lowest = bic.values().copied().fold(f64::INFINITY, f64::min);
        if bic[&1] - lowest < VERY_STRONG {
            return Ok(None);
        }
        let step = x.n().div_ceil(MOST_ROWS).max(1);
        let some: Vec<usize> = (0..x.n()).step_by(step).collect();
        let have_groups = partition.numbers_have_groups(&x.select(&some)?, cx)?;
        Ok(Some(all).filter(|_| !have_groups))
    }

    fn rows(&self) -> MixedRows<'_> {
        MixedRows { levels: self.levels.view(), numbers: self.numbers.view() }
    }

    /// The criterion for 1, 2, … classes.
    fn bic(&self, seed: u64) -> Result<BTreeMap<usize, f64>> {
        let most = if self.numbers.is_empty() { MOST_ROWS } else { MOST_ROWS_WITH_NUMBERS };
        let step = self.levels.nrows().div_ceil(most).max(1);
        let (levels, numbers) = (self.levels.slice(s![..;step, ..]), self.numbers.slice(s![..;step, ..]));
        let some = MixedRows { levels, numbers };
        let config = LatentClassConfig { n_init: N_INIT, ..LatentClassConfig::default() };
        let mut found = BTreeMap::new();
        let mut lowest = (1, f64::INFINITY);
        for k in 1..=MOST.min(levels.nrows()) {
            let bic = config.fit(&some, k, &[], seed)?.bic();
            found.insert(k, bic);
            if bic < lowest.1 {
                lowest = (k, bic);
            }
            if k >= lowest.0 + HIGHER_IN_A_ROW {
                break;
            }
        }
        Ok(found)
    }

    /// Classes of the rows; those of `kmeans` where a class would be empty.
    fn classes(&self, k: usize, kmeans: Option<&Array1<u32>>, seed: u64) -> Result<Array1<u32>> {
        let starts: Vec<ArrayView1<'_, u32>> = kmeans.iter().map(|labels| labels.view()).collect();
        let is_large = !self.numbers.is_empty() && self.levels.nrows() > MANY_ROWS;
        let default = LatentClassConfig::default();
        let config = LatentClassConfig { n_init: if is_large { 2 } else { default.n_init }, ..default };
        let fit = config.fit(&self.rows(), k, &starts, seed)?;
        match kmeans {
            Some(labels) if fit.n_used() < k => Ok(labels.clone()),
            _ => Ok(fit.labels),
        }
    }

    /// Some of the rows.
    fn select(&self, rows: &[usize]) -> Self {
        let of = ndarray::Axis(0);
        Self { levels: self.levels.select(of, rows), numbers: self.numbers.select(of, rows) }
    }
}

/// The criterion by number of classes that the notes of a phase tell of.
pub(super) fn bic_of(record: &PhaseRecord) -> Option<BTreeMap<usize, f64>> {
    serde_json::from_value(record.notes.get("bic")?.clone()).ok()
}

/// The estimate from the criterion: the number where it is lowest, with the next lowest.
fn estimate(bic: &BTreeMap<usize, f64>) -> NumberOfClusters {
    let mut order: Vec<(usize, f64)> = bic.iter().map(|(k, bic)| (*k, *bic)).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let lowest = order.first().map_or(1, |(k, _)| *k);
    let n_clusters = lowest.max(2);
    let runner_up = order.iter().map(|(k, _)| *k).find(|k| *k >= 2 && *k != n_clusters);
    let clarity = if lowest == 1 { Clarity::NoGroups } else { Clarity::Contested };
    NumberOfClusters { n_clusters, runner_up, clarity, relative_conductances: Vec::new() }
}

impl FeaturePartition<'_> {
    /// Clusters of a table of categories and perhaps numbers; `n_clusters = 0` is estimated.
    ///
    /// # Errors
    /// What k-means and EM can return.
    pub(super) fn cut_mixed(
        &self,
        table: &MixedTable,
        n_clusters: usize,
        phase: &PhaseContext<'_>,
    ) -> Result<Artefact> {
        let seed = phase.streams.derived_seed("latent-classes");
        let (n_clusters, number, halves, bic) = match n_clusters {
            0 => {
                let bic = table.bic(seed)?;
                let number = estimate(&bic);
                let halves = match number.clarity {
                    Clarity::NoGroups => None,
                    _ => self.strengths(&[number.n_clusters], phase, &|(rows, x), k| {
                        let few = KMeansConfig { n_init: FEW.min(self.kmeans.n_init), ..self.kmeans.clone() };
                        let half = FeaturePartition { kmeans: &few, x, ..*self };
                        let kmeans = half.clusters(&few, k, phase)?;
                        let kmeans = kmeans.first().map(|(_, labels)| labels);
                        table.select(rows).classes(k, kmeans, seed).map(Some)
                    })?,
                };
                let halves = halves
                    .map(|prediction_strength| Halves { n_clusters: number.n_clusters, prediction_strength });
                (number.n_clusters, json!(number), json!(halves), json!(bic))
            }
            given => (given, Value::Null, Value::Null, Value::Null),
        };
        let kmeans = self.clusters(self.kmeans, n_clusters, phase)?;
        let labels = table.classes(n_clusters, kmeans.first().map(|(_, labels)| labels), seed)?;
        let mut tensors = Tensors::from([("assignments".to_string(), labels_to_tensor(&labels))]);
        store_n_clusters(n_clusters, &mut tensors);
        let mut notes = json!({ "number_of_clusters": number, "halves": halves });
        if !bic.is_null() {
            notes["bic"] = bic;
        }
        notes["smallest"] = json!(smallest(&labels, n_clusters));
        Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
    }
}

/// Rows of the smallest class.
fn smallest(labels: &Array1<u32>, k: usize) -> usize {
    (0..k as u32).map(|c| labels.iter().filter(|&&l| l == c).count()).min().unwrap_or(0)
}

/// What an estimate from the criterion says.
pub(super) fn words(number: &NumberOfClusters, halves: Option<&Halves>) -> String {
    let k = number.n_clusters;
    let say = "say --clusters K if you know it";
    let strength = halves.and_then(|halves| halves.prediction_strength.get(&k).copied());
    let sure = match (number.clarity, strength) {
        (Clarity::NoGroups, _) => {
            format!(
                "no clear number: one class describes the categories as well, so there may be no groups; {say}"
            )
        }
        (_, Some(strength)) if halves.is_some_and(Halves::is_confirmed) => format!(
            "likely: latent classes of the lowest BIC, and halves of the rows confirm them; prediction strength {strength:.2}"
        ),
        (_, Some(strength)) => format!(
            "not clear: latent classes of the lowest BIC, but halves of the rows do not confirm every one of them; prediction \
             strength {strength:.2}; {say}"
        ),
        (_, None) => format!("not clear: latent classes of the lowest BIC of few rows; {say}"),
    };
    format!("estimated number of clusters: {k} ({sure})")
}
