//! The codes of a pretrained auto-encoder, and the clusterings of them that methods start from.

use super::{labels_of, labels_to_tensor};
use crate::Result;
use crate::mixture::{Mixture, selection_text};
use ndarray::{Array1, Array2};
use serde_json::json;
use std::cell::OnceCell;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2, to_array2_f64, to_tensor_f64};
use vae_core::init::Init;
use vae_core::net::NetConfig;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::pretrain::Autoencoder;
use vae_core::random::Streams;
use vae_gmm::{GmmConfig, KMeansConfig, Select};

/// Raised when the code below changes its result.
const REVISION: u32 = 1;

/// How codes are clustered; a table of the methods that start from a mixture.
pub type CodeClustering = GmmConfig;

/// A clustering of codes.
#[derive(Debug)]
pub struct Start {
    /// The mixture of the codes.
    pub mixture: Mixture,
    /// k-means centres, `[K, J]`.
    pub centres: Array2<f64>,
    /// The mixture's assignments of the codes, `[n]`.
    pub assignments: Array1<u32>,
    /// The assignments of k-means, `[n]`.
    pub kmeans_assignments: Array1<u32>,
    /// How the restart was chosen.
    pub selection: String,
    pub record: PhaseRecord,
}

/// Codes of all samples under a pretrained auto-encoder. They are computed when they are first asked for: phases that
/// come from the cache need none.
pub struct Codes<'a> {
    pub x: &'a Features,
    pub(super) net: &'a NetConfig,
    pub(super) autoencoder: &'a Artefact,
    pub(super) cx: &'a FitContext,
    codes: OnceCell<Features>,
}

impl<'a> Codes<'a> {
    pub fn new(x: &'a Features, net: &'a NetConfig, autoencoder: &'a Artefact, cx: &'a FitContext) -> Self {
        Self { x, net, autoencoder, cx, codes: OnceCell::new() }
    }

    /// Key of the phase they come from.
    pub fn key(&self) -> &str {
        &self.autoencoder.record.key
    }

    /// The codes, `[n, J]`.
    pub fn get(&self) -> Result<&Features> {
        if let Some(codes) = self.codes.get() {
            return Ok(codes);
        }
        let Self { x, net, cx, .. } = *self;
        // The initial weights are overwritten at once.
        let model = Autoencoder::new(net, Init::GlorotUniform, x.dim(), &Streams::new(0, "codes"), cx.device);
        model.params.load(&self.autoencoder.tensors, "")?;
        let codes = Features::dense(to_array2(&model.codes(&Resident::new(x, cx.device)?)?)?)?;
        Ok(self.codes.get_or_init(|| codes))
    }

    /// The phase `init`: a diagonal Gaussian mixture of the codes, started from k-means.
    pub fn cluster(&self, config: &CodeClustering, n_clusters: usize) -> Result<Start> {
        let spec = PhaseSpec {
            name: "init",
            revision: REVISION,
            config: &(config, n_clusters),
            inputs: &[self.x.sha256(), self.key()],
        };
        let artefact = self.cx.phase(&spec, |phase| {
            let codes = self.get()?;
            mixture_of(&codes.dense_rows(0, codes.n()), config, n_clusters, &phase.streams)
        })?;
        Ok(Start {
            mixture: Mixture::load(&artefact.tensors, "gmm.")?,
            centres: to_array2_f64(artefact.tensor("kmeans.centres")?)?,
            assignments: labels_of(artefact.tensor("gmm.assignments")?)?,
            kmeans_assignments: labels_of(artefact.tensor("kmeans.assignments")?)?,
            selection: selection_text(config),
            record: artefact.record,
        })
    }
}

fn mixture_of(
    codes: &Array2<f32>,
    config: &CodeClustering,
    n_clusters: usize,
    streams: &Streams,
) -> Result<Artefact> {
    let seed = streams.derived_seed("gmm");
    let kmeans = KMeansConfig { n_init: config.n_init, ..KMeansConfig::default() };
    let kmeans = kmeans.fit(codes.view(), n_clusters, seed)?;
    let fit = match config.select {
        Select::Inertia => config.fit_from(codes.view(), &config.start(codes.view(), &kmeans)?)?,
        Select::LogLikelihood => config.fit(codes.view(), n_clusters, seed)?,
    };
    let mut tensors = Tensors::new();
    Mixture::of(fit.model()).store("gmm.", &mut tensors)?;
    tensors.insert("kmeans.centres".into(), to_tensor_f64(kmeans.centres())?);
    tensors.insert("kmeans.assignments".into(), labels_to_tensor(&kmeans.labels().to_owned()));
    tensors.insert("gmm.assignments".into(), labels_to_tensor(&fit.model().predict(codes.view())?));
    let notes = json!({
        "kmeans_inertias": kmeans.restart_inertias(),
        "log_likelihood_nats": fit.log_likelihood(),
        "em_iterations": fit.n_iter(),
        "em_converged": fit.converged(),
    });
    Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
}
