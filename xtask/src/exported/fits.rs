//! The fits whose models are exported: short, with small networks.

use anyhow::{Context, Result};
use serde_json::Value;

use super::data::{Data, OF_DIGITS, OF_TABLE, OF_TEXTS};
use crate::reproduce::Vae;
use crate::step;

/// A fit.
#[derive(Debug)]
pub struct Fit {
    pub name: String,
    /// Options of `vae fit`, without the data.
    pub words: Vec<String>,
    pub data: Data,
}

/// Settings that make a fit short. Of a method those are taken that it has.
const SHORT: [&str; 34] = [
    "net.hidden=[24]",
    "net.latent_dim=4",
    "net.channels=[4,8]",
    "net.width=16",
    "net.classifier_hidden=12",
    "net.conv_features=24",
    "net.prior_hidden=12",
    "net.style_dim=3",
    "map.hidden=[24]",
    "siamese_net.hidden=[24]",
    "siamese_net.latent_dim=4",
    "pretrain.train.epochs=4",
    "pretrain.train.min_updates=0",
    "pretrain.train.batch_size=50",
    "net.output_scale=0.5",
    "train.epochs=40",
    "train.min_updates=0",
    "train.batch_size=50",
    "classifier.train.epochs=4",
    "classifier.train.min_updates=0",
    "siamese.train.epochs=2",
    "siamese.train.min_updates=0",
    "init.siamese.train.epochs=2",
    "init.siamese.train.min_updates=0",
    "init.codes.n_init=2",
    "codes.n_init=3",
    "partition.n_init=3",
    "kmeans.n_init=2",
    "gmm.n_init=2",
    "graph_start.epochs=2",
    "graph_start.min_updates=0",
    "graph_start.siamese.train.epochs=2",
    "graph_start.siamese.train.min_updates=0",
    "graph_start.partition.n_init=3",
];

/// Fits that the sets of all methods lack: name, method, settings, and which data. The presets of
/// the digits have fully connected networks.
const MORE: [(&str, &str, &[&str], Data); 12] = [
    ("kmeans-texts", "kmeans", &[], OF_TEXTS),
    ("spectral-texts", "spectral", &[], OF_TEXTS),
    ("vade-texts", "vade", &[], OF_TEXTS),
    ("vae-cluster-conv", "vae-cluster", &["net.kind=conv"], OF_DIGITS),
    ("conv-vae-conv", "conv-vae", &["net.kind=conv", "train.epochs=2"], OF_DIGITS),
    ("conv-vae-latent", "conv-vae", LATENT, OF_DIGITS),
    ("gmvae-conv", "gmvae", &["net.kind=conv", "train.epochs=5"], OF_DIGITS),
    ("spectralnet-features", "spectralnet", &["space=features", "clusters=kmeans"], OF_TABLE),
    ("ltvae-facets", "ltvae", FACETS, OF_TABLE),
    ("imsat-affine", "imsat", &["scale=minmax", "input_factor=2.0", "input_shift=-1.0"], OF_TABLE),
    ("vade-softplus", "vade", &["net.activation=softplus", "scale=standardize"], OF_TABLE),
    ("auto-tanh", "auto", &["net.activation=tanh", "scale=shared"], OF_TABLE),
];

/// Two convolutions before each pooling, and a classifier of the code.
const LATENT: &[&str] = &["net.kind=conv", "category_input=latent", "net.n_layers=2", "train.epochs=2"];

/// A latent below another, and a leaf of several variables.
const FACETS: &[&str] = &[
    "net.latent_dim=4",
    "basis=independent",
    "init.kind=gmm",
    "assignment_warmup_epochs=0",
    "structure={latents=[{n_states=3},{parent=0,n_states=2}],leaves=[{parent=0,variables=[0,2]},\
     {parent=1,variables=[1]},{parent=1,variables=[3]}]}",
];

/// All fits, with one of clusters that have other numbers than the model's own: those of a former
/// fit to the same rows.
pub fn all(vae: &Vae) -> Result<Vec<Fit>> {
    let mut fits = Vec::new();
    for method in vae.methods()? {
        for (set, data) in [("digits", OF_DIGITS), ("table", OF_TABLE)] {
            fits.push(of(vae, &format!("{method}-{set}"), &method, &[], data)?);
        }
    }
    for (name, method, settings, data) in MORE {
        fits.push(of(vae, name, method, settings, data)?);
    }
    let mut again = of(vae, "kmeans-renumbered", "kmeans", &[], OF_TABLE)?;
    again.words.extend(["--align-to", "kmeans-table", "--seed", "3"].map(str::to_owned));
    fits.push(again);
    Ok(fits)
}

fn of(vae: &Vae, name: &str, method: &str, settings: &[&str], data: Data) -> Result<Fit> {
    let is_known = data.file == OF_DIGITS.file;
    // A known set may have a preset, and with it other tables of settings.
    let known: &[&str] = if is_known { &["-d", "strokes"] } else { &[] };
    let mut words = ["-m", method, "-k", if is_known { "10" } else { "3" }].map(str::to_owned).to_vec();
    words.extend(settings.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]));
    let added = short(&vae.config(&words, known)?, settings);
    words.extend(added.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]));
    Ok(Fit { name: name.to_owned(), words, data })
}

/// Those of [`SHORT`] whose keys the configuration has and `settings` do not.
fn short(config: &Value, settings: &[&str]) -> Vec<&'static str> {
    let key = |setting: &str| setting.split_once('=').map_or_else(String::new, |(key, _)| key.to_owned());
    let has = |setting: &&str| {
        key(setting).split('.').try_fold(config, |table, part| table.get(part)).is_some()
            && !settings.iter().any(|given| key(given) == key(setting))
    };
    SHORT.into_iter().filter(has).collect()
}

impl Vae {
    /// The complete configuration of a fit with the options `words` and `more`.
    fn config(&self, words: &[String], more: &[&str]) -> Result<Value> {
        let mut command = self.command(&["config".to_owned(), "--json".to_owned()]);
        let text = step::stdout(command.args(words).args(more))?;
        let mut answer: Value = serde_json::from_str(&text).context("`vae config --json` printed no JSON")?;
        Ok(answer["config"].take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_method_gets_the_settings_that_it_has() {
        let config = json!({ "net": { "hidden": [500], "latent_dim": 10 }, "train": { "epochs": 5 } });
        assert_eq!(short(&config, &[]), ["net.hidden=[24]", "net.latent_dim=4", "train.epochs=40"]);
        assert_eq!(short(&config, &["net.hidden=[9]"]), ["net.latent_dim=4", "train.epochs=40"]);
        assert!(short(&json!({}), &[]).is_empty());
    }
}
