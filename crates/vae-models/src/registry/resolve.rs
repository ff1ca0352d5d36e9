//! Resolves layers of TOML to one configuration.
//!
//! Layers, each overriding the one before: the method's defaults (for a preset those it was
//! published with), a preset, the preset's profile, a file, single settings (`--set key=value`),
//! and the number of clusters. Every layer is checked on its own against the method's configuration
//! type, so an unknown key is reported with its line and a caret; the result is checked as a whole.

use super::{self as registry, Entry};
use crate::api::Clusterer;
use crate::config::{Preset, collect_leaves, holds, merge, origin_of, parse_setting, pin, remove};
use crate::{Error, Result};
use std::collections::BTreeMap;
use toml::{Table, Value};
use vae_core::fsio::sha256_hex;

/// The profile that is used unless another is named: the settings this project's claims refer to.
pub const STANDARD: &str = "standard";

/// The profiles there are. A preset may leave one out; then `standard` serves.
pub const PROFILES: [&str; 3] = ["quick", STANDARD, "paper"];

/// The origin of a setting that was not chosen.
const DEFAULT: &str = "default";

/// The origin, before the method's name, of a setting that its presets keep as it was when they
/// were published.
const PINNED: &str = "presets of ";

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Name of a method; may be left out when the preset or the file names it.
    pub method: Option<String>,
    /// Name of a preset, `method/dataset`.
    pub preset: Option<String>,
    /// `quick`, `standard` or `paper`; empty for `standard`.
    pub profile: String,
    /// Name and text of a configuration file.
    pub file: Option<(String, String)>,
    /// `key=value`, in order.
    pub set: Vec<String>,
    /// Overrides `n_clusters`.
    pub n_clusters: Option<usize>,
    /// Classes of a known data set: `n_clusters` where nothing else says it.
    pub n_classes: Option<usize>,
}

/// A complete, checked configuration and where each value came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The method.
    pub method: &'static Entry,
    /// The preset, if one was used.
    pub preset: Option<String>,
    /// The profile.
    pub profile: String,
    table: Table,
    origins: BTreeMap<String, String>,
    sha256: String,
}

/// Resolves a selection.
///
/// # Errors
/// [`Error::Unknown`] for names, [`Error::ConfigText`] with line and caret for text,
/// [`Error::Config`] for ranges.
pub fn resolve(selection: &Selection) -> Result<Resolved> {
    let profile = known_profile(&selection.profile)?;
    let preset = selection.preset.as_deref().map(registry::preset).transpose()?;
    let file = selection.file.as_ref().map(|(name, text)| UserFile::read(name, text)).transpose()?;
    let method = choose_method(selection, preset.map(|p| p.method), file.as_ref())?;

    let below = layers_below(selection.n_classes, preset, profile)?;
    let of_user = layers_of_user(selection, file, method)?;
    let (table, mut origins) = laid_over(method, below, of_user);
    let mut table = method.canonical(table).map_err(|e| e.set_by(|key| origin_of(&origins, key)))?;
    if let Some(preset) = preset {
        let origin = format!("{PINNED}{}", preset.method);
        pin(&mut table, &preset.pinned()?, "", &origin, &mut origins);
        table = method.canonical(table)?;
    }
    let hashed = format!("{} {}", method.name, method.hashed(table.clone())?);
    Ok(Resolved {
        method,
        preset: selection.preset.clone(),
        profile: profile.into(),
        sha256: sha256_hex(hashed.as_bytes()),
        table,
        origins,
    })
}

/// The profile `name`, `standard` where it is empty.
fn known_profile(name: &str) -> Result<&str> {
    let profile = if name.is_empty() { STANDARD } else { name };
    if !PROFILES.contains(&profile) {
        let known = PROFILES.join(", ");
        return Err(Error::Unknown { what: "profile", name: profile.into(), known });
    }
    Ok(profile)
}

/// A layer, after where it comes from.
type Layer = (String, Table);

fn clusters(k: usize) -> Table {
    Table::from_iter([("n_clusters".to_string(), Value::Integer(k as i64))])
}

/// The layers between the method's defaults and the user's choices: the classes of the data set,
/// the preset, its profile.
fn layers_below(n_classes: Option<usize>, preset: Option<&Preset>, profile: &str) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    if let Some(k) = n_classes {
        layers.push(("classes of the data set".into(), clusters(k)));
    }
    if let Some(preset) = preset {
        let origin = format!("preset {}", preset.name);
        let mut base = preset.table()?;
        let overlay = base.remove("profile").and_then(|p| p.as_table().and_then(|t| t.get(profile)).cloned());
        layers.push((origin.clone(), base));
        if let Some(Value::Table(overlay)) = overlay {
            layers.push((format!("{origin}, profile {profile}"), overlay));
        }
    }
    Ok(layers)
}

/// The layers of the user: the file, single settings, the number of clusters.
fn layers_of_user(selection: &Selection, file: Option<UserFile<'_>>, method: &Entry) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    if let Some(file) = file {
        let table = file.checked(method)?;
        layers.push((file.name, table));
    }
    for setting in &selection.set {
        let table = parse_setting(setting, |text| method.check_text(text))?;
        layers.push((format!("--set {setting}"), table));
    }
    if let Some(k) = selection.n_clusters {
        layers.push(("--clusters".into(), clusters(k)));
    }
    Ok(layers)
}

/// The method's defaults overridden by the layers, and the origin of each value; a leaf without an
/// origin is a default.
fn laid_over(method: &Entry, below: Vec<Layer>, of_user: Vec<Layer>) -> (Table, BTreeMap<String, String>) {
    let (mut table, mut origins) = (method.defaults(), BTreeMap::new());
    let every = method.every_table();
    for (origin, layer) in below.into_iter().chain(of_user.iter().cloned()) {
        merge(&mut table, layer, &every, "", &origin, &mut origins);
    }
    // Where a profile or a setting changes a kind, the preset's tables of the other kind are
    // removed; a table that the user gave is kept, and refused.
    for path in method.foreign_tables(&table) {
        if !of_user.iter().any(|(_, layer)| holds(layer, path)) {
            remove(&mut table, path);
        }
    }
    (table, origins)
}

fn choose_method(
    selection: &Selection,
    of_preset: Option<&'static str>,
    file: Option<&UserFile<'_>>,
) -> Result<&'static Entry> {
    let named = [
        ("--method", selection.method.as_deref()),
        ("the preset", of_preset),
        ("the configuration file", file.and_then(|f| f.method.as_deref())),
    ];
    let mut chosen: Option<(&str, &str)> = None;
    for (source, name) in named.into_iter().filter_map(|(s, n)| n.map(|n| (s, n))) {
        match chosen {
            Some((first, other)) if other != name => {
                let expected = format!("`{other}`, as {first} says");
                return Err(Error::config("method", format!("{name} ({source})"), &expected));
            }
            _ => chosen = Some((source, name)),
        }
    }
    match chosen {
        Some((_, name)) => registry::method(name),
        None => Err(Error::config(
            "method",
            "not given",
            "a name from `vae methods`: give --method, --preset or --config",
        )),
    }
}

/// A user's file, with its `method` key taken out.
struct UserFile<'a> {
    name: String,
    method: Option<String>,
    /// The text with the `method` entry blanked, so that lines and columns stay what the user sees.
    text: std::borrow::Cow<'a, str>,
}

impl<'a> UserFile<'a> {
    fn read(name: &str, text: &'a str) -> Result<Self> {
        let wrong = |e: toml::de::Error| Error::ConfigText { origin: name.into(), message: e.to_string() };
        let table: Table = toml::from_str(text).map_err(wrong)?;
        let method = match table.get("method") {
            None => return Ok(Self { name: name.into(), method: None, text: text.into() }),
            Some(Value::String(method)) => method.clone(),
            Some(other) => return Err(Error::config("method", other, "a text, for example \"vade\"")),
        };
        let spans = toml::de::DeTable::parse(text).map_err(wrong)?;
        let mut blanked = text.as_bytes().to_vec();
        for (key, value) in spans.get_ref() {
            if key.get_ref() == "method" {
                blanked[key.span().start..value.span().end].fill(b' ');
            }
        }
        let text = String::from_utf8(blanked)
            .map_err(|e| Error::ConfigText { origin: name.into(), message: e.to_string() })?;
        Ok(Self { name: name.into(), method: Some(method), text: text.into() })
    }

    fn checked(&self, method: &Entry) -> Result<Table> {
        let wrong = |message: String| Error::ConfigText { origin: self.name.clone(), message };
        method.check_text(&self.text).map_err(wrong)?;
        toml::from_str(&self.text).map_err(|e| wrong(e.to_string()))
    }
}

impl Resolved {
    /// The method with this configuration, not fitted yet.
    ///
    /// # Errors
    /// None in practice: the configuration was checked when it was resolved.
    pub fn build(&self) -> Result<Box<dyn Clusterer>> {
        self.method.build(self.table.clone())
    }

    /// The complete configuration without `method`.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The complete configuration as a file that `--config` reads.
    pub fn to_toml(&self) -> String {
        format!("method = \"{}\"\n{}", self.method.name, self.table)
    }

    /// Each setting as `path = value`, with where it came from, in the order of the paths.
    pub fn with_origins(&self) -> Vec<(String, String, String)> {
        let mut leaves = Vec::new();
        collect_leaves(&self.table, "", &mut leaves);
        leaves
            .into_iter()
            .map(|(path, value)| {
                let origin = self.origins.get(&path).cloned().unwrap_or_else(|| DEFAULT.into());
                (path, value, origin)
            })
            .collect()
    }

    /// SHA-256 of method and complete configuration, as hexadecimal, without the settings that are
    /// at their [neutral](vae_core::identity) values. Seed, device, threads and the revisions of
    /// the code are not part.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The settings that were chosen or that the preset names, in the form of
    /// [`Resolved::with_origins`].
    pub fn chosen(&self) -> Vec<(String, String, String)> {
        let mut all = self.with_origins();
        all.retain(|(.., origin)| origin != DEFAULT && !origin.starts_with(PINNED));
        all
    }

    /// Paths of the settings that were not chosen: another version may have other defaults there.
    pub fn defaults(&self) -> Vec<String> {
        self.with_origins()
            .into_iter()
            .filter(|(.., origin)| origin == DEFAULT)
            .map(|(path, ..)| path)
            .collect()
    }
}
