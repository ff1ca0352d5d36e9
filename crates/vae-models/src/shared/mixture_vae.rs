//! A VAE whose prior is a Gaussian mixture, and its fitted model.

use crate::Result;
use crate::api::{Assessed, Calibration, Density, FitSummary, Generative, Model, Soft};
use crate::shared::assignments::{labels_of, winners};
use crate::shared::elbo;
use crate::shared::mixture::Mixture;
use crate::shared::posterior::{self, Posterior, clamped, guarded};
use ndarray::{Array1, Array2, ArrayView2};
use std::fmt::Debug;
use tch::{Device, Tensor};
use vae_core::Features;
use vae_core::Result as CoreResult;
use vae_core::bundle::Tensors;
use vae_core::features::{BLOCK, Resident, to_array2, to_tensor};
use vae_core::identity::Revision;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Decoder, Encoder, NetConfig};
use vae_core::params::Params;
use vae_core::phase::{Artefact, PhaseRecord};
use vae_core::program::{Outputs, Program, Value};
use vae_core::random::{Streams, normal};
use vae_core::train::Batch;
use vae_gmm::prior::{self, MixturePrior, Pi};

/// The networks, their posterior and the prior, with what they use.
pub const REVISIONS: &[Revision] = &[("mixture-vae", 1), posterior::REVISION, prior::REVISION];

/// Encoder, decoder and prior. Networks are group 0 of the parameters, the prior is group 1.
#[derive(Debug)]
pub struct Vae {
    pub params: Params,
    pub encoder: Encoder,
    pub decoder: Decoder,
    pub prior: MixturePrior,
    pub likelihood: Likelihood,
}

impl Vae {
    /// New networks for `dim` features, and a prior with the parameters of `mixture`.
    pub(crate) fn new(
        net: &NetConfig,
        (likelihood, dim): (&Likelihood, usize),
        (mixture, pi): (&Mixture, Pi),
        streams: &Streams,
        device: Device,
    ) -> Self {
        let mut params = Params::new();
        let mut builder = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let encoder = Encoder::variational(&mut builder, net, dim);
        let decoder = Decoder::new(&mut builder, net, dim);
        let values = (mixture.pi.view(), mixture.mu.view(), mixture.var.view());
        let prior = MixturePrior::new(&mut params, 1, device, pi, values);
        Self { params, encoder, decoder, prior, likelihood: likelihood.clone() }
    }

    /// q(z | x) of the rows `x`, `[b, d]`, a sample of it, and the term `clamped`.
    ///
    /// # Errors
    /// libtorch's.
    pub(crate) fn posterior(&self, x: &Tensor, batch: &Batch<'_>) -> CoreResult<(Posterior, Tensor)> {
        let (mu, log_var) = self.encoder.forward(x);
        let (clamped, log_var) = (clamped(&log_var), guarded(&log_var));
        let noise = batch.normal("noise", &mu.size())?;
        Ok((Posterior::sample(mu, log_var, &noise), clamped))
    }
}

/// A VAE with a posterior over the components of its prior.
pub trait MixtureVae: Debug + Send {
    /// Networks and prior.
    fn vae(&self) -> &Vae;

    /// ln q(c | z), `[b, K]`, at codes `z`, `[b, J]`.
    fn log_gamma(&self, z: &Tensor) -> Tensor;

    /// Adds q(c | z) to a program.
    ///
    /// # Errors
    /// libtorch.
    fn describe_gamma(&self, program: &mut Program, z: &Value) -> vae_core::Result<Value>;

    /// The tensors of a fitted model.
    fn snapshot(&self) -> vae_core::Result<Tensors> {
        self.vae().params.snapshot("")
    }

    /// Loads a snapshot.
    fn load(&self, tensors: &Tensors) -> vae_core::Result<()> {
        self.vae().params.load(tensors, "")
    }

    /// Posterior means of all samples, `[n, J]`.
    fn codes(&self, data: &Resident<'_>) -> vae_core::Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.vae().encoder.mu(x)))
    }

    /// q(c | z = mu) of all samples, `[n, K]`.
    fn gamma_at_mean(&self, data: &Resident<'_>) -> vae_core::Result<Tensor> {
        data.map_rows(BLOCK, |x| Ok(self.log_gamma(&self.vae().encoder.mu(x)).exp()))
    }

    /// The most probable component of all samples, i32 `[n]` on the CPU.
    fn winners(&self, data: &Resident<'_>) -> vae_core::Result<Tensor> {
        winners(&self.gamma_at_mean(data)?)
    }
}

/// A fitted VaDE or DGG.
#[derive(Debug)]
pub struct Fitted<N> {
    pub(crate) net: N,
    pub(crate) device: Device,
}

impl<N: MixtureVae> Fitted<N> {
    /// The summary of a fit after the training `trained`: `start` are the initial assignments,
    /// `selection` says how they were chosen, and `phases` are those before it.
    pub(crate) fn summary(
        &self,
        x: &Features,
        (start, selection): (Array1<u32>, String),
        trained: Artefact,
        mut phases: Vec<PhaseRecord>,
    ) -> Result<FitSummary> {
        let observed = FitSummary::observed(&trained, || self.predict(x))?;
        phases.push(trained.record);
        Ok(FitSummary { start_assignments: Some(start), selection, phases, ..observed })
    }
}

impl<N: MixtureVae> Model for Fitted<N> {
    fn tensors(&self) -> Result<Tensors> {
        Ok(self.net.snapshot()?)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        labels_of(&self.net.winners(&Resident::new(x, self.device)?)?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.codes(&Resident::new(x, self.device)?)?)?)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let codes = self.net.vae().encoder.describe(program, x)?;
        let scores = self.net.describe_gamma(program, &codes)?;
        Ok(Outputs { scores, are_probabilities: true, codes })
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        Some(self)
    }

    fn density(&self) -> Option<&dyn Density> {
        Some(self)
    }

    fn assess(&self, x: &Features, calibration: Option<&Calibration>) -> Result<Assessed> {
        elbo::assess(&self.net, &Resident::new(x, self.device)?, calibration)
    }
}

impl<N: MixtureVae> Density for Fitted<N> {
    fn name(&self) -> &'static str {
        elbo::NAME
    }

    fn calibrate(&self, x: &Features) -> Result<Calibration> {
        let vae = self.net.vae();
        let decode = |x: &Tensor| vae.decoder.forward(&vae.encoder.mu(x));
        elbo::calibrate(&vae.likelihood, &Resident::new(x, self.device)?, BLOCK, decode)
    }

    fn log_density(&self, x: &Features, calibration: &Calibration) -> Result<Array1<f32>> {
        elbo::log_density(&self.net, &Resident::new(x, self.device)?, calibration)
    }
}

impl<N: MixtureVae> Soft for Fitted<N> {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.net.gamma_at_mean(&Resident::new(x, self.device)?)?)?)
    }
}

impl<N: MixtureVae> Generative for Fitted<N> {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let vae = self.net.vae();
        let shape = [n as i64, vae.prior.mu.size()[1]];
        let noise = normal(&mut Streams::new(seed, "sample").rng("noise", cluster, 0), &shape, self.device);
        let out = vae.decoder.forward(&vae.prior.sample(cluster, &noise));
        Ok(to_array2(&vae.likelihood.mean(&out))?)
    }

    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (vae, data) = (self.net.vae(), Resident::new(x, self.device)?);
        let decode = |x: &Tensor| Ok(vae.likelihood.mean(&vae.decoder.forward(&vae.encoder.mu(x))));
        Ok(to_array2(&data.map_rows(BLOCK, decode)?)?)
    }

    fn latent_dim(&self) -> usize {
        self.net.vae().prior.mu.size()[1] as usize
    }

    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let vae = self.net.vae();
        let out = vae.decoder.forward(&to_tensor(z, self.device)?);
        Ok(to_array2(&vae.likelihood.mean(&out))?)
    }
}
