//! `vae features`: pictures through a trained network, kept with where they come from.

use crate::args::{FeatureModel, FeaturesArgs};
use crate::commands::outputs::{Format, check_out, format_of};
use crate::commands::threads;
use crate::files;
use crate::output::{duration, remark, say, thousands};
use crate::progress::for_stderr;
use anyhow::{Context, Result, bail};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;
use vae_core::device::{configure_process, device_name};
use vae_core::fsio::write_bytes;
use vae_data::{DataSet, ImageShape, LoadOptions, Places, Source, Values, provenance_of, registry};
use vae_features::resnet::{ResNet50, batch_size};
use vae_features::weights;

/// The set of features and the set of pictures they are made of.
const STL10: (&str, &str) = ("stl10", "stl10-images");

/// Where features come from: `FILE.npy.json` beside `FILE.npy`.
#[derive(Serialize)]
struct Provenance<'a> {
    schema: u32,
    model: &'a str,
    weights_file: String,
    weights_sha256: &'a str,
    /// What the publisher calls these weights, if they are known.
    weights_title: Option<&'a str>,
    images: &'a str,
    images_sha256: &'a str,
    image: ImageShape,
    n: usize,
    dim: usize,
    preprocessing: &'a str,
    features_sha256: String,
    device: String,
    threads: usize,
    version: &'a str,
}

/// Writes the features and their provenance.
///
/// # Errors
/// Data that are no pictures, weights of another network, files.
pub fn run(args: &FeaturesArgs) -> Result<()> {
    let started = Instant::now();
    let FeatureModel::Resnet50 = args.model;
    let source = source(&args.images)?;
    let out = out(args)?;
    check_out(&out, &[Path::new(&args.images), &args.weights])?;
    format_of(&out, &[(Format::Npy, "npy")])?;
    let threads = threads(args.threads);
    configure_process(threads);
    let device = args.device.resolve()?;

    let trained = weights::read(&args.weights)?;
    let title = title_of(&trained.sha256);
    let net = ResNet50::new(&trained.tensors, device)
        .with_context(|| format!("{} cannot be used", args.weights.display()))?;
    drop(trained.tensors);
    remark(format_args!(
        "weights {}: {}",
        args.weights.display(),
        title.unwrap_or("unknown to the registry")
    ));

    let options = LoadOptions { data_dir: args.data_dir.clone(), ..LoadOptions::default() };
    let (set, _) = vae_data::load(&source, &options)?;
    let (x, image) = pictures(&set, &args.images)?;
    let (n, shape) = (x.nrows(), image);
    if is_made(&out, [&set.sha256, &trained.sha256], n) {
        return say(&format!("{} has the features of these images and weights already\n", out.display()));
    }
    let batch = batch_size(image.height, image.width, device);
    remark(format_args!("{} images of {image}, {batch} at a time, on {}", thousands(n), device_name(device)));
    let progress = for_stderr();
    let features = net.features_of_rows(x, shape, |done| {
        if (done / batch).is_multiple_of(20) {
            progress.note(&format!("{} of {} images", thousands(done), thousands(n)));
        }
    })?;
    if features.iter().any(|v| !v.is_finite()) {
        bail!("the features overflow: {} does not hold a trained network", args.weights.display());
    }
    let provenance = Provenance {
        schema: 1,
        model: "resnet50",
        weights_file: args.weights.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        weights_sha256: &trained.sha256,
        weights_title: title,
        images: &set.name,
        images_sha256: &set.sha256,
        image,
        n: features.nrows(),
        dim: features.ncols(),
        preprocessing: "values in [0, 1], ImageNet mean and deviation, no resizing; average of the last maps",
        features_sha256: vae_data::content_sha256(Values::Dense(features.view()), None),
        device: device_name(device),
        threads,
        version: env!("CARGO_PKG_VERSION"),
    };
    write(&out, features.view(), &provenance)?;
    let (n, d) = features.dim();
    let time = duration(started.elapsed().as_secs_f64());
    say(&format!("{} images, {d} features each, in {time}: {}\n", thousands(n), out.display()))
}

/// What the publisher calls the weights in a file with this hash, if they are known.
fn title_of(sha256: &str) -> Option<&'static str> {
    let known = registry().weights.iter().find(|w| sha256.starts_with(&w.sha256_begins));
    known.filter(|w| w.model == "resnet50").map(|w| w.title.as_str())
}

/// Features must never lie beside the provenance of others.
fn write(out: &Path, features: ArrayView2<'_, f32>, provenance: &Provenance<'_>) -> Result<()> {
    let beside = provenance_of(out);
    if beside.exists() {
        std::fs::remove_file(&beside).with_context(|| format!("cannot replace {}", beside.display()))?;
    }
    files::write_npy_f32(out, features)?;
    write_bytes(&beside, (serde_json::to_string_pretty(provenance)? + "\n").as_bytes())?;
    Ok(())
}

/// What must agree for features to be those that would be computed again.
#[derive(Deserialize)]
struct Made {
    images_sha256: String,
    weights_sha256: String,
    features_sha256: String,
}

/// Whether `out` holds the features of these `n` pictures and weights, by its provenance and its
/// content.
fn is_made(out: &Path, [images, weights]: [&str; 2], n: usize) -> bool {
    let made =
        std::fs::read(provenance_of(out)).ok().and_then(|text| serde_json::from_slice::<Made>(&text).ok());
    made.is_some_and(|made| {
        made.images_sha256 == images
            && made.weights_sha256 == weights
            && vae_data::load(&Source::Path(out.to_owned()), &LoadOptions::default())
                .is_ok_and(|(set, _)| set.x.n() == n && set.sha256 == made.features_sha256)
    })
}

/// The pictures: `stl10` means the pictures its features are made of.
fn source(images: &str) -> Result<Source> {
    Ok(if images == STL10.0 { Source::Known(STL10.1.to_owned()) } else { images.parse()? })
}

/// Where to write: as said, or for STL-10 where `--data stl10` looks.
fn out(args: &FeaturesArgs) -> Result<PathBuf> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    if args.images != STL10.0 && args.images != STL10.1 {
        bail!("say where to write the features: --out FILE.npy");
    }
    let folder = Places::from_env(args.data_dir.as_deref()).require(registry().require(STL10.1)?)?;
    Ok(folder.join("resnet50.npy"))
}

fn pictures<'s>(set: &'s DataSet, name: &str) -> Result<(ArrayView2<'s, f32>, ImageShape)> {
    let (Some(x), Some(image)) = (set.x.as_dense(), set.image) else {
        bail!(
            "{name} holds no images: a folder of PNG files, or arrays of three or four dimensions are needed"
        );
    };
    if x.iter().any(|v| !(0.0..=1.0).contains(v)) {
        bail!("{name} has values outside [0, 1]: save images as bytes, or divide them by their maximum");
    }
    Ok((x, image))
}
