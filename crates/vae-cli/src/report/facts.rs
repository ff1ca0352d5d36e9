//! `report.html`: one page about a finished run, with its pictures inside.

use crate::output::{counted, duration, percent, thousands};
use crate::pictures::PICTURES;
use crate::pictures::svg::escape;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use vae_core::fsio::write_bytes;

const STYLE: &str = "body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#222;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse}\
td,th{padding:.2rem 1.2rem .2rem 0;text-align:left;vertical-align:top}td.n,th.n{text-align:right}\
th{font-weight:600;border-bottom:1px solid #ccc}pre{background:#f6f6f6;padding:1rem;overflow-x:auto;font-size:13px}\
svg{max-width:100%;height:auto}.big{font-size:1.3rem}.note{color:#666}.warning{background:#fff4d6;border-left:4px solid #d9a400;padding:.5rem .8rem}";

/// Writes `report.html` from `run.json`, `config.toml` and the pictures of the folder.
///
/// # Errors
/// Files that are missing or damaged, a page that cannot be written.
pub fn write(dir: &Path) -> Result<PathBuf> {
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let run: Value = serde_json::from_str(&read("run.json")?)
        .with_context(|| format!("{} is damaged", dir.join("run.json").display()))?;
    let mut html = head(&run);
    scores(&mut html, &run);
    warnings(&mut html, &run);
    facts(&mut html, &run);
    phases(&mut html, &run);
    for (name, _) in PICTURES {
        // Not every run has every picture.
        if let Ok(svg) = fs::read_to_string(dir.join("pictures").join(name)) {
            let _ = writeln!(html, "<p>{svg}</p>");
        }
    }
    let _ = writeln!(
        html,
        "<h2>Configuration</h2>\n<pre>{}</pre>\n</body>\n</html>",
        escape(&read("config.toml")?)
    );
    let path = dir.join("report.html");
    write_bytes(&path, html.as_bytes())?;
    Ok(path)
}

fn text(run: &Value, key: &str) -> String {
    match &run[key] {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn head(run: &Value) -> String {
    let title = escape(&format!("{} on {}", text(run, "method"), text(run, "dataset")));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
}

fn scores(html: &mut String, run: &Value) {
    let fit = &run["metrics"]["fit"];
    let Some(acc) = fit["acc"].as_f64() else {
        html.push_str("<p class=\"note\">No labels were given, so there is nothing to score.</p>\n");
        return;
    };
    let value = |key: &str| fit[key].as_f64().unwrap_or(f64::NAN);
    let _ = writeln!(
        html,
        "<p class=\"big\">ACC {} &nbsp; NMI {:.4} &nbsp; ARI {:.4} &nbsp; purity {}</p>",
        percent(acc),
        value("nmi"),
        value("ari"),
        percent(value("purity"))
    );
    if let Some(start) = run["start"]["acc"].as_f64() {
        let _ = writeln!(
            html,
            "<p class=\"note\">The method's own training started from ACC {}.</p>",
            percent(start)
        );
    }
    html.push_str("<p class=\"note\">Labels were read after the fit, for these numbers only.</p>\n");
}

/// What gives reason to doubt.
fn warnings(html: &mut String, run: &Value) {
    for warning in run["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(html, "<p class=\"warning\">{}</p>", escape(warning));
    }
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

fn facts(html: &mut String, run: &Value) {
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
                run["matmul"].as_str().map_or_else(String::new, |library| format!(" ({library})")),
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
    html.push_str("<h2>The run</h2>\n<table>\n");
    for (key, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(html, "<tr><td class=\"note\">{key}</td><td>{}</td></tr>", escape(&value));
    }
    html.push_str("</table>\n");
    let notes: Vec<&str> =
        run["data_notes"].as_array().into_iter().flatten().filter_map(|note| note["text"].as_str()).collect();
    if !notes.is_empty() {
        html.push_str("<h2>How the data were read</h2>\n<ul>\n");
        notes.iter().for_each(|note| html.push_str(&format!("<li>{}</li>\n", escape(note))));
        html.push_str("</ul>\n");
    }
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

fn phases(html: &mut String, run: &Value) {
    let Some(phases) = run["phases"].as_array().filter(|p| !p.is_empty()) else { return };
    html.push_str(
        "<h2>Phases</h2>\n<table>\n<tr><th>phase</th><th class=\"n\">epochs</th><th class=\"n\">final loss (nats)</th>\
         <th class=\"n\">time</th><th></th></tr>\n",
    );
    for phase in phases {
        let loss = phase["final_loss_nats"].as_f64().map_or_else(String::new, |l| format!("{l:.3}"));
        let cached = match phase["cached"] == Value::Bool(true) {
            true => format!("from the cache{}", elsewhere(&phase["made_by"], run)),
            false => String::new(),
        };
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{loss}</td><td class=\"n\">{}</td><td class=\"note\">{}</td></tr>",
            escape(&text(phase, "name")),
            text(phase, "epochs"),
            duration(phase["wall_s"].as_f64().unwrap_or(0.0)),
            escape(&cached),
        );
    }
    html.push_str("</table>\n");
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
        let mut page = String::new();
        let phase = json!({"name": "pretrain", "epochs": 3, "cached": true, "made_by": there});
        phases(
            &mut page,
            &json!({"phases": [phase], "hardware": run["hardware"], "versions": run["versions"]}),
        );
        assert!(page.contains("from the cache, made on Babbage at commit fedcba9876"), "{page}");
    }
}
