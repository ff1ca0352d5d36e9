//! The codes of a pretrained auto-encoder, and clusterings of them as initial values.

use crate::shared::assignments::{labels_of, labels_to_tensor};
use crate::shared::dense_rows::dense;
use crate::shared::mixture::{Mixture, selection_text};
use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::cell::OnceCell;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{Resident, to_array2, to_array2_f64, to_tensor_f64};
use vae_core::identity::Revision;
use vae_core::init::Init;
use vae_core::net::NetConfig;
use vae_core::phase::{Artefact, FitContext, PhaseRecord, PhaseSpec};
use vae_core::pretrain::Autoencoder;
use vae_core::random::Streams;
use vae_gmm::{GmmConfig, InitCov, KMeansConfig, KMeansFit, Select, gmm};
use vae_graph::partition::{self, REFERENCE_GRAPH};

/// How a clustering of codes is found and chosen.
pub const REVISION: Revision = ("code-clustering", 1);

/// How one of several clusterings of the codes is chosen; no rule uses labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeSelect {
    /// The k-means restart with the lowest inertia, then one EM run from it.
    #[default]
    Inertia,
    /// An EM run from every k-means restart; the highest final log-likelihood. k-means by itself is
    /// then chosen by inertia.
    LogLikelihood,
    /// The k-means restart with the highest modularity in the graph of the codes' nearest
    /// neighbours, then one EM run from it. Restarts whose inertias differ by a thousandth can be
    /// very different partitions; this one cuts the least weight of edges.
    Modularity,
}

/// How codes are clustered: the table `[codes]` of the methods with an initial mixture. Every key
/// has a default, unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeClustering {
    /// Restarts of k-means; see `select`. Default 20.
    pub n_init: usize,
    /// Most EM iterations. Default 100.
    pub max_iter: usize,
    /// EM has converged when the mean log-likelihood changes by no more than this, in nats per row.
    /// Default 1e-3.
    pub tol: f64,
    /// Added to every variance of the mixture. Default 1e-6.
    pub reg_covar: f64,
    /// Smallest variance of the mixture. Default 0.
    pub min_covar: f64,
    /// How a restart is chosen. Default `inertia`.
    pub select: CodeSelect,
    /// The initial mixture of EM. Default `cluster`.
    pub init_cov: InitCov,
}

impl Default for CodeClustering {
    fn default() -> Self {
        let GmmConfig { n_init, max_iter, tol, reg_covar, min_covar, select: _, init_cov } =
            GmmConfig::default();
        Self { n_init, max_iter, tol, reg_covar, min_covar, select: CodeSelect::Inertia, init_cov }
    }
}

impl CodeClustering {
    /// The mixture's settings. With `modularity` the initial mixture of EM is given, and `select`
    /// has no effect.
    fn gmm(&self) -> GmmConfig {
        let Self { n_init, max_iter, tol, reg_covar, min_covar, select, init_cov } = *self;
        let select = match select {
            CodeSelect::LogLikelihood => Select::LogLikelihood,
            CodeSelect::Inertia | CodeSelect::Modularity => Select::Inertia,
        };
        GmmConfig { n_init, max_iter, tol, reg_covar, min_covar, select, init_cov }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// An error that names the key.
    pub fn check(&self) -> Result<()> {
        Ok(self.gmm().check()?)
    }

    /// How the mixture was chosen, for reports.
    fn selection(&self) -> String {
        match self.select {
            CodeSelect::Modularity => format!("{}, then one EM run", self.kmeans_selection()),
            CodeSelect::Inertia | CodeSelect::LogLikelihood => selection_text(&self.gmm()),
        }
    }

    /// How the k-means restart was chosen, for reports of methods that are initialised by it.
    fn kmeans_selection(&self) -> String {
        let criterion = match self.select {
            CodeSelect::Modularity => "highest modularity",
            CodeSelect::Inertia | CodeSelect::LogLikelihood => "lowest inertia",
        };
        format!("{criterion} of {} k-means++ restarts", self.n_init)
    }
}

/// A clustering of codes.
#[derive(Debug)]
pub struct CodesInit {
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

impl CodesInit {
    /// With the clusters of k-means instead of the mixture's.
    pub fn of_kmeans(self, config: &CodeClustering) -> Self {
        let assignments = self.kmeans_assignments.clone();
        Self { assignments, selection: config.kmeans_selection(), ..self }
    }
}

/// Codes of all samples under a pretrained auto-encoder. They are computed at the first access:
/// phases that are found in the cache do not need them.
pub struct Codes<'a> {
    pub x: &'a Features,
    pub(super) net: &'a NetConfig,
    pub(super) autoencoder: &'a Artefact,
    pub(crate) cx: &'a FitContext,
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
        // The initial weights are overwritten below.
        let model = Autoencoder::new(net, Init::GlorotUniform, x.dim(), &Streams::new(0, "codes"), cx.device);
        model.params.load(&self.autoencoder.tensors, "")?;
        let codes = Features::dense(to_array2(&model.codes(&Resident::new(x, cx.device)?)?)?)?;
        Ok(self.codes.get_or_init(|| codes))
    }

    /// The phase `init`: a diagonal Gaussian mixture of the codes, started from k-means.
    pub fn cluster(&self, config: &CodeClustering, n_clusters: usize) -> Result<CodesInit> {
        let graph_revisions = match config.select {
            CodeSelect::Modularity => partition::REVISIONS,
            CodeSelect::Inertia | CodeSelect::LogLikelihood => &[],
        };
        let spec = PhaseSpec {
            name: "init",
            revisions: &[&[REVISION], gmm::REVISIONS, graph_revisions],
            config: &(config, n_clusters),
            inputs: &[self.x.sha256(), self.key()],
        };
        let artefact = self.cx.phase(&spec, |phase| {
            let codes = self.get()?;
            mixture_of(codes, config, n_clusters, &phase.streams, self.cx)
        })?;
        Ok(CodesInit {
            mixture: Mixture::load(&artefact.tensors, "gmm.")?,
            centres: to_array2_f64(artefact.tensor("kmeans.centres")?)?,
            assignments: labels_of(artefact.tensor("gmm.assignments")?)?,
            kmeans_assignments: labels_of(artefact.tensor("kmeans.assignments")?)?,
            selection: config.selection(),
            record: artefact.record,
        })
    }
}

/// An error about the codes, not about the data.
fn of_codes(error: vae_gmm::Error) -> Error {
    match error {
        vae_gmm::Error::TooFewDistinctRows { distinct, k } => Error::SameCodes { distinct, n_clusters: k },
        other => other.into(),
    }
}

fn mixture_of(
    points: &Features,
    config: &CodeClustering,
    n_clusters: usize,
    streams: &Streams,
    cx: &FitContext,
) -> Result<Artefact> {
    let codes = dense(points);
    let seed = streams.derived_seed("gmm");
    let kmeans = KMeansConfig::fixed(config.n_init);
    let mut notes = json!({});
    let kmeans = match config.select {
        CodeSelect::Modularity => {
            let fits = kmeans.fit_all(codes.view(), n_clusters, seed).map_err(of_codes)?;
            let graph = REFERENCE_GRAPH.neighbour_graph(points, cx)?;
            let modularities: vae_graph::Result<Vec<f64>> =
                fits.iter().map(|f| graph.modularity(f.labels())).collect();
            let modularities = modularities?;
            notes["kmeans_inertias"] = json!(fits.iter().map(KMeansFit::inertia).collect::<Vec<_>>());
            notes["kmeans_modularities"] = json!(modularities);
            // The first of equal maxima.
            let better = |a: usize, b: usize| if modularities[b] > modularities[a] { b } else { a };
            let best = (0..fits.len()).reduce(better).unwrap_or(0);
            fits.into_iter().nth(best).expect("n_init is at least 1")
        }
        CodeSelect::Inertia | CodeSelect::LogLikelihood => {
            let fit = kmeans.fit(codes.view(), n_clusters, seed).map_err(of_codes)?;
            notes["kmeans_inertias"] = json!(fit.restart_inertias());
            fit
        }
    };
    let gmm = config.gmm();
    let fit = match gmm.select {
        Select::Inertia => gmm.fit_from(codes.view(), &gmm.init(codes.view(), &kmeans)?)?,
        Select::LogLikelihood => gmm.fit(codes.view(), n_clusters, seed)?,
    };
    let mut tensors = Tensors::new();
    Mixture::of(fit.model()).store("gmm.", &mut tensors)?;
    tensors.insert("kmeans.centres".into(), to_tensor_f64(kmeans.centres())?);
    tensors.insert("kmeans.assignments".into(), labels_to_tensor(&kmeans.labels().to_owned()));
    tensors.insert("gmm.assignments".into(), labels_to_tensor(&fit.model().predict(codes.view())?));
    notes["log_likelihood_nats"] = json!(fit.log_likelihood());
    notes["em_iterations"] = json!(fit.n_iter());
    notes["em_converged"] = json!(fit.converged());
    Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two parallel strips of 60 points, of length 8 and distance 3: the partition across both has
    /// the lower inertia (variances 1.3 + 2.3 instead of 5.3), the one between them cuts no edge.
    #[test]
    fn modularity_follows_the_graph_where_inertia_does_not() {
        let codes = Array2::from_shape_fn((120, 2), |(i, j)| match j {
            0 => 8.0 * (i % 60) as f32 / 59.0,
            _ => 3.0 * (i / 60) as f32,
        });
        let points = Features::dense(codes).expect("finite");
        let strip = |select: CodeSelect| -> bool {
            let config = CodeClustering { select, ..CodeClustering::default() };
            let found = mixture_of(&points, &config, 2, &Streams::new(0, "init"), &FitContext::in_memory(0));
            let labels = labels_of(found.expect("found").tensor("kmeans.assignments").expect("stored"))
                .expect("labels");
            (0..120).all(|i| (labels[i] == labels[0]) == (i < 60))
        };
        assert!(strip(CodeSelect::Modularity) && !strip(CodeSelect::Inertia));
    }

    /// Only two different codes: the message is about the codes, not about the data.
    #[test]
    fn too_few_distinct_codes_are_reported_as_codes() {
        let codes = Array2::from_shape_fn((30, 2), |(i, _)| if i == 0 { 1e9 } else { 0.5 });
        let points = Features::dense(codes).expect("finite");
        let cx = FitContext::in_memory(0);
        for select in [CodeSelect::Inertia, CodeSelect::Modularity] {
            let config = CodeClustering { select, ..CodeClustering::default() };
            let Err(error) = mixture_of(&points, &config, 3, &Streams::new(0, "init"), &cx) else {
                panic!("too few codes")
            };
            let message = error.to_string();
            assert!(message.contains("only 2 different codes, too few for 3 clusters"), "{message}");
        }
    }
}
