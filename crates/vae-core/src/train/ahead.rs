//! Random numbers of several steps, drawn on the host and sent to the device together.
//!
//! Every number is a function of (seed, phase, stream, epoch, step), so what a step gets does not
//! depend on how many steps are drawn with it.

use super::Batch;
use crate::Result;
use crate::device::upload;
use crate::random::Streams;
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::collections::HashMap;
use tch::kind::Element;
use tch::{Device, Tensor};

/// Most steps whose numbers are sent together.
const STEPS: usize = 32;

/// Most bytes that are sent together, if one step has not more.
const BYTES: usize = 4 << 20;

/// The numbers that were sent and are not used up, by stream.
#[derive(Debug)]
pub struct Ahead<'a> {
    streams: &'a Streams,
    device: Device,
    n_steps: usize,
    /// Rows of a batch, and of the last one of an epoch.
    rows: (usize, usize),
    blocks: RefCell<HashMap<&'static str, Block>>,
}

/// The numbers of some steps of one epoch.
#[derive(Debug)]
struct Block {
    epoch: usize,
    first: usize,
    per_row: usize,
    steps: Vec<Tensor>,
    /// Batches of this stream have no constant number of values per row: each is sent on its own.
    is_varying: bool,
}

impl<'a> Ahead<'a> {
    /// For epochs of `n_steps` batches of `rows.0` rows, the last of `rows.1`.
    pub(super) fn new(streams: &'a Streams, device: Device, n_steps: usize, rows: (usize, usize)) -> Self {
        Self { streams, device, n_steps, rows, blocks: RefCell::default() }
    }

    fn rows_of(&self, step: usize) -> usize {
        if step + 1 == self.n_steps { self.rows.1 } else { self.rows.0 }
    }

    /// The numbers of the stream `name` at (`epoch`, `step`), flat on the device. `draw` is given
    /// a step's generator and its number of rows and returns `per_row` values for each.
    ///
    /// # Errors
    /// libtorch's.
    pub(super) fn get<T: Element + Copy>(
        &self,
        name: &'static str,
        (epoch, step): (usize, usize),
        per_row: usize,
        draw: impl Fn(&mut ChaCha8Rng, usize) -> Vec<T>,
    ) -> Result<Tensor> {
        let mut blocks = self.blocks.borrow_mut();
        let known = blocks.get(name);
        let is_varying = known.is_some_and(|block| block.is_varying || block.per_row != per_row);
        let at_hand = known.filter(|block| block.epoch == epoch && block.per_row == per_row && !is_varying);
        if let Some(values) = at_hand.and_then(|block| block.steps.get(step.wrapping_sub(block.first))) {
            return Ok(values.shallow_clone());
        }
        let bytes = per_row * self.rows.0 * size_of::<T>();
        let together = if is_varying { 1 } else { (BYTES / bytes.max(1)).clamp(1, STEPS) };
        let (mut values, mut lens) = (Vec::new(), Vec::new());
        for step in step..(step + together).min(self.n_steps).max(step + 1) {
            let of_step = draw(&mut self.streams.rng(name, epoch, step), self.rows_of(step));
            lens.push(of_step.len() as i64);
            values.extend(of_step);
        }
        let steps = upload(&values, self.device)?.f_split_with_sizes(lens, 0)?;
        let now = steps[0].shallow_clone();
        blocks.insert(name, Block { epoch, first: step, per_row, steps, is_varying });
        Ok(now)
    }
}

impl Batch<'_> {
    /// Standard normal numbers of the given shape from the stream `name`, f32 on the device.
    ///
    /// # Errors
    /// libtorch's.
    pub fn normal(&self, name: &'static str, shape: &[i64]) -> Result<Tensor> {
        self.numbers(name, shape, crate::random::normals)
    }

    /// Uniform numbers in `[0, 1)` of the given shape from the stream `name`, f32 on the device.
    ///
    /// # Errors
    /// libtorch's.
    pub fn uniform(&self, name: &'static str, shape: &[i64]) -> Result<Tensor> {
        self.numbers(name, shape, crate::random::uniforms)
    }

    /// Whole numbers of the stream `name`, i64 on the device, flat. `draw` is given a step's
    /// generator and the number of rows of its batch, and returns `per_row` numbers for each.
    ///
    /// # Errors
    /// libtorch's.
    pub fn integers(
        &self,
        name: &'static str,
        per_row: usize,
        draw: impl Fn(&mut ChaCha8Rng, usize) -> Vec<i64>,
    ) -> Result<Tensor> {
        match self.ahead {
            Some(ahead) => ahead.get(name, (self.epoch, self.step), per_row, draw),
            None => upload(&draw(&mut self.rng(name), self.n_rows()), self.x.device()),
        }
    }

    /// The generator of the stream `name` in this step, for numbers that stay on the host.
    pub fn rng(&self, name: &str) -> ChaCha8Rng {
        self.streams.rng(name, self.epoch, self.step)
    }

    fn n_rows(&self) -> usize {
        self.index.size()[0] as usize
    }

    fn numbers(
        &self,
        name: &'static str,
        shape: &[i64],
        draw: fn(&mut ChaCha8Rng, usize) -> Vec<f32>,
    ) -> Result<Tensor> {
        let n = shape.iter().product::<i64>() as usize;
        let rows = self.n_rows().max(1);
        let flat = match self.ahead {
            Some(ahead) if n.is_multiple_of(rows) => {
                let per_row = n / rows;
                ahead.get(name, (self.epoch, self.step), per_row, |rng, rows| draw(rng, rows * per_row))?
            }
            _ => upload(&draw(&mut self.rng(name), n), self.x.device())?,
        };
        Ok(flat.f_view(shape)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::uploads;
    use crate::random::normals;

    #[test]
    fn numbers_of_a_step_are_those_it_has_alone_and_travel_together() {
        let streams = Streams::new(4, "train");
        let ahead = Ahead::new(&streams, Device::Cpu, 70, (6, 2));
        let alone =
            |name: &str, epoch, step, n| Tensor::from_slice(&normals(&mut streams.rng(name, epoch, step), n));
        let get = |name, epoch, step, per_row| {
            ahead
                .get(name, (epoch, step), per_row, |rng, rows| normals(rng, rows * per_row))
                .expect("numbers")
        };
        let before = uploads();
        for epoch in 0..2 {
            for step in 0..70 {
                let rows = if step == 69 { 2 } else { 6 };
                assert!(get("noise", epoch, step, 3).equal(&alone("noise", epoch, step, rows * 3)));
                assert!(get("style", epoch, step, 1).equal(&alone("style", epoch, step, rows)));
            }
        }
        // 32 + 32 + 6 steps, of two streams in two epochs.
        assert_eq!(uploads() - before, 2 * 2 * 3);
        // Continued within an epoch.
        assert!(get("noise", 2, 41, 3).equal(&alone("noise", 2, 41, 18)));
        // Not more than 4 MiB.
        let before = uploads();
        (0..4).for_each(|step| drop(get("wide", 0, step, 100_000)));
        assert_eq!(uploads() - before, 4);
        // A number of values that differs from step to step: nothing is drawn for nothing.
        let before = uploads();
        for step in 0..40 {
            let per_row = 1 + step % 3;
            assert!(get("vary", 0, step, per_row).equal(&alone("vary", 0, step, 6 * per_row)));
        }
        assert_eq!(uploads() - before, 40);
    }
}
