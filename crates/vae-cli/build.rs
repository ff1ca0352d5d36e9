//! Tells the linker where the libtorch is that torch-sys was built against.

#[path = "build/rpath.rs"]
mod rpath;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    // Absent where torch-sys was built for documentation only.
    if let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") {
        rpath::link(std::path::Path::new(&lib));
    }
}
