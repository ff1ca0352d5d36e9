//! How the program ends: exit codes, the text of an error, and what a bug looks like.

use std::process::ExitCode;

/// Exit code 0, the text of an error and 1, or 128 + signal for an interruption.
pub fn code(done: anyhow::Result<()>) -> ExitCode {
    let Err(error) = done else { return ExitCode::SUCCESS };
    if error.chain().any(is_closed_stdout) {
        return ExitCode::SUCCESS;
    }
    if let Some(signal) = interrupted(&error) {
        eprintln!("{error:#}");
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(130));
    }
    eprintln!("error: {}", text(&error));
    ExitCode::FAILURE
}

/// The message of an error and of its causes, each said once.
pub fn text(error: &anyhow::Error) -> String {
    // The messages of the TOML reader end in a line break.
    let mut out = error.to_string().trim_end().to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string().trim_end().to_string();
        if !out.contains(&cause) {
            out.push_str("\n  caused by: ");
            out.push_str(&cause);
        }
    }
    out
}

/// SIGINT or SIGTERM arrived, and there is nothing to continue from.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// The signal's number.
    pub signal: i32,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stopped by signal {}; no file was written", self.signal)
    }
}

impl std::error::Error for Stopped {}

/// The signal that stopped a command, if that is what happened.
pub fn interrupted(error: &anyhow::Error) -> Option<i32> {
    let of_core = |e: &vae_core::Error| match e {
        vae_core::Error::Interrupted { signal } => Some(*signal),
        _ => None,
    };
    error.chain().find_map(|cause| {
        if let Some(stopped) = cause.downcast_ref::<Stopped>() {
            return Some(stopped.signal);
        }
        if let Some(vae_models::Error::Core(e)) = cause.downcast_ref() {
            return of_core(e);
        }
        cause.downcast_ref::<vae_core::Error>().and_then(of_core)
    })
}

/// `vae methods | head -1` closes our output early, which is no failure.
fn is_closed_stdout(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<crate::output::ClosedStdout>().is_some()
}

/// A panic is a bug of ours: say so instead of showing a back trace.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let why = info
            .payload()
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| info.payload().downcast_ref::<&str>().map(|s| (*s).to_string()))
            .unwrap_or_default();
        eprintln!(
            "error: this is a bug in vae {}{place}: {why}\nplease report it with this text and the command you ran",
            env!("CARGO_PKG_VERSION")
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_are_said_once() {
        let io = std::io::Error::other("disk full");
        let error = anyhow::Error::from(io).context("run/x.npy: disk full").context("the fit failed");
        assert_eq!(text(&error), "the fit failed\n  caused by: run/x.npy: disk full");
    }

    #[test]
    fn an_interruption_is_found_below_its_context() {
        let stop = vae_core::Error::Interrupted { signal: 15 };
        let wrapped: anyhow::Result<()> = Err(vae_models::Error::Core(stop).into());
        assert_eq!(interrupted(&wrapped.context("fit").expect_err("interrupted")), Some(15));
        let stopped: anyhow::Result<()> = Err(Stopped { signal: 2 }.into());
        assert_eq!(interrupted(&stopped.context("predict").expect_err("stopped")), Some(2));
        assert_eq!(interrupted(&anyhow::anyhow!("other")), None);
    }
}
