//! Tells the linker where the libtorch is that torch-sys was built against.
//!
//! The rpath of tch's own build script does not reach the binaries of other packages, so an installed `vae` would not
//! find its libraries. The folders relative to the binary, for a checkout, stand in `.cargo/config.toml`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") else { return };
    match os.as_str() {
        "linux" => {
            println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{}", lib.to_string_lossy());
            // Nothing refers to libtorch.so itself; without this the linker drops it and its operators with it.
            println!("cargo:rustc-link-arg-bins=-Wl,--no-as-needed");
            println!("cargo:rustc-link-arg-bins=-ltorch");
        }
        "macos" => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{}", lib.to_string_lossy()),
        _ => {}
    }
}
