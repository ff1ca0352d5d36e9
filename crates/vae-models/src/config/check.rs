//! Checks of single settings.

use crate::error::{Error, Result, Within};

/// Checks an optional table that `only` makes sense of.
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

/// Refuses a width of 0.
pub(crate) fn check_positive(field: &str, value: usize) -> Result<()> {
    if value == 0 { Err(Error::config(field, 0, "at least 1")) } else { Ok(()) }
}
