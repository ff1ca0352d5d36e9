//! The scripts of a bundle from outside: `vae`, `run.sh` and `gpu-check.sh`, with a shell script in
//! the place of the program `vae`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

mod clone;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use clone::{Clone, not_ok, ok};

const VERSION: &str = "2.11.0";

/// A clone in the form of a bundle: scripts, programs, recipes, and an empty file as libtorch.
fn bundle(cells: &str) -> Clone {
    let clone = Clone::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bundle");
    for (source, name) in
        [("env.sh", "env.sh"), ("vae.sh", "vae"), ("run.sh", "run.sh"), ("gpu-check.sh", "gpu-check.sh")]
    {
        let text = fs::read_to_string(sources.join(source)).unwrap();
        clone.write(name, &text.replace("@LIBTORCH@", VERSION));
        fs::set_permissions(clone.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_xtask"), clone.path("bin/xtask")).unwrap();
    clone.write("libtorch/lib/libtorch_cpu.so", "");
    clone.write("libtorch/build-version", VERSION);
    clone.write("bundle.json", r#"{"commit": "feedbeef", "dirty": false, "rustc": "rustc 1"}"#);
    clone.write("cells", cells);
    clone
}

fn start(clone: &Clone, words: &[&str], variables: &[(&str, &str)]) -> Output {
    // From another folder, as people call it.
    let mut command = Command::new(clone.path(words[0]));
    command.args(&words[1..]).current_dir(clone.path("results")).envs(variables.iter().copied());
    for name in ["VAE_LIBTORCH", "VAE_DATA_DIR", "VAE_CACHE_DIR"] {
        if variables.iter().all(|(set, _)| *set != name) {
            command.env_remove(name);
        }
    }
    command.output().unwrap()
}

#[test]
fn the_cells_of_the_list_are_made_and_nothing_else() {
    let cells = "# A comment.\n\ntiny --methods kmeans --seeds 1\ntiny --methods vade-warm --seeds 0,1";
    let clone = bundle(cells);
    let said = ok(&start(&clone, &["run.sh", "--dry-run"], &[]));
    for name in
        ["strokes-kmeans-standard-s0 ", "strokes-vade-warm-standard-s0 ", "strokes-vade-warm-standard-s1 "]
    {
        assert!(said.contains(name), "{name} in {said}");
    }
    assert!(!said.contains("strokes-kmeans-standard-s1"), "{said}");
    assert_eq!((clone.calls(), clone.runs().len()), (0, 0));

    ok(&start(&clone, &["run.sh"], &[]));
    let made = [
        "strokes-kmeans-standard-s0.json",
        "strokes-vade-warm-standard-s0.json",
        "strokes-vade-warm-standard-s1.json",
    ];
    assert_eq!(clone.runs(), made);
    let run = clone.read("results/tiny/runs/strokes-kmeans-standard-s0.json");
    assert!(run.contains("\"commit\": \"feedbeef\""), "{run}");
    assert!(clone.read("results/tiny/README.md").contains("VaDE"), "the table is rendered");
    // What is made is not made again, and nothing is looked for on the network.
    ok(&start(&clone, &["run.sh"], &[]));
    assert_eq!((clone.calls(), clone.read("bin/fetches")), (3, String::new()));
}

#[test]
fn a_recipe_and_options_can_be_named() {
    let clone = bundle("tiny --seeds 1\n");
    ok(&start(&clone, &["run.sh", "tiny", "--methods", "kmeans", "--seeds", "2"], &[]));
    assert_eq!(clone.runs(), ["strokes-kmeans-standard-s0.json", "strokes-kmeans-standard-s1.json"]);
    // Options without a recipe go to every line of the list.
    ok(&start(&clone, &["run.sh", "--profile", "quick", "--methods", "kmeans"], &[]));
    assert!(clone.runs().contains(&"strokes-kmeans-quick-s0.json".to_owned()), "{:?}", clone.runs());
    let said = not_ok(&start(&clone, &["run.sh", "moon"], &[]));
    assert!(said.contains("there is no recipe moon; there are: tiny"), "{said}");
}

#[test]
fn a_cell_that_fails_is_told_and_the_others_are_made() {
    let clone = bundle("tiny --methods kmeans --seeds 1\ntiny --methods vade-warm --seeds 1\n");
    clone.write("bin/fail-kmeans", "");
    let said = not_ok(&start(&clone, &["run.sh"], &[]));
    assert!(said.contains("NaN in step 7"), "{said}");
    assert!(clone.read("results/tiny/runs/strokes-vade-warm-standard-s0.json").contains("\"acc\""));
}

#[test]
fn vae_gets_libtorch_data_and_cache_of_the_bundle_or_those_that_are_named() {
    let clone = bundle("");
    clone
        .write("bin/vae", "#!/bin/sh\necho \"$LIBTORCH|$LD_LIBRARY_PATH|$VAE_DATA_DIR|$VAE_CACHE_DIR|$*\"\n");
    clone.write("data/mnist/x", "");
    // A link elsewhere, as into a folder of PATH.
    symlink(clone.path("vae"), clone.path("results/vae")).unwrap();
    let said = ok(&start(&clone, &["results/vae", "fit", "a b"], &[("LD_LIBRARY_PATH", "/other")]));
    let here = fs::canonicalize(clone.path("")).unwrap();
    let here = here.display();
    let own = format!("{here}/libtorch|{here}/libtorch/lib:/other|{here}/data|{here}/cache|fit a b\n");
    assert_eq!(said, own);

    // The folder of a Python package.
    clone.write("site/torch/lib/libtorch_cpu.so", "");
    clone.write("site/torch/version.py", &format!("__all__ = []\n__version__ = '{VERSION}+cu130'\n"));
    let torch = clone.path("site/torch").display().to_string();
    let variables =
        [("VAE_LIBTORCH", torch.as_str()), ("VAE_DATA_DIR", "/sets"), ("VAE_CACHE_DIR", "/cache")];
    let said = ok(&start(&clone, &["vae"], &variables));
    assert!(said.starts_with(&format!("{torch}|{torch}/lib")) && said.contains("|/sets|/cache|"), "{said}");
}

#[test]
fn a_libtorch_that_does_not_fit_is_refused_with_the_remedy() {
    let clone = bundle("");
    let said = not_ok(&start(&clone, &["vae"], &[("VAE_LIBTORCH", "/nowhere")]));
    assert!(said.contains("no libtorch in /nowhere") && said.contains("VAE_LIBTORCH=DIR"), "{said}");
    clone.write("libtorch/build-version", "2.9.1");
    let said = not_ok(&start(&clone, &["run.sh"], &[]));
    assert!(said.contains("has version 2.9.1, and vae needs 2.11.0"), "{said}");
}

#[test]
fn without_a_gpu_its_check_ends_at_once_and_says_why() {
    let clone = bundle("");
    let doctor = "#!/bin/sh\necho '{\"gpu\": {\"name\": null, \"why_not\": \"0 GPUs were found\"}}'\n";
    clone.write("bin/vae", doctor);
    let said = not_ok(&start(&clone, &["gpu-check.sh", "--stage", "checks"], &[]));
    assert!(
        said.contains("FAILED device: 0 GPUs were found") && said.contains("0 of 1 checks passed"),
        "{said}"
    );
    let report = clone.read("out/gpu-check/checks/report.json");
    assert!(report.contains("\"passed\": false") && report.contains("0 GPUs were found"), "{report}");
}
