//! Checks of single settings.

use crate::error::{Error, Result, Within};

/// Checks a table that is optional, and refuses it where it does not belong; `only` says, for the
/// error, what it belongs to.
pub(crate) fn check_optional<T>(
    field: &str,
    table: Option<&T>,
    (belongs, only): (bool, &str),
    check: impl FnOnce(&T) -> Result<()>,
) -> Result<()> {
    match table {
        Some(table) if belongs => check(table).within(field),
        Some(_) => Err(Error::config(field, "given", &format!("nothing, unless {only}"))),
        None => Ok(()),
    }
}

/// Refuses a number of things that is 0.
pub(crate) fn check_at_least_1(field: &str, value: usize) -> Result<()> {
    if value == 0 { Err(Error::config(field, 0, "at least 1")) } else { Ok(()) }
}

/// Refuses layers with a width of 0; the error names the layer.
pub(crate) fn check_widths(field: &str, widths: &[usize]) -> Result<()> {
    widths.iter().enumerate().try_for_each(|(i, &width)| check_at_least_1(&format!("{field}[{i}]"), width))
}

/// Refuses what is not a finite number above 0.
pub(crate) fn check_above_0(field: &str, value: f64) -> Result<()> {
    let is_valid = value > 0.0 && value.is_finite();
    if is_valid { Ok(()) } else { Err(Error::config(field, value, "a finite number above 0")) }
}

/// Refuses what is not a finite number of 0 or more.
pub(crate) fn check_0_or_more(field: &str, value: f64) -> Result<()> {
    let is_valid = value >= 0.0 && value.is_finite();
    if is_valid { Ok(()) } else { Err(Error::config(field, value, "a finite number, 0 or more")) }
}
