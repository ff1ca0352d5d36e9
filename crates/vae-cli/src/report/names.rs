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

/// The cluster that `given` means: its number, or the name that it has.
///
/// # Errors
/// A cluster that does not exist, names that cannot be read.
pub fn find(dir: &Path, n_clusters: usize, given: &str) -> Result<u32> {
    let given = given.trim();
    let names = read(dir)?;
    if let Ok(number) = given.parse::<u32>()
        && (number as usize) < n_clusters
    {
        return Ok(number);
    }
    let mut named = names.iter().filter(|(_, name)| *name == given).map(|(cluster, _)| *cluster);
    match (named.next(), named.next()) {
        (Some(cluster), None) => Ok(cluster),
        (Some(first), Some(second)) => {
            bail!("clusters {first} and {second} are both called “{given}”; give the number of one")
        }
        (None, _) => {
            let known: Vec<String> = (0..n_clusters).map(|cluster| shown(cluster, &names)).collect();
            bail!("there is no cluster `{given}`; give the number or the name of one: {}", known.join(", "))
        }
    }
}

/// The number of a cluster, with its name if it has one.
fn shown(cluster: usize, names: &ClusterNames) -> String {
    let name = u32::try_from(cluster).ok().and_then(|cluster| names.get(&cluster));
    name.map_or_else(|| cluster.to_string(), |name| format!("{cluster} “{name}”"))
}

/// Gives a cluster of the run a name, or takes it where the name is empty.
///
/// # Errors
/// A name of several lines, a very long one, or that of another cluster; a file that cannot be
/// written.
pub fn set(dir: &Path, cluster: u32, name: &str) -> Result<()> {
    let name = name.trim();
    if name.chars().any(char::is_control) || name.chars().count() > LONGEST {
        bail!("a name is one line of at most {LONGEST} characters");
    }
    let mut names = read(dir)?;
    if let Some((other, _)) = names.iter().find(|(other, taken)| **other != cluster && *taken == name) {
        bail!(
            "cluster {other} is called “{name}” already; choose another name, or rename cluster {other} first"
        );
    }
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
        set(dir, 1, " <b>young</b> ").expect("set");
        set(dir, 0, "old").expect("set");
        set(dir, 0, "older").expect("replaced");
        assert_eq!(
            read(dir).expect("read"),
            ClusterNames::from([(0, "older".into()), (1, "<b>young</b>".into())])
        );
        set(dir, 0, "").expect("taken");
        assert_eq!(read(dir).expect("read").len(), 1);
        set(dir, 1, "").expect("taken");
        assert!(!dir.join(NAMES).exists(), "no names, no file");
        assert!(set(dir, 0, "a\nb").is_err() && set(dir, 0, &"a".repeat(201)).is_err());
        fs::write(dir.join(NAMES), "[]").expect("written");
        assert!(read(dir).expect_err("damaged").to_string().contains("should look like"));
    }
    #[test]
    fn no_two_clusters_have_one_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        set(dir, 0, "old").expect("set");
        let error = set(dir, 1, " old ").expect_err("taken").to_string();
        assert!(error.contains("cluster 0 is called “old” already"), "{error}");
        assert_eq!(read(dir).expect("read"), ClusterNames::from([(0, "old".into())]));
        set(dir, 0, "old").expect("its own");
    }

    #[test]
    fn a_cluster_is_found_by_number_and_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        set(dir, 1, "strong").expect("set");
        set(dir, 2, "1900").expect("set");
        assert_eq!(find(dir, 3, "1").expect("a number"), 1);
        assert_eq!(find(dir, 3, " strong ").expect("a name"), 1);
        assert_eq!(find(dir, 3, "1900").expect("a name of digits"), 2);
        for unknown in ["3", "-1", "weak", ""] {
            let error = find(dir, 3, unknown).expect_err(unknown).to_string();
            assert!(error.ends_with("of one: 0, 1 “strong”, 2 “1900”"), "{error}");
        }
        fs::write(dir.join(NAMES), r#"{"0": "same", "2": "same"}"#).expect("written");
        let error = find(dir, 3, "same").expect_err("two").to_string();
        assert!(error.contains("clusters 0 and 2 are both called “same”"), "{error}");
    }
}
