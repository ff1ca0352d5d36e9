//! What this program was built from; its build script found it out.

use std::sync::LazyLock;
use vae_core::provenance::{Hardware, Provenance, Versions};

/// For records.
pub fn versions() -> Versions {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Versions {
        workspace: known(env!("CARGO_PKG_VERSION")),
        tch: known(env!("VAE_BUILT_TCH")),
        libtorch: known(env!("VAE_BUILT_LIBTORCH")),
        rustc: known(env!("VAE_BUILT_RUSTC")),
        commit: known(env!("VAE_BUILT_COMMIT")),
        dirty: env!("VAE_BUILT_DIRTY").parse().ok(),
    }
}

/// This program on this machine; a fit adds where and how it computes.
pub fn provenance(hardware: &Hardware) -> Provenance {
    Provenance { versions: versions(), hardware: hardware.clone(), ..Provenance::default() }
}

/// `vae -V`: one line.
pub fn short() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let versions = versions();
        let commit = commit(&versions, 10);
        format!("{} ({commit}, libtorch {})", env!("CARGO_PKG_VERSION"), or_unknown(versions.libtorch))
    });
    &TEXT
}

/// `vae --version`: a line for each part.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let versions = versions();
        let commit = commit(&versions, 40);
        let Versions { libtorch, tch, rustc, .. } = versions;
        let [libtorch, tch, rustc] = [libtorch, tch, rustc].map(or_unknown);
        format!("{}\n{commit}\nlibtorch {libtorch}\ntch {tch}\n{rustc}", env!("CARGO_PKG_VERSION"))
    });
    &TEXT
}

fn commit(versions: &Versions, digits: usize) -> String {
    let changes = if versions.dirty == Some(true) { " with changes" } else { "" };
    match &versions.commit {
        Some(hash) => format!("commit {}{changes}", hash.chars().take(digits).collect::<String>()),
        None => "no commit".into(),
    }
}

fn or_unknown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "unknown".into())
}
