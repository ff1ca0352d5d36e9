//! Data made here, so that the recorded traces need no files. No generator and no function of the
//! system's mathematical library takes part: every machine makes the same bytes.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use vae_core::{Csr, Features, ImageShape};

/// The made data. Classes are unequal: a half, a third and a sixth of the rows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Data {
    /// Three Gaussian groups in 9 columns within [0, 1], 240 rows: neither scaled nor shifted,
    /// Bernoulli.
    Groups,
    /// The same groups with columns on scales of 1, 10 and 100: standardised, a Gaussian
    /// likelihood.
    Scales,
    /// As `Sparse`, 640 rows: more than the eigen-solver decomposes as one dense matrix.
    Many,
    /// The same groups, 512 rows in 64 columns: for layers that are large enough for oneDNN.
    Wide,
    /// Columns 0 to 3 say one of two classes, columns 4 to 7 another, 240 rows.
    Facets,
    /// Grey pictures of 8 × 8 pixels with stripes of three directions, 180 of them.
    Pictures,
    /// The same of 14 × 14 pixels, 96 of them.
    LargePictures,
    /// Colour pictures of 8 × 8 pixels, 180 of them.
    Colours,
    /// A sparse matrix of 30 columns, a third of them for each class, 240 rows.
    Sparse,
}

impl Data {
    /// The features.
    pub fn features(self) -> Features {
        let (grey, colour) = (1, 3);
        match self {
            Self::Groups => groups(240, 9),
            Self::Many => sparse(640, 30),
            Self::Wide => groups(512, 64),
            Self::Scales => {
                let x = groups(240, 9).dense_rows(0, 240);
                let scaled = |(_, j): (usize, usize), v: &f32| {
                    [1.0, 10.0, 100.0][j / 3] * (v - 0.5) + [0.0, 3.0, -50.0][j / 3]
                };
                dense(Array2::from_shape_fn(x.dim(), |at| scaled(at, &x[at])))
            }
            Self::Facets => dense(Array2::from_shape_fn((240, 8), |(i, j)| {
                let side = if j < 4 { i % 2 } else { (i / 2) % 2 };
                (if side == 0 { 0.25 } else { 0.75 }) + 0.07 * normal(i, j)
            })),
            Self::Pictures => pictures(180, ImageShape { channels: grey, height: 8, width: 8 }),
            Self::LargePictures => pictures(96, ImageShape { channels: grey, height: 14, width: 14 }),
            Self::Colours => pictures(180, ImageShape { channels: colour, height: 8, width: 8 }),
            Self::Sparse => sparse(240, 30),
        }
    }
}

/// A number in [0, 1) for each pair (SplitMix64's mixing function).
fn uniform(i: usize, j: usize) -> f32 {
    let mut bits =
        (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (j as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 40) as f32 / (1u64 << 24) as f32
}

/// Nearly a standard normal for each pair: twelve uniform numbers, less their mean.
fn normal(i: usize, j: usize) -> f32 {
    (0..12).map(|part| uniform(i, 1000 * (j + 1) + part)).sum::<f32>() - 6.0
}

fn class(i: usize) -> usize {
    [0, 1, 0, 2, 1, 0][i % 6]
}

fn dense(x: Array2<f32>) -> Features {
    Features::dense(x).expect("finite")
}

fn groups(n: usize, d: usize) -> Features {
    dense(Array2::from_shape_fn((n, d), |(i, j)| {
        let mean = if j % 3 == class(i) { 0.75 } else { 0.25 };
        (mean + 0.08 * normal(i, j)).clamp(0.0, 1.0)
    }))
}

fn pictures(n: usize, image: ImageShape) -> Features {
    let x = Array2::from_shape_fn((n, image.dim()), |(i, j)| {
        let (channel, pixel) = (j / (image.height * image.width), j % (image.height * image.width));
        let (row, column) = (pixel / image.width, pixel % image.width);
        let along = [row, column, row + column][class(i)] + channel;
        let mean = if (along / 2).is_multiple_of(2) { 0.75 } else { 0.2 };
        (mean + 0.08 * normal(i, j)).clamp(0.0, 1.0)
    });
    dense(x).with_image(image).expect("the same size")
}

fn sparse(n: usize, d: usize) -> Features {
    let mut csr = Csr { indptr: vec![0], indices: Vec::new(), values: Vec::new(), n_columns: d };
    for i in 0..n {
        for j in 0..d {
            let share = if j % 3 == class(i) { 0.7 } else { 0.1 };
            if uniform(i, j) < share {
                csr.indices.push(j as u32);
                csr.values.push(0.4 + 0.4 * uniform(i, j + d));
            }
        }
        csr.indptr.push(csr.values.len());
    }
    Features::sparse(csr).expect("consistent")
}
