//! The page in a browser: no error on its console, and pictures of it to look at.
//!
//! With `VAE_TEST_BROWSER` set to a Chromium's name or path the pages are opened in it, without a
//! window; where it is not set, a line says so. `VAE_TEST_SCREENSHOTS` names a folder for pictures
//! at the widths of a desktop and of a phone, light and dark.

mod common;

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use vae_report::Page;

/// What a browser without a window, and without anything else of its own, is called with.
const WORDS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

fn open(browser: &str, page: &Path, words: &[String]) -> Output {
    let profile = tempfile::tempdir().expect("a folder");
    Command::new(browser)
        .args(WORDS)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--enable-logging=stderr", "--virtual-time-budget=4000"])
        .args(words)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts")
}

fn browser() -> Option<String> {
    let browser = env::var("VAE_TEST_BROWSER").ok().filter(|name| !name.is_empty());
    if browser.is_none() {
        eprintln!("skipped: set VAE_TEST_BROWSER=chromium to open the pages in it");
    }
    browser
}

fn pages() -> [(&'static str, Page); 5] {
    [
        ("large", common::large("spending on things ")),
        ("customers", common::customers()),
        ("documents", common::documents()),
        ("images", common::images()),
        ("without-rows", common::customers().without_rows()),
    ]
}

#[test]
fn the_browser_has_nothing_to_complain_about() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for (name, page) in pages() {
        let path = folder.path().join(format!("{name}.html"));
        fs::write(&path, page.render().expect("rendered")).expect("written");
        let out = open(&browser, &path, &["--dump-dom".into()]);
        let (dom, log) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!log.contains("CONSOLE"), "{name}: {log}");
        assert!(dom.contains("class=\"scripted\""), "{name}: the script did not run");
        let points = page.map.expect("a map").rows.len();
        assert!(dom.contains(&format!("data-drawn=\"{points}\"")), "{name}: the map was not drawn");
        assert!(dom.contains("leaves out "), "{name}: the limit of the confidence says nothing");
    }
}

/// The page of several runs has no script; everything is there, and stops for the keyboard.
#[test]
fn several_runs_are_compared_without_complaints() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("comparison.html");
    fs::write(&path, common::comparison().render().expect("rendered")).expect("written");
    let out = open(&browser, &path, &["--dump-dom".into()]);
    let (dom, log) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(!log.contains("CONSOLE"), "{log}");
    for section in ["runs", "agreement", "flow", "changes"] {
        assert!(dom.contains(&format!("<section id=\"{section}\">")), "{section}");
    }
    assert_eq!(dom.matches("<g class=\"bar\" tabindex=\"0\"").count(), 13, "a bar for each cluster");
    assert!(dom.matches("<g class=\"band\"").count() >= 10, "and bands between them");
}

/// What a user does: another layout, and from point to point by the keyboard.
#[test]
fn layouts_are_switched_and_points_show_their_rows() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let act = "<script>
      const layout = document.getElementById('map-layout');
      layout.value = '1';
      layout.dispatchEvent(new Event('change'));
      const canvas = document.getElementById('map-canvas');
      const find = document.getElementById('map-find');
      find.value = 'row 1';
      find.dispatchEvent(new Event('input'));
    </script></body>";
    for (name, page, shown) in [
        ("images", common::images(), "class=\"look\""),
        ("documents", common::documents(), "<q>"),
        ("customers", common::customers(), "<dt>visits</dt>"),
    ] {
        let html = page.render().expect("rendered");
        // The policy of the page would refuse the script of this test.
        let (head, rest) = html.split_once("<meta http-equiv=").expect("a policy");
        let rest = rest.split_once("\n").expect("more lines").1;
        let path = folder.path().join(format!("{name}.html"));
        fs::write(&path, format!("{head}{}", rest.replace("</body>", act))).expect("written");
        let out = open(&browser, &path, &["--dump-dom".into()]);
        let (dom, log) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!log.contains("CONSOLE"), "{name}: {log}");
        assert!(dom.contains("data-layout=\"t-SNE\""), "{name}: the layout is the other one");
        let tip =
            dom.split("id=\"map-tip\"").nth(1).and_then(|rest| rest.split("</dl>").next()).expect("a tip");
        assert!(tip.contains(shown), "{name}: {tip}");
        assert!(!dom.contains("id=\"map-about-1\" hidden"), "{name}: what the layout is, is told");
    }
}

/// Without scripts the map is a drawing, and everything else is there.
#[test]
fn a_page_without_scripts_shows_its_drawing() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("customers.html");
    // A policy that allows no script: a headless browser needs scripts itself to make a picture.
    let html = common::customers().render().expect("rendered");
    fs::write(&path, html.replace("script-src 'sha256-", "script-src 'none' 'sha256-AA")).expect("written");
    let to = env::var_os("VAE_TEST_SCREENSHOTS").map_or_else(|| folder.path().to_owned(), Into::into);
    fs::create_dir_all(&to).expect("a folder");
    let picture = to.join("customers-without-scripts.png");
    let words = ["--window-size=1280,4200".to_owned(), format!("--screenshot={}", picture.display())];
    open(&browser, &path, &words);
    assert!(picture.is_file());
    let dom = open(&browser, &path, &["--dump-dom".into()]).stdout;
    assert!(!String::from_utf8_lossy(&dom).contains("class=\"scripted\""));
}

/// A page whose script is broken must be told from one that works.
#[test]
fn a_broken_script_is_noticed() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("broken.html");
    let html = common::customers().render().expect("rendered");
    fs::write(&path, html.replace("\"use strict\";", "\"use strict\"; missing();")).expect("written");
    let out = open(&browser, &path, &["--dump-dom".into()]);
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("CONSOLE"),
        "the policy refuses the changed script"
    );
    assert!(!String::from_utf8_lossy(&out.stdout).contains("class=\"scripted\""));
}

#[test]
fn pictures_to_look_at() {
    let Some(browser) = browser() else { return };
    let Some(to) = env::var_os("VAE_TEST_SCREENSHOTS") else { return };
    let to = Path::new(&to);
    fs::create_dir_all(to).expect("a folder");
    let runs = pages().map(|(name, page)| (name, page.render().expect("rendered")));
    let comparison = ("comparison", common::comparison().render().expect("rendered"));
    for (name, html) in runs.into_iter().chain([comparison]) {
        let path = to.join(format!("{name}.html"));
        fs::write(&path, html).expect("written");
        // A browser's window is never as narrow as a phone; a frame in it is.
        let phone = to.join(format!("{name}-phone.html"));
        let frame = format!(
            "<body style='margin:0'><iframe src='{name}.html' style='border:0;width:390px;height:6000px'></iframe>"
        );
        fs::write(&phone, frame).expect("written");
        for (scheme, number) in [("dark", 0), ("light", 1)] {
            for (width, path, size) in [("desktop", &path, "1280,4200"), ("phone", &phone, "500,6000")] {
                let picture = to.join(format!("{name}-{width}-{scheme}.png"));
                let words = [
                    format!("--screenshot={}", picture.display()),
                    format!("--window-size={size}"),
                    format!("--blink-settings=preferredColorScheme={number}"),
                ];
                open(&browser, path, &words);
                assert!(picture.is_file(), "{}", picture.display());
            }
        }
    }
}
