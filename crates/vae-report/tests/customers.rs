//! Customers of four kinds that are known, as a file: the features that are told are the true ones,
//! in every cluster.

use vae_report::{ClusterNames, Confidence, Data, Detail, Direction, Options, Subject, Table, explain};

mod common;

use common::{SIZE, csv, read};

/// Columns and directions of each group.
fn true_features(group: usize) -> Vec<(&'static str, Direction)> {
    match group {
        0 => vec![("age", Direction::Low)],
        1 => vec![("income (EUR)", Direction::High)],
        2 => vec![("visits", Direction::High), ("basket (EUR)", Direction::Low)],
        _ => vec![("region", Direction::High)],
    }
}

#[test]
fn the_named_features_are_the_true_ones() {
    let text = csv();
    let (x, schema, row_names) = read(&text);
    let assignments = (0..4 * SIZE).map(|i| (i % 4) as u32).collect::<ndarray::Array1<u32>>();
    let names = ClusterNames::new();
    let subject = Subject {
        data: Data::Table(Table::new(x.view(), &schema).expect("fits")),
        assignments: assignments.view(),
        n_clusters: 4,
        confidence: Confidence::Unknown,
        codes: None,
        row_names: Some(&row_names),
        cluster_names: &names,
    };
    let options = Options::default();
    let found = explain(&subject, &options).expect("sound");
    for (group, cluster) in found.clusters.iter().enumerate() {
        let mut told: Vec<(&str, Direction)> =
            cluster.features.iter().map(|f| (f.column.as_str(), f.direction)).collect();
        let mut expected = true_features(group);
        told.sort_by_key(|f| f.0);
        expected.sort_by_key(|f| f.0);
        assert_eq!(told, expected, "group {group}: {cluster:#?}");
        assert_eq!(cluster.size, SIZE);
        for feature in &cluster.features {
            assert!(feature.overlap < 0.35 && feature.difference.abs() < 12.0, "{feature:?}");
        }
    }
    let region = &found.clusters[3].features[0];
    let Detail::Level { level, share_inside, share_outside, .. } = &region.detail else {
        panic!("{region:?}")
    };
    assert_eq!((level.as_str(), *share_outside), ("north", 0.0));
    assert!((0.85..0.95).contains(share_inside));
    assert!(
        found.clusters[2]
            .summary
            .starts_with("cluster 2: 250 rows; high visits (median 24, elsewhere 8), low basket (EUR)"),
        "{}",
        found.clusters[2].summary
    );
    assert!(found.clusters[0].typical[0].name.as_deref().is_some_and(|name| name.starts_with('c')));
    assert_eq!(explain(&subject, &options).expect("sound"), found, "twice the same");
}
