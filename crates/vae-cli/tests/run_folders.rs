//! A finished run folder: what is done with a damaged one, what may be written over it, and the
//! commands it suggests.

mod common;

use common::{Place, groups_csv};
use std::fs;
use std::process::Command;

const FIT: [&str; 11] =
    ["fit", "-m", "kmeans", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", "my run"];

/// A finished run in `my run`, and what the fit said.
fn fitted() -> (Place, String) {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    let said = place.ok(&FIT);
    (place, said)
}

#[test]
fn a_finished_run_without_its_model_is_not_done() {
    let (place, _) = fitted();
    let path = place.path("my run/model.safetensors");
    let whole = fs::read(&path).expect("model");
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    fs::write(&path, &flipped).expect("write");
    let damaged = place.refused(&FIT);
    fs::remove_file(&path).expect("remove");
    let missing = place.refused(&FIT);
    for (error, why) in [(&damaged, "checksum"), (&missing, "No such file")] {
        assert!(
            error.contains("my run holds this run, finished, but its model.safetensors cannot"),
            "{error}"
        );
        assert!(error.contains("delete the folder and give the same command again"), "{error}");
        assert!(error.contains(why), "{error}");
    }
    // Each of the two remedies helps.
    fs::write(&path, &whole).expect("write");
    assert!(place.ok(&FIT).contains("nothing to do"));
    fs::remove_dir_all(place.path("my run")).expect("remove");
    assert!(place.ok(&FIT).contains("cluster sizes"));
    assert_eq!(fs::read(&path).expect("model"), whole);
}

#[test]
fn a_finished_estimate_is_not_made_again() {
    let place = Place::new();
    place.write("t.csv", groups_csv(90));
    let fit = ["fit", "-d", "t.csv", "--label-column", "kind", "-m", "spectral", "-o", "run"];
    assert!(place.ok(&fit).contains("cluster sizes"));
    assert!(place.ok(&fit).contains("nothing to do"));
}

#[test]
fn no_input_is_replaced() {
    let (place, _) = fitted();
    let table = place.read("x.csv");
    let on = |command: &str, out: &str| {
        let words = [command, "-m", "my run", "-d", "x.csv", "--label-column", "kind", "-o", out];
        place.refused(&words)
    };
    #[cfg(unix)]
    std::os::unix::fs::symlink("x.csv", place.path("link.csv")).expect("link");
    for command in ["predict", "embed"] {
        for out in ["x.csv", "./my run/../x.csv", "link.csv"].into_iter().take(if cfg!(unix) { 3 } else { 2 })
        {
            let error = on(command, out);
            assert!(error.contains("would replace the input x.csv; choose another --out"), "{error}");
        }
        place.write("truth.csv", "1\n".repeat(30));
        let error = place.refused(&[
            command,
            "-m",
            "my run",
            "-d",
            "x.csv",
            "--labels",
            "truth.csv",
            "-o",
            "truth.csv",
        ]);
        assert!(error.contains("would replace the input truth.csv"), "{error}");
    }
    assert_eq!(place.read("x.csv"), table);
}

#[test]
fn no_file_of_a_run_is_replaced() {
    let (place, _) = fitted();
    let assignments = place.read("my run/assignments.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink("my run/assignments.csv", place.path("link.csv")).expect("link");
    for out in ["my run/assignments.csv", "my run/embedding.npy", "my run/pictures/x.csv", "link.csv"]
        .into_iter()
        .take(if cfg!(unix) { 4 } else { 3 })
    {
        for command in ["predict", "embed"] {
            let words = [command, "-m", "my run", "-d", "x.csv", "--label-column", "kind", "-o", out];
            let error = place.refused(&words);
            assert!(error.contains("would replace a file of the run"), "{error}");
        }
    }
    assert_eq!(place.read("my run/assignments.csv"), assignments);
    place.ok(&["predict", "-m", "my run", "-d", "x.csv", "--label-column", "kind", "-o", "my run/new.csv"]);
}

#[test]
fn a_file_that_is_replaced_is_told() {
    let place = Place::new();
    place.write("x.csv", groups_csv(30));
    let fit = ["fit", "-m", "gmm", "-d", "x.csv", "--label-column", "kind", "-k", "3", "-o", "run"];
    place.ok(&fit);
    let told = |words: &[&str]| {
        let out = place.vae(words).output().expect("the program starts");
        assert!(out.status.success(), "{words:?}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let data = ["-d", "x.csv", "--label-column", "kind"];
    for (command, more, out) in [
        ("predict", &data[..], "p.csv"),
        ("predict", &data, "p.npy"),
        ("embed", &data, "z.csv"),
        ("sample", &[], "s.csv"),
        ("export", &[], "e.safetensors"),
    ] {
        let words = [&[command, "-m", "run", "-o", out], more].concat();
        let note = format!("note: {out} is there already, and is replaced");
        assert!(!told(&words).contains(&note), "{command}: it is new");
        assert!(told(&words).contains(&note), "{command}");
        assert_eq!(told(&[&["-q"], &words[..]].concat()), "", "{command}");
    }
}

#[cfg(unix)]
#[test]
fn suggested_commands_are_for_the_shell() {
    let (place, said) = fitted();
    let next = said.lines().find_map(|line| line.strip_prefix("next: vae ")).expect("a next command");
    assert_eq!(next, "predict --model 'my run' --data NEW.csv --out labels.csv");
    let again = place.ok(&FIT);
    let score = again.lines().find_map(|line| line.split_once(": vae score")).expect("a command").1;
    assert_eq!(score, " --pred 'my run/assignments.npy' --labels FILE");

    place.write("NEW.csv", groups_csv(30).replace(",kind", "").replace(",red", "").replace(",green", ""));
    place.write("NEW.csv", String::from_utf8(place.read("NEW.csv")).expect("text").replace(",blue", ""));
    let command = format!("{} {next}", env!("CARGO_BIN_EXE_vae"));
    let out = Command::new("sh").args(["-c", &command]).current_dir(place.path("")).output().expect("sh");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(place.read("labels.csv"), place.read("my run/assignments.csv"));
}
