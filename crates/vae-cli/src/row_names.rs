//! The same rows in another order: what two tables call them decides, and not the places.

use anyhow::{Result, bail};
use std::collections::HashMap;
use std::fmt::Display;

/// What rows are called, and the column that says so.
pub type RowNames = (String, Vec<String>);

/// For each row of `base` the place of the row of the same name in `other`; `None` where they are
/// in the same order, or where names cannot say: the columns are called differently, or a name
/// occurs twice.
///
/// # Errors
/// Rows of one that the other does not have; `what` are both, for the message.
pub fn places(
    (column, base): &RowNames,
    (other_column, other): &RowNames,
    what: [&dyn Display; 2],
) -> Result<Option<Vec<usize>>> {
    if column != other_column || base == other {
        return Ok(None);
    }
    let places_of = |names: &[String]| -> Option<HashMap<String, usize>> {
        let places: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
        (places.len() == names.len()).then_some(places)
    };
    let (Some(of_base), Some(of_other)) = (places_of(base), places_of(other)) else { return Ok(None) };
    let [here, there] = what;
    if let Some(name) = base.iter().find(|name| !of_other.contains_key(*name)) {
        bail!("`{column}` of {here} has {name}, and that of {there} has not: the same rows are needed");
    }
    if let Some(name) = other.iter().find(|name| !of_base.contains_key(*name)) {
        bail!("`{column}` of {there} has {name}, and that of {here} has not: the same rows are needed");
    }
    Ok(Some(base.iter().map(|name| of_other[name]).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(column: &str, names: &[&str]) -> RowNames {
        (column.into(), names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn rows_are_found_by_their_names() {
        let base = names("id", &["a", "b", "c"]);
        let of = |other: &RowNames| places(&base, other, [&"x", &"y"]);
        assert_eq!(of(&base).expect("the same"), None);
        assert_eq!(of(&names("id", &["c", "a", "b"])).expect("all there"), Some(vec![1, 2, 0]));
        assert_eq!(of(&names("price", &["c", "a", "b"])).expect("other names"), None);
        assert_eq!(of(&names("id", &["a", "a", "b"])).expect("twice"), None);
        let error = of(&names("id", &["a", "b", "d"])).expect_err("another row").to_string();
        assert_eq!(error, "`id` of x has c, and that of y has not: the same rows are needed");
        let error = of(&names("id", &["a", "b", "c", "d"])).expect_err("a row more").to_string();
        assert_eq!(error, "`id` of y has d, and that of x has not: the same rows are needed");
    }
}
