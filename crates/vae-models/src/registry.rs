//! All methods by name, with their presets and revisions, and the reader of saved models. No other
//! module knows methods by name.

mod resolve;

pub use resolve::{PROFILES, Resolved, STANDARD, Selection, resolve};

use crate::api::{Clusterer, Fit, Method, MethodConfig, Stored};
use crate::config::Preset;
use crate::methods::{
    conv_vae, dec, dgg, gmm, gmvae, gmvae_m2, imsat, kmeans, ltvae, spectral, spectralnet, two_stage, vade,
    vae_cluster,
};
use crate::pipelines::auto;
use crate::{Error, Result, input, pretrained, shared};
use std::path::Path;
use toml::Table;
use vae_core::identity::{Revision, Revisions, hashed_text, revisions as by_name};

/// All methods, in the order in which `vae methods` lists them.
pub static METHODS: &[Entry] = &[
    Entry::of::<auto::Auto>(),
    Entry::of::<kmeans::KMeans>(),
    Entry::of::<gmm::Gmm>(),
    Entry::of::<spectral::Spectral>(),
    Entry::of::<two_stage::AeKMeans>(),
    Entry::of::<two_stage::AeGmm>(),
    Entry::of::<two_stage::VaeGmm>(),
    Entry::of::<two_stage::AeSpectral>(),
    Entry::of::<vade::Vade>(),
    Entry::of::<dgg::Dgg>(),
    Entry::of::<dec::Dec>(),
    Entry::of::<imsat::Imsat>(),
    Entry::of::<spectralnet::SpectralNet>(),
    Entry::of::<ltvae::Ltvae>(),
    Entry::of::<vae_cluster::VaeCluster>(),
    Entry::of::<conv_vae::ConvVae>(),
    Entry::of::<gmvae::Gmvae>(),
    Entry::of::<gmvae_m2::GmvaeM2>(),
];

/// Every algorithm whose code a result can depend on, with the number of its code.
const REVISIONS: &[&[Revision]] = &[
    &[vae_core::random::REVISION, vae_core::train::REVISION, vae_core::net::REVISION],
    vae_core::pretrain::REVISIONS,
    &[vae_gmm::kmeans::REVISION, vae_gmm::prior::REVISION, vae_gmm::tree::REVISION],
    vae_gmm::gmm::REVISIONS,
    &[vae_graph::knn::REVISION, vae_graph::affinity::REVISION],
    vae_graph::partition::REVISIONS_OF_FEW_POINTS,
    vae_graph::pairwise::REVISIONS,
    vae_graph::siamese::REVISIONS,
    &[input::REVISION, input::AUTO_REVISION, input::IMPUTATION],
    pretrained::REVISIONS,
    vae_graph::partition::number::REVISIONS,
    &[shared::neighbour_vote::REVISION],
    shared::class_vae::REVISIONS,
    shared::mixture_vae::REVISIONS,
    shared::from_random::REVISIONS,
    shared::from_random::CHOICE_REVISIONS,
    &[shared::mixture::REVISION, shared::warmup::REVISION],
    vade::REVISIONS,
    dgg::REVISIONS,
    dec::REVISIONS,
    imsat::REVISIONS,
    spectralnet::REVISIONS,
    ltvae::REVISIONS,
    vae_cluster::REVISIONS,
    conv_vae::REVISIONS,
    gmvae::REVISIONS,
    gmvae_m2::REVISIONS,
    &[auto::REVISION],
];

/// The present number of every algorithm, by its name. A result that lists another number for one
/// of them, or an algorithm that is not here, is not what this version would give.
pub fn revisions() -> Revisions {
    by_name(REVISIONS)
}

/// Why a result with the revisions `made_with` may differ from that of this version; `None` where
/// it does not.
pub fn outdated(made_with: &Revisions) -> Option<String> {
    if made_with.is_empty() {
        return Some("it names no revisions of algorithms".into());
    }
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

/// One entry of the registry: a type-erased [`Method`].
pub struct Entry {
    /// For example `vade`.
    pub name: &'static str,
    /// One line for `vae methods`.
    pub summary: &'static str,
    /// The publication.
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

    /// The defaults, for data without tuned settings.
    pub fn defaults(&self) -> Table {
        (self.ops.defaults)()
    }

    /// The defaults with every optional table present.
    pub(crate) fn every_table(&self) -> Table {
        (self.ops.every_table)()
    }

    /// Paths of optional tables in `table` that belong to another kind; none where the table cannot
    /// be read, which [`Entry::canonical`] reports.
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

/// The reader's message with plain words for the names of Rust's types.
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
    config.input().check(config.estimates_n_clusters())?;
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

/// Reads a model that [`Clusterer::save`] wrote: checks the checksum, names, shapes and that all
/// values are finite.
///
/// # Errors
/// A file that is missing, damaged, of another format, or of a method this version does not have.
pub fn load_model(path: &Path) -> Result<Box<dyn Clusterer>> {
    let (name, stored) = Stored::read(path)?;
    method(&name)?.restore(stored).map_err(|e| Stored::of_file(e, path))
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
        // Those of the method, where the first part names one.
        let method = name.split('/').next().unwrap_or_default();
        let near: Vec<&str> = presets().filter(|p| p.method == method).map(|p| p.name).collect();
        let known = if near.is_empty() { presets().map(|p| p.name).collect() } else { near };
        Error::Unknown { what: "preset", name: name.into(), known: known.join(", ") }
    })
}
