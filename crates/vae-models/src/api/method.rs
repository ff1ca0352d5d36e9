//! What a method implements, and the [`Clusterer`] made of it.
//!
//! A method is a type that implements [`Method`] in its own file: its name, its configuration, how
//! it is fitted, and the [`Model`] that a fit leaves. [`Fit`] does what is common to all methods:
//! the input is checked and scaled before the method sees it, models are saved and read, samples
//! come back on the scale of the data.

mod abilities;

use self::abilities::without_values;
use super::clusterer::{Clusterer, Facets, FitSummary, Generator, SoftAssign};
use super::density::{Assessed, Calibration, Density};
use super::export::{self, ExportNotes};
use super::model_file::{Stored, save};
use super::numbers::Numbers;
use super::watch::Watch;
use crate::config::Preset;
use crate::input::{self, Input, InputConfig, Resolved};
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::path::Path;
use vae_core::bundle::Tensors;
use vae_core::identity::revisions;
use vae_core::matmul::Matmul;
use vae_core::phase::FitContext;
use vae_core::program::{Outputs, Program, Value};
use vae_core::random::{Streams, sorted_sample};
use vae_core::{Features, ImageShape};

/// What a method's configuration type provides.
pub trait MethodConfig: Serialize + DeserializeOwned + Default + Clone + Debug + Send + 'static {
    /// The part that all methods have.
    fn input(&self) -> InputConfig;

    /// Factor and shift of all values after the scaling, for methods that are sensitive to the size
    /// of their input.
    fn affine(&self) -> (f64, f64) {
        (1.0, 0.0)
    }

    /// Checks the ranges of all values but those of [`MethodConfig::input`].
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    fn check(&self) -> Result<()>;

    /// The defaults with every optional table present: the values of such a table when only a part
    /// of it is given.
    fn every_table() -> Self {
        Self::default()
    }

    /// Whether a fit without a number of clusters (`n_clusters = 0`) estimates it.
    fn estimates_n_clusters(&self) -> bool {
        false
    }

    /// Most rows that the method itself sees, for methods that would take too long on many: of more
    /// rows it gets a random sample, and its model assigns the others.
    fn max_rows(&self) -> Option<usize> {
        None
    }

    /// Fills in what another choice implies: settings that exist for one choice only are absent
    /// otherwise.
    fn complete(&mut self) {}

    /// Replaces the `auto` settings of its networks by what they are for the features `x`, and says
    /// which.
    fn for_data(&mut self, _x: &Features) -> Option<String> {
        None
    }

    /// Paths of optional tables that do not belong to this configuration. When layers are resolved,
    /// one that only a preset gave is dropped; whatever is left is for [`MethodConfig::check`] to
    /// refuse.
    fn foreign_tables(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A clustering method.
pub trait Method: Sized + 'static {
    /// For example `vade`.
    const NAME: &'static str;
    /// One line for `vae methods`.
    const SUMMARY: &'static str;
    /// The publication.
    const REFERENCE: &'static str;
    /// Whether its models can sample and reconstruct.
    const GENERATIVE: bool = false;
    /// Its presets: `presets!("vade": "mnist", …)`.
    const PRESETS: &'static [Preset] = &[];
    /// The settings.
    type Config: MethodConfig;
    /// The fitted model.
    type Model: Model;

    /// Learns the clusters of `x`, which is scaled already; `input` says how, and what is known of
    /// it.
    ///
    /// # Errors
    /// As [`Clusterer::fit`].
    fn fit(
        config: &Self::Config,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(Self::Model, FitSummary)>;

    /// The model that [`Model::tensors`] described.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape.
    fn restore(config: &Self::Config, input: &Input, tensors: &Tensors) -> Result<Self::Model>;
}

/// A fitted method. Features come in scaled, `[n, d]`.
pub trait Model: Debug + Send {
    /// The tensors that [`Method::restore`] needs.
    ///
    /// # Errors
    /// libtorch.
    fn tensors(&self) -> Result<Tensors>;

    /// Hard assignments, `[n]`.
    ///
    /// # Errors
    /// libtorch.
    fn predict(&self, x: &Features) -> Result<Array1<u32>>;

    /// Points of the latent space, `[n, latent_dim]`.
    ///
    /// # Errors
    /// libtorch.
    fn embed(&self, x: &Features) -> Result<Array2<f32>>;

    /// Adds the steps from features to clusters and codes to a program, for other programs that
    /// predict.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a method that does not say how its models compute; libtorch.
    fn describe(&self, _program: &mut Program, _x: &Value) -> Result<Outputs> {
        let why = "this method does not say how its models compute, so that they cannot be exported; apply them with \
                   `vae predict`";
        Err(Error::Unsupported(why.into()))
    }

    /// Number of clusters, for methods that estimate it; else that of the configuration.
    fn n_clusters(&self) -> Option<usize> {
        None
    }

    /// For models with a posterior over clusters.
    fn soft(&self) -> Option<&dyn Soft> {
        None
    }

    /// For models with several clusterings. Its features are scaled, too.
    fn facets(&self) -> Option<&dyn Facets> {
        None
    }

    /// For models of the data.
    fn generative(&self) -> Option<&dyn Generative> {
        None
    }

    /// For models that say how probable a sample is. Its features are scaled, too.
    fn density(&self) -> Option<&dyn Density> {
        None
    }

    /// All that is asked of new samples: for models that find it out in one pass.
    ///
    /// # Errors
    /// libtorch.
    fn assess(&self, x: &Features, calibration: Option<&Calibration>) -> Result<Assessed> {
        Ok(Assessed {
            clusters: self.predict(x)?,
            gamma: self.soft().map(|soft| soft.gamma(x)).transpose()?,
            log_density: match (self.density(), calibration) {
                (Some(density), Some(calibration)) => Some(density.log_density(x, calibration)?),
                _ => None,
            },
        })
    }
}

/// A model with a posterior over clusters.
pub trait Soft {
    /// `gamma`, `[n, K]`; rows sum to 1.
    ///
    /// # Errors
    /// libtorch.
    fn gamma(&self, x: &Features) -> Result<Array2<f32>>;
}

/// A model of the data. Results are on the scale the model was fitted on.
pub trait Generative {
    /// `n` means of p(x | z) with z from the prior of one cluster, `[n, d]`.
    ///
    /// # Errors
    /// libtorch.
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>>;

    /// Decoded posterior means, `[n, d]`.
    ///
    /// # Errors
    /// libtorch.
    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>>;

    /// Number of dimensions of the latent space, J.
    fn latent_dim(&self) -> usize;

    /// Means of p(x | z) at points `z` of the latent space `[n, J]`, `[n, d]`.
    ///
    /// # Errors
    /// libtorch.
    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>>;
}

/// A method with its configuration, fitted or not.
#[derive(Debug)]
pub struct Fit<M: Method> {
    config: M::Config,
    /// The same with what `auto` was on the fitted data.
    fitted_with: M::Config,
    fitted: Option<(Input, M::Model)>,
    /// The numbers of the fitted clusters.
    numbers: Numbers,
    /// Library of the fit's matrix products, if it is known.
    matmul: Option<String>,
}

impl<M: Method> Fit<M> {
    /// Not fitted yet.
    ///
    /// # Errors
    /// [`Error::Config`] for a value outside its range.
    pub fn new(mut config: M::Config) -> Result<Self> {
        config.complete();
        config.input().check(config.estimates_n_clusters())?;
        config.check()?;
        Ok(Self {
            fitted_with: config.clone(),
            config,
            fitted: None,
            numbers: Numbers::default(),
            matmul: None,
        })
    }

    pub(crate) fn restore(config: M::Config, stored: &Stored) -> Result<Self> {
        let model = M::restore(&config, &stored.input, &stored.tensors)?;
        let fitted = Some((stored.input.clone(), model));
        let (numbers, matmul) = (stored.numbers.clone(), stored.matmul.clone());
        let fit = Self { fitted_with: config.clone(), config, fitted, numbers, matmul };
        fit.numbers.check(fit.n_clusters())?;
        Ok(fit)
    }

    fn fitted(&self) -> Result<&(Input, M::Model)> {
        self.fitted.as_ref().ok_or(Error::NotFitted)
    }
}

/// At most `most` rows, a random sample in the order of the data; `None` where there are no more.
fn sample(x: &Features, most: usize, cx: &FitContext) -> Result<Option<Features>> {
    if x.n() <= most {
        return Ok(None);
    }
    cx.progress.note(&of_sample(most, x.n()));
    let mut rng = Streams::new(cx.seed, "sample").rng("rows", 0, 0);
    Ok(Some(x.select(&sorted_sample(&mut rng, x.n(), most))?))
}

fn of_sample(fitted: usize, n: usize) -> String {
    format!("fitted on a random sample of {fitted} of the {n} rows (max_rows); the model assigns the others")
}

impl<M: Method> Clusterer for Fit<M> {
    fn fit(&mut self, x: &Features, cx: &FitContext) -> Result<FitSummary> {
        let mut config = self.config.clone();
        let for_data = config.for_data(x);
        let Resolved { input, texts: mut resolved, revisions: of_input } =
            config.input().resolve(x, config.affine())?;
        resolved.extend(for_data);
        let scaled = input.prepare(x)?;
        let sample = config.max_rows().map(|most| sample(&scaled, most, cx)).transpose()?.flatten();
        let fitted_on = sample.as_ref().unwrap_or(&scaled);
        let (model, mut summary) = M::fit(&config, fitted_on, &input, cx)?;
        if let Some(start) = &summary.start_assignments {
            summary.watch = Watch::new(fitted_on, (start, &summary.assignments), cx)?;
        }
        if let Some(sample) = sample {
            let assignments = model.predict(&scaled)?;
            resolved.push(of_sample(sample.n(), x.n()));
            // What is known of the sample alone has other rows than the assignments.
            summary = FitSummary { assignments, start_assignments: None, observed: Vec::new(), ..summary };
        }
        drop(scaled);
        summary.resolved = resolved;
        summary.revisions = of_input;
        if x.n_missing() > 0 {
            summary.revisions.extend(revisions(&[&[input::IMPUTATION]]));
        }
        summary.phases.iter().for_each(|phase| summary.revisions.extend(phase.revisions.clone()));
        self.fitted = Some((input, model));
        self.numbers = Numbers::default();
        self.fitted_with = config;
        self.matmul = Matmul::on(cx.device).map(|library| library.name().into());
        Ok(summary)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        let (input, model) = self.fitted()?;
        Ok(self.numbers.of_rows(model.predict(input.prepare(x)?.as_ref())?))
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        let (input, model) = self.fitted()?;
        model.embed(input.prepare(x)?.as_ref())
    }

    fn save(&self, path: &Path) -> Result<()> {
        let (input, model) = self.fitted()?;
        let input = (input, self.matmul.as_deref(), &self.numbers);
        save(path, M::NAME, &self.fitted_with, input, &model.tensors()?)
    }

    fn export(&self, path: &Path, notes: &ExportNotes) -> Result<()> {
        let (input, model) = self.fitted()?;
        let mut program = Program::new();
        let x = input.describe(&mut program)?;
        let outputs = model.describe(&mut program, &x)?;
        let outputs = self.numbers.describe(&mut program, outputs)?;
        export::write(path, (M::NAME, self.n_clusters()), input, (&program, &outputs), notes)
    }

    fn n_clusters(&self) -> usize {
        let of_model = self.fitted.as_ref().and_then(|(_, model)| model.n_clusters());
        of_model.unwrap_or(self.config.input().n_clusters)
    }

    fn renumber(&mut self, numbers: &[u32]) -> Result<()> {
        self.fitted()?;
        self.numbers = self.numbers.then(numbers, self.n_clusters())?;
        Ok(())
    }

    fn image(&self) -> Option<ImageShape> {
        self.fitted.as_ref().and_then(|(input, _)| input.image)
    }

    fn matmul(&self) -> Option<&str> {
        self.matmul.as_deref()
    }

    fn soft(&self) -> Option<&dyn SoftAssign> {
        self.fitted.as_ref().and_then(|(_, model)| model.soft()).map(|_| self as &dyn SoftAssign)
    }

    fn facets(&self) -> Option<&dyn Facets> {
        self.fitted.as_ref().and_then(|(_, model)| model.facets()).map(|_| self as &dyn Facets)
    }

    fn generator(&self) -> Option<&dyn Generator> {
        self.generative().ok().map(|_| self as &dyn Generator)
    }

    fn density(&self) -> Option<&dyn Density> {
        self.fitted.as_ref().and_then(|(_, model)| model.density()).map(|_| self as &dyn Density)
    }

    fn assess(&self, x: &Features, calibration: Option<&Calibration>) -> Result<Assessed> {
        let (input, model) = self.fitted()?;
        let assessed = model.assess(input.prepare(x)?.as_ref(), calibration)?;
        Ok(Assessed {
            clusters: self.numbers.of_rows(assessed.clusters),
            gamma: assessed.gamma.map(|gamma| self.numbers.of_columns(without_values(x, gamma))),
            ..assessed
        })
    }
}
