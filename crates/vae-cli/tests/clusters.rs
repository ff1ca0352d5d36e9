//! What each cluster is: in the closing words, in `clusters.json` and `clusters.csv`, and on the
//! page.

mod common;

use common::Place;
use serde_json::Value;
use std::fmt::Write;

/// Three kinds of customers with names, a category and a missing cell here and there.
fn customers() -> String {
    let mut text = String::from("customer,age,\"income <EUR>\",region\n");
    for i in 0..150 {
        let noise = |step: f64| (i as f64 * step).fract() - 0.5;
        let (age, income, region) = match i % 3 {
            0 => (25.0, 30.0, "north"),
            1 => (60.0, 32.0, "south"),
            _ => (61.0, 90.0, "south"),
        };
        let age = age + 6.0 * noise(0.618_034);
        let income =
            if i % 40 == 7 { String::new() } else { format!("{:.1}", income + 8.0 * noise(0.754_878)) };
        let _ = writeln!(text, "Ms {i},{age:.1},{income},{region}");
    }
    text
}

const FIT: [&str; 11] = [
    "fit",
    "--method",
    "gmm",
    "--data",
    "c.csv",
    "--id-column",
    "customer",
    "--clusters",
    "3",
    "--threads",
    "1",
];

fn fitted(more: &[&str]) -> (Place, String) {
    let place = Place::new();
    place.write("c.csv", customers());
    let said = place.ok(&[&FIT[..], &["--out", "run"], more].concat());
    (place, said)
}

fn text(place: &Place, name: &str) -> String {
    String::from_utf8(place.read(name)).expect("UTF-8")
}

fn clusters(place: &Place) -> Value {
    serde_json::from_slice(&place.read("run/clusters.json")).expect("JSON")
}

#[test]
fn a_fit_says_what_each_cluster_is() {
    let (place, said) = fitted(&[]);
    let found = clusters(&place);
    let list = found["clusters"].as_array().expect("a list");
    assert_eq!(list.len(), 3);
    let young =
        list.iter().find(|c| c["summary"].as_str().is_some_and(|s| s.contains("low age"))).expect("young");
    assert_eq!(young["size"], 50);
    let columns: Vec<&str> =
        young["features"].as_array().expect("a list").iter().filter_map(|f| f["column"].as_str()).collect();
    assert!(columns.contains(&"age") && columns.contains(&"region"), "{columns:?}");
    let rich = list.iter().find(|c| c["summary"].as_str().is_some_and(|s| s.contains("high income <EUR>")));
    assert_eq!(rich.expect("rich")["features"][0]["direction"], "high");
    for cluster in list {
        let summary = cluster["summary"].as_str().expect("a line");
        assert!(said.contains(summary), "{summary}\n{said}");
        assert!(cluster["typical"][0]["name"].as_str().is_some_and(|name| name.starts_with("Ms ")));
    }
    assert_eq!(text(&place, "run/clusters.csv").lines().count(), 4);
    let page = text(&place, "run/report.html");
    assert!(page.contains("income &lt;EUR&gt;") && !page.contains("<EUR>"));
    assert!(page.contains("Ms 0") && page.contains("id=\"map\"") && page.contains("id=\"confidence\""));
}

#[test]
fn a_name_is_carried_by_everything() {
    let (place, _) = fitted(&[]);
    let said = place.ok(&["name", "run", "1", "the <old> ones"]);
    assert!(said.starts_with("cluster 1 “the <old> ones”: "), "{said}");
    assert_eq!(clusters(&place)["clusters"][1]["name"], "the <old> ones");
    assert!(text(&place, "run/clusters.csv").contains("1,the <old> ones,"));
    let page = text(&place, "run/report.html");
    assert!(page.contains("the &lt;old&gt; ones") && !page.contains("<old>"));
    place.ok(&["report", "run"]);
    assert_eq!(text(&place, "run/report.html"), page);
    let head = |file: &str| String::from_utf8_lossy(&place.read(file)).lines().next().map(str::to_owned);
    assert!(head("run/assignments.csv").is_some_and(|head| head.contains("cluster,cluster_name,confidence")));
    place.ok(&["predict", "-m", "run", "-d", "c.csv", "-o", "new.csv"]);
    assert!(head("new.csv").is_some_and(|head| head.contains("cluster,cluster_name,confidence")));
    assert!(String::from_utf8_lossy(&place.read("new.csv")).contains(",1,the <old> ones,"));
    place.ok(&["name", "run", "1", ""]);
    assert!(head("run/assignments.csv").is_some_and(|head| head.contains("cluster,confidence")));
    assert!(!text(&place, "run/report.html").contains("the &lt;old&gt; ones"));
    assert!(place.refused(&["name", "nothing", "0", "x"]).contains("no folder of a finished run"));
}

#[test]
fn a_cluster_is_named_by_its_name_and_no_two_have_one() {
    let (place, _) = fitted(&[]);
    place.ok(&["name", "run", "0", "strong"]);
    let error = place.refused(&["name", "run", "2", "strong"]);
    assert!(error.contains("cluster 0 is called “strong” already; choose another name"), "{error}");
    assert!(clusters(&place)["clusters"][2]["name"].is_null());
    let said = place.ok(&["name", "run", "strong", "robust"]);
    assert!(said.starts_with("cluster 0 “robust”: "), "{said}");
    for unknown in ["strong", "3"] {
        let error = place.refused(&["name", "run", unknown, "x"]);
        assert!(error.contains(&format!("no cluster `{unknown}`")), "{error}");
        assert!(error.contains("the number or the name of one: 0 “robust”, 1, 2"), "{error}");
    }
}

#[test]
fn single_rows_are_left_out_where_that_is_asked() {
    let (place, _) = fitted(&[]);
    place.ok(&["report", "run", "--no-samples"]);
    assert!(!text(&place, "run/report.html").contains("Ms "));
    assert!(text(&place, "run/report.html").contains("low age"));
    place.ok(&["report", "run"]);
    assert!(text(&place, "run/report.html").contains("Ms 0"));

    let (place, _) = fitted(&["--no-samples"]);
    place.ok(&["report", "run"]);
    for name in ["report.html", "report.json", "clusters.json", "clusters.csv"] {
        let text = text(&place, &format!("run/{name}"));
        assert!(text.contains("age") && !text.contains("Ms "), "{name}");
    }
}

/// The layout is that of the fit, whenever it is made, and can be left out.
#[test]
fn the_map_has_two_layouts_and_equal_runs_equal_bytes() {
    let fit = |place: &Place, more: &[&str]| {
        place.write("c.csv", customers());
        let words = [
            "fit",
            "-m",
            "vade",
            "-d",
            "c.csv",
            "--id-column",
            "customer",
            "-k",
            "3",
            "--no-cache",
            "-o",
            "run",
        ];
        place.ok(&[&words[..], &common::TINY, more].concat());
    };
    let (place, other) = (Place::new(), Place::new());
    fit(&place, &[]);
    fit(&other, &["--map", "pca"]);
    let page = text(&place, "run/report.html");
    assert!(page.contains("<option value=\"1\">t-SNE</option>"), "both layouts");
    assert!(page.contains("id=\"generated\"") && page.contains("id=\"walks\""), "a model that generates");
    let of = |place: &Place| text(place, "run/report.html").contains("t-SNE");
    assert!(!of(&other));
    other.ok(&["report", "run", "--map", "tsne"]);
    assert!(of(&other));
    assert_eq!(other.read("run/report.json"), place.read("run/report.json"), "to the byte");
    other.ok(&["report", "run", "--map", "pca"]);
    assert!(!of(&other), "left out of the page");
    other.ok(&["report", "run"]);
    assert!(of(&other), "and still kept");
    let (place, _) = fitted(&["--map", "pca"]);
    std::fs::remove_file(place.path("run/embedding.npy")).expect("removed");
    assert!(place.refused(&["report", "run", "--map", "tsne"]).contains("fit again with --map tsne"));
}

/// Texts of documents stand at points of the map and beside members, unless rows are left out.
#[test]
fn documents_are_shown_by_their_beginnings() {
    let place = Place::new();
    let words = [["match", "goal", "team"], ["vote", "party", "law"]];
    let mut table = String::from("text\n");
    for i in 0..60 {
        let word = |j: usize| words[i % 2][(i * (j + 3) + j) % 3];
        let _ = writeln!(table, "\"Zeitung {i}: {} {} {}\"", word(0), word(1), word(2));
    }
    place.write("t.csv", table);
    let fit = ["fit", "-m", "kmeans", "-d", "t.csv", "--text-column", "text", "-k", "2", "--threads", "1"];
    place.ok(&[&fit[..], &["-o", "run"]].concat());
    let page = text(&place, "run/report.html");
    assert!(page.contains("every point shows its text") && page.contains("Zeitung 17: "));
    place.ok(&[&fit[..], &["-o", "private", "--no-samples"]].concat());
    for name in ["report.html", "report.json", "clusters.json"] {
        assert!(!text(&place, &format!("private/{name}")).contains("Zeitung 17"), "{name}");
    }
}

#[test]
fn images_of_people_are_left_out_too() {
    let place = Place::new();
    let words = [
        "fit",
        "--method",
        "kmeans",
        "--data",
        "strokes",
        "--limit",
        "200",
        "--clusters",
        "3",
        "--threads",
        "1",
    ];
    place.ok(&[&words[..], &["--out", "run", "--no-samples"]].concat());
    assert!(!place.path("run/pictures/samples.svg").exists());
    assert!(place.path("run/pictures/sizes.svg").exists());
}

#[test]
fn a_folder_of_a_former_version_has_a_page_too() {
    let (place, _) = fitted(&[]);
    std::fs::remove_file(place.path("run/report.json")).expect("removed");
    place.ok(&["report", "run"]);
    let page = text(&place, "run/report.html");
    assert!(page.contains("50 rows") && !page.contains("id=\"map\""));
}
