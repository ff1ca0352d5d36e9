//! What is wrong with an input is said clearly, with a non-zero exit code, and nothing is left
//! half-written.

mod common;

use common::{Place, groups_csv, names};
use std::fs;

/// An IDX header for unsigned bytes.
fn idx(dims: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
    bytes
}

/// k-means on `data` into `run` must be refused with all of `texts`, before a run folder comes into
/// being.
fn refused(place: &Place, data: &str, more: &[&str], texts: &[&str]) {
    let words = [&["fit", "-m", "kmeans", "-d", data, "-k", "2", "-o", "run"], more].concat();
    let error = place.refused(&words);
    for text in texts {
        assert!(error.contains(text), "`{text}` is not in: {error}");
    }
    assert!(error.contains("error: "), "{error}");
    assert!(!place.path("run").exists(), "{data} left a run folder behind: {error}");
}

#[test]
fn damaged_idx_files() {
    let place = Place::new();
    place.write("cut-idx3-ubyte", [idx(&[10, 4, 4]), vec![7; 100]].concat());
    refused(
        &place,
        "cut-idx3-ubyte",
        &[],
        &["cut-idx3-ubyte", "cut short", "176 bytes expected", "116 found"],
    );
    place.write("magic-idx3-ubyte", b"\x01\x02\x08\x03 no idx at all");
    refused(
        &place,
        "magic-idx3-ubyte",
        &[],
        &["magic-idx3-ubyte", "is not what its name says", "an IDX file"],
    );
    let mut kind = idx(&[2, 2]);
    kind[2] = 0x55;
    place.write("kind-idx2-ubyte", [kind, vec![1; 4]].concat());
    refused(&place, "kind-idx2-ubyte", &[], &["kind-idx2-ubyte", "55"]);
}

#[test]
fn labels_of_another_length() {
    let place = Place::new();
    place.write("x.csv", "1,2\n3,4\n5,6\n");
    place.write("y.txt", "a\nb\na\nb\nb\n");
    refused(&place, "x.csv", &["--labels", "y.txt"], &["y.txt holds 5 labels for 3 rows"]);
}

#[test]
fn values_a_table_cannot_have() {
    let place = Place::new();
    place.write("empty.csv", "width,height\n1,\n3,NaN\n5,\n");
    refused(&place, "empty.csv", &[], &["`height`", "--drop"]);
    place.write("ragged.csv", "1,2\n3,4,5\n");
    refused(&place, "ragged.csv", &[], &["ragged.csv, line 2: 3 fields, expected 2"]);
    place.write("column.csv", "a,b\n1,2\n");
    refused(&place, "column.csv", &["--label-column", "kind"], &["no column `kind`", "a, b"]);
}

#[test]
fn things_that_are_not_there() {
    let place = Place::new();
    refused(&place, "minst", &[], &["did you mean mnist"]);
    refused(&place, "mnist", &[], &["`mnist` was not found", "vae data fetch mnist"]);
    fs::create_dir(place.path("empty")).expect("folder");
    refused(&place, "empty", &[], &["empty", "is empty"]);
    place.write("nothing.csv", "");
    refused(&place, "nothing.csv", &[], &["nothing.csv is empty"]);
    let error = place.refused(&["predict", "-m", "empty", "-d", "strokes"]);
    assert!(error.contains("holds no model.safetensors"), "{error}");
}

#[test]
fn configurations_that_make_no_sense() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    let data = ["-d", "x.csv", "--label-column", "kind", "-o", "run"];
    let wrong = |more: &[&str], texts: &[&str]| {
        let error = place.refused(&[&["fit"][..], &data, more].concat());
        for text in texts {
            assert!(error.contains(text), "`{text}` is not in: {error}");
        }
        error
    };
    place.write("my.toml", "method = \"vade\"\n\n[train]\nepochs = 3\nlearning_rate = 0.1\n");
    wrong(&["--config", "my.toml"], &["my.toml", "line 5, column 1", "learning_rate", "^^^^"]);
    wrong(&["-m", "vade", "--set", "train.epoch=3"], &["--set train.epoch=3", "unknown field `epoch`", "^"]);
    let whole = "expected a whole number, 0 or more";
    wrong(&["-m", "vade", "--set", "train.epochs=many"], &["--set train.epochs=many", "^", whole]);
    wrong(&["-m", "vade", "--set", "train=5"], &["expected a table of settings"]);
    wrong(&["-m", "vade", "--set", "net.hidden=5"], &["expected a list, such as [500, 500]"]);
    // A missing number of clusters does not hide what else is wrong, and what is out of range has a
    // place.
    wrong(&["-m", "vade", "--set", "train.lr=-1"], &["`train.lr` is -1 (--set train.lr=-1), expected"]);
    let none = "`pretrain.train.epochs` is 0 (--set pretrain.train.epochs=0), expected at least 1";
    wrong(&["-m", "vade", "-k", "3", "--set", "pretrain.train.epochs=0"], &[none]);
    let other = ["-m", "ltvae", "-k", "3", "--set", "init.kind=kmeans", "--set", "init.partition.n_init=3"];
    wrong(&other, &["`init.partition` is given (--set init.partition.n_init=3)", "init.kind is \"graph\""]);
    wrong(&["-m", "vade"], &["`n_clusters` is 0 or not given, expected at least 1: give --clusters K"]);
    let both = ["-m", "vade", "--set", "n_clusters=4", "-k", "3"];
    wrong(&both, &["--set n_clusters=4 and --clusters 3 disagree: give one of them"]);
    let methods = place.methods();
    wrong(&["-m", "vaed"], &["unknown method `vaed`", &methods.join(", ")]);
    let refused = wrong(&["-p", "vade/minst"], &["unknown preset `vade/minst`", "vade/mnist"]);
    assert!(!refused.contains("dgg/mnist"), "{refused}");
    wrong(&["-m", "vade", "--profile", "fast"], &["unknown profile `fast`", "quick, standard, paper"]);
    for method in &methods {
        wrong(&["-m", method, "-k", "0"], &["`n_clusters` is 0"]);
    }
    assert!(!place.path("run").exists());
}

#[test]
fn more_clusters_than_samples() {
    let place = Place::new();
    place.write("x.csv", groups_csv(6));
    for method in place.methods() {
        let out = format!("run-{method}");
        let words = ["fit", "-m", &method, "-d", "x.csv", "--label-column", "kind", "-k", "7", "-o", &out];
        let error = place.refused(&words);
        assert!(error.contains('7') && error.contains('6'), "{method}: {error}");
        failed_cleanly(&place, &out);
    }
}

#[test]
fn a_split_that_is_not_there() {
    let place = Place::new();
    place.write("x.csv", groups_csv(6));
    let words = ["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "2", "-o", "run"];
    let error = place.refused(&[&words[..], &["--fit-split", "train"]].concat());
    assert!(error.contains("no test split") && error.contains("leave out --fit-split"), "{error}");
    assert!(!place.path("run").exists());
}

#[test]
fn constant_data() {
    let place = Place::new();
    place.write("x.csv", "1,2\n".repeat(40));
    for method in place.methods() {
        let out = format!("run-{method}");
        let words = ["fit", "-m", &method, "-d", "x.csv", "-k", "2", "-o", &out];
        let error = place.refused(&words);
        assert!(
            error.contains("distinct") || error.contains("constant") || error.contains("equal"),
            "{method}: {error}"
        );
        failed_cleanly(&place, &out);
    }
}

/// A run that failed says why in `run.json`, and holds no result.
fn failed_cleanly(place: &Place, out: &str) {
    let run: serde_json::Value =
        serde_json::from_slice(&place.read(&format!("{out}/run.json"))).expect("JSON");
    assert!(run["error"].as_str().is_some_and(|e| !e.is_empty()), "{run}");
    assert!(run["config_sha256"].is_string() && run["seed"] == 0, "{run}");
    let left = names(&place.path(out));
    let results = ["DONE", "model.safetensors", "assignments.npy", "report.html"];
    assert!(!left.iter().any(|n| results.contains(&n.as_str()) || n.ends_with(".tmp")), "{left:?}");
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    place.write("file", "not a folder");
    let fit = |out: &str| {
        place.refused(&["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", out])
    };
    let below = fit("file/run");
    assert!(below.contains("cannot create the run folder file/run: file is a file; choose"), "{below}");
    let sweep = ["sweep", "--methods", "kmeans", "-d", "x.csv", "--clusters", "2..3", "-o", "file"];
    for at in [fit("file"), place.refused(&[&sweep[..], &["--label-column", "kind"]].concat())] {
        assert!(
            at.contains("cannot create the run folder file: file is a file; choose another --out"),
            "{at}"
        );
        assert!(!at.contains("os error"), "{at}");
    }
    assert_eq!(place.read("file"), b"not a folder");
    fs::create_dir(place.path("mine")).expect("folder");
    place.write("mine/thesis.tex", "years of work");
    assert!(fit("mine").contains("it holds thesis.tex"));
    assert_eq!(names(&place.path("mine")), ["thesis.tex"]);

    place.ok(&["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", "run"]);
    let predict = |out: &str| {
        place.refused(&["predict", "-m", "run", "-d", "x.csv", "--label-column", "kind", "-o", out])
    };
    assert!(predict("nowhere/p.csv").contains("nowhere is no folder"));
    assert!(predict("p.xlsx").contains("should end in .csv or .npy"));
}

#[test]
fn data_of_another_dimension() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    place.write("wide.csv", "1,2,3,4,5\n6,7,8,9,10\n");
    place.ok(&["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", "run"]);
    let error = place.refused(&["predict", "-m", "run", "-d", "wide.csv", "-o", "p.csv"]);
    assert!(
        error.contains("the model was fitted on 3 (a, b, c)") && error.contains("--label-column"),
        "{error}"
    );
    assert!(!place.path("p.csv").exists());

    // With a header the columns are named: labels that nobody named, and a column that is not
    // there.
    place.write("labelled.csv", "b,class,a,z\n1,2,3,4\n");
    let error = place.refused(&["predict", "-m", "run", "-d", "labelled.csv", "-o", "p.csv"]);
    let lacks = "labelled.csv lacks columns that the model was fitted on: `c`; add or rename them";
    assert!(error.contains(lacks) && error.contains("the model does not know: class, z"), "{error}");
    assert!(!place.path("p.csv").exists());
}

#[test]
fn a_model_that_is_none() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    let error = place.refused(&["predict", "-m", "nowhere", "-d", "x.csv"]);
    assert!(error.contains("nowhere does not exist; a run folder of `vae fit` is expected"), "{error}");
    let error = place.refused(&["predict", "-m", "x.csv", "-d", "x.csv", "--label-column", "kind"]);
    assert!(
        error.contains("give the run folder of a finished `vae fit`") && !error.contains("delete"),
        "{error}"
    );
}

/// A limit on the size of files stands for a full disk: the write fails in the same place with the
/// same kind of error.
#[cfg(unix)]
#[test]
fn a_full_disk() {
    let place = Place::new();
    place.write("x.csv", groups_csv(900));
    let vae = env!("CARGO_BIN_EXE_vae");
    // Blocks of 512 or 1024 bytes, by shell: room for the configuration, not for 900 assignments as
    // text.
    let script = format!(
        "trap '' XFSZ; ulimit -f 6; exec {vae} fit -m kmeans -d x.csv --label-column kind -k 3 --no-cache -o run"
    );
    let shell = |script: &str| {
        let out = std::process::Command::new("sh").args(["-c", script]).current_dir(place.path("")).output();
        out.expect("sh starts")
    };
    let out = shell(&script);
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{error}");
    assert!(error.contains("error: run/") && error.contains("File too large"), "{error}");
    let left = names(&place.path("run"));
    assert!(!left.iter().any(|n| n == "DONE" || n == "assignments.csv" || n.ends_with(".tmp")), "{left:?}");
    // With room again, the same command ends well.
    let out = shell(&format!("exec {vae} fit -m kmeans -d x.csv --label-column kind -k 3 --no-cache -o run"));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let run: serde_json::Value = serde_json::from_slice(&place.read("run/run.json")).expect("JSON");
    assert!(run.get("error").is_none() && place.path("run/DONE").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout() {
    let place = Place::new();
    let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let vae = std::process::Command::new(env!("CARGO_BIN_EXE_vae"))
        .arg("methods")
        .current_dir(place.path(""))
        .stdout(full)
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&vae.stderr).into_owned();
    assert_eq!(vae.status.code(), Some(1));
    assert!(error.contains("No space left"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_flipped_byte_in_a_checkpoint() {
    let place = Place::new();
    let words = [
        "fit",
        "-p",
        "vade/strokes",
        "--limit",
        "600",
        "--threads",
        "1",
        "--no-cache",
        "--checkpoint-every",
        "0",
        "--set",
        "net.hidden=[32]",
        "--set",
        "pretrain.train.epochs=400",
        "-o",
        "run",
    ];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vae"))
        .args(words)
        .current_dir(place.path(""))
        .env("VAE_CACHE_DIR", place.path("cache"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let checkpoint = place.path("run/phases/pretrain.checkpoint");
    let begun = std::time::Instant::now();
    while !checkpoint.exists() {
        assert!(begun.elapsed().as_secs() < 60, "no checkpoint appeared");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("kill");
    child.wait().expect("the program ends");
    let mut bytes = fs::read(&checkpoint).expect("checkpoint");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&checkpoint, &bytes).expect("write");
    let error = place.refused(&words);
    assert!(error.contains("pretrain.checkpoint") && error.contains("damaged"), "{error}");
    assert_eq!(fs::read(&checkpoint).expect("still there"), bytes, "the evidence is left alone");
    assert!(!place.path("run/DONE").exists());
}

#[test]
fn a_flipped_byte_in_a_model() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    place.ok(&["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", "run"]);
    let path = place.path("run/model.safetensors");
    let mut bytes = fs::read(&path).expect("model");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&path, &bytes).expect("write");
    let error =
        place.refused(&["predict", "-m", "run", "-d", "x.csv", "--label-column", "kind", "-o", "p.csv"]);
    assert!(error.contains("model.safetensors") && error.contains("checksum"), "{error}");
    assert!(!place.path("p.csv").exists());
}
