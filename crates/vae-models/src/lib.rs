//! Deep clustering methods behind one trait.
//!
//! A method is one folder of [`methods`] with its configuration, network, loss as a pure function,
//! phases and prediction; it implements [`Method`] and has a folder of presets and a line in
//! [`registry`]. No method imports another: what two of them share is in `shared` and
//! [`pretrained`], or in `vae-core`, `vae-gmm` and `vae-graph`.
//!
//! This crate never reads data files, never prints, and knows no labels: a [`Clusterer`] is fitted
//! on [`Features`](vae_core::Features), which cannot hold any.
//!
//! # Example
//!
//! ```
//! use ndarray::Array2;
//! use vae_core::{Features, phase::FitContext};
//! use vae_models::registry::{Selection, resolve};
//!
//! // Points around 0 and around 10.
//! let x = Array2::from_shape_fn((60, 2), |(i, j)| (i % 2 * 10) as f32 + ((i * 7 + j * 3) % 5) as f32);
//! let x = Features::dense(x)?;
//!
//! // "vade", "dgg", "imsat", … are chosen the same way; `set` changes single settings.
//! let selection = Selection { method: Some("kmeans".into()), n_clusters: Some(2), ..Selection::default() };
//! let mut method = resolve(&selection)?.build()?;
//! let summary = method.fit(&x, &FitContext::in_memory(0))?; // seed 0, CPU, nothing kept on disk
//! assert_ne!(summary.assignments[0], summary.assignments[1]);
//! assert_eq!(method.predict(&x)?, summary.assignments);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[macro_use]
mod config;
mod api;
mod error;
mod input;
pub mod methods;
pub mod pipelines;
pub mod pretrained;
pub mod registry;
mod shared;

pub use api::{
    Assessed, Calibration, Clusterer, Density, Documents, ExportNotes, Facets, Fit, FitSummary, Generative,
    Generator, Method, MethodConfig, Model, Quality, Soft, SoftAssign, Watch, stored,
};
pub use config::Preset;
pub use error::{Error, Result};
pub use input::{Chosen, Imputer, Input, InputConfig, Scale, ScaleKind, scale_kind, scaled};
pub use registry::load_model;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
