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

use crate::precision::Precision;
use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};
use tch::{Device, Kind, Tensor};

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

/// Whether this is a processor of AMD's family 1Ah (Zen 5) or later whose AVX-512 may be used.
/// Families before it have none, or compute 512 bits in two halves.
#[cfg(target_arch = "x86_64")]
fn wide_amd() -> bool {
    use std::arch::x86_64::__cpuid;
    let (vendor, version) = (__cpuid(0), __cpuid(1).eax);
    let name = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat();
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
    name == b"AuthenticAMD" && family >= 0x1a && avx512
}

#[cfg(not(target_arch = "x86_64"))]
fn wide_amd() -> bool {
    false
}

/// Below this length of any side of a product the BLAS is faster.
const MIN_SIDE: i64 = 64;

/// The BLAS is also faster below this number of multiplications.
const MIN_PRODUCTS: i64 = 10_000_000;

/// Below this number of multiplications single precision is as fast as bfloat16, since the factors
/// have to be rounded.
const MIN_ROUNDED_PRODUCTS: i64 = 5_000_000;

/// `y = x Wᵀ + b`, by the process's library and in the [`Precision`] in force where the product is
/// large. Differentiable.
///
/// # Shapes
/// `x`: `[.., in]`, `weight`: `[out, in]`, `bias`: `[out]`; result `[.., out]`.
///
/// # Panics
/// On shapes that do not fit, a mistake of the caller's code.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    in_f32(linear_as_computed(x, weight, bias))
}

/// [`linear`] between layers: a product in bfloat16 stays in that format, in which the next one
/// reads it, so that a chain of layers is rounded once per layer. [`in_f32`] ends the chain.
///
/// # Shapes
/// As for [`linear`]; `x` may be in bfloat16.
pub fn linear_as_computed(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    if Precision::current() == Precision::Bf16 && is_worth_rounding(x, weight) {
        let rounded = |t: &Tensor| t.to_kind(Kind::BFloat16);
        return rounded(x).linear(&rounded(weight), bias.map(rounded));
    }
    let x = &in_f32(x.shallow_clone());
    match library_of(x, weight) {
        Matmul::OneDnn => by_onednn(x, weight, bias),
        Matmul::Blas => x.linear(weight, bias),
    }
}

/// Bfloat16 as single precision; other kinds as they are.
pub fn in_f32(x: Tensor) -> Tensor {
    if x.kind() == Kind::BFloat16 { x.to_kind(Kind::Float) } else { x }
}

/// The library that [`linear`] takes for this product: the process's, or the BLAS for a small one.
///
/// # Shapes
/// As for [`linear`].
pub fn library_of(x: &Tensor, weight: &Tensor) -> Matmul {
    match Matmul::current() {
        Matmul::OneDnn if is_large(x, weight) => Matmul::OneDnn,
        _ => Matmul::Blas,
    }
}

/// Numbers of rows that change from step to step should be multiples of this: oneDNN compiles
/// kernels for each number, and caches a limited number of them.
pub fn row_multiple(device: Device) -> i64 {
    match Matmul::on(device) {
        Some(Matmul::OneDnn) => 32,
        Some(Matmul::Blas) | None => 1,
    }
}

fn is_large(x: &Tensor, weight: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float && has_products(x, weight, MIN_PRODUCTS)
}

/// Whether [`linear`] computes this product in bfloat16 where that is in force.
///
/// # Shapes
/// As for [`linear`].
pub fn is_worth_rounding(x: &Tensor, weight: &Tensor) -> bool {
    let kinds = matches!(x.kind(), Kind::Float | Kind::BFloat16) && weight.kind() == Kind::Float;
    kinds && has_products(x, weight, MIN_ROUNDED_PRODUCTS)
}

/// Whether the product has sides of at least [`MIN_SIDE`] and `least` multiplications.
fn has_products(x: &Tensor, weight: &Tensor, least: i64) -> bool {
    let (w_size, x_size) = (weight.size(), x.size());
    let (&[n_out, n_in], Some(&width)) = (&w_size[..], x_size.last()) else { return false };
    let rows = x.numel() as i64 / width.max(1);
    rows.min(n_out).min(n_in) >= MIN_SIDE && rows * n_out * n_in >= least
}

fn by_onednn(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    x.to_mkldnn().mkldnn_linear(weight, bias).to_dense(None, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Streams, normal};

    fn draw(name: &str, shape: &[i64]) -> Tensor {
        normal(&mut Streams::new(0, "matmul").rng(name, 0, 0), shape, Device::Cpu)
    }

    /// `y`, and the gradients of a weighted sum of it, of `x`, `W` and `b` in turn.
    fn with_gradients(of: fn(&Tensor, &Tensor, Option<&Tensor>) -> Tensor, shape: &[i64]) -> Vec<Tensor> {
        let (n_in, n_out) = (shape[shape.len() - 1], 70);
        let leaves = [draw("x", shape), draw("w", &[n_out, n_in]), draw("b", &[n_out])];
        let leaves = leaves.map(|t| t.set_requires_grad(true));
        let y = of(&leaves[0], &leaves[1], Some(&leaves[2]));
        let loss = (&y * draw("g", &y.size())).sum(None::<Kind>);
        let mut all = vec![y.detach()];
        all.extend(Tensor::run_backward(&[loss], &leaves, false, false));
        all
    }

    #[test]
    fn both_libraries_give_one_product_and_its_gradients() {
        if !tch::utils::has_mkldnn() {
            println!("skipped: this libtorch has no oneDNN");
            return;
        }
        for shape in [&[90i64, 65][..], &[1, 3], &[4, 30, 65]] {
            let blas = with_gradients(|x, w, b| x.linear(w, b), shape);
            let onednn = with_gradients(by_onednn, shape);
            for (at, (a, b)) in blas.iter().zip(&onednn).enumerate() {
                assert_eq!(a.size(), b.size(), "{shape:?}, {at}");
                let off = (a - b).abs().max().double_value(&[]);
                assert!(off <= 2e-6 * a.abs().max().double_value(&[]).max(1.0), "{shape:?}, {at}: {off}");
            }
        }
        let (x, w) = (draw("x", &[90, 65]), draw("w", &[70, 65]));
        let off = (by_onednn(&x, &w, None) - x.matmul(&w.tr())).abs().max().double_value(&[]);
        assert!(off < 1e-4, "without a bias: {off}");
    }

    #[test]
    fn equal_products_have_equal_bytes() {
        if tch::utils::has_mkldnn() {
            let of = || with_gradients(by_onednn, &[90, 65]);
            assert!(of().iter().zip(&of()).all(|(a, b)| a.equal(b)));
        }
    }

    /// The nearest bfloat16 values, in f64.
    fn rounded(t: &Tensor) -> Tensor {
        t.to_kind(Kind::BFloat16).to_kind(Kind::Double)
    }

    /// Largest distance of `a` from the f64 sum `exact`, in units of what a sum whose terms have
    /// the absolute sum `terms` may be off: bfloat16's rounding of the result (2⁻⁸ of it at most), and
    /// single precision within the sum.
    fn off_by(a: &Tensor, exact: &Tensor, terms: &Tensor) -> f64 {
        let allowed = exact.abs() * 2f64.powi(-8) + terms * 2f64.powi(-20);
        ((a.to_kind(Kind::Double) - exact).abs() / allowed).max().double_value(&[])
    }

    #[test]
    fn products_in_bfloat16_and_their_gradients_are_off_by_its_rounding_alone() {
        let leaves = [draw("x", &[128, 256]), draw("w", &[200, 256]), draw("b", &[200])];
        let [x, w, b] = leaves.map(|t| t.set_requires_grad(true));
        assert!(is_worth_rounding(&x, &w));
        let g = draw("g", &[128, 200]);
        let (y, gradients) = {
            let y = Precision::Bf16.during(|| linear(&x, &w, Some(&b)));
            // Outside of `during`: a gradient has the precision of its product.
            let gradients = Tensor::run_backward(&[(&y * &g).sum(None::<Kind>)], &[&x, &w, &b], false, false);
            (y.detach(), gradients)
        };
        assert!(y.kind() == Kind::Float && gradients.iter().all(|t| t.kind() == Kind::Float));
        let (x16, w16, b16, g16) = (rounded(&x), rounded(&w), rounded(&b), rounded(&g));
        let product = |a: &Tensor, b: &Tensor| (a.matmul(b), a.abs().matmul(&b.abs()));
        let (mut exact, mut terms) = product(&x16, &w16.tr());
        (exact, terms) = (exact + &b16, terms + b16.abs());
        let off = off_by(&y, &exact, &terms);
        assert!(off <= 1.0, "y: {off}");
        let sums = [product(&g16, &w16), product(&g16.tr(), &x16)];
        for (at, (gradient, (exact, terms))) in gradients.iter().zip(&sums).enumerate() {
            let off = off_by(gradient, exact, terms);
            assert!(off <= 1.0, "{at}: {off}");
        }
        let over_rows = |t: &Tensor| t.sum_dim_intlist([0i64].as_slice(), false, None::<Kind>);
        assert!(off_by(&gradients[2], &over_rows(&g16), &over_rows(&g16.abs())) <= 1.0);
        // And the rounding is there: in single precision each is nearer to the exact numbers.
        let off = (&y - linear(&x, &w, Some(&b))).abs().max().double_value(&[]);
        assert!(off > 1e-3, "{off}");
    }

    #[test]
    fn single_precision_is_for_small_products_and_outside_of_steps() {
        let (x, w) = (draw("x", &[128, 256]), draw("w", &[200, 256]));
        let plain = x.linear(&w, None::<&Tensor>);
        assert!(linear(&x, &w, None).equal(&plain), "outside");
        let (few, narrow) = (x.narrow(0, 0, 63), w.narrow(0, 0, 10));
        Precision::Bf16.during(|| {
            assert!(!linear(&x, &w, None).equal(&plain), "inside");
            assert!(linear(&few, &w, None).equal(&few.linear(&w, None::<&Tensor>)), "63 rows");
            assert!(linear(&x, &narrow, None).equal(&x.linear(&narrow, None::<&Tensor>)), "ten outputs");
            let (x64, w64) = (x.to_kind(Kind::Double), w.to_kind(Kind::Double));
            assert!(linear(&x64, &w64, None).equal(&x64.linear(&w64, None::<&Tensor>)), "f64");
        });
    }

    #[test]
    fn a_chain_in_bfloat16_is_its_products_one_by_one() {
        let (x, w) = (draw("x", &[128, 256]), draw("w", &[256, 256]));
        let (last, b) = (draw("last", &[10, 256]), draw("b", &[256]));
        Precision::Bf16.during(|| {
            let layer = |x: &Tensor| linear_as_computed(x, &w, Some(&b)).relu();
            let chain = linear_as_computed(&layer(&layer(&x)), &last, None);
            assert_eq!((layer(&x).kind(), chain.kind()), (Kind::BFloat16, Kind::Float));
            let single = |x: &Tensor| linear(x, &w, Some(&b)).relu();
            assert!(chain.equal(&linear(&single(&single(&x)), &last, None)));
            assert!(layer(&x).equal(&layer(&x)), "equal products have equal bytes");
        });
    }

    #[test]
    fn only_large_products_in_single_precision_change_their_library() {
        let large = |x: &[i64], kind, w: &[i64]| {
            is_large(&Tensor::zeros(x, (kind, Device::Cpu)), &Tensor::zeros(w, (kind, Device::Cpu)))
        };
        assert!(large(&[100, 400], Kind::Float, &[300, 400]));
        assert!(large(&[4, 25, 400], Kind::Float, &[300, 400]), "rows are all but the last axis");
        assert!(!large(&[100, 400], Kind::Double, &[300, 400]));
        assert!(!large(&[100, 200], Kind::Float, &[300, 200]), "6 million products");
        assert!(!large(&[10_000, 2_000], Kind::Float, &[10, 2_000]), "ten outputs");
        assert!(!large(&[32, 2_000], Kind::Float, &[2_000, 2_000]), "32 rows");
        assert!(!large(&[0, 400], Kind::Float, &[300, 400]));
    }

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
