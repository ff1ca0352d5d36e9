//! The identity of a result: revisions of algorithms, and the text of a configuration for its hash.
//!
//! **Revisions.** Every algorithm has a number beside its code, raised whenever the code changes
//! the result of an unchanged configuration. The key of a phase holds those of all algorithms the
//! phase uses, and run files list them, so that a result of changed code is recognised. Names are
//! those of the algorithms and not of modules: moving code changes no key.
//!
//! **Neutral settings.** A setting that is younger than recorded runs must not make them stale. Its
//! type declares, with `skip_serializing_if` and [`neutral`], the value at which it changes
//! nothing, and [`hashed_text`] leaves it out at that value:
//!
//! ```
//! use serde::Serialize;
//! use vae_core::identity::{hashed_text, neutral};
//!
//! #[derive(Serialize)]
//! struct Train {
//!     epochs: usize,
//!     #[serde(skip_serializing_if = "no_warmup")]
//!     warmup_epochs: usize,
//! }
//!
//! fn no_warmup(epochs: &usize) -> bool {
//!     neutral(epochs, &0)
//! }
//!
//! let old = Train { epochs: 20, warmup_epochs: 0 };
//! assert_eq!(hashed_text(&old).unwrap(), r#"{"epochs":20}"#);
//! // Everywhere else the setting is written like any other.
//! assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"epochs":20,"warmup_epochs":0}"#);
//! ```

use crate::{Error, Result};
use serde::Serialize;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Name of an algorithm and the number of its code.
pub type Revision = (&'static str, u32);

/// Revisions by name.
pub type Revisions = BTreeMap<String, u32>;

/// The revisions of several algorithms, each listed with those of the algorithms it uses.
pub fn revisions(of: &[&[Revision]]) -> Revisions {
    of.iter().copied().flatten().map(|&(name, number)| (name.to_string(), number)).collect()
}

thread_local! {
    /// Whether this thread is writing the text of a hash. (`skip_serializing_if` sees the value and
    /// nothing else.)
    static HASHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a setting is left out of what is being written: it has its neutral value, and a hash is
/// taken.
pub fn neutral<T: PartialEq>(value: &T, neutral: &T) -> bool {
    HASHING.get() && value == neutral
}

/// `config` as JSON, without the settings that are at their neutral values.
///
/// # Errors
/// [`Error::Internal`] for what JSON cannot hold.
pub fn hashed_text(config: &impl Serialize) -> Result<String> {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            HASHING.set(self.0);
        }
    }
    let _reset = Reset(HASHING.replace(true));
    serde_json::to_string(config)
        .map_err(|e| Error::Internal(format!("the configuration cannot be hashed: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Old {
        epochs: usize,
        inner: OldInner,
    }

    #[derive(Serialize)]
    struct OldInner {
        lr: f64,
    }

    #[derive(Serialize)]
    struct New {
        epochs: usize,
        #[serde(skip_serializing_if = "by_mask")]
        noise: &'static str,
        inner: NewInner,
    }

    #[derive(Serialize)]
    struct NewInner {
        lr: f64,
        #[serde(skip_serializing_if = "no_ramp")]
        ramp: usize,
    }

    fn by_mask(noise: &&'static str) -> bool {
        neutral(noise, &"mask")
    }

    fn no_ramp(ramp: &usize) -> bool {
        neutral(ramp, &0)
    }

    #[test]
    fn a_new_setting_changes_no_hash_until_it_is_used() {
        let old = hashed_text(&Old { epochs: 3, inner: OldInner { lr: 0.5 } }).expect("text");
        let new = |noise, ramp| {
            let config = New { epochs: 3, noise, inner: NewInner { lr: 0.5, ramp } };
            // Also inside of what else a key is made of, and last in its table.
            hashed_text(&("train", Some(&config))).expect("text")
        };
        assert_eq!(new("mask", 0), format!("[\"train\",{old}]"));
        assert_ne!(new("dropout", 0), new("mask", 0));
        assert_ne!(new("mask", 1), new("mask", 0));
    }

    #[test]
    fn outside_of_a_hash_every_setting_is_written() {
        let config = NewInner { lr: 0.5, ramp: 0 };
        hashed_text(&config).expect("text");
        assert_eq!(serde_json::to_string(&config).expect("text"), r#"{"lr":0.5,"ramp":0}"#);
    }

    #[test]
    fn revisions_are_those_of_all() {
        let all = revisions(&[&[("k-means", 1)], &[("mixture", 2), ("k-means", 1)]]);
        assert_eq!(all, Revisions::from([("k-means".into(), 1), ("mixture".into(), 2)]));
    }
}
