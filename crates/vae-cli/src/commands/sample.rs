//! `vae sample`: new samples from the clusters of a generative model.

use crate::args::SampleArgs;
use crate::commands::open_model;
use crate::commands::outputs::{Format, check_out, format_of, tell_of_replacing};
use crate::output::say;
use crate::pictures::raster::{Canvas, Tone};
use crate::{files, input};
use anyhow::{Context, Result};
use ndarray::{Array2, Axis, concatenate};

/// Writes samples as a picture or as numbers, cluster after cluster.
///
/// # Errors
/// A model that cannot sample, a cluster there is not, a picture of what are no images, an
/// unwritable file.
pub fn run(args: &SampleArgs) -> Result<()> {
    check_out(&args.out, &[&args.model])?;
    let format = format_of(&args.out, &[(Format::Png, "png"), (Format::Npy, "npy"), (Format::Csv, "csv")])?;
    vae_core::device::configure_process(1);
    let model = open_model(&args.model, args.matmul)?;
    let generator =
        model.generator().context("this model has no distribution of each cluster to sample from; choose a method that has, such as vade")?;
    let clusters: Vec<usize> = args.cluster.map_or_else(|| (0..model.n_clusters()).collect(), |c| vec![c]);
    let n = args.n as usize;
    let parts: Vec<Array2<f32>> =
        clusters.iter().map(|&c| generator.sample(c, n, args.seed)).collect::<Result<_, _>>()?;
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    let samples = concatenate(Axis(0), &views)?;
    tell_of_replacing(&args.out);
    match format {
        Format::Npy => files::write_npy_f32(&args.out, samples.view())?,
        Format::Csv => {
            let schema = input::schema_of(&args.model)?.filter(|schema| schema.named || !schema.is_plain());
            let drawn = clusters.iter().flat_map(|&c| std::iter::repeat_n(c, n));
            files::write_samples_csv(&args.out, samples.view(), drawn, schema.as_ref())?;
        }
        Format::Png => {
            let image =
                model.image().context("the model was not fitted on images; write .npy or .csv instead")?;
            let columns = if clusters.len() == 1 { n.isqrt() + usize::from(n.isqrt().pow(2) < n) } else { n };
            let tone = Tone::of(samples.view());
            Canvas::grid(samples.view(), image, columns, tone).write_png(&args.out)?;
        }
    }
    let of = if clusters.len() == 1 { format!("cluster {}", clusters[0]) } else { "every cluster".into() };
    say(&format!("{n} samples of {of}: {}\n", args.out.display()))
}
