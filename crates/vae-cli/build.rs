//! Tells the linker where the libtorch is that torch-sys was built against, and the program what it
//! is built from.

#[path = "build/rpath.rs"]
mod rpath;
#[path = "build/versions.rs"]
mod versions;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    watch(Path::new("build.rs"));
    watch(Path::new("build"));
    // Absent where torch-sys was built for documentation only.
    let lib = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from);
    if let Some(lib) = &lib {
        rpath::link(lib);
    }
    tell(lib.as_deref());
}

/// What `src/made_from.rs` reads; nothing known is an empty text.
fn tell(lib: Option<&Path>) {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let (tch, lock) = versions::tch(&package);
    put("TCH", tch);
    lock.as_deref().into_iter().for_each(watch);
    let libtorch = lib.and_then(versions::libtorch);
    libtorch.iter().for_each(|(_, file)| watch(file));
    put("LIBTORCH", libtorch.map(|(version, _)| version));
    let commit = versions::commit(&package);
    commit.iter().flat_map(|commit| &commit.watched).for_each(|path| watch(path));
    put("DIRTY", commit.as_ref().map(|commit| commit.dirty.to_string()));
    put("COMMIT", commit.map(|commit| commit.hash));
    let rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
        .arg("--version")
        .output();
    put("RUSTC", rustc.ok().and_then(|out| String::from_utf8(out.stdout).ok()));
}

fn put(name: &str, value: Option<String>) {
    println!("cargo:rustc-env=VAE_BUILT_{name}={}", value.unwrap_or_default().trim());
}

fn watch(path: &Path) {
    println!("cargo:rerun-if-changed={}", path.display());
}
