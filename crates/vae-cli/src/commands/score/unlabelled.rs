//! What can be said of a clustering without labels.

use crate::criteria::{self, MOST_ROWS, Sample};
use crate::output::{counted, say, say_json, table, thousands};
use anyhow::Result;
use ndarray::{Array1, Array2, Axis};
use serde::Serialize;
use std::collections::BTreeMap;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_models::ScaleKind;
use vae_report::sweep::CRITERIA;

/// A clustering and what there is beside it.
#[derive(Debug)]
pub struct Unlabelled {
    /// Cluster of each sample, `[n]`.
    pub clusters: Array1<u32>,
    /// How many clusters there could be; those without a sample count as empty.
    pub n_clusters: usize,
    /// The data.
    pub features: Option<Features>,
    /// Latent codes, `[n, latent_dim]`, where they are not the data.
    pub codes: Option<Array2<f32>>,
    /// Criteria that are known already.
    pub known: BTreeMap<String, f64>,
    /// Samples that are in no cluster and left out.
    pub not_assigned: usize,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    n: usize,
    n_clusters: usize,
    /// Rows that distances and neighbours are of.
    n_rows: usize,
    /// `features`, `latent` or `none`.
    space: &'static str,
    criteria: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "super::is_zero")]
    not_assigned: usize,
}

impl Unlabelled {
    /// Prints all criteria that there are.
    ///
    /// # Errors
    /// Features that have no neighbours.
    pub fn say(self, json: bool) -> Result<()> {
        let answer = self.answer()?;
        if json { say_json(&answer) } else { say(&text(&answer)) }
    }

    fn answer(self) -> Result<Answer> {
        let Self { clusters, n_clusters, features, codes, known, not_assigned } = self;
        let codes = codes.filter(|codes| codes.iter().all(|v| v.is_finite()));
        let (space, base) = match (features, &codes) {
            (Some(features), _) => ("features", Some(features)),
            (None, Some(codes)) => ("latent", Some(Features::dense(codes.clone())?)),
            (None, None) => ("none", None),
        };
        let mut all = criteria::of_sizes(clusters.view(), n_clusters);
        all.extend(known);
        let mut n_rows = 0;
        if let Some(base) = base.filter(|base| base.n() > 2) {
            let sample = Sample::new(&base, MOST_ROWS, ScaleKind::Auto)?;
            let graph = sample.graph(&FitContext::in_memory(0))?;
            let x = sample.matrix();
            let codes = codes.filter(|_| space == "features").map(|z| z.select(Axis(0), &sample.rows));
            let spaces: Vec<_> = [x.view()].into_iter().chain(codes.as_ref().map(|z| z.view())).collect();
            all.extend(criteria::of(x.view(), &graph, &spaces, sample.clusters(&clusters).view())?);
            n_rows = sample.rows.len();
        }
        Ok(Answer { n: clusters.len(), n_clusters, n_rows, space, criteria: all, not_assigned })
    }
}

fn text(answer: &Answer) -> String {
    let Answer { n, n_clusters, n_rows, space, criteria, not_assigned } = answer;
    let left_out = match not_assigned {
        0 => String::new(),
        n => format!("; {} not assigned and left out", thousands(*n)),
    };
    let space = match *space {
        "features" => {
            format!("; distances and neighbours of {} rows of the scaled features", thousands(*n_rows))
        }
        "latent" => format!(
            "; distances and neighbours of {} rows of the run's own latent space, which is no measure between runs: give --data",
            thousands(*n_rows)
        ),
        _ => "; give --data for more".into(),
    };
    let row = |criterion: &vae_report::sweep::Criterion| {
        let value = criteria.get(criterion.key)?;
        let value = format!("{value:.4}");
        Some([criterion.name, &value, criterion.good.words(), criterion.what].map(str::to_owned).to_vec())
    };
    let rows: Vec<Vec<String>> = CRITERIA.iter().filter_map(row).collect();
    format!(
        "no labels: {} samples in {}{left_out}{space}\n{}",
        thousands(*n),
        counted(*n_clusters, "cluster"),
        table(&rows)
    )
}
