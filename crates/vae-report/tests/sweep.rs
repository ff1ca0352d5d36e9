//! The page of a sweep: complete, escaped, and with nothing from elsewhere.

use std::collections::BTreeMap;
use vae_report::Sweep;
use vae_report::sweep::{
    Clarity, ConsensusFacts, Grid, Number, OfData, OverSeeds, Recommended, Run, SCHEMA, Spread, Vote,
};

fn spread(mean: f64, around: f64) -> Spread {
    Spread { mean, low: mean - around, high: mean + around }
}

/// Two methods, three numbers of clusters, two seeds.
fn runs() -> (Vec<Run>, Vec<OverSeeds>) {
    let mut runs = Vec::new();
    let mut over_seeds = Vec::new();
    for k in [2, 3, 4] {
        for method in ["auto", "vade"] {
            let value = 0.5 - 0.1 * (k as f64 - 3.0).abs();
            let criteria = BTreeMap::from([("modularity".to_owned(), value)]);
            runs.extend((0..2).map(|seed| Run {
                id: format!("{method}-k{k}-s{seed}"),
                method: method.into(),
                n_clusters: k,
                n_used: k - usize::from(k == 4 && seed == 1),
                seed,
                criteria: criteria.clone(),
            }));
            let criteria = BTreeMap::from([("modularity".to_owned(), spread(value, 0.02))]);
            over_seeds.push(OverSeeds { method: method.into(), n_clusters: k, n_runs: 2, criteria });
        }
    }
    (runs, over_seeds)
}

fn sweep() -> Sweep {
    let (runs, over_seeds) = runs();
    let n = runs.len();
    let ari = |i: usize, j: usize| if i == j { 1.0 } else { 0.75 };
    Sweep {
        schema: SCHEMA,
        dataset: "<b>my</b> data.csv".into(),
        n: 1200,
        dim: 4,
        data_sha256: "0123456789abcdef0123".into(),
        profile: "standard".into(),
        set: vec!["train.epochs=2".into()],
        grid: Grid {
            methods: vec!["auto".into(), "vade".into()],
            clusters: vec![2, 3, 4],
            seeds: vec![0, 1],
        },
        runs,
        failed: vec!["vade-k4-s7".into()],
        over_seeds,
        data: OfData {
            bic: BTreeMap::new(),
            n_rows: 1200,
            relative_conductance: BTreeMap::from([(2, 0.01), (3, 0.02), (4, 0.2)]),
            prediction_strength: BTreeMap::from([(2, spread(0.9, 0.05)), (3, spread(0.95, 0.02))]),
            like_normal_rows: vec![],
        },
        agreement: (0..n).map(|i| (0..n).map(|j| ari(i, j)).collect()).collect(),
        number: Number {
            recommended: Some(3),
            used: 3,
            clarity: Clarity::Clear,
            sentence: "3 clusters, and clearly so.".into(),
            reasons: vec!["Only a cut beyond 3 clusters goes through a group.".into()],
            votes: vec![
                Vote { criterion: "relative_conductance".into(), n_clusters: Some(3), decides: true },
                Vote { criterion: "modularity".into(), n_clusters: None, decides: false },
            ],
        },
        recommended: Some(Recommended {
            id: "auto-k3-s0".into(),
            ari_to_consensus: Some(0.99),
            why: "It agrees best.".into(),
        }),
        consensus: Some(ConsensusFacts {
            n_clusters: 3,
            runs: vec!["auto-k3-s0".into(), "auto-k3-s1".into()],
            sizes: vec![400, 400, 400],
            mean_confidence: 0.98,
            n_unanimous: 1150,
            n_doubtful: 10,
            mean_ari: 0.75,
        }),
    }
}

#[test]
fn the_page_has_everything_and_loads_nothing() {
    let page = sweep().render().expect("a page");
    for part in [
        "k = 3",
        "3 clusters, and clearly so.",
        "auto-k3-s0",
        "modularity",
        "data without clusters",
        "vade-k4-s7",
        "prefers none",
        "1,150",
        "(1 cluster empty)",
        "auto, k = 3: 0.500, from 0.480 to 0.520",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("&lt;b&gt;my&lt;") && !page.contains("<b>my"), "names are escaped");
    for foreign in ["<script", "http://", "https://", "<link", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("<rect").count(), 144, "a cell for each pair");
}

#[test]
fn no_clear_number_is_an_answer() {
    let mut sweep = sweep();
    sweep.number =
        Number { recommended: None, clarity: Clarity::None, sentence: "No clear k.".into(), ..sweep.number };
    (sweep.recommended, sweep.consensus) = (None, None);
    let page = sweep.render().expect("a page");
    assert!(page.contains("no clear k") && !page.contains("Which run to keep"), "{page}");
}

#[test]
fn the_record_is_read_as_it_was_written() {
    let sweep = sweep();
    let text = serde_json::to_string(&sweep).expect("JSON");
    assert_eq!(serde_json::from_str::<Sweep>(&text).expect("the same"), sweep);
    assert!(text.contains("\"relative_conductance\":{\"2\":0.01"), "{text}");
}

#[test]
fn one_run_is_a_sweep_too() {
    let mut sweep = sweep();
    sweep.runs.truncate(1);
    sweep.over_seeds.truncate(1);
    sweep.agreement = vec![vec![1.0]];
    sweep.data = OfData::default();
    assert!(!sweep.render().expect("a page").contains("<rect"));
}
