//! `cargo xtask reproduce --launcher slurm` from outside, with two shell scripts in the place of
//! Slurm. Tests on a real one are in `slurm.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use clone::{Clone, names, not_ok, ok};

/// A clone beside which sbatch takes what it gets, and squeue shows the file `queue`.
fn clone_with_slurm() -> Clone {
    let clone = Clone::new();
    let sbatch = "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/submitted\"\necho Submitted batch job 7\n";
    for (name, text) in [("sbatch", sbatch), ("squeue", "#!/bin/sh\ncat \"$(dirname \"$0\")/queue\"\n")] {
        clone.write(&format!("bin/{name}"), text);
        fs::set_permissions(clone.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    clone
}

fn reproduce(clone: &Clone, words: &[&str]) -> Output {
    let path = format!("{}:{}", clone.path("bin").display(), std::env::var("PATH").unwrap());
    clone.command(words).env("PATH", path).output().unwrap()
}

#[test]
fn slurm_gets_an_array_whose_tasks_are_single_runs() {
    let clone = clone_with_slurm();
    let said =
        ok(&reproduce(&clone, &["tiny", "--launcher", "slurm", "--sbatch=--partition=long", "--set", "x=1"]));
    assert!(said.contains("Submitted batch job 7"), "{said}");
    let submitted = clone.read("bin/submitted");
    assert!(submitted.starts_with("--partition=long "), "{submitted}");
    let script = fs::read_to_string(submitted.split_whitespace().nth(1).unwrap()).unwrap();
    assert!(
        script.contains("--array=1-4%4") && script.contains("'--seeds' '0,1,'") && script.contains("'x=1'"),
        "{script}"
    );
    assert!(script.contains(" '--only' 'strokes-vade-warm-standard-s1' >>"), "{script}");
    assert_eq!((clone.calls(), clone.runs().len()), (0, 0));
}

#[test]
fn what_is_in_the_queue_is_made_nowhere_else() {
    let clone = clone_with_slurm();
    ok(&reproduce(&clone, &["tiny", "--launcher", "slurm"]));
    // The runs are in the order of their seeds: the second and the third have not ended.
    clone.write("bin/queue", "7|2|PENDING|(null)\n7|3|RUNNING|(null)\n7|4|FAILED|(null)\n");
    let first = names(&clone.path("out/runs/tiny")).into_iter().find(|name| name.starts_with("slurm-"));
    clone.write(&format!("out/runs/tiny/{}/ends/4", first.unwrap()), "1\n");
    let said = ok(&reproduce(&clone, &["tiny", "--launcher", "slurm"]));
    assert!(said.contains("strokes-vade-warm-standard-s1: its last task failed; its log: "), "{said}");
    assert!(said.contains("2 of them wait or run in Slurm's queue and are left to it"), "{said}");
    let submitted = clone.read("bin/submitted");
    let script = fs::read_to_string(submitted.lines().nth(1).unwrap()).unwrap();
    assert!(script.contains("--array=1-2%2"), "{script}");
    let names = ["strokes-kmeans-standard-s0", "strokes-vade-warm-standard-s1"];
    assert!(names.iter().all(|name| script.contains(&format!("--only' '{name}'"))), "{script}");

    // Another configuration is another run; on this machine as there.
    let said = ok(&reproduce(&clone, &["tiny", "--dry-run", "--set", "x=1"]));
    assert!(said.contains("4 to make"), "{said}");
    let said = ok(&reproduce(&clone, &["tiny"]));
    assert!(said.contains("2 to make, 2 at a time"), "{said}");
    assert_eq!(clone.runs(), names.map(|name| format!("{name}.json")));

    // Where the queue cannot be seen any more, nothing is submitted, but it is made here.
    clone.write("bin/squeue", "#!/bin/sh\necho 'squeue: fatal: no configuration' >&2\nexit 1\n");
    let said = not_ok(&reproduce(&clone, &["tiny", "--launcher", "slurm"]));
    assert!(said.contains("squeue: fatal: no configuration"), "{said}");
    let said = ok(&reproduce(&clone, &["tiny"]));
    assert!(said.contains("earlier job arrays are taken for ended"), "{said}");
    assert_eq!((clone.runs().len(), clone.read("bin/submitted").lines().count()), (4, 2));
}
