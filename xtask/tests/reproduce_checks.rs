//! `cargo xtask reproduce --check` and `--check-runs` from outside: pages and recorded runs that
//! are not current.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;

use std::fs;

use clone::{Clone, RECIPE, not_ok, ok};

#[test]
fn recorded_runs_on_other_data_are_found_and_made_again() {
    let clone = Clone::new();
    clone.write("bin/content", "1111111111");
    ok(&clone.reproduce(&["tiny"]));
    let said = ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("4 recorded runs are") && !said.contains("unverified"), "{said}");
    // The configuration is the same, the data behind it are not.
    clone.write("bin/content", "2222222222");
    let said = not_ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("4 recorded run(s)"), "{said}");
    assert!(said.contains("its data are 11111111, now they are 22222222"), "{said}");
    ok(&clone.reproduce(&["tiny"]));
    assert_eq!(clone.calls(), 8);
    ok(&clone.reproduce(&["--check-runs"]));
}

#[test]
fn rows_that_depend_on_a_default_are_found() {
    let clone = Clone::new();
    ok(&clone.reproduce(&["tiny"]));
    clone.write("bin/unpinned", "");
    let said = not_ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("write them into its preset or its recipe: train.lr"), "{said}");

    // A table of the defaults may depend on them: what a change does to its runs is told as stale.
    let of_defaults = RECIPE.replacen("metric =", "measures_defaults = true\nmetric =", 1);
    clone.write("results/tiny/recipe.toml", &of_defaults);
    ok(&clone.reproduce(&["--check-runs"]));
    clone.write("results/tiny/recipe.toml", &of_defaults.replace("warm=true", "warm=false"));
    let said = not_ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("2 recorded run(s)"), "{said}");
}

#[test]
fn recorded_runs_of_other_settings_are_found() {
    let clone = Clone::new();
    ok(&clone.reproduce(&["tiny"]));
    clone.write("bin/no-data", "");
    let said = ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("4 recorded runs are of the present configurations, code and data"), "{said}");
    assert!(said.contains("4 of them on strokes, whose data are unverified"), "{said}");

    clone.write("results/tiny/recipe.toml", &RECIPE.replace("warm=true", "warm=false"));
    let said = not_ok(&clone.reproduce(&["--check-runs"]));
    assert!(said.contains("2 recorded run(s)") && !said.contains("kmeans"), "{said}");
    assert!(
        said.contains("cargo xtask reproduce tiny --methods vade-warm --datasets strokes --seeds 1,\n"),
        "{said}"
    );
    clone.write("results/tiny/recipe.toml", &RECIPE.replace("id = \"kmeans\"", "id = \"k-means\""));
    let said = not_ok(&clone.reproduce(&["tiny", "--check-runs"]));
    assert!(
        said.contains("2 recorded run(s)")
            && said.contains("git rm results/tiny/runs/strokes-kmeans-standard-s0.json"),
        "{said}"
    );
    assert_eq!((clone.calls(), clone.runs().len()), (4, 4));

    // The command that is named mends it.
    fs::remove_file(clone.path("bin/no-data")).unwrap();
    clone.write("results/tiny/recipe.toml", RECIPE);
    clone.write("bin/revision", "2");
    ok(&clone.reproduce(&["tiny", "--methods", "kmeans", "--datasets", "strokes", "--seeds", "1,"]));
    let said = not_ok(&clone.reproduce(&["--check-runs"]));
    assert!(
        said.contains("3 recorded run(s)")
            && said.contains("strokes-kmeans-standard-s0.json: its revision of k-means is 1, now it is 2"),
        "{said}"
    );
}

#[test]
fn check_sees_a_stale_page_and_render_mends_it() {
    let clone = Clone::new();
    let said = not_ok(&clone.reproduce(&["--check"]));
    assert!(said.contains("results/tiny/README.md") && said.contains("--render"), "{said}");
    ok(&clone.reproduce(&["--render"]));
    ok(&clone.reproduce(&["--check"]));
    clone.write("README.md", &clone.read("README.md").replace("94.46", "99.99"));
    assert!(not_ok(&clone.reproduce(&["--check"])).contains("stale"));
    assert_eq!(clone.calls(), 0);
}
