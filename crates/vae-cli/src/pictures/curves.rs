//! Losses and scores over the epochs.

use super::chart::{Place, Series, panel};
use super::svg::{Anchor, BLUE, GREY, RED, Svg};
use crate::results::{CurvePoint, Evaluation};
use vae_core::phase::PhaseRecord;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
/// Panels side by side.
const ACROSS: usize = 3;

/// The loss and each of its terms per phase, each on its own scale; `None` when nothing was
/// trained.
pub fn losses(phases: &[PhaseRecord]) -> Option<Svg> {
    let trained: Vec<&PhaseRecord> = phases.iter().filter(|p| !p.history.is_empty()).collect();
    if trained.is_empty() {
        return None;
    }
    let bands: Vec<usize> = trained.iter().map(|p| (1 + terms(p)).div_ceil(ACROSS)).collect();
    let widest = trained.iter().map(|p| (1 + terms(p)).min(ACROSS)).max().unwrap_or(1);
    let height = 48.0 + bands.iter().map(|b| 24.0 + *b as f64 * (HEIGHT + 8.0)).sum::<f64>();
    let mut svg = Svg::new((24.0 + widest as f64 * WIDTH).max(560.0), height);
    svg.heading(12.0, 20.0, 15.0, "Losses");
    let note = "mean over an epoch, in nats per sample or as a squared error; each on a scale of its own";
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, note);
    let mut y = 48.0;
    for (phase, band) in trained.iter().zip(bands) {
        svg.heading(12.0, y + 17.0, 13.0, &format!("Phase {}", phase.name));
        y += 24.0;
        for i in 0..=terms(phase) {
            let place = Place {
                x: 8.0 + (i % ACROSS) as f64 * WIDTH,
                y: y + (i / ACROSS) as f64 * (HEIGHT + 8.0),
                width: WIDTH,
                height: HEIGHT,
            };
            let name = if i == 0 { "loss" } else { phase.history[0].terms[i - 1].0.as_str() };
            let value = |e: &vae_core::phase::EpochRecord| {
                if i == 0 { Some(e.loss) } else { e.terms.get(i - 1).map(|t| t.1) }
            };
            let points = phase.history.iter().filter_map(|e| Some((e.epoch as f64, value(e)?))).collect();
            panel(&mut svg, place, name, &[Series { name, colour: BLUE, points }], None);
        }
        y += band as f64 * (HEIGHT + 8.0);
    }
    Some(svg)
}

/// Terms that stand beside the loss: none when the loss is its only term.
fn terms(phase: &PhaseRecord) -> usize {
    match phase.history.first().map_or(0, |e| e.terms.len()) {
        1 => 0,
        n => n,
    }
}

/// ACC, NMI and ARI over the epochs, from the initialisation at 0; `None` when the fit did not
/// record assignments on the way.
pub fn scores(evaluation: &Evaluation) -> Option<Svg> {
    let curve = &evaluation.curve;
    if curve.is_empty() {
        return None;
    }
    let mut svg = Svg::new(640.0, 380.0);
    svg.heading(12.0, 20.0, 15.0, "Scores over the training");
    let note = "computed after the fit from the assignments it recorded; the fit itself saw no label";
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, note);
    let start = evaluation.start.map(|s| CurvePoint { epoch: 0, acc: s.acc, nmi: s.nmi, ari: s.ari });
    let line = |name, colour, of: fn(&CurvePoint) -> f64| Series {
        name,
        colour,
        points: start.iter().chain(curve).map(|p| (p.epoch as f64, of(p))).collect(),
    };
    let series =
        [line("ACC", BLUE, |p| p.acc), line("NMI", RED, |p| p.nmi), line("ARI", "#59a14f", |p| p.ari)];
    let lowest = curve.iter().map(|p| p.acc.min(p.nmi).min(p.ari)).fold(0.0, f64::min);
    let place = Place { x: 8.0, y: 44.0, width: 620.0, height: 330.0 };
    panel(&mut svg, place, "", &series, Some((lowest, 1.0)));
    Some(svg)
}
