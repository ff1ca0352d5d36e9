//! The hash that says whether two sets of features are the same.

use crate::{ColumnKind, Csr, ImageShape, Schema};
use ndarray::ArrayView2;
use sha2::{Digest, Sha256};

/// Values of a set of features, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Every value, `[n, d]`.
    Dense(ArrayView2<'a, f32>),
    /// Zeros left out.
    Sparse(&'a Csr),
}

/// SHA-256 of features, in lower-case hexadecimal: of their kind, their shape and their values.
///
/// The bytes hashed are, in this order and all little-endian: one byte, 0 for dense and 1 for
/// sparse; `n` and `d` as u64; the image's channels, height and width as u64, three zeros where the
/// rows are no images; then for dense features the `n * d` values as IEEE-754 binary32, row by row,
/// and for sparse ones the stored values as binary32, their columns as u32 and `indptr` as u64.
/// Labels, names and splits are not part of it.
pub fn content_sha256(values: Values<'_>, image: Option<ImageShape>) -> String {
    hex(&hash_of(values, image).finalize())
}

/// [`content_sha256`] of features that are made of a table: the same where the schema is plain or
/// absent, so that a table of numbers has the hash of its values wherever they come from.
///
/// Where it is not, the bytes of each column follow: for a number one byte 0 and the offset as
/// binary64; for a category one byte 1, the number of levels as u64, and each level as its number
/// of bytes (u64) and its UTF-8 text. Names are not part of it.
pub fn table_sha256(values: Values<'_>, image: Option<ImageShape>, schema: Option<&Schema>) -> String {
    let mut hash = hash_of(values, image);
    if let Some(schema) = schema.filter(|schema| !schema.is_plain()) {
        schema.columns.iter().for_each(|column| update_kind(&mut hash, &column.kind));
    }
    hex(&hash.finalize())
}

fn update_kind(hash: &mut Sha256, kind: &ColumnKind) {
    match kind {
        ColumnKind::Number { offset } => {
            hash.update([0]);
            hash.update(offset.to_le_bytes());
        }
        ColumnKind::Category { levels } => {
            hash.update([1]);
            hash.update((levels.len() as u64).to_le_bytes());
            for level in levels {
                hash.update((level.len() as u64).to_le_bytes());
                hash.update(level.as_bytes());
            }
        }
    }
}

fn hash_of(values: Values<'_>, image: Option<ImageShape>) -> Sha256 {
    let (kind, n, d) = match values {
        Values::Dense(x) => (0u8, x.nrows(), x.ncols()),
        Values::Sparse(csr) => (1u8, csr.n(), csr.n_columns),
    };
    let [channels, height, width] = image.map_or([0; 3], <[usize; 3]>::from);
    let mut hash = Sha256::new();
    hash.update([kind]);
    update(&mut hash, &[n, d, channels, height, width], |v| (*v as u64).to_le_bytes());
    match values {
        Values::Dense(x) => {
            let standard = x.as_standard_layout();
            update(&mut hash, standard.as_slice().unwrap_or_default(), |v| v.to_le_bytes());
        }
        Values::Sparse(csr) => {
            update(&mut hash, &csr.values, |v| v.to_le_bytes());
            update(&mut hash, &csr.indices, |v| v.to_le_bytes());
            update(&mut hash, &csr.indptr, |v| (*v as u64).to_le_bytes());
        }
    }
    hash
}

fn update<T, const N: usize>(hash: &mut Sha256, values: &[T], bytes: impl Fn(&T) -> [u8; N]) {
    const CHUNK: usize = 16 * 1024;
    let mut buffer = Vec::with_capacity(values.len().min(CHUNK) * N);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        chunk.iter().for_each(|v| buffer.extend_from_slice(&bytes(v)));
        hash.update(&buffer);
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// SHA-256 of `bytes` as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;
    use ndarray::{Array2, array};

    #[test]
    fn sha256_of_abc() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_hash_is_of_the_documented_bytes() {
        let mut bytes = vec![0u8];
        [1u64, 2, 1, 1, 2].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        [0.5f32, -1.0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        let image = ImageShape { channels: 1, height: 1, width: 2 };
        let x = array![[0.5f32, -1.0]];
        assert_eq!(content_sha256(Values::Dense(x.view()), Some(image)), sha256_hex(&bytes));

        let csr = Csr { indptr: vec![0, 0, 1], indices: vec![2], values: vec![3.0], n_columns: 3 };
        let mut bytes = vec![1u8];
        [2u64, 3, 0, 0, 0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes.extend(3.0f32.to_le_bytes());
        bytes.extend(2u32.to_le_bytes());
        [0u64, 0, 1].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        assert_eq!(content_sha256(Values::Sparse(&csr), None), sha256_hex(&bytes));
    }

    #[test]
    fn offsets_and_levels_count_and_a_plain_schema_does_not() {
        let x = array![[0.5f32, -1.0]];
        let of = |schema: Option<&Schema>| table_sha256(Values::Dense(x.view()), None, schema);
        let plain = content_sha256(Values::Dense(x.view()), None);
        assert_eq!(of(None), plain);
        assert_eq!(of(Some(&Schema::plain(true, ["a", "b"]))), plain);

        let mut bytes = vec![0u8];
        [1u64, 2, 0, 0, 0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        [0.5f32, -1.0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        let moved = |offset| Schema {
            named: true,
            columns: vec![
                Column { name: "a".into(), kind: ColumnKind::Number { offset } },
                Column::category("b", ["xy"]),
            ],
        };
        bytes.push(0);
        bytes.extend(2.5f64.to_le_bytes());
        bytes.push(1);
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(2u64.to_le_bytes());
        bytes.extend(b"xy");
        assert_eq!(of(Some(&moved(2.5))), sha256_hex(&bytes));
        assert_ne!(of(Some(&moved(2.25))), of(Some(&moved(2.5))));
        let renamed = Schema { named: false, ..moved(2.5) };
        assert_eq!(of(Some(&renamed)), of(Some(&moved(2.5))));
    }

    #[test]
    fn equal_values_of_another_kind_or_shape_have_another_hash() {
        let x = Array2::from_elem((2, 12), 0.5f32);
        let of = |x: &Array2<f32>, image: Option<[usize; 3]>| {
            content_sha256(Values::Dense(x.view()), image.map(ImageShape::from))
        };
        let csr = Csr {
            indptr: vec![0, 12, 24],
            indices: (0..24).map(|i| i % 12).collect(),
            values: vec![0.5; 24],
            n_columns: 12,
        };
        let reshaped = x.to_shape((3, 8)).expect("24 values").to_owned();
        let all = [
            of(&x, None),
            of(&x, Some([1, 3, 4])),
            of(&x, Some([1, 4, 3])),
            of(&x, Some([3, 2, 2])),
            of(&reshaped, None),
            content_sha256(Values::Sparse(&csr), None),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // Another layout in memory is the same content.
        let turned = x.t().as_standard_layout().t().to_owned();
        assert_eq!(of(&turned, None), of(&x, None));
    }
}
