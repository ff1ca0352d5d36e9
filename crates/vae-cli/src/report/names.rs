//! `cluster_names.json`: names that somebody gave to clusters of a run, by their numbers.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use vae_core::fsio::write_bytes;
use vae_report::ClusterNames;

/// The file.
pub const NAMES: &str = "cluster_names.json";

/// The longest name, in characters.
const LONGEST: usize = 200;

/// The names in the run folder; none where there is no file.
///
/// # Errors
/// A file that cannot be read or is damaged.
pub fn read(dir: &Path) -> Result<ClusterNames> {
    let path = dir.join(NAMES);
    if !path.is_file() {
        return Ok(ClusterNames::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is damaged: it should look like {{\"3\": \"name\"}}; correct or remove it",
            path.display()
        )
    })
}

/// Gives cluster `cluster` of `n_clusters` a name, or takes it where the name is empty.
///
/// # Errors
/// A cluster that does not exist, a name of several lines or a very long one, a file that cannot be
/// written.
pub fn set(dir: &Path, cluster: u32, n_clusters: usize, name: &str) -> Result<()> {
    if cluster as usize >= n_clusters {
        bail!("there is no cluster {cluster}: the run has {n_clusters}, counted from 0");
    }
    let name = name.trim();
    if name.chars().any(char::is_control) || name.chars().count() > LONGEST {
        bail!("a name is one line of at most {LONGEST} characters");
    }
    let mut names = read(dir)?;
    match name.is_empty() {
        true => names.remove(&cluster),
        false => names.insert(cluster, name.to_owned()),
    };
    let path = dir.join(NAMES);
    if names.is_empty() {
        return match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        };
    }
    let text = serde_json::to_string_pretty(&names)? + "\n";
    Ok(write_bytes(&path, text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_set_replaced_and_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        assert!(read(dir).expect("none").is_empty());
        set(dir, 1, 2, " <b>young</b> ").expect("set");
        set(dir, 0, 2, "old").expect("set");
        set(dir, 0, 2, "older").expect("replaced");
        assert_eq!(
            read(dir).expect("read"),
            ClusterNames::from([(0, "older".into()), (1, "<b>young</b>".into())])
        );
        set(dir, 0, 2, "").expect("taken");
        assert_eq!(read(dir).expect("read").len(), 1);
        set(dir, 1, 2, "").expect("taken");
        assert!(!dir.join(NAMES).exists(), "no names, no file");
        assert!(set(dir, 2, 2, "x").expect_err("none").to_string().contains("no cluster 2"));
        assert!(set(dir, 0, 2, "a\nb").is_err() && set(dir, 0, 2, &"a".repeat(201)).is_err());
        fs::write(dir.join(NAMES), "[]").expect("written");
        assert!(read(dir).expect_err("damaged").to_string().contains("should look like"));
    }
}
