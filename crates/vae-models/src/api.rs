//! What a method implements, and what a user of the crate calls.

mod clusterer;
mod density;
mod export;
mod method;
mod model_file;
mod numbers;
mod own_graph;
mod watch;

pub use clusterer::{Clusterer, Facets, FitSummary, Generator, SoftAssign};
pub use density::{Assessed, Calibration, Density};
pub use export::{Documents, ExportNotes};
pub use method::{Fit, Generative, Method, MethodConfig, Model, Soft};
pub(crate) use model_file::Stored;
pub use model_file::stored;
pub(crate) use own_graph::OwnGraph;
pub use watch::{Quality, Watch};
