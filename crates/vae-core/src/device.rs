//! Where a run computes: device choice, threads, and the settings of the process.

use crate::{Error, Result};
use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use tch::kind::Element;
use tch::{Device, Tensor};

/// What the user asks for: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU when libtorch's CUDA library and a GPU are there, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// GPU number N; an error when it is not there.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()).map(Self::Cuda).ok_or_else(|| {
                Error::Device(format!("unknown device `{text}`, expected auto, cpu, cuda or cuda:N"))
            }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

impl DeviceChoice {
    /// The device to compute on. Loads libtorch's CUDA library when a GPU is asked for or possible.
    ///
    /// # Errors
    /// [`Error::Device`] when a GPU was asked for by name and is not usable; the text says what was
    /// missing.
    pub fn resolve(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => Ok(match load_cuda() {
                Ok(()) if tch::Cuda::is_available() => Device::Cuda(0),
                _ => Device::Cpu,
            }),
            Self::Cuda(n) => {
                load_cuda().map_err(|why| {
                    Error::Device(format!(
                        "cuda:{n} was asked for but libtorch's CUDA library could not be loaded ({why}); use --device cpu, or get it with `cargo xtask libtorch --cuda`"
                    ))
                })?;
                let found = tch::Cuda::device_count();
                if (n as i64) < found {
                    Ok(Device::Cuda(n))
                } else {
                    Err(Error::Device(format!(
                        "cuda:{n} was asked for but {found} GPUs were found; use --device cpu"
                    )))
                }
            }
        }
    }
}

thread_local! {
    static UPLOADS: Cell<u64> = const { Cell::new(0) };
}

/// The values as a flat tensor on `device`.
///
/// # Errors
/// libtorch's.
pub fn upload<T: Element>(values: &[T], device: Device) -> Result<Tensor> {
    note_upload();
    Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
}

/// Counts one copy from the host to the device of a training.
pub(crate) fn note_upload() {
    UPLOADS.with(|count| count.set(count.get() + 1));
}

/// How often this thread sent something that was drawn or computed on the host to its device, which
/// may be the CPU itself: [`upload`], random numbers, and [`crate::features::to_tensor`].
pub fn uploads() -> u64 {
    UPLOADS.with(Cell::get)
}

/// `cpu` or `cuda:N`, as in configurations and run files.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(n) => format!("cuda:{n}"),
        _ => "cpu".into(),
    }
}

/// Loads `libtorch_cuda.so` into the process, so that one binary serves machines with and without a
/// GPU.
#[cfg(target_os = "linux")]
fn load_cuda() -> std::result::Result<(), String> {
    use std::ffi::{CStr, CString};
    let name = "libtorch_cuda.so";
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(root) = std::env::var_os("LIBTORCH") {
        candidates.push(PathBuf::from(root).join("lib").join(name));
    }
    candidates.push(PathBuf::from(name));
    let mut last = String::new();
    for path in candidates {
        let Ok(c_path) = CString::new(path.to_string_lossy().as_bytes()) else { continue };
        // SAFETY: c_path is a valid NUL-terminated string; the library is libtorch's own and stays
        // loaded.
        let handle = unsafe { libc::dlopen(c_path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        if !handle.is_null() {
            return Ok(());
        }
        // SAFETY: dlerror returns NULL or a NUL-terminated string that is valid until the next dl
        // call.
        let message = unsafe { libc::dlerror() };
        if !message.is_null() {
            // SAFETY: checked for NULL above; copied at once.
            last = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
        }
    }
    Err(last)
}

#[cfg(not(target_os = "linux"))]
fn load_cuda() -> std::result::Result<(), String> {
    Err("loading it at run time is supported on Linux only".into())
}

/// Sets the number of threads of libtorch and of rayon, and keeps freed memory in the process.
///
/// A training step allocates and frees the same megabyte-sized tensors again and again. glibc gives
/// such blocks back to the system each time, and each time the kernel clears their pages anew: with
/// the thresholds raised a VaDE step at batch 256 is faster by 0.2 times the time of its matrix
/// products, for identical weights.
pub fn configure_process(threads: usize) {
    let threads = threads.max(1);
    tch::set_num_threads(threads as i32);
    // Fails when the pool exists already (in tests); then its size stays.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // No tensor of a training step is larger; what holds something of every row may be, and its
        // memory is given back.
        const LARGEST_OF_A_STEP: libc::c_int = 64 << 20;
        const ONE_GIB: libc::c_int = 1 << 30;
        // SAFETY: mallopt only changes allocator parameters; unknown parameters are ignored with a
        // return of 0.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_OF_A_STEP);
            libc::mallopt(libc::M_TRIM_THRESHOLD, ONE_GIB);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_four_spellings() {
        assert_eq!("auto".parse::<DeviceChoice>().expect("auto"), DeviceChoice::Auto);
        assert_eq!("cpu".parse::<DeviceChoice>().expect("cpu"), DeviceChoice::Cpu);
        assert_eq!("cuda".parse::<DeviceChoice>().expect("cuda"), DeviceChoice::Cuda(0));
        assert_eq!("cuda:3".parse::<DeviceChoice>().expect("cuda:3"), DeviceChoice::Cuda(3));
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3)] {
            assert_eq!(choice.to_string().parse::<DeviceChoice>().expect("its own words"), choice);
        }
        for wrong in ["gpu", "cuda:", "cuda:x", "CPU", ""] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn cpu_is_always_there() {
        assert_eq!(DeviceChoice::Cpu.resolve().expect("cpu"), Device::Cpu);
        assert_eq!(device_name(Device::Cuda(2)), "cuda:2");
    }
}
