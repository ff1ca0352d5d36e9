//! `cargo xtask reproduce --launcher slurm` on a real Slurm: `cargo xtask test --slurm` starts one
//! and these tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;
mod site;

use std::fs;
use std::slice;

use clone::{Clone, ok};
use site::{
    RUN, WARNED, ask, begin_now, check, end_its_time, equals_an_undisturbed_run, fit_of, kill, logs,
    processes, real_clone, reproduce, somewhere_in_the_fit, state, submit, tasks, wait_for,
};

fn wait_for_the_end(arrays: &[String]) {
    let ended = |state: &str| ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"].contains(&state);
    wait_for("all tasks end", || {
        arrays.iter().all(|array| tasks(array).values().all(|(state, _)| ended(state)))
    });
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn missing_runs_are_submitted_once_in_arrays_of_the_site_s_size_made_and_rendered() {
    check();
    let clone = Clone::new();
    clone.write("bin/slow", "");
    // The site takes arrays of three tasks.
    let arrays = submit(&clone, &[]);
    assert_eq!(arrays.iter().map(|array| tasks(array).len()).collect::<Vec<_>>(), [3, 1]);
    wait_for("all runs start", || clone.calls() == 4);

    // The second submission, and the same on this machine: nothing is left to do.
    assert!(submit(&clone, &[]).is_empty());
    let said = ok(&reproduce(&clone, &[]));
    assert!(said.contains("4 runs, 0 of them done") && said.contains("4 of them wait or run"), "{said}");
    fs::remove_file(clone.path("bin/slow")).unwrap();
    wait_for_the_end(&arrays);
    assert!(submit(&clone, &[]).is_empty());
    assert_eq!((clone.calls(), clone.runs().len()), (4, 4));
    let row = "| VaDE | 94.46 | **90.50 ± 0.71** | 2 | 90.00–91.00 |";
    assert!(clone.read("results/tiny/README.md").contains(row), "{}", clone.read("results/tiny/README.md"));
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn few_at_once_are_few_over_all_arrays() {
    check();
    let clone = Clone::new();
    clone.write("bin/slow", "");
    let arrays = submit(&clone, &["--jobs", "1"]);
    wait_for("a run starts", || clone.calls() == 1);
    let waiting = |array: &String| tasks(array).values().filter(|(state, _)| state == "PENDING").count();
    assert_eq!(arrays.iter().map(waiting).collect::<Vec<_>>(), [2, 1]);
    fs::remove_file(clone.path("bin/slow")).unwrap();
    wait_for_the_end(&arrays);
    assert_eq!((clone.calls(), clone.runs().len()), (4, 4));
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_task_whose_time_is_up_goes_back_into_the_queue_alone() {
    check();
    let clone = Clone::new();
    clone.write("bin/slow", "");
    let arrays = submit(&clone, &["--methods", "kmeans", WARNED]);
    wait_for("all runs start", || clone.calls() == 2);
    // In Slurm the last task of an array has the number of the array itself.
    let last = format!("{}_2", arrays[0]);
    end_its_time(&last);
    wait_for("it stops", || clone.path("bin/was-stopped").exists());
    begin_now(&last);
    wait_for("it starts again", || clone.calls() == 3);
    let states: Vec<_> = tasks(&arrays[0]).into_values().map(|(state, _)| state).collect();
    assert_eq!(states, ["RUNNING", "RUNNING"]);
    fs::remove_file(clone.path("bin/slow")).unwrap();
    wait_for_the_end(&arrays);
    assert_eq!((clone.calls(), clone.runs().len()), (3, 2));
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_run_that_fails_is_in_the_table_with_its_log() {
    check();
    let clone = Clone::new();
    clone.write("bin/fail-vade", "");
    let arrays = submit(&clone, &["--seeds", "1"]);
    wait_for_the_end(&arrays);
    let states: Vec<_> = tasks(&arrays[0]).into_values().map(|(state, _)| state).collect();
    assert_eq!(states, ["COMPLETED", "FAILED"]);
    let said = ok(&reproduce(&clone, &["--seeds", "1"]));
    let page = clone.read("results/tiny/README.md");
    assert!(page.contains("VaDE, seed 0: failed: the loss is NaN in step 7"), "{page}");
    let log = said.split("log of strokes-vade-warm-standard-s0, which failed: ").nth(1).unwrap();
    let log = fs::read_to_string(log.lines().next().unwrap()).unwrap();
    assert!(log.contains("epoch 1\n") && log.contains("error: the loss is NaN in step 7\n"), "{log}");

    // Made again when asked for.
    fs::remove_file(clone.path("bin/fail-vade")).unwrap();
    assert!(submit(&clone, &["--seeds", "1"]).is_empty());
    wait_for_the_end(&submit(&clone, &["--seeds", "1", "--retry-failed"]));
    ok(&reproduce(&clone, &["--seeds", "1"]));
    assert_eq!(clone.calls(), 3);
    assert!(!clone.read("results/tiny/README.md").contains("failed"));
}

/// Submits what a disturbance has taken away, until it is there.
fn submit_the_rest(clone: &Clone) {
    let again = submit(clone, &[]);
    assert_eq!(again.len(), 1, "a run that is neither done nor in the queue is submitted");
    wait_for_the_end(&again);
    equals_an_undisturbed_run(clone);
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_cancelled_run_is_continued_by_the_next_submission() {
    check();
    let clone = real_clone();
    let arrays = submit(&clone, &[]);
    somewhere_in_the_fit(&clone);
    ask("scancel", &[&arrays[0]]);
    wait_for_the_end(&arrays);
    assert_eq!((state(&arrays[0]).as_str(), clone.runs().len()), ("CANCELLED", 0));
    submit_the_rest(&clone);
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_killed_task_is_continued_by_the_next_submission() {
    check();
    let clone = real_clone();
    let arrays = submit(&clone, &[]);
    somewhere_in_the_fit(&clone);
    // The task and the fit at once: neither can tell anybody.
    kill("KILL", &processes(&clone));
    wait_for_the_end(&arrays);
    assert_eq!((state(&arrays[0]).as_str(), clone.runs().len()), ("FAILED", 0));
    submit_the_rest(&clone);
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_killed_fit_is_in_the_table_and_continued_when_asked_for() {
    check();
    let clone = real_clone();
    let arrays = submit(&clone, &[]);
    somewhere_in_the_fit(&clone);
    // The fit alone, as a system does that is short of memory.
    kill("KILL", &[fit_of(&clone).unwrap()]);
    wait_for_the_end(&arrays);
    assert_eq!((state(&arrays[0]).as_str(), clone.runs().len()), ("FAILED", 1));
    let said = ok(&reproduce(&clone, &[]));
    assert!(said.contains(&format!("log of {RUN}, which failed: ")), "{said}");
    assert!(clone.read("results/tiny/README.md").contains("failed: signal: 9 (SIGKILL)"));
    assert!(submit(&clone, &[]).is_empty());
    wait_for_the_end(&submit(&clone, &["--retry-failed"]));
    equals_an_undisturbed_run(&clone);
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_run_whose_node_goes_down_is_made_on_another() {
    check();
    let clone = real_clone();
    let arrays = submit(&clone, &["--sbatch=--partition=pair"]);
    somewhere_in_the_fit(&clone);
    let (state, node) = tasks(&arrays[0])[&1].clone();
    assert_eq!(state, "RUNNING");
    ask("scontrol", &["update", &format!("nodename={node}"), "state=down", "reason=test"]);
    // Still in the queue, so a submission leaves it there.
    assert!(submit(&clone, &[]).is_empty());
    begin_now(&format!("{}_1", arrays[0]));
    wait_for_the_end(&arrays);
    let (state, other) = tasks(&arrays[0])[&1].clone();
    assert!(state == "COMPLETED" && other != node, "{state} on {other} after {node}");
    equals_an_undisturbed_run(&clone);
}

#[test]
#[ignore = "needs a Slurm: cargo xtask test --slurm"]
fn a_run_whose_time_is_up_goes_on_in_its_next_try() {
    check();
    let clone = real_clone();
    let arrays = submit(&clone, &[WARNED]);
    wait_for("an epoch", || logs(&clone).contains("pretrain: epoch 1/3"));
    // A fit that is longer than its time, without the computing.
    let fit = fit_of(&clone).unwrap();
    kill("STOP", slice::from_ref(&fit));
    let task = format!("{}_1", arrays[0]);
    end_its_time(&task);
    wait_for("the time is up", || logs(&clone).contains("stopping after a checkpoint"));
    kill("CONT", &[fit]);
    begin_now(&task);
    wait_for_the_end(&arrays);
    assert_eq!(state(&arrays[0]), "COMPLETED", "{}", logs(&clone));
    assert!(logs(&clone).contains(&format!("[{RUN}] continuing the run")), "{}", logs(&clone));
    equals_an_undisturbed_run(&clone);
}
