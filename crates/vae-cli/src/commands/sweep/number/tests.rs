use super::*;
use std::collections::BTreeMap;
use vae_report::sweep::Spread;

fn spread(v: f64) -> Spread {
    Spread { mean: v, low: v, high: v }
}

/// Three groups: nothing is cut up to 3, then a group.
fn three(strength: f64, clarity: partition::Clarity) -> (OfData, NumberOfClusters) {
    let relative = [0.1, 0.1, 0.8];
    let data = OfData {
        n_rows: 100,
        relative_conductance: (2..).zip(relative).collect(),
        prediction_strength: BTreeMap::from([(2, spread(0.7)), (3, spread(strength)), (4, spread(0.4))]),
    };
    let relative_conductances = relative.to_vec();
    (data, NumberOfClusters { n_clusters: 3, runner_up: Some(2), clarity, relative_conductances })
}

fn decided(clusters: &[usize], strength: f64, clarity: partition::Clarity) -> Number {
    let (data, estimate) = three(strength, clarity);
    decide(clusters, &data, Some(&estimate), &[])
}

#[test]
fn a_number_is_as_clear_as_the_evidence() {
    use partition::Clarity::{Clear, Contested, NoGroups};
    let all = [2, 3, 4];
    let of = |number: Number| (number.recommended, number.clarity);
    assert_eq!(of(decided(&all, 0.95, Clear)), (Some(3), Clarity::Clear));
    assert_eq!(of(decided(&all, 0.6, Clear)), (Some(3), Clarity::Likely));
    assert_eq!(of(decided(&all, 0.95, Contested)), (Some(3), Clarity::Likely));
    // The next best comes near, and the halves are for it, without confirming it.
    let near = decided(&all, 0.5, Contested);
    assert_eq!((near.recommended, near.used, near.clarity), (None, 2, Clarity::None));
    assert!(near.reasons[1].contains("prediction strength is for 2"), "{:?}", near.reasons);
    // Below 0.8, and a peak only if far enough above both neighbours: 0.7 for 2, and 0.4 for 4.
    assert_eq!(of(decided(&all, 0.79, Contested)), (None, Clarity::None), "too near 0.7");
    // There is nothing to cut, whatever the halves say.
    let none = decided(&all, 0.95, NoGroups);
    assert_eq!((none.recommended, none.used), (None, 3));
    assert!(none.sentence.contains("no groups"), "{}", none.sentence);
    // The number is not among those that were asked for.
    let outside = decided(&[6, 8], 0.95, Clear);
    assert_eq!((outside.recommended, outside.used), (None, 6));
    assert!(outside.sentence.contains("look like 3 clusters"), "{}", outside.sentence);
    let (data, _) = three(0.9, Clear);
    assert!(decide(&all, &data, None, &[]).sentence.contains("cannot be cut"));
}

#[test]
fn criteria_vote_and_disagreement_is_said() {
    let cell = |n_clusters: usize, modularity: f64, davies_bouldin: f64| OverSeeds {
        method: "a".into(),
        n_clusters,
        n_runs: 1,
        criteria: BTreeMap::from([
            ("modularity".to_owned(), spread(modularity)),
            ("davies_bouldin".to_owned(), spread(davies_bouldin)),
        ]),
    };
    let cells = [cell(2, 0.6, 0.9), cell(3, 0.6, 0.8), cell(4, 0.6, 0.7)];
    let (data, estimate) = three(0.9, partition::Clarity::Clear);
    let number = decide(&[2, 3, 4], &data, Some(&estimate), &cells);
    let vote = |key: &str| number.votes.iter().find(|v| v.criterion == key).and_then(|v| v.n_clusters);
    assert_eq!((vote("relative_conductance"), vote("prediction_strength")), (Some(3), Some(3)));
    assert_eq!(
        (vote("modularity"), vote("davies_bouldin")),
        (Some(3), Some(4)),
        "of equals the one decided for"
    );
    assert_eq!(number.clarity, Clarity::Clear, "criteria of runs do not decide");
    let last = number.reasons.last().expect("reasons");
    assert_eq!(last, "The criteria of the runs disagree: Davies-Bouldin 4.");
}
