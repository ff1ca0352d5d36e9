//! SpectralNet on two nested C-shapes, which k-means cannot tell apart, and a training that is
//! stopped.

use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Kind, Tensor};
use vae_core::Features;
use vae_core::features::to_tensor;
use vae_core::phase::FitContext;
use vae_models::methods::spectralnet::affinity;
use vae_models::registry::{Selection, resolve};

/// Half circles around each other's ends, with noise of 0.1.
fn nested_cs(n: usize) -> (Features, Array1<u32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let labels: Array1<u32> = (0..n).map(|i| (i % 2) as u32).collect();
    let mut x = Array2::zeros((n, 2));
    for (i, mut row) in x.outer_iter_mut().enumerate() {
        let theta = (rng.random::<f32>() - 0.5) * std::f32::consts::PI;
        let (a, b) = (theta.cos(), theta.sin());
        let (a, b) = if i % 2 == 0 { (a, b) } else { (0.5 - a, -1.0 - b) };
        row[0] = a + 0.1 * rng.sample::<f32, _>(StandardNormal);
        row[1] = b + 0.1 * rng.sample::<f32, _>(StandardNormal);
    }
    (Features::dense(x).expect("finite"), labels)
}

/// `Σ (1 − s²)` over the singular values s of AᵀB, for `[n, k]` bases with orthonormal columns; Σ
/// s² is its squared Frobenius norm.
fn grassmann(a: &Tensor, b: &Tensor) -> f64 {
    a.size()[1] as f64 - a.tr().matmul(b).square().sum(Kind::Double).double_value(&[])
}

#[test]
fn two_nested_cs_are_separated() {
    let (x, y) = nested_cs(1500);
    // The authors' settings: the whole affinity, batches of 128, three layers of 50. Theirs are
    // softplus with batch norm; without it softplus is too smooth for the gap between the two.
    let set = [
        "space=features",
        "distance=euclidean",
        "clusters=kmeans",
        "scale=none",
        "affinity.n_neighbors=0",
        "affinity.scale_neighbor=2",
        "map.hidden=[50, 50, 50]",
        "map.activation=relu",
        "train.batch_size=128",
        "train.epochs=150",
        "train.min_updates=0",
        "train.lr=1e-3",
        "train.observe_every_epochs=0",
    ];
    let selection = Selection {
        method: Some("spectralnet".into()),
        n_clusters: Some(2),
        set: set.map(String::from).to_vec(),
        ..Selection::default()
    };
    vae_core::device::configure_process(1);
    let mut method = resolve(&selection).and_then(|r| r.build()).expect("valid");
    let summary = method.fit(&x, &FitContext::in_memory(0)).expect("fitted");
    let acc = vae_metrics::acc(summary.assignments.view(), y.view()).expect("a score");
    assert!(acc >= 0.99, "{acc}");

    // The outputs span the space of the two smallest eigenvalues of all points' Laplacian.
    let train = summary.phases.iter().find(|p| p.name == "train").expect("trained");
    let scale = train.notes["affinity_scale"].as_f64().expect("a number");
    let points =
        to_tensor(x.as_dense().expect("dense"), tch::Device::Cpu).expect("tensor").to_kind(Kind::Double);
    let centred = &points - points.mean_dim([0i64].as_slice(), true, None);
    let spread = centred.square().mean(Kind::Double).sqrt();
    let w = affinity(&(points / spread), 0, scale).expect("affinities");
    let degree = w.sum_dim_intlist([1i64].as_slice(), false, None);
    let (_, vectors) = (degree.diag(0) - w).linalg_eigh("U");
    let learnt = to_tensor(method.embed(&x).expect("fitted").view(), tch::Device::Cpu).expect("tensor");
    let learnt = learnt.to_kind(Kind::Double) / 1500f64.sqrt();
    let distance = grassmann(&learnt, &vectors.narrow(1, 0, 2));
    assert!(distance < 0.1, "{distance}");
}
