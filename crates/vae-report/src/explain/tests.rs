//! All parts together.

use super::*;
use crate::clusters::{NearestBy, TypicalBy};
use crate::data::{ClusterNames, Confidence, Images};
use ndarray::{Array1, Array2, array};
use vae_array::{ImageShape, Schema};

fn with<'a>(
    table: Table<'a>,
    assignments: &'a Array1<u32>,
    k: usize,
    names: &'a ClusterNames,
) -> Subject<'a> {
    Subject {
        data: Data::Table(table),
        assignments: assignments.view(),
        n_clusters: k,
        confidence: Confidence::Unknown,
        codes: None,
        row_names: None,
        cluster_names: names,
    }
}

#[test]
fn members_and_neighbours_by_hand() {
    let schema = Schema::plain(true, ["x"]);
    let x = Array2::zeros((6, 1));
    let names = ClusterNames::from([(1, "far".to_owned())]);
    let assignments = array![0, 0, 0, 1, 2, 2];
    // Centres: (1, 0), (10, 0), (0, 3); the last cluster is empty.
    let codes = array![[0.0f32, 0.0], [1.0, 0.0], [2.0, 0.0], [10.0, 0.0], [0.0, 2.0], [0.0, 4.0]];
    let gamma = array![
        [0.5f32, 0.2, 0.3, 0.0],
        [0.95, 0.05, 0.0, 0.0],
        [0.6, 0.2, 0.2, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.1, 0.1, 0.8, 0.0],
        [0.0, 0.3, 0.7, 0.0]
    ];
    let rows: Vec<String> = "abcdef".chars().map(String::from).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    let subject = Subject {
        confidence: Confidence::Posterior(gamma.view()),
        codes: Some(codes.view()),
        row_names: Some(&rows),
        ..with(table, &assignments, 4, &names)
    };
    let found = explain(&subject, &Options::default()).expect("sound");
    let [first, far, third, empty] = found.clusters.as_slice() else { panic!("four") };
    let of = |c: &Cluster| c.typical.iter().map(|m| m.row).collect::<Vec<_>>();
    assert_eq!((first.typical_by, of(first)), (TypicalBy::Centre, vec![1, 0, 2]));
    assert_eq!(first.typical[0].name.as_deref(), Some("b"));
    let doubt: Vec<_> =
        first.doubtful.iter().map(|d| (d.member.row, d.runner_up.map(|r| r.cluster))).collect();
    assert_eq!(doubt, [(0, Some(2)), (2, Some(1))], "0.95 is no doubt, and of equal ones the first");
    let near = first.nearest.expect("others");
    assert_eq!((near.cluster, near.by), (2, NearestBy::Centres));
    assert!((near.value - 10f64.sqrt()).abs() < 1e-12);
    assert_eq!((far.nearest.map(|n| n.cluster), far.summary.as_str()), (Some(0), "cluster 1 “far”: 1 row"));
    assert!((third.mean_confidence.expect("known") - 0.75).abs() < 1e-6);
    assert_eq!((empty.size, empty.nearest, empty.mean_confidence), (0, None, None));
    assert_eq!(empty.summary, "cluster 3: no rows");
    assert!((found.mean_confidence.expect("known") - 4.55 / 6.0).abs() < 1e-6);

    let by_posterior = explain(&Subject { codes: None, ..subject }, &Options::default()).expect("sound");
    let near = by_posterior.clusters[2].nearest.expect("others");
    assert_eq!((near.cluster, near.by), (1, NearestBy::Posterior));
    assert!((near.value - 0.2).abs() < 1e-6);
    assert_eq!(by_posterior.clusters[0].typical[0].row, 1, "the highest confidence");
}

/// A fit may keep a cluster for a row that the model alone would give another.
#[test]
fn the_confidence_of_a_row_is_that_of_its_own_cluster() {
    let (schema, x) = (Schema::plain(true, ["x"]), Array2::zeros((2, 1)));
    let (names, assignments) = (ClusterNames::new(), array![1, 0]);
    let gamma = array![[0.75f32, 0.25], [1.0, 0.0]];
    let table = Table::new(x.view(), &schema).expect("fits");
    let subject =
        Subject { confidence: Confidence::Posterior(gamma.view()), ..with(table, &assignments, 2, &names) };
    let found = explain(&subject, &Options::default()).expect("sound");
    let doubt = &found.clusters[1].doubtful[0];
    assert_eq!((doubt.member.row, doubt.member.confidence), (0, Some(0.25)));
    assert_eq!(doubt.runner_up.map(|r| (r.cluster, r.probability)), Some((0, 0.75)));
}

#[test]
fn edges_are_no_trouble() {
    let names = ClusterNames::new();
    let schema = Schema::plain(true, ["x"]);
    let options = Options::default();
    for (values, clusters, k) in [
        (vec![1.0f32], vec![0], 1),
        (vec![], vec![], 0),
        (vec![], vec![], 2),
        (vec![1.0, 2.0, f32::NAN], vec![0, 0, 0], 1),
        (vec![1.0, 2.0], vec![0, 1], 2),
        (vec![f32::NAN, f32::INFINITY], vec![2, 1], 4),
    ] {
        let (x, clusters) =
            (Array2::from_shape_vec((values.len(), 1), values).expect("one column"), clusters);
        let assignments = Array1::from_vec(clusters);
        let table = Table::new(x.view(), &schema).expect("fits");
        let found = explain(&with(table, &assignments, k, &names), &options).expect("sound");
        assert_eq!(found.clusters.len(), k);
        let text = serde_json::to_string(&found).expect("json");
        assert_eq!(serde_json::from_str::<Clusters>(&text).expect("read"), found, "{text}");
    }
}

#[test]
fn images_have_members_only() {
    let names = ClusterNames::new();
    let (x, assignments) = (array![[0.0f32, 1.0], [1.0, 0.0]], array![0, 1]);
    let shape = ImageShape { channels: 1, height: 1, width: 2 };
    let schema = Schema::plain(true, ["x", "y"]);
    let table = Table::new(x.view(), &schema).expect("fits");
    let images = Data::Images(Images { x: x.view(), shape });
    let subject = Subject { data: images, ..with(table, &assignments, 2, &names) };
    let found = explain(&subject, &Options::default()).expect("sound");
    assert!(found.clusters[0].features.is_empty());
    assert_eq!(found.clusters[1].typical[0].row, 1);
}

#[test]
fn what_does_not_fit_is_told() {
    let names = ClusterNames::new();
    let schema = Schema::plain(true, ["x"]);
    let x = Array2::zeros((2, 1));
    let table = Table::new(x.view(), &schema).expect("fits");
    let said = |subject: Subject<'_>| explain(&subject, &Options::default()).expect_err("wrong").to_string();
    let (two, three) = (array![0, 1], array![0, 1, 0]);
    assert!(said(with(table, &three, 2, &names)).contains("2 rows of data for 3 rows"));
    assert!(said(with(table, &two, 1, &names)).contains("row 1 is in cluster 1, but there are 1"));
    let nan = array![[0.5f32, f32::NAN], [1.0, 0.0]];
    let gamma = Confidence::Posterior(nan.view());
    assert!(said(Subject { confidence: gamma, ..with(table, &two, 2, &names) }).contains("row 0"));
    assert!(said(Subject { confidence: gamma, ..with(table, &two, 3, &names) }).contains("2 probabilities"));
    let codes = Array2::zeros((1, 2));
    assert!(said(Subject { codes: Some(codes.view()), ..with(table, &two, 2, &names) }).contains("1 latent"));
    assert!(Table::new(codes.view(), &schema).is_err());
}

#[test]
fn the_keys_are_stable() {
    let names = ClusterNames::from([(0, "young, \"new\"".to_owned())]);
    let schema = Schema::plain(true, ["age"]);
    let x = Array2::from_shape_fn((40, 1), |(i, _)| if i < 20 { i as f32 } else { 30.0 + i as f32 });
    let assignments = (0..40).map(|i| u32::from(i >= 20)).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    let found = explain(&with(table, &assignments, 2, &names), &Options::default()).expect("sound");
    let text = serde_json::to_value(&found).expect("json");
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    let cluster = &text["clusters"][0];
    assert_eq!(keys(&text), "clusters n n_clusters schema");
    assert_eq!(keys(cluster), "cluster features name share size summary typical typical_by");
    assert_eq!(keys(&cluster["features"][0]), "column detail difference direction overlap");
    let number = &cluster["features"][0]["detail"]["number"];
    assert_eq!(keys(number), "axis inside measure outside");
    assert_eq!(keys(&number["inside"]), "count mean median q25 q75");
    assert_eq!(
        found.to_csv().lines().nth(1),
        Some(
            "0,\"young, \"\"new\"\"\",20,0.5,,,\"cluster 0 “young, \"\"new\"\"”: 20 rows; low age (median 9.5, elsewhere 59.5)\""
        )
    );
    let mut renamed = found.clone();
    renamed.rename(&ClusterNames::from([(1, "old".to_owned())]));
    assert_eq!(renamed.clusters[0].summary, "cluster 0: 20 rows; low age (median 9.5, elsewhere 59.5)");
    assert_eq!(renamed.clusters[1].name.as_deref(), Some("old"));
    let without = found.without_rows();
    assert!(without.clusters.iter().all(|c| c.typical.is_empty() && c.features.len() == 1));
}

#[test]
fn few_rows_say_too_much_about_each() {
    let names = ClusterNames::new();
    let schema = Schema::plain(true, ["income"]);
    let x = Array2::from_shape_fn((104, 1), |(i, _)| if i < 4 { 1e6 } else { i as f32 });
    let assignments = (0..104).map(|i| u32::from(i >= 4)).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    let found = explain(&with(table, &assignments, 2, &names), &Options::default()).expect("sound");
    assert!(found.clusters.iter().all(|c| c.features.len() == 1));
    let without = found.without_rows();
    assert!(without.clusters.iter().all(|c| c.features.is_empty()), "four are few, inside and outside");
    assert_eq!(without.clusters[0].summary, "cluster 0: 4 rows");
}

#[test]
fn a_cluster_far_away_makes_no_feature_of_the_others() {
    let names = ClusterNames::new();
    let schema = Schema::plain(true, ["age"]);
    // Clusters 0 to 2 are alike; 3 is far. In one of 0 to 2 the others are younger, by its doing.
    let x =
        Array2::from_shape_fn((400, 1), |(i, _)| (i / 4 % 10) as f32 - if i % 4 == 3 { 40.0 } else { 0.0 });
    let assignments = (0..400).map(|i| i % 4).collect();
    let table = Table::new(x.view(), &schema).expect("fits");
    let found = explain(&with(table, &assignments, 4, &names), &Options::default()).expect("sound");
    let told: Vec<usize> = found.clusters.iter().map(|c| c.features.len()).collect();
    assert_eq!(told, [0, 0, 0, 1]);
}
