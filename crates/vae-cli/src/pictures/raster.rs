//! Rows of features as images, in a grid.

use anyhow::Result;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use ndarray::{ArrayView1, ArrayView2};
use std::path::Path;
use vae_core::ImageShape;
use vae_core::fsio::write_atomic;

/// Pixels between two images.
const GAP: usize = 2;
/// Small images are enlarged to about this many pixels.
const SIDE: usize = 56;

/// The values that are black and white.
#[derive(Debug, Clone, Copy)]
pub struct Tone {
    low: f32,
    high: f32,
}

impl Tone {
    /// [0, 1] for values within it, as pixels have them; else from the smallest to the largest
    /// value.
    pub fn of(x: ArrayView2<'_, f32>) -> Self {
        let (low, high) =
            x.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        Self::from_range(low, high)
    }

    /// The same from the range of the values.
    pub fn from_range(low: f32, high: f32) -> Self {
        if low >= 0.0 && high <= 1.0 { Self { low: 0.0, high: 1.0 } } else { Self { low, high } }
    }

    fn byte(self, v: f32) -> u8 {
        let width = (self.high - self.low).max(f32::MIN_POSITIVE);
        (255.0 * ((v - self.low) / width).clamp(0.0, 1.0)).round() as u8
    }
}

/// A white picture in red, green, blue.
#[derive(Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// Images `[n, d]` in rows of `columns`.
    pub fn grid(x: ArrayView2<'_, f32>, shape: ImageShape, columns: usize, tone: Tone) -> Self {
        let columns = columns.max(1);
        let cells: Vec<_> =
            x.rows().into_iter().enumerate().map(|(i, r)| (i / columns, i % columns, r)).collect();
        Self::place(&cells, (x.nrows().div_ceil(columns), columns), shape, tone)
    }

    /// Images at (row, column) of a table of `(rows, columns)`; the rest stays white.
    pub fn place(
        cells: &[(usize, usize, ArrayView1<'_, f32>)],
        (rows, columns): (usize, usize),
        shape: ImageShape,
        tone: Tone,
    ) -> Self {
        let [cell_w, cell_h] = cell(shape);
        let (width, height) = ((columns * cell_w).max(1), (rows * cell_h).max(1));
        let mut canvas = Self { width, height, rgb: vec![255; 3 * width * height] };
        for (row, column, values) in cells {
            canvas.draw(column * cell_w, row * cell_h, *values, shape, tone);
        }
        canvas
    }

    fn draw(&mut self, left: usize, top: usize, values: ArrayView1<'_, f32>, shape: ImageShape, tone: Tone) {
        let (scale, plane) = (scale(shape), shape.height * shape.width);
        for y in 0..shape.height * scale {
            for x in 0..shape.width * scale {
                let pixel = (y / scale) * shape.width + x / scale;
                let at = 3 * ((top + y) * self.width + left + x);
                for c in 0..3 {
                    // One channel is grey; of more than three the first three are shown.
                    let channel = if shape.channels < 3 { 0 } else { c };
                    self.rgb[at + c] = tone.byte(values[channel * plane + pixel]);
                }
            }
        }
    }

    /// Pixels across and down.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The picture as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (w, h) = (u32::try_from(self.width)?, u32::try_from(self.height)?);
        PngEncoder::new(&mut bytes).write_image(&self.rgb, w, h, ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }

    /// Writes the PNG.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let bytes = self.png()?;
        write_atomic(path, |out| out.write_all(&bytes))?;
        Ok(())
    }
}

/// Width and height of a cell of the table, with its gap.
pub fn cell(shape: ImageShape) -> [usize; 2] {
    [shape.width * scale(shape) + GAP, shape.height * scale(shape) + GAP]
}

/// How often each pixel is repeated.
fn scale(shape: ImageShape) -> usize {
    (SIDE / shape.height.max(shape.width).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn colour_images_are_read_channel_by_channel() {
        let shape = ImageShape { channels: 3, height: 28, width: 56 };
        let plane = 28 * 56;
        let mut x = ndarray::Array2::<f32>::zeros((1, 3 * plane));
        x[[0, plane]] = 1.0; // green, first pixel
        let canvas = Canvas::grid(x.view(), shape, 1, Tone::of(x.view()));
        assert_eq!(canvas.size(), (58, 30));
        assert_eq!(canvas.rgb[..6], [0, 255, 0, 0, 0, 0]);
    }

    #[test]
    fn tones_reach_from_black_to_white() {
        let tone = Tone::of(array![[-2.0f32, 2.0]].view());
        assert_eq!([-2.0, 0.0, 2.0, 9.0].map(|v| tone.byte(v)), [0, 128, 255, 255]);
        let unit = Tone::of(array![[0.0f32, 0.5]].view());
        assert_eq!(unit.byte(0.5), 128);
        let constant = Tone::of(array![[3.0f32, 3.0]].view());
        assert_eq!(constant.byte(3.0), 0);
    }

    #[test]
    fn a_png_is_a_png() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let x = array![[0.0f32, 1.0], [1.0, 0.0], [0.5, 0.5]];
        let png = Canvas::grid(x.view(), shape, 2, Tone::of(x.view())).png().expect("png");
        assert_eq!(&png[1..4], b"PNG");
    }
}
