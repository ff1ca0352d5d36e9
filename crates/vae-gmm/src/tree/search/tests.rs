use super::*;
use tch::Device;
use vae_core::random::{normal, uniform};

fn config() -> SearchConfig {
    // Two threads on a busy machine wait for each other more than they compute.
    vae_core::device::configure_process(1);
    SearchConfig { n_init: 2, em_steps: 50, ..SearchConfig::default() }
}

/// Points of `facets`: for each the columns, and the distance of its two states' means.
fn points(n: i64, facets: &[(&[usize], f64)], dim: i64) -> (Tensor, Vec<Tensor>) {
    let streams = Streams::new(2, "facets");
    let z = normal(&mut streams.rng("noise", 0, 0), &[n, dim], Device::Cpu).to_kind(Kind::Double);
    let states = facets.iter().enumerate().map(|(i, (columns, distance))| {
        let state = uniform(&mut streams.rng("state", i, 0), &[n], Device::Cpu).gt(0.5).to_kind(Kind::Double);
        for &c in *columns {
            let mut column = z.select(1, c as i64);
            let _ = column.g_add_(&(&state * *distance));
        }
        state
    });
    let states = states.collect();
    (z, states)
}

#[test]
fn two_facets_are_found_with_their_variables() {
    let (z, states) = points(800, &[(&[0, 2], 5.0), (&[1, 3], 4.0)], 4);
    let streams = Streams::new(0, "search");
    let start = Structure::naive_bayes(2, 4);
    let climb = Climb { z: &z, config: &config(), streams: &streams };
    let gamma = climb.random_assignments(&start, 0).expect("assigned");
    let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
    let found = search(&tree, &z, &config(), &streams).expect("searched");
    assert!(found.steps.windows(2).all(|w| w[1].1 < w[0].1), "{:?}", found.steps);
    let s = &found.tree.structure;
    assert_eq!(s.latents.len(), 2, "{s}");
    let parent = |v: usize| s.leaves.iter().find(|l| l.variables.contains(&v)).expect("a leaf").parent;
    assert!(parent(0) == parent(2) && parent(1) == parent(3) && parent(0) != parent(1), "{s}");
    // Each facet's posterior is its state, up to its name.
    for (variable, state) in [(0, &states[0]), (1, &states[1])] {
        let winner = found.tree.posteriors(&z).log_state[parent(variable)].argmax(1, false);
        let hits = winner.to_kind(Kind::Double).eq_tensor(state).to_kind(Kind::Double).mean(Kind::Double);
        let hits = hits.double_value(&[]);
        assert!(hits.max(1.0 - hits) > 0.98, "{hits}");
    }
}

#[test]
fn one_facet_stays_one() {
    let (z, _) = points(800, &[(&[0, 1, 2], 5.0)], 3);
    let streams = Streams::new(0, "search");
    let start = Structure::naive_bayes(2, 3);
    let climb = Climb { z: &z, config: &config(), streams: &streams };
    let gamma = climb.random_assignments(&start, 1).expect("assigned");
    let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
    let found = search(&tree, &z, &config(), &streams).expect("searched");
    assert_eq!(found.tree.structure.latents.len(), 1, "{}", found.tree.structure);
}

#[test]
fn correlated_variables_go_into_a_pouch() {
    let (z, _) = points(800, &[(&[0], 6.0)], 3);
    let mut second = z.select(1, 2);
    second.copy_(&(z.select(1, 1) * 0.9 + z.select(1, 2) * 0.3));
    let streams = Streams::new(0, "search");
    let start = Structure::naive_bayes(2, 3);
    let climb = Climb { z: &z, config: &config(), streams: &streams };
    let gamma = climb.random_assignments(&start, 0).expect("assigned");
    let tree = LatentTree::of_assignments(&start, &z, &gamma, 0.01).expect("a tree");
    let one = SearchConfig { max_latents: 1, ..config() };
    let found = search(&tree, &z, &one, &streams).expect("searched");
    let pouch = found.tree.structure.leaves.iter().find(|l| l.variables.len() > 1).expect("a pouch");
    assert_eq!(pouch.variables, [1, 2], "{}", found.tree.structure);
}

#[test]
fn the_criterion_by_hand() {
    // 209 parameters at ln 1000 each.
    let got = bic(&Structure::naive_bayes(10, 10), -12.5, 1000);
    assert!((got - (209.0 * 1000f64.ln() + 25_000.0)).abs() < 1e-9);
}
