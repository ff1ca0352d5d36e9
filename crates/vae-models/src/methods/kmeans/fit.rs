//! k-means on the features, and a fitted model.

use super::config::KMeansConfig;
use crate::Result;
use crate::api::{FitSummary, Method, Model, stored};
use crate::config::Preset;
use crate::input::Input;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::dense_rows::{dense, rows};
use crate::shared::nearest_centre;
use ndarray::{Array1, Array2};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2_f64, to_tensor_f64};
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::program::{Outputs, Program, Value};
use vae_gmm::kmeans;

/// k-means on the features.
#[derive(Debug)]
pub struct KMeans;

/// Fitted centres, as `vae-gmm` has them.
pub type KMeansModel = vae_gmm::KMeans;

impl Method for KMeans {
    const NAME: &'static str = "kmeans";
    const SUMMARY: &'static str = "k-means on the features";
    const REFERENCE: &'static str = "Arthur and Vassilvitskii 2007 (k-means++)";
    const PRESETS: &'static [Preset] =
        presets!("kmeans": "strokes", "mnist", "fashion-mnist", "hhar", "reuters21578");
    type Config = KMeansConfig;
    type Model = KMeansModel;

    fn fit(
        config: &KMeansConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(KMeansModel, FitSummary)> {
        let spec =
            PhaseSpec { name: "kmeans", revisions: &[&[kmeans::REVISION]], config, inputs: &[x.sha256()] };
        let artefact = cx.phase(&spec, |phase| -> Result<Artefact> {
            let seed = phase.streams.derived_seed("kmeans");
            let fit = config.kmeans.fit(rows(x), config.n_clusters, seed)?;
            let mut tensors = Tensors::from([("kmeans.centres".to_string(), to_tensor_f64(fit.centres())?)]);
            tensors.insert("assignments".into(), labels_to_tensor(&fit.labels().to_owned()));
            let notes = json!({
                "inertia": fit.inertia(),
                "restart_inertias": fit.restart_inertias(),
                "iterations": fit.n_iter(),
                "converged": fit.converged(),
            });
            Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
        })?;
        let summary = FitSummary {
            assignments: labels_of(artefact.tensor("assignments")?)?,
            selection: format!("lowest inertia of {} k-means++ restarts", config.kmeans.n_init),
            phases: vec![artefact.record.clone()],
            ..FitSummary::default()
        };
        Ok((KMeansModel::from_centres(to_array2_f64(artefact.tensor("kmeans.centres")?)?)?, summary))
    }

    fn restore(_config: &KMeansConfig, _input: &Input, tensors: &Tensors) -> Result<KMeansModel> {
        Ok(KMeansModel::from_centres(to_array2_f64(stored(tensors, "kmeans.centres")?)?)?)
    }
}

impl Model for KMeansModel {
    fn tensors(&self) -> Result<Tensors> {
        Ok(Tensors::from([("kmeans.centres".to_string(), to_tensor_f64(self.centres())?)]))
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Self::predict(self, rows(x))?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(dense(x).into_owned())
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let scores = nearest_centre::describe(self, program, x)?;
        Ok(Outputs { scores, are_probabilities: false, codes: x.clone() })
    }
}
