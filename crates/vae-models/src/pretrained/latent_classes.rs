//! The clusters of a table whose groups are in its categories: latent classes.
//!
//! Rows of categories repeat each other or differ by whole levels, so that a graph of their
//! neighbours says little: how often a combination of levels occurs is what tells groups. A mixture
//! whose classes draw every column by itself sees that, and numbers beside the categories have a
//! normal distribution in each class ([`super::mixed_table`]). Where the numbers have groups of
//! their own, of whatever shape, the graph is better; so a table with numbers gets latent classes
//! if these have none, and the categories alone have some.
//!
//! The number of classes is that of the lowest BIC (Nylund, Asparouhov and Muthén 2007 find it the
//! best of the usual criteria), and halves of the rows are asked whether they confirm it; of two
//! numbers whose criterion differs little they take one.

use super::feature_partition::{FeaturePartition, N_INIT as FEW, number_of_clusters, store_n_clusters};
use super::halves::Halves;
use super::mixed_table::MixedTable;
use crate::shared::assignments::labels_to_tensor;
use crate::{Error, Result};
use ndarray::{Array1, ArrayView1, Axis};
use serde_json::json;
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::interrupt::Interrupt;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord};
use vae_core::random::{Streams, sorted_sample};
use vae_gmm::{KMeansConfig, LatentClassConfig, latent_class};
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig};

/// Fewer categories do not determine classes.
pub(super) const LEAST_CATEGORIES: usize = 3;

/// The largest number of classes that is tried.
const MOST: usize = 15;

/// The search ends after so many numbers in a row with a higher BIC than the lowest.
const HIGHER_IN_A_ROW: usize = 3;

/// Rows of which BIC is computed, at most, for the sake of cost: of categories, whose rows repeat
/// each other …
const MOST_ROWS: usize = 5000;
/// … and with numbers.
const MOST_ROWS_WITH_NUMBERS: usize = 2000;

/// Starts for each number that is tried.
const N_INIT: usize = 5;

/// Of more cells EM has but three starts.
const MANY_CELLS: usize = 1_000_000;

/// A BIC that is lower by so much is very strong evidence (Kass and Raftery 1995).
const VERY_STRONG: f64 = 10.0;

/// Whether latent classes are the clusters of `table`, that of `x`.
///
/// # Errors
/// What EM, searching and cutting can return; an interruption.
pub(super) fn has_classes(
    table: &MixedTable,
    x: &Features,
    partition: &PartitionConfig,
    phase: &PhaseContext<'_>,
) -> Result<bool> {
    let Some(dense) = x.as_dense().filter(|_| !table.numbers().is_empty()) else { return Ok(true) };
    let rows = sorted_sample(&mut phase.streams.rng("latent-classes.gate", 0, 0), x.n(), MOST_ROWS);
    let some = table.select(&rows);
    let bic = bic(&some.levels_alone(), &phase.streams, &phase.fit.interrupt)?;
    let lowest = bic.values().copied().fold(f64::INFINITY, f64::min);
    if bic[&1] - lowest < VERY_STRONG {
        return Ok(false);
    }
    let numbers = Features::dense(dense.select(Axis(0), &rows).select(Axis(1), table.numbers()))?;
    let of = FitContext { interrupt: phase.fit.interrupt.clone(), ..FitContext::in_memory(phase.fit.seed) };
    Ok(!partition.has_groups_apart(&numbers, &of)?)
}

/// The criterion for 1, 2, … classes of some of the rows.
///
/// # Errors
/// What EM can return; an interruption.
fn bic(table: &MixedTable, streams: &Streams, interrupt: &Interrupt) -> Result<BTreeMap<usize, f64>> {
    let most = if table.numbers().is_empty() { MOST_ROWS } else { MOST_ROWS_WITH_NUMBERS };
    let rows = sorted_sample(&mut streams.rng("latent-classes.rows", 0, 0), table.n(), most);
    let some = table.select(&rows);
    let config = LatentClassConfig { n_init: N_INIT, ..LatentClassConfig::default() };
    let seed = streams.derived_seed("latent-classes");
    let mut found = BTreeMap::new();
    let mut lowest = (1, f64::INFINITY);
    for k in 1..=MOST.min(some.n()) {
        interrupt.check()?;
        let bic = config.fit(&some.rows(), k, &[], seed)?.bic();
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

/// Classes of the rows, and how many of `k` have none.
fn classes(
    table: &MixedTable,
    k: usize,
    kmeans: Option<&Array1<u32>>,
    phase: &PhaseContext<'_>,
) -> Result<(Array1<u32>, usize)> {
    phase.fit.interrupt.check()?;
    let starts: Vec<ArrayView1<'_, u32>> = kmeans.iter().map(|labels| labels.view()).collect();
    let rows = table.rows();
    let n_cells = rows.levels.len() + rows.numbers.len();
    let default = LatentClassConfig::default();
    let config =
        LatentClassConfig { n_init: if n_cells > MANY_CELLS { 2 } else { default.n_init }, ..default };
    let fit = config.fit(&rows, k, &starts, phase.streams.derived_seed("latent-classes"))?;
    let n_empty = k - fit.n_used();
    Ok((fit.labels, n_empty))
}

/// How likely rows are where each column is drawn by itself in each of some clusters.
pub struct ClassLikelihood(MixedTable);

impl ClassLikelihood {
    /// Of the rows `x`; `None` for features that are no table with categories.
    ///
    /// # Errors
    /// libtorch's.
    pub fn of(x: &Features) -> Result<Option<Self>> {
        Ok(MixedTable::of(x)?.map(Self))
    }

    /// The mean log-likelihood of a row, in nats, in `k` clusters.
    ///
    /// # Errors
    /// Clusters of other rows, or not below `k`.
    pub fn of_clusters(&self, clusters: ArrayView1<'_, u32>, k: usize) -> Result<f64> {
        let sum = latent_class::likelihood_of_clusters(&self.0.rows(), clusters, k)?;
        Ok(sum / self.0.n() as f64)
    }
}

/// BIC by number of classes, where the phase estimated it.
pub fn bic_of_classes(record: &PhaseRecord) -> Option<BTreeMap<usize, f64>> {
    serde_json::from_value(record.notes.get("latent_classes")?.get("bic")?.clone()).ok()
}

/// How the clusters of a phase were chosen; `None` where it cut a graph.
pub(super) fn selection(record: &PhaseRecord) -> Option<String> {
    Some(match record.notes.get("latent_classes")?.get("empty")?.as_u64()? {
        0 => "latent classes of the highest likelihood".into(),
        n => format!("k-means, since latent classes leave {n} of the clusters without rows"),
    })
}

/// The estimate from the criterion: the number where it is lowest, and the next lowest where that
/// is near.
fn estimate(bic: &BTreeMap<usize, f64>) -> NumberOfClusters {
    let mut order: Vec<(usize, f64)> = bic.iter().map(|(k, bic)| (*k, *bic)).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (lowest, least) = order.first().copied().unwrap_or((1, 0.0));
    let n_clusters = lowest.max(2);
    let is_near = |(k, bic): &&(usize, f64)| *k >= 2 && *k != n_clusters && bic - least < VERY_STRONG;
    let runner_up = order.iter().find(is_near).map(|(k, _)| *k);
    let clarity = if lowest == 1 { Clarity::NoGroups } else { Clarity::Contested };
    NumberOfClusters { n_clusters, runner_up, clarity, relative_conductances: Vec::new() }
}

impl FeaturePartition<'_> {
    /// Clusters of a table of categories and perhaps numbers; `n_clusters = 0` is estimated.
    ///
    /// # Errors
    /// Rows that are all equal; what k-means and EM can return.
    pub(super) fn cut_mixed(
        &self,
        table: &MixedTable,
        n_clusters: usize,
        phase: &PhaseContext<'_>,
    ) -> Result<Artefact> {
        let mut record = PhaseRecord::default();
        let mut bic = None;
        if n_clusters == 0 {
            let found = self::bic(table, &phase.streams, &phase.fit.interrupt)?;
            let number = estimate(&found);
            let halves = self.halves_of_classes(table, &number, phase)?;
            record.notes = json!({ "number_of_clusters": number, "halves": halves });
            bic = Some(found);
        }
        let n_clusters = match n_clusters {
            0 => number_of_clusters(&record).map_or(2, |number| number.n_clusters),
            given => given,
        };
        let kmeans = self.clusters(self.kmeans, n_clusters, phase)?;
        let kmeans = kmeans.first().map(|(_, labels)| labels);
        let Some(start) = kmeans else {
            let why = "no more clusters than there are different rows";
            return Err(Error::config("n_clusters", n_clusters, why));
        };
        let (labels, n_empty) = classes(table, n_clusters, Some(start), phase)?;
        let labels = if n_empty > 0 { start.clone() } else { labels };
        let mut tensors = Tensors::from([("assignments".to_string(), labels_to_tensor(&labels))]);
        store_n_clusters(n_clusters, &mut tensors);
        record.notes["latent_classes"] = json!({ "bic": bic, "empty": n_empty });
        Ok(Artefact { tensors, record })
    }

    /// What halves of the rows say of an estimate and of a runner-up that is near.
    fn halves_of_classes(
        &self,
        table: &MixedTable,
        number: &NumberOfClusters,
        phase: &PhaseContext<'_>,
    ) -> Result<Option<Halves>> {
        if number.clarity == Clarity::NoGroups {
            return Ok(None);
        }
        let few = KMeansConfig { n_init: FEW.min(self.kmeans.n_init), ..self.kmeans.clone() };
        let numbers: Vec<usize> = [number.n_clusters].into_iter().chain(number.runner_up).collect();
        let strengths = self.strengths(&numbers, phase, &|(rows, x), k| {
            let half = FeaturePartition { kmeans: &few, x, ..*self };
            let kmeans = half.clusters(&few, k, phase)?;
            let kmeans = kmeans.first().map(|(_, labels)| labels);
            let (labels, n_empty) = classes(&table.select(rows), k, kmeans, phase)?;
            Ok((n_empty == 0).then_some(labels))
        })?;
        Ok(strengths.map(|prediction_strength| {
            let best = numbers
                .iter()
                .copied()
                .reduce(|a, b| if prediction_strength[&b] > prediction_strength[&a] { b } else { a });
            Halves { n_clusters: best.unwrap_or(number.n_clusters), prediction_strength }
        }))
    }
}

/// What an estimate from the criterion says.
pub(super) fn words(number: &NumberOfClusters, halves: Option<&Halves>) -> String {
    let k = number.n_clusters;
    let say = "say --clusters K if you know it";
    let strength = halves.and_then(|halves| halves.prediction_strength.get(&k).copied());
    let classes = match number.runner_up {
        Some(other) => format!("latent classes, whose BIC hardly differs from that of {other}"),
        None => "latent classes of the lowest BIC".into(),
    };
    let sure = match (number.clarity, strength) {
        (Clarity::NoGroups, _) => {
            format!(
                "no clear number: one class describes the categories as well, so there may be no groups; {say}"
            )
        }
        (_, Some(strength)) if halves.is_some_and(Halves::is_confirmed) => {
            format!(
                "likely: {classes}, and halves of the rows confirm them; prediction strength {strength:.2}"
            )
        }
        (_, Some(strength)) => format!(
            "not clear: {classes}, but halves of the rows do not confirm every one of them; prediction strength \
             {strength:.2}; {say}"
        ),
        (_, None) => format!("not clear: {classes}, of rows that are too few to ask halves of them; {say}"),
    };
    format!("estimated number of clusters: {k} ({sure})")
}
