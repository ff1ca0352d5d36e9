//! Settings as text: checks, layers, presets. Nothing here knows a method by name.

mod check;
mod layers;
#[macro_use]
mod preset;

pub(crate) use check::{check_optional, check_positive};
pub(crate) use layers::{collect_leaves, holds, merge, origin_of, parse_setting, pin, remove};
pub use preset::Preset;
