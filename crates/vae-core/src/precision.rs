//! The number format of the large matrix products of a training step.
//!
//! With bfloat16 (eight bits of exponent, eight of precision) a product reads factors that were
//! rounded to it and adds up in single precision; that is two to six times as fast on a processor
//! with instructions for it at full rate ([`Bf16`]). Weights, losses, gradients and the state of
//! the optimiser stay in single precision, and so does everything outside of the steps: evaluation,
//! mixtures, neighbours, and the application of a model. A fitted model is therefore of no
//! precision, and machines without the instructions apply it.
//!
//! The precision is one of a fit's settings ([`FitContext`](crate::phase::FitContext)). The loop of
//! a training puts it into force during a step ([`Precision::during`]);
//! [`crate::matmul::linear`] asks for it.

use crate::device::device_name;
use crate::{Error, Result};
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use tch::Device;

/// What the user asks for: `auto`, `f32` or `bf16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PrecisionChoice {
    /// bfloat16 where the device has fast instructions for it, else single precision.
    Auto,
    /// Single precision.
    #[default]
    F32,
    /// bfloat16; an error where the device has no instructions for it.
    Bf16,
}

impl FromStr for PrecisionChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(Error::Device(format!("unknown precision `{text}`, expected auto, f32 or bf16"))),
        }
    }
}

impl fmt::Display for PrecisionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl PrecisionChoice {
    /// The precision of trainings on `device`.
    ///
    /// # Errors
    /// [`Error::Device`] when bfloat16 was asked for by name and the device has no instructions for
    /// it.
    pub fn on(self, device: Device) -> Result<Precision> {
        self.among(device, Bf16::of(device))
    }

    fn among(self, device: Device, bf16: Bf16) -> Result<Precision> {
        match (self, bf16) {
            (Self::F32, _) | (Self::Auto, Bf16::Absent | Bf16::Slow) => Ok(Precision::F32),
            (Self::Auto, Bf16::Fast) | (Self::Bf16, Bf16::Slow | Bf16::Fast) => Ok(Precision::Bf16),
            (Self::Bf16, Bf16::Absent) => Err(Error::Device(format!(
                "bf16 was asked for but {} has no instructions for it (on x86: avx512_bf16 or amx_bf16); use --precision auto",
                device_name(device)
            ))),
        }
    }
}

/// A number format of large matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Factors in bfloat16, sums in single precision.
    Bf16,
}

thread_local! {
    static IN_FORCE: Cell<Precision> = const { Cell::new(Precision::F32) };
}

impl Precision {
    /// `f32` or `bf16`, as in run files.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// The name where it is not that of single precision, which the first recorded runs had without
    /// saying so.
    pub fn name_unless_f32(self) -> Option<&'static str> {
        (self != Self::F32).then(|| self.name())
    }

    /// Those that the CPU of this machine has instructions for.
    pub fn on_this_cpu() -> Vec<Self> {
        let bf16 = (Bf16::of_this_cpu() != Bf16::Absent).then_some(Self::Bf16);
        std::iter::once(Self::F32).chain(bf16).collect()
    }

    /// The one in force on this thread; single precision outside of a training step.
    pub fn current() -> Self {
        IN_FORCE.get()
    }

    /// Computes `body` with this precision in force on this thread. The gradient of a product has
    /// its precision, whenever it is computed.
    pub fn during<T>(self, body: impl FnOnce() -> T) -> T {
        /// Puts the former one back, after a panic too.
        struct Former(Precision);
        impl Drop for Former {
            fn drop(&mut self) {
                IN_FORCE.set(self.0);
            }
        }
        let _former = Former(IN_FORCE.replace(self));
        body()
    }
}

/// What a device has for products in bfloat16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bf16 {
    /// No instructions.
    Absent,
    /// Instructions that are slower than those of single precision: an Intel processor with
    /// avx512_bf16 whose AMX is missing or hidden by a virtual machine.
    Slow,
    /// Instructions that are faster.
    Fast,
}

impl Bf16 {
    /// That of `device`. GPUs are taken to be fast: those that CUDA 13 supports are, Turing's
    /// apart, which compute the same slower. So are Arm's processors, which were not timed.
    pub fn of(device: Device) -> Self {
        if device == Device::Cpu { Self::of_this_cpu() } else { Self::Fast }
    }

    /// That of the processor.
    pub fn of_this_cpu() -> Self {
        if tch::utils::has_mkldnn() { of_cpu() } else { Self::Absent }
    }
}

/// Every processor with AMX's bfloat16 tiles has AVX-512's instructions too.
#[cfg(target_arch = "x86_64")]
fn of_cpu() -> Bf16 {
    use crate::matmul::cpu_vendor;
    if !is_x86_feature_detected!("avx512bf16") {
        return Bf16::Absent;
    }
    // Leaf 7, register EDX: AMX-BF16 is bit 22, AMX-TILE bit 24.
    let amx = (1 << 22) | (1 << 24);
    let has_amx = std::arch::x86_64::__cpuid_count(7, 0).edx & amx == amx;
    if has_amx || cpu_vendor() != b"GenuineIntel" { Bf16::Fast } else { Bf16::Slow }
}

#[cfg(target_arch = "aarch64")]
fn of_cpu() -> Bf16 {
    match std::arch::is_aarch64_feature_detected!("bf16") {
        true => Bf16::Fast,
        false => Bf16::Absent,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn of_cpu() -> Bf16 {
    Bf16::Absent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_where_auto_is_not() {
        let on = |choice: PrecisionChoice, bf16| choice.among(Device::Cpu, bf16);
        for bf16 in [Bf16::Absent, Bf16::Slow, Bf16::Fast] {
            assert_eq!(on(PrecisionChoice::F32, bf16).expect("always"), Precision::F32);
            let fastest = if bf16 == Bf16::Fast { Precision::Bf16 } else { Precision::F32 };
            assert_eq!(on(PrecisionChoice::Auto, bf16).expect("always"), fastest, "{bf16:?}");
        }
        for bf16 in [Bf16::Slow, Bf16::Fast] {
            assert_eq!(on(PrecisionChoice::Bf16, bf16).expect("there"), Precision::Bf16);
        }
        let error = on(PrecisionChoice::Bf16, Bf16::Absent).expect_err("not there").to_string();
        assert!(error.contains("cpu has no instructions") && error.contains("--precision auto"), "{error}");
    }

    #[test]
    fn a_precision_is_in_force_during_its_body_only() {
        assert_eq!(Precision::current(), Precision::F32);
        let inner = Precision::Bf16.during(|| {
            assert_eq!(Precision::F32.during(Precision::current), Precision::F32);
            Precision::current()
        });
        assert_eq!((inner, Precision::current()), (Precision::Bf16, Precision::F32));
        let panicked = std::panic::catch_unwind(|| Precision::Bf16.during(|| panic!("on the way")));
        assert!(panicked.is_err());
        assert_eq!(Precision::current(), Precision::F32, "after a panic");
        let other = Precision::Bf16.during(|| std::thread::spawn(Precision::current).join());
        assert_eq!(other.expect("joined"), Precision::F32, "of another thread");
    }

    #[test]
    fn names_are_read_and_others_refused() {
        for name in ["auto", "f32", "bf16"] {
            assert_eq!(name.parse::<PrecisionChoice>().expect("known").to_string(), name);
        }
        assert!("fp16".parse::<PrecisionChoice>().is_err());
    }
}
