//! Which library multiplies matrices on the CPU.
//!
//! libtorch gives dense products to its BLAS. On x86 that is MKL, which takes AVX-512 on Intel's
//! processors only and stays with AVX2 on others. oneDNN, which libtorch includes for convolutions,
//! checks the instruction set instead of the vendor: where a processor computes 512 bits at once,
//! its products take half the time. It needs its own tensor layout, which costs two copies per
//! product, so small products use the BLAS ([`linear`]).
//!
//! The choice is made once per process, as the number of threads is, and as that changes results in
//! the last digits: it is part of the key of a phase.

mod products;
mod rounded;

pub use products::{in_f32, is_worth_rounding, library_of, linear, linear_as_computed, row_multiple};
pub(crate) use rounded::RoundedWeights;

use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};
use tch::Device;

/// What the user asks for: `auto`, `blas` or `onednn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MatmulChoice {
    /// oneDNN on the processors where it was measured to be faster (AMD's Zen 5 and later), else
    /// the BLAS.
    #[default]
    Auto,
    /// libtorch's BLAS.
    Blas,
    /// oneDNN; an error where libtorch was built without it.
    OneDnn,
}

impl FromStr for MatmulChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "blas" => Ok(Self::Blas),
            "onednn" => Ok(Self::OneDnn),
            _ => Err(Error::Device(format!("unknown library `{text}`, expected auto, blas or onednn"))),
        }
    }
}

impl fmt::Display for MatmulChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Blas => "blas",
            Self::OneDnn => "onednn",
        })
    }
}

impl MatmulChoice {
    /// Makes this the choice of the process.
    ///
    /// # Errors
    /// [`Error::Device`] when oneDNN was asked for by name and libtorch has none.
    pub fn apply(self) -> Result<()> {
        self.among(&Libraries::of_this_machine())?.apply();
        Ok(())
    }

    fn among(self, there: &Libraries) -> Result<Matmul> {
        match self {
            Self::Auto => Ok(there.auto),
            Self::Blas => Ok(Matmul::Blas),
            Self::OneDnn if there.has_onednn => Ok(Matmul::OneDnn),
            Self::OneDnn => Err(Error::Device(
                "onednn was asked for but this libtorch was built without it; use --matmul auto".into(),
            )),
        }
    }
}

/// The libraries of a machine; the BLAS is always available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Libraries {
    /// The choice of `auto`.
    pub auto: Matmul,
    /// Whether libtorch was built with oneDNN.
    pub has_onednn: bool,
}

impl Libraries {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        let has_onednn = tch::utils::has_mkldnn();
        let auto = if has_onednn && wide_amd() { Matmul::OneDnn } else { Matmul::Blas };
        Self { auto, has_onednn }
    }
}

/// The library to apply a fitted model with, and a note where it is not the fit's.
///
/// The order is: the one asked for, that of the fit, which the model's file names, `auto`. Products
/// of another library differ in the last digits, which may change the cluster of a sample near a
/// boundary. A model without a name, fitted on a GPU or by an older version, gets `auto`.
///
/// # Errors
/// [`Error::Device`] when oneDNN was asked for by name and libtorch has none.
pub fn for_model(
    asked: Option<MatmulChoice>,
    fitted: Option<&str>,
    there: &Libraries,
) -> Result<(Matmul, Option<String>)> {
    let of_fit = match fitted {
        Some("blas") => Some(Matmul::Blas),
        Some("onednn") if there.has_onednn => Some(Matmul::OneDnn),
        _ => None,
    };
    let taken = match (asked, of_fit) {
        (Some(choice), _) => choice.among(there)?,
        (None, Some(library)) => library,
        (None, None) => there.auto,
    };
    let differs = fitted.filter(|name| *name != taken.name());
    let note = differs.map(|name| {
        let why = if of_fit.is_none() { ", which is not on this machine" } else { "" };
        format!(
            "the model was fitted with {name} for matrix products{why}; {} is used: results may differ in the last digits, \
             and so may the cluster of a sample between two",
            taken.name()
        )
    });
    Ok((taken, note))
}

/// A library for the products of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Matmul {
    /// libtorch's BLAS: MKL on x86.
    Blas = 1,
    /// oneDNN.
    OneDnn = 2,
}

/// The process's [`Matmul`]; 0 before the first use.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Matmul {
    /// The choice of the process: what [`MatmulChoice::apply`] made it, and without that what
    /// `auto` finds.
    pub fn current() -> Self {
        match CHOSEN.load(Ordering::Relaxed) {
            1 => Self::Blas,
            2 => Self::OneDnn,
            _ => {
                let found = Libraries::of_this_machine().auto;
                found.apply();
                found
            }
        }
    }

    /// The choice on the CPU; `None` on a GPU, which has its own library.
    pub fn on(device: Device) -> Option<Self> {
        (device == Device::Cpu).then(Self::current)
    }

    /// `blas` or `onednn`, as in run files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blas => "blas",
            Self::OneDnn => "onednn",
        }
    }

    /// Makes this the choice of the process.
    pub fn apply(self) {
        CHOSEN.store(self as u8, Ordering::Relaxed);
    }
}

/// The name of the processor's vendor, such as `GenuineIntel`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn cpu_vendor() -> Vec<u8> {
    let leaf = std::arch::x86_64::__cpuid(0);
    [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).concat()
}

/// Whether this is a processor of AMD's family 1Ah (Zen 5) or later whose AVX-512 may be used.
/// Families before it have none, or compute 512 bits in two halves.
#[cfg(target_arch = "x86_64")]
fn wide_amd() -> bool {
    use std::arch::x86_64::__cpuid;
    let version = __cpuid(1).eax;
    // The extended family is added only where the base family is at its largest value (AMD's manual
    // of CPUID, function 1).
    let family = match (version >> 8) & 0xf {
        0xf => 0xf + ((version >> 20) & 0xff),
        base => base,
    };
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    cpu_vendor() == b"AuthenticAMD" && family >= 0x1a && avx512
}

#[cfg(not(target_arch = "x86_64"))]
fn wide_amd() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_applied_with_the_library_of_its_fit() {
        use Matmul::{Blas, OneDnn};
        let zen5 = Libraries { auto: OneDnn, has_onednn: true };
        let older = Libraries { auto: Blas, has_onednn: true };
        let without = Libraries { auto: Blas, has_onednn: false };
        let quiet = |fitted, there: &Libraries| {
            let (library, note) = for_model(None, fitted, there).expect("nothing was asked for");
            assert_eq!(note, None, "{fitted:?}, {there:?}");
            library
        };
        assert_eq!(quiet(Some("blas"), &zen5), Blas);
        assert_eq!(quiet(Some("onednn"), &older), OneDnn);
        assert_eq!((quiet(None, &zen5), quiet(None, &older)), (OneDnn, Blas), "an older file");

        let said = |asked, fitted, there: &Libraries| {
            let (library, note) = for_model(asked, Some(fitted), there).expect("it is there");
            (library, note.expect("another library is said"))
        };
        let (library, note) = said(None, "onednn", &without);
        assert_eq!(library, Blas);
        assert!(note.contains("with onednn") && note.contains("not on this machine; blas is used"), "{note}");
        assert_eq!(said(None, "abacus", &zen5).0, OneDnn, "a younger file");
        let (library, note) = said(Some(MatmulChoice::OneDnn), "blas", &older);
        assert_eq!(library, OneDnn);
        assert!(!note.contains("not on this machine"), "{note}");
        assert_eq!(said(Some(MatmulChoice::Auto), "blas", &zen5).0, OneDnn, "auto is asked for");
    }

    #[test]
    fn what_is_asked_for_and_absent_is_an_error() {
        let without = Libraries { auto: Matmul::Blas, has_onednn: false };
        let error = for_model(Some(MatmulChoice::OneDnn), Some("blas"), &without).expect_err("not there");
        assert!(error.to_string().contains("use --matmul auto"), "{error}");
    }

    #[test]
    fn reads_the_three_spellings() {
        assert_eq!("auto".parse::<MatmulChoice>().expect("auto"), MatmulChoice::Auto);
        assert_eq!("blas".parse::<MatmulChoice>().expect("blas"), MatmulChoice::Blas);
        assert_eq!("onednn".parse::<MatmulChoice>().expect("onednn"), MatmulChoice::OneDnn);
        assert!("mkl".parse::<MatmulChoice>().is_err());
    }
}
