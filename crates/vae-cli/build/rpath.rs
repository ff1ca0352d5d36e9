//! Where the program looks for libtorch.

use std::env;
use std::path::Path;

/// Puts the folder `lib` of libtorch's libraries into the programs, without links and from the
/// root, so that an installed `vae` starts in any working folder and without the clone.
///
/// The rpath of tch's own build script does not reach the binaries of other packages. The folders
/// relative to the binary, for a checkout, stand in `.cargo/config.toml`.
///
/// `VAE_RUN_PATH`, for a program that is carried elsewhere, stands in the place of `lib`: a folder
/// relative to the program, such as `$ORIGIN/../libtorch/lib`.
pub fn link(lib: &Path) {
    println!("cargo:rerun-if-env-changed=VAE_RUN_PATH");
    // A folder that cannot be resolved is left as it is: the linker then says what is wrong with
    // it.
    let resolved = lib.canonicalize();
    let lib = resolved.as_deref().unwrap_or(lib);
    let named = env::var("VAE_RUN_PATH").ok().filter(|path| !path.is_empty());
    let run_path = named.unwrap_or_else(|| lib.display().to_string());
    match env::var("CARGO_CFG_TARGET_OS").unwrap_or_default().as_str() {
        "linux" => {
            println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{run_path}");
            // Nothing refers to libtorch.so itself; without this the linker drops it and its
            // operators with it.
            println!("cargo:rustc-link-arg-bins=-Wl,--no-as-needed");
            println!("cargo:rustc-link-arg-bins=-ltorch");
        }
        "macos" => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{run_path}"),
        _ => {}
    }
}
