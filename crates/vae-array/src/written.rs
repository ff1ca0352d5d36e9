//! A value of a column as it stands in the file: 0.1 and not 0.10000000149.

/// Most decimals that are tried.
const MOST: usize = 9;

/// `10^0` to `10^9`, exactly.
const POWERS: [f64; MOST + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// The value `v` of a column of numbers on the scale of its file, where `offset` was taken off
/// ([`ColumnKind::Number`](crate::ColumnKind::Number)). Without an offset it is the number with the
/// fewest digits that reads back as `v`.
pub fn as_written(v: f32, offset: f64) -> f64 {
    if offset == 0.0 { shortest(v) } else { f64::from(v) + offset }
}

/// The number with the fewest digits that reads back as `v`, the nearest of such to it.
fn shortest(v: f32) -> f64 {
    let exact = f64::from(v);
    // Between these bounds the first decimal places that give `v` back are all its digits; a
    // column has millions of values, and writing them takes ten times as long.
    if (1e-2..1e6).contains(&exact.abs()) {
        for power in POWERS {
            let rounded = (exact * power).round() / power;
            if rounded as f32 == v {
                return rounded;
            }
        }
    }
    v.to_string().parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(v: f32) -> f64 {
        v.to_string().parse().expect("a number")
    }

    #[test]
    fn decimals_are_those_that_were_written() {
        for text in
            ["0", "-0.5", "0.1", "16.7", "3.141592", "11174", "870000", "0.01", "1e-3", "1e20", "123456.7"]
        {
            let number: f64 = text.parse().expect("a number");
            assert_eq!(shortest(number as f32), number, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn as_writing_says(bits in any::<u32>(), small in -2000.0f32..2000.0, cents in -99_999_999i32..99_999_999) {
            for v in [f32::from_bits(bits), small, cents as f32 / 100.0, cents as f32 / 1e6] {
                if v.is_finite() {
                    prop_assert_eq!(shortest(v), written(v), "{}", v);
                }
            }
        }
    }
}
