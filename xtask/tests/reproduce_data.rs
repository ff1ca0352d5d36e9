//! `cargo xtask reproduce` from outside, where methods or data sets are not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;

use std::fs;

use clone::{Clone, RECIPE, ok};

#[test]
fn what_cannot_be_run_says_why() {
    let clone = Clone::new();
    clone.write("results/tiny/recipe.toml", &RECIPE.replace("method = \"kmeans\"", "method = \"dec\""));
    ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert!(
        clone.read("README.md").contains("| k-means | – | method not in this version yet |"),
        "{}",
        clone.read("README.md")
    );
    // Recorded runs stay in the table where the data is away; cells without runs say that it is.
    clone.write("bin/no-data", "");
    fs::remove_dir_all(clone.path("results/tiny/runs")).unwrap();
    ok(&clone.reproduce(&["tiny", "--seeds", "1", "--offline"]));
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("strokes: data not available here: strokes is not on this disk"), "{page}");
    assert_eq!(clone.calls(), 1);
}

#[test]
fn data_that_was_not_asked_for_is_looked_for_and_not_fetched() {
    let clone = Clone::new();
    let column = |id: &str| format!("[[dataset]]\nid = \"{id}\"\ntitle = \"{id}\"\n\n");
    let recipe = RECIPE.replacen("[[row]]", &(column("stl10") + &column("hhar") + "[[row]]"), 1);
    clone.write("results/tiny/recipe.toml", &recipe);
    clone.write("bin/no-stl10", "");
    let one = ["tiny", "--seeds", "1", "--datasets", "strokes", "--methods", "kmeans"];
    ok(&clone.reproduce(&[one.as_slice(), &["--dry-run"]].concat()));
    assert!(!clone.path("results/tiny/availability.json").exists());
    ok(&clone.reproduce(&one));
    assert_eq!((clone.calls(), clone.read("bin/fetches").as_str()), (1, ""));
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("stl10: data not available here: data set `stl10` was not found; "), "{page}");
    assert!(page.contains("| k-means | data not available [1] |  |"), "{page}");
    assert!(page.contains("| VaDE | 94.46 | not run yet |"), "{page}");
    let file = clone.read("results/tiny/availability.json");
    assert!(file.contains("stl10") && !file.contains("hhar") && !file.contains('/'), "{file}");
    // The page is that of the committed files, on a machine without the program as well.
    ok(&clone.reproduce(&["--check"]));

    // Asked for, it is tried to be fetched; what is there is noted no more.
    ok(&clone.reproduce(&["tiny", "--seeds", "1", "--methods", "kmeans"]));
    assert_eq!((clone.read("bin/fetches").as_str(), clone.calls()), ("stl10\n", 2));
    assert_eq!(clone.read("results/tiny/availability.json"), file);
    fs::remove_file(clone.path("bin/no-stl10")).unwrap();
    ok(&clone.reproduce(&one));
    assert!(!clone.path("results/tiny/availability.json").exists());
}

#[test]
fn pictures_are_not_fetched_where_nothing_makes_features_of_them() {
    let clone = Clone::new();
    let recipe = RECIPE.replacen("[[row]]", "[[dataset]]\nid = \"stl10\"\ntitle = \"STL-10\"\n\n[[row]]", 1);
    clone.write("results/tiny/recipe.toml", &recipe);
    clone.write("bin/no-stl10", "and then: vae features --weights FILE\n");
    let mut command = clone.command(&["tiny", "--seeds", "1"]);
    let said = command.env_remove("VAE_RESNET50_WEIGHTS").output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("VAE_RESNET50_WEIGHTS=FILE"), "{said:?}");
    assert_eq!(clone.read("bin/fetches"), "");
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("STL-10: data not available here: data set `stl10` was not found; "), "{page}");
    ok(&clone.command(&["tiny", "--seeds", "1"]).env("VAE_RESNET50_WEIGHTS", "w.pth").output().unwrap());
    assert_eq!(clone.read("bin/fetches"), "stl10\n");
    assert_eq!(clone.read("results/tiny/README.md"), page);
}
