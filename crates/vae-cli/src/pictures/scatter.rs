//! The latent space in two dimensions, coloured by cluster.

use super::Subject;
use super::pca;
use super::svg::{Anchor, FAINT, GREY, INK, Svg, colour};
use crate::output::thousands;

/// Points that are drawn, at most.
const POINTS: usize = 5000;
const SIDE: f64 = 560.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 52.0;
/// Legend entries in a column.
const ENTRIES: usize = 25;

/// Principal components of the embedding.
pub fn latent(subject: &Subject<'_>) -> Svg {
    let plane = pca::project(subject.embedding.view(), POINTS);
    let shown = subject.sizes.len().min(2 * ENTRIES);
    let columns = shown.div_ceil(ENTRIES);
    let mut svg = Svg::new(LEFT + SIDE + 24.0 + 104.0 * columns as f64, TOP + SIDE + 44.0);
    svg.heading(12.0, 20.0, 15.0, "Latent space");
    let n = subject.embedding.nrows();
    let of = if plane.rows.len() < n { format!(" of {}", thousands(n)) } else { String::new() };
    let note = format!(
        "first two principal components of {}{of} points, coloured by cluster",
        thousands(plane.rows.len())
    );
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, &note);

    let bounds = |axis: usize| {
        let column = plane.points.column(axis);
        let (low, high) = column.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let air = if high > low { 0.03 * (high - low) } else { 1.0 };
        (low - air, high + air)
    };
    let ((x_low, x_high), (y_low, y_high)) = (bounds(0), bounds(1));
    for (from, to) in [
        ((LEFT, TOP), (LEFT + SIDE, TOP)),
        ((LEFT + SIDE, TOP), (LEFT + SIDE, TOP + SIDE)),
        ((LEFT, TOP + SIDE), (LEFT + SIDE, TOP + SIDE)),
        ((LEFT, TOP), (LEFT, TOP + SIDE)),
    ] {
        svg.line(from, to, FAINT, false);
    }
    let radius = if plane.rows.len() > 1000 { 1.8 } else { 3.0 };
    for (point, &row) in plane.points.rows().into_iter().zip(&plane.rows) {
        let x = LEFT + SIDE * (point[0] - x_low) / (x_high - x_low);
        let y = TOP + SIDE * (1.0 - (point[1] - y_low) / (y_high - y_low));
        svg.dot(x, y, radius, colour(subject.summary.assignments[row] as usize), 0.6);
    }
    let axis = |name: &str, share: f64| format!("{name} component, {:.1} % of the variance", 100.0 * share);
    let (x_name, y_name) = (axis("first", plane.explained[0]), axis("second", plane.explained[1]));
    svg.text(LEFT + SIDE / 2.0, TOP + SIDE + 24.0, 12.0, Anchor::Middle, GREY, &x_name);
    svg.turned_text((LEFT - 14.0, TOP + SIDE / 2.0), -90.0, 12.0, Anchor::Middle, GREY, &y_name);
    for c in 0..shown {
        let x = LEFT + SIDE + 22.0 + 104.0 * (c / ENTRIES) as f64;
        let y = TOP + 14.0 + 22.0 * (c % ENTRIES) as f64;
        svg.dot(x, y - 4.0, 5.0, colour(c), 1.0);
        svg.text(x + 12.0, y, 12.0, Anchor::Start, INK, &format!("cluster {c}"));
    }
    svg
}
