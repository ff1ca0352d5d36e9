//! A folder of PNG pictures: all in the folder itself (no labels), or one sub-folder a class.

use std::path::{Path, PathBuf};

use image::{ColorType, DynamicImage, ImageReader};
use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory;
use crate::read::Raw;
use crate::read::element::unit_interval;
use crate::read::folder::{classes, names};

/// Picture formats that are not read: leaving them out silently would be worse.
pub(crate) const OTHER_PICTURES: [&str; 8] = ["jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "pgm"];

/// Reads all pictures of a folder, in the order of their paths; values are divided by their maximum (255, or 65535
/// for 16 bits). Classes are the names of the sub-folders, and names of the rows the paths below the folder.
pub(crate) fn read(folder: &Path) -> Result<(Raw, Ids)> {
    let (all, has_classes) = classes(folder, "pictures", is_picture)?;
    if all.is_empty() {
        return Err(Error::Empty {
            path: folder.to_owned(),
            expected: "PNG pictures or .txt documents, or sub-folders of them",
        });
    }
    let mut x = Vec::new();
    let mut labels = Vec::new();
    let mut first: Option<(PathBuf, ImageShape)> = None;
    let ids = names(folder, &all)?;
    for (path, class) in all {
        let shape = append(&path, &mut x)?;
        match &first {
            None => first = Some((path, shape)),
            Some((_, expected)) if *expected == shape => {}
            Some((first, expected)) => {
                let (found, expected, first) = (shape.to_string(), expected.to_string(), first.clone());
                return Err(Error::PictureShape { path, found, first, expected });
            }
        }
        labels.push(class);
    }
    let Some((_, shape)) = first else {
        return Err(Error::Empty { path: folder.to_owned(), expected: "PNG pictures" });
    };
    let d = shape.channels * shape.height * shape.width;
    let n = x.len() / d;
    let labels = has_classes.then_some(RawLabels::Texts(labels));
    Ok((Raw { x, n, d, image: Some(shape), n_train: n, labels, ..Raw::default() }, ids))
}

/// Whether a file is a PNG picture by its name.
fn is_picture(path: &Path) -> Result<bool> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if OTHER_PICTURES.contains(&extension.as_str()) {
        let problem = "only PNG is read; convert it".to_owned();
        return Err(Error::Picture { path: path.to_owned(), problem });
    }
    Ok(extension == "png")
}

/// Appends the values of one picture, channels first, and returns its shape.
fn append(path: &Path, out: &mut Vec<f32>) -> Result<ImageShape> {
    let problem = |problem: String| Error::Picture { path: path.to_owned(), problem };
    // The content decides, not the name.
    let reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(Error::io("read", path))?;
    let picture =
        reader.decode().map_err(|e| problem(format!("cannot be read as PNG ({e}); convert or remove it")))?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let channels = usize::from(picture.color().channel_count());
    let alpha = picture.color().has_alpha();
    let colours = channels - usize::from(alpha);
    let value = decode(&picture).ok_or_else(|| problem("has a pixel format that is not read".to_owned()))?;
    let pixels = width * height;
    if alpha && (0..pixels).any(|i| value(i * channels + colours) < 1.0) {
        let text = "has transparent pixels, whose colour is not defined; put it on a background";
        return Err(problem(text.to_owned()));
    }
    memory::reserve(out, pixels * colours).map_err(|short| short.at(path))?;
    for channel in 0..colours {
        out.extend((0..pixels).map(|i| value(i * channels + channel)));
    }
    Ok(ImageShape { channels: colours, height, width })
}

/// The values by their place, channels last as in the file, as fractions of their maximum.
fn decode(picture: &DynamicImage) -> Option<Box<dyn Fn(usize) -> f32 + '_>> {
    let bytes = picture.as_bytes();
    match picture.color() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let fractions = unit_interval();
            Some(Box::new(move |i| fractions[usize::from(bytes[i])]))
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            Some(Box::new(|i| f32::from(u16::from_ne_bytes([bytes[2 * i], bytes[2 * i + 1]])) / 65535.0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{GrayImage, ImageBuffer, Luma, LumaA, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn read(folder: &Path) -> Result<Raw> {
        super::read(folder).map(|(raw, _)| raw)
    }

    fn grey(path: PathBuf, width: u32, height: u32, values: Vec<u8>) {
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        GrayImage::from_raw(width, height, values).expect("size").save(path).expect("picture");
    }

    #[test]
    fn loose_pictures_have_no_labels_and_come_by_name() {
        let dir = tempfile::tempdir().expect("folder");
        grey(dir.path().join("b.png"), 2, 1, vec![255, 51]);
        grey(dir.path().join("a.PNG"), 2, 1, vec![0, 102]);
        fs::write(dir.path().join("notes.txt"), "left out").expect("file");
        fs::write(dir.path().join(".hidden.png"), "left out").expect("file");
        let raw = read(dir.path()).expect("sound");
        assert_eq!((raw.n, raw.d, raw.labels), (2, 2, None));
        assert_eq!(raw.image, Some(ImageShape { channels: 1, height: 1, width: 2 }));
        assert_eq!(raw.x, [0.0, 0.4, 1.0, 0.2]);
    }

    #[test]
    fn sub_folders_are_classes() {
        let dir = tempfile::tempdir().expect("folder");
        for class in ["dogs", "cats"] {
            grey(dir.path().join(class).join("1.png"), 1, 1, vec![class.len() as u8]);
        }
        let raw = read(dir.path()).expect("sound");
        assert_eq!(raw.labels, Some(RawLabels::Texts(vec!["cats".into(), "dogs".into()])));
        let ids = super::read(dir.path()).expect("sound").1;
        assert_eq!((ids.name(), ids.iter().collect::<Vec<_>>()), ("file", vec!["cats/1.png", "dogs/1.png"]));
        grey(dir.path().join("loose.png"), 1, 1, vec![0]);
        assert!(read(dir.path()).expect_err("loose").to_string().contains("1 pictures lie beside"));
    }

    #[test]
    fn what_lies_deeper_is_named_and_not_left_out() {
        let dir = tempfile::tempdir().expect("folder");
        grey(dir.path().join("train/cats/1.png"), 1, 1, vec![0]);
        let message = || read(dir.path()).expect_err("deep").to_string();
        let nested = dir.path().join("train").join("cats").display().to_string();
        let expected = format!("{nested}: one level of sub-folders, the classes, is read; move the pictures");
        assert!(message().starts_with(&expected), "{}", message());
        grey(dir.path().join("dogs/1.png"), 1, 1, vec![0]);
        assert!(message().starts_with(&expected), "{}", message());
        fs::rename(dir.path().join("train/cats"), dir.path().join("train/.cats")).expect("hidden");
        assert_eq!(read(dir.path()).expect("hidden folders do not count").n, 1);
    }

    #[test]
    fn colours_are_channels_first_and_sixteen_bits_are_fractions() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("p.png");
        RgbImage::from_raw(2, 1, vec![255, 0, 51, 0, 255, 102]).expect("size").save(&path).expect("picture");
        let raw = read(dir.path()).expect("sound");
        assert_eq!(raw.x, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
        assert_eq!(raw.image, Some(ImageShape { channels: 3, height: 1, width: 2 }));
        ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![13107_u16])
            .expect("size")
            .save(&path)
            .expect("picture");
        assert_eq!(read(dir.path()).expect("sound").x, [0.2]);
    }

    #[test]
    fn alpha_is_dropped_only_where_it_hides_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("p.png");
        let save = |alpha| {
            let pixels = vec![51_u8, alpha];
            ImageBuffer::<LumaA<u8>, _>::from_raw(1, 1, pixels).expect("size").save(&path).expect("picture");
        };
        save(255);
        assert_eq!(read(dir.path()).expect("opaque").x, [0.2]);
        save(254);
        assert!(read(dir.path()).expect_err("transparent").to_string().contains("transparent"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().expect("folder");
        assert!(matches!(read(dir.path()), Err(Error::Empty { .. })));
        grey(dir.path().join("a.png"), 2, 1, vec![0, 0]);
        grey(dir.path().join("b.png"), 1, 2, vec![0, 0]);
        let message = read(dir.path()).expect_err("shapes").to_string();
        assert!(message.contains("b.png is 1x2x1, but") && message.contains("a.png is 1x1x2"), "{message}");
        fs::write(dir.path().join("b.png"), "no picture").expect("file");
        assert!(read(dir.path()).expect_err("text").to_string().contains("b.png: cannot be read as PNG"));
        fs::write(dir.path().join("c.jpg"), "").expect("file");
        assert!(read(dir.path()).expect_err("jpg").to_string().contains("c.jpg: only PNG"));
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        GrayImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Png).expect("picture");
        bytes.into_inner()
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_refused() {
        // 25,000 x 25,000 grey pixels: 600 MiB in about 600 kB.
        let dir = tempfile::tempdir().expect("folder");
        let mut bytes = png(1, 1);
        // Width and height stand in the first chunk, whose checksum follows its 13 bytes.
        bytes[16..24].copy_from_slice(&[0, 0, 0x61, 0xa8, 0, 0, 0x61, 0xa8]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        fs::write(dir.path().join("a.png"), bytes).expect("file");
        let message = read(dir.path()).expect_err("too large").to_string();
        assert!(message.contains("cannot be read as PNG"), "{message}");
    }

    proptest! {
        #[test]
        fn damaged_pictures_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>()) {
            let dir = tempfile::tempdir().expect("folder");
            let mut bytes = png(5, 3);
            let place = at.index(bytes.len());
            bytes[place] = byte;
            fs::write(dir.path().join("a.png"), &bytes).expect("file");
            let _ = read(dir.path());
            bytes.truncate(keep.index(bytes.len()));
            fs::write(dir.path().join("a.png"), &bytes).expect("file");
            let _ = read(dir.path());
        }
    }
}
