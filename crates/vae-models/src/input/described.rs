//! What a method knows of its input: number of features, scaling, observation model.

use super::scale::{self, Chosen, Scale, ScaleKind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vae_core::bundle::FIT_ANEW;
use vae_core::identity::Revision;
use vae_core::likelihood::{Likelihood, LikelihoodKind, check_variance};
use vae_core::{Features, ImageShape};

/// The settings that all methods have.
#[derive(Clone, Copy, Debug)]
pub struct InputConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// Kind and λ (the variance of a Gaussian) of p(x | z), for methods that have one.
    pub likelihood: Option<(LikelihoodKind, f64)>,
}

/// The input of a fitted model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Number of features.
    pub dim: usize,
    /// Shape of the images, if they were images.
    pub image: Option<ImageShape>,
    /// Scaling before the method.
    pub scale: Scale,
    /// The observation model, for methods that have one.
    pub likelihood: Option<Likelihood>,
}

impl InputConfig {
    /// Revisions of what happens to the features before the method.
    pub(crate) fn revisions(&self) -> &'static [Revision] {
        match self.scale {
            ScaleKind::Auto => &[scale::REVISION, scale::AUTO_REVISION],
            _ => &[scale::REVISION],
        }
    }

    /// Refuses a number of clusters that is missing and not estimated, and a variance that is not positive.
    pub(crate) fn check(&self, estimates: bool) -> Result<()> {
        if self.n_clusters == 0 && !estimates {
            let expected = "at least 1: give --clusters K, or set it in the configuration";
            return Err(Error::config("n_clusters", "0 or not given", expected));
        }
        self.likelihood.map_or(Ok(()), |(_, variance)| Ok(check_variance(variance)?))
    }

    /// Fits the scaling, followed by `factor · x + shift`, and resolves `auto` settings; the texts
    /// list the resolved ones.
    pub(crate) fn resolve(&self, x: &Features, (factor, shift): (f64, f64)) -> Result<(Input, Vec<String>)> {
        let n_clusters = self.n_clusters;
        if n_clusters > x.n() {
            let expected = format!("at most the number of samples, {}", x.n());
            return Err(Error::config("n_clusters", n_clusters, &expected));
        }
        let distinct = x.distinct_rows_up_to(n_clusters);
        if distinct < n_clusters {
            let expected = format!("at most the number of distinct samples, {distinct}");
            return Err(Error::config("n_clusters", n_clusters, &expected));
        }
        let Chosen { kind, scale, reason } = Scale::fit(self.scale, x)?;
        let why = if reason.is_empty() { reason } else { format!(" ({reason})") };
        let mut resolved = vec![format!("scale = {}{why}", kind.name())];
        let scale = scale.then_affine(factor, shift, x)?;
        if (factor, shift) != (1.0, 0.0) {
            resolved.push(format!("then {factor} x + {shift}"));
        }
        let likelihood = match self.likelihood {
            None => None,
            Some((kind, variance)) => {
                let chosen = Likelihood::resolve(kind, variance, scale.apply(x)?.as_ref())?;
                resolved.push(match chosen {
                    Likelihood::Bernoulli => "likelihood = bernoulli".into(),
                    Likelihood::Gaussian { variance } => {
                        format!("likelihood = gaussian, variance {variance}")
                    }
                    Likelihood::Learned => "likelihood = learned (a normal distribution's variance)".into(),
                    Likelihood::Squashed { variance } => {
                        format!("likelihood = squashed, variance {variance}")
                    }
                });
                Some(chosen)
            }
        };
        Ok((Input { dim: x.dim(), image: x.image(), scale, likelihood }, resolved))
    }
}

impl Input {
    /// Checks the number of features and scales them.
    ///
    /// # Errors
    /// [`Error::Dim`].
    pub fn prepare<'a>(&self, x: &'a Features) -> Result<Cow<'a, Features>> {
        if x.dim() != self.dim {
            return Err(Error::Dim { expected: self.dim, got: x.dim() });
        }
        self.scale.apply(x)
    }

    /// The observation model.
    ///
    /// # Errors
    /// [`vae_core::Error::Checkpoint`] for a model file without one.
    pub fn likelihood(&self) -> Result<Likelihood> {
        Ok(self.likelihood.ok_or_else(|| vae_core::Error::Checkpoint {
            what: "the model".into(),
            why: "has no likelihood in its record".into(),
            remedy: FIT_ANEW.into(),
        })?)
    }
}
