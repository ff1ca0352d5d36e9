//! The values of one column in their order, and what of it belongs to each cluster.
//!
//! One sort serves all clusters: the values outside a cluster are the ordered column without the
//! cluster's own places, so a rank among them is found by a binary search over those places.

use super::Groups;

/// A column without its missing cells.
pub struct Ordered {
    /// Ascending, `[m]`.
    pub values: Vec<f64>,
    /// Places of each cluster's rows in `values`, ascending.
    pub places: Vec<Vec<usize>>,
    /// For each place, where the run of values equal to it starts and where the next one does.
    runs: Vec<(usize, usize)>,
}

impl Ordered {
    pub fn new(values: &[Option<f64>], groups: &Groups) -> Self {
        let mut rows: Vec<(f64, u32)> =
            values.iter().zip(&groups.of).filter_map(|(v, &c)| Some(((*v)?, c))).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut places = vec![Vec::new(); groups.k()];
        rows.iter().enumerate().for_each(|(place, row)| places[row.1 as usize].push(place));
        let values: Vec<f64> = rows.into_iter().map(|row| row.0).collect();
        let mut runs = Vec::with_capacity(values.len());
        for run in values.chunk_by(|a, b| a == b) {
            let start = runs.len();
            runs.extend(std::iter::repeat_n((start, start + run.len()), run.len()));
        }
        Self { values, places, runs }
    }

    /// Whether there is nothing to compare: no value, or one value everywhere.
    pub fn is_constant(&self) -> bool {
        self.values.first() == self.values.last()
    }

    /// Number of values inside and outside of cluster `c`.
    pub fn counts(&self, c: usize) -> (usize, usize) {
        let inside = self.places[c].len();
        (inside, self.values.len() - inside)
    }

    /// The `q`-quantile of all values, interpolated between neighbours (type 7 of Hyndman and Fan
    /// 1996).
    pub fn quantile(&self, q: f64) -> f64 {
        interpolated(self.values.len(), q, |rank| self.values[rank])
    }

    /// The same of the values of cluster `c`, of which there is at least one.
    pub fn quantile_inside(&self, c: usize, q: f64) -> f64 {
        let places = &self.places[c];
        interpolated(places.len(), q, |rank| self.values[places[rank]])
    }

    /// The same of all other values, of which there is at least one.
    pub fn quantile_outside(&self, c: usize, q: f64) -> f64 {
        let places = &self.places[c];
        interpolated(self.values.len() - places.len(), q, |rank| {
            // The members before the wanted value are those with fewer than `rank + 1` others
            // before them.
            let (mut low, mut high) = (0, places.len());
            while low < high {
                let middle = (low + high) / 2;
                match places[middle] - middle <= rank {
                    true => low = middle + 1,
                    false => high = middle,
                }
            }
            self.values[rank + low]
        })
    }

    /// The largest difference of the two distribution functions, the distance of Kolmogorov and
    /// Smirnov, from 0 to 1.
    pub fn distance(&self, c: usize) -> f64 {
        let (inside, outside) = self.counts(c);
        let apart =
            |i: usize, place: usize| (i as f64 / inside as f64 - (place - i) as f64 / outside as f64).abs();
        // The difference is largest where a run of members begins or ends.
        let places = &self.places[c];
        let mut most: f64 = 0.0;
        for (i, &place) in places.iter().enumerate() {
            let (start, end) = self.runs[place];
            if i == 0 || places[i - 1] < start {
                most = most.max(apart(i, start));
            }
            if places.get(i + 1).is_none_or(|&next| next >= end) {
                most = most.max(apart(i + 1, end));
            }
        }
        most.min(1.0)
    }
}

fn interpolated(n: usize, q: f64, value: impl Fn(usize) -> f64) -> f64 {
    let at = q * (n - 1) as f64;
    let low = (at.floor() as usize).min(n - 1);
    let (left, right) = (value(low), value((low + 1).min(n - 1)));
    if left == right { left } else { left + (at - low as f64) * (right - left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn groups(of: &[u32], k: usize) -> Groups {
        let sizes = (0..k).map(|c| of.iter().filter(|&&o| o as usize == c).count()).collect();
        Groups { of: of.to_vec(), sizes }
    }

    #[test]
    fn quartiles_by_hand() {
        let values: Vec<_> = [5.0, 1.0, 4.0, 2.0, 3.0, 100.0].map(Some).to_vec();
        let ordered = Ordered::new(&values, &groups(&[0, 0, 0, 0, 0, 1], 2));
        assert_eq!([0.0, 0.25, 0.5, 0.9].map(|q| ordered.quantile_inside(0, q)), [1.0, 2.0, 3.0, 4.6]);
        assert_eq!(ordered.quantile_outside(1, 0.5), 3.0);
        assert_eq!(ordered.quantile_outside(0, 0.1), 100.0);
        assert_eq!(ordered.quantile(0.5), 3.5);
    }

    #[test]
    fn distance_by_hand() {
        // Inside 1, 2, 2, 5; outside 2, 3, 5, 6. Just after 2: 3/4 against 1/4.
        let values: Vec<_> = [1.0, 2.0, 2.0, 5.0, 2.0, 3.0, 5.0, 6.0].map(Some).to_vec();
        let ordered = Ordered::new(&values, &groups(&[0, 0, 0, 0, 1, 1, 1, 1], 2));
        assert_eq!((ordered.distance(0), ordered.distance(1)), (0.5, 0.5));
    }

    proptest! {
        /// All others are listed, as nobody would do with many rows.
        #[test]
        fn as_the_lists_of_both_sides_say(
            rows in prop::collection::vec((0u32..3, prop::option::weighted(0.9, -4i8..4)), 1..60),
            q in 0.0f64..=1.0,
        ) {
            let values: Vec<_> = rows.iter().map(|r| r.1.map(f64::from)).collect();
            let of: Vec<u32> = rows.iter().map(|r| r.0).collect();
            let ordered = Ordered::new(&values, &groups(&of, 3));
            for c in 0..3u32 {
                let side = |inside: bool| {
                    let mut side: Vec<f64> =
                        rows.iter().filter(|r| (r.0 == c) == inside).filter_map(|r| r.1.map(f64::from)).collect();
                    side.sort_by(f64::total_cmp);
                    side
                };
                let (inside, outside) = (side(true), side(false));
                prop_assert_eq!(ordered.counts(c as usize), (inside.len(), outside.len()));
                if inside.is_empty() || outside.is_empty() {
                    continue;
                }
                let quantile = |side: &[f64]| interpolated(side.len(), q, |rank| side[rank]);
                prop_assert_eq!(ordered.quantile_inside(c as usize, q), quantile(&inside));
                prop_assert_eq!(ordered.quantile_outside(c as usize, q), quantile(&outside));
                let below = |side: &[f64], t: f64| side.iter().filter(|v| **v <= t).count() as f64 / side.len() as f64;
                let most = (-5..5).map(|t| (below(&inside, f64::from(t)) - below(&outside, f64::from(t))).abs());
                let naive = most.fold(0.0, f64::max);
                prop_assert!((ordered.distance(c as usize) - naive).abs() < 1e-12);
            }
        }
    }
}
