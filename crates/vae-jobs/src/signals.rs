//! How often this process was asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

use crate::Error;

/// Signals that ask a process to stop.
pub(crate) const STOP: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Counts signals as long as it lives.
pub(crate) struct Signals {
    count: Arc<AtomicUsize>,
    /// 0 before the first.
    first: Arc<AtomicI32>,
    handle: iterator::Handle,
}

impl Signals {
    pub fn register() -> Result<Self, Error> {
        let mut signals = iterator::Signals::new(STOP).map_err(Error::Signals)?;
        let (count, handle) = (Arc::new(AtomicUsize::new(0)), signals.handle());
        let first = Arc::new(AtomicI32::new(0));
        let (counter, noted) = (Arc::clone(&count), Arc::clone(&first));
        thread::spawn(move || {
            signals.forever().for_each(|signal| {
                let _ = noted.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
                counter.fetch_add(1, Ordering::SeqCst);
            });
        });
        Ok(Self { count, first, handle })
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The first signal, if there was one.
    pub fn first(&self) -> Option<i32> {
        Some(self.first.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
    }

    pub fn received(&self) -> bool {
        self.count() > 0
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}
