//! The provenance of a result: the code, the libraries and the machine.
//!
//! It is recorded beside results and is not part of them: equal fits by two commits or on two
//! machines may have equal bytes, so it is in no history, model or key of a phase. Every field may
//! be absent: in files older than the field, and where it is unknown.

use serde::{Deserialize, Serialize};

/// The provenance of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The code and its libraries.
    pub versions: Versions,
    /// The machine.
    pub hardware: Hardware,
    /// `cpu` or `cuda:N`.
    pub device: Option<String>,
    /// Library of the matrix products; absent on a GPU, which has its own.
    pub matmul: Option<String>,
    /// Of the large products of training steps; absent in single precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Threads of libtorch.
    pub threads: Option<usize>,
}

/// The code and its libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// Version of this workspace.
    pub workspace: Option<String>,
    /// Version of the bindings.
    pub tch: Option<String>,
    /// Version of libtorch, as its folder says it.
    pub libtorch: Option<String>,
    /// The compiler's version line.
    pub rustc: Option<String>,
    /// The commit that the program was built from, 40 hex digits.
    pub commit: Option<String>,
    /// Whether the code that was built differed from that commit.
    pub dirty: Option<bool>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hardware {
    /// Model of the processor.
    pub cpu: Option<String>,
    /// Physical cores that the process may use.
    pub cores: Option<usize>,
    /// Model of the GPU, when one was used.
    pub gpu: Option<String>,
}

impl Provenance {
    /// The part that this crate knows: its own version. A program adds the rest in
    /// [`FitContext::provenance`](crate::phase::FitContext).
    pub(crate) fn of_this_crate() -> Self {
        let versions = Versions { workspace: Some(env!("CARGO_PKG_VERSION").into()), ..Versions::default() };
        Self { versions, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_younger_records_are_read() {
        let older: Provenance =
            serde_json::from_str(r#"{"versions": {"tch": "0.24.0"}, "threads": 2}"#).expect("older");
        let versions = Versions { tch: Some("0.24.0".into()), ..Versions::default() };
        assert_eq!(older, Provenance { versions, threads: Some(2), ..Provenance::default() });
        let younger = r#"{"hardware": {"cpu": "Abacus", "colour": "grey"}, "weather": "fine"}"#;
        let younger: Provenance = serde_json::from_str(younger).expect("younger");
        assert_eq!(younger.hardware.cpu.as_deref(), Some("Abacus"));
    }
}
