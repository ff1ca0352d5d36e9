//! The flag that asks the training loop to save its state and stop. Who sets it, for example at
//! SIGINT, is up to the program.

use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A flag that the training loop looks at after every step.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// A flag that only [`Interrupt::set`] sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag over `signal`, which is 0 until a signal handler stores its signal's number there: a
    /// handler may not do more than that.
    pub fn watching(signal: Arc<AtomicUsize>) -> Self {
        Self { signal }
    }

    /// Asks for a stop, as `signal` would.
    pub fn set(&self, signal: i32) {
        self.signal.store(signal as usize, Ordering::SeqCst);
    }

    /// Goes on, unless a stop was asked for.
    ///
    /// # Errors
    /// [`Error::Interrupted`] with the signal.
    pub fn check(&self) -> Result<()> {
        match self.get() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// The signal that asked for a stop.
    pub fn get(&self) -> Option<i32> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal as i32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_handler_stores_and_what_is_set_are_seen_by_every_clone() {
        let stored = Arc::new(AtomicUsize::new(0));
        let flag = Interrupt::watching(Arc::clone(&stored));
        let clone = flag.clone();
        assert_eq!(clone.get(), None);
        stored.store(15, Ordering::SeqCst);
        assert_eq!(clone.get(), Some(15));
        flag.set(2);
        assert_eq!(clone.get(), Some(2));
    }
}
