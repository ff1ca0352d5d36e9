//! The phases of VaDE, and the fitted model.

use super::config::{InitKind, LogVarInit, PiInit, VadeConfig};
use super::net::{Held, VadeNet};
use crate::clusterer::{Clusterer, FitSummary, Generator, SoftAssign};
use crate::mixture::Mixture;
use crate::registry::Restorable;
use crate::saved::{Input, Stored, save};
use crate::two_stage::{
    OtherSpace, Start, cluster_codes, labels_of, labels_to_tensor, observed_of, partition_codes,
    resolve_input, siamese_codes,
};
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use std::path::Path;
use tch::{Device, Kind};
use vae_core::features::{Resident, to_array2};
use vae_core::optim::Group;
use vae_core::phase::{Artefact, FitContext, PhaseSpec};
use vae_core::pretrain::pretrain;
use vae_core::random::{Streams, normal};
use vae_core::train::train;
use vae_core::{Features, ImageShape};
use vae_graph::knn::Metric;
use vae_graph::siamese::codes;

/// Raised when the phase `train` changes its result.
const REVISION: u32 = 1;

/// VaDE with its configuration, fitted or not.
#[derive(Debug)]
pub struct Vade {
    config: VadeConfig,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    net: VadeNet,
    input: Input,
    device: Device,
}

impl Vade {
    fn fitted(&self) -> Result<&Fitted> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }

    /// The prior's start: the mixture of the codes as the configuration wants it.
    fn start(&self, start: &Start) -> Mixture {
        let mut mixture = start.mixture.clone();
        if self.config.init.kind == InitKind::Kmeans {
            mixture.mu = start.centres.clone();
            mixture.var.fill(1.0);
        }
        if self.config.init.pi == PiInit::Uniform {
            mixture.pi.fill(1.0 / self.config.n_clusters as f64);
        }
        mixture
    }
}

impl Clusterer for Vade {
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
        let (net, k) = (&config.net, config.n_clusters);
        let mut phases = vec![autoencoder.record.clone()];
        let siamese = match &config.init.siamese {
            Some(siamese) => {
                let metric = Metric::Euclidean;
                Some(siamese_codes(&x, net, (siamese, metric), &autoencoder, cx, &mut phases)?)
            }
            None => None,
        };
        let start = match &config.init.partition {
            Some(partition) => {
                let points = siamese.as_ref().map(codes).transpose()?;
                let other = points.as_ref().zip(siamese.as_ref());
                let other = other.map(|(points, s)| OtherSpace { points, key: &s.record.key });
                partition_codes(&x, net, (partition, k), &autoencoder, other, cx)?
            }
            None => cluster_codes(&x, net, &config.init.codes, k, &autoencoder, cx)?,
        };

        let mixture = self.start(&start);
        let streams = Streams::new(cx.seed, "train");
        let mut net = VadeNet::new(config, likelihood, x.dim(), &mixture, &streams, cx.device);
        if config.assignment_warmup_epochs > 0 {
            let labels = labels_to_tensor(&start.assignments).f_to_kind(Kind::Int64)?;
            let labels = labels.f_to_device(cx.device)?;
            net.held = Some(Held { labels, epochs: config.assignment_warmup_epochs });
        }
        let spec = PhaseSpec {
            name: "train",
            revision: REVISION,
            config,
            inputs: &[x.sha256(), &autoencoder.record.key, &start.record.key],
        };
        let trained = cx.phase(&spec, |phase| {
            let data = Resident::new(&x, cx.device)?;
            net.params.load_present(&autoencoder.tensors, "")?;
            if config.init.log_var == LogVarInit::Scaled {
                net.encoder.set_constant_log_var((0.1 * start.mixture.mean_variance()).ln());
            }
            let prior = Group { lr: config.prior_lr, weight_decay: 0.0 };
            let (record, observed) =
                train(&net, &data, &config.train, vec![config.train.group(), prior], phase)?;
            let mut tensors = net.params.snapshot("")?;
            tensors.extend(observed);
            Ok(Artefact { tensors, record })
        })?;
        net.params.load(&trained.tensors, "")?;
        self.fitted = Some(Fitted { net, input, device: cx.device });

        let observed = observed_of(&trained)?;
        let assignments = match observed.last() {
            // The last observation is of the final weights.
            Some((epoch, labels)) if *epoch == trained.record.epochs => labels.clone(),
            _ => self.predict_prepared(&x)?,
        };
        phases.extend([start.record, trained.record]);
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
        save(path, "vade", &self.config, &f.input, &f.net.params.snapshot("")?)
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

impl Vade {
    /// [`Clusterer::predict`] on features that are scaled already.
    fn predict_prepared(&self, x: &Features) -> Result<Array1<u32>> {
        let f = self.fitted()?;
        let gamma = f.net.gamma_at_mean(&Resident::new(x, f.device)?)?;
        labels_of(&gamma.f_argmax(1, false)?)
    }
}

impl SoftAssign for Vade {
    fn predict_proba(&self, x: &Features) -> Result<Array2<f32>> {
        let f = self.fitted()?;
        let x = f.input.prepare(x)?;
        Ok(to_array2(&f.net.gamma_at_mean(&Resident::new(&x, f.device)?)?)?)
    }
}

impl Generator for Vade {
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

impl Restorable for Vade {
    type Config = VadeConfig;

    fn new(config: VadeConfig) -> Self {
        Self { config, fitted: None }
    }

    fn restore(config: VadeConfig, stored: Stored) -> Result<Self> {
        let (k, j) = (config.n_clusters, config.net.latent_dim);
        let mixture = Mixture {
            pi: Array1::from_elem(k, 1.0 / k as f64),
            mu: Array2::zeros((k, j)),
            var: Array2::ones((k, j)),
        };
        let likelihood = stored.input.likelihood.ok_or(Error::NotFitted)?;
        let device = Device::Cpu;
        let net = VadeNet::new(
            &config,
            likelihood,
            stored.input.dim,
            &mixture,
            &Streams::new(0, "restore"),
            device,
        );
        net.params.load(&stored.tensors, "")?;
        Ok(Self { config, fitted: Some(Fitted { net, input: stored.input, device }) })
    }
}
