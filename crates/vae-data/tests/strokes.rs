//! The embedded data set is frozen, reproducible image by image, balanced, and readable by a plain
//! classifier.

use ndarray::{Array1, Array3, s};
use sha2::{Digest, Sha256};
use vae_data::strokes::{DEFAULT_N, DEFAULT_SEED, DEFAULT_SHA256, N_CLASSES, SIDE, strokes};

fn sha256(images: &Array3<u8>, labels: &Array1<u32>) -> String {
    let mut hash = Sha256::new();
    hash.update(images.as_slice().expect("a fresh array is contiguous"));
    hash.update(labels.iter().map(|&l| u8::try_from(l).expect("a digit")).collect::<Vec<u8>>());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sq_dist(a: &[u8], b: &[u8]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)) * u32::from(a.abs_diff(b))).sum()
}

#[test]
fn the_default_set_is_frozen() {
    let (images, labels) = strokes(DEFAULT_N, DEFAULT_SEED);
    assert_eq!(images.dim(), (DEFAULT_N, SIDE, SIDE));
    assert_eq!(sha256(&images, &labels), DEFAULT_SHA256);
}

#[test]
fn an_image_depends_on_seed_and_index_alone() {
    let (images, labels) = strokes(300, 7);
    let (first, first_labels) = strokes(40, 7);
    assert_eq!(images.slice(s![..40, .., ..]), first);
    assert_eq!(labels.slice(s![..40]), first_labels);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        assert_eq!(pool.install(|| strokes(300, 7)), (images.clone(), labels.clone()));
    }
    assert_ne!(strokes(300, 8).0, images);
    assert_eq!(strokes(0, 7).0.dim(), (0, SIDE, SIDE));
}

#[test]
fn classes_are_balanced_and_images_are_inked_inside_the_frame() {
    let (images, labels) = strokes(DEFAULT_N, DEFAULT_SEED);
    for class in 0..N_CLASSES as u32 {
        // five standard deviations of a binomial count: 5 sqrt(n p (1 - p)) = 150
        let count = labels.iter().filter(|&&l| l == class).count();
        assert!((850..=1150).contains(&count), "class {class}: {count}");
    }
    let mean = images.iter().map(|&v| f64::from(v)).sum::<f64>() / images.len() as f64;
    assert!((28.0..36.0).contains(&mean), "mean grey value {mean}; that of MNIST is 33");
    let mut touching = 0;
    for image in images.outer_iter() {
        assert!(image.iter().any(|&v| v > 128), "an image without ink");
        let border = [image.row(0), image.row(SIDE - 1), image.column(0), image.column(SIDE - 1)];
        touching += usize::from(border.iter().any(|edge| edge.iter().any(|&v| v > 128)));
    }
    assert!(touching < DEFAULT_N / 100, "{touching} digits run over the frame");
}

#[test]
fn nearest_neighbours_read_the_digits() {
    let (images, labels) = strokes(6000, DEFAULT_SEED);
    let pixels = images.as_slice().expect("a fresh array is contiguous");
    let image = |i: usize| &pixels[i * SIDE * SIDE..(i + 1) * SIDE * SIDE];
    let mut right = 0;
    for test in 5000..6000 {
        let mut nearest: Vec<(u32, usize)> = (0..5000).map(|i| (sq_dist(image(test), image(i)), i)).collect();
        nearest.select_nth_unstable(4);
        let mut votes = [0; N_CLASSES];
        nearest[..5].iter().for_each(|&(_, i)| votes[labels[i] as usize] += 1);
        let winner = (0..N_CLASSES).max_by_key(|&class| votes[class]).expect("ten classes");
        right += usize::from(winner == labels[test] as usize);
    }
    assert!(right >= 970, "{right} of 1000");
}
