//! Images of clusters: real ones, generated ones, reconstructed ones.

use super::Subject;
use super::raster::{Canvas, Tone, cell};
use super::svg::{Anchor, GREY, INK, Svg};
use crate::output::thousands;
use crate::walks;
use anyhow::Result;
use ndarray::{Array2, ArrayView1, Axis, concatenate};
use vae_core::{Features, ImageShape};
use vae_models::Generator;

/// Images per cluster.
const COLUMNS: usize = 10;
/// Clusters that are shown, at most.
const ROWS: usize = 50;
const LEFT: f64 = 84.0;
const TOP: f64 = 48.0;

/// The first images of each cluster by index.
pub fn samples(subject: &Subject<'_>) -> Option<Svg> {
    let (shape, tone) = look(subject.features)?;
    let k = subject.sizes.len().min(ROWS);
    let members = first_members(subject, k, COLUMNS);
    let rows: Vec<Array2<f32>> = members.iter().map(|m| gather(subject.features, m)).collect();
    let notes: Vec<String> = subject.sizes[..k].iter().map(|n| format!("n = {}", thousands(*n))).collect();
    Some(table(
        "Samples of each cluster",
        "the first ten by their place in the data",
        &rows,
        &notes,
        (shape, tone),
    ))
}

/// New images of each cluster.
pub fn generated(subject: &Subject<'_>) -> Result<Option<Svg>> {
    let (Some((shape, tone)), Some(generator)) = (look(subject.features), subject.model.generator()) else {
        return Ok(None);
    };
    let k = subject.sizes.len().min(ROWS);
    let rows: Vec<Array2<f32>> =
        (0..k).map(|c| generator.sample(c, COLUMNS, subject.seed)).collect::<Result<_, _>>()?;
    let notes = vec![String::new(); k];
    let note = "means of p(x | z), z drawn from the cluster's part of the prior";
    Ok(Some(table("Generated samples of each cluster", note, &rows, &notes, (shape, tone))))
}

/// The way from each cluster to the nearest other.
pub fn walks(subject: &Subject<'_>) -> Result<Option<Svg>> {
    let (Some((shape, tone)), Some(generator)) = (look(subject.features), subject.model.generator()) else {
        return Ok(None);
    };
    let clusters = subject.summary.assignments.view();
    let walks = walks::of(generator, subject.embedding.view(), clusters, COLUMNS)?;
    if walks.is_empty() {
        return Ok(None);
    }
    let cells = walks.iter().enumerate().flat_map(|(row, walk)| {
        walk.x.rows().into_iter().enumerate().map(move |(column, image)| (row, column, image))
    });
    let cells: Vec<(usize, usize, ArrayView1<'_, f32>)> = cells.collect();
    let canvas = Canvas::place(&cells, (walks.len(), COLUMNS), shape, tone);
    let names: Vec<(String, String)> =
        walks.iter().map(|walk| (format!("{} → {}", walk.from, walk.to), String::new())).collect();
    let note = "from each cluster to the nearest other: decoded points between the means of their codes";
    Ok(Some(framed("Ways between clusters", note, &canvas, &names, shape)?))
}

/// Two images of each cluster, twenty at most, above what the model makes of them.
pub fn reconstructions(subject: &Subject<'_>) -> Result<Option<Svg>> {
    let (Some((shape, tone)), Some(generator)) = (look(subject.features), subject.model.generator()) else {
        return Ok(None);
    };
    let k = subject.sizes.len().min(COLUMNS);
    let pairs = first_members(subject, k, 2);
    let mut bands = Vec::new();
    for nth in 0..2 {
        let chosen: Vec<usize> = pairs.iter().filter_map(|m| m.get(nth).copied()).collect();
        if chosen.is_empty() {
            continue;
        }
        let originals = gather(subject.features, &chosen);
        bands.push(("original", originals.clone()));
        bands.push(("model", reconstruct(generator, originals, shape)?));
    }
    let views: Vec<_> = bands.iter().map(|(_, x)| x.view()).collect();
    let columns = views.iter().map(|v| v.nrows()).max().unwrap_or(0);
    let mut cells = Vec::new();
    for (row, band) in views.iter().enumerate() {
        cells.extend(band.rows().into_iter().enumerate().map(|(column, x)| (row, column, x)));
    }
    let canvas = Canvas::place(&cells, (views.len(), columns), shape, tone);
    let names: Vec<(String, String)> =
        bands.iter().map(|(name, _)| ((*name).to_string(), String::new())).collect();
    Ok(Some(framed(
        "Reconstructions",
        "one or two images of each cluster, decoded from their latent means",
        &canvas,
        &names,
        shape,
    )?))
}

fn reconstruct(generator: &dyn Generator, x: Array2<f32>, shape: ImageShape) -> Result<Array2<f32>> {
    Ok(generator.reconstruct(&Features::dense(x)?.with_image(shape)?)?)
}

/// The image shape, and the tone of all data.
fn look(features: &Features) -> Option<(ImageShape, Tone)> {
    let (low, high) = features.range();
    Some((features.image()?, Tone::from_range(low, high)))
}

/// The first `most` rows of each of `k` clusters.
fn first_members(subject: &Subject<'_>, k: usize, most: usize) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); k];
    for (row, &cluster) in subject.summary.assignments.iter().enumerate() {
        if let Some(list) = members.get_mut(cluster as usize).filter(|list| list.len() < most) {
            list.push(row);
        }
    }
    members
}

fn gather(features: &Features, rows: &[usize]) -> Array2<f32> {
    let parts: Vec<Array2<f32>> = rows.iter().map(|&r| features.dense_rows(r, r + 1)).collect();
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, features.dim())))
}

/// One row of images per cluster.
fn table(
    title: &str,
    note: &str,
    rows: &[Array2<f32>],
    notes: &[String],
    (shape, tone): (ImageShape, Tone),
) -> Svg {
    let cells: Vec<(usize, usize, ArrayView1<'_, f32>)> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, x)| {
            x.rows().into_iter().enumerate().map(move |(column, image)| (row, column, image))
        })
        .collect();
    let canvas = Canvas::place(&cells, (rows.len(), COLUMNS), shape, tone);
    let names: Vec<_> = notes.iter().enumerate().map(|(c, n)| (format!("cluster {c}"), n.clone())).collect();
    framed(title, note, &canvas, &names, shape).unwrap_or_else(|_| Svg::new(1.0, 1.0))
}

/// A canvas with a title above and two lines of text left of each row.
fn framed(
    title: &str,
    note: &str,
    canvas: &Canvas,
    rows: &[(String, String)],
    shape: ImageShape,
) -> Result<Svg> {
    let (w, h) = (canvas.size().0 as f64, canvas.size().1 as f64);
    let width = (LEFT + w + 12.0).max(560.0);
    let mut svg = Svg::new(width, TOP + h + 10.0);
    svg.heading(12.0, 20.0, 15.0, title);
    svg.text(12.0, 37.0, 11.0, Anchor::Start, GREY, note);
    svg.png(LEFT, TOP, w, h, &canvas.png()?);
    let step = cell(shape)[1] as f64;
    for (i, (name, below)) in rows.iter().enumerate() {
        let middle = TOP + (i as f64 + 0.5) * step;
        let y = if below.is_empty() { middle + 4.0 } else { middle - 2.0 };
        svg.text(LEFT - 10.0, y, 12.0, Anchor::End, INK, name);
        svg.text(LEFT - 10.0, middle + 12.0, 10.0, Anchor::End, GREY, below);
    }
    Ok(svg)
}
