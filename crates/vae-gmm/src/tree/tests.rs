use super::em::Covariance;
use super::*;
use tch::{Device, Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::random::{Streams, normal, uniform};

const ESTIMATED: Covariance = Covariance::Estimated { floor: 1e-6 };

fn draw(name: &str, shape: &[i64]) -> Tensor {
    normal(&mut Streams::new(5, "tree").rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double)
}

fn probabilities(name: &str, shape: &[i64]) -> Tensor {
    let u =
        uniform(&mut Streams::new(5, "tree").rng(name, 0, 0), shape, Device::Cpu).to_kind(Kind::Double) + 0.1;
    let sum = u.sum_dim_intlist([-1i64].as_slice(), true, None);
    u / sum
}

/// Parents of the latents, their states, and (parent, variables) of the leaves.
fn structure(parents: &[Option<usize>], states: &[usize], leaves: &[(usize, &[usize])]) -> Structure {
    let latents = parents.iter().zip(states).map(|(&parent, &n_states)| Latent { parent, n_states });
    let leaves = leaves.iter().map(|(parent, v)| LeafNode { parent: *parent, variables: v.to_vec() });
    Structure { latents: latents.collect(), leaves: leaves.collect() }
}

/// Random parameters; `name` makes them differ.
fn random(structure: &Structure, name: &str) -> LatentTree {
    structure.check(structure.dim()).expect("a tree");
    let states = |y: usize| structure.latents[y].n_states as i64;
    let cpt = structure.latents.iter().enumerate().map(|(y, l)| {
        probabilities(&format!("{name}.cpt.{y}"), &[l.parent.map_or(1, states), l.n_states as i64])
    });
    let leaves = structure.leaves.iter().enumerate().map(|(b, l)| {
        let (c, p) = (states(l.parent), l.variables.len() as i64);
        let a = draw(&format!("{name}.a.{b}"), &[c, p, p]) * 0.4;
        let sigma = a.matmul(&a.transpose(-2, -1)) + Tensor::eye(p, (Kind::Double, Device::Cpu)) * 0.5;
        Leaf::new(&l.variables, draw(&format!("{name}.mu.{b}"), &[c, p]), sigma).expect("positive definite")
    });
    let (cpt, leaves) = (cpt.collect(), leaves.collect());
    LatentTree { structure: structure.clone(), cpt, leaves }
}

fn some_structures() -> Vec<Structure> {
    vec![
        structure(&[None], &[3], &[(0, &[0, 1]), (0, &[2])]),
        structure(&[None, Some(0)], &[2, 3], &[(0, &[1]), (1, &[0, 2]), (1, &[3])]),
        structure(&[None, Some(0), Some(1)], &[2, 2, 3], &[(2, &[0]), (1, &[1]), (0, &[2])]),
        structure(&[None, Some(0), Some(0), Some(1)], &[3, 2, 2, 2], &[(1, &[0]), (2, &[1, 3]), (3, &[2])]),
    ]
}

fn value(t: &Tensor) -> f64 {
    t.double_value(&[])
}

/// log p(z, y) of one point and one state of every latent, straight from the definition.
fn log_joint(tree: &LatentTree, z: &Tensor, states: &[usize]) -> f64 {
    let mut sum = 0.0;
    for (y, latent) in tree.structure.latents.iter().enumerate() {
        let above = latent.parent.map_or(0, |p| states[p]);
        sum += tree.cpt[y].double_value(&[above as i64, states[y] as i64]).ln();
    }
    for (node, leaf) in tree.structure.leaves.iter().zip(&tree.leaves) {
        let y = states[node.parent] as i64;
        let columns: Vec<i64> = node.variables.iter().map(|&v| v as i64).collect();
        let d = z.index_select(0, &Tensor::from_slice(&columns)) - leaf.mu.get(y);
        let sigma = leaf.sigma.get(y);
        let quadratic = value(&d.dot(&sigma.inverse().mv(&d)));
        let p = columns.len() as f64;
        sum +=
            -0.5 * (quadratic + sigma.det().double_value(&[]).ln() + p * (2.0 * std::f64::consts::PI).ln());
    }
    sum
}

/// Every combination of states.
fn combinations(structure: &Structure) -> Vec<Vec<usize>> {
    structure.latents.iter().fold(vec![vec![]], |all, latent| {
        all.into_iter()
            .flat_map(|c: Vec<usize>| (0..latent.n_states).map(move |s| [c.clone(), vec![s]].concat()))
            .collect()
    })
}

#[test]
fn a_mixture_by_hand() {
    let sigma = Tensor::ones([2, 1, 1], (Kind::Double, Device::Cpu));
    let mu = Tensor::from_slice(&[-1.0f64, 1.0]).view([2, 1]);
    let tree = LatentTree {
        structure: Structure::mixture(2, 1),
        cpt: vec![Tensor::from_slice(&[0.5f64, 0.5]).view([1, 2])],
        leaves: vec![Leaf::new(&[0], mu, sigma).expect("positive")],
    };
    let z = Tensor::zeros([1, 1], (Kind::Double, Device::Cpu)).set_requires_grad(true);
    let log_p = tree.log_prob(&z);
    assert!((value(&log_p) + 1.418_939).abs() < 1e-6);
    assert_eq!(value(&Tensor::run_backward(&[&log_p], &[&z], false, false)[0]), 0.0);
    let gamma = tree.posteriors(&z.detach()).log_state[0].exp();
    assert!(value(&(gamma - 0.5).abs().max()) < 1e-15);
}

#[test]
fn independent_latents_are_two_mixtures() {
    let both = structure(&[None, Some(0)], &[2, 3], &[(0, &[0, 1]), (1, &[2])]);
    let mut tree = random(&both, "independent");
    tree.cpt[1] = probabilities("row", &[1, 3]).repeat([2, 1]);
    let z = draw("z", &[50, 3]);
    let alone = |y: usize, columns: i64, first: i64| {
        let leaf = &tree.leaves[y];
        let variables: Vec<usize> = (0..columns as usize).collect();
        let one = LatentTree {
            structure: Structure::mixture(both.latents[y].n_states, columns as usize),
            cpt: vec![tree.cpt[y].narrow(0, 0, 1)],
            leaves: vec![
                Leaf::new(&variables, leaf.mu.shallow_clone(), leaf.sigma.shallow_clone()).expect("valid"),
            ],
        };
        one.log_prob(&z.narrow(1, first, columns))
    };
    let sum = alone(0, 2, 0) + alone(1, 1, 2);
    assert!(value(&(tree.log_prob(&z) - sum).abs().max()) < 1e-6);
}

#[test]
fn the_recursion_equals_enumeration() {
    for (i, structure) in some_structures().iter().enumerate() {
        let tree = random(structure, &format!("enumerate.{i}"));
        let z = draw("points", &[6, structure.dim() as i64]);
        let found = tree.posteriors(&z);
        assert!(found.log_p.equal(&tree.log_prob(&z)));
        for n in 0..6 {
            let point = z.get(n);
            let all: Vec<(Vec<usize>, f64)> = combinations(structure)
                .into_iter()
                .map(|s| (s.clone(), log_joint(&tree, &point, &s).exp()))
                .collect();
            let total: f64 = all.iter().map(|(_, p)| p).sum();
            assert!((found.log_p.double_value(&[n]) - total.ln()).abs() < 1e-5);
            for (y, latent) in structure.latents.iter().enumerate() {
                for state in 0..latent.n_states {
                    let want: f64 = all.iter().filter(|(s, _)| s[y] == state).map(|(_, p)| p / total).sum();
                    let got = found.log_state[y].double_value(&[n, state as i64]).exp();
                    assert!((got - want).abs() < 1e-9, "tree {i}, latent {y}");
                    let Some((pair, above)) = found.log_pair[y].as_ref().zip(latent.parent) else { continue };
                    for other in 0..structure.latents[above].n_states {
                        let with = |s: &[usize]| s[y] == state && s[above] == other;
                        let want: f64 = all.iter().filter(|(s, _)| with(s)).map(|(_, p)| p / total).sum();
                        let got = pair.double_value(&[n, other as i64, state as i64]).exp();
                        assert!((got - want).abs() < 1e-9, "tree {i}, pair {y}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_gradient_is_that_of_the_paper_and_of_finite_differences() {
    for (i, structure) in some_structures().iter().enumerate() {
        let tree = random(structure, &format!("gradient.{i}"));
        let z = draw("points", &[4, structure.dim() as i64]).set_requires_grad(true);
        let total = tree.log_prob(&z).sum(Kind::Double);
        let gradient = &Tensor::run_backward(&[&total], &[&z], false, false)[0];
        // Equation 6: Σ_y P(y | z) Sigma_y⁻¹ (mu_y − z_b) for each leaf.
        let posteriors = tree.posteriors(&z.detach());
        for (node, leaf) in structure.leaves.iter().zip(&tree.leaves) {
            let x = leaf.values(&z.detach());
            let pull = (leaf.mu.unsqueeze(0) - x.unsqueeze(1)).unsqueeze(-1);
            let each = leaf.sigma.inverse().unsqueeze(0).matmul(&pull).squeeze_dim(-1);
            let gamma = posteriors.log_state[node.parent].exp().unsqueeze(-1);
            let want = (each * gamma).sum_dim_intlist([1i64].as_slice(), false, None);
            assert!(value(&(leaf.values(gradient) - want).abs().max()) < 1e-5);
        }
        for (row, column) in [(0, 0), (3, structure.dim() as i64 - 1)] {
            let nudged = |by: f64| {
                let z = z.detach().copy();
                let _ = z.get(row).get(column).fill_(z.double_value(&[row, column]) + by);
                value(&tree.log_prob(&z).sum(Kind::Double))
            };
            let want = (nudged(1e-5) - nudged(-1e-5)) / 2e-5;
            assert!((gradient.double_value(&[row, column]) - want).abs() < 1e-3);
        }
    }
}

fn largest_difference(a: &LatentTree, b: &LatentTree) -> f64 {
    let difference = |a: &Tensor, b: &Tensor| value(&(a - b).abs().max());
    let cpt = a.cpt.iter().zip(&b.cpt).map(|(a, b)| difference(a, b));
    let leaves = a.leaves.iter().zip(&b.leaves);
    let leaves = leaves.map(|(a, b)| difference(&a.mu, &b.mu).max(difference(&a.sigma, &b.sigma)));
    cpt.chain(leaves).fold(0.0, f64::max)
}

#[test]
fn a_whole_step_is_em_and_no_step_changes_nothing() {
    for (i, structure) in some_structures().iter().enumerate() {
        let tree = random(structure, &format!("limits.{i}"));
        let z = draw("batch", &[40, structure.dim() as i64]);
        let (same, _) = tree.stepwise(&z, 0.0, ESTIMATED).expect("a step");
        assert!(largest_difference(&tree, &same) < 1e-7);
        let (whole, log_p) = tree.stepwise(&z, 1.0, ESTIMATED).expect("a step");
        let found = tree.posteriors(&z);
        assert!((log_p - value(&found.log_p.mean(Kind::Double))).abs() < 1e-12);
        // Weighted moments, one state at a time.
        for ((node, leaf), old) in structure.leaves.iter().zip(&whole.leaves).zip(&tree.leaves) {
            let x = old.values(&z);
            for y in 0..structure.latents[node.parent].n_states as i64 {
                let gamma = found.log_state[node.parent].select(1, y).exp();
                let mass = value(&gamma.sum(Kind::Double));
                let mu = (&x * gamma.unsqueeze(1)).sum_dim_intlist([0i64].as_slice(), false, None) / mass;
                let d = &x - &mu;
                let sigma = (&d * gamma.unsqueeze(1)).tr().matmul(&d) / mass;
                assert!(value(&(leaf.mu.get(y) - &mu).abs().max()) < 1e-9);
                assert!(value(&(leaf.sigma.get(y) - sigma).abs().max()) < 1e-9);
            }
        }
        for (y, pair) in found.log_pair.iter().enumerate() {
            let counts = match pair {
                None => found.log_state[0].exp().sum_dim_intlist([0i64].as_slice(), true, None),
                Some(pair) => pair.exp().sum_dim_intlist([0i64].as_slice(), false, None),
            };
            let want = &counts / counts.sum_dim_intlist([1i64].as_slice(), true, None);
            assert!(value(&(&whole.cpt[y] - want).abs().max()) < 1e-9);
        }
    }
}

#[test]
fn a_step_of_the_single_facet_has_its_closed_form() {
    // n_k' = (1 − η) n w_k + η Σ gamma; mu_k = [(1 − η) n w_k mu_k + η Σ gamma z] / n_k'; w_k =
    // n_k' / n.
    let structure = Structure::mixture(3, 2);
    let tree = random(&structure, "closed").with_isotropic(0.5).expect("positive");
    let (z, eta, n) = (draw("batch", &[20, 2]), 0.1, 20.0);
    let gamma = tree.posteriors(&z).log_state[0].exp();
    let (next, _) = tree.stepwise(&z, eta, Covariance::Kept).expect("a step");
    let prior = tree.cpt[0].squeeze_dim(0) * (n * (1.0 - eta));
    let mass = &prior + gamma.sum_dim_intlist([0i64].as_slice(), false, None) * eta;
    let mu = (prior.unsqueeze(1) * &tree.leaves[0].mu + gamma.tr().matmul(&z) * eta) / mass.unsqueeze(1);
    assert!(value(&(&next.leaves[0].mu - mu).abs().max()) < 1e-12);
    assert!(value(&(&next.cpt[0] - (mass / n).unsqueeze(0)).abs().max()) < 1e-12);
    assert!(next.leaves[0].sigma.equal(&tree.leaves[0].sigma));
}

#[test]
fn em_never_loses_likelihood() {
    for (i, structure) in some_structures().iter().enumerate() {
        let mut tree = random(structure, &format!("monotone.{i}"));
        let z = draw("monotone", &[200, structure.dim() as i64]) * 1.5;
        let mut before = f64::NEG_INFINITY;
        for _ in 0..30 {
            let (next, log_p) = tree.stepwise(&z, 1.0, ESTIMATED).expect("a step");
            assert!(log_p >= before - 1e-9, "{log_p} after {before}");
            (tree, before) = (next, log_p);
        }
    }
}

#[test]
fn a_state_without_mass_keeps_its_parameters() {
    let structure = structure(&[None, Some(0)], &[2, 2], &[(0, &[0]), (1, &[1])]);
    let mut tree = random(&structure, "empty");
    let far = Tensor::from_slice(&[0.0f64, 1e6]).view([2, 1]);
    let sigma = Tensor::ones([2, 1, 1], (Kind::Double, Device::Cpu));
    tree.leaves[0] = Leaf::new(&[0], far, sigma).expect("positive");
    tree.cpt[0] = Tensor::from_slice(&[1.0f64, 0.0]).view([1, 2]);
    let (next, log_p) = tree.stepwise(&draw("near", &[30, 2]), 1.0, ESTIMATED).expect("a step");
    assert!(log_p.is_finite());
    assert_eq!(next.leaves[0].mu.double_value(&[1, 0]), 1e6);
    for cpt in &next.cpt {
        let sums = cpt.sum_dim_intlist([1i64].as_slice(), false, None);
        assert!(value(&(sums - 1.0).abs().max()) < 1e-12, "{cpt:?}");
    }
    // The row of the empty state is the old one.
    assert!(value(&(next.cpt[1].get(1) - tree.cpt[1].get(1)).abs().max()) < 1e-12);
}

#[test]
fn parameter_counts_by_hand() {
    assert_eq!(Structure::naive_bayes(10, 10).n_parameters(true), 209);
    assert_eq!(Structure::mixture(10, 10).n_parameters(true), 659);
    assert_eq!(Structure::mixture(10, 10).n_parameters(false), 109);
    // Root of 7 over 9 variables and a pouch of 3, child of 13 over a pouch of 8: the released
    // model's shape.
    let two = structure(
        &[None, Some(0)],
        &[7, 13],
        &[(0, &[0, 1, 2]), (0, &[3]), (1, &[4, 5, 6, 7, 8, 9, 10, 11])],
    );
    assert_eq!(two.n_parameters(true), 6 + 7 * 12 + 7 * (3 + 6) + 7 * 2 + 13 * (8 + 36));
}

#[test]
fn what_is_no_tree_is_refused_by_name() {
    let wrong: [(Structure, &str); 7] = [
        (structure(&[Some(0)], &[2], &[(0, &[0, 1])]), "latents[0].parent"),
        (structure(&[None, Some(1)], &[2, 2], &[(0, &[0, 1])]), "latents[1].parent"),
        (structure(&[None, None], &[2, 2], &[(0, &[0, 1])]), "latents[1].parent"),
        (structure(&[None], &[0], &[(0, &[0, 1])]), "n_states"),
        (structure(&[None], &[2], &[(1, &[0, 1])]), "leaves[0].parent"),
        (structure(&[None], &[2], &[(0, &[0, 0])]), "leaves[0].variables"),
        (structure(&[None], &[2], &[(0, &[0])]), "without variable 1"),
    ];
    for (structure, part) in wrong {
        assert!(structure.check(2).is_err_and(|e| e.to_string().contains(part)), "{part}");
    }
}

#[test]
fn a_stored_tree_is_the_same_tree() {
    for (i, structure) in some_structures().iter().enumerate() {
        let tree = random(structure, &format!("stored.{i}"));
        let mut tensors = Tensors::new();
        tree.store("tree.", &mut tensors).expect("stored");
        let again = LatentTree::load("tree.", &tensors, structure.dim(), Device::Cpu).expect("loaded");
        assert_eq!(again.structure, tree.structure);
        let z = draw("points", &[5, structure.dim() as i64]);
        assert!(again.log_prob(&z).equal(&tree.log_prob(&z)));
        tensors.remove("tree.leaf.0000.mu");
        let e = LatentTree::load("tree.", &tensors, structure.dim(), Device::Cpu).expect_err("incomplete");
        assert!(e.to_string().contains("leaf.0000.mu"), "{e}");
    }
}

#[test]
fn samples_of_a_state_have_its_moments() {
    let structure = structure(&[None, Some(0)], &[2, 2], &[(0, &[1, 2]), (1, &[0])]);
    let tree = random(&structure, "sample");
    let n = 100_000;
    let u =
        uniform(&mut Streams::new(1, "sample").rng("u", 0, 0), &[n, 2], Device::Cpu).to_kind(Kind::Double);
    let z = tree.sample_given_root(1, &u, &draw("noise", &[n, 3])).expect("sampled");
    let x = tree.leaves[0].values(&z);
    let mean = x.mean_dim([0i64].as_slice(), false, None);
    assert!(value(&(mean - tree.leaves[0].mu.get(1)).abs().max()) < 0.02);
    let share = tree.cpt[1].get(1).unsqueeze(1);
    let want = (share * &tree.leaves[1].mu).sum(Kind::Double);
    assert!((value(&z.select(1, 0).mean(Kind::Double)) - value(&want)).abs() < 0.02);
    let cov = value(&x.select(1, 0).dot(&x.select(1, 1))) / n as f64
        - value(&x.select(1, 0).mean(Kind::Double)) * value(&x.select(1, 1).mean(Kind::Double));
    assert!((cov - tree.leaves[0].sigma.double_value(&[1, 0, 1])).abs() < 0.03);
}

#[test]
fn a_known_root_is_one_summand() {
    for (i, structure) in some_structures().iter().enumerate() {
        let tree = random(structure, &format!("known.{i}"));
        let z = draw("points", &[4, structure.dim() as i64]);
        for state in 0..structure.latents[0].n_states {
            let root = Tensor::full([4], state as i64, (Kind::Int64, Device::Cpu));
            let got = tree.log_prob_with_root(&z, &root);
            let want = &tree.posteriors(&z).log_p + tree.posteriors(&z).log_state[0].select(1, state as i64);
            assert!(value(&(got - want).abs().max()) < 1e-9);
            let (next, _) = tree.stepwise_with_root(&z, &root, 1.0, Covariance::Kept).expect("a step");
            assert!((next.cpt[0].double_value(&[0, state as i64]) - 1.0).abs() < 1e-12);
        }
    }
}
