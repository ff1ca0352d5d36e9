//! SIGINT and SIGTERM ask the training loop to save its state and stop; a second one stops at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A flag that the training loop looks at after every step.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// A flag that nobody sets but [`Interrupt::set`].
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag set by SIGINT and SIGTERM from now on. The second signal ends the process at once (exit code 130).
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn on_signals() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let flag = Self::new();
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the shutdown is armed by the first signal and looks before it is armed.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&seen))?;
            signal_hook::flag::register(signal, Arc::clone(&seen))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&flag.signal), signal as usize)?;
        }
        Ok(flag)
    }

    /// Asks for a stop, as `signal` would.
    pub fn set(&self, signal: i32) {
        self.signal.store(signal as usize, Ordering::SeqCst);
    }

    /// The signal that asked for a stop.
    pub fn get(&self) -> Option<i32> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal as i32),
        }
    }
}
