//! Dates and times among texts. They are no categories: a week of them is a week of different
//! texts.

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Words beside the numbers of a date or time; days of the week and long names of months begin with
/// these.
const WORDS: [&str; 13] =
    ["t", "z", "am", "pm", "utc", "gmt", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Whether a text is a date, a time or both: `2024-03-01T12:30:00Z`, `1/3/2024`, `3 March 2024`,
/// `12:30`, `2024-03`.
///
/// Texts that are numbers are none of these; the caller asks for others only.
pub(super) fn is_date_or_time(text: &str) -> bool {
    const LONGEST: usize = 40;
    if text.len() > LONGEST || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let mut numbers: Vec<&str> = Vec::new();
    let mut has_month = false;
    for part in parts(text) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.push(part);
        } else if is_word(part, &MONTHS) {
            has_month = true;
        } else if !is_word(part, &WORDS) && !"-/.:, +".contains(part) {
            return false;
        }
    }
    match numbers.as_slice() {
        numbers if has_month => numbers.iter().any(|number| number.len() <= 4),
        numbers if text.contains(':') => has_time(text) && numbers.len() <= 9,
        [a, b, c] => is_day(a, b, c) || is_day(c, b, a),
        // A month: 2024-03, and not the range 1990-2000.
        [year, month] => is_year(year) && month.len() == 2 && in_range(month, 1, 12) && !text.contains('.'),
        _ => false,
    }
}

/// Runs of digits, runs of letters, and single other characters.
fn parts(text: &str) -> Vec<&str> {
    let kind = |c: char| {
        if c.is_ascii_digit() {
            0
        } else if c.is_alphabetic() {
            1
        } else {
            2
        }
    };
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| before != kind(c) || before == 2) {
            parts.push(&text[start..at]);
            start = at;
        }
        before = Some(kind(c));
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a word is one of a list, or longer than three letters and begins with one of them.
fn is_word(part: &str, list: &[&str]) -> bool {
    let part = part.to_lowercase();
    let is_long =
        |word: &&&str| word.len() == 3 && part.starts_with(**word) && LONG_NAMES.contains(&part.as_str());
    list.contains(&part.as_str()) || list.iter().any(|word| is_long(&word))
}

/// Names of months and days in full.
const LONG_NAMES: [&str; 19] = [
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "sept",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Whether hours and minutes stand somewhere: `9:05`.
fn has_time(text: &str) -> bool {
    let digits = |part: &str| part.bytes().rev().take_while(u8::is_ascii_digit).count();
    text.match_indices(':').any(|(at, _)| {
        let hours = &text[at - digits(&text[..at])..at];
        let minutes: &str = &text[at + 1..];
        let minutes = &minutes[..minutes.bytes().take_while(u8::is_ascii_digit).count()];
        !hours.is_empty() && in_range(hours, 0, 24) && minutes.len() == 2 && in_range(minutes, 0, 59)
    })
}

/// Year, month and day, or year, day and month.
fn is_day(year: &str, a: &str, b: &str) -> bool {
    let day_and_month = |day, month| in_range(day, 1, 31) && in_range(month, 1, 12);
    (is_year(year) || year.len() == 2) && (day_and_month(a, b) || day_and_month(b, a))
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && in_range(text, 1000, 2999)
}

fn in_range(text: &str, low: u32, high: u32) -> bool {
    text.parse().is_ok_and(|number: u32| (low..=high).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_known() {
        for text in [
            "2024-03-01",
            "2024-03-01T12:30:00Z",
            "2024-03-01 12:30:00.123+02:00",
            "1/3/2024",
            "31.12.99",
            "12/31/2024",
            "2024/3/1",
            "3 March 2024",
            "Mar 3, 2024",
            "01-Jan-2020",
            "Friday, 1 March 2024",
            "12:30",
            "9:05:33 PM",
            "2024-03",
        ] {
            assert!(is_date_or_time(text), "{text}");
        }
    }

    #[test]
    fn other_texts_with_digits_are_not() {
        for text in [
            "10-19",
            "1990-2000",
            "192.168.0.1",
            "A/5 21171",
            "<5",
            "3:1",
            "555-12-1234",
            "1.2.3-rc1",
            "may",
            "room 12",
            "5%",
            "v1.2",
            "1/2",
            "march on 12",
            "",
        ] {
            assert!(!is_date_or_time(text), "{text}");
        }
    }
}
