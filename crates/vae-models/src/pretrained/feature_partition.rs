//! The phase `feature-partition`: the graph of the features' own neighbours is cut, alone or with
//! that of other spaces, and the number of clusters is estimated where none is given. A table whose
//! groups are in its categories gets latent classes.

use super::graph_partition::{OtherSpace, selection};
use super::halves::{self, Halves};
use super::latent_classes;
use super::mixed_table::MixedTable;
use super::normal_rows::{self, NormalRows};
use crate::api::stored;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::dense_rows::dense;
use crate::shared::neighbour_vote;
use crate::{Error, Result};
use ndarray::Array1;
use serde_json::{Value, json};
use tch::Tensor;
use vae_core::Features;
use vae_core::bundle::{FIT_ANEW, Tensors};
use vae_core::identity::Revision;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord, PhaseSpec};
use vae_core::random::Streams;
use vae_gmm::{KMeansConfig, kmeans, latent_class};
use vae_graph::partition::{Clarity, Graphs, NumberOfClusters, PartitionConfig, number};
use vae_graph::{Distinct, Graph};

/// The candidates, and the order of what is done.
pub const REVISION: Revision = ("feature-partition", 2);

/// Numbers of two values are categories ([`Features::with_two_values_as_levels`]).
pub const TWO_VALUES: Revision = ("two-values-are-levels", 1);

/// Numbers of few values are spread ([`Features::with_levels_spread`]).
pub const SPREAD: Revision = ("levels-are-spread", 1);

/// What an estimate asks beside the graph.
const OF_AN_ESTIMATE: &[Revision] = &[halves::REVISION, normal_rows::REVISION, neighbour_vote::REVISION];

/// Restarts of k-means for each number of clusters that is tried.
pub(super) const N_INIT: usize = 3;

/// What is cut.
pub(crate) struct FeaturePartition<'a> {
    /// The graph and the choice.
    pub partition: &'a PartitionConfig,
    /// k-means of the features, whose clusters are a candidate.
    pub kmeans: &'a KMeansConfig,
    /// The features.
    pub x: &'a Features,
    /// The same rows in other spaces: the mean of all graphs is cut.
    pub others: &'a [OtherSpace<'a>],
}

/// The rows' clusters.
pub(crate) struct Partitioned {
    pub assignments: Array1<u32>,
    pub n_clusters: usize,
    /// How the partition was chosen, for reports.
    pub selection: String,
    pub record: PhaseRecord,
}

impl FeaturePartition<'_> {
    /// Runs the phase; `n_clusters = 0` is estimated.
    ///
    /// # Errors
    /// What searching, the partition and k-means can return.
    pub fn fit(&self, n_clusters: usize, cx: &FitContext) -> Result<Partitioned> {
        if self.x.n() < 2 {
            return Err(Error::config("n_clusters", n_clusters, "at least two rows: there is one"));
        }
        match self.x.with_two_values_as_levels()? {
            Some(x) => FeaturePartition { x: &x, ..*self }.fit_columns(n_clusters, true, cx),
            None => self.fit_columns(n_clusters, false, cx),
        }
    }

    /// [`FeaturePartition::fit`] on columns as they are cut; whether there were numbers of two
    /// values among them.
    fn fit_columns(&self, n_clusters: usize, had_two_values: bool, cx: &FitContext) -> Result<Partitioned> {
        let mixed = if self.others.is_empty() { MixedTable::of(self.x)? } else { None };
        let mixed = mixed.filter(|table| table.n_categories() >= latent_classes::LEAST_CATEGORIES);
        let distinct = Distinct::of(self.x);
        // Rows that repeat are looked at once each; levels of others are spread.
        let spread = match &distinct {
            None => self.x.with_levels_spread(&Streams::new(cx.seed, "feature-partition"))?,
            Some(_) => None,
        };
        let of_graph = FeaturePartition { x: spread.as_ref().unwrap_or(self.x), ..*self };
        let mut inputs = vec![self.x.sha256()];
        inputs.extend(mixed.is_some().then_some("latent classes"));
        inputs.extend(self.x.has_categories().then_some("layers by log odds"));
        inputs.extend(distinct.is_some().then_some("different rows"));
        inputs.extend(spread.is_some().then_some("levels are spread"));
        inputs.extend(self.others.iter().map(|o| o.key));
        let n = distinct.as_ref().map_or(self.x.n(), Distinct::n);
        // Of a table with categories the groups of the numbers weigh the columns.
        let is_estimated = n_clusters == 0;
        let has_estimates = is_estimated || self.x.has_categories();
        let spec = PhaseSpec {
            name: "feature-partition",
            revisions: &[
                &[REVISION, number::REVISION, kmeans::REVISION],
                if had_two_values { &[TWO_VALUES] } else { &[] },
                if spread.is_some() { &[SPREAD] } else { &[] },
                if mixed.is_some() { &[latent_class::REVISION] } else { &[] },
                if has_estimates { number::REVISIONS } else { &[] },
                if is_estimated { OF_AN_ESTIMATE } else { &[] },
                if is_estimated { self.partition.revisions(n / 2) } else { &[] },
                self.partition.revisions(n),
            ],
            config: &(self.partition, self.kmeans, n_clusters),
            inputs: &inputs,
        };
        let artefact = cx.phase(&spec, |phase| match (&mixed, &distinct) {
            // How often equal rows occur is what tells latent classes.
            (Some(table), _) if latent_classes::has_classes(table, self.x, self.partition, phase)? => {
                self.cut_mixed(table, n_clusters, phase)
            }
            (_, Some(distinct)) => self.cut_distinct(n_clusters, distinct, phase),
            (_, None) => of_graph.cut(n_clusters, phase),
        })?;
        // Of a partition from the cache too.
        if let Some(number) = number_of_clusters(&artefact.record) {
            let (halves, normal_rows) = (halves_of(&artefact.record), normal_rows_of(&artefact.record));
            cx.progress.note(&match are_latent_classes(&artefact.record) {
                true => latent_classes::words(&number, halves.as_ref()),
                false => words(&number, halves.as_ref(), normal_rows.as_ref()),
            });
        }
        let assignments = labels_of(artefact.tensor("assignments")?)?;
        Ok(Partitioned {
            assignments,
            n_clusters: load_n_clusters(&artefact.tensors)?,
            selection: latent_classes::selection(&artefact.record)
                .unwrap_or_else(|| selection(self.partition).into()),
            record: artefact.record,
        })
    }

    /// Cuts the graph of the different rows; a row has the cluster of its equals.
    fn cut_distinct(
        &self,
        n_clusters: usize,
        distinct: &Distinct,
        phase: &PhaseContext<'_>,
    ) -> Result<Artefact> {
        if distinct.n() < 2 {
            return Err(Error::config("n_clusters", n_clusters, "data that differ: all rows are equal"));
        }
        let x = self.x.select(distinct.rows())?;
        let points: Vec<&Features> = self.others.iter().map(|o| o.points).collect();
        let points = distinct.select(&points)?;
        let others: Vec<OtherSpace<'_>> =
            self.others.iter().zip(&points).map(|(o, points)| OtherSpace { points, key: o.key }).collect();
        let of_distinct = FeaturePartition { x: &x, others: &others, ..*self };
        let mut artefact = of_distinct.cut(n_clusters, phase)?;
        let clusters = labels_of(artefact.tensor("assignments")?)?;
        artefact.tensors.insert("assignments".into(), labels_to_tensor(&distinct.to_all(&clusters)));
        artefact.record.notes["different_rows"] = json!(distinct.n());
        Ok(artefact)
    }

    pub(super) fn cut(&self, n_clusters: usize, phase: &PhaseContext<'_>) -> Result<Artefact> {
        let (all, numbers) = self.graphs(if n_clusters == 0 { 2 } else { n_clusters }, phase)?;
        let graphs = Graphs { all: &all, numbers: numbers.as_ref() };
        let (n_clusters, number, halves, normal_rows) = match n_clusters {
            0 => {
                let found = self.estimate_of(graphs, phase)?;
                let halves = self.halves(&found, phase)?;
                let normal_rows = self.normal_rows(&found, phase)?;
                let number = in_light_of(found.clone(), halves.as_ref(), normal_rows.as_ref());
                (number.n_clusters, json!(found), json!(halves), normal_rows)
            }
            given => (given, Value::Null, Value::Null, None),
        };
        let others = self.clusters(self.kmeans, n_clusters, phase)?;
        let found = self.partition.of_graph(graphs, n_clusters, &others, &phase.streams)?;
        let mut tensors = Tensors::from([("assignments".to_string(), labels_to_tensor(&found.labels))]);
        store_n_clusters(n_clusters, &mut tensors);
        let mut notes = json!({
            "number_of_clusters": number,
            "halves": halves,
            "modularity": found.modularity,
            "conductance": found.conductance,
            "chosen": found.candidates[found.chosen],
            "candidates": found.candidates,
            "eigenvalues": found.eigenvalues,
        });
        if let Some(normal_rows) = normal_rows {
            notes["normal_rows"] = json!(normal_rows);
        }
        Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
    }

    /// The graph for at least so many pieces, and that of the numbers where there are categories.
    fn graphs(&self, pieces: usize, phase: &PhaseContext<'_>) -> Result<(Graph, Option<Graph>)> {
        let spaces: Vec<&Features> =
            [self.x].into_iter().chain(self.others.iter().map(|o| o.points)).collect();
        let all = self.partition.mean_graph(&spaces, pieces, phase.fit)?;
        let numbers = self.partition.graph_of_numbers(&spaces, phase.fit)?;
        Ok((all, numbers))
    }

    /// The graph's estimate of the number of clusters.
    pub(super) fn estimate(&self, phase: &PhaseContext<'_>) -> Result<NumberOfClusters> {
        let (all, numbers) = self.graphs(2, phase)?;
        self.estimate_of(Graphs { all: &all, numbers: numbers.as_ref() }, phase)
    }

    fn estimate_of(&self, graphs: Graphs<'_>, phase: &PhaseContext<'_>) -> Result<NumberOfClusters> {
        let few = KMeansConfig { n_init: N_INIT.min(self.kmeans.n_init), ..self.kmeans.clone() };
        let others = |k| self.clusters(&few, k, phase).map_err(into_graph);
        Ok(self.partition.number_of_clusters(graphs, others, &phase.streams)?)
    }

    /// k-means of the features.
    pub(super) fn clusters(
        &self,
        config: &KMeansConfig,
        n_clusters: usize,
        phase: &PhaseContext<'_>,
    ) -> Result<Vec<(&'static str, Array1<u32>)>> {
        let seed = phase.streams.derived_seed(&format!("k-means.{n_clusters}"));
        match config.fit(dense(self.x).view(), n_clusters, seed) {
            Ok(fit) => Ok(vec![("k-means", fit.labels().to_owned())]),
            Err(vae_gmm::Error::TooFewDistinctRows { .. }) => Ok(Vec::new()),
            Err(e) => Err(e.into()),
        }
    }
}

/// An error of k-means, for a function that returns those of graphs.
fn into_graph(error: Error) -> vae_graph::Error {
    match error {
        Error::Gmm(e) => e.into(),
        other => vae_core::Error::Internal(other.to_string()).into(),
    }
}

/// The estimate of the number of clusters that the notes of a phase tell of: that of the neighbour
/// graph, or its runner-up where halves of the rows prefer it; a smaller one or none where normal
/// rows come apart as much.
pub fn number_of_clusters(record: &PhaseRecord) -> Option<NumberOfClusters> {
    let (halves, normal_rows) = (halves_of(record), normal_rows_of(record));
    Some(in_light_of(of_graph(record)?, halves.as_ref(), normal_rows.as_ref()))
}

/// Whether the clusters are latent classes, which ask no graph.
pub fn are_latent_classes(record: &PhaseRecord) -> bool {
    latent_classes::selection(record).is_some()
}

/// The same for those who ask halves of the rows themselves: a runner-up into which normal rows
/// come apart as much is none.
pub fn number_without_halves(record: &PhaseRecord) -> Option<NumberOfClusters> {
    let mut number = in_light_of(of_graph(record)?, None, normal_rows_of(record).as_ref());
    number.runner_up = number.runner_up.filter(|other| !numbers_like_normal_rows(record).contains(other));
    Some(number)
}

/// The numbers of clusters into which normal rows of the same mean and covariance, which have no
/// groups, come apart as much as the rows do.
pub fn numbers_like_normal_rows(record: &PhaseRecord) -> Vec<usize> {
    normal_rows_of(record).map(|rows| rows.alike()).unwrap_or_default()
}

/// Whether halves of the rows confirm the estimate of the number of clusters where the graph's
/// runner-up comes near, and not the runner-up; and normal rows do not come apart as much.
pub fn is_confirmed(record: &PhaseRecord) -> bool {
    let alike = numbers_like_normal_rows(record);
    halves_of(record).is_some_and(|halves| halves.is_confirmed() && !alike.contains(&halves.n_clusters))
}

fn in_light_of(
    number: NumberOfClusters,
    halves: Option<&Halves>,
    normal_rows: Option<&NormalRows>,
) -> NumberOfClusters {
    let number = match halves {
        Some(halves) => halves.order(number),
        None => number,
    };
    // An estimate that is not clear anyway stays what it is.
    let is_said = number.clarity == Clarity::Clear || halves.is_some_and(Halves::is_confirmed);
    match normal_rows {
        Some(normal_rows) if is_said => normal_rows.correct(number),
        _ => number,
    }
}

fn of_graph(record: &PhaseRecord) -> Option<NumberOfClusters> {
    serde_json::from_value(record.notes.get("number_of_clusters")?.clone()).ok()
}

fn normal_rows_of(record: &PhaseRecord) -> Option<NormalRows> {
    serde_json::from_value(record.notes.get("normal_rows")?.clone()).ok()
}

fn halves_of(record: &PhaseRecord) -> Option<Halves> {
    serde_json::from_value(record.notes.get("halves")?.clone()).ok()
}

/// What an estimate says.
fn words(found: &NumberOfClusters, halves: Option<&Halves>, normal_rows: Option<&NormalRows>) -> String {
    let say = "say --clusters K if you know it";
    let are_alike = |k: usize| normal_rows.is_some_and(|rows| rows.are_alike(k));
    // Halves that confirm a number that is given up for a smaller one do not confirm that.
    let confirmed =
        halves.is_some_and(|halves| halves.is_confirmed() && halves.n_clusters == found.n_clusters);
    let sure = match (found.clarity, found.runner_up) {
        (Clarity::Clear, _) => "clearly".to_string(),
        (Clarity::NoGroups, _) if are_alike(found.n_clusters) => format!(
            "no clear number: normal rows with the same correlations come apart as much, so there may be no groups; {say}"
        ),
        (Clarity::NoGroups, _) => format!("no clear number: the data may have no groups; {say}"),
        (Clarity::Contested, Some(other)) if confirmed => {
            format!("likely: halves of the rows confirm it and not {other}, which comes near in the graph")
        }
        (Clarity::Contested, Some(other)) if are_alike(other) => format!(
            "not clear: there may be {other}, but normal rows with the same correlations come apart into {other} as much; {say}"
        ),
        (Clarity::Contested, Some(other)) => format!("not clear, {other} comes near; {say}"),
        (Clarity::Contested, None) => format!("not clear; {say}"),
    };
    let strength = |k: usize| halves.and_then(|halves| halves.prediction_strength.get(&k).copied());
    let by_halves = match (strength(found.n_clusters), found.runner_up.and_then(strength)) {
        (Some(own), Some(other)) => format!("; prediction strength {own:.2} against {other:.2}"),
        _ => String::new(),
    };
    format!("estimated number of clusters: {} ({sure}{by_halves})", found.n_clusters)
}

/// Writes the number of clusters of a model that estimated it.
pub(crate) fn store_n_clusters(n_clusters: usize, tensors: &mut Tensors) {
    tensors.insert("n_clusters".into(), Tensor::from_slice(&[n_clusters as i64]));
}

/// Reads what [`store_n_clusters`] wrote.
///
/// # Errors
/// A tensor that is missing or not one number above 0.
pub(crate) fn load_n_clusters(tensors: &Tensors) -> Result<usize> {
    let values = Vec::<i64>::try_from(stored(tensors, "n_clusters")?)?;
    match values[..] {
        [k] if k > 0 => Ok(k as usize),
        _ => {
            let (what, remedy) = ("the model".into(), FIT_ANEW.into());
            let why = format!("has {values:?} for its number of clusters");
            Err(vae_core::Error::Checkpoint { what, why, remedy }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Halves confirm three; of normal rows the estimate is two.
    #[test]
    fn halves_confirm_their_own_number_alone() {
        let number = |n_clusters, runner_up| NumberOfClusters {
            n_clusters,
            runner_up: Some(runner_up),
            clarity: Clarity::Contested,
            relative_conductances: vec![0.0, 0.2],
        };
        let halves = Halves { n_clusters: 3, prediction_strength: BTreeMap::from([(2, 0.7), (3, 0.9)]) };
        let rows = |three: f64| NormalRows {
            draws: 19,
            ratios: BTreeMap::from([(2, 0.1), (3, three)]),
            least_of_normal: 0.5,
        };
        let said = |three: f64| {
            let found = in_light_of(number(3, 2), Some(&halves), Some(&rows(three)));
            words(&found, Some(&halves), Some(&rows(three)))
        };
        assert!(said(0.2).contains("clusters: 3 (likely: halves of the rows confirm it"), "{}", said(0.2));
        assert!(said(0.9).contains("clusters: 2 (not clear: there may be 3"), "{}", said(0.9));
    }
}
