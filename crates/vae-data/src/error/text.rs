//! Parts of error messages that need more than a format string.

use std::fmt::Write as _;

use crate::error::{Attempt, Lacking, Looked};

/// Columns that a table lacks, each with what is nearest to it.
pub(super) fn lacking(columns: &[Lacking]) -> String {
    let one = |Lacking { name, near, is_taken }: &Lacking| match (near, is_taken) {
        (_, true) => format!("`{name}` (it is there, and an option says that it is no feature)"),
        (Some(near), _) => format!("`{name}` (did you mean `{near}`?)"),
        (None, _) => format!("`{name}`"),
    };
    columns.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Columns of a table that a model does not know.
pub(super) fn others(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("; columns here that the model does not know: {}", names.join(", "))
}

pub(super) fn near_column(near: &Option<String>) -> String {
    near.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

pub(super) fn near_text(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) }
}

pub(super) fn looked_text(looked: &[Looked]) -> String {
    let mut text = String::new();
    for place in looked {
        let state = match &place.missing {
            None => "no such folder".to_owned(),
            Some(files) => format!("missing there: {}", files.join(", ")),
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {} ({}): {state}", place.folder.display(), place.origin);
    }
    text
}

pub(super) fn gib(bytes: u64) -> String {
    format!("{:.2} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

pub(super) fn available_text(available: Option<u64>) -> String {
    available.map_or("the system refuses".to_owned(), |bytes| format!("{} are available", gib(bytes)))
}

pub(super) fn name_text(name: &Option<String>) -> String {
    name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default()
}

pub(super) fn fetch_text(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" and run: vae data fetch {name}") }
}

pub(super) fn attempts_text(attempts: &[Attempt]) -> String {
    let mut text = String::new();
    for Attempt { url, tries, reason } in attempts {
        let _ = write!(text, "\n  {url} (tried {tries} times): {reason}");
    }
    text
}

/// The first names of a list.
pub(super) fn cut(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let rest = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
