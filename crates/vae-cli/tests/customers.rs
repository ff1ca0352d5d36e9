//! Customers of four kinds that are known, as a user gives them: `vae fit --data customers.csv`
//! finds the kinds, and the cards name the columns in which each kind differs, and no others.

mod common;

use common::Place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Customers of each kind.
const SIZE: usize = 150;

/// Numbers that are always the same.
struct Random(u64);

impl Random {
    /// In `0..1`, by the generator of Numerical Recipes.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Close to normal: a sum of twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// The file: six numbers with their units, a category, and a column that says nothing. What
/// [`true_features`] does not name is drawn alike for all kinds. A basket in fifty is missing.
fn customers() -> String {
    let mut text = String::from(
        "customer,age (years),income (EUR),visits (per month),basket (EUR),distance (km),tenure (months),region,shoe size\n",
    );
    let mut random = Random(11);
    for i in 0..4 * SIZE {
        let kind = i % 4;
        let is = |k: usize| if kind == k { 1.0 } else { 0.0 };
        let age = 48.0 - 24.0 * is(0) + 4.0 * random.normal();
        let income = (10.3 + 1.6 * is(1) + 0.25 * random.normal()).exp();
        let visits = (8.0 + 14.0 * is(2) + 1.5 * random.normal()).max(0.0);
        let basket = 60.0 + 70.0 * is(1) + 8.0 * random.normal();
        let distance = 30.0 - 22.0 * is(2) + 3.0 * random.normal();
        let tenure = 70.0 - 50.0 * is(0) + 8.0 * random.normal();
        let region = match (kind, random.uniform()) {
            (3, p) if p < 0.95 => "north",
            (_, p) => ["south", "east", "west"][(3.0 * p) as usize % 3],
        };
        let basket = if random.uniform() < 0.02 { String::new() } else { format!("{basket:.2}") };
        let shoe = 42.0 + 2.0 * random.normal();
        let _ = writeln!(
            text,
            "C{i:04},{age:.1},{income:.0},{visits:.1},{basket},{distance:.1},{tenure:.1},{region},{shoe:.1}"
        );
    }
    text
}

/// Columns in which a kind differs from all others, and how.
fn true_features(kind: usize) -> BTreeSet<(&'static str, &'static str)> {
    let features: &[(&str, &str)] = match kind {
        0 => &[("age (years)", "low"), ("tenure (months)", "low")],
        1 => &[("income (EUR)", "high"), ("basket (EUR)", "high")],
        2 => &[("visits (per month)", "high"), ("distance (km)", "low")],
        _ => &[("region", "high")],
    };
    features.iter().copied().collect()
}

#[test]
fn the_cards_name_the_true_features() {
    let place = Place::new();
    place.write("customers.csv", customers());
    let fit = ["fit", "--data", "customers.csv", "--id-column", "customer", "--profile", "quick"];
    place.ok(&[&fit[..], &["--threads", "1", "--out", "run"]].concat());
    let clusters: Value = serde_json::from_slice(&place.read("run/clusters.json")).expect("JSON");
    let clusters = clusters["clusters"].as_array().expect("a list");
    assert_eq!(clusters.len(), 4, "the number is estimated: {clusters:#?}");
    let kinds = kinds(&place);
    let page = String::from_utf8(place.read("run/report.html")).expect("UTF-8");
    for (cluster, of) in clusters.iter().enumerate() {
        let (kind, count) = kinds[&cluster];
        let size = of["size"].as_u64().expect("a size") as usize;
        assert!(count * 100 >= 97 * size, "cluster {cluster} is of one kind: {count} of {size}");
        let features = of["features"].as_array().expect("a list");
        let told: BTreeSet<(&str, &str)> = features
            .iter()
            .map(|f| (f["column"].as_str().expect("a name"), f["direction"].as_str().expect("a direction")))
            .collect();
        assert_eq!(told, true_features(kind), "kind {kind}: {}", of["summary"]);
        // The card has them, with their units.
        let card = page.split("<article").find(|card| card.contains(&format!("id=\"cluster-{cluster}\"")));
        let card = card.and_then(|card| card.split("</article>").next()).expect("a card");
        let named = card.matches("<div class=\"feature\"").count();
        assert_eq!(named, told.len(), "kind {kind}");
        for (column, _) in &told {
            assert!(card.contains(&format!("<b>{column}")), "{column} in the card of kind {kind}");
        }
    }
    let found: BTreeSet<usize> = kinds.values().map(|(kind, _)| *kind).collect();
    assert_eq!(found.len(), 4, "each kind is a cluster");
}

/// The kind that most rows of each cluster are of, and how many are.
fn kinds(place: &Place) -> BTreeMap<usize, (usize, usize)> {
    let text = String::from_utf8(place.read("run/assignments.csv")).expect("UTF-8");
    let mut counts: BTreeMap<usize, [usize; 4]> = BTreeMap::new();
    let head = text.lines().next().expect("a header");
    let at = head.split(',').position(|name| name == "cluster").expect("a column");
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let customer: usize = cells[0][1..].parse().expect("a number");
        let cluster = cells[at].parse().expect("a number");
        counts.entry(cluster).or_default()[customer % 4] += 1;
    }
    let largest = |of: [usize; 4]| (0..4).map(|kind| (kind, of[kind])).max_by_key(|of| of.1).expect("four");
    counts.into_iter().map(|(cluster, of)| (cluster, largest(of))).collect()
}
