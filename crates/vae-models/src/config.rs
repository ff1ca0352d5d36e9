//! Settings as text: checks, layers, presets. No method is known here by name.

mod check;
mod layers;
#[macro_use]
mod preset;

pub(crate) use check::{check_0_or_more, check_above_0, check_at_least_1, check_optional, check_widths};
pub(crate) use layers::{collect_leaves, holds, merge, origin_of, parse_setting, pin, remove};
pub use preset::Preset;
