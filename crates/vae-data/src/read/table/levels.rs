//! The different texts of a column, counted, and its different numbers, as long as there are few.

use std::collections::BTreeMap;

use crate::memory::{Meter, Shortage};

/// No text that is longer is a category.
const LONGEST: usize = 200;

/// Different texts and how often each occurs.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    most: usize,
    /// Empty where there are more.
    counts: BTreeMap<String, usize>,
    is_over: bool,
}

impl Levels {
    /// The most a column has that is recognised as a category.
    pub const MOST_FOUND: usize = 50;
    /// The most a column may have that is said to be one.
    pub const MOST_ASKED: usize = 1000;

    pub fn new(most: usize) -> Self {
        Self { most, counts: BTreeMap::new(), is_over: false }
    }

    pub fn add(&mut self, text: &str, meter: &mut Meter) -> Result<(), Shortage> {
        if self.is_over {
            return Ok(());
        }
        if let Some(count) = self.counts.get_mut(text) {
            *count += 1;
            return Ok(());
        }
        if self.counts.len() == self.most || text.len() > LONGEST {
            self.is_over = true;
            self.counts.clear();
            return Ok(());
        }
        meter.add(text.len() + 64)?;
        self.counts.insert(text.to_owned(), 1);
        Ok(())
    }

    /// The texts in order, each with its count; `None` where there are too many.
    pub fn counts(&self) -> Option<&BTreeMap<String, usize>> {
        (!self.is_over).then_some(&self.counts)
    }
}

/// Different numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Few {
    /// Their bits, sorted; empty where there are more.
    bits: Vec<u64>,
    is_over: bool,
}

impl Few {
    pub fn add(&mut self, number: f64) {
        if self.is_over {
            return;
        }
        // Zero has two signs.
        let bits = (number + 0.0).to_bits();
        let Err(place) = self.bits.binary_search(&bits) else { return };
        if self.bits.len() == Levels::MOST_FOUND {
            self.is_over = true;
            self.bits = Vec::new();
        } else {
            self.bits.insert(place, bits);
        }
    }

    /// How many there are; `None` where they are more than a category found by itself may have.
    pub fn count(&self) -> Option<usize> {
        (!self.is_over).then_some(self.bits.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_counted_and_many_are_not() {
        let mut few = Few::default();
        [2.0, -0.0, 0.0, 2.0, 1.5].into_iter().for_each(|number| few.add(number));
        assert_eq!(few.count(), Some(3));
        (0..Levels::MOST_FOUND).for_each(|i| few.add(i as f64));
        assert_eq!(few.count(), None);
        few.add(2.0);
        assert_eq!(few.count(), None);
    }

    #[test]
    fn few_texts_are_counted_and_many_are_not() {
        let mut meter = Meter::default();
        let mut levels = Levels::new(2);
        for text in ["b", "a", "b"] {
            levels.add(text, &mut meter).expect("fits");
        }
        let counts: Vec<_> =
            levels.counts().expect("two").iter().map(|(text, n)| (text.as_str(), *n)).collect();
        assert_eq!(counts, [("a", 1), ("b", 2)]);
        levels.add("c", &mut meter).expect("fits");
        assert_eq!(levels.counts(), None);
        let mut levels = Levels::new(2);
        levels.add(&"x".repeat(LONGEST + 1), &mut meter).expect("fits");
        assert_eq!(levels.counts(), None);
    }
}
