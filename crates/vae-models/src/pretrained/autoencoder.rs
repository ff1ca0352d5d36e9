//! A trained auto-encoder as the first stage of a fitted model.

use crate::Result;
use crate::input::Input;
use ndarray::{Array2, ArrayView2};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2, to_tensor};
use vae_core::init::Init;
use vae_core::likelihood::Likelihood;
use vae_core::net::NetConfig;
use vae_core::pretrain::Autoencoder;
use vae_core::program::{Program, Value};
use vae_core::random::Streams;

/// Auto-encoder and device of a fitted two-stage model.
#[derive(Debug)]
pub struct CodeModel {
    autoencoder: Autoencoder,
    likelihood: Likelihood,
    device: Device,
}

impl CodeModel {
    /// An auto-encoder with the weights `encoder.*` and `decoder.*` of `tensors`.
    pub fn new(net: &NetConfig, input: &Input, tensors: &Tensors, device: Device) -> Result<Self> {
        // The initial weights are overwritten below.
        let streams = Streams::new(0, "restore");
        let autoencoder = Autoencoder::new(net, Init::GlorotUniform, input.dim, &streams, device);
        autoencoder.params.load(tensors, "")?;
        Ok(Self { autoencoder, likelihood: input.likelihood()?.clone(), device })
    }

    /// Codes of all samples, `[n, latent_dim]`.
    pub fn codes(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(to_array2(&self.autoencoder.codes(&Resident::new(x, self.device)?)?)?)
    }

    /// Adds the codes to a program.
    ///
    /// # Errors
    /// libtorch.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        Ok(self.autoencoder.encoder.describe(program, x)?)
    }

    /// Decoded codes, `[n, d]`.
    pub fn decode(&self, codes: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        let _guard = tch::no_grad_guard();
        let out = self.autoencoder.decoder.forward(&to_tensor(codes, self.device)?);
        Ok(to_array2(&self.likelihood.mean(&out))?)
    }

    /// The weights.
    pub fn snapshot(&self) -> Result<Tensors> {
        Ok(self.autoencoder.params.snapshot("")?)
    }
}
