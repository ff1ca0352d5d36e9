//! Whether a trace is the recorded one, and what to do when it is not.
//!
//! A phase that changes its numbers must raise a revision, or caches and recorded runs would still
//! count as its results. A change is blamed on the first phase that differs: the inputs of later
//! ones differ already. Only a revision that this phase or one before it uses can explain it.

use super::trace::{Assignments, Epoch, Phase, Trace};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vae_models::registry::revisions;

/// Accepted difference, as a share of the recorded number. Processors and libraries of matrix
/// products differ by their rounding (1e-7 of a number in single precision), which a few epochs
/// make larger.
const RELATIVE: f64 = 1e-4;

/// Accepted difference, as a share of the largest loss or term of the epoch (or number of the
/// note): a number near 0 is a difference of larger ones, and has their rounding.
const OF_LARGEST: f64 = 1e-6;

/// Most differences that a message lists.
const LISTED: usize = 6;

/// What renews the recorded traces.
pub const COMMAND: &str = "VAE_GOLDEN=renew cargo xtask test -p vae-models --test golden";

/// The outcome of a comparison.
#[derive(Debug)]
pub enum Verdict {
    /// Equal, and recorded with the revisions of today.
    Same,
    /// To be recorded anew, with the reason.
    Renew(String),
    /// Changed without a raised revision, with what to do.
    Refused(String),
}

/// One number, text or phase that is not the recorded one.
struct Difference {
    /// Index of the phase.
    phase: usize,
    text: String,
}

/// Judges the trace `now`; `source` finds the line of an algorithm's revision.
pub fn judge(recorded: Option<&Trace>, now: &Trace, source: &dyn Fn(&str) -> Option<String>) -> Verdict {
    let Some(recorded) = recorded else { return Verdict::Renew("it was never recorded".into()) };
    if let Some(why) = other_case(recorded, now) {
        return Verdict::Renew(why);
    }
    let differences = differences(recorded, now);
    let until = differences.first().map_or(usize::MAX, |d| d.phase);
    let changes = revision_changes(recorded, now, until);
    let told: Vec<String> = changes.iter().map(|(name, from, to)| format!("{name} {from} to {to}")).collect();
    if changes.iter().any(|(_, from, to)| to < from && *to > 0) {
        let told = told.join(", ");
        return Verdict::Refused(format!("a revision was lowered ({told}): its old results are not these"));
    }
    match (changes.is_empty(), differences.is_empty()) {
        (false, true) => Verdict::Renew(format!("same numbers, other revisions: {}", told.join(", "))),
        (false, false) => {
            let listed = listed(&differences);
            Verdict::Renew(format!("{listed}\na revision of it was raised: {}", told.join(", ")))
        }
        (true, true) => Verdict::Same,
        (true, false) => Verdict::Refused(advice(&differences, now, source)),
    }
}

/// Why these are not traces of one configuration and the same data. A setting that is new does not
/// count: at its default it must change nothing.
fn other_case(recorded: &Trace, now: &Trace) -> Option<String> {
    if recorded.data != now.data {
        return Some("the data of this case are others".into());
    }
    let changed = |(path, value): (&String, &String)| match now.config.get(path) {
        Some(same) if same == value => None,
        Some(other) => Some(format!("{path} = {value} is now {other}")),
        None => Some(format!("{path} = {value} is gone")),
    };
    let all: Vec<String> = recorded.config.iter().filter_map(changed).collect();
    (!all.is_empty()).then(|| format!("another configuration: {}", all.join(", ")))
}

/// The revisions (0: none) that changed in the phases up to number `until`, as (algorithm,
/// recorded, now).
fn revision_changes(recorded: &Trace, now: &Trace, until: usize) -> Vec<(String, u32, u32)> {
    let of = |trace: &Trace| -> BTreeSet<(usize, String, u32)> {
        let phases = trace.phases.iter().enumerate().take(until.saturating_add(1));
        phases.flat_map(|(i, p)| p.revisions.iter().map(move |(name, r)| (i, name.clone(), *r))).collect()
    };
    let (old, new) = (of(recorded), of(now));
    let mut pairs: BTreeMap<(usize, &str), (u32, u32)> = BTreeMap::new();
    old.iter().for_each(|(i, name, revision)| pairs.entry((*i, name)).or_default().0 = *revision);
    new.iter().for_each(|(i, name, revision)| pairs.entry((*i, name)).or_default().1 = *revision);
    let changed = pairs.into_iter().filter(|(_, (from, to))| from != to);
    let changed: BTreeSet<_> = changed.map(|((_, name), (from, to))| (name.to_string(), from, to)).collect();
    changed.into_iter().collect()
}

fn listed(differences: &[Difference]) -> String {
    let mut lines: Vec<String> = differences.iter().take(LISTED).map(|d| format!("  {}", d.text)).collect();
    if differences.len() > LISTED {
        lines.push(format!(
            "  and {} more, in phases that take their input from there, too",
            differences.len() - LISTED
        ));
    }
    lines.join("\n")
}

fn advice(differences: &[Difference], now: &Trace, source: &dyn Fn(&str) -> Option<String>) -> String {
    let first = differences.first().map_or(0, |d| d.phase);
    let phase = now.phases.get(first).or(now.phases.last());
    let name = phase.map_or("", |p| p.name.as_str());
    // A phase whose results are tensors alone shows a change in the phases after it.
    let before = now.phases.iter().take(first + 1);
    let revisions: BTreeMap<String, u32> = before.flat_map(|p| p.revisions.clone()).collect();
    let line = |(name, revision): (&String, &u32)| {
        let at = source(name).map_or_else(String::new, |at| format!("  ({at})"));
        format!("  {name} {revision}{at}")
    };
    let candidates = match revisions.is_empty() {
        true => format!("  that of the code of `{name}`"),
        false => revisions.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    format!(
        "{}\nNo revision was raised that could explain it. If the change is meant, raise the revision of the algorithm that \
         changed, one of those up to the phase `{name}`:\n{candidates}\nand then renew. If it is not meant, the code is wrong.",
        listed(differences)
    )
}

fn is_close(recorded: f64, now: f64, largest: f64) -> bool {
    (recorded - now).abs() <= RELATIVE * recorded.abs() + OF_LARGEST * largest
}

fn told(what: &str, recorded: f64, now: f64) -> String {
    let off = (now - recorded) / recorded.abs().max(f64::MIN_POSITIVE);
    format!("{what}: recorded {recorded}, now {now} ({off:+.1e} of it, {RELATIVE:.0e} allowed)")
}

/// All differences, in the order of the phases.
fn differences(recorded: &Trace, now: &Trace) -> Vec<Difference> {
    let mut all = Vec::new();
    for index in 0..recorded.phases.len().max(now.phases.len()) {
        let (old, new) = match (recorded.phases.get(index), now.phases.get(index)) {
            (Some(old), Some(new)) if old.name == new.name => (old, new),
            (old, new) => {
                let name = |p: Option<&Phase>| p.map_or("none".into(), |p| format!("`{}`", p.name));
                let text = format!("phase {}: recorded {}, now {}", index + 1, name(old), name(new));
                all.push(Difference { phase: index, text });
                return all;
            }
        };
        let mut texts = history_differences(&old.epochs, &new.epochs);
        note_differences("notes", &old.notes, &new.notes, largest_note(&old.notes), &mut texts);
        let of_phase = |text| Difference { phase: index, text: format!("phase `{}`, {text}", new.name) };
        all.extend(texts.into_iter().map(of_phase));
    }
    let last = now.phases.len().saturating_sub(1);
    let texts = assignment_differences(&recorded.assignments, &now.assignments);
    all.extend(texts.into_iter().map(|text| Difference { phase: last, text }));
    all
}

fn history_differences(old: &[Epoch], new: &[Epoch]) -> Vec<String> {
    let mut all = Vec::new();
    if old.len() != new.len() {
        all.push(format!("epochs: recorded {}, now {}", old.len(), new.len()));
    }
    for (at, (old, new)) in old.iter().zip(new).enumerate() {
        let epoch = at + 1;
        let largest = old.terms.values().fold(old.loss.abs(), |most, v| most.max(v.abs()));
        let mut numbers = vec![("loss", old.loss, new.loss)];
        for (name, &value) in &old.terms {
            match new.terms.get(name) {
                Some(&now) => numbers.push((name, value, now)),
                None => all.push(format!("epoch {epoch}: the term {name} is gone")),
            }
        }
        let added = new.terms.keys().filter(|name| !old.terms.contains_key(*name));
        all.extend(added.map(|name| format!("epoch {epoch}: the term {name} is new")));
        numbers.retain(|(_, old, new)| !is_close(*old, *new, largest));
        all.extend(
            numbers.iter().map(|(name, old, new)| told(&format!("epoch {epoch}, {name}"), *old, *new)),
        );
        // A learning rate is an exact function of the settings.
        if !is_close(old.lr, new.lr, 0.0) {
            all.push(told(&format!("epoch {epoch}, lr"), old.lr, new.lr));
        }
    }
    all
}

fn largest_note(value: &Value) -> f64 {
    match value {
        Value::Number(n) => n.as_f64().map_or(0.0, f64::abs),
        Value::Array(all) => all.iter().map(largest_note).fold(0.0, f64::max),
        _ => 0.0,
    }
}

fn note_differences(what: &str, old: &Value, new: &Value, largest: f64, all: &mut Vec<String>) {
    match (old, new) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            if !is_close(a, b, largest) {
                all.push(told(what, a, b));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                note_differences(&format!("{what}[{i}]"), a, b, largest.max(largest_note(a)), all);
            }
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, a) in a {
                note_differences(&format!("{what}.{key}"), a, &b[key], largest_note(a), all);
            }
        }
        _ if old == new => {}
        _ => all.push(format!("{what}: recorded {old}, now {new}")),
    }
}

/// What differs between two assignments of the same rows.
pub fn assignment_differences(recorded: &Assignments, now: &Assignments) -> Vec<String> {
    let (old, new) = (&recorded.letters, &now.letters);
    let mut all = Vec::new();
    if old.len() != new.len() {
        all.push(format!("assignments: recorded {} rows, now {}", old.len(), new.len()));
    }
    let sure: Vec<(usize, char)> = old.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).collect();
    let is_moved = |(i, c): &&(usize, char)| {
        new.get(*i..).unwrap_or_default().chars().next().is_some_and(|n| n.to_ascii_uppercase() != *c)
    };
    let moved: Vec<usize> = sure.iter().filter(is_moved).map(|(i, _)| *i).collect();
    if let Some(first) = moved.first() {
        let counts = format!("{} of {} sure rows", moved.len(), sure.len());
        all.push(format!("assignments: {counts} have another cluster, the first is row {first}"));
    }
    if !is_close(recorded.mean_margin, now.mean_margin, 1.0) {
        all.push(told("assignments, mean margin", recorded.mean_margin, now.mean_margin));
    }
    all
}

/// Where the revision of `algorithm` stands in the workspace, as `path:line`.
pub fn source(algorithm: &str) -> Option<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    // `("k-means", 1)`, alone or first in a list.
    let constant = format!("(\"{algorithm}\", {})", revisions().get(algorithm)?);
    let mut folders: Vec<_> =
        std::fs::read_dir(crates).ok()?.flatten().map(|e| e.path().join("src")).collect();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            if let Some(line) = text.lines().position(|line| line.contains(&constant)) {
                let path = path.strip_prefix(crates.parent()?).unwrap_or(&path).display().to_string();
                return Some(format!("{path}:{}", line + 1));
            }
        }
    }
    None
}
