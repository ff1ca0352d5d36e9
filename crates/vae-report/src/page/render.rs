//! The templates, filled.

use super::{Page, view};
use crate::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The templates by their names. Those that end in `.html` are escaped.
const TEMPLATES: [(&str, &str); 10] = [
    ("head.html", include_str!("../../templates/head.html")),
    ("page.html", include_str!("../../templates/page.html")),
    ("overview.html", include_str!("../../templates/overview.html")),
    ("map.html", include_str!("../../templates/map.html")),
    ("card.html", include_str!("../../templates/card.html")),
    ("confidence.html", include_str!("../../templates/confidence.html")),
    ("generated.html", include_str!("../../templates/generated.html")),
    ("run.html", include_str!("../../templates/run.html")),
    ("sweep.html", include_str!("../../templates/sweep.html")),
    ("comparison.html", include_str!("../../templates/comparison.html")),
];
const STYLE: [&str; 2] =
    [include_str!("../../templates/style.css"), include_str!("../../templates/parts.css")];
/// The style of pages without a script.
const PLAIN_STYLE: [&str; 2] =
    [include_str!("../../templates/style.css"), include_str!("../../templates/sweep.css")];
const SCRIPT: [&str; 3] = [
    include_str!("../../templates/map.js"),
    include_str!("../../templates/hover.js"),
    include_str!("../../templates/confidence.js"),
];

/// The whole page.
pub fn html(page: &Page) -> Result<String> {
    let script = SCRIPT.concat();
    let context = context! {
        view => Value::from(Serde(view::of(page)?)),
        style => Value::from_safe_string(STYLE.concat()),
        script_hash => Value::from_safe_string(STANDARD.encode(Sha256::digest(script.as_bytes()))),
        script => Value::from_safe_string(script),
    };
    Ok(environment()?.get_template("page.html")?.render(context)?)
}

/// A page without a script, from what its template calls `view`.
pub fn with(template: &str, view: &impl Serialize) -> Result<String> {
    let context = context! {
        view => Value::from(Serde(view)),
        style => Value::from_safe_string(PLAIN_STYLE.concat()),
    };
    Ok(environment()?.get_template(template)?.render(context)?)
}

fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    // A name that a template misspells is an error, not nothing.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}
