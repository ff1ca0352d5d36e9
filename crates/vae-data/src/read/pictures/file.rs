//! One picture file: what its header says, and its pixels the right way up.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::pictures::FORMATS;

/// What a decoder may take for other things than pixels, such as colour profiles.
const ASIDE_BYTES: u64 = 64 << 20;

/// What the header of a picture says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// As it is to be seen: rotated as its metadata say.
    pub height: usize,
    pub width: usize,
    pub is_colour: bool,
    /// Whether it has 16 bits a value.
    pub is_deep: bool,
    format: ImageFormat,
    orientation: Orientation,
    /// Bytes of the pixels as the decoder gives them.
    bytes: u64,
}

fn problem(path: &Path, problem: String) -> Error {
    Error::Picture { path: path.to_owned(), problem }
}

fn broken(path: &Path, error: impl std::fmt::Display) -> Error {
    problem(path, format!("cannot be read as a picture ({error}); save it again, or move it away"))
}

fn decoder(path: &Path, limits: Limits) -> Result<(impl ImageDecoder, ImageFormat)> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    // Some decoders read the whole file.
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    memory::check(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|short| short.at(path))?;
    // The content decides, not the name.
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(Error::io("read", path))?;
    let Some(format) = reader.format() else {
        return Err(problem(
            path,
            format!("is none of {FORMATS} by its content; convert it, or move it away"),
        ));
    };
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| told(path, error))?;
    Ok((decoder, format))
}

fn told(path: &Path, error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(error) => {
            problem(path, format!("is a picture of a kind that is not read ({error}); convert it to PNG"))
        }
        error => broken(path, error),
    }
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// Reads the header.
pub(super) fn look(path: &Path) -> Result<Look> {
    let (mut decoder, format) = decoder(path, limits(ASIDE_BYTES))?;
    let orientation = decoder.orientation().map_err(|error| told(path, error))?;
    let colour = decoder.color_type();
    let bytes = decoder.total_bytes();
    let (width, height) = decoder.dimensions();
    let (width, height) = if swaps_sides(orientation) { (height, width) } else { (width, height) };
    if width == 0 || height == 0 {
        return Err(problem(path, format!("has {width}x{height} pixels; move it away")));
    }
    Ok(Look {
        height: height as usize,
        width: width as usize,
        is_colour: colour.has_color(),
        is_deep: colour.bytes_per_pixel() == 2 * colour.channel_count(),
        format,
        orientation,
        bytes,
    })
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Reads the pixels, after a look at the memory that they take.
pub(super) fn decode(path: &Path, look: &Look) -> Result<DynamicImage> {
    // The pixels, what the decoder holds of them, and the numbers that are made of them. A
    // progressive JPEG is held as coefficients of two bytes.
    let times = if look.format == ImageFormat::Jpeg { 8 } else { 6 };
    let needed = usize::try_from(look.bytes).unwrap_or(usize::MAX).saturating_mul(times);
    memory::check(needed).map_err(|short| short.at(path))?;
    let mut picture = match look.format {
        ImageFormat::Jpeg => jpeg(path)?,
        _ => {
            let allowed = look.bytes.saturating_mul(times as u64).saturating_add(ASIDE_BYTES);
            let (decoder, _) = decoder(path, limits(allowed))?;
            DynamicImage::from_decoder(decoder).map_err(|error| told(path, error))?
        }
    };
    picture.apply_orientation(look.orientation);
    if (picture.height() as usize, picture.width() as usize) != (look.height, look.width) {
        return Err(broken(path, "it has changed since its header was read"));
    }
    Ok(picture)
}

/// The pixels of a JPEG file. `image` fills what is missing of a damaged one with grey; here that
/// is an error.
fn jpeg(path: &Path) -> Result<DynamicImage> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    file.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    let options =
        DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let is_grey = |decoder: &JpegDecoder<_>| decoder.input_colorspace() == Some(ColorSpace::Luma);
    decoder.decode_headers().map_err(|error| broken(path, error))?;
    let is_grey = is_grey(&decoder);
    let space = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(|error| broken(path, error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    let picture = match is_grey {
        true => GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        false => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
    };
    picture.ok_or_else(|| broken(path, "its pixels do not fill it"))
}
