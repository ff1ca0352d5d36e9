//! Columns of numbers: how far a cluster lies from all other rows, and what they have in common.
//!
//! The difference is `(mean inside - mean outside) / s` with the pooled standard deviation `s` of
//! both sides (Cohen's d). Where a column has heavy tails, a few rows make both means and
//! deviations, and medians and interquartile widths take their places: `(median inside - median
//! outside) / w`, with the pooled width `w` over 1.349, the width of a normal distribution of
//! deviation 1. So the two measures agree on normal data. Tails are heavy where, of ten values or
//! more, the pooled deviation *within the clusters* is more than [`HEAVY`] times the pooled width
//! within them (normal: 1, exponential: 1.2, log-normal: 2). One measure serves a column in all
//! clusters.
//!
//! A column whose mean is high and whose median is low in a cluster, or the reverse, is not told of
//! it: two groups in one cluster do that, and neither word would be true.
//!
//! The overlap is one minus the distance of Kolmogorov and Smirnov. It is the overlapping
//! coefficient (the area under both densities) where the two densities cross once, as those of two
//! normals of equal deviation do; where they cross more often it is larger. Unlike an area under
//! histograms it needs no bins, and no transformation of the column changes it.

use super::order::Ordered;
use super::{Groups, MOST_DIFFERENCE, Options};
use crate::clusters::{Detail, Direction, Feature, Measure, Spread};

/// Deviation over width beyond which tails are heavy.
const HEAVY: f64 = 1.5;
/// Fewer values have no tails to speak of.
const FEWEST: usize = 10;
/// Interquartile width of a normal distribution of deviation 1.
const NORMAL_WIDTH: f64 = 1.349;

/// The column as a feature of each cluster that it sets apart: none or one.
pub fn features(name: &str, values: &[Option<f64>], groups: &Groups, options: &Options) -> Vec<Vec<Feature>> {
    let mut found = vec![Vec::new(); groups.k()];
    let ordered = Ordered::new(values, groups);
    if ordered.is_constant() {
        return found;
    }
    let sums = Sums::new(&ordered);
    let width = width_within(&ordered);
    let has_tails = ordered.values.len() >= FEWEST && width > 0.0;
    let is_heavy = has_tails && sums.deviation_within() > HEAVY * width;
    let counts: Vec<usize> = ordered.places.iter().map(Vec::len).collect();
    let (places, scale) = match is_heavy {
        true => (medians(&ordered), width),
        false => (sums.own_means(), sums.deviation_within()),
    };
    let axis = [ordered.quantile(0.02), ordered.quantile(0.98)];
    for (c, found) in found.iter_mut().enumerate() {
        let (inside, outside) = ordered.counts(c);
        if inside == 0 || outside == 0 {
            continue;
        }
        let (measure, difference) = difference(&ordered, &sums, c, is_heavy);
        let is_told = options.sets_apart(difference, inside, outside);
        let is_true = difference * median_shift(&ordered, c) >= 0.0;
        if !is_told || !is_true || !options.is_its_own(c, &places, &counts, scale) {
            continue;
        }
        let [mean_inside, mean_outside] = sums.means(c);
        let spread = |count, mean, of: fn(&Ordered, usize, f64) -> f64| Spread {
            count,
            mean,
            q25: of(&ordered, c, 0.25),
            median: of(&ordered, c, 0.5),
            q75: of(&ordered, c, 0.75),
        };
        found.push(Feature {
            column: name.to_owned(),
            direction: Direction::of(difference),
            difference,
            overlap: 1.0 - ordered.distance(c),
            detail: Detail::Number {
                measure,
                inside: spread(inside, mean_inside, Ordered::quantile_inside),
                outside: spread(outside, mean_outside, Ordered::quantile_outside),
                axis,
            },
        });
    }
    found
}

/// The standardised difference of cluster `c`, which has rows inside and outside.
fn difference(ordered: &Ordered, sums: &Sums, c: usize, is_heavy: bool) -> (Measure, f64) {
    if is_heavy {
        let width = pooled_width(ordered, c);
        // Half of the values may be equal on both sides, and tell nothing in this way.
        if width > 0.0 {
            return (Measure::Median, standardised(median_shift(ordered, c), width));
        }
    }
    let [inside, outside] = sums.means(c);
    (Measure::Mean, standardised(inside - outside, sums.pooled_deviation(c)))
}

/// How far the median of cluster `c` lies above that of all other rows.
fn median_shift(ordered: &Ordered, c: usize) -> f64 {
    ordered.quantile_inside(c, 0.5) - ordered.quantile_outside(c, 0.5)
}

/// `shift / scale`, within ±[`MOST_DIFFERENCE`].
pub fn standardised(shift: f64, scale: f64) -> f64 {
    match shift == 0.0 {
        true => 0.0,
        false => (shift / scale).clamp(-MOST_DIFFERENCE, MOST_DIFFERENCE),
    }
}

/// Median of each cluster; NaN for empty ones.
fn medians(ordered: &Ordered) -> Vec<f64> {
    let of = |(c, places): (usize, &Vec<usize>)| match places.is_empty() {
        true => f64::NAN,
        false => ordered.quantile_inside(c, 0.5),
    };
    ordered.places.iter().enumerate().map(of).collect()
}

/// Interquartile widths of both sides, pooled, over that of a normal distribution.
fn pooled_width(ordered: &Ordered, c: usize) -> f64 {
    let (inside, outside) = ordered.counts(c);
    let width = |of: fn(&Ordered, usize, f64) -> f64| of(ordered, c, 0.75) - of(ordered, c, 0.25);
    let square = inside as f64 * width(Ordered::quantile_inside).powi(2)
        + outside as f64 * width(Ordered::quantile_outside).powi(2);
    (square / (inside + outside) as f64).sqrt() / NORMAL_WIDTH
}

/// Interquartile widths of all clusters, pooled, over that of a normal distribution.
fn width_within(ordered: &Ordered) -> f64 {
    let of = |(c, places): (usize, &Vec<usize>)| match places.len() {
        0 => 0.0,
        n => n as f64 * (ordered.quantile_inside(c, 0.75) - ordered.quantile_inside(c, 0.25)).powi(2),
    };
    let square: f64 = ordered.places.iter().enumerate().map(of).sum();
    (square / ordered.values.len() as f64).sqrt() / NORMAL_WIDTH
}

/// Sums of each cluster's values, moved by the column's mean: squares of large numbers lose their
/// last digits.
struct Sums {
    /// Mean of all values.
    centre: f64,
    /// Number, sum, sum of squares of each cluster.
    of: Vec<[f64; 3]>,
    /// Sum of squares of all.
    square: f64,
}

impl Sums {
    fn new(ordered: &Ordered) -> Self {
        let n = ordered.values.len() as f64;
        let centre = ordered.values.iter().map(|v| v / n).sum::<f64>();
        let of_places = |places: &Vec<usize>| {
            places
                .iter()
                .map(|&place| ordered.values[place] - centre)
                .fold([places.len() as f64, 0.0, 0.0], |[n, sum, square], v| [n, sum + v, square + v * v])
        };
        let of: Vec<[f64; 3]> = ordered.places.iter().map(of_places).collect();
        let square = of.iter().map(|sums| sums[2]).sum();
        Self { centre, of, square }
    }

    /// Sums of cluster `c` and of all others.
    fn sides(&self, c: usize) -> [[f64; 3]; 2] {
        let others = self.of.iter().enumerate().filter(|(other, _)| *other != c);
        let outside = others.fold([0.0; 3], |a, (_, b)| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
        [self.of[c], outside]
    }

    /// Mean of each cluster; NaN for empty ones.
    fn own_means(&self) -> Vec<f64> {
        self.of.iter().map(|[n, sum, _]| self.centre + sum / n).collect()
    }

    /// Means inside and outside.
    fn means(&self, c: usize) -> [f64; 2] {
        self.sides(c).map(|[n, sum, _]| self.centre + sum / n)
    }

    /// `sqrt(((n1 - 1) s1^2 + (n0 - 1) s0^2) / (n1 + n0 - 2))`.
    fn pooled_deviation(&self, c: usize) -> f64 {
        self.pooled(&self.sides(c))
    }

    /// The same over all clusters.
    fn deviation_within(&self) -> f64 {
        self.pooled(&self.of)
    }

    fn pooled(&self, groups: &[[f64; 3]]) -> f64 {
        let filled = || groups.iter().filter(|sums| sums[0] > 0.0);
        let squares: f64 = filled().map(|[n, sum, square]| (square - sum * sum / n).max(0.0)).sum();
        // What is left of equal values is rounding.
        let squares = if squares < 1e-12 * self.square { 0.0 } else { squares };
        let freedom = filled().map(|sums| sums[0] - 1.0).sum::<f64>();
        (squares / freedom.max(1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn groups(of: &[u32]) -> Groups {
        let k = of.iter().max().map_or(0, |c| *c as usize + 1);
        let sizes = (0..k).map(|c| of.iter().filter(|&&o| o as usize == c).count()).collect();
        Groups { of: of.to_vec(), sizes }
    }

    /// Everything is a feature.
    const ALL: Options = Options {
        most_features: 9,
        most_words: 9,
        most_members: 9,
        least_difference: 0.0,
        least_errors: 0.0,
        doubt_below: 0.9,
    };

    fn of(values: &[f64], clusters: &[u32]) -> Vec<Vec<Feature>> {
        let values: Vec<_> = values.iter().map(|&v| (!v.is_nan()).then_some(v)).collect();
        features("x", &values, &groups(clusters), &ALL)
    }

    #[test]
    fn means_in_pooled_deviations_by_hand() {
        // Inside 4, 6, 8: mean 6, squares 8. Outside 1, 2, 3, 2: mean 2, squares 2. s^2 = 10 / 5.
        let found = of(&[4.0, 6.0, 8.0, 1.0, 2.0, 3.0, 2.0], &[0, 0, 0, 1, 1, 1, 1]);
        let [inside, outside] = [&found[0][0], &found[1][0]];
        assert_relative_eq!(inside.difference, 4.0 / 2f64.sqrt(), epsilon = 1e-12);
        assert_relative_eq!(outside.difference, -inside.difference, epsilon = 1e-12);
        assert_eq!((inside.direction, outside.direction), (Direction::High, Direction::Low));
        assert_eq!((inside.overlap, outside.overlap), (0.0, 0.0));
        let Detail::Number { measure, inside, outside, .. } = &inside.detail else { panic!("a number") };
        assert_eq!(*measure, Measure::Mean);
        assert_eq!((inside.median, inside.q25, inside.q75, inside.count), (6.0, 5.0, 7.0, 3));
        assert_eq!((outside.median, outside.count), (2.0, 4));
        assert_relative_eq!(outside.mean, 2.0, epsilon = 1e-12);
    }

    #[test]
    fn two_groups_in_one_cluster_are_neither_high_nor_low() {
        // Mean 9.2 and median 2 beside mean 5.25 and median 5.
        let found = of(&[2.0, 2.0, 2.0, 20.0, 20.0, 5.0, 5.0, 6.0, 5.0], &[0, 0, 0, 0, 0, 1, 1, 1, 1]);
        assert!(found[0].is_empty() && found[1].is_empty(), "{found:?}");
        // Medians that are equal contradict nothing.
        let found = of(&[0.0, 0.0, 0.0, 20.0, 20.0, 0.0, 0.0, 0.0, 0.0], &[0, 0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!((found[0][0].direction, found[1][0].direction), (Direction::High, Direction::Low));
    }

    #[test]
    fn medians_in_pooled_widths_where_tails_are_heavy() {
        // Quartiles of 0, 1, 2, 3, 1000 are 1, 2, 3, and those of 10, 11, 12, 13, 1000 are 11, 12,
        // 13.
        let values = [0.0, 1.0, 2.0, 3.0, 1000.0, 10.0, 11.0, 12.0, 13.0, 1000.0];
        let found = of(&values, &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
        let Detail::Number { measure, .. } = found[0][0].detail else { panic!("a number") };
        assert_eq!(measure, Measure::Median);
        assert_relative_eq!(found[0][0].difference, -10.0 / (2.0 / 1.349), epsilon = 1e-12);
        // 4 of 5 are below all but the largest: the distance is 0.8.
        assert_relative_eq!(found[0][0].overlap, 0.2, epsilon = 1e-12);
    }

    #[test]
    fn nothing_that_varies_on_either_side_is_the_largest_difference() {
        let found = of(&[1e9 + 0.1, 1e9 + 0.1, 1e9, 1e9, 1e9], &[0, 0, 1, 1, 1]);
        assert_eq!((found[0][0].difference, found[1][0].difference), (100.0, -100.0));
    }

    #[test]
    fn nothing_is_said_where_there_is_nothing_to_compare() {
        let nan = f64::NAN;
        assert!(of(&[3.0, 3.0, 3.0], &[0, 0, 1]).iter().all(Vec::is_empty), "constant");
        assert!(of(&[1.0, 2.0, 3.0], &[0, 0, 0]).iter().all(Vec::is_empty), "one cluster");
        assert!(of(&[nan, nan], &[0, 1]).iter().all(Vec::is_empty), "all missing");
        let found = of(&[nan, nan, 1.0, 2.0, 4.0], &[0, 0, 1, 2, 2]);
        assert!(found[0].is_empty(), "all of the cluster missing");
        assert_eq!(found[1].len(), 1, "missing cells are left out");
        assert!(of(&[5.0], &[0])[0].is_empty());
        let one = of(&[9.0, 1.0, 2.0, 3.0], &[0, 1, 1, 1]);
        assert_relative_eq!(one[0][0].difference, 7.0, epsilon = 1e-12);
    }

    #[test]
    fn small_clusters_need_large_differences() {
        let options = Options::default();
        assert!(options.sets_apart(0.6, 1000, 1000) && !options.sets_apart(0.4, 1000, 1000));
        assert!(!options.sets_apart(2.9, 1, 100_000) && options.sets_apart(3.1, 1, 100_000));
    }
}
