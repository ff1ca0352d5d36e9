//! A state dictionary as `torch.save` writes it: a ZIP archive with `data.pkl`, a pickle of names
//! and shapes, and one member of raw values for each storage.
//!
//! A pickle is a program, which [`program`] interprets without calling anything. What a hostile
//! file could claim is checked: the size of the pickle, and the lengths that the archive can fill.

mod program;

use self::program::Program;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tch::{Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::{Error, Result};
use zip::ZipArchive;

/// The pickle of ResNet-50 has 60 kB.
const MAX_PICKLE_BYTES: u64 = 16 << 20;
/// Deflate cannot compress better than this (RFC 1951).
const MAX_DEFLATE_RATIO: u64 = 1032;
type Archive = ZipArchive<BufReader<File>>;

/// Reads all f32 and f64 tensors of the dictionary.
pub(super) fn read(path: &Path, mut archive: Archive) -> Result<Tensors> {
    let fail = |why: &str| {
        Error::corrupt(path, format!("{why}; save it again with torch.save(model.state_dict(), file)"))
    };
    let root = archive
        .file_names()
        .find_map(|name| {
            name.strip_suffix("data.pkl").filter(|root| !root.trim_end_matches('/').contains('/'))
        })
        .map(str::to_owned)
        .ok_or_else(|| fail("the archive has no data.pkl"))?;
    let code = member(&mut archive, path, &format!("{root}data.pkl"), MAX_PICKLE_BYTES)?;
    let entries = Program::new(&code).run().map_err(|why| fail(&why))?;
    let mut storages: HashMap<String, Vec<u8>> = HashMap::new();
    let mut tensors = Tensors::new();
    for (name, found) in entries {
        let Some(kind) = found.storage.kind else { continue };
        let key = &found.storage.key;
        if !storages.contains_key(key) {
            // Consecutive tensors may share a storage; only one storage is kept in memory.
            storages.clear();
            storages.insert(key.clone(), member(&mut archive, path, &format!("{root}data/{key}"), u64::MAX)?);
        }
        let size = kind.elt_size_in_bytes();
        let range =
            found.shape.iter().try_fold(1_usize, |product, dim| product.checked_mul(*dim)).and_then(|n| {
                let start = found.offset.checked_mul(size)?;
                Some(start..start.checked_add(n.checked_mul(size)?)?)
            });
        let bytes = range.and_then(|range| storages.get(key)?.get(range));
        let bytes = bytes.ok_or_else(|| fail(&format!("tensor `{name}` is larger than its values")))?;
        let shape: Vec<i64> = found.shape.iter().map(|dim| *dim as i64).collect();
        tensors.insert(name, Tensor::f_from_data_size(bytes, &shape, kind)?.f_to_kind(Kind::Float)?);
    }
    Ok(tensors)
}

/// Bytes of one member, no more than it can hold and than `limit`.
fn member(archive: &mut Archive, path: &Path, name: &str, limit: u64) -> Result<Vec<u8>> {
    let damaged =
        |why: String| Error::corrupt(path, format!("{name}: {why}; the file is damaged: get it again"));
    let member = archive.by_name(name).map_err(|e| damaged(e.to_string()))?;
    let bound = member.size().min(member.compressed_size().saturating_mul(MAX_DEFLATE_RATIO));
    if bound > limit {
        return Err(damaged(format!("{bound} bytes, at most {limit} are expected")));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(bound as usize).map_err(|e| damaged(e.to_string()))?;
    member.take(bound).read_to_end(&mut bytes).map_err(|e| damaged(e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
