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

/// Smallest and largest value of all images: black and white.
pub fn range(x: ArrayView2<'_, f32>) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    x.iter().filter(|v| v.is_finite()).fold(ends, |(low, high), &v| (low.min(v), high.max(v)))
}

/// One image, made smaller by whole factors, as PNG in base64.
pub fn png(pixels: ArrayView1<'_, f32>, shape: ImageShape, (low, high): (f32, f32)) -> Result<String> {
    let factor = shape.height.max(shape.width).div_ceil(SIDE).max(1);
    let (height, width) = (shape.height.div_ceil(factor).max(1), shape.width.div_ceil(factor).max(1));
    let channels = if shape.channels < 3 { 1 } else { 3 };
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
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
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
    fn large_images_are_made_smaller() {
        let shape = ImageShape { channels: 3, height: 96, width: 100 };
        let x = ndarray::Array1::<f32>::from_elem(shape.dim(), 0.5);
        let file = STANDARD.decode(png(x.view(), shape, (0.0, 1.0)).expect("png")).expect("base64");
        let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("png");
        assert_eq!(reader.info().size(), (34, 32));
    }
}
