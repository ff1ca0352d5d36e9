//! Values by hand, and the laws of the terms of the loss.

use super::{affinity, laplacian, neighbour_scale, orthonormaliser};
use tch::{Device, Kind, Tensor};
use vae_core::random::{Streams, normal};
use vae_graph::siamese::PairLoss;

fn draw(name: &str, shape: &[i64]) -> Tensor {
    normal(&mut Streams::new(3, "spectralnet").rng(name, 0, 0), shape, Device::Cpu)
}

fn value(t: &Tensor) -> f64 {
    t.to_kind(Kind::Double).double_value(&[])
}

fn orthonormal(y: &Tensor) -> Tensor {
    y.matmul(&orthonormaliser(y).expect("torch").expect("decomposed"))
}

/// A batch of outputs like those of a map.
fn outputs(m: i64, k: i64) -> Tensor {
    (draw("x", &[m, 6]).matmul(&draw("a", &[6, k]))).tanh()
}

#[test]
fn outputs_are_orthonormal() {
    for (m, k) in [(64, 4), (1024, 10)] {
        let y = orthonormal(&outputs(m, k));
        let gram = y.tr().matmul(&y) / m as f64;
        let error = (gram - Tensor::eye(k, (Kind::Float, Device::Cpu))).abs().max();
        assert!(value(&error) < 1e-4, "{m} x {k}: {}", value(&error));
    }
}

#[test]
fn cholesky_and_qr_agree_up_to_signs() {
    let y = outputs(200, 5).to_kind(Kind::Double);
    let by_cholesky = orthonormal(&y);
    let (q, _) = Tensor::linalg_qr(&y, "reduced");
    let by_qr = q * 200f64.sqrt();
    let sign = (&by_cholesky * &by_qr).sum_dim_intlist([0i64].as_slice(), true, None).sign();
    assert!(value(&(by_cholesky - by_qr * sign).abs().max()) < 1e-5);
}

#[test]
fn a_rank_deficient_batch_gets_a_ridge_and_a_batch_that_is_not_finite_none() {
    let flat = Tensor::ones([50, 3], (Kind::Float, Device::Cpu)) * 0.7;
    let weights = orthonormaliser(&flat).expect("torch").expect("a ridge");
    assert!(bool::try_from(weights.isfinite().all()).expect("bool"));
    let zero = Tensor::zeros([50, 3], (Kind::Float, Device::Cpu));
    assert_eq!(value(&orthonormal(&zero).abs().max()), 0.0);
    let broken = &flat * f64::NAN;
    assert!(orthonormaliser(&broken).expect("torch").is_none());
}

#[test]
fn the_trace_is_the_double_sum() {
    let (h, y) = (draw("h", &[40, 3]).to_kind(Kind::Double), draw("y", &[40, 4]).to_kind(Kind::Double));
    for n_neighbors in [0, 3] {
        let w = affinity(&h, n_neighbors, 0.7).expect("torch");
        let (rows, weights) =
            (Vec::<Vec<f64>>::try_from(&y).expect("rows"), Vec::<Vec<f64>>::try_from(&w).expect("rows"));
        let mut sum = 0.0;
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                sum += weights[i][j] * a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            }
        }
        let want = sum / (2.0 * 40.0);
        assert!((value(&laplacian(&w, &y)) / want - 1.0).abs() < 1e-5);
    }
}

/// Ascending eigenvalues and eigenvectors of the batch's Laplacian.
fn eigen(w: &Tensor) -> (Tensor, Tensor) {
    let degree = w.sum_dim_intlist([1i64].as_slice(), false, None);
    (degree.diag(0) - w).linalg_eigh("U")
}

#[test]
fn the_loss_is_bounded_by_the_smallest_eigenvalues_and_reaches_them() {
    let (m, k) = (64, 4);
    let w = affinity(&draw("h", &[m, 3]).to_kind(Kind::Double), 0, 0.8).expect("torch");
    let (values, vectors) = eigen(&w);
    let bound = value(&values.narrow(0, 0, k).sum(None::<Kind>));
    let random = orthonormal(&outputs(m, k).to_kind(Kind::Double));
    assert!(value(&laplacian(&w, &random)) > bound);
    let best = vectors.narrow(1, 0, k) * (m as f64).sqrt();
    assert!((value(&laplacian(&w, &best)) - bound).abs() < 1e-9, "{bound}");
}

#[test]
fn as_many_pieces_as_outputs_cost_nothing() {
    // Four groups of sixteen, far apart: W has four blocks, and their indicators are free.
    let group =
        Tensor::arange(64, (Kind::Int64, Device::Cpu)).divide_scalar_mode(16, "floor").to_kind(Kind::Int64);
    let h = group.to_kind(Kind::Double).unsqueeze(1) * 1e3 + draw("h", &[64, 2]).to_kind(Kind::Double);
    let w = affinity(&h, 0, 1.0).expect("torch");
    let y = orthonormal(&group.one_hot(4).to_kind(Kind::Double));
    assert!(value(&laplacian(&w, &y)).abs() < 1e-12);
    // With self and two others a batch of 1,024 points of a plane has far more than ten pieces.
    let w = affinity(&draw("many", &[1024, 2]), 3, 1.0).expect("torch");
    let (values, _) = eigen(&w.to_kind(Kind::Double));
    let free = values.lt(1e-6).sum(Kind::Int64).int64_value(&[]);
    assert!(free > 10, "{free} eigenvalues are 0");
}

#[test]
fn affinities_are_symmetric_and_between_0_and_1() {
    let h = draw("h", &[100, 4]);
    // Copies of one point: each still counts itself.
    let h = Tensor::cat(&[&h, &h.narrow(0, 0, 1).repeat([9, 1])], 0);
    for n_neighbors in [0, 3, 30] {
        let w = affinity(&h, n_neighbors, 0.5).expect("torch");
        assert!(w.equal(&w.tr()));
        assert!(value(&w.min()) >= 0.0 && value(&w.max()) <= 1.0);
        assert_eq!(value(&(w.diagonal(0, 0, 1) - 1.0).abs().max()), 0.0, "{n_neighbors}");
    }
    // Every row keeps itself and two others; the transpose adds those that keep it.
    let w = affinity(&draw("h", &[100, 4]), 3, 0.5).expect("torch");
    let per_row = w.gt(0.0).sum_dim_intlist([1i64].as_slice(), false, Kind::Int64);
    assert!(per_row.min().int64_value(&[]) >= 3);
    assert!(per_row.sum(Kind::Int64).int64_value(&[]) < 600);
}

#[test]
fn the_scale_counts_the_point_itself_first() {
    // On a line at 0, 1, 3, 7: nearest others at 1, 1, 2, 4; second nearest at 3, 2, 3, 6.
    let h = Tensor::from_slice(&[0.0f32, 1.0, 3.0, 7.0]).unsqueeze(1);
    assert_eq!(neighbour_scale(&h, 2).expect("scale"), 1.0);
    assert_eq!(neighbour_scale(&h, 3).expect("scale"), 3.0);
    assert!(neighbour_scale(&h, 5).is_err_and(|e| e.to_string().contains("scale_neighbor")));
    // Mostly copies: the median of the distances above 0, or 1 when there is none.
    let copies = Tensor::cat(&[h, Tensor::zeros([9, 1], (Kind::Float, Device::Cpu))], 0);
    assert_eq!(neighbour_scale(&copies, 2).expect("scale"), 2.0);
    assert_eq!(neighbour_scale(&Tensor::ones([6, 2], (Kind::Float, Device::Cpu)), 2).expect("scale"), 1.0);
}

#[test]
fn contrastive_losses_by_hand() {
    let loss = |f: &dyn Fn(&Tensor) -> Tensor, d: f64| value(&f(&Tensor::from_slice(&[d * d])).squeeze());
    let near = |d| loss(&|sq| PairLoss::Spectralnet.near(sq), d);
    let far = |d| loss(&|sq| PairLoss::Spectralnet.far(sq, 1.0), d);
    for (got, want) in
        [(near(0.05), 0.0), (near(0.55), 0.25), (far(0.4), 0.36), (far(1.0), 0.0), (far(2.0), 0.0)]
    {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences_through_the_orthonormalisation() {
    let (m, k) = (12, 2);
    let w = affinity(&draw("h", &[m, 3]).to_kind(Kind::Double), 0, 0.8).expect("torch");
    let f = |y: &Tensor| {
        let (a, b) = (y.narrow(0, 0, m), y.narrow(0, m, m));
        laplacian(&w, &b.matmul(&orthonormaliser(&a).expect("torch").expect("decomposed")))
    };
    let y = draw("y", &[2 * m, k]).to_kind(Kind::Double).set_requires_grad(true);
    let gradient = &Tensor::run_backward(&[f(&y)], &[&y], false, false)[0];
    for (row, column) in [(0, 0), (5, 1), (m, 0), (m + 7, 1)] {
        let nudged = |by: f64| {
            let y = y.detach().copy();
            let _ = y.get(row).get(column).fill_(y.double_value(&[row, column]) + by);
            value(&f(&y))
        };
        let (h, got) = (1e-5, gradient.double_value(&[row, column]));
        let want = (nudged(h) - nudged(-h)) / (2.0 * h);
        assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()), "[{row}, {column}]: {got} {want}");
    }
}
