use super::*;
use crate::reproduce::recipe::tests::SMALL;
use serde_json::json;

fn run(seed: u64, acc: f64) -> RunFile {
    serde_json::from_value(json!({
        "row": "vade", "dataset": "strokes", "profile": "standard", "seed": seed, "config_sha256": "ab", "revisions": {"k-means": 1},
        "metrics": {"fit": {"acc": acc, "nmi": 0.9, "ari": 0.8, "purity": acc}},
        "wall_s": 42.0, "peak_rss_mib": 512.4, "threads": 1, "device": "cpu",
        "hardware": {"cpu": "Abacus 3000", "cores": 2, "gpu": null}, "versions": {"commit": "0123456789abcdef"},
    }))
    .unwrap()
}

fn short(runs: &[RunFile], availability: &Availability) -> String {
    let recipe = Recipe::parse("small", SMALL).unwrap();
    Sheet { recipe: &recipe, runs, availability }.overview(Profile::Standard)
}

#[test]
fn overview_golden() {
    let mut availability = Availability::default();
    availability.methods.insert("dec".into(), "method not in this version yet".into());
    let expected = "\
| method | strokes, published | ours (n) | Moon, published | ours (n) |
| --- | ---: | ---: | ---: | ---: |
| VaDE | 94.46 [1] | **94.10 ± 0.28** (2) | – | not available [2] |
| DEC | – | method not in this version yet | 84.3 ± 0.1 | method not in this version yet |

[1] VaDE on strokes: best of runs  \n[2] Moon: nobody was there  \n";
    assert_eq!(short(&[run(0, 0.939), run(1, 0.943)], &availability), expected);
}

#[test]
fn a_row_stands_only_where_it_belongs() {
    let one =
        SMALL.replacen("set = [\"a=1\"]", "set = [\"a=1\"]\nonly = [\"moon\"]\nprofiles = [\"quick\"]", 1);
    let recipe = Recipe::parse("small", &one).unwrap();
    let availability = Availability::default();
    let sheet = Sheet { recipe: &recipe, runs: &[], availability: &availability };
    assert!(!sheet.overview(Profile::Standard).contains("VaDE"));
    assert!(sheet.overview(Profile::Quick).contains("| VaDE | – | – | – | not available [1] |"));
    assert!(!sheet.detail(&recipe.datasets[0], Profile::Quick).contains("VaDE"));
    assert!(sheet.detail(&recipe.datasets[1], Profile::Quick).contains("VaDE"));
}

#[test]
fn a_table_of_another_metric_prints_the_accuracy_too() {
    let aae = SMALL.replacen("metric = \"acc\"", "metric = \"aae\"\nfit_split = \"train\"", 1).replacen(
        "published = \"94.46\"",
        "split = \"test\"\npublished = \"94.46\"",
        1,
    );
    let recipe = Recipe::parse("small", &aae).unwrap();
    let mut run = run(0, 0.5);
    run.metrics.test.aae = Some(0.75);
    run.metrics.test.acc = Some(0.625);
    let sheet = Sheet { recipe: &recipe, runs: &[run], availability: &Availability::default() };
    let text = sheet.detail(&recipe.datasets[0], Profile::Standard);
    assert!(text.contains("| AAE % | n | min–max | verdict | ACC | NMI | ARI | purity |"), "{text}");
    assert!(text.contains("**75.00** test | 1 | 75.00–75.00 |  | 62.50 |"), "{text}");
}

#[test]
fn detail_golden() {
    let recipe = Recipe::parse("small", SMALL).unwrap();
    let runs = [run(0, 0.939), run(1, 0.943)];
    let mut availability = Availability::default();
    availability.datasets.insert("strokes".into(), "no disk".into());
    let sheet = Sheet { recipe: &recipe, runs: &runs, availability: &availability };
    let expected = "\
| method | published | ACC % | n | min–max | verdict | NMI | ARI | purity | time a run | peak MiB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| VaDE | 94.46 [1] | **94.10 ± 0.28** | 2 | 93.90–94.30 |  | 90.00 ± 0.00 | 80.00 ± 0.00 | 94.10 ± 0.28 | 42 s | 512 |
| DEC | – | data not available [2] |  |  |  |  |  |  |  |  |

[1] VaDE on strokes: best of runs  \n[2] strokes: data not available here: no disk  \n";
    assert_eq!(sheet.detail(&recipe.datasets[0], Profile::Standard), expected);
    let page = sheet.page();
    assert!(
        page.contains("* Abacus 3000, 2 cores; device cpu, 1 thread a run: 2 runs at 0123456789 (2)\n"),
        "{page}"
    );
    assert!(page.contains("## Profile `standard`") && !page.contains("Profile `quick`"), "{page}");
    assert!(page.contains("* One note."), "{page}");
}

#[test]
fn three_seeds_have_a_verdict() {
    let runs = [run(0, 0.939), run(1, 0.943), run(2, 0.944)];
    let text = short(&runs, &Availability::default());
    assert!(text.contains("| 94.46 [1] | **94.20 ± 0.26** (3) all below |"), "{text}");
    let recipe = Recipe::parse("small", SMALL).unwrap();
    let mut table = verdicts_table();
    let sheet = Sheet { recipe: &recipe, runs: &runs, availability: &Availability::default() };
    sheet.verdicts(&mut table);
    let line =
        "| [small](small/README.md) | VaDE | strokes | 94.46 | 94.20 ± 0.26 (3) | 93.90–94.40 | all below |";
    assert!(table.markdown().contains(line), "{}", table.markdown());
    assert_eq!(table.markdown().lines().count(), 3, "DEC has no run");
    let mut failed = run(3, 0.5);
    failed.error = Some("NaN in step 3".into());
    let runs = [&runs[..], &[failed]].concat();
    let mut table = verdicts_table();
    Sheet { recipe: &recipe, runs: &runs, availability: &Availability::default() }.verdicts(&mut table);
    assert!(table.markdown().contains("94.20 ± 0.26 (3 of 4)"), "{}", table.markdown());
}

#[test]
fn failures_and_mixed_configurations_show() {
    let mut failed = run(1, 0.5);
    failed.error = Some("NaN in step 3".into());
    let mut other = run(2, 0.9);
    other.identity.revisions.insert("k-means".to_owned(), 2);
    let text = short(&[run(0, 0.94), failed.clone(), other], &Availability::default());
    assert!(text.contains("**92.00 ± 2.83**[2][3] (2)"), "{text}");
    assert!(text.contains("[2] VaDE, seed 1: failed: NaN in step 3"), "{text}");
    assert!(text.contains("[3] VaDE on strokes: runs of 2 configurations"), "{text}");
    let text = short(&[failed], &Availability::default());
    assert!(text.contains("| failed[2] |") && text.contains("| not run yet |"), "{text}");
}

#[test]
fn another_metric_is_named_and_compared() {
    let recipe = Recipe::parse("small", SMALL).unwrap();
    let mut purity = run(0, 0.9);
    (purity.row, purity.dataset) = ("dec".into(), "moon".into());
    purity.metrics.fit.purity = Some(0.95);
    let availability = Availability::default();
    let text =
        Sheet { recipe: &recipe, runs: &[purity], availability: &availability }.overview(Profile::Standard);
    assert!(text.contains("| 84.3 ± 0.1 | **95.00** purity (1) |"), "{text}");
}
