use super::*;
use crate::Graph;
use ndarray::array;
use rand::RngExt;
use tch::Device;
use vae_core::random::{Streams, normal};

const F64: (Kind, Device) = (Kind::Double, Device::Cpu);

/// A model small enough for f64: a linear encoder, a linear decoder, a linear classifier on mu, K
/// Gaussians.
struct Model {
    params: Vec<Tensor>,
    noise: Tensor,
    x: Tensor,
    bernoulli: bool,
}

struct Posteriors {
    z: Tensor,
    latent: Latent,
}

const N: usize = 14;
const D: i64 = 6;
const J: i64 = 3;
const K: i64 = 4;

impl Model {
    fn new(seed: u64, bernoulli: bool) -> Self {
        let streams = Streams::new(seed, "test");
        let draw = |name: &str, shape: &[i64]| {
            normal(&mut streams.rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
        };
        let n = N as i64;
        let params = [
            ("encoder mu", vec![D, J]),
            ("encoder log_var", vec![D, J]),
            ("decoder", vec![J, D]),
            ("classifier", vec![J, K]),
            ("component mu", vec![K, J]),
            ("component log_var", vec![K, J]),
        ];
        let params =
            params.iter().map(|(name, shape)| (draw(name, shape) * 0.5).set_requires_grad(true)).collect();
        let x = draw("x", &[n, D]);
        let x = if bernoulli { x.sigmoid() } else { x };
        Self { params, noise: draw("noise", &[n, J]), x, bernoulli }
    }

    fn posteriors(&self) -> Posteriors {
        self.posteriors_of(&self.x)
    }

    fn posteriors_of(&self, x: &Tensor) -> Posteriors {
        let [to_mu, to_log_var, _, f2, m, v] = self.params.iter().collect::<Vec<_>>()[..] else { panic!() };
        let (mu, log_var) = (x.matmul(to_mu), x.matmul(to_log_var));
        let z = &mu + (&log_var * 0.5).exp() * &self.noise;
        let second = (mu.unsqueeze(1) - m).square() + log_var.exp().unsqueeze(1);
        let energy = (second * v.neg().exp() + v).sum_dim_intlist(LAST.as_slice(), false, None) * 0.5;
        let entropy = (&log_var + 1.0).sum_dim_intlist(LAST.as_slice(), false, None) * 0.5;
        let log_gamma = mu.matmul(f2).log_softmax(-1, None);
        Posteriors { z, latent: Latent { energy, entropy, log_gamma } }
    }

    /// `−ln p(target | z)` per row.
    fn nll(&self, z: &Tensor, target: &Tensor) -> Tensor {
        let out = z.matmul(&self.params[2]);
        let terms =
            if self.bernoulli { out.softplus() - target * &out } else { (target - &out).square() * 0.5 };
        terms.sum_dim_intlist(LAST.as_slice(), false, None)
    }

    fn gradients(&self, loss: &Tensor) -> Vec<Tensor> {
        Tensor::run_backward(&[loss], &self.params, true, false)
    }
}

/// Between 0 and 4 neighbours with unequal weights; some points are in no neighbour list.
fn random_graph(seed: u64) -> Graph {
    let mut rng = Streams::new(seed, "test").rng("graph", 0, 0);
    let rows = (0..N as u32).map(|i| {
        let degree = rng.random_range(0..5usize);
        let others: Vec<u32> = (0..N as u32 - 4).filter(|&j| j != i).collect();
        (0..degree).map(|_| (others[rng.random_range(0..others.len())], rng.random::<f32>() + 0.1)).collect()
    });
    Graph::from_rows(rows.collect()).expect("valid").row_normalised()
}

fn array2(t: &Tensor) -> Array2<f64> {
    let (r, c) = t.size2().expect("a matrix");
    let values = Vec::<f64>::try_from(t.contiguous().view([-1])).expect("f64");
    Array2::from_shape_vec((r as usize, c as usize), values).expect("shape")
}

fn tensor(a: &Array2<f64>) -> Tensor {
    Tensor::from_slice(&a.iter().copied().collect::<Vec<_>>()).view([a.nrows() as i64, a.ncols() as i64])
}

/// All points as tuples of equal length; missing neighbours get weight 0.
fn literal(model: &Model, u: &Graph) -> Terms {
    let m = (0..N).map(|i| u.row(i).count()).max().expect("rows") as i64;
    let (mut index, mut weight) = (vec![0i64; N * m as usize], vec![0f64; N * m as usize]);
    for i in 0..N {
        for (s, (j, w)) in u.row(i).enumerate() {
            (index[i * m as usize + s], weight[i * m as usize + s]) = (i64::from(j), f64::from(w));
        }
    }
    let p = model.posteriors();
    let index = Tensor::from_slice(&index);
    let pick = |t: &Tensor, tail: &[i64]| {
        t.index_select(0, &index).view([[N as i64, m].as_slice(), tail].concat().as_slice())
    };
    let target = model.x.unsqueeze(1).expand([N as i64, m, D], false);
    let nll = model.nll(&pick(&p.z, &[J]), &target);
    let latent = Latent {
        energy: pick(&p.latent.energy, &[K]),
        entropy: pick(&p.latent.entropy, &[]),
        log_gamma: pick(&p.latent.log_gamma, &[K]),
    };
    tuples(&nll, &latent, &Tensor::from_slice(&weight).view([N as i64, m]))
}

fn fast(model: &Model, s: &Smoothing) -> Terms {
    let p = model.posteriors();
    let pi = s.pi(array2(&p.latent.log_gamma.detach().exp()).view()).expect("sizes agree");
    let prior = tensor(&s.log_prior(pi.view()).expect("sizes agree"));
    // In f64, which `targets` (f32) is not.
    let targets =
        s.turned.multiply(array2(&model.x).view()).expect("sizes agree") / s.c.view().insert_axis(Axis(1));
    let c = Tensor::from_slice(s.c.as_slice().expect("contiguous"));
    smoothed(&model.nll(&p.z, &tensor(&targets)), &p.latent, &prior, &c)
}

#[test]
fn the_smoothed_form_is_the_literal_one_in_value_and_gradient() {
    for seed in 0..6 {
        for bernoulli in [true, false] {
            let (model, graph) = (Model::new(seed, bernoulli), random_graph(seed));
            let s = Smoothing::new(&graph);
            let (a, b) = (literal(&model, s.u()), fast(&model, &s));
            // A Gaussian's target enters squared: the constant ½ (Σ u_ij |x_i|² − c_j |x̄_j|²) has
            // no gradient.
            let constant = if bernoulli {
                0.0
            } else {
                let x = array2(&model.x);
                let mean = s.turned.multiply(x.view()).expect("sizes") / s.c.view().insert_axis(Axis(1));
                let norm = |row: ndarray::ArrayView1<'_, f64>| row.dot(&row);
                (0..N)
                    .map(|j| {
                        let own: f64 =
                            s.turned.row(j).map(|(i, u)| f64::from(u) * norm(x.row(i as usize))).sum();
                        0.5 * (own - s.c[j] * norm(mean.row(j)))
                    })
                    .sum::<f64>()
                    / N as f64
            };
            let value = |t: &Tensor| t.double_value(&[]);
            // The weights are f32, so their sums are 1 to 1e-7 only; both forms use the same ones.
            assert!((value(&a.total) - value(&b.total) - constant).abs() < 1e-10, "seed {seed}");
            for (x, y) in [(&a.zc, &b.zc), (&a.ent, &b.ent), (&a.cat, &b.cat)] {
                assert!((value(x) - value(y)).abs() < 1e-10, "seed {seed}");
            }
            for (x, y) in model.gradients(&a.total).iter().zip(model.gradients(&b.total)) {
                assert!((x - y).abs().max().double_value(&[]) < 1e-10, "seed {seed}");
                assert!(x.abs().max().double_value(&[]) > 1e-6);
            }
        }
    }
}

/// `gradients` against central differences of `value`, at three entries of every parameter.
fn assert_gradients(model: &Model, gradients: &[Tensor], value: impl Fn() -> f64) {
    let h = 1e-5;
    for (p, g) in model.params.iter().zip(gradients) {
        for at in [0, p.numel() as i64 / 2, p.numel() as i64 - 1] {
            let nudge = |by: f64| {
                tch::no_grad(|| {
                    let mut cell = p.view([-1]).get(at);
                    let _ = cell.f_add_scalar_(by).expect("in place");
                });
                value()
            };
            let up = nudge(h);
            let down = nudge(-2.0 * h);
            let _ = nudge(h);
            let numeric = (up - down) / (2.0 * h);
            let exact = g.contiguous().view([-1]).double_value(&[at]);
            assert!((numeric - exact).abs() < 1e-7 * (1.0 + exact.abs()), "{numeric} {exact}");
        }
    }
}

#[test]
fn the_gradient_is_that_of_the_objective_with_pi_inside_and_with_pi_held() {
    let (model, graph) = (Model::new(3, true), random_graph(3));
    let s = Smoothing::new(&graph);
    let gradients = model.gradients(&fast(&model, &s).total);
    // pi recomputed each time: it is the maximiser, so detaching loses nothing.
    assert_gradients(&model, &gradients, || literal(&model, s.u()).total.double_value(&[]));
    // With pi fixed.
    let gamma = array2(&model.posteriors().latent.log_gamma.detach().exp());
    let prior = s.log_prior(s.pi(gamma.view()).expect("sizes agree").view()).expect("sizes agree");
    let targets =
        s.turned.multiply(array2(&model.x).view()).expect("sizes") / s.c.view().insert_axis(Axis(1));
    let (prior, targets) = (tensor(&prior), tensor(&targets));
    let c = Tensor::from_slice(s.c.as_slice().expect("contiguous"));
    assert_gradients(&model, &gradients, || {
        let p = model.posteriors();
        smoothed(&model.nll(&p.z, &targets), &p.latent, &prior, &c).total.double_value(&[])
    });
}

#[test]
fn weights_of_a_tuple() {
    // One half for the point itself, 1/40 for each of 20 neighbours. Graphs hold f32, whose 1/40 is
    // off by 4e-10.
    let twenty: Vec<(u32, f32)> = (1..=20).map(|j| (j, 1.0)).collect();
    let rows = [vec![twenty], vec![vec![]; 20]].concat();
    let s = Smoothing::new(&Graph::from_rows(rows).expect("valid").row_normalised());
    let own: Vec<(u32, f32)> = s.u().row(0).collect();
    assert_eq!(own.len(), 21);
    for (j, u) in own {
        assert_eq!(u, if j == 0 { 0.5 } else { 0.025 });
    }
    assert!((s.u().row_sums()[0] - 1.0).abs() < 21.0 * f64::from(f32::EPSILON) * 0.025);
    // Without neighbours: (1).
    assert_eq!(s.u().row(1).collect::<Vec<_>>(), [(1, 1.0)]);
}

/// The objective of point `i` alone by [`tuples`], with the posteriors of `encoded` and the targets
/// of the model; and, slot by slot, the loss L(x_i, x_j) of explaining x_i by z_j with the pi of
/// the tuple, each with its weight.
fn of_point(model: &Model, u: &Graph, i: usize, encoded: &Tensor) -> (Terms, Vec<(u32, f64, f64)>) {
    let p = model.posteriors_of(encoded);
    let slots: Vec<(u32, f32)> = u.row(i).collect();
    let index = Tensor::from_slice(&slots.iter().map(|(j, _)| i64::from(*j)).collect::<Vec<_>>());
    let weight = Tensor::from_slice(&slots.iter().map(|(_, w)| f64::from(*w)).collect::<Vec<_>>());
    let target = model.x.get(i as i64).unsqueeze(0).expand([slots.len() as i64, D], false);
    let pick = |t: &Tensor| t.index_select(0, &index).unsqueeze(0);
    let nll = model.nll(&p.z.index_select(0, &index), &target).unsqueeze(0);
    let latent = Latent {
        energy: pick(&p.latent.energy),
        entropy: pick(&p.latent.entropy),
        log_gamma: pick(&p.latent.log_gamma),
    };
    let whole = tuples(&nll, &latent, &weight.unsqueeze(0));
    let pi =
        (latent.log_gamma.exp() * weight.view([1, -1, 1])).sum_dim_intlist([1i64].as_slice(), true, None);
    let one = Tensor::ones([1, 1], F64);
    let alone = slots.iter().enumerate().map(|(s, (j, w))| {
        let s = s as i64;
        let latent = Latent {
            energy: latent.energy.narrow(1, s, 1),
            entropy: latent.entropy.narrow(1, s, 1),
            log_gamma: latent.log_gamma.narrow(1, s, 1),
        };
        let loss = weighted(&nll.narrow(1, s, 1), &latent, &pi.log(), &one).total;
        (*j, f64::from(*w), loss.double_value(&[]))
    });
    let alone = alone.collect();
    (whole, alone)
}

#[test]
fn the_objective_is_linear_in_the_slots_and_the_target_stays_the_own_point() {
    // The target of all slots is the point's own features.
    let (model, graph) = (Model::new(5, true), random_graph(5));
    let u = graph.with_self(0.5, 0.5);
    let noise = normal(&mut Streams::new(5, "test").rng("other", 0, 0), &[D], Device::Cpu);
    let mut seen = 0;
    for i in 0..N {
        let (whole, alone) = of_point(&model, &u, i, &model.x);
        let sum: f64 = alone.iter().map(|(_, w, loss)| w * loss).sum();
        assert!((whole.total.double_value(&[]) - sum).abs() < 1e-12, "point {i}");
        // Noise in place of a neighbour changes the terms of its slot, and of the others only what
        // pi says.
        let Some(&(j, w, _)) = alone.iter().find(|(j, ..)| *j as usize != i) else { continue };
        let replaced = model.x.copy();
        replaced.get(i64::from(j)).copy_(&noise);
        let (changed, _) = of_point(&model, &u, i, &replaced);
        let rec = |x: &Tensor, slot: u32| {
            let target = model.x.get(i as i64).unsqueeze(0);
            model.nll(&model.posteriors_of(x).z.get(i64::from(slot)).unsqueeze(0), &target).double_value(&[])
        };
        let want = whole.rec.double_value(&[]) + w * (rec(&replaced, j) - rec(&model.x, j));
        assert!((changed.rec.double_value(&[]) - want).abs() < 1e-12, "point {i}");
        seen += usize::from((rec(&replaced, j) - rec(&model.x, j)).abs() > 1e-3);
    }
    assert!(seen > 3, "too few points have a neighbour");
}

/// Two neighbours with half the weight each, of a first point; the others only point at themselves.
fn three_points() -> Smoothing {
    Smoothing::new(&Graph::from_rows(vec![vec![(1, 0.5), (2, 0.5)], vec![], vec![]]).expect("valid"))
}

#[test]
fn pi_is_the_maximiser() {
    let gamma = array![[0.8, 0.2], [0.6, 0.4], [0.2, 0.8]];
    let pi = three_points().pi(gamma.view()).expect("sizes agree");
    assert!((pi[[0, 0]] - 0.6).abs() < 1e-7 && (pi[[0, 1]] - 0.4).abs() < 1e-7);
    // Σ_j w_j (gamma_i + gamma_j) · ln pi, the part of the objective that pi decides: minus twice
    // what `cat` has of it.
    let objective = |p: f64| {
        let log_gamma = Tensor::from_slice(&[0.8f64, 0.2, 0.6, 0.4, 0.2, 0.8]).view([1, 3, 2]).log();
        let zeros = |shape: &[i64]| Tensor::zeros(shape, F64);
        let latent = Latent { energy: zeros(&[1, 3, 2]), entropy: zeros(&[1, 3]), log_gamma };
        let u = Tensor::from_slice(&[0.5f64, 0.25, 0.25]).view([1, 3]);
        let cat = |pi: [f64; 2]| {
            let log_pi = Tensor::from_slice(&pi).log().view([1, 1, 2]);
            weighted(&zeros(&[1, 3]), &latent, &log_pi, &u).cat.double_value(&[])
        };
        2.0 * (cat([1.0, 1.0]) - cat([p, 1.0 - p]))
    };
    for (p, want) in
        [(0.6, -1.346_023_334_0), (0.5, -1.386_294_361_1), (0.62, -1.347_710_181_2), (0.58, -1.347_673_064_7)]
    {
        assert!((objective(p) - want).abs() < 1e-9, "{}", objective(p));
    }
}

/// Slots with the given assignments and nothing else: only `cat` is not 0.
fn only_categorical(gamma: &[f64], k: i64, u: &[f64]) -> Terms {
    let m = u.len() as i64;
    let zeros = |shape: &[i64]| Tensor::zeros(shape, F64);
    let log_gamma = Tensor::from_slice(gamma).view([1, m, k]).log();
    let latent = Latent { energy: zeros(&[1, m, k]), entropy: zeros(&[1, m]), log_gamma };
    tuples(&zeros(&[1, m]), &latent, &Tensor::from_slice(u).view([1, m]))
}

#[test]
fn the_categorical_term_is_the_jensen_shannon_divergence() {
    // (.8, .2) and (.2, .8): ln 2 − 0.5004024.
    let t = only_categorical(&[0.8, 0.2, 0.2, 0.8], 2, &[0.5, 0.5]);
    assert!((t.cat.double_value(&[]) - 0.192_744_8).abs() < 1e-7);
    assert!((t.total.double_value(&[]) - t.cat.double_value(&[])).abs() < 1e-15);
    // All agree: 0. Each certain of another cluster: the entropy of the weights, ln 3 for three
    // equal ones.
    let agree = only_categorical(&[0.3, 0.7, 0.3, 0.7, 0.3, 0.7], 2, &[0.5, 0.25, 0.25]);
    assert!(agree.cat.double_value(&[]).abs() < 1e-12);
    let apart = [1.0, 1e-300, 1e-300, 1e-300, 1.0, 1e-300, 1e-300, 1e-300, 1.0];
    let t = only_categorical(&apart, 3, &[1.0 / 3.0; 3]);
    assert!((t.cat.double_value(&[]) - 3f64.ln()).abs() < 1e-9);
}

#[test]
fn equal_neighbours_change_nothing() {
    // All slots alike: the loss of the point itself, whatever the number of neighbours.
    let latent = |m: i64| Latent {
        energy: Tensor::from_slice(&[1.5f64, 0.5]).view([1, 1, 2]).expand([1, m, 2], false),
        entropy: Tensor::full([1, m], 0.7, F64),
        log_gamma: Tensor::from_slice(&[0.25f64, 0.75]).log().view([1, 1, 2]).expand([1, m, 2], false),
    };
    let want = 2.0 + 0.25 * 1.5 + 0.75 * 0.5 - 0.7;
    for m in [1, 2, 21] {
        let u = match m {
            1 => Tensor::ones([1, 1], F64),
            _ => Tensor::cat(
                &[Tensor::full([1, 1], 0.5, F64), Tensor::full([1, m - 1], 0.5 / (m - 1) as f64, F64)],
                1,
            ),
        };
        let t = tuples(&Tensor::full([1, m], 2.0, F64), &latent(m), &u);
        assert!((t.total.double_value(&[]) - want).abs() < 1e-12, "{m} slots");
    }
}

#[test]
fn without_neighbours_smoothing_is_the_identity() {
    let s = Smoothing::new(&Graph::from_rows(vec![vec![]; 3]).expect("valid"));
    let x = array![[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let features = Features::dense(x.clone()).expect("finite");
    assert_eq!(s.targets(&features).expect("sizes agree"), x);
    assert_eq!(s.c().to_vec(), [1.0; 3]);
    let gamma = array![[0.5, 0.5], [0.1, 0.9], [1.0, 0.0]];
    assert_eq!(s.pi(gamma.view()).expect("sizes agree"), gamma);
    assert!(s.log_prior(gamma.view()).expect("sizes agree").iter().all(|v| v.is_finite()));
}

#[test]
fn targets_by_hand_dense_and_sparse() {
    // Point 1 explains itself (1: it has no neighbours) and point 0 (¼): x̄ = (x_1 + ¼ x_0) / 1.25.
    let s = three_points();
    let x = array![[4.0f32, 0.0], [1.0, 5.0], [0.0, 1.0]];
    let csr = vae_core::Csr {
        indptr: vec![0, 1, 3, 4],
        indices: vec![0, 0, 1, 1],
        values: vec![4.0, 1.0, 5.0, 1.0],
        n_columns: 2,
    };
    let want = array![[4.0f32, 0.0], [2.0 / 1.25, 5.0 / 1.25], [1.0 / 1.25, 1.0 / 1.25]];
    for features in [Features::dense(x).expect("finite"), Features::sparse(csr).expect("valid")] {
        let got = s.targets(&features).expect("sizes agree");
        assert!((&got - &want).iter().all(|d| d.abs() < 1e-6), "{got}");
    }
    assert_eq!(s.c().to_vec(), [0.5, 1.25, 1.25]);
}
