//! The input of a method: scaled features, and what is known of them.

mod described;
mod scale;

pub use described::{Input, InputConfig};
pub(crate) use scale::{AUTO_REVISION, REVISION, check_affine};
pub use scale::{Chosen, Scale, ScaleKind};
