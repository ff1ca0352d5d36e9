//! Layers of TOML: single settings as tables, one table over another, and where each value came
//! from.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// `key=value`; a value that is no TOML is taken as text, so `likelihood=gaussian` needs no quotes.
/// `check` is the method's check of the text.
pub(crate) fn parse_setting(setting: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<Table> {
    let wrong = |message: String| Error::ConfigText { origin: format!("--set {setting}"), message };
    let (key, value) = setting.split_once('=').ok_or_else(|| wrong("expected key=value".into()))?;
    let (key, value) = (key.trim(), value.trim());
    let bare = format!("{key} = {value}");
    let text = match toml::from_str::<Table>(&bare) {
        Ok(_) => bare,
        Err(_) => format!("{key} = {}", Value::String(value.into())),
    };
    check(&text).map_err(wrong)?;
    toml::from_str(&text).map_err(|e| wrong(e.to_string()))
}

/// Overrides `into` by `layer`, table by table, and notes the origin of every leaf. An optional
/// table that is absent so far is first filled with its defaults, those in `every`.
pub(crate) fn merge(
    into: &mut Table,
    layer: Table,
    every: &Table,
    path: &str,
    origin: &str,
    origins: &mut BTreeMap<String, String>,
) {
    let none = Table::new();
    for (key, value) in layer {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let defaults = every.get(&key).and_then(Value::as_table).unwrap_or(&none);
        match (into.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => {
                merge(below, above, defaults, &path, origin, origins);
            }
            (None, Value::Table(above)) => {
                let mut below = defaults.clone();
                merge(&mut below, above, defaults, &path, origin, origins);
                into.insert(key, Value::Table(below));
            }
            (_, value) => {
                origins.insert(path, origin.to_string());
                into.insert(key, value);
            }
        }
    }
}

/// Sets every leaf without an origin to its value in `pinned`.
pub(crate) fn pin(
    table: &mut Table,
    pinned: &Table,
    path: &str,
    origin: &str,
    origins: &mut BTreeMap<String, String>,
) {
    for (key, value) in table.iter_mut() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (value, pinned.get(key)) {
            (Value::Table(below), Some(Value::Table(pinned))) => pin(below, pinned, &path, origin, origins),
            (leaf, Some(pinned)) if !leaf.is_table() && !origins.contains_key(&path) => {
                *leaf = pinned.clone();
                origins.insert(path, origin.to_string());
            }
            _ => {}
        }
    }
}

/// Whether `table` has the key `path`, with dots between the names.
pub(crate) fn holds(table: &Table, path: &str) -> bool {
    match path.split_once('.') {
        Some((first, rest)) => table.get(first).and_then(Value::as_table).is_some_and(|t| holds(t, rest)),
        None => table.contains_key(path),
    }
}

pub(crate) fn remove(table: &mut Table, path: &str) {
    match path.split_once('.') {
        Some((first, rest)) => {
            if let Some(below) = table.get_mut(first).and_then(Value::as_table_mut) {
                remove(below, rest);
            }
        }
        None => drop(table.remove(path)),
    }
}

/// The origin of the setting `key`; for a table that of one of its settings, the user's before a
/// preset's.
pub(crate) fn origin_of(origins: &BTreeMap<String, String>, key: &str) -> Option<String> {
    let below = format!("{key}.");
    let of_table = || origins.iter().filter(|(path, _)| path.starts_with(&below)).map(|(_, origin)| origin);
    let of_user = || of_table().find(|origin| !origin.starts_with("preset "));
    origins.get(key).or_else(of_user).or_else(|| of_table().next()).cloned()
}

/// Every leaf as its path and value, in the order of the paths.
pub(crate) fn collect_leaves(table: &Table, path: &str, out: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Table(below) => collect_leaves(below, &path, out),
            leaf => out.push((path, leaf.to_string())),
        }
    }
}
