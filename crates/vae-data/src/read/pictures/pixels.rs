//! From pixels to numbers: fractions of full intensity, channels first, without transparency, in
//! the size that is wanted.

use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{ColorType, DynamicImage, ImageBuffer, Luma};
use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::element::unit_interval;

/// The largest value of a 16-bit picture, its transparency aside; 0 for others.
pub(super) fn largest_deep(picture: &DynamicImage) -> u16 {
    let of = |values: &[u16]| values.iter().copied().max().unwrap_or(0);
    match picture {
        DynamicImage::ImageLuma16(pixels) => of(pixels.as_raw()),
        DynamicImage::ImageRgb16(pixels) => of(pixels.as_raw()),
        DynamicImage::ImageLumaA16(pixels) => pixels.pixels().map(|pixel| pixel.0[0]).max().unwrap_or(0),
        DynamicImage::ImageRgba16(pixels) => {
            pixels.pixels().map(|pixel| of(&pixel.0[..3])).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Numbers of a picture, `[channels, height, width]`.
pub(super) struct Planes {
    values: Vec<f32>,
    channels: usize,
    pub height: usize,
    pub width: usize,
    /// Whether there were transparent pixels: they are on white now.
    pub was_transparent: bool,
}

impl Planes {
    /// The numbers of a picture; `full` is the full intensity of 16-bit values.
    pub fn of(path: &Path, picture: &DynamicImage, full: u16) -> Result<Self> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let stored = usize::from(picture.color().channel_count());
        let has_alpha = picture.color().has_alpha();
        let channels = stored - usize::from(has_alpha);
        let Some(value) = decode(picture, full) else {
            let problem =
                format!("has pixels of {:?}, which are not read; convert it to PNG", picture.color());
            return Err(Error::Picture { path: path.to_owned(), problem });
        };
        let alpha_of = alpha(picture);
        let pixels = width * height;
        let mut values = Vec::new();
        memory::reserve(&mut values, pixels * channels).map_err(|short| short.at(path))?;
        let mut was_transparent = false;
        for channel in 0..channels {
            values.extend((0..pixels).map(|i| {
                let value = value(i * stored + channel);
                let alpha = if has_alpha { alpha_of(i * stored + channels) } else { 1.0 };
                if alpha < 1.0 {
                    was_transparent = true;
                    return value * alpha + (1.0 - alpha);
                }
                value
            }));
        }
        Ok(Self { values, channels, height, width, was_transparent })
    }

    /// Appends the numbers in the given size and number of channels: grey ones go to all three.
    pub fn append(self, path: &Path, shape: ImageShape, out: &mut Vec<f32>) -> Result<()> {
        let short = |short: memory::Shortage| short.at(path);
        let size = self.height * self.width;
        let is_resized = (self.height, self.width) != (shape.height, shape.width);
        if is_resized {
            // On the way there are four numbers a pixel, of the new height and the old width.
            let between = shape.height.saturating_mul(self.width).saturating_mul(4);
            let values = between.saturating_add(shape.height.saturating_mul(shape.width));
            memory::check(values.saturating_mul(size_of::<f32>())).map_err(short)?;
        }
        memory::reserve(out, shape.dim()).map_err(short)?;
        for channel in 0..shape.channels {
            let channel = if self.channels == 1 { 0 } else { channel };
            let plane = &self.values[channel * size..(channel + 1) * size];
            match is_resized {
                true => out.extend(self.resized(plane, shape)),
                false => out.extend_from_slice(plane),
            }
        }
        Ok(())
    }

    /// A plane in another size, each value a mean of the values around it that are nearest.
    fn resized(&self, plane: &[f32], shape: ImageShape) -> Vec<f32> {
        let buffer: Option<ImageBuffer<Luma<f32>, _>> =
            ImageBuffer::from_raw(self.width as u32, self.height as u32, plane);
        let (width, height) = (shape.width as u32, shape.height as u32);
        buffer.map_or_else(Vec::new, |buffer| resize(&buffer, width, height, FilterType::Triangle).into_raw())
    }
}

/// The values by their place, channels last as in the file, as fractions of full intensity.
fn decode(picture: &DynamicImage, full: u16) -> Option<Box<dyn Fn(usize) -> f32 + '_>> {
    let bytes = picture.as_bytes();
    match picture.color() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let fractions = unit_interval();
            Some(Box::new(move |i| fractions[usize::from(bytes[i])]))
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let full = f32::from(full);
            Some(Box::new(move |i| f32::from(u16::from_ne_bytes([bytes[2 * i], bytes[2 * i + 1]])) / full))
        }
        _ => None,
    }
}

/// The opacity by its place, which has all bits of its type.
fn alpha(picture: &DynamicImage) -> Box<dyn Fn(usize) -> f32 + '_> {
    decode(picture, u16::MAX).unwrap_or_else(|| Box::new(|_| 1.0))
}
