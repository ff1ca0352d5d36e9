//! What kind of column the first pass has seen: numbers, a category, or texts that are no features.

use crate::error::TextColumn;
use crate::read::table::cell::is_number_like;
use crate::read::table::survey::{Held, Look};

/// Rows that each level of a recognised category has on average at least.
const ROWS_A_LEVEL: usize = 2;
/// As many where its texts have several words.
const ROWS_A_PHRASE: usize = 10;
/// Bytes of a text on average, from which it is no category.
const LONG_TEXT: usize = 50;

/// A kind of column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Category,
    /// No cell has a value.
    Empty,
    /// Numbers, with some words among them.
    Mixed,
    /// More levels than a category may have that somebody asked for.
    TooMany,
    Dates(TextColumn),
    Text(TextColumn),
}

/// The kind of a column by what it holds.
pub(super) fn kind_of(name: &str, held: &Held) -> Kind {
    let numbers = held.moments.count() + usize::from(held.not_finite.is_some());
    let levels = held.levels.counts().map(|counts| counts.len());
    if held.texts == 0 {
        return if numbers > 0 { Kind::Number } else { Kind::Empty };
    }
    if held.look == Look::AtWords {
        return if levels.is_some() { Kind::Category } else { Kind::TooMany };
    }
    // Words must not hide that a column is numbers written in another way.
    let is_other_notation = held.first_text.as_ref().is_some_and(|place| is_number_like(&place.text));
    if numbers >= held.texts || (is_other_notation && held.dates < held.texts) {
        return Kind::Mixed;
    }
    let phrases = held.with_blanks * 2 > held.texts;
    let is_long = held.text_bytes > LONG_TEXT * held.texts;
    if held.dates == held.texts && numbers == 0 {
        return Kind::Dates(text_column(name, held, "dates or times".to_owned(), false));
    }
    let rows_a_level = if phrases { ROWS_A_PHRASE } else { ROWS_A_LEVEL };
    let holds = match levels {
        _ if 2 * held.with_sign > held.texts
            && levels.is_none_or(|levels| held.texts < rows_a_level * levels) =>
        {
            "numbers with a sign; written without it they are numbers".to_owned()
        }
        _ if numbers > 0 => "texts and numbers".to_owned(),
        _ if is_long => "long texts".to_owned(),
        Some(levels) if held.texts >= rows_a_level * levels => return Kind::Category,
        Some(levels) => format!("texts, {levels} different ones in {} cells", held.texts),
        None => "many different texts".to_owned(),
    };
    Kind::Text(text_column(name, held, holds, phrases || is_long))
}

fn text_column(name: &str, held: &Held, holds: String, may_be_documents: bool) -> TextColumn {
    let levels = held.levels.counts();
    TextColumn {
        name: name.to_owned(),
        holds,
        example: held.first_text.as_ref().map(|place| place.text.clone()).unwrap_or_default(),
        may_be_category: levels.is_some(),
        may_be_documents,
        may_be_ids: levels.is_none_or(|counts| counts.values().all(|count| *count == 1)),
    }
}
