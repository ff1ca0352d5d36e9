//! The page as text: its parts are there, nothing from outside is markup, and it is small enough.

mod common;

use std::collections::BTreeSet;
use vae_report::page::MOST_BYTES;
use vae_report::{ClusterNames, Page};

/// The ids of a page.
fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn all_parts_are_there_once() {
    let html = common::customers().render().expect("rendered");
    let found = ids(&html);
    for part in [
        "overview",
        "map",
        "map-data",
        "clusters",
        "confidence",
        "training",
        "pictures",
        "generated",
        "walks",
        "run",
        "data",
        "phases",
        "configuration",
    ] {
        assert_eq!(found.iter().filter(|id| **id == part).count(), 1, "{part}");
    }
    for cluster in 0..4 {
        assert!(found.contains(&format!("cluster-{cluster}").as_str()), "{cluster}");
    }
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "an id is there twice");
    // Links inside the page lead somewhere.
    for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(found.contains(&link), "{link}");
    }
    for text in [
        "94.12 %",
        "0.8765",
        "87.10 %",
        "the training moved 31.20 %",
        "241 MiB",
        "imputed from near rows",
        "from the cache",
        "12.4",
        "latent_dim = 10",
        "Clusters and classes",
        "high visits",
        "standardised difference",
        "Rows in doubt",
        "c3",
        "visits <b>",
    ] {
        assert!(html.contains(text), "{text}");
    }
    // The name of SVG in the pictures is no address that is asked for.
    let rest = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!rest.contains("http://") && !rest.contains("https://"), "nothing is loaded from anywhere");
}

#[test]
fn documents_and_images_are_shown_as_such() {
    let html = common::documents().render().expect("rendered");
    assert!(html.contains("<b>goal</b>") && html.contains("<q>") && html.contains("</q>"));
    let html = common::images().render().expect("rendered");
    assert!(html.contains("src=\"data:image/png;base64,iVBOR"), "members are drawn");
}

/// What would run, end an attribute, or end a script if it were taken for markup.
const EVIL: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&<!--{{ 7*7 }}{% raw %}";

/// Every text of a page, replaced by the evil one; keys and numbers stay.
fn poisoned(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            // What is chosen from a list is no text of anybody.
            let is_choice =
                ["high", "low", "mean", "median", "centres", "posterior", "centre", "confidence", "order"];
            if !is_choice.contains(&text.as_str()) {
                *text = EVIL.to_owned();
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(poisoned),
        serde_json::Value::Object(map) => map.values_mut().for_each(poisoned),
        _ => {}
    }
}

#[test]
fn nothing_from_outside_is_markup() {
    for page in [common::customers(), common::documents(), common::images()] {
        let clean = page.render().expect("rendered");
        let mut value = serde_json::to_value(&page).expect("json");
        poisoned(&mut value);
        let page: Page = serde_json::from_value(value).expect("read");
        let html = page.render().expect("rendered");
        let count = |html: &str, what: &str| html.matches(what).count();
        for tag in ["<script", "</script", "<!--", "<svg", "</style", "<canvas"] {
            assert_eq!(count(&html, tag), count(&clean, tag), "{tag}");
        }
        assert!(!html.contains("<img src=x"), "unescaped");
        assert!(!html.contains("alert(1)</") && html.contains("alert(1)&lt;"));
        // Tags in all are those of the templates: the text adds none.
        assert!(count(&html, "<i") <= count(&clean, "<i") && count(&html, "<b>") <= count(&clean, "<b>"));
        assert!(!html.contains(">49<"), "texts are no templates");
    }
}

#[test]
fn scripts_other_than_the_page_s_own_do_not_run() {
    let html = common::customers().render().expect("rendered");
    let policy =
        html.split("script-src 'sha256-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a policy");
    let script =
        html.rsplit("<script>").next().and_then(|rest| rest.split("</script>").next()).expect("a script");
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script.as_bytes()));
    assert_eq!(policy, hash);
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn many_rows_with_long_names_fit() {
    for text in [
        "a column of the customers' table with quite a long name, as people have them ",
        "<<<<<<<<<<<<<<<<<<<<<<<<<<&&&&&&&&&&&&&&&&&",
    ] {
        let mut page = common::large(text);
        let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{}</svg>", " ".repeat(900_000));
        page.pictures.iter_mut().for_each(|picture| picture.svg.clone_from(&svg));
        let html = page.render().expect("rendered");
        assert!(html.len() < MOST_BYTES, "{} bytes", html.len());
        assert!(html.contains("10,000 of 70,000 rows"), "the map is a part of the rows");
        assert!(html.contains("too large for this page"));
    }
}

#[test]
fn without_rows_no_row_is_left() {
    let page = common::customers();
    let html = page.clone().without_rows().render().expect("rendered");
    let with = page.render().expect("rendered");
    for text in ["Typical rows", "Rows in doubt", "\"c17\"", "Samples of each cluster"] {
        assert!(with.contains(text) && !html.contains(text), "{text}");
    }
    assert!(html.contains("high visits") && html.contains("Single rows are left out"));
    // A cluster of few rows is not to be guessed from what a model draws of it.
    let mut page = common::customers();
    assert!(page.generated.as_ref().is_some_and(|of| of.samples.len() == 2 && of.walks.len() == 1));
    page.clusters.clusters[1].size = 2;
    let generated = page.without_rows().generated.expect("kept");
    assert_eq!((generated.samples.len(), generated.samples[0].cluster, generated.walks.len()), (1, 0, 0));
    let documents = common::documents();
    let first = documents.rows[0].text.clone().expect("a text");
    assert!(documents.render().expect("rendered").contains(&first));
    assert!(!documents.without_rows().render().expect("rendered").contains(&first));
    let images = common::images().without_rows().render().expect("rendered");
    assert_eq!(images.matches("src=\"data:image/png").count(), 3, "the means of three clusters of hundreds");
}

/// Readers without scripts see every layout; the data have each once.
#[test]
fn layouts_are_drawn_beside_each_other() {
    let page = common::customers();
    let html = page.render().expect("rendered");
    assert_eq!(html.matches("<figure class=\"without-script\">").count(), 2);
    assert!(html.contains("<option value=\"0\">PCA</option><option value=\"1\">t-SNE</option>"));
    let mut one = page.clone();
    one.map.as_mut().expect("a map").more.clear();
    let html = one.render().expect("rendered");
    assert_eq!(html.matches("<figure class=\"without-script\">").count(), 1);
    assert!(!html.contains("<select id=\"map-layout\""), "nothing to choose");
    // Of former versions.
    let mut old = serde_json::to_value(&page).expect("JSON");
    let map = old["map"].as_object_mut().expect("a map");
    map.remove("more");
    map.remove("looks");
    let old: Page = serde_json::from_value(old).expect("read");
    assert_eq!(old.render().expect("rendered"), html);
}

#[test]
fn points_show_their_images_and_texts_unless_rows_are_left_out() {
    let images = common::images();
    let looks = images.map.as_ref().and_then(|map| map.looks.as_ref()).expect("images");
    assert_eq!(looks.points.len(), 1000);
    let sheet = looks.sheet.clone().expect("a sheet").png;
    let html = images.render().expect("rendered");
    assert!(
        html.contains(&sheet) && html.contains("1,000 of the 1,200 points, evenly spaced, show their image")
    );
    let html = images.without_rows().render().expect("rendered");
    assert!(!html.contains(&sheet) && !html.contains("show their image"));
    let documents = common::documents();
    let text = documents.map.as_ref().and_then(|map| map.looks.as_ref()).expect("texts").texts[7].clone();
    let html = documents.render().expect("rendered");
    assert!(html.contains(&text) && html.contains("every point shows its text"));
    assert!(!documents.without_rows().render().expect("rendered").contains(&text));
}

#[test]
fn names_reach_all_parts() {
    let mut page = common::customers();
    page.rename(&ClusterNames::from([(2, "frequent buyers".to_owned())]));
    let html = page.render().expect("rendered");
    assert!(html.matches("frequent buyers").count() >= 3, "overview, card and map");
    assert!(!html.contains("young"), "the former name is gone");
}

#[test]
fn a_page_is_kept_as_json() {
    let page = common::customers();
    let text = serde_json::to_string(&page).expect("json");
    let read: Page = serde_json::from_str(&text).expect("read");
    assert_eq!(read, page);
    assert_eq!(read.render().expect("rendered"), page.render().expect("rendered"));
}

#[test]
fn little_is_enough_for_a_page() {
    let clusters = common::customers().clusters;
    let bare = Page::new("t", clusters.clone()).render().expect("rendered");
    assert!(!bare.contains("id=\"map\"") && !bare.contains("id=\"training\""));
    assert!(bare.contains("No labels were given"));
    let empty = vae_report::Clusters { n: 0, n_clusters: 0, clusters: vec![], ..clusters };
    Page::new("t", empty).render().expect("rendered");
    let mut damaged = common::customers();
    if let Some(map) = &mut damaged.map {
        map.points.truncate(3);
    }
    assert!(!damaged.render().expect("rendered").contains("id=\"map\""));
}
