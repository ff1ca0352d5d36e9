//! The phase of GMVAE.

use super::config::GmvaeConfig;
use super::net::GmvaeNet;
use crate::Result;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::shared::from_random::{Job, Trained, fit};
use crate::shared::{encoder_decoder, posterior};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::identity::Revision;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// The networks and the loss.
pub const REVISIONS: &[Revision] = &[("gmvae", 1), posterior::REVISION, encoder_decoder::REVISION];

/// GMVAE.
#[derive(Debug)]
pub struct Gmvae;

/// A fitted GMVAE.
pub type GmvaeModel = Trained<GmvaeNet>;

impl Method for Gmvae {
    const NAME: &'static str = "gmvae";
    const SUMMARY: &'static str = "a VAE whose clusters are Gaussians that move with a continuous style";
    const REFERENCE: &'static str = "Dilokthanakul et al. 2016, arXiv 1611.02648";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = presets!("gmvae": "strokes", "mnist", "fashion-mnist", "reuters21578");
    type Config = GmvaeConfig;
    type Model = GmvaeModel;

    fn fit(
        config: &GmvaeConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(GmvaeModel, FitSummary)> {
        let (image, of) = (GmvaeNet::image(config, input.image)?, (input.likelihood()?, x.dim()));
        let job = Job::new(&[REVISIONS], of.0, config, (&config.train, config.n_init));
        fit(x, &job, |streams, device| Ok(GmvaeNet::new(config, of, image, streams, device)), cx)
    }

    fn restore(config: &GmvaeConfig, input: &Input, tensors: &Tensors) -> Result<GmvaeModel> {
        let (image, of) = (GmvaeNet::image(config, input.image)?, (input.likelihood()?, input.dim));
        let net = GmvaeNet::new(config, of, image, &Streams::new(0, "restore"), Device::Cpu);
        Trained::restore(net, tensors, Device::Cpu)
    }
}
