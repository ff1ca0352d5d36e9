//! Names that may be meant where another one is written.

/// Letters from which the beginning of a name is enough of it.
const BEGINNING: usize = 3;

/// The name that is nearest to `wanted`: a slip for each three letters at most, or one that begins
/// as the other does. Capitals, blanks and signs do not count.
pub(crate) fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = letters(wanted);
    let ranked = names.into_iter().filter_map(|name| Some((rank(&wanted, &letters(name))?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// How far a name is from that which is wanted; `None` for too far.
fn rank(wanted: &str, name: &str) -> Option<usize> {
    let (shorter, longer) = if wanted.len() < name.len() { (wanted, name) } else { (name, wanted) };
    let (least, most) = (shorter.chars().count(), longer.chars().count());
    let slips = strsim::damerau_levenshtein(wanted, name);
    if least > 0 && slips <= most / 3 {
        return Some(slips);
    }
    (least >= BEGINNING && longer.starts_with(shorter)).then_some(slips)
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let names = ["id", "age", "income (EUR)", "visits", "basket (EUR)"];
        for (wanted, name) in [
            ("AGE", Some("age")),
            ("aeg", Some("age")),
            ("visit", Some("visits")),
            ("vistis", Some("visits")),
            ("income", Some("income (EUR)")),
            ("Income_EUR", Some("income (EUR)")),
            ("bakset eur", Some("basket (EUR)")),
            ("region", None),
            ("x", None),
            ("", None),
            ("€", None),
        ] {
            assert_eq!(nearest(wanted, names), name, "{wanted}");
        }
        assert_eq!(nearest("a", ["b", "c"]), None);
        assert_eq!(nearest("income", ["incomes before", "incom"]), Some("incom"));
    }
}
