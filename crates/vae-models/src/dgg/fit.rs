//! The phases of DGG, and the fitted model.

use super::classifier;
use super::config::{DggConfig, DggStart};
use super::graph::{Points, build, points};
use super::net::DggNet;
use super::training::{Setting, Training};
use crate::clusterer::{Clusterer, FitSummary, Generator, SoftAssign};
use crate::mixture::{Mixture, gmm_phase};
use crate::registry::Restorable;
use crate::saved::{Input, Stored, save};
use crate::two_stage::{
    Start, cluster_codes, codes_of, gaussians, labels_of, labels_to_tensor, observed_of, partition_codes,
    resolve_input,
};
use crate::vade::LogVarInit;
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde_json::json;
use std::path::Path;
use tch::{Device, Kind};
use vae_core::features::{Resident, to_array2};
use vae_core::optim::Group;
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::random::{Streams, normal};
use vae_core::train::train;
use vae_core::{Features, ImageShape};

/// Raised when the phases `classifier` and `train` change their results.
const REVISION: u32 = 1;

/// DGG with its configuration, fitted or not.
#[derive(Debug)]
pub struct Dgg {
    config: DggConfig,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    net: DggNet,
    input: Input,
    device: Device,
}

impl Dgg {
    fn fitted(&self) -> Result<&Fitted> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }

    /// The start's assignments, and a Gaussian for each of their clusters.
    fn start(
        &self,
        x: &Features,
        autoencoder: &Artefact,
        points: &Points<'_>,
        cx: &FitContext,
    ) -> Result<Start> {
        let config = &self.config;
        let (net, k) = (&config.net, config.n_clusters);
        if let (DggStart::Graph, Some(partition)) = (config.init.kind, &config.init.partition) {
            return partition_codes(x, net, (partition, k), autoencoder, points.other_than_codes(), cx);
        }
        let mut start = cluster_codes(x, net, &config.init.codes, k, autoencoder, cx)?;
        // The paper's start: the clusters of k-means and their variances, no EM.
        let codes = codes_of(x, net, autoencoder, cx)?;
        start.mixture = gaussians(&codes, start.kmeans_assignments.view(), k);
        start.assignments = start.kmeans_assignments.clone();
        Ok(start)
    }
}

impl Clusterer for Dgg {
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let config = &self.config;
        let (input, resolved) = resolve_input(
            x,
            config.scale,
            Some((config.likelihood, config.likelihood_variance)),
            config.n_clusters,
        )?;
        let x = input.prepare(x)?;
        let likelihood = input.likelihood.ok_or(Error::NotFitted)?;

        let autoencoder = pretrain(&x, &config.net, &config.pretrain, likelihood, cx)?;
        let mut phases = vec![autoencoder.record.clone()];
        let points = points(&x, config, &autoencoder, cx, &mut phases)?;
        let start = self.start(&x, &autoencoder, &points, cx)?;
        phases.push(start.record.clone());
        let (graph, graph_record) = build(&x, &points, config, cx)?;
        let graph_key = graph_record.key.clone();
        phases.push(graph_record);
        let labels = labels_to_tensor(&start.assignments).f_to_kind(Kind::Int64)?.f_to_device(cx.device)?;

        let spec = PhaseSpec {
            name: "classifier",
            revision: REVISION,
            config: &(&config.classifier, config.n_clusters),
            inputs: &[x.sha256(), &autoencoder.record.key, &start.record.key],
        };
        let codes = Features::dense(codes_of(&x, &config.net, &autoencoder, cx)?)?;
        let classifier = gmm_phase(cx, &spec, |phase| {
            classifier::pretrain(&codes, &labels, &config.classifier, config.n_clusters, phase)
        })?;
        phases.push(classifier.record.clone());

        let streams = Streams::new(cx.seed, "train");
        let net = DggNet::new(config, likelihood, x.dim(), &start.mixture, &streams, cx.device);
        let spec = PhaseSpec {
            name: "train",
            revision: REVISION,
            config,
            inputs: &[
                x.sha256(),
                &autoencoder.record.key,
                &start.record.key,
                &graph_key,
                &classifier.record.key,
            ],
        };
        let trained = cx.phase(&spec, |phase| {
            net.params.load_present(&autoencoder.tensors, "")?;
            net.params.load_present(&classifier.tensors, "")?;
            if config.init.log_var == LogVarInit::Scaled {
                net.encoder.set_constant_log_var((0.1 * start.mixture.mean_variance()).ln());
            }
            let prior = Group { lr: config.prior_lr, weight_decay: 0.0 };
            let groups = vec![config.train.group(), prior];
            let data = Resident::new(&x, cx.device)?;
            let agreement = graph.agreement(start.assignments.view());
            let other = points.other_than_codes().map(|o| o.points);
            let setting = Setting { net: &net, config, x: &x, data: &data, points: other, cx };
            let training = Training::new(setting, graph, labels)?;
            let (mut record, observed) = train(&training, &data, &config.train, groups, phase)?;
            record.notes = json!({
                "neighbours_agreeing_with_the_start": agreement,
                "neighbours_agreeing_at_the_end": training.agreement()?,
            });
            let mut tensors = net.snapshot()?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.load(&trained.tensors)?;
        self.fitted = Some(Fitted { net, input, device: cx.device });

        let observed = observed_of(&trained)?;
        let assignments = match observed.last() {
            // The last observation is of the final weights.
            Some((epoch, labels)) if *epoch == trained.record.epochs => labels.clone(),
            _ => self.predict_prepared(&x)?,
        };
        phases.push(trained.record);
        Ok(FitSummary {
            assignments,
            start_assignments: Some(start.assignments),
            observed,
            selection: start.selection,
            phases,
            resolved,
        })
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        self.predict_prepared(self.fitted()?.input.prepare(x)?.as_ref())
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        let f = self.fitted()?;
        let x = f.input.prepare(x)?;
        Ok(to_array2(&f.net.codes(&Resident::new(&x, f.device)?)?)?)
    }

    fn save(&self, path: &Path) -> Result<()> {
        let f = self.fitted()?;
        save(path, "dgg", &self.config, &f.input, &f.net.snapshot()?)
    }

    fn n_clusters(&self) -> usize {
        self.config.n_clusters
    }

    fn image(&self) -> Option<ImageShape> {
        self.fitted.as_ref().and_then(|f| f.input.image)
    }

    fn soft(&self) -> Option<&dyn SoftAssign> {
        Some(self)
    }

    fn generator(&self) -> Option<&dyn Generator> {
        Some(self)
    }
}

impl Dgg {
    /// [`Clusterer::predict`] on features that are scaled already.
    fn predict_prepared(&self, x: &Features) -> Result<Array1<u32>> {
        let f = self.fitted()?;
        let gamma = f.net.gamma_at_mean(&Resident::new(x, f.device)?)?;
        labels_of(&gamma.f_argmax(1, false)?)
    }
}

impl SoftAssign for Dgg {
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>> {
        let f = self.fitted()?;
        let x = f.input.prepare(x)?;
        Ok(to_array2(&f.net.gamma_at_mean(&Resident::new(&x, f.device)?)?)?)
    }
}

impl Generator for Dgg {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let f = self.fitted()?;
        if cluster >= self.config.n_clusters {
            return Err(Error::NoCluster { cluster, n_clusters: self.config.n_clusters });
        }
        let _guard = tch::no_grad_guard();
        let shape = [n as i64, self.config.net.latent_dim as i64];
        let noise = normal(&mut Streams::new(seed, "sample").rng("noise", cluster, 0), &shape, f.device);
        let out = f.net.decoder.forward(&f.net.prior.sample(cluster, &noise));
        Ok(f.input.scale.invert(to_array2(&f.net.likelihood.mean(&out))?))
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let f = self.fitted()?;
        let x = f.input.prepare(x)?;
        Ok(f.input.scale.invert(to_array2(&f.net.reconstructions(&Resident::new(&x, f.device)?)?)?))
    }
}

impl Restorable for Dgg {
    type Config = DggConfig;

    fn new(config: DggConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: DggConfig, stored: Stored) -> Result<Self> {
        let (k, j) = (config.n_clusters, config.net.latent_dim);
        let mixture = Mixture {
            pi: Array1::from_elem(k, 1.0 / k as f64),
            mu: Array2::zeros((k, j)),
            var: Array2::ones((k, j)),
        };
        let likelihood = stored.input.likelihood.ok_or(Error::NotFitted)?;
        let device = Device::Cpu;
        let streams = Streams::new(0, "restore");
        let net = DggNet::new(&config, likelihood, stored.input.dim, &mixture, &streams, device);
        net.load(&stored.tensors)?;
        Ok(Self { config, fitted: Some(Fitted { net, input: stored.input, device }) })
    }
}
