//! Rows to look at: typical ones, and ones that might be elsewhere.

use super::Options;
use super::nearest::{centres, square_distance};
use crate::clusters::{Doubtful, Member, RunnerUp, TypicalBy};
use crate::data::{Confidence, Subject};

/// Typical members of each cluster: nearest to its centre, else of the highest confidence, else the
/// first. Of equal ones the first in the data comes first.
pub fn typical(subject: &Subject<'_>, largest: Option<&[f32]>, most: usize) -> (TypicalBy, Vec<Vec<Member>>) {
    let (by, cost): (TypicalBy, Vec<f64>) = match (subject.codes, largest) {
        (Some(codes), _) => {
            let centres = centres(subject, codes);
            let of_row = |(row, &c): (usize, &u32)| square_distance(codes.row(row), &centres[c as usize]);
            (TypicalBy::Centre, subject.assignments.iter().enumerate().map(of_row).collect())
        }
        (None, Some(largest)) => (TypicalBy::Confidence, largest.iter().map(|v| -f64::from(*v)).collect()),
        (None, None) => (TypicalBy::Order, vec![0.0; subject.n()]),
    };
    let best = lowest(subject, &cost, most, |_| true);
    let member = |row: usize| member(subject, largest, row);
    (by, best.into_iter().map(|rows| rows.into_iter().map(member).collect()).collect())
}

/// The members of each cluster that the model is least sure of, if it is not sure of them.
pub fn doubtful(subject: &Subject<'_>, largest: Option<&[f32]>, options: &Options) -> Vec<Vec<Doubtful>> {
    let Some(sure) = largest else { return vec![Vec::new(); subject.n_clusters] };
    let cost: Vec<f64> = sure.iter().map(|v| f64::from(*v)).collect();
    let rows = lowest(subject, &cost, options.most_members, |row| cost[row] < options.doubt_below);
    let doubt =
        |row: usize| Doubtful { member: member(subject, largest, row), runner_up: runner_up(subject, row) };
    rows.into_iter().map(|rows| rows.into_iter().map(doubt).collect()).collect()
}

/// The most probable cluster of a row that is not its own.
fn runner_up(subject: &Subject<'_>, row: usize) -> Option<RunnerUp> {
    let Confidence::Posterior(gamma) = subject.confidence else { return None };
    let own = subject.assignments[row] as usize;
    let others = gamma.row(row).into_iter().enumerate().filter(|(c, _)| *c != own);
    // Of equal ones the first.
    let best = others.fold(None, |best: Option<(usize, f32)>, (c, &p)| match best {
        Some((_, most)) if p <= most => best,
        _ => Some((c, p)),
    });
    best.map(|(c, p)| RunnerUp { cluster: c as u32, probability: f64::from(p) })
}

fn member(subject: &Subject<'_>, largest: Option<&[f32]>, row: usize) -> Member {
    Member {
        row,
        name: subject.row_names.map(|names| names[row].clone()),
        confidence: largest.map(|values| f64::from(values[row])),
    }
}

/// The rows of the lowest `cost` of each cluster, among those that are `wanted`.
fn lowest(
    subject: &Subject<'_>,
    cost: &[f64],
    most: usize,
    wanted: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); subject.n_clusters];
    for (row, &c) in subject.assignments.iter().enumerate().filter(|(row, _)| wanted(*row)) {
        rows[c as usize].push(row);
    }
    for of in &mut rows {
        of.sort_by(|a, b| cost[*a].total_cmp(&cost[*b]).then(a.cmp(b)));
        of.truncate(most);
    }
    rows
}
