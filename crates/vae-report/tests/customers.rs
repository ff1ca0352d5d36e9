//! Customers of four kinds that are known, as a file: the features that are told are the true ones, in every cluster.

use ndarray::Array2;
use vae_array::{Column, Schema};
use vae_report::{ClusterNames, Confidence, Data, Detail, Direction, Options, Subject, Table, explain};

/// Number of customers in each group.
const SIZE: usize = 250;

/// The file as text: `id`, four numbers, one category, one column that is the same for all, one that says
/// nothing. What is not named in [`true_features`] is drawn alike for all groups.
fn csv() -> String {
    let mut lines = String::from("id,age,income (EUR),visits,basket (EUR),region,country,noise\n");
    let mut state = 7u64;
    let mut uniform = move || {
        // Numerical Recipes' generator; its high bits are good enough for a table.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for i in 0..4 * SIZE {
        let group = i % 4;
        // A sum of twelve uniform numbers is close to normal.
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let age = 45.0 + 6.0 * normal() - if group == 0 { 22.0 } else { 0.0 };
        let income = (10.3 + 0.5 * normal() + if group == 1 { 2.2 } else { 0.0 }).exp();
        let visits = (8.0 + 2.0 * normal() + if group == 2 { 16.0 } else { 0.0 }).max(0.0).round();
        let basket = 60.0 + 9.0 * normal() - if group == 2 { 35.0 } else { 0.0 };
        let noise = normal();
        let region = match (group, uniform()) {
            (3, p) if p < 0.9 => "north",
            (_, p) => ["south", "east", "west"][(3.0 * p) as usize % 3],
        };
        // One basket in fifty is not known.
        let basket = if uniform() < 0.02 { String::new() } else { format!("{basket:.2}") };
        lines += &format!("c{i},{age:.1},{income:.0},{visits},{basket},{region},DE,{noise:.3}\n");
    }
    lines
}

/// Columns and directions of each group.
fn true_features(group: usize) -> Vec<(&'static str, Direction)> {
    match group {
        0 => vec![("age", Direction::Low)],
        1 => vec![("income (EUR)", Direction::High)],
        2 => vec![("visits", Direction::High), ("basket (EUR)", Direction::Low)],
        _ => vec![("region", Direction::High)],
    }
}

/// The file as features, as a reader of tables makes them.
fn read(csv: &str) -> (Array2<f32>, Schema, Vec<String>) {
    let regions = ["east", "north", "south", "west"];
    let mut columns: Vec<Column> =
        ["age", "income (EUR)", "visits", "basket (EUR)"].map(Column::number).to_vec();
    columns.extend([
        Column::category("region", regions),
        Column::category("country", ["DE"]),
        Column::number("noise"),
    ]);
    let mut values = Vec::new();
    let mut names = Vec::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        names.push(cells[0].to_owned());
        let number = |cell: &str| cell.parse().unwrap_or(f32::NAN);
        values.extend(cells[1..5].iter().map(|cell| number(cell)));
        values.extend(regions.iter().map(|region| f32::from(u8::from(*region == cells[5]))));
        values.extend([1.0, number(cells[7])]);
    }
    let schema = Schema { named: true, columns };
    let x = Array2::from_shape_vec((names.len(), schema.n_features()), values).expect("a table");
    (x, schema, names)
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
