//! Tests of the run folder; the last ones force what two and three processes do to each other.

use super::*;
use crate::input::schema_text;
use std::sync::mpsc;
use std::thread;
use vae_data::Schema;

fn identity(pairs: &[(&str, &str)]) -> Identity {
    Identity(pairs.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect())
}

#[test]
fn a_folder_goes_from_empty_to_finished() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("deep/run");
    let id = identity(&[("seed", "0")]);
    let (folder, state) = RunFolder::open(&dir, &id).expect("new");
    assert_eq!(state, State::Empty);
    drop(folder);
    fs::create_dir(dir.join("phases")).expect("phases");
    fs::write(dir.join("phases/.x.1.tmp"), b"half").expect("left over");
    let (folder, state) = RunFolder::open(&dir, &id).expect("again");
    assert_eq!(state, State::Unfinished);
    assert!(!dir.join("phases/.x.1.tmp").exists());
    folder.finish().expect("finish");
    drop(folder);
    assert!(!dir.join("phases").exists());
    assert_eq!(RunFolder::open(&dir, &id).expect("finished").1, State::Finished);
}

#[test]
fn another_run_is_refused_by_its_keys_and_left_alone() {
    let dir = tempfile::tempdir().expect("temp dir");
    drop(RunFolder::open(dir.path(), &identity(&[("seed", "0"), ("k", "3")])).expect("new"));
    let before = fs::read(dir.path().join(IDENTITY)).expect("identity");
    let e = RunFolder::open(dir.path(), &identity(&[("seed", "1"), ("limit", "9")])).expect_err("other");
    let text = e.to_string();
    assert!(text.contains("seed: 0 there, 1 here"), "{text}");
    assert!(
        text.contains("k: 3 there, absent here") && text.contains("limit: absent there, 9 here"),
        "{text}"
    );
    assert_eq!(fs::read(dir.path().join(IDENTITY)).expect("identity"), before);
}

#[test]
fn another_library_of_matrix_products_is_named_on_both_sides() {
    let dir = tempfile::tempdir().expect("temp dir");
    let (blas, onednn) = (identity(&[("device", "cpu")]), identity(&[("device", "cpu"), (MATMUL, "onednn")]));
    drop(RunFolder::open(dir.path(), &blas).expect("new"));
    let text = RunFolder::open(dir.path(), &onednn).expect_err("other").to_string();
    assert!(text.contains("made with blas, and this machine now uses onednn (--matmul chooses)"), "{text}");
    assert!(!text.contains("absent"), "{text}");
    let there = onednn.differences(&blas);
    assert_eq!(
        there,
        ["matrix products: made with blas, and this machine now uses onednn (--matmul chooses)"]
    );
    let gpu = identity(&[("device", "cuda:0")]);
    assert_eq!(gpu.library(), "that of the GPU");
}

#[test]
fn files_of_a_fit_are_known_by_name_and_folder() {
    let dir = tempfile::tempdir().expect("temp dir");
    let run = dir.path().join("run");
    drop(RunFolder::open(&run, &identity(&[])).expect("new"));
    for name in ["assignments.csv", "DONE", "embedding.npy", "pictures/latent.svg", "phases/x.safetensors"] {
        assert!(is_of_a_fit(&run.join(name)), "{name}");
        assert!(!is_of_a_fit(&dir.path().join(name)), "{name} outside a run folder");
    }
    assert!(!is_of_a_fit(&run.join("labels.csv")) && !is_of_a_fit(&run.join("deep/assignments.csv")));
}

#[test]
fn a_run_that_was_refused_makes_way() {
    let dir = tempfile::tempdir().expect("temp dir");
    let (refused, corrected) = (identity(&[("k", "121")]), identity(&[("k", "4")]));
    drop(RunFolder::open(dir.path(), &refused).expect("new"));
    fs::write(dir.path().join("run.json"), br#"{"error": "k is too large"}"#).expect("record");
    let (folder, state) = RunFolder::open(dir.path(), &corrected).expect("corrected");
    assert_eq!(state, State::Empty);
    drop(folder);
    // Its failure after a phase is worth keeping.
    fs::create_dir(dir.path().join("phases")).expect("phases");
    fs::write(dir.path().join("phases/pretrain.safetensors"), b"x").expect("phase");
    assert!(RunFolder::open(dir.path(), &refused).is_err());
}

#[test]
fn other_peoples_files_and_busy_folders_are_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::write(dir.path().join("thesis.tex"), b"x").expect("file");
    let e = RunFolder::open(dir.path(), &identity(&[])).expect_err("not ours").to_string();
    assert!(e.contains("thesis.tex"), "{e}");
    let run = dir.path().join("run");
    let _held = RunFolder::open(&run, &identity(&[])).expect("new");
    let e = RunFolder::open(&run, &identity(&[])).expect_err("busy").to_string();
    assert!(e.contains("another process"), "{e}");
}

/// Takes `dir` for the run of `seed`, with `others` acting once at `step`.
fn open_while(dir: &Path, seed: &str, step: Step, others: impl FnOnce()) -> Result<(RunFolder, State)> {
    let mut others = Some(others);
    RunFolder::open_in_steps(dir, &identity(&[("seed", seed)]), &mut |now| {
        if now == step
            && let Some(others) = others.take()
        {
            others();
        }
    })
}

fn open(dir: &Path, seed: &str) -> Result<(RunFolder, State)> {
    RunFolder::open(dir, &identity(&[("seed", seed)]))
}

/// The seed that owns the folder.
fn owner(dir: &Path) -> String {
    let text = fs::read_to_string(dir.join(IDENTITY)).expect("identity");
    serde_json::from_str::<Identity>(&text).expect("JSON").0["seed"].clone()
}

fn assert_busy(opened: Result<(RunFolder, State)>) {
    let text = opened.expect_err("another process holds it").to_string();
    assert!(text.contains("another process is working on"), "{text}");
}

fn assert_another_run(opened: Result<(RunFolder, State)>) {
    let text = opened.expect_err("the folder is another run's").to_string();
    assert!(text.contains("holds another run"), "{text}");
}

#[test]
fn who_makes_the_folder_and_is_overtaken_leaves_the_lock_of_the_other() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    let mut second = None;
    let first = open_while(&dir, "0", Step::Made, || second = Some(open(&dir, "1").expect("second")));
    assert!(first.is_err() && owner(&dir) == "1");
    // A third process, on the run of the second one, is still kept out.
    assert_busy(open(&dir, "1"));
    assert_busy(first);
    drop(second);
    assert!(!dir.join(LOCK).exists());
    assert_another_run(open(&dir, "2"));
}

#[test]
fn who_makes_the_folder_does_not_remove_it_under_the_lock_of_the_other() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    let (says_locked, is_locked) = mpsc::channel();
    let (says_go_on, may_go_on) = mpsc::channel();
    thread::scope(|scope| {
        let mut second = None;
        let first = open_while(&dir, "0", Step::Made, || {
            let dir = &dir;
            second = Some(scope.spawn(move || {
                open_while(dir, "1", Step::Locked, || {
                    says_locked.send(()).expect("the first one waits");
                    may_go_on.recv().expect("the first one is refused");
                })
            }));
            is_locked.recv().expect("the second one has the lock");
        });
        assert!(first.is_err());
        says_go_on.send(()).expect("the second one waits");
        let (_held, state) = second.expect("started").join().expect("no panic").expect("second");
        assert_eq!((state, owner(&dir).as_str()), (State::Empty, "1"));
        assert_busy(open(&dir, "1"));
    });
}

#[test]
fn a_whole_run_at_any_moment_of_another_one_leaves_one_owner() {
    for is_there in [false, true] {
        for step in [Step::Made, Step::Locked, Step::Looked] {
            let root = tempfile::tempdir().expect("temp dir");
            let dir = root.path().join("run");
            if is_there {
                fs::create_dir(&dir).expect("folder");
            }
            let mut second = None;
            let first = open_while(&dir, "0", step, || {
                second = Some(open(&dir, "1").map(|(folder, _)| folder.finish().expect("finish")));
            });
            let second = second.expect("it ran");
            assert!(first.is_ok() != second.is_ok(), "{step:?}: {first:?} and {second:?}");
            assert_eq!(owner(&dir), if first.is_ok() { "0" } else { "1" }, "{step:?}");
            assert_eq!(is_finished(&dir), second.is_ok(), "{step:?}");
        }
    }
}

#[test]
fn nobody_comes_between_looking_and_acting() {
    for step in [Step::Locked, Step::Looked] {
        let root = tempfile::tempdir().expect("temp dir");
        let dir = root.path().join("run");
        let others = || {
            assert_busy(open(&dir, "1"));
            assert_busy(open(&dir, "2"));
        };
        let (_held, state) = open_while(&dir, "0", step, others).expect("first");
        assert_eq!((state, owner(&dir).as_str()), (State::Empty, "0"));
    }
}

#[test]
fn who_is_refused_removes_nothing_of_a_third_process() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    drop(open(&dir, "0").expect("first"));
    assert_another_run(open_while(&dir, "1", Step::Refused, || assert_busy(open(&dir, "0"))));
    let held = open(&dir, "0").expect("the lock is free again");
    // While it is held, others come and go.
    assert_busy(open(&dir, "1"));
    assert_busy(open(&dir, "2"));
    assert!(dir.join(LOCK).exists() && owner(&dir) == "0");
    drop(held);
}

#[test]
fn a_folder_that_its_maker_removed_is_made_again() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    fs::create_dir(&dir).expect("somebody's");
    let removed = || fs::remove_dir(&dir).expect("somebody was refused");
    let (_held, state) = open_while(&dir, "0", Step::Made, removed).expect("made again");
    assert_eq!((state, owner(&dir).as_str()), (State::Empty, "0"));
}

#[test]
fn who_is_refused_removes_what_it_made_and_no_more() {
    let root = tempfile::tempdir().expect("temp dir");
    let dir = root.path().join("run");
    // Something arrives in the folder that was just made.
    let arrives = || fs::write(dir.join("thesis.tex"), b"x").expect("file");
    assert!(open_while(&dir, "0", Step::Made, arrives).is_err());
    assert!(dir.join("thesis.tex").exists() && !dir.join(LOCK).exists());
    // A lock file that was there before stays, be it another program's.
    fs::write(dir.join(LOCK), b"17").expect("lock of an editor");
    assert!(open(&dir, "0").is_err());
    assert_eq!(fs::read(dir.join(LOCK)).expect("still there"), b"17");
    // A folder that was made in vain goes: for a moment it holds something that cannot be tidied
    // away.
    let dir = root.path().join("vain");
    let in_the_way = dir.join(".x.1.tmp");
    let refused = RunFolder::open_in_steps(&dir, &identity(&[]), &mut |now| match now {
        Step::Looked => fs::create_dir(&in_the_way).expect("folder"),
        Step::Refused => fs::remove_dir(&in_the_way).expect("folder"),
        Step::Made | Step::Locked => {}
    });
    assert!(refused.is_err() && !dir.exists());
}

#[test]
fn columns_of_another_name_are_another_table() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("run");
    let schema = |names: [&str; 2]| Schema::plain(true, names);
    let of = |names| identity(&[("seed", "1")]).of_columns(Some(&schema(names))).expect("a schema");
    drop(RunFolder::open(&path, &of(["height", "weight"])).expect("a new folder"));
    let (_, state) = RunFolder::open(&path, &of(["height", "weight"])).expect("the same run");
    assert_eq!(state, State::Unfinished);
    let refused = RunFolder::open(&path, &of(["weight", "height"])).expect_err("other names");
    assert!(refused.to_string().contains("the names of the columns"), "{refused}");
    // A folder that was written before identities named the columns: its schema says them.
    let old = serde_json::to_string(&identity(&[("seed", "1")])).expect("json");
    fs::write(path.join(IDENTITY), old).expect("written");
    assert!(RunFolder::open(&path, &of(["weight", "height"])).is_ok(), "nothing says what they were");
    fs::write(path.join(SCHEMA_FILE), schema_text(&schema(["height", "weight"])).expect("text"))
        .expect("written");
    assert!(RunFolder::open(&path, &of(["height", "weight"])).is_ok());
    assert!(RunFolder::open(&path, &of(["weight", "height"])).is_err());
}
