//! The methods and presets there are.

use crate::saved::Stored;
use crate::{Clusterer, Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use toml::Table;

/// What a method's configuration type provides.
pub trait MethodConfig: Serialize + DeserializeOwned + Default + 'static {
    /// The defaults with every optional table present: what such a table begins with when only a part of it is given.
    fn every_table() -> Self {
        Self::default()
    }

    /// Fills in what another choice implies: settings that exist for one choice only are absent otherwise.
    fn complete(&mut self) {}

    /// Checks the ranges of all values.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    fn check(&self) -> Result<()>;
}

/// One entry of the registry.
pub struct Method {
    /// For example `vade`.
    pub name: &'static str,
    /// One line for `vae methods`.
    pub summary: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// Raised whenever the code changes the result of an unchanged configuration.
    pub revision: u32,
    /// Whether it can sample and reconstruct.
    pub generative: bool,
    ops: Ops,
}

struct Ops {
    defaults: fn() -> Table,
    every_table: fn() -> Table,
    check_text: fn(&str) -> Result<(), String>,
    canonical: fn(Table) -> Result<Table>,
    build: fn(Table) -> Result<Box<dyn Clusterer>>,
    restore: fn(Stored) -> Result<Box<dyn Clusterer>>,
}

impl std::fmt::Debug for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Method {{ name: {:?}, revision: {} }}", self.name, self.revision)
    }
}

impl Method {
    /// The defaults, meant for data nobody has tuned for.
    pub fn defaults(&self) -> Table {
        (self.ops.defaults)()
    }

    /// The defaults with every optional table present.
    pub(crate) fn every_table(&self) -> Table {
        (self.ops.every_table)()
    }

    /// Checks a partial configuration text; the error shows the line with a caret.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), String> {
        (self.ops.check_text)(text)
    }

    /// Checks a complete table and returns it with every key present.
    pub(crate) fn canonical(&self, table: Table) -> Result<Table> {
        (self.ops.canonical)(table)
    }

    pub(crate) fn build(&self, table: Table) -> Result<Box<dyn Clusterer>> {
        (self.ops.build)(table)
    }

    pub(crate) fn restore(&self, stored: Stored) -> Result<Box<dyn Clusterer>> {
        (self.ops.restore)(stored)
    }
}

/// A fitted method that can be read back.
pub(crate) trait Restorable: Clusterer + Sized + 'static {
    type Config: MethodConfig;
    fn new(config: Self::Config) -> Self;
    fn restore(config: Self::Config, stored: Stored) -> Result<Self>;
}

fn read<C: MethodConfig>(table: Table) -> Result<C> {
    let mut config: C = table.try_into().map_err(|e: toml::de::Error| Error::ConfigText {
        origin: "configuration".into(),
        message: e.to_string(),
    })?;
    config.complete();
    config.check()?;
    Ok(config)
}

fn write<C: MethodConfig>(config: &C) -> Table {
    Table::try_from(config).expect("a configuration is a table of plain values")
}

const fn ops<M: Restorable>() -> Ops {
    Ops {
        defaults: || write(&M::Config::default()),
        every_table: || write(&M::Config::every_table()),
        check_text: |text| toml::from_str::<M::Config>(text).map(drop).map_err(|e| e.to_string()),
        canonical: |table| read::<M::Config>(table).map(|c| write(&c)),
        build: |table| Ok(Box::new(M::new(read(table)?))),
        restore: |stored| Ok(Box::new(M::restore(read(stored.config()?)?, stored)?)),
    }
}

/// All methods, in the order in which `vae methods` lists them.
pub static METHODS: &[Method] = &[
    Method {
        name: "kmeans",
        summary: "k-means on the features",
        reference: "Arthur and Vassilvitskii 2007 (k-means++)",
        revision: 1,
        generative: false,
        ops: ops::<crate::mixture::KMeansMethod>(),
    },
    Method {
        name: "gmm",
        summary: "diagonal Gaussian mixture on the features",
        reference: "Dempster, Laird and Rubin 1977 (EM)",
        revision: 1,
        generative: true,
        ops: ops::<crate::mixture::GmmMethod>(),
    },
    Method {
        name: "ae-kmeans",
        summary: "auto-encoder, then k-means on its codes",
        reference: "baseline of DEC and VaDE",
        revision: 1,
        generative: false,
        ops: ops::<crate::two_stage::AeKMeans>(),
    },
    Method {
        name: "ae-gmm",
        summary: "auto-encoder, then a diagonal Gaussian mixture on its codes",
        reference: "baseline of VaDE, LTVAE and DGG (AE+GMM)",
        revision: 1,
        generative: true,
        ops: ops::<crate::two_stage::AeGmm>(),
    },
    Method {
        name: "ae-spectral",
        summary: "auto-encoder, then a partition of its codes' neighbour graph, chosen by modularity",
        reference: "Ng, Jordan and Weiss 2001; Newman 2004",
        revision: 1,
        generative: false,
        ops: ops::<crate::two_stage::AeSpectral>(),
    },
    Method {
        name: "vade",
        summary: "variational deep embedding: a VAE whose prior is a Gaussian mixture",
        reference: "Jiang et al. 2017, arXiv 1611.05148",
        revision: 1,
        generative: true,
        ops: ops::<crate::vade::Vade>(),
    },
    Method {
        name: "dgg",
        summary: "VaDE whose latents explain their neighbours too, by smoothed targets",
        reference: "Yang et al. 2019 (ICCV)",
        revision: 1,
        generative: true,
        ops: ops::<crate::dgg::Dgg>(),
    },
    Method {
        name: "spectralnet",
        summary: "spectral clustering by a network: eigenvectors of the codes' neighbour graph, then k-means",
        reference: "Shaham et al. 2018 (ICLR)",
        revision: 1,
        generative: false,
        ops: ops::<crate::spectralnet::SpectralNet>(),
    },
];

/// The method `name`.
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn method(name: &str) -> Result<&'static Method> {
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
}

impl Preset {
    pub(crate) fn table(&self) -> Result<Table> {
        toml::from_str(self.text).map_err(|e| Error::ConfigText {
            origin: format!("preset {}", self.name),
            message: e.to_string(),
        })
    }
}

macro_rules! presets {
    ($($method:literal / $dataset:literal),* $(,)?) => {
        /// All presets.
        pub static PRESETS: &[Preset] = &[$(Preset {
            name: concat!($method, "/", $dataset),
            method: $method,
            dataset: $dataset,
            text: include_str!(concat!("../presets/", $method, "/", $dataset, ".toml")),
        }),*];
    };
}

presets! {
    "kmeans" / "strokes", "kmeans" / "mnist", "kmeans" / "fashion-mnist", "kmeans" / "hhar",
    "kmeans" / "reuters21578",
    "gmm" / "strokes", "gmm" / "mnist", "gmm" / "fashion-mnist", "gmm" / "hhar",
    "gmm" / "reuters21578",
    "ae-kmeans" / "strokes", "ae-kmeans" / "mnist", "ae-kmeans" / "fashion-mnist", "ae-kmeans" / "hhar",
    "ae-kmeans" / "reuters10k", "ae-kmeans" / "reuters21578", "ae-kmeans" / "stl10",
    "ae-gmm" / "strokes", "ae-gmm" / "mnist", "ae-gmm" / "fashion-mnist", "ae-gmm" / "hhar",
    "ae-gmm" / "reuters10k", "ae-gmm" / "reuters21578", "ae-gmm" / "stl10",
    "ae-spectral" / "strokes", "ae-spectral" / "mnist", "ae-spectral" / "fashion-mnist", "ae-spectral" / "hhar",
    "ae-spectral" / "reuters10k", "ae-spectral" / "reuters21578", "ae-spectral" / "stl10",
    "vade" / "strokes", "vade" / "mnist", "vade" / "fashion-mnist", "vade" / "hhar",
    "vade" / "reuters10k", "vade" / "reuters21578", "vade" / "stl10",
    "dgg" / "strokes", "dgg" / "mnist", "dgg" / "fashion-mnist", "dgg" / "hhar",
    "dgg" / "reuters10k", "dgg" / "reuters21578", "dgg" / "stl10",
}

/// The preset `name` (`method/dataset`).
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn preset(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name).ok_or_else(|| Error::Unknown {
        what: "preset",
        name: name.into(),
        known: PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", "),
    })
}
