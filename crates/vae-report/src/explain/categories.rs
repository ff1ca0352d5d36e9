//! Levels of categories, and cells that are missing: how much more often a cluster has them.
//!
//! A level is a column of zeros and ones, and the standardised difference is that of such a column:
//! `(p1 - p0) / s` with the shares `p1` inside and `p0` outside and the pooled deviation `s^2 = (n1
//! p1 (1 - p1) + n0 p0 (1 - p0)) / (n1 + n0 - 2)`. So levels and numbers stand in one order. The
//! overlap is `1 - |p1 - p0|`, and the lift is `p1 / p`, with the share `p` of all rows.

use super::numbers::standardised;
use super::{Groups, Options};
use crate::clusters::{Detail, Direction, Feature};

/// How often something is the case in a cluster and elsewhere.
#[derive(Clone, Copy, Debug)]
struct Shares {
    count: usize,
    inside: f64,
    outside: f64,
    overall: f64,
}

/// The levels that set each cluster apart. A level that a cluster has less often is told only where
/// it has none more often: with two levels the one says the other.
pub fn levels(
    name: &str,
    levels: &[String],
    rows: &[Option<u32>],
    groups: &Groups,
    options: &Options,
) -> Vec<Vec<Feature>> {
    let mut counts = vec![vec![0usize; groups.k()]; levels.len()];
    let mut known = vec![0usize; groups.k()];
    for (level, &c) in rows.iter().zip(&groups.of) {
        if let Some(counts) = level.and_then(|level| counts.get_mut(level as usize)) {
            counts[c as usize] += 1;
            known[c as usize] += 1;
        }
    }
    let mut found = vec![Vec::new(); groups.k()];
    for (level, counts) in levels.iter().zip(&counts) {
        for (c, features) in found.iter_mut().enumerate() {
            features.extend(feature(name, counts, &known, c, options, |of| Detail::Level {
                level: level.clone(),
                count: of.count,
                share_inside: of.inside,
                share_outside: of.outside,
                lift: of.inside / of.overall,
            }));
        }
    }
    for features in &mut found {
        if features.iter().any(|feature: &Feature| feature.direction == Direction::High) {
            features.retain(|feature| feature.direction == Direction::High);
        }
    }
    found
}

/// The clusters that miss values of a column more often or less often than others.
pub fn missing(name: &str, missing: &[bool], groups: &Groups, options: &Options) -> Vec<Vec<Feature>> {
    let mut counts = vec![0usize; groups.k()];
    missing.iter().zip(&groups.of).filter(|(m, _)| **m).for_each(|(_, &c)| counts[c as usize] += 1);
    let of = |c: usize| {
        feature(name, &counts, &groups.sizes, c, options, |of| Detail::Missing {
            count: of.count,
            share_inside: of.inside,
            share_outside: of.outside,
            lift: of.inside / of.overall,
        })
    };
    (0..groups.k()).map(|c| of(c).into_iter().collect()).collect()
}

/// What is the case for `counts` of `known` rows of each cluster, as a feature of cluster `c`.
fn feature(
    name: &str,
    counts: &[usize],
    known: &[usize],
    c: usize,
    options: &Options,
    detail: impl Fn(Shares) -> Detail,
) -> Option<Feature> {
    let (all, of_all): (usize, usize) = (counts.iter().sum(), known.iter().sum());
    let (inside, outside) = (known[c], of_all - known[c]);
    if inside == 0 || outside == 0 || all == 0 || all == of_all {
        return None;
    }
    let (n1, n0) = (inside as f64, outside as f64);
    let (p1, p0) = (counts[c] as f64 / n1, (all - counts[c]) as f64 / n0);
    let variance = (n1 * p1 * (1.0 - p1) + n0 * p0 * (1.0 - p0)) / (n1 + n0 - 2.0).max(1.0);
    let difference = standardised(p1 - p0, variance.sqrt());
    let shares: Vec<f64> = counts.iter().zip(known).map(|(&count, &of)| count as f64 / of as f64).collect();
    let squares: f64 =
        shares.iter().zip(known).filter(|(_, of)| **of > 0).map(|(p, &of)| of as f64 * p * (1.0 - p)).sum();
    let scale = (squares / of_all as f64).sqrt();
    let is_told =
        options.sets_apart(difference, inside, outside) && options.is_its_own(c, &shares, known, scale);
    is_told.then(|| Feature {
        column: name.to_owned(),
        direction: Direction::of(difference),
        difference,
        overlap: 1.0 - (p1 - p0).abs(),
        detail: detail(Shares {
            count: counts[c],
            inside: p1,
            outside: p0,
            overall: all as f64 / of_all as f64,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    const ALL: Options = Options {
        most_features: 9,
        most_words: 9,
        most_members: 9,
        least_difference: 0.1,
        least_errors: 0.0,
        doubt_below: 0.9,
    };

    fn groups() -> Groups {
        Groups { of: vec![0, 0, 0, 0, 1, 1, 1, 1, 1], sizes: vec![4, 5] }
    }

    #[test]
    fn shares_and_lift_by_hand() {
        let names = ["north".to_owned(), "south".to_owned()];
        let [n, s] = [Some(0), Some(1)];
        // Inside 3 of 4 north. Outside one cell is missing and 1 of 4 is north. Overall 4 of 8.
        let rows = [n, n, n, s, n, s, s, s, None];
        let found = levels("region", &names, &rows, &groups(), &ALL);
        let [feature] = found[0].as_slice() else { panic!("{found:?}") };
        let Detail::Level { level, count, share_inside, share_outside, lift } = &feature.detail else {
            panic!("{feature:?}")
        };
        assert_eq!((level.as_str(), *count), ("north", 3));
        assert_eq!((*share_inside, *share_outside, *lift), (0.75, 0.25, 1.5));
        // (4 * 3/16 + 4 * 3/16) / 6 = 1/4.
        assert_relative_eq!(feature.difference, 1.0, epsilon = 1e-12);
        assert_relative_eq!(feature.overlap, 0.5, epsilon = 1e-12);
        let [feature] = found[1].as_slice() else { panic!("{found:?}") };
        assert!(matches!(&feature.detail, Detail::Level { level, .. } if level == "south"), "{feature:?}");
    }

    #[test]
    fn missing_cells_by_hand() {
        let found =
            missing("x", &[true, true, false, false, false, false, false, false, false], &groups(), &ALL);
        let Detail::Missing { count, share_inside, share_outside, lift } = found[0][0].detail else {
            panic!("{found:?}")
        };
        assert_eq!((count, share_inside, share_outside), (2, 0.5, 0.0));
        assert_relative_eq!(lift, 0.5 / (2.0 / 9.0), epsilon = 1e-12);
        assert_eq!(found[1][0].direction, Direction::Low);
        assert!(missing("x", &[false; 9], &groups(), &ALL).iter().all(Vec::is_empty));
        assert!(missing("x", &[true; 9], &groups(), &ALL).iter().all(Vec::is_empty));
    }

    #[test]
    fn a_level_that_is_less_often_there_is_told_where_there_is_no_other() {
        let names = ["a", "b", "c"].map(str::to_owned);
        // Cluster 1 has no `a`, and b and c as others have.
        let [a, b, c] = [Some(0), Some(1), Some(2)];
        let rows = [a, a, b, c, b, c, b, c, b];
        let found = levels("x", &names, &rows, &groups(), &Options { least_difference: 0.9, ..ALL });
        let [feature] = found[1].as_slice() else { panic!("{found:?}") };
        assert_eq!(feature.direction, Direction::Low);
        assert!(matches!(&feature.detail, Detail::Level { level, .. } if level == "a"), "{feature:?}");
    }
}
