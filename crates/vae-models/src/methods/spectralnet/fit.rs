//! The phases of SpectralNet, and the fitted model.

mod clusters;

use self::clusters::cluster;
use super::config::{ClusterChoice, PointSpace, SpectralNetConfig};
use super::loss::neighbour_scale;
use super::net::SpectralNetNet;
use super::net::clusters::Clusters;
use super::train::SpectralNetTraining;
use crate::Result;
use crate::api::{FitSummary, Method, Model, stored};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{self, CodeModel};
use crate::shared::assignments::{labels_of, observed_of};
use crate::shared::nearest_centre;
use ndarray::{Array1, Array2, ArrayView1};
use serde_json::json;
use tch::{Device, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_tensor};
use vae_core::identity::Revision;
use vae_core::net;
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::program::{Op, Outputs, Program, Value};
use vae_core::random::{Streams, permutation};
use vae_core::train::{self, train};
use vae_gmm::kmeans;
use vae_graph::knn::Metric;
use vae_graph::partition;

/// The training of the map.
const MAP: Revision = ("spectralnet", 1);

/// The clustering of its outputs.
const CLUSTERS: Revision = ("spectralnet-clusters", 1);

/// What is this method's own.
pub const REVISIONS: &[Revision] = &[MAP, CLUSTERS];

/// Most rows in the sample that the scale of the affinities is estimated from.
const SCALE_SAMPLE: usize = 1024;

/// SpectralNet.
#[derive(Debug)]
pub struct SpectralNet;

/// A fitted SpectralNet: from features to points, outputs and clusters.
#[derive(Debug)]
pub struct SpectralNetModel {
    device: Device,
    /// For `space = "codes"`.
    autoencoder: Option<CodeModel>,
    /// Points are divided by this.
    spread: f64,
    map: SpectralNetNet,
    clusters: Clusters,
}

/// The points before they are divided by their spread, `[n, p]`.
fn raw_points(autoencoder: Option<&CodeModel>, x: &Features) -> Result<Array2<f32>> {
    match autoencoder {
        Some(model) => model.codes(x),
        None => Ok(x.dense_rows(0, x.n())),
    }
}

/// Root mean square deviation of all columns from their means; 1 when nothing varies.
fn spread(points: &Array2<f32>) -> f64 {
    let n = points.nrows() as f64;
    let variance = |column: ArrayView1<'_, f32>| {
        let mean = column.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        column.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n
    };
    let mean = points.columns().into_iter().map(variance).sum::<f64>() / points.ncols() as f64;
    if mean > 0.0 { mean.sqrt() } else { 1.0 }
}

fn divided(points: &Array2<f32>, spread: f64) -> Result<Features> {
    Ok(Features::dense(points.mapv(|v| (f64::from(v) / spread) as f32))?)
}

/// The phases `neighbours` and `siamese`: the points of all samples where distances are taken, and
/// the key of the phase.
fn near_points(
    points: &Features,
    config: &SpectralNetConfig,
    cx: &FitContext,
    phases: &mut Vec<PhaseRecord>,
) -> Result<(Tensor, String)> {
    let Some(siamese) = &config.siamese else {
        return Ok((to_tensor(points.dense_rows(0, points.n()).view(), cx.device)?, String::new()));
    };
    let net = (&config.siamese_net, None);
    let trained = pretrained::siamese(points, siamese, Metric::Euclidean, net, cx, phases)?;
    Ok((trained.tensor("codes")?.f_to_device(cx.device)?, trained.record.key))
}

/// The body of the phase `train`.
fn train_map(
    map: &SpectralNetNet,
    points: &Features,
    near: &Tensor,
    config: &SpectralNetConfig,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let device = phase.fit.device;
    let points = Resident::new(points, device)?;
    let mut sample = permutation(&mut phase.streams.rng("scale", 0, 0), points.n());
    sample.truncate(SCALE_SAMPLE.min(config.train.batch_size));
    let sample = Tensor::f_from_slice(&sample)?.f_to_device(device)?;
    let scale_neighbor = config.affinity().scale_neighbor.min(sample.numel());
    let scale = neighbour_scale(&near.f_index_select(0, &sample)?, scale_neighbor)?;
    let seed = phase.streams.derived_seed("kmeans");
    let training = SpectralNetTraining { map, config, points: &points, near, scale, seed };
    let (mut record, observed) = train(&training, &points, &config.train, vec![config.train.group()], phase)?;
    record.notes = json!({ "affinity_scale": scale });
    let mut tensors = map.params.snapshot("")?;
    tensors.extend(observed);
    Ok(Artefact { tensors, record })
}

impl Method for SpectralNet {
    const NAME: &'static str = "spectralnet";
    const SUMMARY: &'static str =
        "spectral clustering by a network: eigenvectors of the codes' neighbour graph, then k-means";
    const REFERENCE: &'static str = "Shaham et al. 2018 (ICLR)";
    const PRESETS: &'static [Preset] = presets!("spectralnet":
        "strokes", "mnist", "fashion-mnist", "hhar", "reuters10k", "reuters21578", "stl10");
    type Config = SpectralNetConfig;
    type Model = SpectralNetModel;

    fn fit(
        config: &SpectralNetConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(SpectralNetModel, FitSummary)> {
        let mut phases = Vec::new();
        let mut autoencoder = None;
        if config.space != PointSpace::Features {
            let trained = pretrain(x, &config.net, &config.pretrain, input.likelihood()?, cx)?;
            autoencoder = Some(CodeModel::new(&config.net, input, &trained.tensors, cx.device)?);
            phases.push(trained.record);
        }
        let raw = raw_points(autoencoder.as_ref(), x)?;
        let spread = spread(&raw);
        let points = divided(&raw, spread)?;
        let (near, near_key) = near_points(&points, config, cx, &mut phases)?;

        let map = SpectralNetNet::new(config, points.dim(), &Streams::new(cx.seed, "train"), cx.device);
        let inputs = [points.sha256(), &near_key];
        let own = [MAP, train::REVISION, net::REVISION, kmeans::REVISION];
        let spec = PhaseSpec { name: "train", revisions: &[&own], config, inputs: &inputs };
        let trained = cx.phase(&spec, |phase| train_map(&map, &points, &near, config, phase))?;
        map.params.load(&trained.tensors, "")?;
        let graph_revisions = match config.clusters {
            ClusterChoice::Modularity => partition::REVISIONS,
            ClusterChoice::Kmeans => &[],
        };
        let spec = PhaseSpec {
            name: "clusters",
            revisions: &[&[CLUSTERS, kmeans::REVISION], graph_revisions],
            config: &(&config.kmeans, config.n_clusters),
            inputs: &[&trained.record.key],
        };
        let clustered = cx.phase(&spec, |phase| {
            let (y, weights) = map.orthonormalised(&Resident::new(&points, cx.device)?)?;
            cluster((&y, &weights), &near, config, phase)
        })?;
        let clusters = Clusters::load(config, &clustered.tensors, cx.device)?;
        let n_init = config.kmeans.n_init;
        let selection = match config.clusters {
            ClusterChoice::Kmeans => format!("lowest inertia of {n_init} k-means++ restarts on the outputs"),
            ClusterChoice::Modularity => "highest modularity of partitions of the leading outputs".into(),
        };
        let summary = FitSummary {
            assignments: labels_of(clustered.tensor("assignments")?)?,
            observed: observed_of(&trained)?,
            selection,
            ..FitSummary::default()
        };
        phases.extend([trained.record, clustered.record]);
        Ok((
            SpectralNetModel { device: cx.device, autoencoder, spread, map, clusters },
            FitSummary { phases, ..summary },
        ))
    }

    fn restore(config: &SpectralNetConfig, input: &Input, tensors: &Tensors) -> Result<SpectralNetModel> {
        let device = Device::Cpu;
        let (autoencoder, dim) = match config.space {
            PointSpace::Codes | PointSpace::Auto => {
                (Some(CodeModel::new(&config.net, input, tensors, device)?), config.net.latent_dim)
            }
            PointSpace::Features => (None, input.dim),
        };
        let map = SpectralNetNet::new(config, dim, &Streams::new(0, "restore"), device);
        map.params.load(tensors, "")?;
        let spread = stored(tensors, "points.spread")?.f_double_value(&[0])?;
        let clusters = Clusters::load(config, tensors, device)?;
        Ok(SpectralNetModel { device, autoencoder, spread, map, clusters })
    }
}

impl Model for SpectralNetModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.map.params.snapshot("")?;
        if let Some(autoencoder) = &self.autoencoder {
            tensors.extend(autoencoder.snapshot()?);
        }
        tensors.insert("points.spread".into(), Tensor::from_slice(&[self.spread]));
        self.clusters.store(&mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(self.clusters.kmeans.predict(self.embed(x)?.view())?)
    }

    /// The rows that k-means clusters, `[n, m]`.
    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        let points = divided(&raw_points(self.autoencoder.as_ref(), x)?, self.spread)?;
        self.clusters.rows(&self.map.outputs(&Resident::new(&points, self.device)?)?)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let points = match &self.autoencoder {
            Some(autoencoder) => autoencoder.describe(program, x)?,
            None => x.clone(),
        };
        let (shift, width) = (Tensor::from_slice(&[0.0]), Tensor::from_slice(&[self.spread]));
        let points = program.add(Op::Affine, &[&points], &[("shift", &shift), ("width", &width)])?;
        let outputs = self.map.describe(program, &points)?;
        let codes = self.clusters.describe_rows(program, &outputs)?;
        let scores = nearest_centre::describe(&self.clusters.kmeans, program, &codes)?;
        Ok(Outputs { scores, are_probabilities: false, codes })
    }
}
