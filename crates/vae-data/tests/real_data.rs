//! The published files themselves, behind one switch: they are read from `VAE_DATA_DIR`, and every
//! set that is not there is told as skipped.

use ndarray::{ArrayView2, Axis};
use vae_data::{DataSet, Error, Labels, LoadOptions, Matrix, Places, Source, load_from, registry};
use vae_gmm::KMeansConfig;

/// Loads a set, or says that its tests are skipped.
fn load_or_skip(name: &str) -> Option<(DataSet, Labels)> {
    let dir = std::env::var_os("VAE_DATA_DIR").map(Into::into);
    let places = Places::new(None, dir, None);
    match load_from(&Source::Known(name.to_owned()), &LoadOptions::default(), &places) {
        Ok((data, labels)) => Some((data, labels.expect("known sets have labels"))),
        Err(Error::DataSetNotFound { .. }) => {
            eprintln!(
                "SKIPPED: {name} is not in VAE_DATA_DIR; set it to a folder with {name}/ to run this test"
            );
            None
        }
        Err(error) => panic!("{name} is there and cannot be read: {error}"),
    }
}

fn dense(data: &DataSet) -> ArrayView2<'_, f32> {
    data.x.as_dense().expect("no text")
}

fn counts(labels: &Labels) -> Vec<usize> {
    let mut counts = vec![0; labels.n_classes()];
    labels.labelled().1.iter().for_each(|y| counts[*y as usize] += 1);
    counts
}

#[test]
fn mnist_is_the_published_one() {
    let Some((data, labels)) = load_or_skip("mnist") else { return };
    assert_eq!((data.x.dim(), data.n_train, labels.y.len()), ((70_000, 784), 60_000, 70_000));
    assert_eq!(data.image.map(|i| (i.channels, i.height, i.width)), Some((1, 28, 28)));
    // LeCun's page: the first training labels, and the sizes of the classes.
    assert_eq!(labels.y.iter().take(5).flatten().copied().collect::<Vec<_>>(), [5, 0, 4, 1, 9]);
    assert_eq!(counts(&labels), [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]);
    assert_eq!(labels.class_names[7], "7");
    // The mean grey value that everyone normalises with, 0.1307, is that of the training images.
    let mean = dense(&data).slice_axis(Axis(0), (..60_000).into()).iter().map(|v| f64::from(*v)).sum::<f64>()
        / 47_040_000.0;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
    assert!(dense(&data).iter().all(|v| (0.0..=1.0).contains(v)));
}

#[test]
fn fashion_mnist_is_the_published_one() {
    let Some((data, labels)) = load_or_skip("fashion-mnist") else { return };
    assert_eq!((data.x.dim(), data.n_train), ((70_000, 784), 60_000));
    assert_eq!(counts(&labels), [7000; 10]);
    assert_eq!((labels.y[0], labels.class_names[9].as_str()), (Some(9), "Ankle boot"));
    let mean = dense(&data).slice_axis(Axis(0), (..60_000).into()).iter().map(|v| f64::from(*v)).sum::<f64>()
        / 47_040_000.0;
    assert!((mean - 0.2860).abs() < 5e-5, "{mean}");
}

#[test]
fn hhar_is_the_published_one() {
    let Some((data, labels)) = load_or_skip("hhar") else { return };
    assert_eq!((data.x.dim(), data.n_train, data.image), ((10_299, 561), 7_352, None));
    // Sizes of the classes over both splits, from the publisher's label files.
    assert_eq!(counts(&labels), [1722, 1544, 1406, 1777, 1906, 1944]);
    assert_eq!(
        labels.class_names,
        ["WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING"]
    );
    assert_eq!(labels.y[0], Some(4), "the first row is STANDING, 5 in the file");
    assert_eq!(dense(&data)[[0, 0]], 2.885_845e-1);
    assert!(dense(&data).iter().all(|v| (-1.0..=1.0).contains(v)));
}

/// Recorded runs are held against these hashes: a reader that changed a value makes all of them
/// incomparable.
#[test]
fn features_are_those_of_the_registry() {
    let mut wrong = Vec::new();
    for name in ["strokes", "mnist", "hhar", "fashion-mnist", "reuters21578"] {
        let Some((mut data, _)) = load_or_skip(name) else { continue };
        let entry = registry().get(name).expect("a known set");
        let all = Some(data.sha256.clone());
        let train = (data.n_train < data.x.n()).then(|| {
            data.keep_first(data.n_train);
            data.sha256.clone()
        });
        if (&all, &train) != (&entry.content_sha256, &entry.train_content_sha256) {
            wrong.push(format!("{name}: {all:?}, training split {train:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rows and labels belong together: k-means is known to find about 60 % of the activities.
#[test]
fn k_means_on_hhar_is_as_good_as_everywhere() {
    let Some((data, labels)) = load_or_skip("hhar") else { return };
    let fit = KMeansConfig { n_init: 5, ..KMeansConfig::default() }.fit(dense(&data), 6, 0).expect("finite");
    let acc = vae_metrics::acc(fit.labels(), labels.labelled().1.view()).expect("equal lengths");
    assert!((0.58..0.62).contains(&acc), "{acc}");
}

/// The same for text; the majority class alone would have 0.574.
#[test]
fn k_means_on_reuters21578_is_as_known() {
    let Some((data, labels)) = load_or_skip("reuters21578") else { return };
    let Matrix::Sparse(x) = &data.x else { panic!("text is sparse") };
    let fit =
        KMeansConfig { n_init: 3, ..KMeansConfig::default() }.fit(x.to_dense().view(), 4, 0).expect("finite");
    let acc = vae_metrics::acc(fit.labels(), labels.labelled().1.view()).expect("equal lengths");
    assert!((0.34..0.44).contains(&acc), "{acc}");
}
