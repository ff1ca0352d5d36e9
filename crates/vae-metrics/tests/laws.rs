//! What must hold of any clustering: invariance to names, symmetry, bounds, and the order of the
//! scores.

use ndarray::{Array1, array};
use proptest::prelude::*;
use vae_metrics::{Average, Contingency, LabelMap, Scores, acc, majority_share, purity};

const TOLERANCE: f64 = 1e-12;

fn labels(n_groups: u32, n: usize) -> impl Strategy<Value = Array1<u32>> {
    prop::collection::vec(0..n_groups, n).prop_map(Array1::from)
}

/// Two labellings of the same points, with different numbers of groups.
fn labellings() -> impl Strategy<Value = (Array1<u32>, Array1<u32>)> {
    (1_u32..9, 1_u32..9, 1_usize..150).prop_flat_map(|(k, c, n)| (labels(k, n), labels(c, n)))
}

fn scores(clusters: &Array1<u32>, labels: &Array1<u32>) -> Scores {
    Scores::new(clusters.view(), labels.view()).expect("equal lengths, not empty")
}

/// Every number of `scores`, in the order of the fields.
fn numbers(scores: &Scores) -> [f64; 8] {
    [
        scores.acc,
        scores.nmi,
        scores.ami,
        scores.ari,
        scores.purity,
        scores.homogeneity,
        scores.completeness,
        scores.v_measure,
    ]
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= TOLERANCE
}

proptest! {
    #[test]
    fn names_do_not_matter((clusters, labels) in labellings(), factor in 1_u32..500_000_000, shift in any::<u32>()) {
        // Injective on 0..8: a reversal, a shift, and gaps that force the table to be built by
        // sorting.
        let renamed = clusters.mapv(|cluster| (8 - cluster).wrapping_mul(factor | 1).wrapping_add(shift));
        let moved = labels.mapv(|label| label.wrapping_mul(0x2545_F491) ^ shift);
        let (before, after) = (scores(&clusters, &labels), scores(&renamed, &moved));
        for (before, after) in numbers(&before).into_iter().zip(numbers(&after)) {
            prop_assert!(close(before, after), "{before} {after}");
        }
        prop_assert_eq!(before.n_clusters_found, after.n_clusters_found);
        prop_assert_eq!(before.n_classes, after.n_classes);
    }

    #[test]
    fn the_order_of_the_points_does_not_matter((clusters, labels) in labellings(), turn in 0_usize..150) {
        let turned = |values: &Array1<u32>| {
            let mut values = values.to_vec();
            let by = turn % values.len();
            values.rotate_left(by);
            values.reverse();
            Array1::from(values)
        };
        prop_assert_eq!(scores(&clusters, &labels), scores(&turned(&clusters), &turned(&labels)));
    }

    #[test]
    fn symmetric_scores_are((clusters, labels) in labellings()) {
        let (forward, backward) = (scores(&clusters, &labels), scores(&labels, &clusters));
        prop_assert_eq!(forward.acc, backward.acc);
        prop_assert!(close(forward.nmi, backward.nmi));
        prop_assert!(close(forward.ami, backward.ami));
        prop_assert!(close(forward.ari, backward.ari));
        prop_assert!(close(forward.v_measure, backward.v_measure));
        prop_assert!(close(forward.homogeneity, backward.completeness));
    }

    #[test]
    fn scores_keep_their_bounds_and_their_order((clusters, labels) in labellings()) {
        let scores = scores(&clusters, &labels);
        let share = majority_share(labels.view()).expect("not empty");
        prop_assert!(numbers(&scores).iter().all(|score| score.is_finite() && *score <= 1.0));
        for score in [scores.acc, scores.nmi, scores.homogeneity, scores.completeness, scores.v_measure] {
            prop_assert!(score >= 0.0);
        }
        prop_assert!(scores.ari >= -0.5);
        prop_assert!(scores.acc <= scores.purity);
        prop_assert!(scores.purity >= share);
        prop_assert!(scores.acc >= 1.0 / scores.n_clusters_found.max(scores.n_classes) as f64 - TOLERANCE);
        prop_assert!(close(scores.v_measure, scores.nmi));
        prop_assert!(scores.ami <= scores.nmi + TOLERANCE);
    }

    #[test]
    fn a_clustering_agrees_with_itself((clusters, _) in labellings()) {
        for score in numbers(&scores(&clusters, &clusters)) {
            prop_assert!(close(score, 1.0), "{score}");
        }
    }

    #[test]
    fn splitting_a_cluster_never_lowers_purity_or_homogeneity((clusters, labels) in labellings()) {
        let before = scores(&clusters, &labels);
        let split = Array1::from_iter(clusters.iter().enumerate().map(|(i, &c)| if i % 3 == 0 { c + 100 } else { c }));
        let after = scores(&split, &labels);
        prop_assert!(after.purity >= before.purity);
        prop_assert!(after.homogeneity >= before.homogeneity - TOLERANCE);
    }

    #[test]
    fn means_are_ordered((clusters, labels) in labellings()) {
        let table = Contingency::new(clusters.view(), labels.view()).expect("valid");
        let nmi = [Average::Min, Average::Geometric, Average::Arithmetic, Average::Max].map(|average| table.nmi(average));
        prop_assert!(nmi.windows(2).all(|pair| pair[0] >= pair[1] - TOLERANCE), "{nmi:?}");
    }
}

#[test]
fn purity_by_hand() {
    let pairs = [
        (array![0, 0, 1, 1], array![0, 0, 0, 1], 0.75),
        (array![0, 0, 0, 1], array![0, 0, 1, 1], 0.75),
        (array![0, 1, 2, 2], array![0, 0, 0, 1], 0.75),
        (array![0, 0, 0, 1], array![0, 1, 2, 2], 0.5),
    ];
    for (clusters, labels, expected) in pairs {
        assert_eq!(purity(clusters.view(), labels.view()), Ok(expected));
    }
}

/// Sizes of the digits in MNIST's training split: one big cluster scores the share of the digit 1.
#[test]
fn a_constant_prediction_scores_the_majority_share() {
    const DIGITS: [usize; 10] = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let labels: Array1<u32> =
        (0_u32..).zip(DIGITS).flat_map(|(digit, size)| std::iter::repeat_n(digit, size)).collect();
    let constant = Array1::from_elem(60_000, 4_u32);
    let expected = 6742.0 / 60_000.0;
    let scores = scores(&constant, &labels);
    assert_eq!((scores.acc, scores.purity), (expected, expected));
    assert_eq!(majority_share(labels.view()), Ok(expected));
    assert_eq!((scores.nmi, scores.ami, scores.ari), (0.0, 0.0, 0.0));
    assert_eq!((scores.homogeneity, scores.completeness, scores.v_measure), (0.0, 1.0, 0.0));
    assert_eq!((scores.n_clusters_found, scores.n_classes), (1, 10));
    let map = LabelMap::majority(constant.view(), labels.view()).expect("valid");
    assert_eq!(map.get(4), Some(1));
    assert_eq!(acc(labels.view(), constant.view()), Ok(expected));
}

#[test]
fn scores_are_written_under_their_names() {
    let scores = scores(&array![0, 0, 1, 1], &array![0, 0, 0, 1]);
    let json = serde_json::to_value(scores).expect("numbers only");
    assert_eq!(json["acc"], 0.75);
    assert_eq!(json["n_clusters_found"], 2);
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(10));
}
