//! The confusion matrix as a heat map, matched pairs on the diagonal.

use super::svg::{Anchor, GREY, INK, Svg, shortened};
use crate::output::thousands;
use vae_metrics::Confusion;

/// Rows and columns that can be read.
const MOST: usize = 60;
const LEFT: f64 = 96.0;

/// Clusters as rows, classes as columns, each cell with its share of the cluster; `None` for too
/// large a table.
pub fn heat_map(confusion: &Confusion, class_names: &[String]) -> Option<Svg> {
    let table = confusion.permuted();
    let (rows, columns) = table.counts().dim();
    if rows.max(columns) > MOST {
        return None;
    }
    let side = (560.0 / rows.max(columns) as f64).clamp(16.0, 56.0);
    let names: Vec<String> =
        table.class_ids().iter().map(|&c| shortened(&class_names[c as usize], 18)).collect();
    let longest = names.iter().map(|n| n.chars().count()).max().unwrap_or(0) as f64;
    let turned = longest * 7.0 > side - 4.0;
    let top = 66.0 + if turned { 4.6 * longest + 14.0 } else { 18.0 };
    let (width, height) = (side * columns as f64, side * rows as f64);
    let slant = if turned { 5.0 * longest } else { 0.0 };
    let mut svg = Svg::new((LEFT + width + 20.0 + slant).max(600.0), top + height + 14.0);
    svg.heading(12.0, 20.0, 15.0, "Clusters and classes");
    let right: u64 = table.counts().diag().sum();
    let n: u64 = table.counts().sum();
    let note = format!(
        "rows are clusters, columns classes; the best matching is on the diagonal: {:.2} % of {}",
        100.0 * right as f64 / n as f64,
        thousands(n as usize)
    );
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, &note);
    for (j, name) in names.iter().enumerate() {
        let x = LEFT + (j as f64 + 0.5) * side;
        if turned {
            svg.turned_text((x, top - 8.0), -40.0, 11.0, Anchor::Start, INK, name);
        } else {
            svg.text(x, top - 8.0, 12.0, Anchor::Middle, INK, name);
        }
    }
    for (i, (cluster, counts)) in table.cluster_ids().iter().zip(table.counts().rows()).enumerate() {
        let y = top + i as f64 * side;
        let size = counts.sum().max(1);
        svg.text(
            LEFT - 8.0,
            y + side / 2.0 + 4.0,
            12.0_f64.min(side - 3.0),
            Anchor::End,
            INK,
            &format!("cluster {cluster}"),
        );
        for (j, &count) in counts.iter().enumerate() {
            let share = count as f64 / size as f64;
            let x = LEFT + j as f64 * side;
            svg.rect(x, y, side - 1.0, side - 1.0, &shade(share));
            let text = count.to_string();
            let font = (side * 0.3).min(1.6 * (side - 3.0) / text.len() as f64);
            if count > 0 && font >= 6.0 {
                let ink = if share > 0.55 { "white" } else { INK };
                svg.text(x + side / 2.0, y + side / 2.0 + font / 3.0, font, Anchor::Middle, ink, &text);
            }
        }
    }
    Some(svg)
}

/// From almost white to dark blue; the square root shows small confusions.
fn shade(share: f64) -> String {
    let t = share.clamp(0.0, 1.0).sqrt();
    let mix = |low: f64, high: f64| (low + t * (high - low)).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(246.0, 24.0), mix(248.0, 72.0), mix(252.0, 140.0))
}
