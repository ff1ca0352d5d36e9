//! How many samples each cluster holds.

use super::svg::{Anchor, BLUE, GREY, INK, RED, Svg};
use crate::output::thousands;
use crate::results::nearly_empty;

/// Clusters that are shown, at most.
const MOST: usize = 100;
const LEFT: f64 = 92.0;
const WIDTH: f64 = 420.0;
const ROW: f64 = 24.0;
const TOP: f64 = 56.0;

/// Bars from left to right; nearly empty clusters in red, the mean size as a line.
pub fn bars(sizes: &[usize]) -> Svg {
    let (n, k) = (sizes.iter().sum::<usize>().max(1), sizes.len().max(1));
    let shown = sizes.len().min(MOST);
    let largest = sizes.iter().copied().max().unwrap_or(1).max(1) as f64;
    let nearly_empty = nearly_empty(sizes);
    let mut svg = Svg::new(LEFT + WIDTH + 140.0, TOP + ROW * shown as f64 + 14.0);
    svg.heading(12.0, 20.0, 15.0, "Cluster sizes");
    let note = format!("{} samples in {k} clusters; the line is the mean size n / k", thousands(n));
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, &note);
    for (c, &size) in sizes.iter().take(shown).enumerate() {
        let y = TOP + ROW * c as f64;
        let fill = if nearly_empty.contains(&c) { RED } else { BLUE };
        let length = (WIDTH * size as f64 / largest).max(1.0);
        svg.text(LEFT - 10.0, y + 15.0, 12.0, Anchor::End, INK, &format!("cluster {c}"));
        svg.rect(LEFT, y + 3.0, length, ROW - 7.0, fill);
        let text = format!("{} ({:.1} %)", thousands(size), 100.0 * size as f64 / n as f64);
        svg.text(LEFT + WIDTH + 10.0, y + 15.0, 11.0, Anchor::Start, GREY, &text);
    }
    let fair = LEFT + WIDTH * (n as f64 / k as f64) / largest;
    svg.line((fair, TOP - 4.0), (fair, TOP + ROW * shown as f64), INK, true);
    svg
}
