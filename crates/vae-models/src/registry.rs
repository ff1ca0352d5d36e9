//! The methods and presets there are.

use crate::method::{Fit, Method, MethodConfig};
use crate::saved::Stored;
use crate::{Clusterer, Error, Result};
use toml::Table;
use vae_core::identity::{Revision, Revisions, hashed_text, revisions as by_name};

/// All methods, in the order in which `vae methods` lists them.
pub static METHODS: &[Entry] = &[
    Entry::of::<crate::baselines::KMeansMethod>(),
    Entry::of::<crate::baselines::GmmMethod>(),
    Entry::of::<crate::two_stage::AeKMeans>(),
    Entry::of::<crate::two_stage::AeGmm>(),
    Entry::of::<crate::two_stage::AeSpectral>(),
    Entry::of::<crate::vade::Vade>(),
    Entry::of::<crate::dgg::Dgg>(),
    Entry::of::<crate::dec::Dec>(),
    Entry::of::<crate::imsat::Imsat>(),
    Entry::of::<crate::spectralnet::SpectralNet>(),
    Entry::of::<crate::ltvae::Ltvae>(),
    Entry::of::<crate::vae_cluster::VaeCluster>(),
    Entry::of::<crate::conv_vae::ConvVae>(),
    Entry::of::<crate::gmvae::Gmvae>(),
    Entry::of::<crate::gmvae_m2::GmvaeM2>(),
];

/// Every algorithm whose code a result can depend on, with the number of its code.
const REVISIONS: &[&[Revision]] = &[
    &[vae_core::random::REVISION, vae_core::train::REVISION, vae_core::net::REVISION],
    vae_core::pretrain::REVISIONS,
    &[vae_gmm::kmeans::REVISION, vae_gmm::prior::REVISION, vae_gmm::tree::REVISION],
    vae_gmm::gmm::REVISIONS,
    &[vae_graph::knn::REVISION, vae_graph::affinity::REVISION],
    vae_graph::partition::REVISIONS,
    vae_graph::pairwise::REVISIONS,
    vae_graph::siamese::REVISIONS,
    &[crate::scale::REVISION],
    crate::two_stage::REVISIONS,
    crate::vade::REVISIONS,
    crate::dgg::REVISIONS,
    crate::dec::REVISIONS,
    crate::imsat::REVISIONS,
    crate::spectralnet::REVISIONS,
    crate::ltvae::REVISIONS,
    crate::vae_cluster::REVISIONS,
    &[crate::vae_cluster::GRAPH_START],
    crate::conv_vae::REVISIONS,
    crate::gmvae::REVISIONS,
    crate::gmvae_m2::REVISIONS,
];

/// The present number of every algorithm, by its name. A result that lists another number for one of them, or an algorithm that
/// is not here, is not what this version would give.
pub fn revisions() -> Revisions {
    by_name(REVISIONS)
}

/// Why a result with the revisions `made_with` is not what this version would give; `None` where it is.
pub fn outdated(made_with: &Revisions) -> Option<String> {
    let now = revisions();
    let differing: Vec<String> = made_with
        .iter()
        .filter(|(name, number)| now.get(*name) != Some(*number))
        .map(|(name, number)| match now.get(name) {
            Some(now) => format!("revision {number} of {name}, now it is {now}"),
            None => format!("{name}, which is gone"),
        })
        .collect();
    (!differing.is_empty()).then(|| differing.join("; "))
}

/// One entry of the registry: a [`Method`] whose type is forgotten.
pub struct Entry {
    /// For example `vade`.
    pub name: &'static str,
    /// One line for `vae methods`.
    pub summary: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// Whether it can sample and reconstruct.
    pub generative: bool,
    /// Settings for known data sets.
    pub presets: &'static [Preset],
    ops: Ops,
}

struct Ops {
    defaults: fn() -> Table,
    every_table: fn() -> Table,
    foreign_tables: fn(&Table) -> &'static [&'static str],
    check_text: fn(&str) -> Result<(), String>,
    canonical: fn(Table) -> Result<Table>,
    hashed: fn(Table) -> Result<String>,
    build: fn(Table) -> Result<Box<dyn Clusterer>>,
    restore: fn(Stored) -> Result<Box<dyn Clusterer>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry {{ name: {:?} }}", self.name)
    }
}

impl Entry {
    const fn of<M: Method>() -> Self {
        Self {
            name: M::NAME,
            summary: M::SUMMARY,
            reference: M::REFERENCE,
            generative: M::GENERATIVE,
            presets: M::PRESETS,
            ops: Ops {
                defaults: || write(&M::Config::default()),
                every_table: || write(&M::Config::every_table()),
                foreign_tables: |table| {
                    table.clone().try_into::<M::Config>().map_or(&[], |c| c.foreign_tables())
                },
                check_text: |text| toml::from_str::<M::Config>(text).map(drop).map_err(|e| e.to_string()),
                canonical: |table| read::<M::Config>(table).map(|c| write(&c)),
                hashed: |table| Ok(hashed_text(&read::<M::Config>(table)?)?),
                build: |table| Ok(Box::new(Fit::<M>::new(read(table)?)?)),
                restore: |stored| Ok(Box::new(Fit::<M>::restore(read(stored.config()?)?, &stored)?)),
            },
        }
    }

    /// The defaults, meant for data nobody has tuned for.
    pub fn defaults(&self) -> Table {
        (self.ops.defaults)()
    }

    /// The defaults with every optional table present.
    pub(crate) fn every_table(&self) -> Table {
        (self.ops.every_table)()
    }

    /// The optional tables that a preset may leave behind in `table` and that do not belong there; none where the table
    /// cannot be read, which [`Entry::canonical`] reports.
    pub(crate) fn foreign_tables(&self, table: &Table) -> &'static [&'static str] {
        (self.ops.foreign_tables)(table)
    }

    /// Checks a partial configuration text; the error shows the line with a caret.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), String> {
        (self.ops.check_text)(text).map_err(|message| plain(&message))
    }

    /// Checks a complete table and returns it with every key present.
    pub(crate) fn canonical(&self, table: Table) -> Result<Table> {
        (self.ops.canonical)(table)
    }

    /// The text that stands for a complete table in a hash, see [`vae_core::identity`].
    pub(crate) fn hashed(&self, table: Table) -> Result<String> {
        (self.ops.hashed)(table)
    }

    pub(crate) fn build(&self, table: Table) -> Result<Box<dyn Clusterer>> {
        (self.ops.build)(table)
    }

    pub(crate) fn restore(&self, stored: Stored) -> Result<Box<dyn Clusterer>> {
        (self.ops.restore)(stored)
    }
}

/// What the reader says of a value, without the names of Rust's types.
fn plain(message: &str) -> String {
    let (before, expected) = match message.rsplit_once("expected ") {
        Some((before, expected)) => (before, expected.trim_end()),
        None => return message.to_string(),
    };
    let said = match expected {
        "usize" | "u64" | "u32" => "a whole number, 0 or more",
        "i64" => "a whole number",
        "f64" | "f32" => "a number",
        "a sequence" => "a list, such as [500, 500]",
        _ if expected.starts_with("struct ") => "a table of settings",
        other => other,
    };
    format!("{before}expected {said}")
}

fn read<C: MethodConfig>(table: Table) -> Result<C> {
    let mut config: C = table.try_into().map_err(|e: toml::de::Error| Error::ConfigText {
        origin: "configuration".into(),
        message: e.to_string(),
    })?;
    config.complete();
    config.input().check()?;
    config.check()?;
    Ok(config)
}

fn write<C: MethodConfig>(config: &C) -> Table {
    Table::try_from(config).expect("a configuration is a table of plain values")
}

/// The method `name`.
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn method(name: &str) -> Result<&'static Entry> {
    METHODS.iter().find(|m| m.name == name).ok_or_else(|| Error::Unknown {
        what: "method",
        name: name.into(),
        known: METHODS.iter().map(|m| m.name).collect::<Vec<_>>().join(", "),
    })
}

/// Settings of one method for one data set.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// `method/dataset`.
    pub name: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// The data set's name.
    pub dataset: &'static str,
    /// The TOML text: the profile `standard`, with overlays in `[profile.quick]` and `[profile.paper]`.
    pub text: &'static str,
    /// The TOML text of every setting that the method's presets may leave out: the defaults of the day the presets were
    /// published. Later defaults change no preset.
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

/// The presets of a method, from the files `presets/METHOD/DATASET.toml` and `presets/METHOD/pinned.toml` of the crate that
/// calls this.
#[macro_export]
macro_rules! presets {
    ($method:literal: $($dataset:literal),* $(,)?) => {
        &[$($crate::registry::Preset {
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

/// All presets, in the order of the methods.
pub fn presets() -> impl Iterator<Item = &'static Preset> {
    METHODS.iter().flat_map(|m| m.presets)
}

/// The preset `name` (`method/dataset`).
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn preset(name: &str) -> Result<&'static Preset> {
    presets().find(|p| p.name == name).ok_or_else(|| {
        // Those of the method, if it has a name that is one.
        let method = name.split('/').next().unwrap_or_default();
        let near: Vec<&str> = presets().filter(|p| p.method == method).map(|p| p.name).collect();
        let known = if near.is_empty() { presets().map(|p| p.name).collect() } else { near };
        Error::Unknown { what: "preset", name: name.into(), known: known.join(", ") }
    })
}
