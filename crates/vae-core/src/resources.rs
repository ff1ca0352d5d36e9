//! What a run has used: CPU time and memory, from the operating system.

use std::time::Instant;

/// A stopwatch for wall and CPU time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Instant,
    cpu_s: f64,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { wall: Instant::now(), cpu_s: usage().0 }
    }

    /// Wall seconds since the start.
    pub fn wall_s(&self) -> f64 {
        self.wall.elapsed().as_secs_f64()
    }

    /// CPU seconds (user and system, all threads of the process) since the start.
    pub fn cpu_s(&self) -> f64 {
        usage().0 - self.cpu_s
    }
}

/// Largest resident memory of the process so far, in MiB (0 where the system does not tell).
pub fn peak_rss_mib() -> u64 {
    usage().1
}

/// (CPU seconds, peak resident MiB) of this process.
#[cfg(unix)]
fn usage() -> (f64, u64) {
    // SAFETY: an all-zero rusage is a valid value of this plain C struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live rusage; getrusage only writes into it.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
        return (0.0, 0);
    }
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    let unit = if cfg!(target_os = "macos") { 1 << 20 } else { 1 << 10 };
    (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss as u64 / unit)
}

#[cfg(not(unix))]
fn usage() -> (f64, u64) {
    (0.0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_cpu_time_and_memory() {
        let clock = Clock::start();
        let mut x = 1.0f64;
        while clock.cpu_s() < 0.01 && clock.wall_s() < 10.0 {
            x = (x + 1.0).sqrt();
        }
        assert!(clock.cpu_s() >= 0.01 && x.is_finite());
        assert!(peak_rss_mib() > 0);
    }
}
