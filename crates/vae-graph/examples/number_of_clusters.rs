//! How often the estimate of the number of clusters is right: mixtures of 2 to 20 Gaussians whose
//! centres are at least six deviations apart, and data without groups. One JSON object a line. The
//! bounds of the estimate were set with the cases from 0; those from 2000 are reported.
//!
//! ```text
//! cargo run -p vae-graph --example number_of_clusters -- 100 2000
//! ```

use ndarray::Array2;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_gmm::KMeansConfig;
use vae_graph::partition::{Clarity, NumberOfClusters, PartitionConfig};

type Failure = Box<dyn std::error::Error>;

/// Rows of `k` unit Gaussians of 40 to 160 rows each.
fn mixture(k: usize, d: usize, rng: &mut impl rand::Rng) -> Array2<f32> {
    let mut centres: Vec<Vec<f64>> = Vec::new();
    let mut side = 6.0 * (k as f64).powf(1.0 / d as f64);
    while centres.len() < k {
        let one: Vec<f64> = (0..d).map(|_| side * rng.random::<f64>()).collect();
        let far = |c: &Vec<f64>| c.iter().zip(&one).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() >= 36.0;
        match centres.iter().all(far) {
            true => centres.push(one),
            // There is room in the end.
            false => side *= 1.01,
        }
    }
    let mut rows = Vec::new();
    for centre in &centres {
        for _ in 0..rng.random_range(40..=160) {
            rows.extend(centre.iter().map(|c| {
                let z: f64 = StandardNormal.sample(rng);
                (c + z) as f32
            }));
        }
    }
    Array2::from_shape_vec((rows.len() / d, d), rows).expect("whole rows")
}

/// Uniform, one Gaussian, or one log-normal.
fn noise(kind: &str, n: usize, d: usize, rng: &mut impl rand::Rng) -> Array2<f32> {
    Array2::from_shape_simple_fn((n, d), || {
        let z: f64 = StandardNormal.sample(rng);
        let value = match kind {
            "uniform" => rng.random::<f64>(),
            "gaussian" => z,
            _ => z.exp(),
        };
        value as f32
    })
}

fn estimate(rows: Array2<f32>, seed: u64) -> Result<NumberOfClusters, Failure> {
    let x = Features::dense(rows)?;
    let config = PartitionConfig::default();
    let graph = config.mean_graph(&[&x], 2, &FitContext::in_memory(seed))?;
    let rows = x.dense_rows(0, x.n());
    let kmeans = KMeansConfig::fixed(3);
    let others = |k: usize| Ok(vec![("k-means", kmeans.fit(rows.view(), k, seed)?.labels().to_owned())]);
    Ok(config.number_of_clusters(&graph, others, &Streams::new(seed, "number"))?)
}

fn main() -> Result<(), Failure> {
    let number = |i: usize, default: u64| std::env::args().nth(i).map_or(Ok(default), |n| n.parse::<u64>());
    let (cases, first) = (number(1, 10)?, number(2, 0)?);
    let (mut right, mut clearly_wrong, mut doubted) = (0, 0, 0);
    for case in first..first + cases {
        let mut rng = Streams::new(case, "mixture").rng("rows", 0, 0);
        let (k, d) = (rng.random_range(2..=20), [2, 3, 5, 10, 20][rng.random_range(0..5)]);
        let rows = mixture(k, d, &mut rng);
        let (n, found) = (rows.nrows(), estimate(rows, case)?);
        right += u64::from(found.n_clusters == k);
        clearly_wrong += u64::from(found.n_clusters != k && found.clarity == Clarity::Clear);
        println!("{}", json!({ "mixture": case, "n": n, "d": d, "k": k, "found": found }));
        let mut rng = Streams::new(case, "noise").rng("rows", 0, 0);
        let (n, d) = (rng.random_range(300..=2000), [2, 3, 5, 10, 20][rng.random_range(0..5)]);
        let kind = ["uniform", "gaussian", "log-normal"][case as usize % 3];
        let found = estimate(noise(kind, n, d, &mut rng), case)?;
        doubted += u64::from(found.clarity != Clarity::Clear);
        println!("{}", json!({ "noise": case, "kind": kind, "n": n, "d": d, "found": found }));
    }
    let rates = json!({
        "cases": cases,
        "mixtures_exact": right,
        "mixtures_clear_and_wrong": clearly_wrong,
        "noise_no_clear_number": doubted,
    });
    println!("{rates}");
    Ok(())
}
