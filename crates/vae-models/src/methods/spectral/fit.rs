//! The phase of `spectral`, and a fitted model.

use super::config::SpectralConfig;
use crate::Result;
use crate::api::{Assessed, Calibration, FitSummary, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::pretrained::{FeaturePartition, load_n_clusters, store_n_clusters};
use crate::shared::dense_rows::dense;
use crate::shared::neighbour_vote::NeighbourVote;
use ndarray::{Array1, Array2};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::phase::FitContext;
use vae_core::program::{Outputs, Program, Value};

/// A partition of the features' neighbour graph.
#[derive(Debug)]
pub struct Spectral;

/// The fitted rows with their clusters, which vote on new rows.
#[derive(Debug)]
pub struct SpectralModel {
    vote: NeighbourVote,
}

impl Method for Spectral {
    const NAME: &'static str = "spectral";
    const SUMMARY: &'static str = "a partition of the features' own neighbour graph, without a network";
    const REFERENCE: &'static str = "Ng, Jordan and Weiss 2001; Zelnik-Manor and Perona 2004; Newman 2004";
    const PRESETS: &'static [Preset] = &[];
    type Config = SpectralConfig;
    type Model = SpectralModel;

    fn fit(
        config: &SpectralConfig,
        x: &Features,
        _input: &Input,
        cx: &FitContext,
    ) -> Result<(SpectralModel, FitSummary)> {
        let partition =
            FeaturePartition { partition: &config.partition, kmeans: &config.kmeans, x, others: &[] };
        let found = partition.fit(config.n_clusters, cx)?;
        let of = (found.n_clusters, config.n_voters);
        let vote = NeighbourVote::new(x.clone(), found.assignments.clone(), of.0, of.1);
        let summary = FitSummary {
            assignments: found.assignments,
            selection: found.selection,
            phases: vec![found.record],
            ..FitSummary::default()
        };
        Ok((SpectralModel { vote }, summary))
    }

    fn restore(config: &SpectralConfig, input: &Input, tensors: &Tensors) -> Result<SpectralModel> {
        let n_clusters = load_n_clusters(tensors)?;
        let vote = NeighbourVote::load("vote.", tensors, input.dim, (n_clusters, config.n_voters))?;
        Ok(SpectralModel { vote })
    }
}

impl Model for SpectralModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.vote.store("vote.", &mut tensors)?;
        store_n_clusters(self.vote.n_clusters(), &mut tensors);
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        self.vote.predict(x)
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(dense(x).into_owned())
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let scores = self.vote.describe(program, x)?;
        Ok(Outputs { scores, are_probabilities: true, codes: x.clone() })
    }

    fn n_clusters(&self) -> Option<usize> {
        Some(self.vote.n_clusters())
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn assess(&self, x: &Features, _calibration: Option<&Calibration>) -> Result<Assessed> {
        let gamma = self.vote.gamma(x)?;
        Ok(Assessed { clusters: NeighbourVote::winners(&gamma), gamma: Some(gamma), log_density: None })
    }
}

impl Soft for SpectralModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        self.vote.gamma(x)
    }
}
