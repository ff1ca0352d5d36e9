use super::*;
use crate::knn::{Knn, Metric};
use rand::RngExt;
use rand_distr::Distribution;
use std::f64::consts::PI;

/// Two half circles, each round the end of the other: k-means cuts both.
fn moons(n: usize, seed: u64) -> (Features, Vec<u32>) {
    let mut rng = Streams::new(seed, "test").rng("moons", 0, 0);
    let mut rows = Array2::zeros((n, 2));
    let labels: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
    for (i, mut row) in rows.outer_iter_mut().enumerate() {
        let angle = PI * rng.random::<f64>();
        let (x, y) = match i % 2 {
            0 => (angle.cos(), angle.sin()),
            _ => (1.0 - angle.cos(), 0.4 - angle.sin()),
        };
        row[0] = (x + 0.05 * (rng.random::<f64>() - 0.5)) as f32;
        row[1] = (y + 0.05 * (rng.random::<f64>() - 0.5)) as f32;
    }
    (Features::dense(rows).expect("finite"), labels)
}

fn agreement(a: &Array1<u32>, b: &[u32]) -> f64 {
    let same = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / b.len() as f64;
    same.max(1.0 - same)
}

#[test]
fn moons_are_separated_where_kmeans_cuts_them() {
    for n in [300, 2000] {
        let (x, truth) = moons(n, 1);
        let cx = FitContext::in_memory(0);
        let streams = Streams::new(0, "partition");
        let found = PartitionConfig::default().fit(&[&x], 2, &[], &streams, &cx).expect("a partition");
        assert!(agreement(&found.labels, &truth) > 0.999, "{:?}", found.candidates);
        let rows = x.dense_rows(0, n);
        let kmeans = KMeansConfig::default().fit(rows.view(), 2, 0).expect("k-means");
        assert!(agreement(&kmeans.labels().to_owned(), &truth) < 0.95);
        let best = found.candidates.iter().map(|c| c.modularity).fold(f64::MIN, f64::max);
        assert_eq!(best, found.modularity);
    }
}

#[test]
fn pieces_of_a_graph_give_the_eigenvalue_one_each() {
    // Three rings without an edge between them; above and below the size that is decomposed
    // densely.
    for size in [30u32, 200] {
        let ring = |r: u32| {
            let at = move |i: u32| r * size + i % size;
            (0..size).map(move |i| vec![(at(i + 1), 1.0), (at(i + size - 1), 1.0)])
        };
        let graph = Graph::from_rows((0..3).flat_map(ring).collect()).expect("valid");
        let eigen = leading_eigenvectors(&graph, 5, &Streams::new(0, "e")).expect("eigenvectors");
        // A ring of n nodes has the eigenvalues cos(2πj/n).
        let second = (2.0 * PI / f64::from(size)).cos();
        for (got, want) in eigen.values.iter().zip([1.0, 1.0, 1.0, second, second]) {
            assert!((got - want).abs() < 1e-6, "{:?}", eigen.values);
        }
        let gram = eigen.vectors.t().dot(&eigen.vectors);
        assert!((&gram - &Array2::<f64>::eye(5)).iter().all(|v| v.abs() < 1e-5));
        assert!(eigen.residual < 1e-4, "{}", eigen.residual);
    }
}

#[test]
fn the_krylov_method_equals_the_dense_one() {
    let (x, _) = moons(900, 2);
    let neighbours =
        Knn { k: 10, metric: Metric::Euclidean }.of(&x, &FitContext::in_memory(0)).expect("found");
    let graph = PartitionConfig::default().adjacency(&neighbours).expect("valid");
    let fast = leading_eigenvectors(&graph, 6, &Streams::new(0, "e")).expect("eigenvectors");
    // More vectors than a Krylov space may hold: the dense branch.
    let dense = leading_eigenvectors(&graph, 200, &Streams::new(0, "e")).expect("eigenvectors");
    for i in 0..6 {
        assert!((fast.values[i] - dense.values[i]).abs() < 1e-6, "{} {}", fast.values[i], dense.values[i]);
    }
}

#[test]
fn hostile_sizes_are_errors_and_coinciding_points_are_not() {
    let streams = Streams::new(0, "p");
    let cx = FitContext::in_memory(0);
    let (x, _) = moons(20, 3);
    let config = PartitionConfig::default();
    assert!(config.fit(&[&x], 0, &[], &streams, &cx).is_err_and(|e| e.to_string().contains("n_clusters")));
    assert!(config.fit(&[&x], 21, &[], &streams, &cx).is_err());
    let wrong = PartitionConfig { scale_neighbor: 11, ..PartitionConfig::default() };
    assert!(wrong.fit(&[&x], 2, &[], &streams, &cx).is_err_and(|e| e.to_string().contains("scale_neighbor")));
    let rows = Array2::from_shape_fn((60, 2), |(i, _)| (i / 20) as f32);
    let same = Features::dense(rows).expect("finite");
    let found = config.fit(&[&same], 3, &[], &streams, &cx).expect("a partition");
    assert!((0..60).all(|i| found.labels[i] == found.labels[i / 20 * 20]));
}

#[test]
fn several_spaces_are_cut_as_the_mean_of_their_graphs() {
    let (a, _) = moons(300, 4);
    let (b, _) = moons(300, 5);
    let (cx, streams) = (FitContext::in_memory(0), Streams::new(0, "p"));
    let config = PartitionConfig::default();
    let fit = |spaces: &[&Features]| config.fit(spaces, 2, &[], &streams, &cx);
    // A space twice changes nothing; another one does.
    let once = fit(&[&a]).expect("a partition").modularity;
    assert!((fit(&[&a, &a]).expect("a partition").modularity - once).abs() < 1e-6);
    let graph = |x: &Features| {
        let found = Knn { k: 10, metric: Metric::Euclidean }.of(x, &cx).expect("found");
        config.adjacency(&found).expect("valid")
    };
    let mean = graph(&a).mixed(&graph(&b), 0.5).expect("sizes agree");
    let (both, by_hand) = (fit(&[&a, &b]), config.of_graph(&mean, 2, &[], &streams));
    assert_eq!(both.expect("a partition").labels, by_hand.expect("a partition").labels);
    let (short, _) = moons(200, 4);
    assert!(fit(&[&a, &short]).is_err_and(|e| e.to_string().contains("200")));
    assert!(fit(&[]).is_err_and(|e| e.to_string().contains("spaces")));
}

#[test]
fn a_graph_in_more_pieces_than_clusters_gets_more_neighbours() {
    // Two groups of three clumps each; ten neighbours never leave a clump of twenty.
    let mut rng = Streams::new(6, "test").rng("clumps", 0, 0);
    let x = Array2::from_shape_fn((120, 2), |(i, j)| {
        let (group, clump) = ((i % 2) as f32, (i / 2 % 3) as f32);
        (if j == 0 { 100.0 * group } else { 3.0 * clump }) + rng.random::<f32>()
    });
    let x = Features::dense(x).expect("finite");
    let (cx, streams) = (FitContext::in_memory(0), Streams::new(0, "p"));
    let config = PartitionConfig::default();
    assert_eq!(config.mean_adjacency(&[&x], 10, &cx).expect("a graph").n_components(), 6);
    let found = config.fit(&[&x], 2, &[], &streams, &cx).expect("a partition");
    assert!((0..120).all(|i| found.labels[i] == found.labels[i % 2]));
}

#[test]
fn groups_in_pieces_are_put_together_as_their_edges_are() {
    // Each group is a line in six columns that jumps between its ends: pieces with far gaps, which
    // the gaps between groups are five times as wide as.
    let x = Array2::from_shape_fn((300, 6), |(i, j)| {
        let t = ((i * 7919 + j * 104_729) % 1000) as f32 / 5000.0;
        if j % 3 == i % 3 { 0.7 + t } else { 0.1 + t }
    });
    let (x, cx) = (Features::dense(x).expect("finite"), FitContext::in_memory(0));
    for seed in 0..5 {
        let streams = Streams::new(seed, "p");
        let found = PartitionConfig::default().fit(&[&x], 3, &[], &streams, &cx).expect("a partition");
        assert!((0..300).all(|i| found.labels[i] == found.labels[i % 3]), "seed {seed}");
    }
}

#[test]
fn a_large_group_in_few_columns_is_not_cut_through() {
    // A line through a round group of 1455 points in three columns cuts few of its edges.
    let sizes = [1455, 30, 15];
    let centres = [[0.0, 0.0, 0.0], [6.0, 6.0, 0.0], [0.0, 6.0, 6.0]];
    let truth: Vec<u32> = (0..3u32).flat_map(|c| vec![c; sizes[c as usize]]).collect();
    let mut rng = Streams::new(7, "test").rng("sizes", 0, 0);
    let noise: Vec<f64> = rand_distr::StandardNormal.sample_iter(&mut rng).take(3 * 1500).collect();
    let rows =
        Array2::from_shape_fn((1500, 3), |(i, j)| (centres[truth[i] as usize][j] + noise[3 * i + j]) as f32);
    let x = Features::dense(rows).expect("finite");
    let (cx, streams) = (FitContext::in_memory(0), Streams::new(0, "p"));
    let found = PartitionConfig::default().fit(&[&x], 3, &[], &streams, &cx).expect("a partition");
    let of = |c: u32| found.labels.iter().zip(&truth).filter(move |(_, t)| **t == c).map(|(l, _)| *l);
    for c in 0..3 {
        let own = of(c).next();
        assert!(of(c).all(|l| Some(l) == own), "{:?}", found.candidates[found.chosen]);
    }
    // By modularity alone the large one is cut.
    let by_modularity = PartitionConfig { select: Select::Modularity, ..PartitionConfig::default() };
    let found = by_modularity.fit(&[&x], 3, &[], &streams, &cx).expect("a partition");
    let first = found.labels[0];
    assert!((0..1455).any(|i| found.labels[i] != first));
}

/// Rows of groups of these sizes in 200 columns, each shifted by three deviations in 20 of its own.
fn groups(sizes: &[usize]) -> (Features, Vec<u32>) {
    let mut rng = Streams::new(1, "test").rng("groups", 0, 0);
    let truth: Vec<u32> = (0..).zip(sizes).flat_map(|(g, &n)| vec![g; n]).collect();
    let rows = Array2::from_shape_fn((truth.len(), 200), |(i, j)| {
        let z: f32 = rand_distr::StandardNormal.sample(&mut rng);
        z + if j / 20 == truth[i] as usize { 3.0 } else { 0.0 }
    });
    (Features::dense(rows).expect("finite"), truth)
}

#[test]
fn a_small_group_of_few_points_is_a_group() {
    let (x, truth) = groups(&[100, 80, 15, 10]);
    let (cx, config) = (FitContext::in_memory(0), PartitionConfig::default());
    let streams = Streams::new(0, "partition");
    let found = config.fit(&[&x], 4, &[], &streams, &cx).expect("a partition");
    let first = |group: u32| found.labels[truth.iter().position(|&t| t == group).expect("there is one")];
    assert!(found.labels.iter().zip(&truth).all(|(&l, &t)| l == first(t)), "{:?}", found.candidates);
    let graph = config.mean_graph(&[&x], 2, &cx).expect("a graph");
    let number = config.number_of_clusters(&graph, |_| Ok(Vec::new()), &streams).expect("a number");
    assert_eq!((number.n_clusters, number.clarity), (4, Clarity::Clear), "{number:?}");
}

#[test]
fn what_is_too_small_for_a_group() {
    let config = PartitionConfig::default();
    let least: Vec<usize> = [2, 100, 150, 205, 250, 251, 10_000].map(|n| config.least_size(n)).to_vec();
    assert_eq!(least, [5, 5, 6, 9, 10, 11, 11]);
    assert_eq!(config.revisions(250)[0].0, "small-clusters-of-few-points");
    assert_eq!(config.revisions(251), REVISIONS_BY_CONDUCTANCE);
}
