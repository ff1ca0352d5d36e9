//! `cargo xtask reproduce` from outside: a clone in a temporary folder, and a shell script in the place of `vae`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const RECIPE: &str = r#"title = "Tiny"
text = "For a test."
metric = "acc"
profile = "standard"
seeds = 2

[smoke]
profile = "quick"
set = ["epochs=1"]
limit = 300

[[dataset]]
id = "strokes"
title = "strokes"

[[row]]
id = "kmeans"
title = "k-means"
method = "kmeans"

[[row]]
id = "vade-warm"
title = "VaDE"
method = "vade"
set = ["warm=true"]

[[row.cell]]
dataset = "strokes"
published = "94.46"
"#;

/// Answers like `vae`. Files in its folder steer it: `revision`, `content`, `unpinned`, `fail-METHOD`, `slow`, `no-data`, `confused`, `crash`,
/// `no-SET`.
const FAKE_VAE: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in
methods) echo '[{"name":"kmeans"},{"name":"vade"}]'; exit ;;
data)
    if [ "$2" = fetch ]; then echo "$3" >> "$here/fetches"; fi
    if [ -e "$here/no-data" ]; then echo "error: $3 is not on this disk" >&2; exit 1; fi
    if [ -e "$here/no-$3" ]; then
        printf 'error: data set `%s` was not found; looked in:\n  %s (cache): no such folder\nget it\n' "$3" "$here" >&2
        cat "$here/no-$3" >&2; exit 1
    fi
    exit ;;
esac
command=$1; shift
all="$*"; sets=""
while [ $# -gt 0 ]; do
    case "$1" in
    --method) method=$2 ;;
    --profile) profile=$2 ;;
    --seed) seed=$2 ;;
    --set) sets="$sets $2" ;;
    --out) out=$2 ;;
    esac
    shift
done
revision=$(cat "$here/revision")
commit=""
if [ -e "$here/commit" ]; then commit=",\"commit\":\"$(cat "$here/commit")\",\"dirty\":false,\"rustc\":\"rustc 0\""; fi
hash=$(printf '%s %s %s' "$method" "$profile" "$sets" | cksum | tr -d ' ')
identity="\"config_sha256\":\"0000000$hash\",\"revisions\":{\"k-means\":$revision}"
known=null; if [ -e "$here/content" ]; then known="\"$(cat "$here/content")\""; fi
if [ -e "$here/unpinned" ]; then defaults='"train.lr"'; fi
if [ "$command" = config ]; then
    echo "{\"method\":\"$method\",$identity,\"data_sha256\":{\"all\":$known,\"train\":null},\"defaults\":[$defaults]}"
    exit
fi
identity="$identity,\"data_sha256\":$known"
if [ -e "$here/confused" ]; then echo "error: the folder is of another run" >&2; exit 1; fi
if [ -e "$here/crash" ]; then kill -s KILL $$; fi
echo "$all" >> "$here/calls"
mkdir -p "$out"
if [ -e "$here/slow" ]; then
    trap 'touch "$here/was-stopped"; exit 143' TERM
    touch "$here/started"
    while :; do sleep 0.05; done
fi
if [ -e "$here/fail-$method" ]; then
    echo "{\"seed\":$seed,$identity,\"error\":\"the loss is NaN in step 7\"}" > "$out/run.json"
    echo "epoch 1"; echo "error: the loss is NaN in step 7" >&2; exit 1
fi
echo "{\"schema\":1,\"method\":\"$method\",\"dataset\":\"strokes\",\"seed\":$seed,$identity,
  \"metrics\":{\"fit\":{\"acc\":0.9$seed,\"nmi\":0.8,\"ari\":0.7,\"purity\":0.9}},\"wall_s\":61.5,\"peak_rss_mib\":300,
  \"threads\":1,\"device\":\"cpu\",\"versions\":{\"workspace\":\"0.1.0\"$commit},\"hardware\":{\"cpu\":\"Abacus\",\"cores\":2,\"gpu\":null}}" > "$out/run.json"
touch "$out/report.html" "$out/DONE"
"#;

struct Clone {
    dir: TempDir,
}

impl Clone {
    fn new() -> Self {
        let clone = Self { dir: tempfile::tempdir().unwrap() };
        clone.write("results/tiny/recipe.toml", RECIPE);
        clone.write("README.md", "# Title\n\n<!-- table: tiny -->\n<!-- /table -->\n\nend\n");
        clone.write("bin/vae", FAKE_VAE);
        clone.write("bin/revision", "1");
        fs::set_permissions(clone.path("bin/vae"), fs::Permissions::from_mode(0o755)).unwrap();
        clone
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env("CARGO_MANIFEST_DIR", self.path("xtask")).current_dir(self.dir.path());
        command.arg("reproduce").args(words).arg("--vae").arg(self.path("bin/vae"));
        command
    }

    fn reproduce(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// How often `vae fit` was called so far.
    fn calls(&self) -> usize {
        self.read("bin/calls").lines().count()
    }

    fn runs(&self) -> Vec<String> {
        names(&self.path("results/tiny/runs"))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

#[track_caller]
fn not_ok(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(output));
    text(output)
}

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
        "--method vade --data strokes --profile standard --set warm=true --seed 1 --threads 1 --out "
    ));

    // Done runs are skipped; one that is lacking is made; a new revision of the code makes all of them again.
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

#[test]
fn slurm_gets_an_array_whose_tasks_are_single_runs() {
    let clone = Clone::new();
    clone.write(
        "bin/sbatch",
        "#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/submitted\"\necho Submitted batch job 7\n",
    );
    fs::set_permissions(clone.path("bin/sbatch"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", clone.path("bin").display(), std::env::var("PATH").unwrap());
    let words = ["tiny", "--launcher", "slurm", "--sbatch=--partition=long", "--set", "x=1"];
    let said = ok(&clone.command(&words).env("PATH", path).output().unwrap());
    assert!(said.contains("Submitted batch job 7"), "{said}");
    let submitted = clone.read("bin/submitted");
    assert!(submitted.starts_with("--partition=long "), "{submitted}");
    let script = fs::read_to_string(submitted.split_whitespace().nth(1).unwrap()).unwrap();
    assert!(
        script.contains("--array=1-4%4") && script.contains("'--seeds' '0,1,'") && script.contains("'x=1'"),
        "{script}"
    );
    assert_eq!((clone.calls(), clone.runs().len()), (0, 0));
}
