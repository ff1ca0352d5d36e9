//! The clusters of k-means or those of EM after it, as a start.

use super::codes::{CodeClustering, Codes, CodesInit};
use crate::Result;
use crate::shared::mixture::gaussians;
use serde_json::json;
use vae_core::identity::Revision;
use vae_core::phase::{Artefact, PhaseRecord, PhaseSpec};
use vae_graph::partition::{self, REFERENCE_GRAPH};

/// The choice.
pub const REVISION: Revision = ("better-start", 1);

impl Codes<'_> {
    /// The phase `start`: of the clusters of k-means and those of EM after it, the ones with the
    /// higher modularity in the graph of the codes' nearest neighbours; EM's where they are equal.
    /// EM gains likelihood, and can lose clusters for it. The mixture is EM's, or the Gaussians of
    /// the clusters of k-means, which are what EM starts from.
    pub(crate) fn better_start(
        &self,
        config: &CodeClustering,
        n_clusters: usize,
        phases: &mut Vec<PhaseRecord>,
    ) -> Result<CodesInit> {
        let init = self.cluster(config, n_clusters)?;
        let spec = PhaseSpec {
            name: "start",
            revisions: &[&[REVISION], partition::REVISIONS],
            config: &n_clusters,
            inputs: &[self.key(), &init.record.key],
        };
        let artefact = self.cx.phase(&spec, |_| -> Result<Artefact> {
            let graph = REFERENCE_GRAPH.neighbour_graph(self.get()?, self.cx)?;
            let of_kmeans = graph.modularity(init.kmeans_assignments.view())?;
            let of_em = graph.modularity(init.assignments.view())?;
            let notes = json!({ "modularity": { "kmeans": of_kmeans, "em": of_em } });
            Ok(Artefact { record: PhaseRecord { notes, ..PhaseRecord::default() }, ..Artefact::default() })
        })?;
        let modularity = |name: &str| artefact.record.notes["modularity"][name].as_f64();
        let is_em = modularity("em") >= modularity("kmeans");
        phases.push(init.record.clone());
        let init = CodesInit { record: artefact.record, ..init };
        if is_em {
            return Ok(CodesInit {
                selection: format!("{}; EM has the higher modularity", init.selection),
                ..init
            });
        }
        let mixture = gaussians(self.get()?, init.kmeans_assignments.view(), n_clusters);
        let init = init.of_kmeans(config);
        Ok(CodesInit {
            mixture,
            selection: format!("{}; EM after it has a lower one", init.selection),
            ..init
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrained::CodeSelect;
    use ndarray::{Array2, array};
    use rand::RngExt;
    use vae_core::Features;
    use vae_core::init::Init;
    use vae_core::net::NetConfig;
    use vae_core::phase::FitContext;
    use vae_core::pretrain::Autoencoder;
    use vae_core::random::Streams;

    /// Codes of an auto-encoder without hidden layers whose weights are the identity.
    fn start(x: &Array2<f32>) -> (CodesInit, Vec<PhaseRecord>) {
        let x = Features::dense(x.clone()).expect("finite");
        let net = NetConfig { hidden: vec![], latent_dim: 2, ..NetConfig::default() };
        let cx = FitContext::in_memory(0);
        let model = Autoencoder::new(&net, Init::GlorotUniform, 2, &Streams::new(0, "test"), cx.device);
        let mut tensors = model.params.snapshot("").expect("weights");
        for (name, tensor) in &mut tensors {
            let _ = tensor.zero_();
            if name.ends_with("weight") {
                let _ = tensor.fill_diagonal_(1.0, false);
            }
        }
        let autoencoder = Artefact { tensors, ..Artefact::default() };
        let codes = Codes::new(&x, &net, &autoencoder, &cx);
        let config = CodeClustering { select: CodeSelect::Modularity, ..CodeClustering::default() };
        let mut phases = Vec::new();
        (codes.better_start(&config, 2, &mut phases).expect("started"), phases)
    }

    fn draw(n: usize, width: [f32; 2], at: [f32; 2]) -> Array2<f32> {
        let mut rng = Streams::new(1, "test").rng("x", n, 0);
        let mut normal = move || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        Array2::from_shape_fn((n, 2), |(_, j)| at[j] + width[j] * normal())
    }

    /// Two groups side by side; in the second column most rows of the first group and few of the
    /// other are exactly 0. To EM that narrow line is a cluster, and it cuts through all
    /// neighbourhoods. Two groups apart: EM and k-means agree.
    #[test]
    fn em_is_kept_where_it_keeps_neighbours_together() {
        let mut inside = ndarray::concatenate![
            ndarray::Axis(0),
            draw(300, [1.0, 0.5], [0.0, 0.0]),
            draw(301, [1.0, 0.5], [2.5, 0.0])
        ];
        for i in (0..300).filter(|i| i % 10 < 9).chain((300..601).filter(|i| i % 10 == 0)) {
            inside[[i, 1]] = 0.0;
        }
        let (found, phases) = start(&inside);
        let modularity = &found.record.notes["modularity"];
        assert!(modularity["kmeans"].as_f64() > modularity["em"].as_f64(), "{modularity}");
        assert_eq!(found.assignments, found.kmeans_assignments);
        assert!(found.selection.contains("a lower one"), "{}", found.selection);
        // The Gaussians are those of the clusters.
        let first: Vec<f32> =
            (0..601).filter(|&i| found.assignments[i] == 0).map(|i| inside[[i, 0]]).collect();
        let mean = first.iter().map(|&v| f64::from(v)).sum::<f64>() / first.len() as f64;
        assert!((found.mixture.mu[[0, 0]] - mean).abs() < 1e-4);
        assert!((found.mixture.pi[0] - first.len() as f64 / 601.0).abs() < 1e-9);
        assert_eq!(phases.len(), 1, "the phase before");

        let apart = ndarray::concatenate![
            ndarray::Axis(0),
            draw(300, [1.0, 1.0], [0.0, 0.0]),
            draw(301, [1.0, 1.0], [9.0, 0.0])
        ];
        let (found, _) = start(&apart);
        assert!(found.selection.contains("EM has the higher"), "{}", found.selection);
        let mut pi = found.mixture.pi.to_vec();
        pi.sort_by(f64::total_cmp);
        assert!((array![pi[0], pi[1]] - array![300.0 / 601.0, 301.0 / 601.0]).iter().all(|d| d.abs() < 1e-3));
    }
}
