//! Which rows make a batch.

use super::Ahead;
use crate::Result;
use crate::device::upload;
use crate::random::{Streams, block_permutation, subset};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// The order of the rows within a pass over the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they stand in the data.
    Sequential,
    /// A new random order each pass.
    Shuffled,
}

/// How a training draws its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batches {
    /// An epoch is one pass in a new random order; its last batch may be smaller.
    Passes,
    /// Each batch is a new random subset without replacement, so that a row may be drawn several
    /// times in an epoch or not at all. All batches have the full size (that of the data, if
    /// smaller); an epoch has as many as fit into a pass.
    Subsets,
    /// Batches continue over the ends of passes, all have the full size, and an epoch is a given
    /// number of them.
    Stream {
        /// Batches in an epoch, at least 1.
        steps: usize,
        /// The order within each pass.
        order: Order,
    },
}

/// How many batches there are, and how large.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub batches: Batches,
    /// Rows of the data.
    pub n: usize,
    pub batch_size: usize,
}

/// Draws the batches of a training.
pub(super) struct Drawer<'a> {
    pub sizes: Sizes,
    pub device: Device,
    pub streams: &'a Streams,
    /// Rows that stay near each other in a random order.
    pub block_rows: usize,
    /// The latest pass that was needed and its order, i64 `[n]`.
    pub pass: Option<(usize, Tensor)>,
}

impl Sizes {
    /// Batches in an epoch.
    pub fn n_steps(&self) -> usize {
        match self.batches {
            Batches::Passes => self.n.div_ceil(self.batch_size),
            Batches::Subsets => (self.n / self.batch_size).max(1),
            Batches::Stream { steps, .. } => steps.max(1),
        }
    }

    /// Rows in all batches of an epoch.
    pub fn n_rows(&self) -> usize {
        match self.batches {
            Batches::Passes => self.n,
            Batches::Subsets | Batches::Stream { .. } => self.n_steps() * self.full(),
        }
    }

    /// Rows of a batch, but for the last of a pass.
    pub fn full(&self) -> usize {
        self.batch_size.min(self.n)
    }

    /// Rows of the last batch of an epoch.
    pub fn last(&self) -> usize {
        match self.batches {
            Batches::Passes => self.n - (self.n_steps() - 1) * self.batch_size,
            Batches::Subsets | Batches::Stream { .. } => self.full(),
        }
    }
}

impl Drawer<'_> {
    /// The rows of one batch, i64 `[b]` on the device.
    pub fn draw(&mut self, epoch: usize, step: usize, ahead: &Ahead<'_>) -> Result<Tensor> {
        let sizes = self.sizes;
        let (n, full) = (sizes.n, sizes.full());
        match sizes.batches {
            Batches::Passes => {
                let start = step * sizes.batch_size;
                self.part(epoch, Order::Shuffled, start, sizes.batch_size.min(n - start))
            }
            Batches::Subsets => ahead.get("subset", (epoch, step), 1, |rng, rows| subset(rng, n, rows)),
            Batches::Stream { order, .. } => {
                let at = (epoch * sizes.n_steps() + step) * full;
                let (pass, start) = (at / n, at % n);
                let len = full.min(n - start);
                let head = self.part(pass, order, start, len)?;
                if len == full {
                    return Ok(head);
                }
                let tail = self.part(pass + 1, order, 0, full - len)?;
                Ok(Tensor::f_cat(&[head, tail], 0)?)
            }
        }
    }

    /// `len` rows of pass `pass` from `start` on.
    fn part(&mut self, pass: usize, order: Order, start: usize, len: usize) -> Result<Tensor> {
        let all = match self.pass.take() {
            Some((known, all)) if known == pass => all,
            _ => {
                let rows = match order {
                    Order::Shuffled => {
                        let mut rng = self.streams.rng("shuffle", pass, 0);
                        block_permutation(&mut rng, self.sizes.n, self.block_rows)
                    }
                    Order::Sequential => (0..self.sizes.n as i64).collect(),
                };
                upload(&rows, self.device)?
            }
        };
        let part = all.f_narrow(0, start as i64, len as i64)?;
        self.pass = Some((pass, all));
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(batches: Batches, n: usize, batch_size: usize, epochs: usize) -> Vec<Vec<i64>> {
        let streams = Streams::new(3, "train");
        let sizes = Sizes { batches, n, batch_size };
        let mut drawer = Drawer { sizes, device: Device::Cpu, streams: &streams, block_rows: 1, pass: None };
        let steps = sizes.n_steps();
        let ahead = Ahead::new(&streams, Device::Cpu, steps, (sizes.full(), sizes.last()));
        let at = (0..epochs * steps).map(|s| (s / steps, s % steps));
        let drawn: Vec<Vec<i64>> =
            at.map(|(e, s)| Vec::try_from(drawer.draw(e, s, &ahead).expect("rows")).expect("i64")).collect();
        assert_eq!(drawn.iter().map(Vec::len).sum::<usize>(), epochs * sizes.n_rows());
        drawn
    }

    fn sorted(rows: &[Vec<i64>]) -> Vec<i64> {
        let mut all = rows.concat();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_pass_holds_every_row_once() {
        let drawn = draw(Batches::Passes, 10, 4, 2);
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2]);
        assert_eq!(sorted(&drawn[..3]), (0..10).collect::<Vec<_>>());
        assert_ne!(drawn[..3], drawn[3..]);
    }

    #[test]
    fn a_stream_runs_over_the_seams() {
        let order = Order::Sequential;
        let drawn = draw(Batches::Stream { steps: 2, order }, 5, 3, 2);
        assert_eq!(drawn, [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]);
        let drawn = draw(Batches::Stream { steps: 5, order: Order::Shuffled }, 15, 6, 1);
        assert_eq!(sorted(&drawn), (0..30).map(|i| i / 2).collect::<Vec<_>>());
        // More wanted than there are: all of them, every time.
        assert_eq!(draw(Batches::Stream { steps: 2, order }, 3, 8, 1), [[0, 1, 2], [0, 1, 2]]);
    }

    #[test]
    fn subsets_have_no_row_twice_and_differ_from_step_to_step() {
        let drawn = draw(Batches::Subsets, 23, 10, 40);
        assert_eq!(drawn.len(), 80);
        for rows in &drawn {
            let distinct: std::collections::BTreeSet<_> = rows.iter().collect();
            assert_eq!((rows.len(), distinct.len()), (10, 10));
        }
        // Each of 23 rows is expected 80 · 10/23 = 34.8 times; five standard deviations are 22.
        for row in 0..23 {
            let count = drawn.concat().iter().filter(|&&r| r == row).count();
            assert!((13..=57).contains(&count), "{row}: {count}");
        }
        assert_eq!(sorted(&draw(Batches::Subsets, 4, 10, 1)), [0, 1, 2, 3]);
    }
}
