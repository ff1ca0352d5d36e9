//! The input of a method: scaled features, and what is known of them.

mod described;
mod impute;
mod one_unit;
mod scale;

pub(crate) use described::Resolved;
pub use described::{Input, InputConfig, scale_kind, scaled};
pub use impute::Imputer;
pub(crate) use impute::REVISION as IMPUTATION;
pub(crate) use scale::{AUTO_REVISION, REVISION, check_affine};
pub use scale::{Chosen, Scale, ScaleKind};
