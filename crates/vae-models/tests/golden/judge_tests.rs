//! The verdicts on small made traces.

use super::judge::{Verdict, judge};
use super::trace::{Assignments, Epoch, Phase, Trace};
use serde_json::json;
use std::collections::BTreeMap;

fn phase(name: &str, loss: f64, revisions: &[(&str, u32)]) -> Phase {
    let terms = BTreeMap::from([("rec".to_string(), loss + 10.0), ("kl".to_string(), -10.0)]);
    Phase {
        name: name.into(),
        revisions: revisions.iter().map(|(name, revision)| ((*name).to_string(), *revision)).collect(),
        epochs: vec![Epoch { loss, lr: 0.1, terms }],
        notes: json!({ "iterations": 3, "near": [0.5, 1e-9], "how": "fast" }),
    }
}

/// `pretrain`, then `train`.
fn trace() -> Trace {
    Trace {
        data: "data".into(),
        config: BTreeMap::from([("n_clusters".into(), "3".into())]),
        phases: vec![
            phase("pretrain", 2.0, &[("random", 1), ("training", 1)]),
            phase("train", 5.0, &[("random", 1), ("training", 1), ("vade", 4)]),
        ],
        assignments: Assignments { letters: "ABCa".into(), mean_margin: 0.75 },
    }
}

fn changed(change: impl FnOnce(&mut Trace)) -> Trace {
    let mut trace = trace();
    change(&mut trace);
    trace
}

fn verdict(now: &Trace) -> Verdict {
    judge(Some(&trace()), now, &|name| (name == "vade").then(|| "crates/somewhere.rs:7".into()))
}

fn refused(now: &Trace) -> String {
    match verdict(now) {
        Verdict::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn renewable(now: &Trace) -> String {
    match verdict(now) {
        Verdict::Renew(why) => why,
        other => panic!("{other:?}"),
    }
}

fn raise(trace: &mut Trace, algorithm: &str, to: u32) {
    for phase in &mut trace.phases {
        phase.revisions.entry(algorithm.into()).and_modify(|revision| *revision = to);
    }
}

#[test]
fn rounding_is_no_change() {
    let now = changed(|t| {
        t.phases[1].epochs[0].loss *= 1.00009;
        t.phases[0].notes = json!({ "iterations": 3, "near": [0.500_02, 4e-7], "how": "fast" });
        // A row with a small margin may be on either side.
        t.assignments.letters = "ABCb".into();
    });
    assert!(matches!(verdict(&now), Verdict::Same));
    assert!(matches!(verdict(&trace()), Verdict::Same));
}

#[test]
fn a_change_without_a_raised_revision_is_refused_with_what_to_raise() {
    let why = refused(&changed(|t| t.phases[1].epochs[0].loss = 5.001));
    assert!(why.contains("phase `train`, epoch 1, loss: recorded 5, now 5.001 (+2.0e-4 of it"), "{why}");
    assert!(why.contains("vade 4  (crates/somewhere.rs:7)") && why.contains("training 1\n"), "{why}");
}

#[test]
fn the_first_phase_that_differs_is_named() {
    let both = changed(|t| t.phases.iter_mut().for_each(|p| p.epochs[0].loss += 1.0));
    let why = refused(&both);
    assert!(why.contains("one of those up to the phase `pretrain`") && !why.contains("vade 4"), "{why}");
    // A revision that `pretrain` does not use cannot explain it.
    let mut raised = both.clone();
    raise(&mut raised, "vade", 5);
    assert!(refused(&raised).contains("`pretrain`"));
    // One that an earlier phase uses can: `train` takes its input from there.
    let mut later = changed(|t| t.phases[1].epochs[0].loss += 1.0);
    later.phases[0].revisions.insert("training".into(), 2);
    assert!(renewable(&later).contains("training 1 to 2"));
}

#[test]
fn a_raised_revision_asks_for_a_renewal() {
    let mut now = changed(|t| t.phases[1].epochs[0].loss += 1.0);
    raise(&mut now, "vade", 5);
    let why = renewable(&now);
    assert!(why.contains("vade 4 to 5") && why.contains("epoch 1, loss"), "{why}");
    // Also where the numbers are the same: the next change must not hide behind this one.
    let mut same = trace();
    raise(&mut same, "vade", 5);
    assert!(renewable(&same).contains("same numbers, other revisions: vade 4 to 5"));
}

#[test]
fn a_lowered_revision_is_refused() {
    let mut now = trace();
    raise(&mut now, "vade", 3);
    assert!(refused(&now).contains("vade 4 to 3"));
}

#[test]
fn an_algorithm_that_comes_or_goes_is_another_revision() {
    let renamed = changed(|t| {
        t.phases[1].revisions.remove("vade");
        t.phases[1].revisions.insert("other".into(), 1);
    });
    assert!(renewable(&renamed).contains("other 0 to 1, vade 4 to 0"));
}

type Change = fn(&mut Trace);

#[test]
fn every_kind_of_change_is_seen() {
    let changes: [(&str, Change); 9] = [
        ("epoch 1, lr", |t| t.phases[0].epochs[0].lr = 0.1001),
        ("epoch 1, kl", |t| *t.phases[0].epochs[0].terms.get_mut("kl").expect("there") = -10.01),
        ("the term kl is gone", |t| t.phases[0].epochs[0].terms.retain(|name, _| name != "kl")),
        ("the term new is new", |t| t.phases[0].epochs[0].terms.extend([("new".into(), 0.0)])),
        ("epochs: recorded 1, now 0", |t| t.phases[0].epochs.clear()),
        ("notes.iterations", |t| t.phases[0].notes["iterations"] = json!(4)),
        ("notes.how", |t| t.phases[0].notes["how"] = json!("slow")),
        ("1 of 3 sure rows", |t| t.assignments.letters = "BBCa".into()),
        ("phase 2: recorded `train`, now `refine`", |t| t.phases[1].name = "refine".into()),
    ];
    for (text, change) in changes {
        let why = refused(&changed(change));
        assert!(why.contains(text), "{text}: {why}");
    }
    assert!(refused(&changed(|t| t.assignments.mean_margin = 0.7)).contains("mean margin"));
}

#[test]
fn another_configuration_is_another_case() {
    let now = changed(|t| drop(t.config.insert("n_clusters".into(), "4".into())));
    assert!(renewable(&now).contains("n_clusters = 3 is now 4"));
    assert!(renewable(&changed(|t| t.data = "others".into())).contains("the data"));
    // A new setting must change nothing at its default.
    let added = |t: &mut Trace| drop(t.config.insert("new".into(), "0".into()));
    assert!(matches!(verdict(&changed(added)), Verdict::Same));
    let both = changed(|t| {
        added(t);
        t.phases[0].epochs[0].loss += 1.0;
    });
    assert!(refused(&both).contains("`pretrain`"));
    assert!(matches!(judge(None, &trace(), &|_| None), Verdict::Renew(_)));
}
