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
