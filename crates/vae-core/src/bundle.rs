//! Named tensors with a JSON record in one safetensors file: phase artefacts, checkpoints, models.
//!
//! Reading checks everything: the header by the `safetensors` crate, the tensor data by a SHA-256
//! in the metadata, and floats for being finite. A flipped byte is an error, not a wrong result.

use crate::fsio::{hex, write_bytes};
use crate::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// The one metadata key. (The format keeps its metadata in a map without an order: two keys would
/// make the bytes of equal files differ.)
const METADATA: &str = "vae";

/// The metadata key of files for other programs, see [`save_for_others`].
const FOR_OTHERS: &str = "vae_export";

/// The value of the metadata key.
#[derive(Serialize, serde::Deserialize)]
struct Metadata {
    /// SHA-256 of the record and the tensors.
    sha256: String,
    /// The caller's record, as JSON text.
    record: String,
}

/// The [remedy](Error::remedy) for a file that a run makes again.
pub(crate) const MAKE_ANEW: &str = "delete it and run the command again";

/// The remedy for a checkpoint that cannot be continued from.
pub const START_ANEW: &str = "delete the run folder and start anew";

/// The remedy for incomplete weights of a model or a phase.
pub const FIT_ANEW: &str = "it is damaged or from another version: delete it and fit again with --no-cache";

/// Tensors by name, on the CPU.
pub type Tensors = BTreeMap<String, Tensor>;

/// Writes `tensors` and `record` to `path`, atomically.
///
/// # Errors
/// [`Error::Io`] naming the file, [`Error::Torch`].
pub fn save<R: Serialize>(path: &Path, tensors: &Tensors, record: &R) -> Result<()> {
    write_bytes(path, &to_bytes(path, tensors, record)?)
}

/// Writes `tensors` for programs other than this one, atomically: the metadata have `record` as
/// JSON text under the key `vae_export`. Tensors may hold NaN.
///
/// # Errors
/// [`Error::Io`] naming the file, [`Error::Torch`].
pub fn save_for_others<R: Serialize>(path: &Path, tensors: &Tensors, record: &R) -> Result<()> {
    let record = serde_json::to_string(record).map_err(|e| Error::corrupt(path, e.to_string()))?;
    write_bytes(path, &serialized(path, &raw(path, tensors)?, (FOR_OTHERS, record))?)
}

/// Name, type, shape and bytes of a tensor.
type Raw<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);

/// The tensors as the format stores them.
fn raw<'a>(path: &Path, tensors: &'a Tensors) -> Result<Vec<Raw<'a>>> {
    let mut raw = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = tensor.f_to_device(Device::Cpu)?.f_contiguous()?;
        let dtype = dtype_of(tensor.f_kind()?, path)?;
        let mut bytes = vec![0u8; tensor.numel() * tensor.f_kind()?.elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        raw.push((name.as_str(), dtype, tensor.size().iter().map(|&s| s as usize).collect(), bytes));
    }
    Ok(raw)
}

/// The file with one key in its metadata.
fn serialized(path: &Path, raw: &[Raw<'_>], (key, value): (&str, String)) -> Result<Vec<u8>> {
    let metadata = HashMap::from([(key.to_string(), value)]);
    let views = raw
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes)
                .map(|v| ((*name).to_string(), v))
                .map_err(|e| Error::corrupt(path, e.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, Some(metadata)).map_err(|e| Error::corrupt(path, e.to_string()))
}

/// The bytes that [`save`] writes to `path`.
pub(crate) fn to_bytes<R: Serialize>(path: &Path, tensors: &Tensors, record: &R) -> Result<Vec<u8>> {
    let raw = raw(path, tensors)?;
    let record = serde_json::to_string(record).map_err(|e| Error::corrupt(path, e.to_string()))?;
    let checksum = checksum(&record, raw.iter().map(|(n, _, shape, b)| (*n, shape.as_slice(), b.as_slice())));
    let metadata = serde_json::to_string(&Metadata { sha256: checksum, record })
        .map_err(|e| Error::corrupt(path, e.to_string()))?;
    serialized(path, &raw, (METADATA, metadata))
}

/// Reads what [`save`] wrote, with all its checks.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read; [`Error::Corrupt`] when its header, its checksum,
/// its record or a value (NaN, infinity) is wrong.
pub fn load<R: DeserializeOwned>(path: &Path) -> Result<(Tensors, R)> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let damaged = |why: String| Error::corrupt(path, format!("{why}; the file is damaged or not ours"));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let metadata = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key));
    if metadata(FOR_OTHERS).is_some() {
        let why = "it is an export for other programs, which this one does not read";
        return Err(Error::corrupt(path, why));
    }
    let metadata = metadata(METADATA);
    let metadata = metadata.ok_or_else(|| damaged(format!("the metadata has no `{METADATA}`")))?;
    let Metadata { sha256, record } = serde_json::from_str(metadata).map_err(|e| damaged(e.to_string()))?;

    let mut views: Vec<(String, TensorView<'_>)> = file.tensors();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    let sum = checksum(&record, views.iter().map(|(n, v)| (n.as_str(), v.shape(), v.data())));
    if sum != sha256 {
        return Err(damaged("the checksum does not match the content".into()));
    }
    let mut tensors = Tensors::new();
    for (name, view) in views {
        let shape: Vec<i64> = view.shape().iter().map(|&s| s as i64).collect();
        let kind =
            kind_of(view.dtype()).ok_or_else(|| damaged(format!("tensor `{name}` has an unknown type")))?;
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind)?;
        if tensor.is_floating_point() && !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
            return Err(damaged(format!("tensor `{name}` holds a value that is not finite")));
        }
        tensors.insert(name, tensor);
    }
    let record =
        serde_json::from_str(&record).map_err(|e| damaged(format!("its record cannot be read ({e})")))?;
    Ok((tensors, record))
}

/// SHA-256 over the record and, in name order, each tensor's name, shape and bytes.
fn checksum<'a>(record: &str, tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    hash.update((record.len() as u64).to_le_bytes());
    hash.update(record.as_bytes());
    for (name, shape, bytes) in tensors {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        shape.iter().for_each(|s| hash.update((*s as u64).to_le_bytes()));
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

fn dtype_of(kind: Kind, path: &Path) -> Result<Dtype> {
    match kind {
        Kind::Float => Ok(Dtype::F32),
        Kind::Double => Ok(Dtype::F64),
        Kind::Int64 => Ok(Dtype::I64),
        Kind::Int => Ok(Dtype::I32),
        Kind::Uint8 => Ok(Dtype::U8),
        other => Err(Error::corrupt(path, format!("tensors of type {other:?} cannot be stored"))),
    }
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F32 => Some(Kind::Float),
        Dtype::F64 => Some(Kind::Double),
        Dtype::I64 => Some(Kind::Int64),
        Dtype::I32 => Some(Kind::Int),
        Dtype::U8 => Some(Kind::Uint8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Tensors {
        Tensors::from([
            ("b.weight".to_string(), Tensor::from_slice(&[1.5f32, -2.0, 0.1, 4.0]).view([2, 2])),
            ("a".to_string(), Tensor::from_slice(&[1i64, 2, 3])),
        ])
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("m.safetensors");
        save(&path, &example(), &vec![0.1f64, 1.0 / 3.0]).expect("save");
        let (tensors, record): (Tensors, Vec<f64>) = load(&path).expect("load");
        assert_eq!(record, [0.1, 1.0 / 3.0]);
        assert!(tensors["a"].equal(&example()["a"]) && tensors["b.weight"].equal(&example()["b.weight"]));
    }

    #[test]
    fn equal_content_gives_equal_bytes() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        save(&a, &example(), &"r").expect("save");
        save(&b, &example(), &"r").expect("save");
        assert_eq!(std::fs::read(a).expect("read"), std::fs::read(b).expect("read"));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("m");
        save(&path, &example(), &"record").expect("save");
        let good = std::fs::read(&path).expect("read");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("write");
            // A flipped bit in the padding of the header or in an unused key may go unnoticed; a
            // wrong value must not.
            if let Ok((tensors, record)) = load::<String>(&path) {
                assert_eq!(record, "record", "byte {at}");
                assert!(tensors["b.weight"].equal(&example()["b.weight"]), "byte {at}");
            }
        }
        std::fs::write(&path, &good[..good.len() - 1]).expect("write");
        assert!(load::<String>(&path).is_err());
        std::fs::write(&path, b"").expect("write");
        assert!(load::<String>(&path).is_err());
    }

    #[test]
    fn a_file_for_others_has_its_record_as_plain_text_and_is_no_model() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("m");
        let tensors = Tensors::from([("w".to_string(), Tensor::from_slice(&[f32::NAN, 1.0]))]);
        save_for_others(&path, &tensors, &"its record").expect("save");
        let bytes = std::fs::read(&path).expect("read");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        assert_eq!(header.metadata().as_ref().expect("metadata")["vae_export"], "\"its record\"");
        let refused = load::<String>(&path).expect_err("no model").to_string();
        assert!(refused.contains("export for other programs"), "{refused}");
    }

    #[test]
    fn values_that_are_not_finite_are_refused() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("m");
        save(&path, &Tensors::from([("w".into(), Tensor::from_slice(&[f32::NAN]))]), &"r").expect("save");
        assert!(load::<String>(&path).is_err_and(|e| e.to_string().contains("`w`")));
    }
}
