//! The candidates of one query, from approximate scores.

/// Number of values that one comparison can exclude together.
const LANES: usize = 16;

/// Keeps every row whose approximate score could be among the `k` smallest exact ones: a score may
/// be wrong by half of `slack`.
pub(super) struct Candidates {
    k: usize,
    slack: f32,
    /// Nothing above this can be among the `k` nearest.
    threshold: f32,
    found: Vec<(f32, u32)>,
    capacity: usize,
}

impl Candidates {
    pub fn new(k: usize, slack: f32) -> Self {
        let capacity = 4 * k + 64;
        Self { k, slack, threshold: f32::INFINITY, found: Vec::with_capacity(capacity), capacity }
    }

    /// Takes the scores `half_norms[j] − products[j]` of the rows `first + j`.
    pub fn scan(&mut self, half_norms: &[f32], products: &[f32], first: u32) {
        let ((half, half_rest), (product, product_rest)) =
            (half_norms.as_chunks::<LANES>(), products.as_chunks::<LANES>());
        for (nth, (h, p)) in half.iter().zip(product).enumerate() {
            // Without a branch and without an order, so that all lanes are compared at once.
            let is_near = h.iter().zip(p).fold(false, |any, (h, p)| any | (h - p <= self.threshold));
            if is_near {
                self.take(h, p, first + (nth * LANES) as u32);
            }
        }
        self.take(half_rest, product_rest, first + (half.len() * LANES) as u32);
    }

    fn take(&mut self, half_norms: &[f32], products: &[f32], first: u32) {
        for (j, (h, p)) in (first..).zip(half_norms.iter().zip(products)) {
            if h - p <= self.threshold {
                self.found.push((h - p, j));
            }
        }
        if self.found.len() >= self.capacity {
            self.prune();
        }
    }

    /// Drops the rows that the `k` smallest scores exclude.
    fn prune(&mut self) {
        if self.found.len() <= self.k {
            return;
        }
        self.found.select_nth_unstable_by(self.k - 1, |a, b| a.0.total_cmp(&b.0));
        self.threshold = self.found[self.k - 1].0 + self.slack;
        let threshold = self.threshold;
        self.found.retain(|c| c.0 <= threshold);
        // Many equal rows may remain: prune again when their number has doubled.
        self.capacity = self.capacity.max(2 * self.found.len());
    }

    /// The rows that may be among the `k` nearest.
    pub fn finish(mut self) -> impl Iterator<Item = u32> {
        self.prune();
        self.found.into_iter().map(|(_, j)| j)
    }
}
