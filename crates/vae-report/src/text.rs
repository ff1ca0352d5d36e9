//! Numbers as people write them.

/// `70000` as `70,000`.
pub fn thousands(n: usize) -> String {
    grouped(&n.to_string())
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `2,000 rows`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A share as a whole per cent; the ends are kept for exactly none and all.
pub fn percent(share: f64) -> String {
    let rounded = (100.0 * share).round();
    match share {
        s if s > 0.0 && rounded == 0.0 => "<1 %".into(),
        s if s < 1.0 && rounded == 100.0 => ">99 %".into(),
        _ => format!("{rounded:.0} %"),
    }
}

/// Two values that are compared, with as many decimals as tell them apart to three digits.
pub fn pair(a: f64, b: f64) -> [String; 2] {
    let size = a.abs().max(b.abs());
    let apart = (a - b).abs();
    let digits = match is_whole(a) && is_whole(b) {
        true => 0,
        false => decimals(size).max(if apart > 0.0 { -apart.log10().floor() as i32 } else { 0 }),
    };
    [a, b].map(|v| with_decimals(v, size, digits.min(decimals(size) + 3)))
}

/// A value with three to four digits.
pub fn number(v: f64) -> String {
    with_decimals(v, v.abs(), if is_whole(v) { 0 } else { decimals(v.abs()) })
}

fn is_whole(v: f64) -> bool {
    v.fract() == 0.0
}

/// Decimals that leave three digits of a number of this size.
fn decimals(size: f64) -> i32 {
    if size > 0.0 && size.is_finite() { 2 - size.log10().floor() as i32 } else { 0 }
}

fn with_decimals(v: f64, size: f64, decimals: i32) -> String {
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{v:.2e}");
    }
    // Whole numbers have no decimals, and large ones keep all their digits: a year is 1987.
    let text = format!("{v:.*}", decimals.clamp(0, 9) as usize);
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let digits = if digits.len() > 4 { grouped(digits) } else { digits.to_owned() };
    let is_zero = digits == "0" && rest.chars().all(|c| c == '0');
    let sign = if is_zero { "" } else { sign };
    if rest.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{rest}") }
}

/// The beginning of a text in at most so many bytes, on one line.
pub fn cut(text: &str, bytes: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(bytes).collect();
    if line.len() <= bytes && text.chars().count() <= bytes {
        return line;
    }
    let mut end = bytes.saturating_sub('…'.len_utf8()).min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_apart() {
        assert_eq!(pair(34.1, 24.0), ["34.1", "24.0"]);
        assert_eq!(pair(59.5, 29.5), ["59.5", "29.5"]);
        assert_eq!(pair(1987.0, 1992.0), ["1987", "1992"]);
        assert_eq!(pair(51_200.0, 1_250_000.0), ["51,200", "1,250,000"]);
        assert_eq!(pair(0.0, 0.5), ["0.000", "0.500"]);
        assert_eq!(pair(-3.0, 20.0), ["-3", "20"]);
        assert_eq!(pair(100.02, 100.05), ["100.02", "100.05"]);
        assert_eq!(pair(2e12, 1.0), ["2.00e12", "1.00e0"]);
        assert_eq!(pair(-0.0, 1.0), ["0", "1"]);
    }

    #[test]
    fn numbers_and_shares_for_people() {
        assert_eq!(
            [1234.5, 12_345.6, 0.001_234, 7.0, 0.0].map(number),
            ["1234", "12,346", "0.00123", "7", "0"]
        );
        assert_eq!([0.0, 0.001, 0.25, 0.999, 1.0].map(percent), ["0 %", "<1 %", "25 %", ">99 %", "100 %"]);
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(70_000, "row"), "70,000 rows");
        assert_eq!((cut("abcdefg", 6), cut("äöü", 6)), ("abc…".into(), "äöü".into()));
        assert_eq!((cut("äöüä", 6), cut("a\nb", 6), cut("abc", 2)), ("ä…".into(), "a b".into(), "…".into()));
    }
}
