//! The map in the page: data for the script, and a drawing for readers without scripts.

use super::colours::PALETTE;
use super::looks::Looks;
use super::map::Map;
use super::map_columns::{MapColumn, MapValues};
use crate::Result;
use crate::clusters::Clusters;
use crate::text::{counted, thousands};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Bytes of the data, at most.
const MOST: usize = 2 * 1024 * 1024;
/// Positions are whole numbers up to this.
const GRID: f32 = 4000.0;

/// The part of the page.
#[derive(Debug, Serialize)]
pub struct View {
    /// How many rows are shown, in words.
    shown: String,
    left_out: usize,
    has_names: bool,
    /// Of which points there are images or texts, in words.
    looks: Option<String>,
    /// The principal components first.
    layouts: Vec<LayoutView>,
    /// JSON in which no `<` stands.
    json: minijinja::Value,
}

/// A layout of the points.
#[derive(Debug, Serialize)]
struct LayoutView {
    name: String,
    about: String,
    /// Width and height of the drawing.
    frame: [i32; 2],
    paths: Vec<Path>,
}

/// The points of a cluster: lines of no length, drawn as dots by their round ends.
#[derive(Debug, Serialize)]
struct Path {
    cluster: usize,
    colour: &'static str,
    d: String,
}

#[derive(Serialize)]
struct Json<'a> {
    palette: [&'static str; PALETTE.len()],
    clusters: Vec<ClusterJson<'a>>,
    rows: &'a [usize],
    layouts: Vec<LayoutJson<'a>>,
    cluster: &'a [u32],
    confidence: Option<Vec<i32>>,
    names: Option<&'a [String]>,
    columns: Vec<ColumnJson<'a>>,
    looks: Option<&'a Looks>,
}

#[derive(Serialize)]
struct LayoutJson<'a> {
    name: &'a str,
    x: Vec<i32>,
    y: Vec<i32>,
}

#[derive(Serialize)]
struct ClusterJson<'a> {
    title: String,
    size: usize,
    /// Columns that set it apart, the strongest first.
    columns: Vec<&'a str>,
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<&'a [String]>,
    values: Vec<Box<RawValue>>,
}

/// The map, or nothing where it is damaged.
///
/// # Errors
/// Data that cannot be written as JSON.
pub fn view(map: &Map, clusters: &Clusters) -> Result<Option<View>> {
    if !map.is_sound() {
        return Ok(None);
    }
    let mut shown = map.clone();
    let mut json = json(&shown, clusters)?;
    // First fewer columns, then no names, then no texts: those that need many escapes may be long.
    while json.len() > MOST && (!shown.columns.is_empty() || shown.names.is_some() || shown.looks.is_some()) {
        if shown.columns.is_empty() {
            shown.looks = shown.looks.filter(|_| shown.names.is_some());
            shown.names = None;
        }
        shown.columns.truncate(shown.columns.len() / 2);
        json = self::json(&shown, clusters)?;
    }
    let k = clusters.clusters.len();
    let of_layout = |layout: Placed<'_>| LayoutView {
        name: layout.name.to_owned(),
        about: layout.about.clone(),
        frame: layout.frame(),
        paths: paths(&layout, &map.clusters, k),
    };
    Ok(Some(View {
        shown: match map.rows.len() {
            m if m == map.n => format!("all {}", counted(m, "row")),
            m => format!("{} of {}", thousands(m), counted(map.n, "row")),
        },
        left_out: map.left_out + map.columns.len() - shown.columns.len(),
        has_names: shown.names.is_some(),
        looks: shown.looks.as_ref().map(|looks| looks.about(map.rows.len())),
        layouts: placed(map).into_iter().map(of_layout).collect(),
        json: minijinja::Value::from_safe_string(json),
    }))
}

/// A layout on the grid.
struct Placed<'a> {
    name: &'a str,
    about: String,
    x: Vec<i32>,
    y: Vec<i32>,
}

impl Placed<'_> {
    fn frame(&self) -> [i32; 2] {
        [&self.x, &self.y].map(|axis| axis.iter().copied().max().unwrap_or(0))
    }
}

/// All layouts of a map.
fn placed(map: &Map) -> Vec<Placed<'_>> {
    let [across, up] = &map.axes;
    let about = format!("{}. Horizontal: {across}; vertical: {up}. Both axes have one scale", map.about);
    let first = Placed { name: "PCA", about, x: on_grid(&map.points, 0), y: on_grid(&map.points, 1) };
    let more = map.more.iter().map(|layout| Placed {
        name: &layout.name,
        about: layout.about.clone(),
        x: on_grid(&layout.points, 0),
        y: on_grid(&layout.points, 1),
    });
    std::iter::once(first).chain(more).collect()
}

fn json(map: &Map, clusters: &Clusters) -> Result<String> {
    let of_cluster = |cluster: &crate::Cluster| ClusterJson {
        title: crate::text::cut(&super::cards::title(cluster), 60),
        size: cluster.size,
        columns: Vec::new(),
    };
    let mut of_clusters: Vec<ClusterJson<'_>> = clusters.clusters.iter().map(of_cluster).collect();
    for (json, cluster) in of_clusters.iter_mut().zip(&clusters.clusters) {
        for feature in &cluster.features {
            let is_shown = map.columns.iter().any(|column| column.name == feature.column);
            if is_shown && !json.columns.contains(&feature.column.as_str()) {
                json.columns.push(&feature.column);
            }
        }
    }
    let thousandths = |values: &Vec<f32>| values.iter().map(|v| (1000.0 * v).round() as i32).collect();
    let columns = map.labels.iter().chain(&map.columns).map(of_column).collect::<Result<_>>()?;
    let json = Json {
        palette: PALETTE,
        clusters: of_clusters,
        rows: &map.rows,
        layouts: placed(map).into_iter().map(|Placed { name, x, y, .. }| LayoutJson { name, x, y }).collect(),
        cluster: &map.clusters,
        confidence: map.confidence.as_ref().map(thousandths),
        names: map.names.as_deref(),
        columns,
        looks: map.looks.as_ref(),
    };
    Ok(in_script(&serde_json::to_string(&json)?))
}

fn of_column(column: &MapColumn) -> Result<ColumnJson<'_>> {
    let raw = |text: String| RawValue::from_string(text);
    let null = || "null".to_owned();
    let (levels, values) = match &column.values {
        MapValues::Numbers(values) => {
            let number = |v: &Option<f64>| raw(v.filter(|v| v.is_finite()).map_or_else(null, digits));
            (None, values.iter().map(number).collect::<Result<_, _>>()?)
        }
        MapValues::Levels { levels, rows } => {
            let level = |row: &Option<u32>| raw(row.map_or_else(null, |at| at.to_string()));
            (Some(levels.as_slice()), rows.iter().map(level).collect::<Result<_, _>>()?)
        }
    };
    Ok(ColumnJson { name: &column.name, levels, values })
}

/// A number in JSON, with five digits unless it is whole: more cannot be seen.
fn digits(v: f64) -> String {
    if v.fract() == 0.0 && v.abs() < 1e9 {
        return format!("{v:.0}");
    }
    let rounded: f64 = format!("{v:.4e}").parse().unwrap_or(v);
    rounded.to_string()
}

/// JSON that stands in a script element: no tag, comment or entity can begin in it.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Positions along an axis as whole numbers. Both axes have one scale: distances can be compared.
fn on_grid(points: &[[f32; 2]], axis: usize) -> Vec<i32> {
    let ends = |axis: usize| {
        let values = points.iter().map(|p| p[axis]).filter(|v| v.is_finite());
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let spans = [0, 1].map(|axis| {
        let (low, high) = ends(axis);
        if high > low { high - low } else { 0.0 }
    });
    let span = spans[0].max(spans[1]);
    let scale = if span > 0.0 { GRID / span } else { 0.0 };
    let low = ends(axis).0;
    let place = |v: f32| ((v - low) * scale).round();
    points.iter().map(|p| if p[axis].is_finite() { place(p[axis]) as i32 } else { 0 }).collect()
}

fn paths(layout: &Placed<'_>, clusters: &[u32], k: usize) -> Vec<Path> {
    let top = layout.frame()[1];
    let mut drawn = vec![String::new(); k];
    for ((&x, &y), &c) in layout.x.iter().zip(&layout.y).zip(clusters) {
        if let Some(d) = drawn.get_mut(c as usize) {
            let _ = write!(d, "M{} {}h0", x, top - y);
        }
    }
    let path = |(cluster, d)| Path { cluster, colour: super::colours::of(cluster), d };
    drawn.into_iter().enumerate().filter(|(_, d)| !d.is_empty()).map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_script() {
        let text = in_script("[\"</script><!-- &amp; \u{2028}\"]");
        assert_eq!(text, "[\"\\u003c/script\\u003e\\u003c!-- \\u0026amp; \\u2028\"]");
        let read: Vec<String> = serde_json::from_str(&text).expect("json");
        assert_eq!(read, ["</script><!-- &amp; \u{2028}"]);
    }

    #[test]
    fn numbers_have_the_digits_that_can_be_seen() {
        assert_eq!(
            [0.1, 123_456.789, 1_234_567.0, -0.000_012_345_6].map(digits),
            ["0.1", "123460", "1234567", "-0.000012346"]
        );
    }
}
