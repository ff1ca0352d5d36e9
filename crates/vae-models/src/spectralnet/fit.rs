//! The phases of SpectralNet, and the fitted model.

use super::config::{PairDistance, PointSpace, SpectralNetConfig};
use super::loss::neighbour_scale;
use super::map::{SpectralMap, Training};
use crate::clusterer::{Clusterer, FitSummary};
use crate::mixture::{array_of, gmm_phase, tensor_of};
use crate::registry::Restorable;
use crate::saved::{Input, Stored, save};
use crate::two_stage::{labels_of, labels_to_tensor, observed_of, resolve_input};
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde_json::json;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2};
use vae_core::init::Init;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord, PhaseSpec};
use vae_core::pretrain::{Autoencoder, pretrain};
use vae_core::random::{Streams, permutation};
use vae_core::train::train;
use vae_core::{Features, ImageShape};
use vae_gmm::KMeans;
use vae_graph::knn::{Knn, Metric, Neighbours};
use vae_graph::siamese;

/// Raised when the phases below change their results.
const REVISION: u32 = 1;

/// Largest sample the scale of the affinities is taken from.
const SCALE_SAMPLE: usize = 1024;

/// From features to points, to outputs, to clusters.
#[derive(Debug)]
struct Fitted {
    input: Input,
    device: Device,
    /// For `space = "codes"`.
    autoencoder: Option<Autoencoder>,
    /// Points are divided by this.
    spread: f64,
    map: SpectralMap,
    /// `[K, K]`.
    weights: Tensor,
    kmeans: KMeans,
}

/// The points of scaled features before they are divided by their spread, `[n, p]`.
fn raw_points(autoencoder: Option<&Autoencoder>, x: &Features, device: Device) -> Result<Array2<f32>> {
    match autoencoder {
        Some(model) => Ok(to_array2(&model.codes(&Resident::new(x, device)?)?)?),
        None => Ok(x.dense_rows(0, x.n())),
    }
}

/// Root mean square deviation of all columns from their means; 1 when nothing varies.
fn spread(points: &Array2<f32>) -> f64 {
    let n = points.nrows() as f64;
    let variance = |c: ndarray::ArrayView1<'_, f32>| {
        let mean = c.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        c.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n
    };
    let mean = points.columns().into_iter().map(variance).sum::<f64>() / points.ncols() as f64;
    if mean > 0.0 { mean.sqrt() } else { 1.0 }
}

impl Fitted {
    fn points(&self, x: &Features) -> Result<Features> {
        let x = self.input.prepare(x)?;
        let raw = raw_points(self.autoencoder.as_ref(), &x, self.device)?;
        Ok(Features::dense(raw.mapv(|v| (f64::from(v) / self.spread) as f32))?)
    }

    /// The orthonormalised outputs, `[n, K]`.
    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        let points = self.points(x)?;
        let points = Resident::new(&points, self.device)?;
        Ok(to_array2(&points.map_rows(4096, |x| Ok(self.map.forward(x).f_matmul(&self.weights)?))?)?)
    }

    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.map.params.snapshot("")?;
        if let Some(autoencoder) = &self.autoencoder {
            tensors.extend(autoencoder.params.snapshot("")?);
        }
        tensors.insert("map.orthonormal".into(), self.weights.f_to_device(Device::Cpu)?);
        tensors.insert("points.spread".into(), Tensor::from_slice(&[self.spread]));
        tensors.insert("kmeans.centres".into(), tensor_of(self.kmeans.centres()));
        Ok(tensors)
    }
}

/// The phases `neighbours` and `siamese`; the artefact of the second holds `codes`.
fn siamese_points(
    points: &Features,
    config: &SpectralNetConfig,
    source: &str,
    cx: &FitContext,
    phases: &mut Vec<PhaseRecord>,
) -> Result<Option<Artefact>> {
    let (PairDistance::Siamese, Some(siamese)) = (config.distance, &config.siamese) else { return Ok(None) };
    let k = siamese.n_positives.min(points.n() - 1);
    let spec =
        PhaseSpec { name: "neighbours", revision: REVISION, config: &k, inputs: &[points.sha256(), source] };
    let near = gmm_phase(cx, &spec, |_| {
        let mut tensors = Tensors::new();
        Knn { k, metric: Metric::Euclidean }.of(points, cx)?.store("", &mut tensors)?;
        Ok(Artefact { tensors, ..Artefact::default() })
    })?;
    let siamese = siamese::SiameseConfig { n_positives: k, ..siamese.clone() };
    let spec = PhaseSpec {
        name: "siamese",
        revision: REVISION,
        config: &(&siamese, &config.siamese_net),
        inputs: &[points.sha256(), &near.record.key],
    };
    let neighbours = Neighbours::load("", &near.tensors)?;
    let trained =
        cx.phase(&spec, |phase| siamese.fit(points, &neighbours, &config.siamese_net, None, phase))?;
    phases.extend([near.record, trained.record.clone()]);
    Ok(Some(trained))
}

/// The phase `train`; the artefact holds the map and `near.scale`.
fn train_map(
    points: &Features,
    near: &Tensor,
    map: &SpectralMap,
    config: &SpectralNetConfig,
    phase: &PhaseContext<'_>,
) -> vae_core::Result<Artefact> {
    let device = phase.fit.device;
    let points = Resident::new(points, device)?;
    let mut sample = permutation(&mut phase.streams.rng("scale", 0, 0), points.n());
    sample.truncate(SCALE_SAMPLE.min(config.train.batch_size.max(2)));
    let sample = Tensor::f_from_slice(&sample)?.f_to_device(device)?;
    let scale =
        neighbour_scale(&near.f_index_select(0, &sample)?, config.affinity.scale_neighbor.min(points.n()))?;
    let seed = phase.streams.derived_seed("kmeans");
    let training = Training { map, config, points: &points, near, scale, seed };
    let (mut record, observed) = train(&training, &points, &config.train, vec![config.train.group()], phase)?;
    record.notes = json!({ "affinity_scale": scale });
    let mut tensors = map.params.snapshot("")?;
    tensors.extend(observed);
    Ok(Artefact { tensors, record })
}

fn fit(config: &SpectralNetConfig, x: &Features, cx: &FitContext) -> Result<(Fitted, FitSummary)> {
    let likelihood =
        (config.space == PointSpace::Codes).then_some((config.likelihood, config.likelihood_variance));
    let (input, resolved) = resolve_input(x, config.scale, likelihood, config.n_clusters)?;
    let x = input.prepare(x)?;
    let mut phases = Vec::new();
    let (mut autoencoder, mut source) = (None, String::new());
    if let Some(likelihood) = input.likelihood {
        let trained = pretrain(&x, &config.net, &config.pretrain, likelihood, cx)?;
        // The initial weights are overwritten at once.
        let streams = Streams::new(0, "codes");
        let model = Autoencoder::new(&config.net, Init::GlorotUniform, x.dim(), &streams, cx.device);
        model.params.load(&trained.tensors, "")?;
        source.clone_from(&trained.record.key);
        phases.push(trained.record);
        autoencoder = Some(model);
    }
    let raw = raw_points(autoencoder.as_ref(), &x, cx.device)?;
    let spread = spread(&raw);
    let points = Features::dense(raw.mapv(|v| (f64::from(v) / spread) as f32))?;

    let siamese = siamese_points(&points, config, &source, cx, &mut phases)?;
    let near = match &siamese {
        Some(trained) => trained.tensor("codes")?.f_to_device(cx.device)?,
        None => vae_core::features::to_tensor(points.dense_rows(0, points.n()).view(), cx.device)?,
    };
    let map = SpectralMap::new(config, points.dim(), &Streams::new(cx.seed, "train"), cx.device);
    let near_key = siamese.as_ref().map_or("", |s| &s.record.key);
    let spec = PhaseSpec {
        name: "train",
        revision: REVISION,
        config,
        inputs: &[points.sha256(), &source, near_key],
    };
    let trained = cx.phase(&spec, |phase| train_map(&points, &near, &map, config, phase))?;
    map.params.load(&trained.tensors, "")?;

    let (y, weights) = map.orthonormalised(&Resident::new(&points, cx.device)?)?;
    let spec = PhaseSpec {
        name: "kmeans",
        revision: REVISION,
        config: &(&config.kmeans, config.n_clusters),
        inputs: &[&trained.record.key],
    };
    let clustered = gmm_phase(cx, &spec, |phase| {
        let seed = phase.streams.derived_seed("kmeans");
        let fit = config.kmeans.fit(to_array2(&y)?.view(), config.n_clusters, seed)?;
        let mut tensors = Tensors::from([("kmeans.centres".to_string(), tensor_of(fit.centres()))]);
        tensors.insert("assignments".into(), labels_to_tensor(&fit.labels().to_owned()));
        let notes = json!({ "inertia": fit.inertia(), "restart_inertias": fit.restart_inertias() });
        Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
    })?;
    let kmeans = KMeans::from_centres(array_of(clustered.tensor("kmeans.centres")?)?)?;
    let observed = observed_of(&trained)?;
    phases.extend([trained.record, clustered.record.clone()]);
    let summary = FitSummary {
        assignments: labels_of(clustered.tensor("assignments")?)?,
        start_assignments: None,
        observed,
        selection: format!(
            "lowest inertia of {} k-means++ restarts on the map's outputs",
            config.kmeans.n_init
        ),
        phases,
        resolved,
    };
    Ok((Fitted { input, device: cx.device, autoencoder, spread, map, weights, kmeans }, summary))
}

fn restore(config: &SpectralNetConfig, stored: &Stored) -> Result<Fitted> {
    let (device, streams) = (Device::Cpu, Streams::new(0, "restore"));
    let dim = stored.input.dim;
    let autoencoder = match config.space {
        PointSpace::Codes => {
            let model = Autoencoder::new(&config.net, Init::GlorotUniform, dim, &streams, device);
            model.params.load(&stored.tensors, "")?;
            Some(model)
        }
        PointSpace::Features => None,
    };
    let dim = autoencoder.as_ref().map_or(dim, |_| config.net.latent_dim);
    let map = SpectralMap::new(config, dim, &streams, device);
    map.params.load(&stored.tensors, "")?;
    let k = config.n_outputs() as i64;
    let weights = stored.tensor("map.orthonormal")?.f_to_kind(Kind::Float)?;
    if weights.size() != [k, k] {
        let what = "tensor `map.orthonormal`".into();
        return Err(vae_core::Error::Shape { what, expected: vec![k, k], got: weights.size() }.into());
    }
    let spread = stored.tensor("points.spread")?.f_double_value(&[0])?;
    let kmeans = KMeans::from_centres(array_of(stored.tensor("kmeans.centres")?)?)?;
    Ok(Fitted { input: stored.input.clone(), device, autoencoder, spread, map, weights, kmeans })
}

/// SpectralNet with its configuration, fitted or not.
#[derive(Debug)]
pub struct SpectralNet {
    config: SpectralNetConfig,
    fitted: Option<Fitted>,
}

impl SpectralNet {
    fn fitted(&self) -> Result<&Fitted> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }
}

impl Clusterer for SpectralNet {
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let (fitted, summary) = fit(&self.config, x, cx)?;
        self.fitted = Some(fitted);
        Ok(summary)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        let f = self.fitted()?;
        Ok(f.kmeans.predict(f.embed(x)?.view())?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        self.fitted()?.embed(x)
    }

    fn save(&self, path: &Path) -> Result<()> {
        let f = self.fitted()?;
        save(path, "spectralnet", &self.config, &f.input, &f.tensors()?)
    }

    fn n_clusters(&self) -> usize {
        self.config.n_clusters
    }

    fn image(&self) -> Option<ImageShape> {
        self.fitted.as_ref().and_then(|f| f.input.image)
    }
}

impl Restorable for SpectralNet {
    type Config = SpectralNetConfig;

    fn new(config: SpectralNetConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: SpectralNetConfig, stored: Stored) -> Result<Self> {
        let fitted = restore(&config, &stored)?;
        Ok(Self { config, fitted: Some(fitted) })
    }
}
