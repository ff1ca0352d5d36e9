//! Clusters of the map's outputs.
//!
//! Published: k-means on as many outputs as clusters. A cut of low cost through one large cluster
//! can then replace one between two clusters (on MNIST the digit 1 is split, 7 and 9 are merged),
//! which cannot be seen in K outputs. `modularity` learns more outputs than clusters, orders them
//! by the Rayleigh quotients in the graph of all points, runs k-means on the unit rows of several
//! numbers of the leading ones, and keeps the partition of the highest modularity. No label is
//! involved.

use super::super::config::{ClusterChoice, SpectralNetConfig};
use super::super::net::clusters::{leading, turned, unit};
use crate::Result;
use crate::shared::assignments::labels_to_tensor;
use ndarray::{Array1, Array2, ArrayView2};
use serde_json::json;
use tch::{Device, Kind, Tensor};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2, to_array2_f64, to_tensor_f64};
use vae_core::phase::{Artefact, FitContext, PhaseContext, PhaseRecord};
use vae_graph::Graph;
use vae_graph::partition::REFERENCE_GRAPH;

/// The body of the phase `clusters`: what
/// [`Clusters::load`](super::super::net::clusters::Clusters::load) reads, and `assignments`.
///
/// # Shapes
/// `y`: the orthonormalised outputs, `[n, M]`; `weights`: what made them so, `[M, M]`; `near`:
/// `[n, p]`.
pub(super) fn cluster(
    (y, weights): (&Tensor, &Tensor),
    near: &Tensor,
    config: &SpectralNetConfig,
    phase: &PhaseContext<'_>,
) -> Result<Artefact> {
    let seed = phase.streams.derived_seed("kmeans");
    let (turn, centres, labels, notes) = match config.clusters {
        ClusterChoice::Kmeans => {
            let fit = config.kmeans.fit(to_array2(y)?.view(), config.n_clusters, seed)?;
            let turn = Tensor::f_eye(y.size()[1], (Kind::Double, Device::Cpu))?;
            let notes = json!({ "inertia": fit.inertia(), "restart_inertias": fit.restart_inertias() });
            (turn, fit.centres().to_owned(), fit.labels().to_owned(), notes)
        }
        ClusterChoice::Modularity => by_modularity(y, near, config, seed, phase.fit)?,
    };
    let weights = weights.f_to_device(Device::Cpu)?;
    let mut tensors =
        Tensors::from([("clusters.weights".to_string(), weights), ("clusters.turn".into(), turn)]);
    tensors.insert("clusters.centres".into(), to_tensor_f64(centres.view())?);
    tensors.insert("assignments".into(), labels_to_tensor(&labels));
    Ok(Artefact { tensors, record: PhaseRecord { notes, ..PhaseRecord::default() } })
}

/// The rotation `[M, M]`, the centres, the assignments and the notes.
type Choice = (Tensor, Array2<f64>, Array1<u32>, serde_json::Value);

fn by_modularity(
    y: &Tensor,
    near: &Tensor,
    config: &SpectralNetConfig,
    seed: u64,
    cx: &FitContext,
) -> Result<Choice> {
    let graph = REFERENCE_GRAPH.neighbour_graph(&Features::dense(to_array2(near)?)?, cx)?;
    let basis = to_array2_f64(y)? / (graph.n() as f64).sqrt();
    let (values, turn) = rayleigh_ritz(basis.view(), &graph)?;
    let rows = turned(y, &turn)?;
    let mut best: Option<(usize, f64, Array2<f64>, Array1<u32>)> = None;
    let mut tried = Vec::new();
    for m in numbers_of_outputs(config.n_clusters, values.len()) {
        let space = unit(leading(&rows, m));
        let fit = match config.kmeans.fit(space.view(), config.n_clusters, seed) {
            Ok(fit) => fit,
            // Too few distinct rows in these outputs; another number of outputs may have enough.
            Err(vae_gmm::Error::TooFewDistinctRows { .. }) => continue,
            Err(e) => return Err(e.into()),
        };
        let modularity = graph.modularity(fit.labels())?;
        tried.push(json!({ "n_outputs": m, "modularity": modularity }));
        if best.as_ref().is_none_or(|(_, q, ..)| modularity > *q) {
            best = Some((m, modularity, fit.centres().to_owned(), fit.labels().to_owned()));
        }
    }
    let (m, modularity, centres, labels) =
        best.ok_or(vae_graph::Error::NoPartition { n_clusters: config.n_clusters })?;
    let notes = json!({ "n_outputs": m, "modularity": modularity, "tried": tried, "eigenvalues": values });
    Ok((turn, centres, labels, notes))
}

/// Of the normalised adjacency `A = D^-½ W D^-½` and an orthonormal basis Q, `[n, M]`: the
/// eigenvalues of QᵀAQ, descending, and its eigenvectors, f64 `[M, M]`.
fn rayleigh_ritz(basis: ArrayView2<'_, f64>, graph: &Graph) -> Result<(Vec<f64>, Tensor)> {
    let scale = graph.row_sums().mapv(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scale = scale.insert_axis(ndarray::Axis(1));
    let image = graph.multiply((&basis * &scale).view())? * &scale;
    let projection = to_tensor_f64(basis.t().dot(&image).view())?;
    let (values, vectors) = ((&projection + projection.tr()) * 0.5).f_linalg_eigh("L")?;
    Ok((Vec::try_from(values.f_flip([0])?)?, vectors.f_flip([1])?))
}

/// The numbers of leading outputs, of `most`, that are tried.
fn numbers_of_outputs(n_clusters: usize, most: usize) -> Vec<usize> {
    let k = n_clusters;
    let mut numbers =
        [k, k + 1, k + 2, k + 3, k + 4, (8 * k).div_ceil(5), most].map(|m| m.clamp(1, most)).to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::super::super::loss::orthonormaliser;
    use super::super::super::net::clusters::Clusters;
    use super::*;
    use crate::shared::assignments::labels_of;
    use ndarray::array;
    use vae_core::phase::PhaseSpec;
    use vae_core::random::{Streams, normal};

    #[test]
    fn outputs_are_ordered_by_their_quotients() {
        // Two pairs: A has the eigenvalue 1 on each pair's indicator and −1 on each difference.
        let edge = |j: u32| vec![(j, 1.0)];
        let graph = Graph::from_rows(vec![edge(1), edge(0), edge(3), edge(2)]).expect("a graph");
        let r = 0.5f64.sqrt();
        // A difference, then the two indicators mixed.
        let basis = array![[r, 0.5, 0.5], [-r, 0.5, 0.5], [0.0, 0.5, -0.5], [0.0, 0.5, -0.5]];
        let (values, turn) = rayleigh_ritz(basis.view(), &graph).expect("decomposed");
        for (got, want) in values.iter().zip([1.0, 1.0, -1.0]) {
            assert!((got - want).abs() < 1e-12, "{values:?}");
        }
        // The last column of the turned basis is the difference.
        let last = basis.dot(&to_array2_f64(&turn).expect("array").column(2));
        assert!(
            (last[0].abs() - r).abs() < 1e-12 && (last[0] + last[1]).abs() < 1e-12 && last[2].abs() < 1e-12
        );
    }

    #[test]
    fn new_rows_are_computed_as_the_fitted_ones_were() {
        let outputs = normal(&mut Streams::new(3, "outputs").rng("y", 0, 0), &[500, 8], Device::Cpu).tanh();
        let weights = orthonormaliser(&outputs).expect("torch").expect("decomposed");
        let y = outputs.matmul(&weights);
        let config = SpectralNetConfig { n_clusters: 5, ..SpectralNetConfig::default() };
        let cx = FitContext::in_memory(0);
        let spec = PhaseSpec { name: "clusters", revisions: &[], config: &(), inputs: &[] };
        let found =
            cx.phase(&spec, |phase| cluster((&y, &weights), &outputs, &config, phase)).expect("found");
        let clusters = Clusters::load(&config, &found.tensors, Device::Cpu).expect("complete");
        let m = clusters.kmeans.centres().ncols();
        assert!(m < 8 && clusters.weights.size() == [8, 8], "{m} of 8 outputs");
        let turned = turned(&y, &clusters.turn).expect("torch");
        assert_eq!(clusters.rows(&outputs).expect("torch"), unit(leading(&turned, m)));
        let labels = labels_of(found.tensor("assignments").expect("stored")).expect("labels");
        let rows = clusters.rows(&outputs).expect("torch");
        assert_eq!(clusters.kmeans.predict(rows.view()).expect("rows"), labels);

        // A file of an older version has one product of the two: the same up to rounding.
        let product = clusters.weights.to_kind(Kind::Double).matmul(&clusters.turn).narrow(1, 0, m as i64);
        let mut older = found.tensors;
        older.remove("clusters.turn");
        older.insert("clusters.weights".into(), product.to_kind(Kind::Float));
        let older =
            Clusters::load(&config, &older, Device::Cpu).expect("complete").rows(&outputs).expect("rows");
        assert!((&older - &rows).iter().all(|d| d.abs() < 1e-5) && older != rows);
    }

    #[test]
    fn numbers_stay_within_what_there_is() {
        assert_eq!(numbers_of_outputs(10, 16), [10, 11, 12, 13, 14, 16]);
        assert_eq!(numbers_of_outputs(10, 10), [10]);
        assert_eq!(numbers_of_outputs(1, 2), [1, 2]);
    }
}
