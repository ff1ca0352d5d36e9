//! The methods without a network: `kmeans` and `gmm` on the features themselves.

use crate::clusterer::{Clusterer, FitSummary, Generator, SoftAssign};
use crate::registry::{MethodConfig, Restorable};
use crate::saved::{Input, Stored, save};
use crate::scale::ScaleKind;
use crate::two_stage::{labels_of, labels_to_tensor, resolve_input};
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2, CowArray, Ix2};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use tch::{Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::{Features, ImageShape};
use vae_gmm::{Gmm, GmmConfig, KMeans, KMeansConfig, Select};

/// Raised when the phases below change their results.
const REVISION: u32 = 1;

/// The parameters of a diagonal Gaussian mixture, f64.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// `[K]`.
    pub pi: Array1<f64>,
    /// `[K, J]`.
    pub mu: Array2<f64>,
    /// `[K, J]`.
    pub var: Array2<f64>,
}

impl Mixture {
    pub(crate) fn of(gmm: &Gmm) -> Self {
        Self { pi: gmm.pi().to_owned(), mu: gmm.mu().to_owned(), var: gmm.var().to_owned() }
    }

    pub(crate) fn to_gmm(&self) -> Result<Gmm> {
        Ok(Gmm::new(self.pi.clone(), self.mu.clone(), self.var.clone())?)
    }

    /// Variance of a dimension within a component, averaged over dimensions and, by weight, over components.
    pub(crate) fn mean_variance(&self) -> f64 {
        let per_component = self.var.rows().into_iter().map(|row| row.sum() / row.len() as f64);
        self.pi.iter().zip(per_component).map(|(pi, var)| pi * var).sum()
    }

    pub(crate) fn store(&self, prefix: &str, tensors: &mut Tensors) {
        tensors.insert(format!("{prefix}pi"), tensor_of(self.pi.view().insert_axis(ndarray::Axis(0))));
        tensors.insert(format!("{prefix}mu"), tensor_of(self.mu.view()));
        tensors.insert(format!("{prefix}var"), tensor_of(self.var.view()));
    }

    pub(crate) fn load(tensors: &Tensors, prefix: &str) -> Result<Self> {
        let get = |name: &str| {
            let name = format!("{prefix}{name}");
            let missing = || vae_core::Error::Features(format!("the stored mixture has no tensor `{name}`"));
            array_of(tensors.get(&name).ok_or_else(missing)?)
        };
        Ok(Self { pi: get("pi")?.row(0).to_owned(), mu: get("mu")?, var: get("var")? })
    }
}

/// An f64 tensor of an array.
pub(crate) fn tensor_of(x: ArrayView2<'_, f64>) -> Tensor {
    let shape = [x.nrows() as i64, x.ncols() as i64];
    Tensor::from_slice(&x.iter().copied().collect::<Vec<f64>>()).view(shape)
}

/// A two-dimensional tensor as an f64 array.
pub(crate) fn array_of(t: &Tensor) -> Result<Array2<f64>> {
    let (rows, columns) = t.size2()?;
    let values = Vec::<f64>::try_from(t.f_to_kind(Kind::Double)?.f_contiguous()?.f_view([-1])?)?;
    let shape = (rows as usize, columns as usize);
    Ok(Array2::from_shape_vec(shape, values).map_err(|e| vae_core::Error::Features(e.to_string()))?)
}

/// Runs a phase whose body can fail with an error of vae-gmm.
pub(crate) fn gmm_phase<C: Serialize>(
    cx: &FitContext,
    spec: &PhaseSpec<'_, C>,
    body: impl FnOnce(&vae_core::phase::PhaseContext<'_>) -> Result<Artefact>,
) -> Result<Artefact> {
    let mut own_error = None;
    let artefact = cx.phase(spec, |phase| {
        body(phase).map_err(|e| match e {
            Error::Core(e) => e,
            other => {
                let text = other.to_string();
                own_error = Some(other);
                vae_core::Error::Features(text)
            }
        })
    });
    match own_error {
        Some(e) => Err(e),
        None => Ok(artefact?),
    }
}

/// A sample of one component.
pub(crate) fn sample_component(gmm: &Gmm, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
    if cluster >= gmm.n_components() {
        return Err(Error::NoCluster { cluster, n_clusters: gmm.n_components() });
    }
    Ok(gmm.sample_component(cluster as u32, n, seed)?)
}

/// All rows as one dense matrix, without a copy where they are one.
fn dense(x: &Features) -> CowArray<'_, f32, Ix2> {
    match x.as_dense() {
        Some(view) => CowArray::from(view),
        None => CowArray::from(x.dense_rows(0, x.n())),
    }
}

/// `f` of the scaled features of a fitted model.
fn scaled<T>(input: &Input, x: &Features, f: impl FnOnce(ArrayView2<'_, f32>) -> Result<T>) -> Result<T> {
    let x = input.prepare(x)?;
    f(dense(x.as_ref()).view())
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
    fn check(&self) -> Result<()> {
        crate::config::check_n_clusters(self.n_clusters)?;
        Ok(self.kmeans.check()?)
    }
}

/// k-means on the features.
#[derive(Debug)]
pub struct KMeansMethod {
    config: KMeansMethodConfig,
    fitted: Option<(Input, KMeans)>,
}

impl KMeansMethod {
    fn fitted(&self) -> Result<&(Input, KMeans)> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }
}

impl Clusterer for KMeansMethod {
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let config = &self.config;
        let (input, resolved) = resolve_input(x, config.scale, None, config.n_clusters)?;
        let x = input.prepare(x)?;
        let spec = PhaseSpec { name: "kmeans", revision: REVISION, config, inputs: &[x.sha256()] };
        let artefact = gmm_phase(cx, &spec, |phase| {
            let seed = phase.streams.derived_seed("kmeans");
            let fit = config.kmeans.fit(dense(&x).view(), config.n_clusters, seed)?;
            let mut tensors = Tensors::from([("kmeans.centres".to_string(), tensor_of(fit.centres()))]);
            tensors.insert("assignments".into(), labels_to_tensor(&fit.labels().to_owned()));
            let notes = json!({
                "inertia": fit.inertia(),
                "restart_inertias": fit.restart_inertias(),
                "iterations": fit.n_iter(),
                "converged": fit.converged(),
            });
            Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
        })?;
        let model = KMeans::from_centres(array_of(artefact.tensor("kmeans.centres")?)?)?;
        self.fitted = Some((input, model));
        Ok(FitSummary {
            assignments: labels_of(artefact.tensor("assignments")?)?,
            start_assignments: None,
            observed: Vec::new(),
            selection: format!("lowest inertia of {} k-means++ restarts", config.kmeans.n_init),
            phases: vec![artefact.record],
            resolved,
        })
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        let (input, model) = self.fitted()?;
        scaled(input, x, |x| Ok(model.predict(x)?))
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        scaled(&self.fitted()?.0, x, |x| Ok(x.to_owned()))
    }

    fn save(&self, path: &Path) -> Result<()> {
        let (input, model) = self.fitted()?;
        let tensors = Tensors::from([("kmeans.centres".to_string(), tensor_of(model.centres()))]);
        save(path, "kmeans", &self.config, input, &tensors)
    }

    fn n_clusters(&self) -> usize {
        self.config.n_clusters
    }

    fn image(&self) -> Option<ImageShape> {
        self.fitted.as_ref().and_then(|(input, _)| input.image)
    }
}

impl Restorable for KMeansMethod {
    type Config = KMeansMethodConfig;

    fn new(config: KMeansMethodConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: KMeansMethodConfig, stored: Stored) -> Result<Self> {
        let model = KMeans::from_centres(array_of(stored.tensor("kmeans.centres")?)?)?;
        Ok(Self { config, fitted: Some((stored.input, model)) })
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
    fn check(&self) -> Result<()> {
        crate::config::check_n_clusters(self.n_clusters)?;
        Ok(self.gmm.check()?)
    }
}

/// A diagonal Gaussian mixture on the features.
#[derive(Debug)]
pub struct GmmMethod {
    config: GmmMethodConfig,
    fitted: Option<(Input, Gmm)>,
}

impl GmmMethod {
    fn fitted(&self) -> Result<&(Input, Gmm)> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }
}

impl Clusterer for GmmMethod {
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let config = &self.config;
        let (input, resolved) = resolve_input(x, config.scale, None, config.n_clusters)?;
        let x = input.prepare(x)?;
        let spec = PhaseSpec { name: "gmm", revision: REVISION, config, inputs: &[x.sha256()] };
        let artefact = gmm_phase(cx, &spec, |phase| {
            let fit =
                config.gmm.fit(dense(&x).view(), config.n_clusters, phase.streams.derived_seed("gmm"))?;
            let mut tensors = Tensors::new();
            Mixture::of(fit.model()).store("gmm.", &mut tensors);
            tensors.insert("assignments".into(), labels_to_tensor(&fit.model().predict(dense(&x).view())?));
            let notes = json!({
                "log_likelihood_nats": fit.log_likelihood(),
                "iterations": fit.n_iter(),
                "converged": fit.converged(),
            });
            Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
        })?;
        let model = Mixture::load(&artefact.tensors, "gmm.")?.to_gmm()?;
        self.fitted = Some((input, model));
        Ok(FitSummary {
            assignments: labels_of(artefact.tensor("assignments")?)?,
            start_assignments: None,
            observed: Vec::new(),
            selection: selection_text(&config.gmm),
            phases: vec![artefact.record],
            resolved,
        })
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        let (input, model) = self.fitted()?;
        scaled(input, x, |x| Ok(model.predict(x)?))
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        scaled(&self.fitted()?.0, x, |x| Ok(x.to_owned()))
    }

    fn save(&self, path: &Path) -> Result<()> {
        let (input, model) = self.fitted()?;
        let mut tensors = Tensors::new();
        Mixture::of(model).store("gmm.", &mut tensors);
        save(path, "gmm", &self.config, input, &tensors)
    }

    fn n_clusters(&self) -> usize {
        self.config.n_clusters
    }

    fn image(&self) -> Option<ImageShape> {
        self.fitted.as_ref().and_then(|(input, _)| input.image)
    }

    fn soft(&self) -> Option<&dyn SoftAssign> {
        Some(self)
    }

    fn generator(&self) -> Option<&dyn Generator> {
        Some(self)
    }
}

/// How `config` chooses among restarts, for reports.
pub(crate) fn selection_text(config: &GmmConfig) -> String {
    match config.select {
        Select::Inertia => format!("lowest inertia of {} k-means++ restarts, then one EM run", config.n_init),
        Select::LogLikelihood => {
            format!("highest likelihood of {} EM runs from k-means++ starts", config.n_init)
        }
    }
}

impl SoftAssign for GmmMethod {
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>> {
        let (input, model) = self.fitted()?;
        scaled(input, x, |x| Ok(model.predict_proba(x)?.mapv(|g| g as f32)))
    }
}

impl Generator for GmmMethod {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let (input, model) = self.fitted()?;
        Ok(input.scale.invert(sample_component(model, cluster, n, seed)?))
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        // The mixture's best guess of a point is the mean of its component.
        let (input, model) = self.fitted()?;
        let labels = self.predict(x)?;
        let mu = model.mu();
        let rows =
            Array2::from_shape_fn((labels.len(), mu.ncols()), |(i, j)| mu[[labels[i] as usize, j]] as f32);
        Ok(input.scale.invert(rows))
    }
}

impl Restorable for GmmMethod {
    type Config = GmmMethodConfig;

    fn new(config: GmmMethodConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: GmmMethodConfig, stored: Stored) -> Result<Self> {
        let model = Mixture::load(&stored.tensors, "gmm.")?.to_gmm()?;
        Ok(Self { config, fitted: Some((stored.input, model)) })
    }
}
