//! SIGINT and SIGTERM ask the training loop to save its state and stop; a second one stops at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use vae_core::interrupt::Interrupt;

/// A flag set by SIGINT and SIGTERM from now on. The second signal ends the process at once (exit
/// code 128 + signal).
///
/// # Errors
/// When the handlers cannot be installed.
pub fn interrupt() -> std::io::Result<Interrupt> {
    let (first, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the shutdown is armed by the first signal and looks before it is
        // armed.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&seen))?;
        flag::register(signal, Arc::clone(&seen))?;
        flag::register_usize(signal, Arc::clone(&first), signal as usize)?;
    }
    Ok(Interrupt::watching(first))
}
