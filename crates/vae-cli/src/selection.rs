//! From the command line's selection to a resolved configuration and a source of data.

use crate::args::SelectionArgs;
use anyhow::{Context, Result, bail};
use std::fs;
use vae_data::Source;
use vae_models::registry::presets;
use vae_models::registry::{Resolved, Selection, resolve};
use vae_models::{Error, ScaleKind};

/// The method where none is named.
const AUTO: &str = "auto";

/// What was chosen.
#[derive(Debug)]
pub struct Chosen {
    /// The complete configuration.
    pub resolved: Resolved,
    /// Where data comes from, if that was said.
    pub source: Option<Source>,
    /// Lines about choices nobody made by hand.
    pub notes: Vec<String>,
}

/// Resolves the selection. A method and a known data set bring their preset along, and a preset its
/// data set; where no method is named at all, it is [`AUTO`].
///
/// # Errors
/// Unknown names, unknown or wrong configuration values with their place, unreadable files.
pub fn choose(args: &SelectionArgs) -> Result<Chosen> {
    check_clusters(args)?;
    let file = args.config.as_ref().map(|path| {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::Ok((path.display().to_string(), text))
    });
    let file = file.transpose()?;
    let mut notes = Vec::new();
    let in_file = file.as_ref().and_then(|(_, text)| method_in(text));
    let is_named = args.method.is_some() || args.preset.is_some() || in_file.is_some();
    let method = if is_named { args.method.clone() } else { Some(AUTO.to_owned()) };
    if !is_named {
        notes.push(format!("method {AUTO}, since none is named; `vae methods` lists the others"));
    }
    let mut source = args.data.as_deref().map(str::parse::<Source>).transpose()?;
    let mut preset = args.preset.clone();
    if let Some(name) = &preset
        && source.is_none()
    {
        let dataset = vae_models::registry::preset(name)?.dataset;
        notes.push(format!("data set {dataset}, as the preset says"));
        source = Some(Source::Known(dataset.into()));
    }
    if preset.is_none()
        && let Some(Source::Known(dataset)) = &source
        && let Some(method) = method.as_deref().or(in_file.as_deref())
    {
        let name = format!("{method}/{dataset}");
        if presets().any(|p| p.name == name) {
            notes.push(format!("preset {name} (see it with `vae config --preset {name}`)"));
            preset = Some(name);
        } else {
            notes.push(without_preset(method, dataset, is_named));
        }
    }
    let selection = Selection {
        method,
        preset,
        profile: args.profile.clone(),
        file,
        set: args.set.clone(),
        n_clusters: args.clusters,
        n_classes: match &source {
            Some(Source::Known(name)) => vae_data::registry().get(name).map(|entry| entry.classes),
            _ => None,
        },
    };
    let resolved = resolve(&selection).map_err(|error| match lacks_clusters(&error) {
        // Of all that may be wrong, a missing number of clusters is said last.
        true => {
            let rest = resolve(&Selection { n_clusters: Some(1), ..selection.clone() });
            rest.err().filter(|other| !lacks_clusters(other)).unwrap_or(error)
        }
        false => error,
    })?;
    Ok(Chosen { resolved, source, notes })
}

/// The number of clusters is said once, and is one.
fn check_clusters(args: &SelectionArgs) -> Result<()> {
    if let (Some(k), Some((setting, set))) = (args.clusters, clusters_set(&args.set))
        && i64::try_from(k) != Ok(set)
    {
        bail!("--set {setting} and --clusters {k} disagree: give one of them");
    }
    if args.clusters == Some(0) {
        bail!(
            "`n_clusters` is 0 (--clusters 0), expected at least 1; auto and spectral estimate it when it is left out"
        );
    }
    Ok(())
}

/// What is used where a known data set has no preset of the method; which other ones it has, where
/// nobody named a method.
fn without_preset(method: &str, dataset: &str, is_named: bool) -> String {
    let others: Vec<&str> = presets().filter(|p| p.dataset == dataset).map(|p| p.name).collect();
    let others = match is_named || others.is_empty() {
        true => String::new(),
        false => format!("; presets for it (--preset): {}", others.join(", ")),
    };
    format!("no preset of {method} for {dataset}: the method's defaults are used{others}")
}

/// The last `--set` of the number of clusters, with its value.
pub fn clusters_set(settings: &[String]) -> Option<(&str, i64)> {
    let value = |setting: &str| toml::from_str::<toml::Table>(setting).ok()?.get("n_clusters")?.as_integer();
    settings.iter().rev().find_map(|setting| Some((setting.as_str(), value(setting)?)))
}

/// The last `--set` of the scaling.
pub fn scale_set(settings: &[String]) -> Option<ScaleKind> {
    let value = |setting: &str| {
        let (key, value) = setting.split_once('=')?;
        let name = value.trim().trim_matches(['"', '\'']);
        serde_json::from_value(name.into()).ok().filter(|_| key.trim() == "scale")
    };
    settings.iter().rev().find_map(|setting| value(setting))
}

/// Whether all that is wrong is that nobody said how many clusters there are.
pub fn lacks_clusters(error: &Error) -> bool {
    matches!(error, Error::Config { field, .. } if field == "n_clusters")
}

impl Chosen {
    /// The source of data.
    ///
    /// # Errors
    /// When neither data nor a preset was given.
    pub fn require_source(&self) -> Result<&Source> {
        match &self.source {
            Some(source) => Ok(source),
            None => bail!("no data given: add --data NAME (see `vae data list`) or --data PATH"),
        }
    }
}

/// The `method` key of a configuration text; errors in the text are reported when it is resolved.
fn method_in(text: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    table.get("method")?.as_str().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_of_the_number_of_clusters_counts() {
        let of = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
            clusters_set(&settings).map(|(setting, k)| (setting.to_owned(), k))
        };
        assert_eq!(of(&["n_clusters=4", "n_clusters = 5", "train.lr=1"]), Some(("n_clusters = 5".into(), 5)));
        assert_eq!(of(&["train.n_clusters=4"]), None);
        assert_eq!(of(&["n_clusters=many"]), None, "the check of settings refuses it");
    }

    #[test]
    fn the_last_setting_of_the_scaling_counts() {
        let of = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
            scale_set(&settings)
        };
        assert_eq!(
            of(&["scale=power", "scale = \"standardize\"", "train.lr=1"]),
            Some(ScaleKind::Standardize)
        );
        assert_eq!(of(&["scale='none'"]), Some(ScaleKind::None));
        assert_eq!((of(&["init.scale=power"]), of(&["scale=wide"])), (None, None));
    }
}
