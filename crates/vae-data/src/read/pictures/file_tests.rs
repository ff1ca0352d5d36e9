//! Tests of the formats of picture files. The bytes that are written out are Pillow 13.0's.

use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, RgbImage, RgbaImage};
use proptest::prelude::*;

use crate::error::{Error, Result};
use crate::memory::tests::with_memory;
use crate::read::Raw;
use crate::read::pictures::read;

/// A progressive JPEG of 8x8 grey pixels, `36 * column`.
const PROGRESSIVE: &[u8] = &[
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00,
    0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x03, 0x02, 0x02, 0x03, 0x02, 0x02, 0x03, 0x03, 0x03,
    0x03, 0x04, 0x03, 0x03, 0x04, 0x05, 0x08, 0x05, 0x05, 0x04, 0x04, 0x05, 0x0a, 0x07, 0x07, 0x06, 0x08,
    0x0c, 0x0a, 0x0c, 0x0c, 0x0b, 0x0a, 0x0b, 0x0b, 0x0d, 0x0e, 0x12, 0x10, 0x0d, 0x0e, 0x11, 0x0e, 0x0b,
    0x0b, 0x10, 0x16, 0x10, 0x11, 0x13, 0x14, 0x15, 0x15, 0x15, 0x0c, 0x0f, 0x17, 0x18, 0x16, 0x14, 0x18,
    0x12, 0x14, 0x15, 0x14, 0xff, 0xc2, 0x00, 0x0b, 0x08, 0x00, 0x08, 0x00, 0x08, 0x01, 0x01, 0x11, 0x00,
    0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x01, 0x1f, 0xff,
    0xc4, 0x00, 0x15, 0x10, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x07, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x01, 0x05, 0x02, 0x96, 0xbf,
    0xff, 0xc4, 0x00, 0x15, 0x10, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x06, 0x3f, 0x02, 0x93,
    0xff, 0xc4, 0x00, 0x15, 0x10, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0xc1, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x01, 0x3f, 0x21, 0x8b,
    0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x10, 0xff, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x10,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x01, 0x3f, 0x10, 0x3f, 0xff, 0xd9,
];
/// Two bits a pixel: red, green, blue, and a grey of 51.
const PALETTE_PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02\x02\x03\0\0\0\x0f\xd8\xe5\xb7\0\0\0\x0cPLTE\xff\0\0\0\xff\0\0\0\xff333\x96(\x19\x0b\0\0\0\x0cIDATx\x9cc\x10`\xd8\0\0\0\xe4\0\xc1\x27\xa8\xe8W\0\0\0\0IEND\xaeB`\x82";
const PALETTE_GIF: &[u8] = b"GIF87a\x02\0\x02\0\x81\0\0\xff\0\0\0\xff\0\0\0\xff333,\0\0\0\0\x02\0\x02\0\0\x08\x07\0\x01\x04\x100  \0;";
const PALETTE_VALUES: [f32; 12] = [1.0, 0.0, 0.0, 0.2, 0.0, 1.0, 0.0, 0.2, 0.0, 0.0, 1.0, 0.2];
/// One bit a pixel: 1 0 1 1 0 0 0 0 1.
const ONE_BIT: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\t\0\0\0\x01\x01\0\0\0\0$\xb9\xb9\xd0\0\0\0\x0bIDATx\x9cc\xdcp\x01\0\x026\x01\x82pu\xba\xcb\0\0\0\0IEND\xaeB`\x82";
/// Two pixels of 51.
const WEBP: &[u8] =
    b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0/\x01\0\0\0\x07\xd0\x99\xcet\xa6\xff\x81\x88\xe8\x7f\0\0";

fn read_one(name: &str, bytes: &[u8]) -> Result<Raw> {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join(name), bytes).expect("file");
    read(dir.path(), None).map(|(raw, _)| raw)
}

fn close(found: &[f32], expected: impl IntoIterator<Item = f32>, tolerance: f32) {
    let expected: Vec<f32> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    let far = found.iter().zip(&expected).any(|(a, b)| (a - b).abs() > tolerance);
    assert!(!far, "{found:?}, expected {expected:?}");
}

/// Columns that grow brighter, `height` rows of them.
fn grey(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |column, _| image::Luma([(column * 10) as u8]))
}

fn jpeg(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 100).encode_image(picture).expect("picture");
    bytes
}

/// The file with EXIF metadata that give this orientation.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let exif =
        [b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], &[0; 6]]
            .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn jpeg_in_grey_and_colour_baseline_and_progressive() {
    let raw = read_one("a.jpg", &jpeg(&grey(16, 8))).expect("grey");
    assert_eq!((raw.d, raw.image.map(|shape| shape.channels)), (128, Some(1)));
    close(&raw.x, (0..128).map(|i| (i % 16 * 10) as f32 / 255.0), 3.0 / 255.0);

    let colour = RgbImage::from_pixel(16, 16, image::Rgb([200, 100, 50]));
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 100).encode_image(&colour).expect("picture");
    let raw = read_one("a.JPEG", &bytes).expect("colour");
    let expected = [200.0, 100.0, 50.0].into_iter().flat_map(|v| [v / 255.0; 256]);
    close(&raw.x, expected, 4.0 / 255.0);

    let raw = read_one("a.jpg", PROGRESSIVE).expect("progressive");
    close(&raw.x, (0..64).map(|i| (i % 8 * 36) as f32 / 255.0), 5.0 / 255.0);
}

#[test]
fn a_picture_stands_as_its_metadata_say() {
    let upright = jpeg(&grey(16, 8));
    let shape = |raw: &Raw| raw.image.map(|shape| (shape.height, shape.width));
    for orientation in 1..=8 {
        let raw = read_one("a.jpg", &turned(&upright, orientation)).expect("sound");
        let is_turned = orientation > 4;
        assert_eq!(shape(&raw), Some(if is_turned { (16, 8) } else { (8, 16) }), "{orientation}");
        // Brighter to the right as stored: where the light is after turning.
        let (first_row_end, first_column_end) = if is_turned { (7, 8 * 15) } else { (15, 16 * 7) };
        let is_bright = [raw.x[0], raw.x[first_row_end], raw.x[first_column_end]].map(|v| v > 0.3);
        let expected = match orientation {
            1 | 4 => [false, true, false],
            2 | 3 => [true, false, true],
            5 | 6 => [false, false, true],
            _ => [true, true, false],
        };
        assert_eq!(is_bright, expected, "{orientation}");
    }
}

#[test]
fn a_damaged_jpeg_is_named_and_not_filled_with_grey() {
    let whole = jpeg(&GrayImage::from_fn(64, 64, |x, y| image::Luma([((x * 37) ^ (y * 91)) as u8])));
    for (whole, keep) in [(whole.as_slice(), whole.len() / 2), (PROGRESSIVE, 200), (&whole, 100), (&whole, 3)]
    {
        let text = read_one("bad.jpg", &whole[..keep]).expect_err("cut").to_string();
        assert!(text.contains("bad.jpg: cannot be read as a picture ("), "{keep}: {text}");
    }
}

#[test]
fn a_jpeg_that_would_fill_the_memory_is_refused_by_its_header() {
    for whole in [jpeg(&grey(16, 8)), PROGRESSIVE.to_vec()] {
        let at =
            whole.windows(2).position(|pair| pair == [0xff, 0xc0] || pair == [0xff, 0xc2]).expect("frame");
        let mut huge = whole;
        huge[at + 5..at + 9].fill(0xff);
        let error = with_memory(1 << 28, || read_one("a.jpg", &huge)).expect_err("too large");
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}

#[test]
fn palettes_and_few_bits() {
    for (name, bytes) in [("a.png", PALETTE_PNG), ("a.gif", PALETTE_GIF)] {
        assert_eq!(read_one(name, bytes).expect(name).x, PALETTE_VALUES, "{name}");
    }
    assert_eq!(read_one("a.png", ONE_BIT).expect("one bit").x, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn other_formats_have_the_values_of_the_picture() {
    let picture = RgbImage::from_raw(2, 1, vec![255, 0, 51, 0, 255, 102]).expect("size");
    for (name, format) in
        [("a.bmp", ImageFormat::Bmp), ("a.tif", ImageFormat::Tiff), ("a.ppm", ImageFormat::Pnm)]
    {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("picture");
        assert_eq!(
            read_one(name, &bytes.into_inner()).expect(name).x,
            [1.0, 0.0, 0.0, 1.0, 0.2, 0.4],
            "{name}"
        );
    }
    // WebP knows colours alone.
    assert_eq!(read_one("a.webp", WEBP).expect("WebP").x, [0.2; 6]);
    // The content decides, not the name.
    assert_eq!(read_one("a.jpg", PALETTE_PNG).expect("PNG").x, PALETTE_VALUES);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbaImage::from_raw(1, 1, vec![255, 0, 51, 0])
        .expect("size")
        .write_to(&mut bytes, ImageFormat::Gif)
        .expect("picture");
    let raw = read_one("a.gif", &bytes.into_inner()).expect("GIF");
    assert_eq!((raw.x, raw.notes.len()), (vec![1.0; 3], 1));
}

proptest! {
    #[test]
    fn damaged_pictures_never_panic(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>(), which in 0..5_usize,
    ) {
        let mut bytes = [PROGRESSIVE, PALETTE_PNG, PALETTE_GIF, WEBP, ONE_BIT][which].to_vec();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let _ = with_memory(1 << 28, || read_one("a.jpg", &bytes));
        bytes.truncate(keep.index(bytes.len()));
        let _ = with_memory(1 << 28, || read_one("a.jpg", &bytes));
    }
}
