//! The phase `init`: a diagonal Gaussian mixture of the codes, started from k-means.

use crate::Result;
use crate::mixture::{Mixture, array_of, gmm_phase, selection_text, tensor_of};
use crate::two_stage::{labels_of, labels_to_tensor};
use ndarray::{Array1, Array2};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2};
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

/// The result of the phase.
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

/// Encodes all samples and fits the mixture.
pub(crate) fn cluster_codes(
    x: &Features,
    net: &NetConfig,
    config: &CodeClustering,
    n_clusters: usize,
    autoencoder: &Artefact,
    cx: &FitContext,
) -> Result<Start> {
    let spec = PhaseSpec {
        name: "init",
        revision: REVISION,
        config: &(config, n_clusters),
        inputs: &[x.sha256(), &autoencoder.record.key],
    };
    let artefact = gmm_phase(cx, &spec, |phase| {
        let model = Autoencoder::new(net, Init::GlorotUniform, x.dim(), &phase.streams, cx.device);
        model.params.load(&autoencoder.tensors, "")?;
        let codes = to_array2(&model.codes(&Resident::new(x, cx.device)?)?)?;
        mixture_of(&codes, config, n_clusters, &phase.streams)
    })?;
    Ok(Start {
        mixture: Mixture::load(&artefact.tensors, "gmm.")?,
        centres: array_of(artefact.tensor("kmeans.centres")?)?,
        assignments: labels_of(artefact.tensor("gmm.assignments")?)?,
        kmeans_assignments: labels_of(artefact.tensor("kmeans.assignments")?)?,
        selection: selection_text(config),
        record: artefact.record,
    })
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
    Mixture::of(fit.model()).store("gmm.", &mut tensors);
    tensors.insert("kmeans.centres".into(), tensor_of(kmeans.centres()));
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
