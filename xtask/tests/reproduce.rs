//! `cargo xtask reproduce` from outside: which runs are made, skipped and recorded.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use clone::{Clone, RECIPE, names, not_ok, ok};

#[test]
fn a_program_of_another_commit_is_recorded_as_that() {
    let clone = Clone::new();
    clone.write("bin/commit", "feedbeef00112233");
    let said = ok(&clone.reproduce(&["tiny", "--methods", "kmeans", "--seeds", "1"]));
    assert!(said.contains("built at commit feedbeef00, the clone is at unknown"), "{said}");
    let run = clone.read("results/tiny/runs/strokes-kmeans-standard-s0.json");
    for line in ["\"commit\": \"feedbeef00112233\"", "\"dirty\": false", "\"rustc\": \"rustc 0\""] {
        assert!(run.contains(line), "{line} is missing in {run}");
    }
    assert!(clone.read("results/tiny/README.md").contains("feedbeef00"), "the page names it");
}

#[test]
fn runs_are_made_once_and_rendered_everywhere() {
    let clone = Clone::new();
    let said = ok(&clone.reproduce(&["tiny"]));
    assert_eq!(
        clone.runs(),
        [
            "strokes-kmeans-standard-s0.json",
            "strokes-kmeans-standard-s1.json",
            "strokes-vade-warm-standard-s0.json",
            "strokes-vade-warm-standard-s1.json"
        ]
    );
    assert_eq!(clone.calls(), 4);
    assert!(said.contains("4 runs, 0 of them done") && said.contains("report.html"), "{said}");
    let row = "| VaDE | 94.46 | **90.50 ± 0.71** | 2 | 90.00–91.00 |";
    assert!(clone.read("results/tiny/README.md").contains(row), "{}", clone.read("results/tiny/README.md"));
    assert!(clone.read("README.md").contains(row) && clone.read("README.md").ends_with("\nend\n"));
    let run = clone.read("results/tiny/runs/strokes-vade-warm-standard-s1.json");
    for key in
        ["\"recipe\": \"tiny\"", "\"row\": \"vade-warm\"", "\"profile\": \"standard\"", "\"rustc\": \"rustc"]
    {
        assert!(run.contains(key), "{key} is missing in {run}");
    }
    let calls = clone.read("bin/calls");
    assert!(calls.contains(
        "--method vade --data strokes --profile standard --set warm=true --seed 1 --map pca --threads 1 --out "
    ));

    // Done runs are skipped; one that is lacking is made; a new revision of the code makes all of
    // them again.
    let said = ok(&clone.reproduce(&["tiny"]));
    assert!(said.contains("4 runs, 4 of them done"), "{said}");
    assert_eq!(clone.calls(), 4);
    fs::remove_file(clone.path("results/tiny/runs/strokes-kmeans-standard-s1.json")).unwrap();
    let said = ok(&clone.reproduce(&["tiny", "--jobs", "1"]));
    assert!(
        said.contains("1 to make, 1 at a time with 1 thread(s) each: about 62 s by the recorded runs"),
        "{said}"
    );
    assert_eq!((clone.calls(), clone.runs().len()), (5, 4));
    clone.write("bin/revision", "2");
    ok(&clone.reproduce(&["tiny"]));
    assert_eq!((clone.calls(), clone.runs().len()), (9, 4));
}

#[test]
fn choices_restrict_and_a_dry_run_runs_nothing() {
    let clone = Clone::new();
    let said = ok(&clone.reproduce(&[
        "tiny",
        "--dry-run",
        "--methods",
        "vade",
        "--seeds",
        "1,5",
        "--profile",
        "paper",
    ]));
    assert!(said.contains("strokes-vade-warm-paper-s5  vae fit --method vade"), "{said}");
    assert!(!said.contains("kmeans") && clone.runs().is_empty() && clone.calls() == 0, "{said}");
    let said = not_ok(&clone.reproduce(&["tiny", "--datasets", "mnist"]));
    assert!(said.contains("has no data set mnist; it has strokes"), "{said}");
    let said = not_ok(&clone.reproduce(&["huge"]));
    assert!(said.contains("there is no recipe huge; there are: tiny"), "{said}");
}

#[test]
fn a_failed_run_is_recorded_shown_and_not_made_again_unasked() {
    let clone = Clone::new();
    clone.write("bin/fail-vade", "");
    let said = not_ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert!(
        said.contains("1 run(s) failed and are in the table as such: strokes-vade-warm-standard-s0"),
        "{said}"
    );
    assert!(said.contains("[strokes-vade-warm-standard-s0] epoch 1"), "{said}");
    assert_eq!(clone.runs().len(), 2);
    let run = clone.read("results/tiny/runs/strokes-vade-warm-standard-s0.json");
    assert!(run.contains("the loss is NaN in step 7"), "{run}");
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("VaDE, seed 0: failed: the loss is NaN in step 7"), "{page}");
    let log = said.split("log of strokes-vade-warm-standard-s0, which failed: ").nth(1).unwrap();
    let log = fs::read_to_string(log.lines().next().unwrap()).unwrap();
    assert!(log.contains("epoch 1\n") && log.contains("error: the loss is NaN in step 7\n"), "{log}");

    fs::remove_file(clone.path("bin/fail-vade")).unwrap();
    ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert_eq!(clone.calls(), 2);
    ok(&clone.reproduce(&["tiny", "--seeds", "1", "--retry-failed"]));
    assert_eq!(clone.calls(), 3);
    assert!(!clone.read("results/tiny/README.md").contains("failed"));
}

#[test]
fn a_signal_is_passed_on_and_the_same_command_continues() {
    let clone = Clone::new();
    clone.write("bin/slow", "");
    let mut child = clone.command(&["tiny", "--methods", "vade", "--seeds", "1"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !clone.path("bin/started").exists() {
        assert!(Instant::now() < deadline, "vae was never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(clone.path("bin/was-stopped").exists() && clone.runs().is_empty());
    fs::remove_file(clone.path("bin/slow")).unwrap();
    ok(&clone.reproduce(&["tiny", "--methods", "vade", "--seeds", "1"]));
    assert_eq!(clone.runs(), ["strokes-vade-warm-standard-s0.json"]);
}

#[test]
fn a_fit_that_does_not_begin_is_no_failed_run_and_a_crash_is_one() {
    let clone = Clone::new();
    clone.write("bin/confused", "");
    let said = not_ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert!(said.contains("could not begin: the folder is of another run"), "{said}");
    assert!(clone.runs().is_empty());
    fs::remove_file(clone.path("bin/confused")).unwrap();
    clone.write("bin/crash", "");
    let said = not_ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert!(said.contains("2 run(s) failed"), "{said}");
    assert!(clone.read("results/tiny/README.md").contains("failed: signal: 9 (SIGKILL)"));
}

#[test]
fn a_crash_does_not_have_the_error_of_the_attempt_before() {
    let clone = Clone::new();
    clone.write("bin/fail-vade", "");
    not_ok(&clone.reproduce(&["tiny", "--seeds", "1"]));
    assert!(clone.read("results/tiny/README.md").contains("failed: the loss is NaN in step 7"));
    clone.write("bin/crash", "");
    not_ok(&clone.reproduce(&["tiny", "--seeds", "1", "--retry-failed"]));
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("failed: signal: 9 (SIGKILL)") && !page.contains("NaN"), "{page}");
}

#[test]
fn smoke_runs_every_cell_and_leaves_the_clone_alone() {
    let clone = Clone::new();
    ok(&clone.reproduce(&["tiny", "--smoke"]));
    assert_eq!(clone.calls(), 2);
    assert!(clone.read("bin/calls").lines().all(
        |call| call.contains("--profile quick") && call.contains("--set epochs=1 --seed 0 --limit 300 ")
    ));
    assert_eq!(names(&clone.path("results/tiny")), ["recipe.toml"]);
    clone.write("bin/fail-vade", "");
    not_ok(&clone.reproduce(&["tiny", "--smoke"]));
}

#[test]
fn recorded_runs_are_made_here_too_where_the_recipe_wants_it() {
    let clone = Clone::new();
    clone.write("results/tiny/recipe.toml", &RECIPE.replace("seeds = 2", "seeds = 1\nrun_here = true"));
    ok(&clone.reproduce(&["tiny"]));
    let record = "results/tiny/runs/strokes-kmeans-standard-s0.json";
    clone.write(record, &clone.read(record).replace("Abacus", "Somebody else's"));
    // Finished here: nothing to do. On another machine: made, and the record stays as it is.
    ok(&clone.reproduce(&["tiny"]));
    assert_eq!(clone.calls(), 2);
    fs::remove_dir_all(clone.path("out")).unwrap();
    let said = ok(&clone.reproduce(&["tiny"]));
    assert_eq!(clone.calls(), 4);
    assert!(clone.read(record).contains("Somebody else's"));
    assert!(said.contains("On this machine:") && said.contains("Recorded:"), "{said}");
}
