//! What libtorch 2.11.0 is made of: packages, versions and SHA-256 sums, and which of their files
//! are taken.
//!
//! `tch` 0.24 goes with libtorch 2.11.0 exactly. The publisher's own Python wheels are the only
//! archives with a pinned sum on every mirror; no Python is needed once they are unpacked. The
//! platform, Python and ABI tags are fixed, so one sum per package is right on every x86-64 Linux.
//! The versions are those that the metadata of the torch wheel names.

use anyhow::{Result, bail};

/// The version of libtorch, as `build-version` says it.
pub const VERSION: &str = "2.11.0";

/// Which files of a wheel are taken and where they go, relative to the libtorch folder.
pub enum Take {
    /// One file.
    File { from: &'static str, to: &'static str },
    /// Every file under a folder, with its sub-folders.
    Tree { from: &'static str, to: &'static str },
    /// Every shared library under a folder, without its sub-folders.
    SharedLibraries { from: &'static str, to: &'static str },
}

impl Take {
    /// Where the wheel's member `name` goes, or `None` if this rule does not take it.
    pub fn place(&self, name: &str) -> Option<String> {
        match *self {
            Self::File { from, to } => (name == from).then(|| to.to_owned()),
            Self::Tree { from, to } => {
                let rest = name.strip_prefix(from)?;
                (!rest.is_empty() && !rest.ends_with('/')).then(|| format!("{to}{rest}"))
            }
            Self::SharedLibraries { from, to } => {
                let file = name.strip_prefix(from)?.rsplit('/').next()?;
                let library = file.starts_with("lib") && (file.ends_with(".so") || file.contains(".so."));
                // This one needs a Python interpreter around it.
                (library && file != "libtorch_python.so").then(|| format!("{to}{file}"))
            }
        }
    }
}

/// One wheel.
pub struct Wheel {
    /// The package's name, as pip takes it.
    pub package: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// The file name of the wheel.
    pub file: &'static str,
    /// SHA-256 of the wheel, 64 hex digits.
    pub sha256: &'static str,
    /// What is taken from it.
    pub take: &'static [Take],
}

/// One way to put libtorch together.
pub struct Flavour {
    /// `cpu` or `cuda`: part of the folder's name in the cache.
    pub name: &'static str,
    /// The wheels it is made of.
    pub wheels: &'static [Wheel],
    /// Bytes to download; for CUDA an estimate.
    pub download_bytes: u64,
    /// Bytes of the finished folder.
    pub unpacked_bytes: u64,
}

/// The tags under which pip finds the wheels below.
pub const PIP_TAGS: [&str; 9] = [
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_25_x86_64",
    "--platform=manylinux_2_18_x86_64",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux1_x86_64",
];

const HEADERS: Take = Take::Tree { from: "torch/include/", to: "include/" };
/// The licences of torch and of what is compiled into it. They travel with its libraries.
const LICENCES: Take = Take::Tree { from: "torch-2.11.0.dist-info/licenses/", to: "licenses/torch/" };
const NVIDIA: &[Take] = &[Take::SharedLibraries { from: "nvidia/", to: "lib/" }];

const fn torch(take: &'static [Take]) -> Wheel {
    Wheel {
        package: "torch",
        version: VERSION,
        file: "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
        take,
    }
}

const fn cuda_runtime(take: &'static [Take]) -> Wheel {
    Wheel {
        package: "nvidia-cuda-runtime",
        version: "13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        take,
    }
}

const fn cuda_cupti(take: &'static [Take]) -> Wheel {
    Wheel {
        package: "nvidia-cuda-cupti",
        version: "13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        take,
    }
}

const fn nvidia(
    package: &'static str,
    version: &'static str,
    file: &'static str,
    sha256: &'static str,
) -> Wheel {
    Wheel { package, version, file, sha256, take: NVIDIA }
}

/// The CPU half of the wheel. `libtorch_cpu.so` was linked against two small CUDA libraries, which
/// do nothing without a GPU but must be there.
pub const CPU: Flavour = Flavour {
    name: "cpu",
    download_bytes: 543_563_777,
    unpacked_bytes: 496_600_000,
    wheels: &[
        torch(&[
            HEADERS,
            LICENCES,
            Take::File { from: "torch/lib/libtorch_cpu.so", to: "lib/libtorch_cpu.so" },
            Take::File { from: "torch/lib/libc10.so", to: "lib/libc10.so" },
            Take::File { from: "torch/lib/libgomp.so.1", to: "lib/libgomp.so.1" },
        ]),
        cuda_runtime(&[
            Take::File { from: "nvidia/cu13/lib/libcudart.so.13", to: "lib/libcudart.so.13" },
            Take::Tree {
                from: "nvidia_cuda_runtime-13.0.96.dist-info/licenses/",
                to: "licenses/nvidia-cuda-runtime/",
            },
        ]),
        cuda_cupti(&[
            Take::File { from: "nvidia/cu13/lib/libcupti.so.13", to: "lib/libcupti.so.13" },
            Take::Tree {
                from: "nvidia_cuda_cupti-13.0.85.dist-info/licenses/",
                to: "licenses/nvidia-cuda-cupti/",
            },
        ]),
    ],
};

/// Everything, with the CUDA libraries in one folder (the wheel's run path ends with `$ORIGIN`).
pub const CUDA: Flavour = Flavour {
    name: "cuda",
    download_bytes: 2_500_000_000,
    unpacked_bytes: 3_820_000_000,
    wheels: &[
        torch(&[HEADERS, LICENCES, Take::SharedLibraries { from: "torch/lib/", to: "lib/" }]),
        cuda_runtime(NVIDIA),
        cuda_cupti(NVIDIA),
        nvidia(
            "nvidia-cudnn-cu13",
            "9.19.0.56",
            "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl",
            "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
        ),
        nvidia(
            "nvidia-cusparselt-cu13",
            "0.8.0",
            "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl",
            "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
        ),
        nvidia(
            "nvidia-nccl-cu13",
            "2.28.9",
            "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl",
            "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
        ),
        nvidia(
            "nvidia-nvshmem-cu13",
            "3.4.5",
            "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
        ),
        nvidia(
            "nvidia-cublas",
            "13.1.0.3",
            "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl",
            "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
        ),
        nvidia(
            "nvidia-cuda-nvrtc",
            "13.0.88",
            "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
            "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
        ),
        nvidia(
            "nvidia-cufft",
            "12.0.0.61",
            "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
        ),
        nvidia(
            "nvidia-cufile",
            "1.15.1.6",
            "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
        ),
        nvidia(
            "nvidia-curand",
            "10.4.0.35",
            "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
            "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
        ),
        nvidia(
            "nvidia-cusolver",
            "12.0.4.66",
            "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
            "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
        ),
        nvidia(
            "nvidia-cusparse",
            "12.6.3.3",
            "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
        ),
        nvidia(
            "nvidia-nvjitlink",
            "13.0.88",
            "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
            "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
        ),
        nvidia(
            "nvidia-nvtx",
            "13.0.85",
            "nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
            "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4",
        ),
    ],
};

/// The flavour for this machine; an error that says how to do it by hand where there is none.
pub fn flavour(cuda: bool) -> Result<&'static Flavour> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    if (os, arch) != ("linux", "x86_64") {
        bail!(
            "libtorch can be provided by itself on x86-64 Linux only, and this is {arch} {os} (untried).\n\
             By hand: python3 -m venv venv && venv/bin/pip install torch=={VERSION}, then\n\
             export LIBTORCH=$PWD/venv/lib/python3.*/site-packages/torch and start the command again"
        );
    }
    Ok(if cuda { &CUDA } else { &CPU })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_has_a_sum_and_the_version_in_its_name() {
        for wheel in CPU.wheels.iter().chain(CUDA.wheels) {
            assert!(wheel.sha256.len() == 64 && wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let start = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
            assert!(wheel.file.starts_with(&start), "{}", wheel.file);
        }
    }

    #[test]
    fn members_are_placed() {
        let torch = CUDA.wheels[0].take;
        let place = |name| torch.iter().find_map(|take| take.place(name));
        assert_eq!(place("torch/include/torch/csrc/a.h").unwrap(), "include/torch/csrc/a.h");
        assert_eq!(place("torch/lib/libtorch_cuda.so").unwrap(), "lib/libtorch_cuda.so");
        assert_eq!(place("torch/lib/libgomp.so.1").unwrap(), "lib/libgomp.so.1");
        assert_eq!(place("torch/lib/libtorch_python.so"), None);
        assert_eq!(place("torch/lib/libshm/err.h"), None);
        assert_eq!(place("torch/include/"), None);
        assert_eq!(NVIDIA[0].place("nvidia/cudnn/lib/libcudnn.so.9").unwrap(), "lib/libcudnn.so.9");
        assert_eq!(NVIDIA[0].place("nvidia/cu13/lib/libcudart_static.a"), None);
    }
}
