//! Columns that name or count the rows. They are no features: a row number would be the strongest
//! cluster structure there is.

use crate::offset::Moments;

/// Rows from which a counter can be told from chance.
const FEWEST_ROWS: usize = 10;

/// Whether a column is named as identifiers are. `is_first`: data frames write their row index
/// first, without a name.
pub(super) fn is_named_like_one(name: &str, is_first: bool) -> bool {
    const NAMES: [&str; 9] =
        ["id", "index", "uuid", "guid", "row", "rownames", "row_names", "row.names", "rowid"];
    let lower = name.to_lowercase();
    let ends_so = ["_id", "-id", ".id", " id", "_uuid", "_index"].iter().any(|end| lower.ends_with(end));
    // `customerId` and `userID`, but not `humid`.
    let camel = ["Id", "ID"].iter().any(|end| {
        name.strip_suffix(end)
            .is_some_and(|start| start.ends_with(|c: char| c.is_lowercase() || c.is_ascii_digit()))
    });
    NAMES.contains(&lower.as_str()) || ends_so || camel || (is_first && lower.starts_with("unnamed:"))
}

/// Sees whether the values of a column are consecutive whole numbers in any order, without holding
/// them.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    /// Whether all values so far are whole numbers that i64 holds.
    is_broken: bool,
    /// Sum of the scrambled values: equal for equal collections of numbers, and by chance with
    /// probability 2^-64 only.
    scrambled: u64,
}

impl Counter {
    pub fn add(&mut self, value: f64) {
        if self.is_broken {
            return;
        }
        match whole(value) {
            Some(whole) => self.scrambled = self.scrambled.wrapping_add(scramble(whole)),
            None => self.is_broken = true,
        }
    }

    /// Whether all values were whole numbers.
    pub fn is_whole(&self) -> bool {
        !self.is_broken
    }

    /// Whether the values that `moments` describes were `min, min + 1, …, max`, each once.
    pub fn is_consecutive(&self, moments: &Moments) -> bool {
        let (Some((min, max, _)), n) = (moments.summary(), moments.count()) else { return false };
        let (Some(min), Some(max)) = (whole(min), whole(max)) else { return false };
        if self.is_broken || n < FEWEST_ROWS || max.abs_diff(min) != n as u64 - 1 {
            return false;
        }
        (min..=max).fold(0, |sum: u64, value| sum.wrapping_add(scramble(value))) == self.scrambled
    }
}

/// Sees whether all texts of a column are one prefix and a number each, as `C0001`, `C0002`, … are,
/// without holding them. Whether one comes twice is seen by others.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    is_broken: bool,
    prefix: String,
    /// Digits of each number; `None` where they differ.
    digits: Option<usize>,
    /// Whether a number begins with a zero that only fills it up.
    is_padded: bool,
    numbers: Counter,
    moments: Moments,
}

impl Codes {
    pub fn add(&mut self, text: &str) {
        let Some((prefix, digits)) = code(text).filter(|_| !self.is_broken) else { return self.stop() };
        let is_first = self.moments.count() == 0;
        if is_first {
            prefix.clone_into(&mut self.prefix);
            self.digits = Some(digits.len());
        }
        let Some(number) = digits.parse().ok().filter(|_| self.prefix == prefix) else { return self.stop() };
        self.digits = self.digits.filter(|n| *n == digits.len());
        self.is_padded |= digits.len() > 1 && digits.starts_with('0');
        self.numbers.add(number);
        self.moments.add(number);
    }

    /// What stands before the numbers.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Says that a value is no code.
    pub fn stop(&mut self) {
        self.is_broken = true;
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether these are identifiers if they differ: numbers filled up to one length with zeros, or
    /// consecutive ones. Few rows say that only where `are_few_enough`.
    pub fn are_identifiers(&self, are_few_enough: bool) -> bool {
        let n = self.moments.count();
        let is_filled_up = self.is_padded && self.digits.is_some() && (n >= FEWEST_ROWS || are_few_enough);
        !self.is_broken && n > 0 && (is_filled_up || self.numbers.is_consecutive(&self.moments))
    }
}

/// A text as a word and the digits at its end, if that is what it is.
fn code(text: &str) -> Option<(&str, &str)> {
    const LONGEST_PREFIX: usize = 32;
    // f64 has all whole numbers of so many digits.
    const MOST_DIGITS: usize = 15;
    let prefix = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[prefix.len()..];
    let is_word = prefix.chars().any(char::is_alphabetic) && !prefix.contains(char::is_whitespace);
    let fits = prefix.len() <= LONGEST_PREFIX && (1..=MOST_DIGITS).contains(&digits.len());
    (is_word && fits).then_some((prefix, digits))
}

/// A whole number below 2^53, where f64 has all of them.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = (1_u64 << 53) as f64;
    (value.fract() == 0.0 && value.abs() < LIMIT).then_some(value as i64)
}

/// The finaliser of SplitMix64, a bijection of u64 (Steele, Lea and Flood 2014).
fn scramble(value: i64) -> u64 {
    let mut z = (value as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_consecutive(values: impl IntoIterator<Item = f64>) -> bool {
        let (mut counter, mut moments) = (Counter::default(), Moments::default());
        values.into_iter().for_each(|value| {
            counter.add(value);
            moments.add(value);
        });
        counter.is_consecutive(&moments)
    }

    #[test]
    fn counters_are_known_in_any_order() {
        assert!(is_consecutive((1..=300).map(f64::from)));
        assert!(is_consecutive((0..10).rev().map(f64::from)));
        assert!(is_consecutive((0..11).map(|i| f64::from(i * 7 % 11 - 5))));
        assert!(!is_consecutive((0..9).map(f64::from)), "too few");
        assert!(!is_consecutive((0..20).map(|i| f64::from(i * 2))), "steps of 2");
        // 1, 1, 3, 4, … 10 has the extremes and the count, and 2, 2, 3, 3 also the sum of 1, 2, 3,
        // 4.
        assert!(!is_consecutive([1, 1, 3, 4, 5, 6, 7, 8, 9, 10].map(f64::from)));
        assert!(!is_consecutive([1, 3, 3, 3, 4, 5, 7, 7, 8, 10, 10, 10].map(f64::from)));
        assert!(!is_consecutive((0..20).map(|i| f64::from(i) + 0.5)));
        assert!(!is_consecutive([]));
    }

    #[test]
    fn codes_are_a_prefix_and_numbers() {
        let are = |texts: &[String], few| {
            let mut codes = Codes::default();
            texts.iter().for_each(|text| codes.add(text));
            codes.are_identifiers(few)
        };
        let made = |make: &dyn Fn(u32) -> String, n| (1..=n).map(make).collect::<Vec<String>>();
        assert!(are(&made(&|i| format!("C{:04}", i * 37), 12), false), "filled up");
        assert!(are(&made(&|i| format!("order-{i}"), 12), false), "consecutive");
        assert!(!are(&made(&|i| format!("C{i:04}"), 9), false), "too few");
        assert!(are(&made(&|i| format!("C{i:04}"), 2), true), "few are enough");
        assert!(!are(&made(&|i| format!("C{}", i * 37), 12), false), "neither");
        assert!(
            !are(&made(&|i| format!("{}{i:04}", if i < 6 { "C" } else { "D" }), 12), false),
            "two prefixes"
        );
        assert!(!are(&made(&|i| format!("comment no {i}"), 12), false), "blanks");
        assert!(!are(&made(&|i| format!("2024-{i:02}"), 12), false), "no word");
        assert!(!are(&made(&|i| format!("C{i:04}x"), 12), false), "no number at the end");
        assert!(!are(&[], true));
    }

    #[test]
    fn names_of_identifiers() {
        for name in
            ["id", "ID", "Index", "customer_id", "customerId", "userID", "Customer ID", "uuid", "rownames"]
        {
            assert!(is_named_like_one(name, false), "{name}");
        }
        for name in ["humid", "valid", "grid", "width", "area", "covid", "kind", "Unnamed: 0"] {
            assert!(!is_named_like_one(name, false), "{name}");
        }
        assert!(is_named_like_one("Unnamed: 0", true));
    }
}
