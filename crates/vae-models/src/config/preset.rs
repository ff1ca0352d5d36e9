//! Presets: settings of one method for one data set.

use crate::error::{Error, Result};
use toml::Table;

/// Settings of one method for one data set.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// `method/dataset`.
    pub name: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// The data set's name.
    pub dataset: &'static str,
    /// The TOML text: the profile `standard`, with overlays in `[profile.quick]` and
    /// `[profile.paper]`.
    pub text: &'static str,
    /// The TOML text of every setting that the method's presets may leave out: the defaults of the
    /// day the presets were published. Later defaults change no preset.
    pub pinned: &'static str,
}

impl Preset {
    pub(crate) fn table(&self) -> Result<Table> {
        read_text(self.text, &format!("preset {}", self.name))
    }

    pub(crate) fn pinned(&self) -> Result<Table> {
        read_text(self.pinned, &format!("presets/{}/pinned.toml", self.method))
    }
}

fn read_text(text: &str, origin: &str) -> Result<Table> {
    toml::from_str(text).map_err(|e| Error::ConfigText { origin: origin.to_string(), message: e.to_string() })
}

/// The presets of a method, from the files `presets/METHOD/DATASET.toml` and
/// `presets/METHOD/pinned.toml` of the crate that calls this.
#[macro_export]
macro_rules! presets {
    ($method:literal: $($dataset:literal),* $(,)?) => {
        &[$($crate::config::Preset {
            name: concat!($method, "/", $dataset),
            method: $method,
            dataset: $dataset,
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/presets/", $method, "/", $dataset, ".toml"
            )),
            pinned: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/presets/", $method, "/pinned.toml")),
        }),*]
    };
}
