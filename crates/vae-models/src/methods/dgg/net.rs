//! DGG's networks and mixture.

use super::config::{ClassifierConfig, DggConfig, Mixing};
use crate::shared::mixture::Mixture;
use crate::shared::mixture_vae::{MixtureVae, Vae};
use tch::{Device, Tensor};
use vae_core::Result;
use vae_core::activation::Activation;
use vae_core::bundle::Tensors;
use vae_core::likelihood::Likelihood;
use vae_core::net::{Builder, Linear, Mlp};
use vae_core::program::{Op, Program, Value};
use vae_core::random::Streams;
use vae_gmm::prior::Pi;

/// Logits of q(c | z).
#[derive(Debug)]
pub(super) struct Classifier {
    hidden: Mlp,
    out: Linear,
}

impl Classifier {
    /// `classifier.0` … and `classifier.out`.
    pub fn new(
        builder: &mut Builder<'_>,
        config: &ClassifierConfig,
        latent_dim: usize,
        n_clusters: usize,
    ) -> Self {
        let hidden = Mlp::new(builder, "classifier", latent_dim, &config.hidden, Activation::Relu);
        let width = config.hidden.last().copied().unwrap_or(latent_dim);
        let out = Linear::new(builder, "classifier.out", width, n_clusters);
        Self { hidden, out }
    }

    /// `ln q(c | z)`.
    ///
    /// # Shapes
    /// `z`: `[b, J]`; result `[b, K]`.
    pub fn log_gamma(&self, z: &Tensor) -> Tensor {
        self.out.forward(&self.hidden.forward(z)).log_softmax(-1, None)
    }
}

#[derive(Debug)]
pub struct DggNet {
    pub(super) vae: Vae,
    pub(super) classifier: Classifier,
}

impl DggNet {
    /// New networks, and a mixture with the given parameters.
    pub(super) fn new(
        config: &DggConfig,
        of: (&Likelihood, usize),
        mixture: &Mixture,
        streams: &Streams,
        device: Device,
    ) -> Self {
        let pi = match config.pi {
            Mixing::Global => Pi::Trained,
            // With mixing weights per sample these are not trained.
            Mixing::PerSample => Pi::Fixed,
        };
        let net = &config.net;
        let mut vae = Vae::new(net, of, (mixture, pi), streams, device);
        let mut builder = Builder { params: &mut vae.params, streams, init: net.init, group: 0, device };
        let classifier = Classifier::new(&mut builder, &config.classifier, net.latent_dim, config.n_clusters);
        Self { vae, classifier }
    }
}

impl MixtureVae for DggNet {
    fn vae(&self) -> &Vae {
        &self.vae
    }

    fn log_gamma(&self, z: &Tensor) -> Tensor {
        self.classifier.log_gamma(z)
    }

    fn describe_gamma(&self, program: &mut Program, z: &Value) -> Result<Value> {
        let h = self.classifier.hidden.describe(program, z)?;
        let logits = self.classifier.out.describe(program, &h)?;
        program.add(Op::Softmax, &[&logits], &[])
    }

    /// With the initial mixing weights, which are not a parameter where each sample has its own.
    fn snapshot(&self) -> Result<Tensors> {
        let mut tensors = self.vae.params.snapshot("")?;
        tensors.insert("prior.logits".into(), self.vae.prior.logits.detach().f_to_device(Device::Cpu)?);
        Ok(tensors)
    }

    fn load(&self, tensors: &Tensors) -> Result<()> {
        self.vae.params.load(tensors, "")?;
        if let Some(logits) = tensors.get("prior.logits") {
            tch::no_grad(|| self.vae.prior.logits.shallow_clone().f_copy_(logits))?;
        }
        Ok(())
    }
}
