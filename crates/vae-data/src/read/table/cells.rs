//! What one cell of a table holds: a number, nothing, or something else.

use std::borrow::Cow;

use crate::error::{Error, ValueProblem};

pub(super) fn is_missing(text: &str) -> bool {
    ["", "na", "n/a", "#n/a", "null", "none", "?", "-"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

pub(super) fn number(text: &str) -> Result<f32, ValueProblem> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ValueProblem::NotFinite(text.to_owned())),
        Err(_) if is_missing(text) => Err(ValueProblem::Missing(text.to_owned())),
        Err(_) if has_decimal_comma(text) => Err(ValueProblem::DecimalComma(text.to_owned())),
        Err(_) => Err(ValueProblem::NotANumber(text.chars().take(40).collect())),
    }
}

/// `1,5` and the like.
fn has_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.len() < 40 && text.replace(',', ".").parse::<f32>().is_ok()
}

/// Names what is really wrong where numbers with decimal commas stand between semicolons: `1,5;2,5` has more commas.
pub(super) fn explain(error: Error, text: &str, separator: char) -> Error {
    let comma = || text.split(';').map(str::trim).find(|field| has_decimal_comma(field));
    let are_numbers = || {
        text.split(';').all(|field| field.trim().parse::<f32>().is_ok() || has_decimal_comma(field.trim()))
    };
    match error {
        Error::Value { path, line, column, name, problem: ValueProblem::NotANumber(found) }
            if separator == ',' && found.contains(';') =>
        {
            let problem = match comma().filter(|_| are_numbers()) {
                Some(number) => ValueProblem::DecimalComma(number.to_owned()),
                None => ValueProblem::NotANumber(found),
            };
            Error::Value { path, line, column, name, problem }
        }
        other => other,
    }
}

/// Whether the only field is really several numbers with blanks between them, and perhaps a label.
pub(super) fn is_separated_by_blanks(fields: &[Cow<'_, str>]) -> bool {
    let [only] = fields else { return false };
    only.split_ascii_whitespace().filter(|piece| piece.parse::<f32>().is_ok()).nth(1).is_some()
}

pub(super) fn is_text(field: &str) -> bool {
    field.parse::<f32>().is_err() && !is_missing(field)
}

pub(super) fn check_label(field: &str) -> Result<(), ValueProblem> {
    let is_missing = is_missing(field) || field.eq_ignore_ascii_case("nan");
    if is_missing { Err(ValueProblem::Missing(field.to_owned())) } else { Ok(()) }
}
