//! Numbers of the methods on MNIST itself, behind one switch: the files are read from
//! `VAE_DATA_DIR`.

use ndarray::{Array2, s};
use vae_core::Features;
use vae_core::phase::FitContext;
use vae_data::{Error, LoadOptions, Places, Source, load_from};
use vae_graph::knn::{Knn, Metric};
use vae_models::registry::{Selection, resolve};

/// The pixels of all 70,000 images in [0, 1], or word that the test is skipped.
fn mnist_or_skip() -> Option<Array2<f32>> {
    let places = Places::new(None, std::env::var_os("VAE_DATA_DIR").map(Into::into), None);
    match load_from(&Source::Known("mnist".into()), &LoadOptions::default(), &places) {
        Ok((data, _)) => Some(data.x.as_dense().expect("no text").to_owned()),
        Err(Error::DataSetNotFound { .. }) => {
            eprintln!(
                "SKIPPED: mnist is not in VAE_DATA_DIR; set it to a folder with mnist/ to run this test"
            );
            None
        }
        Err(error) => panic!("mnist is there and cannot be read: {error}"),
    }
}

#[test]
fn imsats_neighbour_distances() {
    let Some(pixels) = mnist_or_skip() else { return };
    // The eleventh neighbour of the first three training images, with both scalings of the pixels
    // in use.
    for (factor, want) in
        [(255.0 / 128.0, [12.607_07, 9.380_29, 13.023_25]), (2.0, [12.656_51, 9.417_08, 13.074_33])]
    {
        let x = Features::dense(&pixels * factor - 1.0f32).expect("finite");
        let three = Features::dense(x.dense_rows(0, 3)).expect("finite");
        // Each image is its own nearest.
        let found = Knn { k: 12, metric: Metric::Euclidean }
            .among(&x, &three, &FitContext::in_memory(0))
            .expect("neighbours");
        for (row, want) in want.into_iter().enumerate() {
            assert_eq!((found.of(row)[0], found.distance()[[row, 0]]), (row as u32, 0.0));
            let got = found.distance()[[row, 11]];
            assert!((got - want).abs() < 1e-4, "{factor} {row}: {got}");
        }
    }
}

#[test]
fn the_spread_of_imsats_neighbour_distances() {
    let Some(pixels) = mnist_or_skip() else { return };
    let x = Features::dense(&pixels * (255.0 / 128.0) - 1.0f32).expect("finite");
    // The images with the nearest and the farthest eleventh neighbour, then a sample of 3,044.
    let rows: Vec<usize> = [69_336, 4_909].into_iter().chain((0..70_000).step_by(23)).collect();
    let some = x.as_dense().expect("no text").select(ndarray::Axis(0), &rows);
    let found = Knn { k: 12, metric: Metric::Euclidean }
        .among(&x, &Features::dense(some).expect("finite"), &FitContext::in_memory(0))
        .expect("neighbours");
    let distances = found.distance().column(11).mapv(f64::from);
    let (least, most) = (distances[0], distances[1]);
    assert!((2.717..2.719).contains(&least) && (19.002..19.004).contains(&most), "{least} {most}");
    // All 70,000 have the mean 9.998 and the deviation 2.603: three standard errors.
    let sample = distances.slice(s![2..]);
    let (mean, deviation) = (sample.mean().expect("rows"), sample.std(0.0));
    assert!((mean - 9.998).abs() < 0.142 && (deviation - 2.603).abs() < 0.1, "{mean} {deviation}");
}

#[test]
fn mnist_at_decs_scale() {
    let Some(pixels) = mnist_or_skip() else { return };
    // Half the mean square of the test images in [0, 5.1]: what the log of a public run begins near
    // (1.4832).
    let test = pixels.slice(s![60_000.., ..]);
    let half = test.iter().map(|&v| (5.1 * f64::from(v)).powi(2)).sum::<f64>() / (2.0 * test.len() as f64);
    assert!((half - 1.482_03).abs() < 1e-5, "{half}");
}

#[test]
fn vae_clusters_first_batch() {
    let Some(pixels) = mnist_or_skip() else { return };
    vae_core::device::configure_process(1);
    let image = vae_core::ImageShape { channels: 1, height: 28, width: 28 };
    for seed in 100..103 {
        let from = 1_000 * (seed as usize - 100);
        let batch = pixels.slice(s![from..from + 100, ..]).to_owned();
        let x = Features::dense(batch).and_then(|x| x.with_image(image)).expect("finite");
        let set = vec!["train.epochs=1".into(), "train.observe_every_epochs=0".into()];
        let selection = Selection { preset: Some("vae-cluster/mnist".into()), set, ..Selection::default() };
        let mut method = resolve(&selection).and_then(|r| r.build()).expect("valid");
        let summary = method.fit(&x, &FitContext::in_memory(seed)).expect("a fit");
        // One epoch of one batch: its losses are those of the initial weights.
        let terms = &summary.phases[0].history[0].terms;
        let term = |name: &str| terms.iter().find(|(n, _)| n == name).expect("a term").1;
        assert!((term("rec") - 226.7).abs() < 10.0, "{terms:?}");
        // Half a nat a dimension and a little; the noise of one batch scatters by 0.3.
        assert!((9.4..11.6).contains(&term("kl")), "{terms:?}");
        assert!((-std::f64::consts::LN_10 - 1e-4..-2.2).contains(&term("cat")), "{terms:?}");
    }
}

#[test]
fn the_purity_of_one_cluster() {
    let places = Places::new(None, std::env::var_os("VAE_DATA_DIR").map(Into::into), None);
    let Some(_) = mnist_or_skip() else { return };
    let (_, labels) =
        load_from(&Source::Known("mnist".into()), &LoadOptions::default(), &places).expect("there");
    let labels = labels.expect("MNIST has labels").y;
    let train = labels.slice(s![..60_000]).mapv(|class| class.expect("every image has a label"));
    let constant = ndarray::Array1::zeros(60_000);
    let purity = vae_metrics::purity(constant.view(), train.view()).expect("a score");
    assert_eq!(purity, 6742.0 / 60_000.0);
}
