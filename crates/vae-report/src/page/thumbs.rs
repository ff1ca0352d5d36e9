//! Small images of rows, as PNG.

use crate::Result;
use crate::data::{Data, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use vae_array::ImageShape;

/// Pixels of the longer side, at most.
const SIDE: usize = 48;
/// The same of an image in a [`Sheet`]: the first that fits.
const SHEET_SIDES: [usize; 4] = [32, 24, 16, 12];
/// Images in a row of a sheet.
const COLUMNS: usize = 32;

/// Smallest and largest value of all images: black and white.
pub fn range(x: ArrayView2<'_, f32>) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    x.iter().filter(|v| v.is_finite()).fold(ends, |(low, high), &v| (low.min(v), high.max(v)))
}

/// One image, made smaller by whole factors, as PNG in base64.
pub fn png(pixels: ArrayView1<'_, f32>, shape: ImageShape, range: (f32, f32)) -> Result<String> {
    let small = small(pixels, shape, range, SIDE);
    let (height, width) = size(shape, SIDE);
    encode(&small, (height, width), channels(shape))
}

/// Images of one size in a grid, which is one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The grid, a PNG in base64.
    pub png: String,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
    /// Images in a row of the grid.
    pub columns: usize,
}

/// The images of some rows of `x` in their order, in at most `most` bytes: where they do not fit,
/// smaller. None where they do not fit at all.
pub fn sheet(
    x: ArrayView2<'_, f32>,
    rows: &[usize],
    shape: ImageShape,
    most: usize,
) -> Result<Option<Sheet>> {
    let (range, channels) = (range(x), channels(shape));
    let columns = COLUMNS.min(rows.len()).max(1);
    for side in SHEET_SIDES {
        let (height, width) = size(shape, side);
        let (lines, across) = (rows.len().div_ceil(columns) * height, columns * width * channels);
        let mut grid = vec![0; lines * across];
        for (at, &row) in rows.iter().enumerate() {
            let small = small(x.row(row), shape, range, side);
            let (top, left) = (at / columns * height, at % columns * width * channels);
            for (y, line) in small.chunks_exact(width * channels).enumerate() {
                let start = (top + y) * across + left;
                grid[start..start + line.len()].copy_from_slice(line);
            }
        }
        let png = encode(&grid, (lines, columns * width), channels)?;
        if png.len() <= most {
            return Ok(Some(Sheet { png, height, width, columns }));
        }
    }
    Ok(None)
}

fn channels(shape: ImageShape) -> usize {
    if shape.channels < 3 { 1 } else { 3 }
}

/// By which whole number an image is made smaller.
fn factor(shape: ImageShape, side: usize) -> usize {
    shape.height.max(shape.width).div_ceil(side).max(1)
}

/// Height and width of an image whose longer side has at most `side` pixels.
fn size(shape: ImageShape, side: usize) -> (usize, usize) {
    let factor = factor(shape, side);
    (shape.height.div_ceil(factor).max(1), shape.width.div_ceil(factor).max(1))
}

/// The pixels of an image that was made smaller, `[height, width, channels]`.
fn small(pixels: ArrayView1<'_, f32>, shape: ImageShape, (low, high): (f32, f32), side: usize) -> Vec<u8> {
    let factor = factor(shape, side);
    let (height, width) = size(shape, side);
    let channels = channels(shape);
    let value = |channel: usize, y: usize, x: usize| {
        let (mut sum, mut count) = (0.0f64, 0usize);
        for y in y * factor..((y + 1) * factor).min(shape.height) {
            for x in x * factor..((x + 1) * factor).min(shape.width) {
                let at = (channel * shape.height + y) * shape.width + x;
                if let Some(v) = pixels.get(at).filter(|v| v.is_finite()) {
                    (sum, count) = (sum + f64::from(*v), count + 1);
                }
            }
        }
        let mean = sum / count.max(1) as f64;
        let span = f64::from(high) - f64::from(low);
        let tone = if span > 0.0 { (mean - f64::from(low)) / span } else { 0.0 };
        (255.0 * tone.clamp(0.0, 1.0)).round() as u8
    };
    let mut bytes = Vec::with_capacity(height * width * channels);
    for y in 0..height {
        for x in 0..width {
            bytes.extend((0..channels).map(|channel| value(channel, y, x)));
        }
    }
    bytes
}

fn encode(bytes: &[u8], (height, width): (usize, usize), channels: usize) -> Result<String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()?;
    Ok(STANDARD.encode(file))
}

/// The mean image of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeanImage {
    /// Its number.
    pub cluster: u32,
    /// The image, a PNG in base64.
    pub png: String,
}

impl MeanImage {
    /// The mean image of each cluster that has rows, of the first hundred clusters; nothing where
    /// the rows are no images.
    ///
    /// # Errors
    /// Inputs that do not fit each other; an image that cannot be encoded.
    pub fn of(subject: &Subject<'_>) -> Result<Vec<Self>> {
        subject.check()?;
        let Data::Images(images) = &subject.data else { return Ok(Vec::new()) };
        let k = subject.n_clusters.min(super::rows::CLUSTERS);
        let mut sums = Array2::<f64>::zeros((k, images.x.ncols()));
        let mut counts = vec![0usize; k];
        for (row, &c) in images.x.rows().into_iter().zip(subject.assignments) {
            if let Some(count) = counts.get_mut(c as usize) {
                *count += 1;
                sums.row_mut(c as usize).zip_mut_with(&row, |sum, v| *sum += f64::from(*v));
            }
        }
        let range = range(images.x);
        let filled = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        let image = |(c, count): (usize, usize)| {
            let mean = sums.row(c).mapv(|sum| (sum / count as f64) as f32);
            Ok(Self { cluster: c as u32, png: png(mean.view(), images.shape, range)? })
        };
        filled.map(image).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_png_is_a_png() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let x = array![[0.0f32, 1.0]];
        let text = png(x.row(0), shape, range(x.view())).expect("png");
        let file = STANDARD.decode(text).expect("base64");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("png");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("pixels");
        assert_eq!(pixels, [0, 255]);
    }

    #[test]
    fn a_sheet_has_the_images_in_their_order() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let x = Array2::from_shape_fn((40, 2), |(i, j)| (2 * i + j) as f32);
        let grid = sheet(x.view(), &[39, 0, 7], shape, 10_000).expect("png").expect("fits");
        assert_eq!((grid.height, grid.width, grid.columns), (1, 2, 3));
        let file = STANDARD.decode(&grid.png).expect("base64");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("png");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("pixels");
        let tone = |v: f64| (255.0 * v / 79.0).round() as u8;
        assert_eq!(pixels, [78.0, 79.0, 0.0, 1.0, 14.0, 15.0].map(tone));
        let all: Vec<usize> = (0..40).collect();
        let grid = sheet(x.view(), &all, shape, 10_000).expect("png").expect("fits");
        let file = STANDARD.decode(&grid.png).expect("base64");
        let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("png");
        assert_eq!((reader.info().size(), grid.columns), ((64, 2), 32));
        assert_eq!(sheet(x.view(), &all, shape, 20).expect("png"), None);
    }

    #[test]
    fn large_images_are_made_smaller() {
        let shape = ImageShape { channels: 3, height: 96, width: 100 };
        let x = ndarray::Array1::<f32>::from_elem(shape.dim(), 0.5);
        let file = STANDARD.decode(png(x.view(), shape, (0.0, 1.0)).expect("png")).expect("base64");
        let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("png");
        assert_eq!(reader.info().size(), (34, 32));
    }
}
