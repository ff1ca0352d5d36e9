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
        like_normal_rows: vec![],
        bic: BTreeMap::new(),
    };
    let relative_conductances = relative.to_vec();
    (data, NumberOfClusters { n_clusters: 3, runner_up: Some(2), clarity, relative_conductances })
}

fn decided(clusters: &[usize], strength: f64, clarity: partition::Clarity) -> Number {
    let (data, estimate) = three(strength, clarity);
    decide(clusters, &data, Some(&estimate), &[])
}

#[test]
fn halves_take_a_clear_number_back_for_fewer_clusters_that_stand_further_apart() {
    let of = |four: f64| {
        let (mut data, mut estimate) = three(0.97, partition::Clarity::Clear);
        data.relative_conductance = BTreeMap::from([(2, 0.2), (3, 0.09), (4, 0.26), (5, 1.0)]);
        data.prediction_strength.insert(4, spread(four));
        estimate.relative_conductances = data.relative_conductance.values().copied().collect();
        (estimate.n_clusters, estimate.runner_up) = (4, Some(2));
        decide(&[2, 3, 4, 5], &data, Some(&estimate), &[])
    };
    let taken_back = of(0.54);
    assert_eq!((taken_back.recommended, taken_back.clarity), (Some(3), Clarity::Likely));
    assert!(taken_back.sentence.contains("and not 4"), "{}", taken_back.sentence);
    assert_eq!(of(0.7).recommended, Some(4), "its worst cluster may be small");
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
    // There is nothing to cut, and the halves do not say otherwise.
    let none = decided(&all, 0.85, NoGroups);
    assert_eq!((none.recommended, none.used), (None, 3));
    assert!(none.sentence.contains("no groups"), "{}", none.sentence);
    // Normal rows come apart as much.
    let (mut data, estimate) = three(0.85, NoGroups);
    data.like_normal_rows = vec![3];
    let alike = decide(&all, &data, Some(&estimate), &[]);
    assert!(alike.recommended.is_none() && alike.sentence.contains("normal rows"), "{}", alike.sentence);
    let (mut data, estimate) = three(0.85, Contested);
    data.like_normal_rows = vec![2, 3];
    let alike = decide(&all, &data, Some(&estimate), &[]);
    assert!(alike.recommended.is_none() && alike.sentence.contains("normal rows"), "{}", alike.sentence);
    // A smaller number into which they do not.
    data.like_normal_rows = vec![3];
    let fewer = decide(&all, &data, Some(&estimate), &[]);
    assert_eq!((fewer.used, fewer.clarity), (2, Clarity::None));
    assert!(fewer.sentence.contains("neither 2 clusters nor 3"), "{}", fewer.sentence);
    assert!(fewer.reasons[1].contains("normal rows with the same correlations"), "{:?}", fewer.reasons);
    // The number is not among those that were asked for.
    let outside = decided(&[6, 8], 0.95, Clear);
    assert_eq!((outside.recommended, outside.used), (None, 6));
    assert!(outside.sentence.contains("look like 3 clusters"), "{}", outside.sentence);
    let (data, _) = three(0.9, Clear);
    assert!(decide(&all, &data, None, &[]).sentence.contains("cannot be cut"));
}

/// What is measured of data of which the graph says that there are no groups.
#[test]
fn groups_of_few_rows_are_seen_by_halves_alone() {
    let with = |relative: &[f64], strengths: &[f64], like_normal_rows: Vec<usize>| {
        let relative_conductances = relative.to_vec();
        let data = OfData {
            n_rows: 90,
            relative_conductance: (2..).zip(relative.iter().copied()).collect(),
            prediction_strength: (2..).zip(strengths.iter().map(|&s| spread(s))).collect(),
            like_normal_rows,
            bic: BTreeMap::new(),
        };
        let clarity = partition::Clarity::NoGroups;
        let estimate = NumberOfClusters { n_clusters: 2, runner_up: None, clarity, relative_conductances };
        decide(&[2, 3, 4, 5], &data, Some(&estimate), &[])
    };
    let of = |relative: &[f64], strengths: &[f64]| with(relative, strengths, vec![]);
    // Three groups of 30 rows in 400 columns.
    let found = of(&[0.66, 0.43, 1.10], &[0.6, 1.0, 0.66, 0.5]);
    assert_eq!((found.recommended, found.clarity), (Some(3), Clarity::Likely));
    assert!(found.sentence.contains("no cut of the neighbour graph stands out"), "{}", found.sentence);
    let alike = with(&[0.66, 0.43, 1.10], &[0.6, 1.0, 0.66, 0.5], vec![2]);
    assert!(alike.recommended.is_none() && alike.sentence.contains("normal rows"), "{}", alike.sentence);
    // A long Gaussian, a square, and one Gaussian in 200 columns.
    for (relative, strengths) in [
        ([0.2, 0.29, 0.4], [0.86, 0.6, 0.48, 0.5]),
        ([0.34, 0.38, 0.64], [0.62, 0.47, 0.37, 0.33]),
        ([0.9, 1.42, 1.85], [0.56, 0.33, 0.26, 0.21]),
    ] {
        assert_eq!(of(&relative, &strengths).recommended, None, "{relative:?}");
    }
    // Halves of a bar agree on where they cut it; one cut more is no worse.
    assert_eq!(of(&[0.5, 0.9, 1.0], &[0.95, 0.9, 0.8, 0.8]).recommended, None);
    // Too much is cut, or nothing is known of one cluster more.
    assert_eq!(of(&[0.66, 0.72, 1.3], &[0.6, 1.0, 0.66, 0.5]).recommended, None);
    assert_eq!(of(&[0.66, 0.6, 0.85], &[0.6, 1.0, 0.66, 0.5]).recommended, None);
    assert_eq!(of(&[0.66, 0.43], &[0.6, 1.0]).recommended, None);
}

#[test]
fn latent_classes_are_counted_by_bic() {
    let of = |runner_up: Option<usize>, strengths: &[f64]| {
        let data = OfData {
            n_rows: 600,
            prediction_strength: (2..).zip(strengths.iter().map(|&s| spread(s))).collect(),
            bic: BTreeMap::from([(1, 900.0), (2, 805.0), (3, 800.0), (4, 850.0)]),
            ..OfData::default()
        };
        let clarity = partition::Clarity::Contested;
        let estimate =
            NumberOfClusters { n_clusters: 3, runner_up, clarity, relative_conductances: Vec::new() };
        decide(&[2, 3, 4], &data, Some(&estimate), &[])
    };
    let likely = of(None, &[0.95, 0.85, 0.5]);
    assert_eq!((likely.recommended, likely.votes[0].criterion.as_str()), (Some(3), "bic"));
    assert!(likely.sentence.contains("of the lowest BIC"), "{}", likely.sentence);
    let near = of(Some(2), &[0.95, 0.85, 0.5]);
    assert_eq!(near.recommended, Some(2));
    assert!(near.sentence.contains("hardly higher than that of 3"), "{}", near.sentence);
    assert!(near.reasons[0].contains("BIC is lowest at 3"), "{:?}", near.reasons);
    let unclear = of(None, &[0.7, 0.6, 0.5]);
    assert!(unclear.recommended.is_none() && unclear.sentence.contains("do not confirm 3"), "{unclear:?}");
    let few = of(None, &[]);
    assert!(few.sentence.contains("too few rows"), "{}", few.sentence);
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
