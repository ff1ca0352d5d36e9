//! Ours against the published value.
//!
//! Where the published spread and its number of runs are known: Welch's 95 % interval of the
//! difference of the two means (B. L. Welch, Biometrika 34, 1947). Otherwise the published value is
//! one number, perhaps with a spread of unknown origin, and the verdict says where our seeds lie.

use std::fmt;

use super::cell::Filled;
use crate::reproduce::recipe::Cell;
use crate::reproduce::stats::Summary;

/// Fewer of our seeds give no verdict.
const LEAST_SEEDS: usize = 3;

/// How ours compares with the published value; numbers in points, ours less the published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Welch's interval of the difference of the means.
    Interval { low: f64, high: f64 },
    /// All of our seeds are above the published value and its spread.
    AllAbove,
    /// Some are above and some below, or within the spread.
    Around,
    /// All are below.
    AllBelow,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Interval { low, high } => {
                let word = if low > 0.0 {
                    "above"
                } else if high < 0.0 {
                    "below"
                } else {
                    "within"
                };
                write!(f, "{word} ({low:+.1} to {high:+.1})")
            }
            Self::AllAbove => f.write_str("all above"),
            Self::Around => f.write_str("around"),
            Self::AllBelow => f.write_str("all below"),
        }
    }
}

/// The verdict on a cell: none without a published value or with too few seeds.
pub(super) fn verdict(filled: &Filled<'_>) -> Option<Verdict> {
    let published = Published::of(filled.cell?)?;
    let ours = filled.summary(filled.metric).filter(|ours| ours.n >= LEAST_SEEDS)?;
    Some(published.against(&ours))
}

/// A published value in per cent.
struct Published {
    mean: f64,
    spread: Option<f64>,
    runs: Option<u32>,
    /// Half of a unit of the last digit that was printed.
    rounding: f64,
}

impl Published {
    fn of(cell: &Cell) -> Option<Self> {
        let text: &str = cell.published.as_ref()?.as_ref();
        let (mean, spread) = text.split_once(" ± ").map_or((text, None), |(m, s)| (m, Some(s)));
        let digits = mean.split_once('.').map_or(0, |(_, digits)| digits.len());
        Some(Self {
            mean: mean.parse().ok()?,
            spread: spread.and_then(|s| s.parse().ok()),
            runs: cell.published_runs,
            rounding: 0.5 * 10f64.powi(-(digits as i32)),
        })
    }

    fn against(&self, ours: &Summary) -> Verdict {
        if let (Some(spread), Some(runs), Some(std)) = (self.spread, self.runs, ours.std) {
            let (a, b) = ((100.0 * std).powi(2) / ours.n as f64, spread.powi(2) / f64::from(runs));
            let difference = 100.0 * ours.mean - self.mean;
            let degrees =
                (a + b).powi(2) / (a.powi(2) / (ours.n - 1) as f64 + b.powi(2) / f64::from(runs - 1));
            let half = if a + b > 0.0 { t_quantile(degrees) * (a + b).sqrt() } else { 0.0 };
            return Verdict::Interval { low: difference - half, high: difference + half };
        }
        let band = self.spread.unwrap_or(0.0) + self.rounding;
        if 100.0 * ours.min > self.mean + band {
            Verdict::AllAbove
        } else if 100.0 * ours.max < self.mean - band {
            Verdict::AllBelow
        } else {
            Verdict::Around
        }
    }
}

/// The number that Student's t with `degrees` of freedom (1 or more) is below with probability
/// 0.975.
///
/// With `t = √degrees · tan θ` the density becomes `cos θ` to the power `degrees − 1`, which is
/// summed over an even grid.
fn t_quantile(degrees: f64) -> f64 {
    const STEPS: usize = 20_000;
    let width = std::f64::consts::FRAC_PI_2 / STEPS as f64;
    let mass = |i: usize| ((i as f64 + 0.5) * width).cos().powf(degrees - 1.0);
    let wanted = 0.95 * (0..STEPS).map(mass).sum::<f64>();
    let mut sum = 0.0;
    let mut at = 0;
    while at < STEPS && sum + mass(at) < wanted {
        sum += mass(at);
        at += 1;
    }
    let angle = width * (at as f64 + (wanted - sum) / mass(at));
    degrees.sqrt() * angle.tan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::stats::summary;
    use toml::Spanned;

    fn verdict_of(published: &str, runs: Option<u32>, ours: &[f64]) -> Verdict {
        let cell = Cell {
            published: Some(Spanned::new(0..0, published.to_owned())),
            published_runs: runs,
            ..Cell::default()
        };
        Published::of(&cell).unwrap().against(&summary(ours).unwrap())
    }

    #[test]
    fn quantiles_of_a_printed_table() {
        for (degrees, want) in
            [(1.0, 12.706), (2.0, 4.303), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042), (1e4, 1.960)]
        {
            let got = t_quantile(degrees);
            assert!((got - want).abs() < 6e-4 * want, "{degrees}: {got}");
        }
    }

    #[test]
    fn welch_by_hand() {
        // Ours 80, 82, 84: mean 82, variance 4, of the mean 4/3. Published 76 ± 3 over 9: 1.
        // Standard error √(7/3) = 1.5275, 5.4444 / (8/9 + 1/8) = 5.370 degrees of freedom,
        // quantile 2.518: 6 ± 3.846.
        let Verdict::Interval { low, high } = verdict_of("76 ± 3", Some(9), &[0.80, 0.82, 0.84]) else {
            panic!()
        };
        assert!((low - 2.154).abs() < 0.01 && (high - 9.846).abs() < 0.01, "{low} {high}");
        assert_eq!(verdict_of("76 ± 3", Some(9), &[0.80, 0.82, 0.84]).to_string(), "above (+2.2 to +9.8)");
        assert!(verdict_of("82.5 ± 3", Some(9), &[0.80, 0.82, 0.84]).to_string().starts_with("within (-"));
        assert!(verdict_of("92 ± 3", Some(9), &[0.80, 0.82, 0.84]).to_string().starts_with("below (-"));
    }

    #[test]
    fn one_value_is_compared_with_the_range_of_the_seeds() {
        assert_eq!(verdict_of("79.9", None, &[0.80, 0.82, 0.84]), Verdict::AllAbove);
        // 79.96 was printed as 80.0, perhaps.
        assert_eq!(verdict_of("80.0", None, &[0.8002, 0.82, 0.84]), Verdict::Around);
        assert_eq!(verdict_of("83.9", None, &[0.80, 0.82, 0.84]), Verdict::Around);
        assert_eq!(verdict_of("84.1", None, &[0.80, 0.82, 0.84]), Verdict::AllBelow);
        // A spread of unknown origin is left room for.
        assert_eq!(verdict_of("84.1 ± 0.2", None, &[0.80, 0.82, 0.84]), Verdict::Around);
    }
}
