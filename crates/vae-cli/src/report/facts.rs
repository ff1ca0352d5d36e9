//! What `run.json` says, in the words of the page.

use crate::output::{counted, duration, percent, thousands};
use serde_json::Value;
use vae_report::Page;
use vae_report::page::{Fact, Phase, Scores};

/// Fills everything of `page` that `run`, the run file, knows.
pub fn fill(page: &mut Page, run: &Value) {
    page.title = format!("{} on {}", text(run, "method"), text(run, "dataset"));
    page.scores = scores(run);
    page.warnings = strings(&run["warnings"]);
    page.facts = facts(run);
    let notes = run["data_notes"].as_array().into_iter().flatten();
    page.data_notes = notes.filter_map(|note| note["text"].as_str()).map(str::to_owned).collect();
    page.phases = run["phases"].as_array().into_iter().flatten().map(|of| phase(of, run)).collect();
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(run: &Value, key: &str) -> String {
    match &run[key] {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The scores of a run file; none where it was fitted without labels.
pub fn scores(run: &Value) -> Option<Scores> {
    let fit = &run["metrics"]["fit"];
    let value = |key: &str| fit[key].as_f64().unwrap_or(f64::NAN);
    let acc = fit["acc"].as_f64()?;
    let start_acc = run["start"]["acc"].as_f64();
    Some(Scores { acc, nmi: value("nmi"), ari: value("ari"), purity: value("purity"), start_acc })
}

/// What the training did to its initial clusters; nothing for methods without any.
fn training(run: &Value) -> String {
    let of = &run["watch"];
    let Some(changed) = of["changed"].as_f64() else { return String::new() };
    let modularity = |key: &str| of[key]["modularity"].as_f64().unwrap_or(f64::NAN);
    format!(
        "{} of the rows moved to another cluster; modularity in the data's neighbour graph {:.3}, {:.3} at the start",
        percent(changed),
        modularity("after"),
        modularity("before")
    )
}

fn facts(run: &Value) -> Vec<Fact> {
    let number = |key: &str| thousands(run[key].as_u64().unwrap_or(0) as usize);
    let seconds = |key: &str| duration(run[key].as_f64().unwrap_or(0.0));
    let hardware = &run["hardware"];
    let machine = match &hardware["gpu"] {
        Value::String(gpu) => gpu.clone(),
        _ => text(hardware, "cpu"),
    };
    let resolved: Vec<&str> =
        run["resolved"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = [
        ("data", format!("{} samples, {} features", number("n"), number("dim"))),
        ("clusters", number("n_clusters")),
        (
            "preset, profile",
            format!("{}, {}", run["preset"].as_str().unwrap_or("none"), text(run, "profile")),
        ),
        ("seed", text(run, "seed")),
        ("chosen on this data", resolved.join("; ")),
        ("confidence", confidence(run)),
        ("training", training(run)),
        ("choice of restarts", text(run, "selection")),
        ("computing time", format!("{} (CPU {})", seconds("wall_s"), seconds("cpu_s"))),
        ("peak memory", format!("{} MiB", number("peak_rss_mib"))),
        (
            "computed on",
            format!(
                "{}{}, {}, {machine}",
                text(run, "device"),
                products(run),
                counted(run["threads"].as_u64().unwrap_or(1) as usize, "thread")
            ),
        ),
        (
            "version",
            format!(
                "vae {}{}, libtorch {}",
                text(&run["versions"], "workspace"),
                commit(&run["versions"]),
                text(&run["versions"], "libtorch")
            ),
        ),
    ];
    let fact = |(name, value): (&str, String)| Fact { name: name.to_owned(), value };
    rows.into_iter().filter(|(_, value)| !value.is_empty()).map(fact).collect()
}

/// How sure the model is; nothing for methods without a posterior.
fn confidence(run: &Value) -> String {
    let of = &run["confidence"];
    let Some(mean) = of["mean"].as_f64() else { return String::new() };
    let below = |key: &str| thousands(of[key].as_u64().unwrap_or(0) as usize);
    format!(
        "{mean:.3} on average; below 0.9 for {} samples, below 0.5 for {}",
        below("below_0.9"),
        below("below_0.5")
    )
}

fn phase(phase: &Value, run: &Value) -> Phase {
    let note = match phase["cached"] == Value::Bool(true) {
        true => format!("from the cache{}", elsewhere(&phase["made_by"], run)),
        false => String::new(),
    };
    Phase {
        name: text(phase, "name"),
        epochs: phase["epochs"].as_u64().unwrap_or(0) as usize,
        final_loss_nats: phase["final_loss_nats"].as_f64(),
        time: duration(phase["wall_s"].as_f64().unwrap_or(0.0)),
        note,
    }
}

/// The commit of a build, if it is known.
fn commit(versions: &Value) -> String {
    let Some(hash) = versions["commit"].as_str() else { return String::new() };
    let changes = if versions["dirty"] == Value::Bool(true) { " with changes" } else { "" };
    format!(" at commit {}{changes}", hash.chars().take(10).collect::<String>())
}

/// The processor and the commit that made a phase, where they are not the run's.
fn elsewhere(made_by: &Value, run: &Value) -> String {
    let mut words = String::new();
    let cpu = &made_by["hardware"]["cpu"];
    if let Some(name) = cpu.as_str().filter(|_| *cpu != run["hardware"]["cpu"]) {
        words += &format!(", made on {name}");
    }
    if made_by["versions"]["commit"] != run["versions"]["commit"] {
        words += &commit(&made_by["versions"]);
    }
    words
}

/// How large matrix products were computed, in brackets.
fn products(run: &Value) -> String {
    let parts: Vec<&str> =
        [&run["matmul"], &run["precision"]].into_iter().filter_map(Value::as_str).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_phase_from_elsewhere_says_so() {
        let of = |cpu: &str, commit: &str| json!({"hardware": {"cpu": cpu}, "versions": {"commit": commit}});
        let run = of("Abacus", "0123456789abcdef");
        assert_eq!(elsewhere(&run, &run), "");
        assert_eq!(elsewhere(&Value::Null, &run), "", "older than the record");
        let there = of("Babbage", "fedcba9876543210");
        assert_eq!(elsewhere(&there, &run), ", made on Babbage at commit fedcba9876");
        let of = json!({"name": "pretrain", "epochs": 3, "cached": true, "made_by": there});
        let phase = phase(&of, &json!({"hardware": run["hardware"], "versions": run["versions"]}));
        assert_eq!(phase.note, "from the cache, made on Babbage at commit fedcba9876");
    }
}
