//! A diagonal Gaussian mixture on the features, and a fitted model.

use super::config::GmmConfig;
use crate::Result;
use crate::api::{Calibration, Density, FitSummary, Generative, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::dense_rows::{dense, rows};
use crate::shared::mixture::{Mixture, selection_text};
use ndarray::{Array1, Array2, ArrayView2};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::program::{Outputs, Program, Value};
use vae_gmm::gmm;

/// A diagonal Gaussian mixture on the features.
#[derive(Debug)]
pub struct Gmm;

/// A fitted mixture, as `vae-gmm` has it.
pub type GmmModel = vae_gmm::Gmm;

impl Method for Gmm {
    const NAME: &'static str = "gmm";
    const SUMMARY: &'static str = "diagonal Gaussian mixture on the features";
    const REFERENCE: &'static str = "Dempster, Laird and Rubin 1977 (EM)";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] =
        presets!("gmm": "strokes", "mnist", "fashion-mnist", "hhar", "reuters21578");
    type Config = GmmConfig;
    type Model = GmmModel;

    fn fit(
        config: &GmmConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(GmmModel, FitSummary)> {
        let spec = PhaseSpec { name: "gmm", revisions: &[gmm::REVISIONS], config, inputs: &[x.sha256()] };
        let artefact = cx.phase(&spec, |phase| -> Result<Artefact> {
            let x = rows(x);
            let fit = config.gmm.fit(x, config.n_clusters, phase.streams.derived_seed("gmm"))?;
            let mut tensors = Tensors::new();
            Mixture::of(fit.model()).store("gmm.", &mut tensors)?;
            tensors.insert("assignments".into(), labels_to_tensor(&fit.model().predict(x)?));
            let notes = json!({
                "log_likelihood_nats": fit.log_likelihood(),
                "iterations": fit.n_iter(),
                "converged": fit.converged(),
            });
            Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
        })?;
        let summary = FitSummary {
            assignments: labels_of(artefact.tensor("assignments")?)?,
            selection: selection_text(&config.gmm),
            phases: vec![artefact.record.clone()],
            ..FitSummary::default()
        };
        Ok((Mixture::load(&artefact.tensors, "gmm.")?.to_gmm()?, summary))
    }

    fn restore(_config: &GmmConfig, _input: &Input, tensors: &Tensors) -> Result<GmmModel> {
        Mixture::load(tensors, "gmm.")?.to_gmm()
    }
}

impl Model for GmmModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        Mixture::of(self).store("gmm.", &mut tensors)?;
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        Ok(Self::predict(self, rows(x))?)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(dense(x).into_owned())
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let scores = Mixture::of(self).describe(program, x)?;
        Ok(Outputs { scores, are_probabilities: true, codes: x.clone() })
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
}

impl Density for GmmModel {
    fn name(&self) -> &'static str {
        "log_likelihood"
    }

    fn calibrate(&self, _x: &Features) -> Result<Calibration> {
        Ok(Calibration::default())
    }

    fn log_density(&self, x: &Features, _calibration: &Calibration) -> Result<Array1<f32>> {
        Ok(self.log_likelihood(rows(x))?.mapv(|l| l as f32))
    }
}

impl Soft for GmmModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(self.predict_proba(rows(x))?.mapv(|g| g as f32))
    }
}

impl Generative for GmmModel {
    fn sample(&self, cluster: usize, n: usize, seed: u64) -> Result<Array2<f32>> {
        Ok(self.sample_component(cluster as u32, n, seed)?)
    }

    /// The mixture's best guess of a point is the mean of its component.
    fn reconstruct(&self, x: &Features) -> Result<Array2<f32>> {
        let (labels, mu) = (Model::predict(self, x)?, self.mu());
        Ok(Array2::from_shape_fn((labels.len(), mu.ncols()), |(i, j)| mu[[labels[i] as usize, j]] as f32))
    }

    fn latent_dim(&self) -> usize {
        self.mu().ncols()
    }

    /// The latent space is that of the features.
    fn decode(&self, z: ArrayView2<'_, f32>) -> Result<Array2<f32>> {
        Ok(z.to_owned())
    }
}
