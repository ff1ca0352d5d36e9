//! Losses and scores over the epochs, as small drawings without text of their own.

use super::Curve;
use crate::text::number;
use serde::Serialize;
use std::fmt::Write as _;

/// Points of a drawing, at most: it is a few hundred pixels wide.
const POINTS: usize = 300;
/// Curves, at most.
const CURVES: usize = 30;
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 90.0;

/// A phase with its curves.
#[derive(Debug, Serialize)]
pub struct View {
    phase: String,
    curves: Vec<CurveView>,
}

#[derive(Debug, Serialize)]
struct CurveView {
    name: String,
    path: String,
    low: String,
    high: String,
    first_epoch: String,
    last_epoch: String,
    first: String,
    last: String,
}

/// The curves by phases, in their order.
pub fn view(curves: &[Curve]) -> Vec<View> {
    let mut phases: Vec<View> = Vec::new();
    for curve in curves.iter().take(CURVES) {
        let Some(drawn) = draw(curve) else { continue };
        match phases.last_mut().filter(|phase| phase.phase == curve.phase) {
            Some(phase) => phase.curves.push(drawn),
            None => phases.push(View { phase: curve.phase.clone(), curves: vec![drawn] }),
        }
    }
    phases
}

fn draw(curve: &Curve) -> Option<CurveView> {
    let finite: Vec<(f64, f64)> =
        curve.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let (first, last) = (finite.first()?, finite.last()?);
    let ends = |of: fn(&(f64, f64)) -> f64| {
        finite.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    };
    let ((x_low, x_high), (y_low, y_high)) = (ends(|p| p.0), ends(|p| p.1));
    let along = |v: f64, low: f64, high: f64| if high > low { (v - low) / (high - low) } else { 0.5 };
    let every = finite.len().div_ceil(POINTS);
    let is_last = |i: usize| i + 1 == finite.len();
    let drawn = finite.iter().enumerate().filter(|(i, _)| i % every == 0 || is_last(*i));
    let mut path = String::new();
    for (i, &(x, y)) in drawn {
        let letter = if i == 0 { 'M' } else { 'L' };
        let x = WIDTH * along(x, x_low, x_high);
        let y = 4.0 + (HEIGHT - 8.0) * (1.0 - along(y, y_low, y_high));
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    if finite.len() == 1 {
        // A line of no length is drawn as a dot by its round ends.
        path.push_str("h0");
    }
    Some(CurveView {
        name: curve.name.clone(),
        path,
        low: number(y_low),
        high: number(y_high),
        first_epoch: number(x_low),
        last_epoch: number(x_high),
        first: number(first.1),
        last: number(last.1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_thinned_and_keep_their_ends() {
        let points: Vec<_> = (0..1000).map(|i| (f64::from(i), f64::from(1000 - i))).collect();
        let curve = |points| Curve { phase: "train".into(), name: "loss".into(), points };
        let of = view(&[curve(points), curve(vec![(1.0, f64::NAN)]), curve(vec![(1.0, 2.0)])]);
        assert_eq!((of.len(), of[0].curves.len()), (1, 2), "one phase; NaN alone is no curve");
        let first = &of[0].curves[0];
        assert!(first.path.matches('L').count() <= POINTS);
        assert!(first.path.starts_with("M0.0 4.0") && first.path.ends_with("L240.0 86.0"), "{}", first.path);
        assert_eq!((first.first.as_str(), first.last.as_str()), ("1000", "1"));
        assert_eq!(of[0].curves[1].path, "M120.0 45.0h0");
    }
}
