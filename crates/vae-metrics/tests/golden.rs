//! Comparison with scikit-learn and SciPy: `golden/*.json`, made by `golden/make.py`.

use ndarray::{Array1, Array2, ArrayView1};
use serde_json::Value;
use vae_metrics::{
    Average, Scores, Shares, SilhouetteOptions, agreement, calinski_harabasz, confusion, davies_bouldin,
    mean_entropy, nmi, silhouette, silhouette_samples, spearman,
};

/// Both sides work in `f64` with sums of at most some thousand terms below 1.
const TOLERANCE: f64 = 1e-12;
/// scikit-learn's expected mutual information takes differences of log-factorials of the order of
/// 10^4, whose last place is 10^-12, over all cells.
const AMI_TOLERANCE: f64 = 1e-10;

fn cases(text: &str) -> Vec<Value> {
    list(text, "cases")
}

fn criteria(name: &str) -> Vec<Value> {
    list(include_str!("golden/criteria.json"), name)
}

fn list(text: &str, name: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("golden files are JSON");
    assert!(file["versions"]["scikit-learn"].is_string());
    file[name].as_array().expect("a list of cases").clone()
}

fn matrix(rows: &Value) -> Array2<f64> {
    let rows = rows.as_array().expect("rows");
    let values: Vec<f64> = rows.iter().flat_map(numbers).collect();
    Array2::from_shape_vec((rows.len(), values.len() / rows.len()), values).expect("rectangular")
}

fn labels(values: &Value) -> Array1<u32> {
    let values = values.as_array().expect("a list of labels").iter();
    values.map(|value| u32::try_from(value.as_u64().expect("an integer")).expect("32 bits")).collect()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().expect("a list").iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn assert_close(what: &str, case: &Value, got: f64, expected: &Value, tolerance: f64) {
    let expected = number(expected);
    assert!((got - expected).abs() <= tolerance, "{}: {what} is {got}, expected {expected}", case["name"]);
}

#[test]
fn scores_agree_with_scikit_learn() {
    let cases = cases(include_str!("golden/scores.json"));
    assert_eq!(cases.len(), 21);
    for case in &cases {
        let (clusters, labels) = (labels(&case["clusters"]), labels(&case["labels"]));
        let expected = &case["expected"];
        let scores = Scores::new(clusters.view(), labels.view()).expect("valid");
        let same = |what: &str, got: f64| assert_close(what, case, got, &expected[what], TOLERANCE);
        same("acc", scores.acc);
        same("purity", scores.purity);
        same("ari", scores.ari);
        same("homogeneity", scores.homogeneity);
        same("completeness", scores.completeness);
        same("v_measure", scores.v_measure);
        assert_close("ami", case, scores.ami, &expected["ami"], AMI_TOLERANCE);
        assert_close("nmi", case, scores.nmi, &expected["nmi"]["arithmetic"], TOLERANCE);
        for (name, average) in [
            ("arithmetic", Average::Arithmetic),
            ("geometric", Average::Geometric),
            ("max", Average::Max),
            ("min", Average::Min),
        ] {
            let got = nmi(clusters.view(), labels.view(), average).expect("valid");
            assert_close(name, case, got, &expected["nmi"][name], TOLERANCE);
        }
    }
}

#[test]
fn confusion_agrees_with_scikit_learn() {
    for case in cases(include_str!("golden/scores.json")) {
        let (clusters, labels) = (labels(&case["clusters"]), labels(&case["labels"]));
        let table = confusion(clusters.view(), labels.view()).expect("valid");
        let expected = case["expected"]["counts"].as_array().expect("rows").iter().flat_map(numbers);
        let got: Vec<f64> = table.counts().iter().map(|&count| count as f64).collect();
        assert_eq!(got, expected.collect::<Vec<f64>>(), "{}", case["name"]);
        let scores = Scores::new(clusters.view(), labels.view()).expect("valid");
        assert_eq!((scores.n_clusters_found, scores.n_classes), table.counts().dim());
    }
}

#[test]
fn silhouettes_agree_with_scikit_learn() {
    let cases = cases(include_str!("golden/silhouette.json"));
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let clusters = labels(&case["clusters"]);
        let x = matrix(&case["x"]);
        let expected = numbers(&case["expected"]);
        let got = silhouette_samples(x.view(), clusters.view()).expect("valid");
        assert_eq!(got.len(), expected.len());
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            // scikit-learn expands |a - b|^2, which costs half of the digits where points coincide.
            assert!((got - expected).abs() < 1e-7, "{}, point {i}: {got}, {expected}", case["name"]);
        }
        let mean = silhouette(x.view(), clusters.view(), &SilhouetteOptions::default()).expect("valid").mean;
        let expected_mean = expected.iter().sum::<f64>() / expected.len() as f64;
        assert!((mean - expected_mean).abs() < 1e-7, "{}: {mean}, {expected_mean}", case["name"]);
    }
}

#[test]
fn scores_of_centroids_agree_with_scikit_learn() {
    let (cases, points) = (criteria("dense"), cases(include_str!("golden/silhouette.json")));
    assert_eq!((cases.len(), points.len()), (6, 6));
    for (case, points) in cases.iter().zip(&points) {
        assert_eq!(case["name"], points["name"]);
        let (x, clusters) = (matrix(&points["x"]), labels(&points["clusters"]));
        let got = calinski_harabasz(x.view(), clusters.view()).expect("valid");
        // A ratio of sums that is large where clusters are apart.
        let tolerance = TOLERANCE * number(&case["calinski_harabasz"]).max(1.0);
        assert_close("calinski_harabasz", case, got, &case["calinski_harabasz"], tolerance);
        let got = davies_bouldin(x.view(), clusters.view()).expect("valid");
        // scikit-learn expands |a - b|^2, as in the silhouette.
        assert_close("davies_bouldin", case, got, &case["davies_bouldin"], 1e-7);
    }
}

#[test]
fn rank_correlations_agree_with_scipy() {
    let cases = criteria("spearman");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let (left, right) = (numbers(&case["left"]), numbers(&case["right"]));
        let got = spearman(ArrayView1::from(&left), ArrayView1::from(&right)).expect("valid");
        assert_close("spearman", case, got, &case["expected"], TOLERANCE);
    }
}

#[test]
fn entropies_agree_with_scipy() {
    let cases = criteria("posteriors");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let gamma = matrix(&case["gamma"]);
        let got = mean_entropy(gamma.view()).expect("valid");
        assert_close("mean_entropy", case, got, &case["mean_entropy"], TOLERANCE);
        let shares = Shares::of_posteriors(gamma.view()).expect("valid");
        assert_close("share_entropy", case, shares.entropy(), &case["share_entropy"], TOLERANCE);
        assert_close("smallest_share", case, shares.smallest(), &case["smallest_share"], TOLERANCE);
    }
}

#[test]
fn agreement_of_runs_agrees_with_scikit_learn() {
    let cases = criteria("runs");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let runs: Vec<Array1<u32>> = case["runs"].as_array().expect("runs").iter().map(labels).collect();
        let views: Vec<_> = runs.iter().map(Array1::view).collect();
        let got = agreement(&views).expect("valid");
        for (got, expected) in got.ari().iter().zip(&matrix(&case["ari"])) {
            assert!((got - expected).abs() <= TOLERANCE, "{}: {got}, {expected}", case["name"]);
        }
        assert_close("mean_nmi", case, got.mean_nmi(), &case["mean_nmi"], TOLERANCE);
        assert_eq!(Some(got.medoid() as u64), case["medoid"].as_u64());
    }
}
