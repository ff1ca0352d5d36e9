//! Lines over epochs: axes with round numbers, one panel per quantity.

use super::svg::{Anchor, FAINT, GREY, INK, Svg};

/// A named line.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    pub name: &'a str,
    pub colour: &'a str,
    /// (epoch, value), ascending.
    pub points: Vec<(f64, f64)>,
}

/// Where a panel stands, with its margins.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 36.0;

/// Draws a panel; `bounds` fixes the value axis, else it fits the values.
pub fn panel(svg: &mut Svg, place: Place, title: &str, series: &[Series<'_>], bounds: Option<(f64, f64)>) {
    let points = || series.iter().flat_map(|s| &s.points);
    let (x_low, x_high) = range(points().map(|p| p.0));
    let (y_low, y_high) = bounds.unwrap_or_else(|| padded(range(points().map(|p| p.1))));
    let (left, right) = (place.x + LEFT, place.x + place.width - RIGHT);
    let (top, bottom) = (place.y + TOP, place.y + place.height - BOTTOM);
    let along = |v: f64, low: f64, high: f64| if high > low { (v - low) / (high - low) } else { 0.5 };
    let at = |x: f64, y: f64| {
        (left + along(x, x_low, x_high) * (right - left), bottom - along(y, y_low, y_high) * (bottom - top))
    };

    svg.heading(place.x + 8.0, place.y + 16.0, 12.0, title);
    for tick in ticks(y_low, y_high, 3, 0.0) {
        let (_, y) = at(x_low, tick);
        svg.line((left, y), (right, y), FAINT, false);
        svg.text(left - 6.0, y + 3.5, 10.0, Anchor::End, GREY, &number(tick));
    }
    for tick in ticks(x_low, x_high, 3, 1.0) {
        let (x, _) = at(tick, y_low);
        svg.line((x, bottom), (x, bottom + 4.0), GREY, false);
        svg.text(x, bottom + 15.0, 10.0, Anchor::Middle, GREY, &number(tick));
    }
    svg.line((left, bottom), (right, bottom), GREY, false);
    svg.text((left + right) / 2.0, bottom + 29.0, 10.0, Anchor::Middle, GREY, "epoch");
    for line in series {
        let drawn: Vec<_> = line.points.iter().map(|&(x, y)| at(x, y)).collect();
        match drawn.as_slice() {
            [(x, y)] => svg.dot(*x, *y, 3.0, line.colour, 1.0),
            _ => svg.path(&drawn, line.colour),
        }
    }
    if series.len() > 1 {
        legend(svg, right, place.y + 16.0, series);
    }
}

/// Names with their colours, ending at `right`.
fn legend(svg: &mut Svg, right: f64, y: f64, series: &[Series<'_>]) {
    let mut x = right;
    for line in series.iter().rev() {
        svg.text(x, y, 11.0, Anchor::End, INK, line.name);
        x -= 7.0 * line.name.chars().count() as f64 + 8.0;
        svg.rect(x - 10.0, y - 8.0, 10.0, 8.0, line.colour);
        x -= 24.0;
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// A little air above and below, and around a constant.
fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let air = if high > low { 0.06 * (high - low) } else { 0.5 * low.abs().max(1e-3) };
    (low - air, high + air)
}

/// Round numbers between `low` and `high`: as few as make at least `count`, and at least `least`
/// apart.
pub fn ticks(low: f64, high: f64, count: usize, least: f64) -> Vec<f64> {
    // Not the negation of `high > low`: a range of one point has one tick, an empty range none.
    if high == low {
        return vec![low];
    }
    if !(high > low && low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let power = 10f64.powf((high - low).log10().floor());
    let inside = |step: f64| ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let steps = [10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05].map(|m| m * power);
    let enough = |step: &f64| {
        let (first, last) = inside(*step);
        last - first + 1 >= count as i64
    };
    let step = steps.into_iter().find(enough).unwrap_or(power / 20.0).max(least);
    let (first, last) = inside(step);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A number for an axis: short, without noise of the last digits.
pub fn number(v: f64) -> String {
    if v != 0.0 && (v.abs() >= 1e6 || v.abs() < 1e-4) {
        return format!("{v:.0e}");
    }
    let text = format!("{v:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let text = |low, high| ticks(low, high, 3, 0.0).into_iter().map(number).collect::<Vec<_>>();
        assert_eq!(text(0.0, 1.0), ["0", "0.5", "1"]);
        assert_eq!(text(93.2, 141.7), ["100", "120", "140"]);
        assert_eq!(text(-2.23, -2.18), ["-2.22", "-2.2", "-2.18"]);
        assert_eq!(ticks(1.0, 3.0, 3, 1.0), [1.0, 2.0, 3.0]);
        assert_eq!(ticks(1.0, 2.0, 3, 1.0), [1.0, 2.0]);
        assert_eq!(ticks(1.0, 1.0, 3, 1.0), [1.0]);
        assert!(ticks(f64::INFINITY, f64::NEG_INFINITY, 5, 0.0).is_empty());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.30000000000000004, -0.0, 120.0, 2.5e7, 1e-5].map(number),
            ["0.3", "0", "120", "2e7", "1e-5"]
        );
    }
}
