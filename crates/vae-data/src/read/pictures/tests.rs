//! Tests of folders of pictures.

use std::fs;

use image::{GrayImage, ImageBuffer, Luma, LumaA, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::memory::tests::with_memory;

fn read(folder: &Path, size: Option<(usize, usize)>) -> Result<Raw> {
    super::read(folder, size).map(|(raw, _)| raw)
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
    let raw = read(dir.path(), None).expect("sound");
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
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!(raw.labels, Some(RawLabels::Texts(vec!["cats".into(), "dogs".into()])));
    grey(dir.path().join("loose.png"), 1, 1, vec![0]);
    assert!(read(dir.path(), None).expect_err("loose").to_string().contains("1 pictures lie beside"));
}

#[test]
fn what_lies_deeper_is_named_and_not_left_out() {
    let dir = tempfile::tempdir().expect("folder");
    grey(dir.path().join("train/cats/1.png"), 1, 1, vec![0]);
    let message = || read(dir.path(), None).expect_err("deep").to_string();
    let nested = dir.path().join("train").join("cats").display().to_string();
    let expected = format!("{nested}: one level of sub-folders, the classes, is read; move the pictures");
    assert!(message().starts_with(&expected), "{}", message());
    grey(dir.path().join("dogs/1.png"), 1, 1, vec![0]);
    assert!(message().starts_with(&expected), "{}", message());
    fs::rename(dir.path().join("train/cats"), dir.path().join("train/.cats")).expect("hidden");
    assert_eq!(read(dir.path(), None).expect("hidden folders do not count").n, 1);
}

#[test]
fn colours_are_channels_first_and_sixteen_bits_are_fractions() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("p.png");
    RgbImage::from_raw(2, 1, vec![255, 0, 51, 0, 255, 102]).expect("size").save(&path).expect("picture");
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!(raw.x, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
    assert_eq!(raw.image, Some(ImageShape { channels: 3, height: 1, width: 2 }));
    ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![13107_u16]).expect("size").save(&path).expect("picture");
    assert_eq!(read(dir.path(), None).expect("sound").x, [0.2]);
}

#[test]
fn transparent_pixels_are_put_on_white() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("p.png");
    let save = |alpha| {
        let pixels = vec![51_u8, alpha];
        ImageBuffer::<LumaA<u8>, _>::from_raw(1, 1, pixels).expect("size").save(&path).expect("picture");
    };
    save(255);
    let raw = read(dir.path(), None).expect("opaque");
    assert_eq!((raw.x, raw.notes.len()), (vec![0.2], 0));
    save(0);
    let raw = read(dir.path(), None).expect("transparent");
    assert_eq!((raw.x, raw.d), (vec![1.0], 1));
    assert_eq!(raw.notes[0].text, "1 picture with transparent pixels put on white");
    save(51);
    let x = read(dir.path(), None).expect("half").x;
    assert!((x[0] - (0.2 * 0.2 + 0.8)).abs() < 1e-6, "{x:?}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("folder");
    assert!(matches!(read(dir.path(), None), Err(Error::Empty { .. })));
    let message = || read(dir.path(), None).expect_err("damaged").to_string();
    fs::write(dir.path().join("orders.csv"), "a,b\n1,2\n").expect("file");
    assert!(message().contains("tables and arrays are given as files, such as orders.csv"), "{}", message());
    fs::remove_file(dir.path().join("orders.csv")).expect("removed");
    grey(dir.path().join("a.png"), 2, 1, vec![0, 0]);
    fs::write(dir.path().join("b.png"), "no picture").expect("file");
    assert!(message().contains("b.png: is none of PNG, JPEG, BMP"), "{}", message());
    let mut cut = png(5, 3);
    cut.truncate(50);
    fs::write(dir.path().join("b.png"), cut).expect("file");
    assert!(message().contains("b.png: cannot be read as a picture ("), "{}", message());
    fs::remove_file(dir.path().join("b.png")).expect("file");
    fs::write(dir.path().join("c.heic"), "").expect("file");
    assert!(
        message().contains("c.heic: heic pictures are not read; convert it to one of PNG"),
        "{}",
        message()
    );
    let zero = read(dir.path(), Some((0, 3))).expect_err("no height");
    assert!(zero.to_string().contains("--image-size"), "{zero}");
}

#[test]
fn files_have_their_names_and_others_are_told() {
    let dir = tempfile::tempdir().expect("folder");
    // Bytes, not numbers or an alphabet, decide: capitals first, 10 before 9.
    for name in ["9.png", "10.png", "b.png", "B.png"] {
        grey(dir.path().join("k").join(name), 1, 1, vec![0]);
    }
    grey(dir.path().join("K/é.png"), 1, 1, vec![0]);
    fs::write(dir.path().join("k/notes.txt"), "left out").expect("file");
    let (raw, ids) = super::read(dir.path(), None).expect("sound");
    assert_eq!(ids.name(), "file");
    assert_eq!(ids.iter().collect::<Vec<_>>(), ["K/é.png", "k/10.png", "k/9.png", "k/B.png", "k/b.png"]);
    assert_eq!(raw.notes[0].text, "1 file left out, no picture by name: k/notes.txt");
}

#[test]
fn other_sizes_become_the_most_common_one() {
    let dir = tempfile::tempdir().expect("folder");
    grey(dir.path().join("a.png"), 4, 2, vec![255; 8]);
    grey(dir.path().join("b.png"), 2, 2, vec![0, 51, 0, 51]);
    grey(dir.path().join("c.png"), 2, 2, vec![102; 4]);
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!(raw.image, Some(ImageShape { channels: 1, height: 2, width: 2 }));
    assert_eq!(raw.x[4..], [0.0, 0.2, 0.0, 0.2, 0.4, 0.4, 0.4, 0.4], "of this size already");
    assert!(raw.x[..4].iter().all(|v| (v - 1.0).abs() < 1e-6), "{:?}", raw.x);
    assert!(
        raw.notes[0].text.starts_with("1 of 3 pictures resized to 2x2 (height x width), the most common")
    );
    // Said: all of them, and the mean of what comes together.
    let raw = read(dir.path(), Some((1, 1))).expect("sound");
    assert_eq!((raw.n, raw.d), (3, 1));
    raw.x.iter().zip([1.0, 0.1, 0.4]).for_each(|(v, expected)| assert!((v - expected).abs() < 1e-6, "{v}"));
    assert_eq!(raw.notes[0].text, "3 of 3 pictures resized to 1x1");
    // Of equally common sizes the first by name.
    fs::remove_file(dir.path().join("c.png")).expect("file");
    assert_eq!(read(dir.path(), None).expect("sound").d, 8);
}

#[test]
fn one_picture_in_colour_makes_all_so() {
    let dir = tempfile::tempdir().expect("folder");
    grey(dir.path().join("a.png"), 1, 1, vec![51]);
    RgbImage::from_raw(1, 1, vec![255, 0, 102])
        .expect("size")
        .save(dir.path().join("b.png"))
        .expect("picture");
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!((raw.d, raw.x), (3, vec![0.2, 0.2, 0.2, 1.0, 0.0, 0.4]));
    assert_eq!(raw.notes[0].text, "1 picture grey, 1 in colour: all are read in colour");
}

#[test]
fn twelve_bits_in_sixteen_are_not_nearly_black() {
    let dir = tempfile::tempdir().expect("folder");
    let save = |name: &str, values: Vec<u16>| {
        let buffer = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, values).expect("size");
        buffer.save(dir.path().join(name)).expect("picture");
    };
    save("a.png", vec![0, 819]);
    save("b.png", vec![4095, 1]);
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!(raw.x, [0.0, 0.2, 1.0, 1.0 / 4095.0]);
    assert!(
        raw.notes[0]
            .text
            .contains("2 16-bit pictures are at most 4095: they are read as 12 bits, 4095 being full")
    );
    // One value more, and all 16 bits count.
    save("b.png", vec![4096, 13107]);
    let raw = read(dir.path(), None).expect("sound");
    assert_eq!((raw.x[3], raw.notes.len()), (0.2, 0));
    save("b.png", vec![255, 51]);
    assert_eq!(
        read(dir.path(), None).expect("ten bits").x,
        [0.0, 819.0 / 1023.0, 255.0 / 1023.0, 51.0 / 1023.0]
    );
    // Black is black.
    for name in ["a.png", "b.png"] {
        save(name, vec![0, 0]);
    }
    let raw = read(dir.path(), None).expect("black");
    assert_eq!((raw.x, raw.notes.len()), (vec![0.0; 4], 0));
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    GrayImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Png).expect("picture");
    bytes.into_inner()
}

#[test]
fn a_picture_that_would_fill_the_memory_is_refused_by_its_header() {
    // 25,000 x 25,000 grey pixels: 600 MiB in about 600 kB.
    let dir = tempfile::tempdir().expect("folder");
    let mut bytes = png(1, 1);
    // Width and height stand in the first chunk, whose checksum follows its 13 bytes.
    bytes[16..24].copy_from_slice(&[0, 0, 0x61, 0xa8, 0, 0, 0x61, 0xa8]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(dir.path().join("a.png"), &bytes).expect("file");
    let too_large = |size| with_memory(1 << 28, || read(dir.path(), size)).expect_err("too large");
    assert!(matches!(too_large(None), Error::TooLarge { .. }));
    // Also where what becomes of it is small.
    assert!(matches!(too_large(Some((2, 2))), Error::TooLarge { .. }));
    grey(dir.path().join("b.png"), 1, 1, vec![0]);
    grey(dir.path().join("c.png"), 1, 1, vec![0]);
    assert!(matches!(too_large(None), Error::TooLarge { .. }));
}

proptest! {
    #[test]
    fn damaged_pictures_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().expect("folder");
        let mut bytes = png(5, 3);
        let place = at.index(bytes.len());
        bytes[place] = byte;
        fs::write(dir.path().join("a.png"), &bytes).expect("file");
        let _ = read(dir.path(), None);
        bytes.truncate(keep.index(bytes.len()));
        fs::write(dir.path().join("a.png"), &bytes).expect("file");
        let _ = read(dir.path(), None);
    }
}
