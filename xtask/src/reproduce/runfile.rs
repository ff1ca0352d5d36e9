//! The run file: one finished or failed run,
//! `results/<recipe>/runs/<dataset>-<row>-<profile>-s<seed>.json`.
//!
//! `vae` writes nearly all of it as `run.json`; the place in a table and the state of the clone are
//! added here.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::identity::Identity;
use super::recipe::{Metric, Precision, Profile, Split};
use crate::files;
use crate::project::Provenance;

/// What identifies a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub dataset: String,
    pub row: String,
    pub profile: Profile,
    pub seed: u64,
}

impl Key {
    /// The name of the run file, without its ending.
    pub fn name(&self) -> String {
        format!("{}-{}-{}-s{}", self.dataset, self.row, self.profile, self.seed)
    }
}

/// The keys that tables are made of. A failed run has `error` and may lack the rest.
#[derive(Debug, Clone, Deserialize)]
pub struct RunFile {
    pub row: String,
    pub dataset: String,
    pub profile: Profile,
    pub seed: u64,
    #[serde(flatten)]
    pub identity: Identity,
    pub error: Option<String>,
    #[serde(default)]
    pub metrics: Metrics,
    pub wall_s: Option<f64>,
    pub peak_rss_mib: Option<f64>,
    pub threads: Option<u64>,
    pub device: Option<String>,
    pub matmul: Option<String>,
    #[serde(default)]
    pub hardware: Hardware,
    #[serde(default)]
    pub versions: Versions,
}

/// Scores as fractions.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Metrics {
    #[serde(default)]
    pub fit: Scores,
    #[serde(default)]
    pub test: Scores,
}

/// Scores on one split.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Scores {
    pub acc: Option<f64>,
    pub nmi: Option<f64>,
    pub ari: Option<f64>,
    pub purity: Option<f64>,
    pub aae: Option<f64>,
}

/// The machine.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Hardware {
    pub cpu: Option<String>,
    pub cores: Option<u64>,
    pub gpu: Option<String>,
}

/// The code.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Versions {
    pub commit: Option<String>,
    #[serde(default)]
    pub dirty: bool,
}

impl RunFile {
    /// Reads one file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not a run file", path.display()))
    }

    /// Which run this is.
    pub fn key(&self) -> Key {
        Key { dataset: self.dataset.clone(), row: self.row.clone(), profile: self.profile, seed: self.seed }
    }

    /// A score as a fraction; `None` if the run failed or has no such score.
    pub fn score(&self, metric: Metric, split: Split) -> Option<f64> {
        let scores = match split {
            Split::Fit => &self.metrics.fit,
            Split::Test => &self.metrics.test,
        };
        let value = match metric {
            Metric::Acc => scores.acc,
            Metric::Nmi => scores.nmi,
            Metric::Ari => scores.ari,
            Metric::Purity => scores.purity,
            Metric::Aae => scores.aae,
        };
        value.filter(|_| self.error.is_none())
    }
}

/// All run files in `folder`, by name. A file under another name than its keys give is an error: it
/// would be lost.
pub fn read_all(folder: &Path) -> Result<Vec<RunFile>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let run = RunFile::read(path)?;
            let name = run.key().name();
            ensure!(
                path.file_stem().is_some_and(|stem| stem == name.as_str()),
                "{} holds the run {name}: rename one of the two",
                path.display()
            );
            Ok(run)
        })
        .collect()
}

/// Where a run stands in a table, and what it was planned to be.
pub struct Plan<'a> {
    pub recipe: &'a str,
    pub key: &'a Key,
    pub method: &'a str,
    pub identity: &'a Identity,
}

/// The run file of a finished run from the `run.json` of its folder. Refuses one of another run.
pub fn finished(plan: &Plan<'_>, run_json: &Path, provenance: &Provenance) -> Result<Value> {
    let mut value = read_object(run_json)?;
    let wrote = |key: &str, want: &Value| {
        let found = value.get(key).unwrap_or(&Value::Null);
        ensure!(found == want, "{}: {key} is {found}, and {want} was asked for", run_json.display());
        Ok(())
    };
    wrote("seed", &json!(plan.key.seed))?;
    let identity: Identity = serde_json::from_value(Value::Object(value.clone()))
        .with_context(|| format!("{} does not say what was run", run_json.display()))?;
    let differences = identity.differences(plan.identity);
    ensure!(
        differences.is_empty(),
        "{} is not the run that was asked for: {}",
        run_json.display(),
        differences.join("; ")
    );
    place(&mut value, plan, provenance);
    Ok(Value::Object(value))
}

/// The run file of a failed run: what it wrote to `run.json`, if it did, and `error` where that has
/// none.
pub fn failed(plan: &Plan<'_>, run_json: Option<&Path>, error: &str, provenance: &Provenance) -> Value {
    let mut value = run_json.and_then(|file| read_object(file).ok()).unwrap_or_default();
    value.entry("error").or_insert_with(|| json!(error));
    let Identity { config_sha256, data_sha256, fit_split, precision, revisions } = plan.identity;
    value.insert("config_sha256".to_owned(), json!(config_sha256));
    value.entry("data_sha256").or_insert_with(|| json!(data_sha256));
    value.insert("fit_split".to_owned(), json!(fit_split));
    if *precision != Precision::F32 {
        value.insert("precision".to_owned(), json!(precision));
    }
    // It is made anew when any code changes.
    value.insert("revisions".to_owned(), json!(revisions));
    value.insert("seed".to_owned(), json!(plan.key.seed));
    place(&mut value, plan, provenance);
    Value::Object(value)
}

fn read_object(path: &Path) -> Result<Map<String, Value>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    match serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))? {
        Value::Object(map) => Ok(map),
        _ => bail!("{} is not a JSON object", path.display()),
    }
}

fn place(value: &mut Map<String, Value>, plan: &Plan<'_>, provenance: &Provenance) {
    value.entry("schema").or_insert(json!(2));
    value.entry("method").or_insert(json!(plan.method));
    value.insert("recipe".to_owned(), json!(plan.recipe));
    value.insert("row".to_owned(), json!(plan.key.row));
    value.insert("dataset".to_owned(), json!(plan.key.dataset));
    value.insert("profile".to_owned(), json!(plan.key.profile.to_string()));
    let versions = value.entry("versions").or_insert_with(|| json!({}));
    if !versions.is_object() {
        *versions = json!({});
    }
    name_the_code(versions, provenance);
}

/// Commit, state and compiler: the program's own, which knows what it was built from; the clone
/// knows only what is checked out now. A program that was built outside git says null. One that is
/// older than the key does not speak of it: then the clone does.
fn name_the_code(versions: &mut Value, clone: &Provenance) {
    match versions.get("commit") {
        None => {
            versions["commit"] = json!(clone.commit);
            versions["dirty"] = json!(clone.dirty);
            versions["rustc"] = json!(clone.rustc);
        }
        Some(Value::String(_)) => {}
        Some(_) => versions["commit"] = json!("unknown"),
    }
    // Nobody knows whether code without a commit was changed.
    if let Some(map) = versions.as_object_mut().filter(|map| map.get("dirty").is_some_and(Value::is_null)) {
        map.remove("dirty");
    }
}

/// What to tell where a run file names another commit than the clone's.
pub fn other_commit(value: &Value, clone: &Provenance) -> Option<String> {
    let commit = value["versions"]["commit"].as_str().filter(|commit| *commit != clone.commit)?;
    let short = |hash: &str| hash.chars().take(10).collect::<String>();
    Some(format!(
        "the program was built at commit {}, the clone is at {}: the run file names the program's",
        short(commit),
        short(&clone.commit)
    ))
}

/// Writes a run file to its place.
pub fn write(folder: &Path, key: &Key, value: &Value) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    text.push('\n');
    files::write_atomic(&folder.join(key.name() + ".json"), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key { dataset: "mnist".into(), row: "vade-graph".into(), profile: Profile::Standard, seed: 3 }
    }

    fn provenance() -> Provenance {
        Provenance { commit: "c0ffee".into(), dirty: true, rustc: "rustc 1".into() }
    }

    fn identity() -> Identity {
        Identity {
            config_sha256: "ab".into(),
            data_sha256: Some("12".into()),
            revisions: [("k-means".to_owned(), 2)].into(),
            ..Identity::default()
        }
    }

    #[test]
    fn a_finished_run_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        let text = r#"{"schema":1,"method":"vade","seed":3,"config_sha256":"ab","data_sha256":"12","revisions":{"k-means":2},
            "metrics":{"fit":{"acc":0.9}},"versions":{"tch":"0.24.0"}}"#;
        fs::write(&path, text).unwrap();
        let (key, identity) = (key(), identity());
        let plan = Plan { recipe: "table1", key: &key, method: "vade", identity: &identity };
        let value = finished(&plan, &path, &provenance()).unwrap();
        assert_eq!(
            value["versions"],
            json!({"tch":"0.24.0","commit":"c0ffee","dirty":true,"rustc":"rustc 1"})
        );
        write(dir.path(), &key, &value).unwrap();
        let name = dir.path().join("mnist-vade-graph-standard-s3.json");
        let run = RunFile::read(&name).unwrap();
        assert_eq!(
            (run.key(), run.identity.clone(), run.score(Metric::Acc, Split::Fit)),
            (key, identity, Some(0.9))
        );
        assert_eq!(run.score(Metric::Acc, Split::Test), None);

        fs::write(&path, text.replace("\"ab\"", "\"cd\"")).unwrap();
        let error = finished(&plan_of(&run.key(), &run.identity), &path, &provenance()).unwrap_err();
        assert!(error.to_string().ends_with("asked for: its configuration is cd, now it is ab"), "{error}");
    }

    fn plan_of<'a>(key: &'a Key, identity: &'a Identity) -> Plan<'a> {
        Plan { recipe: "table1", key, method: "vade", identity }
    }

    #[test]
    fn the_code_is_what_the_program_says() {
        let of = |versions: Value| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("run.json");
            let run = json!({
                "seed": 3, "config_sha256": "ab", "data_sha256": "12", "revisions": {"k-means": 2}, "versions": versions,
            });
            fs::write(&path, run.to_string()).unwrap();
            let value = finished(&plan_of(&key(), &identity()), &path, &provenance()).unwrap();
            let told = other_commit(&value, &provenance());
            (value["versions"].clone(), told)
        };
        let own = json!({"commit": "0123456789abcdef", "dirty": false, "rustc": "rustc 2"});
        let (versions, told) = of(own.clone());
        assert_eq!(versions, own);
        let told = told.unwrap();
        assert!(told.contains("built at commit 0123456789, the clone is at c0ffee"), "{told}");

        let same = json!({"commit": "c0ffee", "dirty": false, "rustc": "rustc 2"});
        assert_eq!(of(same.clone()), (same, None), "the clone was changed after the build");
        let (versions, told) = of(json!({"commit": null, "dirty": null, "rustc": "rustc 2"}));
        assert_eq!(versions, json!({"commit": "unknown", "rustc": "rustc 2"}));
        assert!(told.is_some());
        let clone = json!({"commit": "c0ffee", "dirty": true, "rustc": "rustc 1"});
        assert_eq!(of(json!({})), (clone, None), "an older program");
    }

    #[test]
    fn a_failed_run_is_a_file_without_scores() {
        let dir = tempfile::tempdir().unwrap();
        let (key, identity) = (key(), identity());
        let value = failed(&plan_of(&key, &identity), None, "killed", &provenance());
        write(dir.path(), &key, &value).unwrap();
        let run = &read_all(dir.path()).unwrap()[0];
        assert_eq!(run.error.as_deref(), Some("killed"));
        assert_eq!(run.score(Metric::Acc, Split::Fit), None);
    }

    #[test]
    fn a_file_under_a_wrong_name_and_a_broken_one_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_all(&dir.path().join("none")).unwrap().is_empty());
        let (key, identity) = (key(), identity());
        let value = failed(&plan_of(&key, &identity), None, "x", &provenance());
        fs::write(dir.path().join("other.json"), value.to_string()).unwrap();
        let text = read_all(dir.path()).unwrap_err().to_string();
        assert!(text.contains("other.json holds the run mnist-vade-graph-standard-s3"), "{text}");
        fs::write(dir.path().join("other.json"), "{").unwrap();
        assert!(read_all(dir.path()).unwrap_err().to_string().contains("not a run file"));
    }
}
