//! What a recorded run depends on, and whether that is still what a run would have today.
//!
//! A run is current if its configuration, its data, the rows it was fitted on and the revisions of
//! the algorithms it used are those of today. None of this needs the data: their content is known
//! by its checksum in the registry, and where the registry has none, the data of a run cannot be
//! verified.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::recipe::{FitSplit, Precision};

/// Number of each algorithm's code, by name.
pub type Revisions = BTreeMap<String, u64>;

/// What a result depends on beside seed, threads, device and the library of products, which a row
/// may mix.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Identity {
    /// Hash of the complete configuration.
    pub config_sha256: String,
    /// Content of the fitted rows; of today's, where the registry knows it.
    pub data_sha256: Option<String>,
    /// Which rows are fitted.
    #[serde(default)]
    pub fit_split: FitSplit,
    /// Number format of the large products of training steps.
    #[serde(default)]
    pub precision: Precision,
    /// Of a run: the algorithms it used. Of today: all there are.
    #[serde(default)]
    pub revisions: Revisions,
}

impl Identity {
    /// Why a run with this identity is not one of `now`; empty where it is.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.config_sha256 != now.config_sha256 {
            let (then, now) = (short(&self.config_sha256), short(&now.config_sha256));
            parts.push(format!("its configuration is {then}, now it is {now}"));
        }
        if self.fit_split != now.fit_split {
            parts.push(format!("it was fitted on {}, now that is {}", self.fit_split, now.fit_split));
        }
        if self.precision != now.precision {
            parts.push(format!("it was trained in {}, now that is {}", self.precision, now.precision));
        }
        if let (then, Some(now)) = (&self.data_sha256, &now.data_sha256)
            && then.as_ref() != Some(now)
        {
            let then = then.as_deref().map_or("unknown", short);
            parts.push(format!("its data are {then}, now they are {}", short(now)));
        }
        if self.revisions.is_empty() {
            parts.push("it lists no revisions".to_owned());
        }
        for (name, number) in &self.revisions {
            match now.revisions.get(name) {
                Some(now) if now == number => {}
                Some(now) => parts.push(format!("its revision of {name} is {number}, now it is {now}")),
                None => parts.push(format!("it used {name}, which is gone")),
            }
        }
        parts
    }

    /// Whether a run with this identity is one of `now`.
    pub fn is_current(&self, now: &Self) -> bool {
        self.differences(now).is_empty()
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..8).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(config: &str, data: Option<&str>, revisions: &[(&str, u64)]) -> Identity {
        Identity {
            config_sha256: config.to_owned(),
            data_sha256: data.map(str::to_owned),
            fit_split: FitSplit::All,
            precision: Precision::F32,
            revisions: revisions.iter().map(|&(name, number)| (name.to_owned(), number)).collect(),
        }
    }

    #[test]
    fn each_part_makes_a_run_stale_and_is_told() {
        let now = identity("abababababab", Some("1234567890"), &[("k-means", 2), ("vade", 1)]);
        let run = identity("abababababab", Some("1234567890"), &[("k-means", 2)]);
        assert!(run.is_current(&now), "algorithms that a run did not use do not count");
        let told = |change: &dyn Fn(&mut Identity)| {
            let mut run = run.clone();
            change(&mut run);
            assert!(!run.is_current(&now));
            run.differences(&now).join("; ")
        };
        assert_eq!(
            told(&|run| run.config_sha256 = "cdcdcdcdcd".into()),
            "its configuration is cdcdcdcd, now it is abababab"
        );
        assert_eq!(
            told(&|run| run.data_sha256 = Some("9876543210".into())),
            "its data are 98765432, now they are 12345678"
        );
        assert_eq!(told(&|run| run.data_sha256 = None), "its data are unknown, now they are 12345678");
        assert_eq!(
            told(&|run| run.fit_split = FitSplit::Train),
            "it was fitted on the training split, now that is all rows"
        );
        assert_eq!(told(&|run| run.precision = Precision::Bf16), "it was trained in bf16, now that is f32");
        assert_eq!(
            told(&|run| *run.revisions.get_mut("k-means").unwrap() = 1),
            "its revision of k-means is 1, now it is 2"
        );
        let other = |run: &mut Identity| run.revisions = [("dbscan".to_owned(), 1)].into();
        assert_eq!(told(&other), "it used dbscan, which is gone");
        assert_eq!(told(&|run| run.revisions.clear()), "it lists no revisions");
    }

    #[test]
    fn data_that_the_registry_does_not_know_make_no_run_stale() {
        let now = identity("ab", None, &[("k-means", 2)]);
        assert!(identity("ab", Some("12"), &[("k-means", 2)]).is_current(&now));
    }
}
