//! The methods without a network: `kmeans` and `gmm` on the features themselves.

use crate::Result;
use crate::clusterer::FitSummary;
use crate::error::Within;
use crate::input::{Input, InputConfig};
use crate::method::{Generative, Method, MethodConfig, Model, Soft};
use crate::mixture::{Mixture, selection_text};
use crate::registry::Preset;
use crate::saved::stored;
use crate::scale::ScaleKind;
use crate::two_stage::{labels_of, labels_to_tensor};
use ndarray::{Array1, Array2, CowArray, Ix2};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2_f64, to_tensor_f64};
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_gmm::{Gmm, GmmConfig, KMeans, KMeansConfig, gmm, kmeans};

/// All rows as one dense matrix, without a copy where they are one.
fn dense(x: &Features) -> CowArray<'_, f32, Ix2> {
    match x.as_dense() {
        Some(view) => CowArray::from(view),
        None => CowArray::from(x.dense_rows(0, x.n())),
    }
}

/// The configuration of `kmeans`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansMethodConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The algorithm's settings.
    pub kmeans: KMeansConfig,
}

impl Default for KMeansMethodConfig {
    fn default() -> Self {
        Self { n_clusters: 0, scale: ScaleKind::Auto, kmeans: KMeansConfig::default() }
    }
}

impl MethodConfig for KMeansMethodConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        self.kmeans.check().within("kmeans")
    }
}

/// k-means on the features.
#[derive(Debug)]
pub struct KMeansMethod;

impl Method for KMeansMethod {
    const NAME: &'static str = "kmeans";
    const SUMMARY: &'static str = "k-means on the features";
    const REFERENCE: &'static str = "Arthur and Vassilvitskii 2007 (k-means++)";
    const PRESETS: &'static [Preset] =
        presets!("kmeans": "strokes", "mnist", "fashion-mnist", "hhar", "reuters21578");
    type Config = KMeansMethodConfig;
    type Model = KMeans;

    fn fit(
        config: &KMeansMethodConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(KMeans, FitSummary)> {
        let spec =
            PhaseSpec { name: "kmeans", revisions: &[&[kmeans::REVISION]], config, inputs: &[x.sha256()] };
        let artefact = cx.phase(&spec, |phase| -> Result<Artefact> {
            let seed = phase.streams.derived_seed("kmeans");
            let fit = config.kmeans.fit(dense(x).view(), config.n_clusters, seed)?;
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
        Ok((KMeans::from_centres(to_array2_f64(artefact.tensor("kmeans.centres")?)?)?, summary))
    }

    fn restore(_config: &KMeansMethodConfig, _input: &Input, tensors: &Tensors) -> Result<KMeans> {
        Ok(KMeans::from_centres(to_array2_f64(stored(tensors, "kmeans.centres")?)?)?)
    }
}

impl Model for KMeans {
    fn tensors(&self) -> Result<Tensors> {
        Ok(Tensors::from([("kmeans.centres".to_string(), to_tensor_f64(self.centres())?)]))
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Self::predict(self, dense(x).view())?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(dense(x).into_owned())
    }
}

/// The configuration of `gmm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GmmMethodConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns.
    pub scale: ScaleKind,
    /// The algorithm's settings. `min_covar` matters on raw features: a column that is constant within a component
    /// would otherwise decide every assignment.
    pub gmm: GmmConfig,
}

impl Default for GmmMethodConfig {
    fn default() -> Self {
        let gmm = GmmConfig { reg_covar: 1e-3, ..GmmConfig::default() };
        Self { n_clusters: 0, scale: ScaleKind::Auto, gmm }
    }
}

impl MethodConfig for GmmMethodConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        self.gmm.check().within("gmm")
    }
}

/// A diagonal Gaussian mixture on the features.
#[derive(Debug)]
pub struct GmmMethod;

impl Method for GmmMethod {
    const NAME: &'static str = "gmm";
    const SUMMARY: &'static str = "diagonal Gaussian mixture on the features";
    const REFERENCE: &'static str = "Dempster, Laird and Rubin 1977 (EM)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] =
        presets!("gmm": "strokes", "mnist", "fashion-mnist", "hhar", "reuters21578");
    type Config = GmmMethodConfig;
    type Model = Gmm;

    fn fit(
        config: &GmmMethodConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(Gmm, FitSummary)> {
        let spec = PhaseSpec { name: "gmm", revisions: &[gmm::REVISIONS], config, inputs: &[x.sha256()] };
        let artefact = cx.phase(&spec, |phase| -> Result<Artefact> {
            let x = dense(x);
            let fit = config.gmm.fit(x.view(), config.n_clusters, phase.streams.derived_seed("gmm"))?;
            let mut tensors = Tensors::new();
            Mixture::of(fit.model()).store("gmm.", &mut tensors)?;
            tensors.insert("assignments".into(), labels_to_tensor(&fit.model().predict(x.view())?));
            let notes = json!({
                "log_likelihood_nats": fit.log_likelihood(),
                "iterations": fit.n_iter(),
                "converged": fit.converged(),
            });
            Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
        })?;
        let summary = FitSummary {
            assignments: labels_of(artefact.tensor("assignments")?)?,
            selection: selection_text(&config.gmm),
            phases: vec![artefact.record.clone()],
            ..FitSummary::default()
        };
        Ok((Mixture::load(&artefact.tensors, "gmm.")?.to_gmm()?, summary))
    }

    fn restore(_config: &GmmMethodConfig, _input: &Input, tensors: &Tensors) -> Result<Gmm> {
        Mixture::load(tensors, "gmm.")?.to_gmm()
    }
}

impl Model for Gmm {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        Mixture::of(self).store("gmm.", &mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Self::predict(self, dense(x).view())?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(dense(x).into_owned())
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }
}

impl Soft for Gmm {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(self.predict_proba(dense(x).view())?.mapv(|g| g as f32))
    }
}

impl Generative for Gmm {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        Ok(self.sample_component(cluster as u32, n, seed)?)
    }

    /// The mixture's best guess of a point is the mean of its component.
    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (labels, mu) = (Model::predict(self, x)?, self.mu());
        Ok(Array2::from_shape_fn((labels.len(), mu.ncols()), |(i, j)| mu[[labels[i] as usize, j]] as f32))
    }
}
