//! Published weights from a file that the user names: safetensors, or PyTorch's formats.
//!
//! `torch.save(model.state_dict(), file)` of PyTorch 1.6 and later is a ZIP archive of a pickle and
//! raw values; the pickle is read by the module `pickle`, which calls nothing. A TorchScript file
//! (`torch.jit.save`) is read by libtorch.

mod pickle;

use safetensors::tensor::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tch::{Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::fsio::hex;
use vae_core::{Error, Result};
use zip::ZipArchive;

/// ResNet-50 has 100 MB; a file beyond this is none of the networks here.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// Tensors by name and the checksum of their file.
#[derive(Debug)]
pub struct Weights {
    /// f32 tensors by their names in the file; integers (counters) are left out.
    pub tensors: Tensors,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// Reads a file of weights; its content says which kind it is.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Corrupt`] when it is damaged or of another
/// kind.
pub fn read(path: &Path) -> Result<Weights> {
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    let len = file.metadata().map_err(|e| Error::io(path, e))?.len();
    if len > MAX_FILE_BYTES {
        return Err(Error::corrupt(
            path,
            format!("{len} bytes are too many for the weights of a network here"),
        ));
    }
    let (sha256, start) = digest(&mut file).map_err(|e| Error::io(path, e))?;
    let tensors = if start.starts_with(b"PK\x03\x04") {
        of_zip(path)?
    } else if start.get(8) == Some(&b'{') {
        of_safetensors(path)?
    } else {
        let why = "is neither safetensors nor what PyTorch 1.6 or later saves; in Python: \
            torch.save(torch.load(file), other)";
        return Err(Error::corrupt(path, why));
    };
    if tensors.is_empty() {
        return Err(Error::corrupt(path, "holds no tensors of 32-bit floats"));
    }
    Ok(Weights { tensors, sha256 })
}

/// SHA-256 of the whole file, and its first 16 bytes.
fn digest(file: &mut File) -> std::io::Result<(String, Vec<u8>)> {
    let mut hash = Sha256::new();
    let mut start = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex(&hash.finalize()), start)),
            n => {
                hash.update(&buffer[..n]);
                let missing = 16_usize.saturating_sub(start.len());
                start.extend_from_slice(&buffer[..n.min(missing)]);
            }
        }
    }
}

fn of_safetensors(path: &Path) -> Result<Tensors> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let damaged = |why: String| Error::corrupt(path, format!("{why}; the file is damaged: get it again"));
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            _ => continue,
        };
        let shape: Vec<i64> = view.shape().iter().map(|s| *s as i64).collect();
        tensors.insert(name, Tensor::f_from_data_size(view.data(), &shape, kind)?.f_to_kind(Kind::Float)?);
    }
    Ok(tensors)
}

fn of_zip(path: &Path) -> Result<Tensors> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let damaged = |why: String| Error::corrupt(path, format!("{why}; the file is damaged: get it again"));
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(e.to_string()))?;
    if archive.file_names().any(|name| name.ends_with("/constants.pkl")) {
        drop(archive);
        let tensors = Tensor::loadz_multi(path)?;
        return Ok(tensors.into_iter().filter(|(_, t)| t.kind() == Kind::Float).collect());
    }
    pickle::read(path, archive)
}
