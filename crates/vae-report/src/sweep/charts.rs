//! Curves over the number of clusters, with their spread, as SVG paths.

use super::{CRITERIA, Criterion, Spread, Sweep};
use crate::text::number;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 130.0;
/// Room for round ends and dots.
const EDGE: f64 = 6.0;

/// One criterion over the number of clusters.
#[derive(Debug, Serialize)]
pub struct Chart {
    name: &'static str,
    what: &'static str,
    good: &'static str,
    decides: bool,
    vote: String,
    lines: Vec<Line>,
    low: String,
    high: String,
    ticks: Vec<Tick>,
    /// Where the number stands that is used.
    mark: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    colour: &'static str,
    path: String,
    band: String,
    dots: Vec<Dot>,
}

#[derive(Debug, Serialize)]
struct Dot {
    x: f64,
    y: f64,
    says: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    k: usize,
    percent: f64,
}

/// A curve's name and its values by number of clusters.
type Values = (String, BTreeMap<usize, Spread>);

/// The charts of all criteria that there are values of.
pub fn charts(sweep: &Sweep) -> Vec<Chart> {
    CRITERIA.iter().filter_map(|criterion| chart(sweep, criterion)).collect()
}

fn values(sweep: &Sweep, key: &str) -> Vec<Values> {
    let point = |&v: &f64| Spread { mean: v, low: v, high: v };
    match key {
        "relative_conductance" => {
            let of_data = sweep.data.relative_conductance.iter().map(|(k, v)| (*k, point(v))).collect();
            vec![("neighbour graph".into(), of_data)]
        }
        "bic" => {
            let of_data = sweep.data.bic.iter().map(|(k, v)| (*k, point(v))).collect();
            vec![("latent classes".into(), of_data)]
        }
        "prediction_strength" => vec![("random halves".into(), sweep.data.prediction_strength.clone())],
        _ => {
            let of_method = |method: &String| {
                let cells = sweep.over_seeds.iter().filter(|cell| cell.method == *method);
                let values = cells.filter_map(|cell| Some((cell.n_clusters, *cell.criteria.get(key)?)));
                (method.clone(), values.collect())
            };
            sweep.grid.methods.iter().map(of_method).collect()
        }
    }
}

fn chart(sweep: &Sweep, criterion: &Criterion) -> Option<Chart> {
    let values: Vec<Values> =
        values(sweep, criterion.key).into_iter().filter(|(_, values)| !values.is_empty()).collect();
    let all = || values.iter().flat_map(|(_, values)| values);
    let ks = || all().map(|(&k, _)| k).chain(sweep.grid.clusters.iter().copied());
    let axes = Axes {
        x: (ks().min()? as f64, ks().max()? as f64),
        y: (all().map(|(_, s)| s.low).reduce(f64::min)?, all().map(|(_, s)| s.high).reduce(f64::max)?),
    };
    let lines = values.iter().enumerate().map(|(i, values)| axes.line(i, values)).collect();
    let vote = sweep.number.votes.iter().find(|vote| vote.criterion == criterion.key);
    let mut ticks: Vec<usize> = ks().collect();
    ticks.sort_unstable();
    ticks.dedup();
    let every = ticks.len().div_ceil(16);
    let tick = |k: usize| Tick { k, percent: 100.0 * axes.at(k as f64, 0.0).0 / WIDTH };
    Some(Chart {
        name: criterion.name,
        what: criterion.what,
        good: criterion.good.words(),
        decides: vote.is_some_and(|vote| vote.decides),
        vote: vote.map_or_else(String::new, |vote| match vote.n_clusters {
            Some(k) => format!("prefers k = {k}"),
            None => "prefers none".into(),
        }),
        lines,
        low: number(axes.y.0),
        high: number(axes.y.1),
        ticks: ticks.iter().step_by(every).map(|&k| tick(k)).collect(),
        mark: sweep.number.recommended.map(|k| axes.at(k as f64, 0.0).0),
    })
}

/// The ends of both axes.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let along = |v: f64, (low, high): (f64, f64)| if high > low { (v - low) / (high - low) } else { 0.5 };
        let x = EDGE + (WIDTH - 2.0 * EDGE) * along(x, self.x);
        let y = EDGE + (HEIGHT - 2.0 * EDGE) * (1.0 - along(y, self.y));
        ((10.0 * x).round() / 10.0, (10.0 * y).round() / 10.0)
    }

    fn line(&self, i: usize, (name, values): &Values) -> Line {
        let mut path = String::new();
        let mut put = |(x, y): (f64, f64), letter: char| {
            let _ = write!(path, "{letter}{x:.1} {y:.1}");
        };
        for (i, (&k, s)) in values.iter().enumerate() {
            put(self.at(k as f64, s.mean), if i == 0 { 'M' } else { 'L' });
        }
        let path = std::mem::take(&mut path);
        let there = values.iter().map(|(&k, s)| self.at(k as f64, s.high));
        let back = values.iter().rev().map(|(&k, s)| self.at(k as f64, s.low));
        let mut band = String::new();
        for (i, (x, y)) in there.chain(back).enumerate() {
            let _ = write!(band, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        let dot = |(&k, s): (&usize, &Spread)| {
            let (x, y) = self.at(k as f64, s.mean);
            let spread = match s.low < s.high {
                true => format!(", from {} to {}", number(s.low), number(s.high)),
                false => String::new(),
            };
            Dot { x, y, says: format!("{name}, k = {k}: {}{spread}", number(s.mean)) }
        };
        let dots = values.iter().map(dot).collect();
        Line { name: name.clone(), colour: crate::page::colour(i), path, band: band + "Z", dots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_between_the_ends_of_the_axes() {
        let axes = Axes { x: (2.0, 4.0), y: (0.0, 1.0) };
        let at = |k, mean, low, high| (k, Spread { mean, low, high });
        let values = BTreeMap::from([at(2, 0.0, 0.0, 0.0), at(3, 0.5, 0.0, 1.0), at(4, 1.0, 1.0, 1.0)]);
        let line = axes.line(0, &("vade".into(), values));
        assert_eq!(line.path, "M6.0 124.0L160.0 65.0L314.0 6.0");
        assert_eq!(line.band, "M6.0 124.0L160.0 6.0L314.0 6.0L314.0 6.0L160.0 124.0L6.0 124.0Z");
        assert_eq!(line.dots[1].says, "vade, k = 3: 0.500, from 0 to 1");
        let flat = Axes { x: (2.0, 2.0), y: (1.0, 1.0) };
        assert_eq!(flat.at(2.0, 1.0), (160.0, 65.0));
    }
}
