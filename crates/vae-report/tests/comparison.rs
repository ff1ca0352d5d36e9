//! The page of several runs as text: its parts are there once, names are shown, and nothing from
//! outside is markup.

mod common;

use std::collections::BTreeSet;
use vae_report::Comparison;

fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn all_parts_are_there_once() {
    let html = common::comparison().render().expect("rendered");
    let found = ids(&html);
    for part in ["runs", "agreement", "flow", "changes"] {
        assert_eq!(found.iter().filter(|id| **id == part).count(), 1, "{part}");
    }
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "an id is there twice");
    for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(found.contains(&link), "{link}");
    }
    for text in [
        "Comparison of 3 runs on customers.csv",
        "runs&#x2f;vade-k4",
        "12.418",
        "smallest share",
        "0.9412",
        "runs 1 and 2: ARI",
        "0 “young” splits into",
        "From run 2 to run 3",
        "part of the one",
        "<title>run 1, cluster 0 “young”: 250 samples; in run 2: ",
        "samples of cluster 1 of run 1 (100 %) are in cluster 1 of run 2 (100 % of it)</title>",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("<script"), "readable without scripts");
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing is loaded from anywhere");
    // 4, 6 and 3 clusters, whatever their numbers.
    assert_eq!(html.matches("<g class=\"bar\" tabindex=\"0\"").count(), 4 + 6 + 3);
}

#[test]
fn nothing_from_outside_is_markup() {
    const EVIL: &str = "</title></script><script>alert(1)</script>\"'&<!--{{ 7*7 }}";
    let mut comparison = common::comparison();
    comparison.dataset = Some(EVIL.into());
    for run in &mut comparison.runs {
        run.run = EVIL.into();
        run.method = Some(EVIL.into());
        run.names.values_mut().for_each(|name| *name = EVIL.into());
    }
    let (html, clean) =
        (comparison.render().expect("rendered"), common::comparison().render().expect("rendered"));
    for tag in ["<script", "</title", "<!--", "<svg", "</style", "<g "] {
        assert_eq!(html.matches(tag).count(), clean.matches(tag).count(), "{tag}");
    }
    assert!(html.contains("alert(1)&lt;") && !html.contains(">49<"));
}

#[test]
fn it_is_read_as_it_was_written() {
    let comparison = common::comparison();
    let text = serde_json::to_string(&comparison).expect("JSON");
    let read: Comparison = serde_json::from_str(&text).expect("read");
    assert_eq!(read, comparison);
    assert_eq!(read.render().expect("rendered"), comparison.render().expect("rendered"));
}

/// Places outside the list of runs, flows of clusters without a size: a damaged file is no panic.
#[test]
fn a_damaged_record_has_a_page_too() {
    let mut comparison = common::comparison();
    comparison.pairs[0].b = 77;
    comparison.ari.clear();
    comparison.runs[1].sizes.clear();
    comparison.render().expect("rendered");
    comparison.runs.truncate(1);
    let html = comparison.render().expect("rendered");
    assert!(!html.contains("id=\"flow\""));
}
