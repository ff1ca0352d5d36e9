//! One line about a cluster, as a person would write it.

use crate::clusters::{Cluster, Detail, Direction, Feature, Spread, Word};
use crate::text::{counted, pair, percent};

/// Features that are named, at most.
const FEATURES: usize = 5;
/// Words that are named, at most.
const WORDS: usize = 6;

/// The line: number, name, size, and what sets the cluster apart of `n` rows.
///
/// Features stand in the order of their strength, those that are high together, then those that are
/// low; the strongest of each kind shows its numbers.
pub fn line(cluster: &Cluster, n: usize) -> String {
    let name = cluster.name.as_ref().map_or_else(String::new, |name| format!(" “{name}”"));
    let size = match cluster.size {
        0 => "no rows".into(),
        size if size == n && n > 1 => format!("all {}", counted(n, "row")),
        size => counted(size, "row"),
    };
    let about = about(cluster, n);
    let about = if about.is_empty() { about } else { format!("; {about}") };
    format!("cluster {}{name}: {size}{about}", cluster.cluster)
}

/// What sets the cluster apart, without its number and size.
pub fn about(cluster: &Cluster, n: usize) -> String {
    if !cluster.words.is_empty() {
        return words(&cluster.words);
    }
    let features = &cluster.features[..cluster.features.len().min(FEATURES)];
    if features.is_empty() || cluster.size == 0 || cluster.size == n {
        return String::new();
    }
    let is_number = |feature: &&Feature| matches!(feature.detail, Detail::Number { .. });
    let side = |direction| {
        features.iter().filter(is_number).filter(|f| f.direction == direction).collect::<Vec<_>>()
    };
    let strongest = features.iter().find(is_number);
    let mut parts: Vec<String> = Vec::new();
    let (high, low) = (side(Direction::High), side(Direction::Low));
    let mut sides = [("high", high), ("low", low)];
    if strongest.is_some_and(|feature| feature.direction == Direction::Low) {
        sides.reverse();
    }
    for (word, side) in sides.into_iter().filter(|(_, side)| !side.is_empty()) {
        let names: Vec<String> = side.iter().map(|feature| named(feature, strongest)).collect();
        parts.push(format!("{word} {}", listed(&names)));
    }
    parts.extend(features.iter().filter(|feature| !is_number(feature)).map(share));
    parts.join(", ")
}

/// The name of a column of numbers, with its typical values where it is the strongest.
fn named(feature: &Feature, strongest: Option<&Feature>) -> String {
    let Detail::Number { inside, outside, .. } = &feature.detail else { return feature.column.clone() };
    if strongest != Some(feature) {
        return feature.column.clone();
    }
    let (what, [a, b]) = typical(inside, outside);
    format!("{} ({what} {a}, elsewhere {b})", feature.column)
}

/// The medians of both sides; where they are equal, as those of columns that are mostly 0, the
/// means.
pub fn typical(inside: &Spread, outside: &Spread) -> (&'static str, [String; 2]) {
    match inside.median == outside.median {
        true => ("mean", pair(inside.mean, outside.mean)),
        false => ("median", pair(inside.median, outside.median)),
    }
}

fn share(feature: &Feature) -> String {
    match &feature.detail {
        Detail::Level { level, share_inside, share_outside, .. } => {
            let often = match feature.direction {
                Direction::High if *share_inside >= 0.5 => "mostly",
                Direction::High => "more often",
                Direction::Low if *share_inside == 0.0 => "never",
                Direction::Low => "less often",
            };
            let (a, b) = (percent(*share_inside), percent(*share_outside));
            format!("{often} {} = {level} ({a}, elsewhere {b})", feature.column)
        }
        Detail::Missing { share_inside, share_outside, .. } => {
            let (a, b) = (percent(*share_inside), percent(*share_outside));
            format!("{} missing for {a} (elsewhere {b})", feature.column)
        }
        Detail::Number { .. } => feature.column.clone(),
    }
}

fn words(words: &[Word]) -> String {
    words.iter().take(WORDS).map(|word| word.word.as_str()).collect::<Vec<_>>().join(", ")
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::{Measure, TypicalBy};

    fn number(column: &str, difference: f64, medians: [f64; 2]) -> Feature {
        let spread = |v: f64| Spread { count: 9, mean: v + 0.25, q25: v, median: v, q75: v };
        let [inside, outside] = medians.map(spread);
        Feature {
            column: column.into(),
            direction: Direction::of(difference),
            difference,
            overlap: 0.5,
            detail: Detail::Number { measure: Measure::Mean, inside, outside, axis: [0.0, 1.0] },
        }
    }

    fn level(level: &str, difference: f64, shares: [f64; 2]) -> Feature {
        let [share_inside, share_outside] = shares;
        let detail = Detail::Level { level: level.into(), count: 1, share_inside, share_outside, lift: 1.0 };
        Feature {
            column: "region".into(),
            direction: Direction::of(difference),
            difference,
            overlap: 0.5,
            detail,
        }
    }

    fn cluster(size: usize, features: Vec<Feature>) -> Cluster {
        Cluster {
            cluster: 3,
            name: None,
            summary: String::new(),
            size,
            share: 0.5,
            mean_confidence: None,
            nearest: None,
            features,
            words: vec![],
            typical_by: TypicalBy::Order,
            typical: vec![],
            doubtful: vec![],
        }
    }

    #[test]
    fn the_strongest_shows_its_numbers() {
        let features = vec![
            number("bmi", 2.0, [34.1, 24.0]),
            number("age", -1.5, [30.0, 50.0]),
            number("insulin", 1.0, [9.0, 5.0]),
        ];
        let of = cluster(812, features.clone());
        assert_eq!(
            line(&of, 2000),
            "cluster 3: 812 rows; high bmi (median 34.1, elsewhere 24.0) and insulin, low age"
        );
        let low = cluster(812, vec![features[1].clone(), features[0].clone()]);
        assert_eq!(line(&low, 2000), "cluster 3: 812 rows; low age (median 30, elsewhere 50), high bmi");
        let same = cluster(2, vec![number("visits", 1.0, [0.0, 0.0])]);
        assert!(line(&same, 9).ends_with("high visits (mean 0.250, elsewhere 0.250)"), "{}", line(&same, 9));
    }

    #[test]
    fn levels_and_missing_cells_are_said_in_shares() {
        let missing = Detail::Missing { count: 4, share_inside: 0.8, share_outside: 0.0, lift: 2.0 };
        let missing = Feature { detail: missing, column: "insulin".into(), ..level("", 2.0, [0.0, 0.0]) };
        let of = cluster(5, vec![missing, level("north", 1.0, [0.8, 0.2]), level("south", -1.0, [0.0, 0.2])]);
        assert_eq!(
            about(&of, 10),
            "insulin missing for 80 % (elsewhere 0 %), mostly region = north (80 %, elsewhere 20 %), \
             never region = south (0 %, elsewhere 20 %)"
        );
    }

    #[test]
    fn edges_are_said_too() {
        assert_eq!(line(&cluster(0, vec![]), 9), "cluster 3: no rows");
        assert_eq!(line(&cluster(9, vec![]), 9), "cluster 3: all 9 rows");
        assert_eq!(line(&cluster(1, vec![]), 1), "cluster 3: 1 row");
        assert_eq!(line(&cluster(4, vec![]), 9), "cluster 3: 4 rows");
        let mut of = cluster(4, vec![]);
        let word =
            |word: &str| Word { word: word.into(), weight: 1.0, share_inside: 1.0, share_outside: 0.0 };
        (of.words, of.name) = (vec![word("goal"), word("team")], Some("sport".into()));
        assert_eq!(line(&of, 9), "cluster 3 “sport”: 4 rows; goal, team");
    }
}
