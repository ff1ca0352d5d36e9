//! IDX, the format of MNIST (LeCun, <http://yann.lecun.com/exdb/mnist/>): two zero bytes, a byte
//! for the kind of number, a byte for the count of dimensions, the dimensions as big-endian u32,
//! the values, row by row.

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::read::Raw;
use crate::read::element::{Element, Kind, read_converted, read_integers, read_values};
use crate::read::input::Input;
use crate::read::precision::Narrow;

/// What the header says.
struct Header {
    element: Element,
    dims: Vec<u64>,
}

const MAX_DIMS: u8 = 4;

fn read_header(input: &mut Input<'_>) -> Result<Header> {
    let mut magic = [0; 4];
    input.fill(&mut magic)?;
    let wrong = |found: String, expected: &str| {
        Err(Error::field(&input.path, "the IDX magic number", found, expected))
    };
    let [0, 0, kind, count] = magic else {
        return wrong(format!("{magic:02x?}"), "two zero bytes first; this is no IDX file");
    };
    let kind = match kind {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => {
            return wrong(
                format!("{magic:02x?}"),
                "08, 09, 0b, 0c, 0d or 0e in third place (kind of number)",
            );
        }
    };
    if count == 0 || count > MAX_DIMS {
        return wrong(format!("{magic:02x?}"), "1 to 4 in fourth place (count of dimensions)");
    }
    let mut dims = Vec::new();
    for _ in 0..count {
        let mut dim = [0; 4];
        input.fill(&mut dim)?;
        dims.push(u64::from(u32::from_be_bytes(dim)));
    }
    Ok(Header { element: Element { kind, big_endian: true }, dims })
}

/// Reads features and appends them to `out`: `[n, h, w]` and `[n, c, h, w]` are pictures, whose
/// one-byte values are divided by 255; `[n, d]` is a matrix, taken as it is. Returns `n`, `d` and
/// the shape of a picture.
pub(crate) fn read_features(
    mut input: Input<'_>,
    narrow: &mut Narrow,
    out: &mut Vec<f32>,
) -> Result<(usize, usize, Option<ImageShape>)> {
    let Header { element, dims } = read_header(&mut input)?;
    if dims.len() == 1 {
        return Err(Error::format(
            &input.path,
            "holds one number a row, so these are labels; give the features",
        ));
    }
    if dims.contains(&0) {
        return Err(Error::Empty { path: input.path, expected: "at least one row and one column" });
    }
    let promised = input.promise(&dims, element.kind.bytes() as u64)?;
    // `promise` has shown that the product fits, so every factor does.
    let sizes: Vec<usize> = dims.iter().map(|dim| *dim as usize).collect();
    let image = match sizes[1..] {
        [height, width] => Some(ImageShape { channels: 1, height, width }),
        [channels, height, width] => Some(ImageShape { channels, height, width }),
        _ => None,
    };
    let (n, d) = (sizes[0], sizes[1..].iter().product());
    narrow.begin(d, element.kind, &input.path)?;
    if element.kind == Kind::U8 {
        read_values(&mut input, element, (n, d), image.is_some(), promised, out)?;
    } else {
        read_converted(&mut input, element, (n, d), promised, out, |i, value| narrow.f32_of(i % d, value))?;
    }
    input.finish()?;
    Ok((n, d, image))
}

/// Reads one IDX file of features.
pub(crate) fn read(input: Input<'_>, narrow: &mut Narrow) -> Result<Raw> {
    let mut x = Vec::new();
    let (n, d, image) = read_features(input, narrow, &mut x)?;
    Ok(Raw { x, n, d, image, n_train: n, ..Raw::default() })
}

/// Reads one IDX file of labels: one dimension. Where the number of `rows` is known, another number
/// of labels is refused before any is read.
pub(crate) fn read_labels(mut input: Input<'_>, rows: Option<usize>) -> Result<Vec<i64>> {
    let Header { element, dims } = read_header(&mut input)?;
    if dims.len() != 1 {
        let expected = "1: these are features; give the file with the labels";
        return Err(Error::field(&input.path, "the count of dimensions", dims.len(), expected));
    }
    let promised = input.promise(&dims, element.kind.bytes() as u64)?;
    input.check_labels(dims[0] as usize, rows)?;
    let labels = read_integers(&mut input, element, dims[0] as usize, promised)?;
    input.finish()?;
    Ok(labels)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An IDX file of one-byte values.
    pub(crate) fn idx_bytes(dims: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x08, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn read_bytes(bytes: &[u8]) -> Result<Raw> {
        read(Input::bytes(bytes), &mut Narrow::plain())
    }

    #[test]
    fn pictures_become_fractions_and_matrices_stay() {
        let raw = read_bytes(&idx_bytes(&[2, 1, 2], &[0, 51, 255, 102])).expect("sound");
        assert_eq!((raw.n, raw.d, raw.image), (2, 2, Some(ImageShape { channels: 1, height: 1, width: 2 })));
        assert_eq!(raw.x, [0.0, 0.2, 1.0, 0.4]);
        let raw = read_bytes(&idx_bytes(&[2, 2], &[0, 51, 255, 102])).expect("sound");
        assert_eq!((raw.image, raw.x), (None, vec![0.0, 51.0, 255.0, 102.0]));
    }

    #[test]
    fn damaged_files_are_told_apart() {
        let good = idx_bytes(&[2, 2, 2], &[7; 8]);
        let error = read_bytes(&good[..good.len() - 3]).expect_err("cut");
        assert!(matches!(error, Error::Truncated { expected: 24, found: 21, .. }), "{error:?}");
        assert!(matches!(read_bytes(&good[..9]), Err(Error::Truncated { .. })));
        assert!(matches!(read_bytes(&[]), Err(Error::Truncated { expected: 4, found: 0, .. })));
        let long = [good.as_slice(), &[0]].concat();
        assert!(matches!(read_bytes(&long), Err(Error::TrailingBytes { expected: 24, .. })));
        for (at, value) in [(0, 1), (2, 0x0a), (3, 0), (3, 9)] {
            let mut bad = good.clone();
            bad[at] = value;
            let message = read_bytes(&bad).expect_err("magic").to_string();
            assert!(message.contains("magic"), "{message}");
        }
    }

    #[test]
    fn absurd_dimensions_are_refused_before_anything_is_allocated() {
        let overflow = idx_bytes(&[u32::MAX, u32::MAX, u32::MAX], &[]);
        assert!(matches!(read_bytes(&overflow), Err(Error::AbsurdDims { .. })));
        let huge = idx_bytes(&[u32::MAX, 1000, 1000], &[]);
        assert!(matches!(read_bytes(&huge), Err(Error::Truncated { .. })));
        // Where the length is only bounded, as in gzip, the bound decides.
        let input = Input::new(std::path::Path::new("x.gz"), huge.as_slice(), 1_000_000);
        assert!(matches!(read(input, &mut Narrow::plain()), Err(Error::AbsurdDims { .. })));
        assert!(matches!(read_bytes(&idx_bytes(&[0, 28, 28], &[])), Err(Error::Empty { .. })));
    }

    #[test]
    fn labels_and_features_are_not_mistaken_for_each_other() {
        let labels = idx_bytes(&[3], &[5, 0, 4]);
        assert_eq!(read_labels(Input::bytes(&labels), None).expect("labels"), [5, 0, 4]);
        assert!(read_bytes(&labels).expect_err("labels").to_string().contains("these are labels"));
        let images = idx_bytes(&[1, 1, 1], &[9]);
        assert!(
            read_labels(Input::bytes(&images), Some(1)).expect_err("images").to_string().contains("features")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes);
            let _ = read_labels(Input::bytes(&bytes), None);
        }

        #[test]
        fn arbitrary_dimensions_never_panic(
            kind in 7_u8..16, dims in proptest::collection::vec(any::<u32>(), 1..5), tail in 0_usize..64,
        ) {
            let mut bytes = idx_bytes(&dims, &vec![0x7f; tail]);
            bytes[2] = kind;
            let _ = read_bytes(&bytes);
        }

        #[test]
        fn written_is_read(n in 1_u32..5, h in 1_u32..5, w in 1_u32..5, seed in any::<u8>()) {
            let values: Vec<u8> = (0..n * h * w).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
            let raw = read_bytes(&idx_bytes(&[n, h, w], &values)).expect("sound");
            let expected: Vec<f32> = values.iter().map(|v| f32::from(*v) / 255.0).collect();
            prop_assert_eq!(raw.x, expected);
        }
    }
}
