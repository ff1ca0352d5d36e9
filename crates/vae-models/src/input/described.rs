//! What a method knows of its input: number of features, scaling, observation model.

use super::impute::Imputer;
use super::one_unit;
use super::scale::{self, Choice, Scale, ScaleKind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vae_core::bundle::FIT_ANEW;
use vae_core::identity::{self, Revisions};
use vae_core::likelihood::{Likelihood, LikelihoodKind, check_variance};
use vae_core::program::{Program, Value};
use vae_core::{Features, ImageShape, Schema};

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
    /// What the features are made of, if they come from a table: names of columns, levels, offsets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// What stands for missing values, if they come from a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imputer: Option<Imputer>,
}

/// What a fit makes of its data before the method.
pub(crate) struct Resolved {
    pub input: Input,
    /// The resolved `auto` settings, for people.
    pub texts: Vec<String>,
    /// Of what happens to the features before the method.
    pub revisions: Revisions,
}

impl InputConfig {
    /// Refuses a number of clusters that is missing and not estimated, and a variance that is not
    /// positive.
    pub(crate) fn check(&self, estimates: bool) -> Result<()> {
        if self.n_clusters == 0 && !estimates {
            let expected = "at least 1: give --clusters K, or set it in the configuration; the methods auto and spectral estimate it";
            return Err(Error::config("n_clusters", "0 or not given", expected));
        }
        self.likelihood.map_or(Ok(()), |(_, variance)| Ok(check_variance(variance)?))
    }

    /// Fits the scaling, followed by `factor · x + shift`, and resolves `auto` settings.
    pub(crate) fn resolve(&self, x: &Features, (factor, shift): (f64, f64)) -> Result<Resolved> {
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
        let (Choice { kind, reason, .. }, of_graph) = settled(self.scale, x)?;
        let scale = Scale::fit(kind, x)?.scale;
        let mut revisions = identity::revisions(&[match self.scale {
            ScaleKind::Auto => &[scale::REVISION, scale::AUTO_REVISION],
            _ => &[scale::REVISION],
        }]);
        revisions.extend(of_graph);
        let why = if reason.is_empty() { reason } else { format!(" ({reason})") };
        let mut resolved = vec![format!("scale = {}{why}", kind.name())];
        let scale = scale.then_affine(factor, shift, x)?;
        if (factor, shift) != (1.0, 0.0) {
            resolved.push(format!("then {factor} x + {shift}"));
        }
        let scaled = scale.apply(x)?;
        let n_missing = x.n_missing();
        // New rows of a table may lack values though no row of the fit does.
        let may_lack = x.schema().is_some() || n_missing > 0;
        let imputer = scaled.as_dense().filter(|_| may_lack).map(Imputer::fit);
        if n_missing > 0 {
            let left_out = if self.likelihood.is_some() { "; likelihoods leave them out" } else { "" };
            let cells = if n_missing == 1 { "cell" } else { "cells" };
            resolved
                .push(format!("{n_missing} missing {cells}: the mean of the nearest rows' values{left_out}"));
        }
        let likelihood = match self.likelihood {
            None => None,
            Some((kind, variance)) => {
                let chosen = Likelihood::resolve(kind, variance, scaled.as_ref())?;
                resolved.push(format!("likelihood = {chosen}"));
                Some(chosen)
            }
        };
        let schema = x.schema().cloned();
        let input = Input { dim: x.dim(), image: x.image(), scale, likelihood, schema, imputer };
        Ok(Resolved { input, texts: resolved, revisions })
    }
}

/// [`Scale::choice`] with its doubt settled, and the revisions of what was asked for that.
fn settled(kind: ScaleKind, x: &Features) -> Result<(Choice, Revisions)> {
    let choice = Scale::choice(kind, x)?;
    let Some(ratio) = choice.in_doubt else { return Ok((choice, Revisions::new())) };
    let differ = format!("spreads of the columns differ {ratio:.1}-fold");
    let remedy = "if they have several, say --set scale=power";
    let Some(answer) = one_unit::ask(x)? else {
        let reason = format!("{differ}, as in one unit; {remedy}");
        return Ok((Choice { reason, ..choice }, Revisions::new()));
    };
    let (kind, reason) = match answer.own_widths_are_clearer {
        true => (ScaleKind::Power, format!("{differ}, and groups are clearer with a width for each")),
        false => {
            let why = "as in one unit, and groups are no clearer with a width for each";
            (choice.kind, format!("{differ}, {why}; {remedy}"))
        }
    };
    Ok((Choice { kind, reason, ..choice }, answer.revisions))
}

/// The kind that `scale = "auto"` chooses for `x`.
///
/// # Errors
/// As [`scaled`].
pub fn scale_kind(x: &Features) -> Result<ScaleKind> {
    Ok(settled(ScaleKind::Auto, x)?.0.kind)
}

/// The features as a method with this scaling gets them: scaled, and missing values filled in.
///
/// # Errors
/// As [`Scale::fit`], and what searching neighbours can return.
pub fn scaled(kind: ScaleKind, x: &Features) -> Result<Features> {
    let kind = settled(kind, x)?.0.kind;
    let scaled = Scale::fit(kind, x)?.scale.apply(x)?.into_owned();
    match scaled.as_dense() {
        Some(dense) if scaled.n_missing() > 0 => Imputer::fit(dense).fill(&scaled),
        _ => Ok(scaled),
    }
}

impl Input {
    /// Checks the number of features and scales them.
    ///
    /// # Errors
    /// [`Error::Dim`]; [`Error::Missing`] for missing values and a fit on an array without any.
    pub fn prepare<'a>(&self, x: &'a Features) -> Result<Cow<'a, Features>> {
        if x.dim() != self.dim {
            return Err(Error::Dim { expected: self.dim, got: x.dim() });
        }
        self.check_columns(x)?;
        let scaled = self.scale.apply(x)?;
        match (&self.imputer, scaled.n_missing()) {
            (_, 0) => Ok(scaled),
            (Some(imputer), _) => Ok(Cow::Owned(imputer.fill(&scaled)?)),
            (None, missing) => Err(Error::Missing { missing }),
        }
    }

    /// Adds what [`Input::prepare`] does with the features to a program, and returns its result.
    pub(crate) fn describe(&self, program: &mut Program) -> Result<Value> {
        let scaled = self.scale.describe(program, &Value::input())?;
        self.imputer.as_ref().map_or(Ok(scaled.clone()), |imputer| imputer.describe(program, &scaled))
    }

    /// Refuses the columns of another table: the same names in another order would be taken for one
    /// another.
    fn check_columns(&self, x: &Features) -> Result<()> {
        let named = |schema: &&Schema| schema.named;
        let (fitted, given) = (self.schema.as_ref().filter(named), x.schema().filter(named));
        let Some((fitted, given)) = fitted.zip(given) else { return Ok(()) };
        let differ = |(fitted, given): (String, String)| (fitted != given).then_some((fitted, given));
        let pairs = fitted.feature_names().into_iter().zip(given.feature_names());
        match pairs.map(differ).enumerate().find_map(|(i, pair)| Some((i, pair?))) {
            None => Ok(()),
            Some((at, (fitted, given))) => Err(Error::Columns { at: at + 1, fitted, given }),
        }
    }

    /// The observation model.
    ///
    /// # Errors
    /// [`vae_core::Error::Checkpoint`] for a model file without one.
    pub fn likelihood(&self) -> Result<&Likelihood> {
        Ok(self.likelihood.as_ref().ok_or_else(|| vae_core::Error::Checkpoint {
            what: "the model".into(),
            why: "has no likelihood in its record".into(),
            remedy: FIT_ANEW.into(),
        })?)
    }
}
