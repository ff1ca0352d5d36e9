//! The phase of GMVAE-M2.

use super::config::GmvaeM2Config;
use super::net::GmvaeM2Net;
use crate::api::{FitSummary, Method};
use crate::config::Preset;
use crate::input::Input;
use crate::shared::from_random::{Job, Trained, fit};
use crate::{Error, Result};
use tch::Device;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::identity::Revision;
use vae_core::likelihood::Likelihood;
use vae_core::phase::FitContext;
use vae_core::random::Streams;

/// The networks and the loss.
pub const REVISIONS: &[Revision] = &[("gmvae-m2", 1)];

/// GMVAE-M2.
#[derive(Debug)]
pub struct GmvaeM2;

/// A fitted GMVAE-M2.
pub type GmvaeM2Model = Trained<GmvaeM2Net>;

impl Method for GmvaeM2 {
    const NAME: &'static str = "gmvae-m2";
    const SUMMARY: &'static str = "an M2 model without labels: a VAE for each class, summed over the classes";
    const REFERENCE: &'static str = "Shu 2016 (RuiShu/vae-clustering); Kingma et al. 2014 (M2)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] =
        presets!("gmvae-m2": "strokes", "mnist", "fashion-mnist", "reuters21578");
    type Config = GmvaeM2Config;
    type Model = GmvaeM2Model;

    fn fit(
        config: &GmvaeM2Config,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(GmvaeM2Model, FitSummary)> {
        let likelihood = input.likelihood()?;
        if config.binarize && *likelihood != Likelihood::Bernoulli {
            return Err(Error::config("binarize", true, "false, unless the likelihood is Bernoulli"));
        }
        let of = (likelihood, x.dim());
        let job = Job::new(&[REVISIONS], likelihood, config, (&config.train, config.n_init));
        fit(x, &job, |streams, device| Ok(GmvaeM2Net::new(config, of, streams, device)), cx)
    }

    fn restore(config: &GmvaeM2Config, input: &Input, tensors: &Tensors) -> Result<GmvaeM2Model> {
        let of = (input.likelihood()?, input.dim);
        let net = GmvaeM2Net::new(config, of, &Streams::new(0, "restore"), Device::Cpu);
        Trained::restore(net, tensors, Device::Cpu)
    }
}
