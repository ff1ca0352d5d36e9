//! Cells times seeds, and which of these runs are missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

use super::availability::{Availability, note};
use super::identity::Identity;
use super::recipe::{Dataset, FitSplit, Precision, Profile, Recipe, Row};
use super::runfile::{Key, RunFile};
use super::vae::{Resolved, Vae};

/// What the command line restricts and adds.
#[derive(Debug, Default, Clone)]
pub struct Choice {
    /// Row ids or method names; empty means all.
    pub methods: Vec<String>,
    /// Data set ids; empty means all.
    pub datasets: Vec<String>,
    pub seeds: Vec<u64>,
    /// `key=value` for `vae --set`, after those of the recipe.
    pub set: Vec<String>,
    /// `--device` for every run.
    pub device: Option<String>,
    /// `--matmul` for every run.
    pub matmul: Option<String>,
    /// `--threads` for every run.
    pub threads: usize,
    /// The one run to make, by name.
    pub only: Option<String>,
    /// `vae fit --limit`. It is no part of a configuration: for runs that nobody records.
    pub limit: Option<u64>,
    pub offline: bool,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Job {
    pub key: Key,
    pub method: String,
    pub identity: Identity,
    /// The options of `vae fit` that choose the configuration, seed included.
    pub selection: Vec<String>,
    /// Where `vae fit` works.
    pub out: PathBuf,
    pub state: State,
}

/// What there is of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A current run file, finished or failed.
    Recorded,
    /// Nothing that counts.
    Missing,
}

/// The runs of a choice, seed by seed, so that stopping early leaves a whole table of fewer seeds.
pub fn plan(
    recipe: &Recipe,
    profile: Profile,
    choice: &Choice,
    vae: &Vae,
    recorded: &[RunFile],
    out: &Path,
    availability: &mut Availability,
) -> Result<Vec<Job>> {
    let cells = available_cells(recipe, profile, choice, vae, availability)?;
    let mut jobs = Vec::new();
    for (row, dataset) in cells {
        let selection = selection(row, dataset, profile, choice);
        let Resolved { mut identity, matmul, .. } = vae.resolve(&selection, recipe.fit_split)?;
        identity.precision = row.precision;
        if choice.limit.is_some() {
            // The first rows alone are other data than the registry knows.
            identity.data_sha256 = None;
        }
        for &seed in &choice.seeds {
            let key =
                Key { dataset: dataset.id.as_ref().clone(), row: row.id.as_ref().clone(), profile, seed };
            if choice.only.as_ref().is_some_and(|only| *only != key.name()) {
                continue;
            }
            let found = recorded.iter().any(|run| run.key() == key && run.identity.is_current(&identity));
            let mut selection = selection.clone();
            selection.extend(["--seed".to_owned(), seed.to_string()]);
            if row.precision != Precision::F32 {
                selection.extend(["--precision".to_owned(), row.precision.to_string()]);
            }
            if recipe.fit_split == FitSplit::Train {
                selection.extend(["--fit-split".to_owned(), "train".to_owned()]);
            }
            choice.limit.iter().for_each(|rows| selection.extend(["--limit".to_owned(), rows.to_string()]));
            jobs.push(Job {
                out: out.join(folder(&key, &identity, matmul.as_deref(), choice)),
                key,
                method: row.method.clone(),
                identity: identity.clone(),
                selection,
                state: if found { State::Recorded } else { State::Missing },
            });
        }
    }
    jobs.sort_by_key(|job| choice.seeds.iter().position(|&seed| seed == job.key.seed));
    Ok(jobs)
}

/// The name of a run's folder. `vae fit` refuses the folder of another run, so all that makes it
/// another is part of it: the configuration first, then code and data as one hash.
fn folder(key: &Key, identity: &Identity, matmul: Option<&str>, choice: &Choice) -> String {
    let Identity { config_sha256, data_sha256, fit_split, precision, revisions } = identity;
    let code_and_data = Sha256::digest(format!("{data_sha256:?} {fit_split} {revisions:?}"));
    let code_and_data: String = code_and_data.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    // Folders older than the choice hold runs of the BLAS.
    let matmul = matmul.filter(|&library| library != "blas").map(|library| format!("-{library}"));
    let device = choice.device.as_ref().map(|device| format!("-{}", device.replace(':', "")));
    let (device, matmul) = (device.unwrap_or_default(), matmul.unwrap_or_default());
    let precision = Some(precision).filter(|&&precision| precision != Precision::F32);
    let precision = precision.map(|precision| format!("-{precision}")).unwrap_or_default();
    let (name, config) = (key.name(), &config_sha256[..8]);
    format!("{name}-{config}-{code_and_data}-t{}{device}{matmul}{precision}", choice.threads)
}

/// The chosen cells that can be run. Why a cell of the recipe cannot be run is noted for all of
/// them, so that the table says it of the others too; the data of those is looked for and never
/// fetched.
fn available_cells<'a>(
    recipe: &'a Recipe,
    profile: Profile,
    choice: &Choice,
    vae: &Vae,
    availability: &mut Availability,
) -> Result<Vec<(&'a Row, &'a Dataset)>> {
    check_names(recipe, choice)?;
    let methods: BTreeSet<String> = vae.methods()?.into_iter().collect();
    for row in &recipe.rows {
        let problem = (!methods.contains(&row.method)).then(|| "method not in this version yet".to_owned());
        note(&mut availability.methods, &row.method, problem);
    }
    let mut cells = Vec::new();
    for dataset in &recipe.datasets {
        let id: &str = dataset.id.as_ref();
        let possible: Vec<&Row> = recipe
            .rows
            .iter()
            .filter(|row| methods.contains(&row.method))
            .filter(|row| Profile::ALL.into_iter().any(|profile| row.is_in(dataset, profile)))
            .filter(|row| Recipe::cell(row, dataset).is_none_or(|cell| cell.unavailable.is_none()))
            .collect();
        if dataset.unavailable.is_some() || possible.is_empty() {
            continue;
        }
        let is_asked_for = |row: &&Row| {
            (choice.datasets.is_empty() || choice.datasets.iter().any(|name| name == id))
                && is_chosen(recipe, row, &choice.methods)
                && row.is_in(dataset, profile)
        };
        let asked_for: Vec<&Row> = possible.into_iter().filter(is_asked_for).collect();
        let problem = vae.data_problem(id, choice.offline || asked_for.is_empty());
        if problem.is_none() {
            cells.extend(asked_for.into_iter().map(|row| (row, dataset)));
        }
        note(&mut availability.datasets, id, problem);
    }
    Ok(cells)
}

/// Whether a list of rows and methods names this row; an empty one names all. What is a row's name
/// means that row alone, though its method be called the same.
fn is_chosen(recipe: &Recipe, row: &Row, names: &[String]) -> bool {
    let is_row = |name: &String| recipe.rows.iter().any(|row| row.id.as_ref() == name);
    names.is_empty()
        || names.iter().any(|name| if is_row(name) { row.id.as_ref() == name } else { &row.method == name })
}

pub fn check_names(recipe: &Recipe, choice: &Choice) -> Result<()> {
    let rows: Vec<&str> = recipe.rows.iter().flat_map(|row| [row.id.as_ref(), row.method.as_str()]).collect();
    let datasets: Vec<&str> = recipe.datasets.iter().map(|dataset| dataset.id.as_ref().as_str()).collect();
    for (what, wanted, known) in
        [("row or method", &choice.methods, rows), ("data set", &choice.datasets, datasets)]
    {
        if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
            let mut known = known;
            known.dedup();
            bail!("the recipe {} has no {what} {unknown}; it has {}", recipe.name, known.join(", "));
        }
    }
    Ok(())
}

/// The options that choose a configuration.
pub fn selection(row: &Row, dataset: &Dataset, profile: Profile, choice: &Choice) -> Vec<String> {
    let cell = Recipe::cell(row, dataset);
    let mut words = match cell.and_then(|cell| cell.preset.as_ref()) {
        Some(preset) => vec!["--preset".to_owned(), preset.clone()],
        None => vec!["--method".to_owned(), row.method.clone()],
    };
    words.extend(["--data".to_owned(), dataset.id.as_ref().clone()]);
    words.extend(["--profile".to_owned(), profile.to_string()]);
    let in_profile = cell.and_then(|cell| cell.set_in.get(&profile));
    let sets =
        row.set.iter().chain(cell.iter().flat_map(|cell| &cell.set)).chain(in_profile.into_iter().flatten());
    for set in sets.chain(&choice.set) {
        words.extend(["--set".to_owned(), set.clone()]);
    }
    if let Some(device) = &choice.device {
        words.extend(["--device".to_owned(), device.clone()]);
    }
    if let Some(matmul) = &choice.matmul {
        words.extend(["--matmul".to_owned(), matmul.clone()]);
    }
    words
}

/// Seconds that the missing runs are expected to take, by the recorded wall time of the same cells,
/// and how many of them have no such record.
pub fn expected_seconds<'a>(missing: impl Iterator<Item = &'a Job>, recorded: &[RunFile]) -> (f64, usize) {
    let mut total = (0.0, 0);
    for job in missing {
        let times: Vec<f64> = recorded
            .iter()
            .filter(|run| {
                run.row == job.key.row && run.dataset == job.key.dataset && run.profile == job.key.profile
            })
            .filter_map(|run| run.wall_s)
            .collect();
        match super::stats::summary(&times) {
            Some(times) => total.0 += times.mean,
            None => total.1 += 1,
        }
    }
    total
}

/// `3` is seeds 0, 1, 2; `0,2` and `7,` are lists.
pub fn parse_seeds(text: &str) -> Result<Vec<u64>, String> {
    let number = |part: &str| part.trim().parse::<u64>().map_err(|_| format!("{part:?} is not a seed"));
    if !text.contains(',') {
        return match number(text)? {
            0 => Err("0 seeds are none: give a count (3) or a list (0,)".to_owned()),
            count => Ok((0..count).collect()),
        };
    }
    let seeds =
        text.split(',').filter(|part| !part.trim().is_empty()).map(number).collect::<Result<Vec<_>, _>>()?;
    let distinct: BTreeSet<_> = seeds.iter().collect();
    if seeds.is_empty() || distinct.len() != seeds.len() {
        return Err("a list of seeds names each once".to_owned());
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::recipe::tests::SMALL;

    #[test]
    fn seeds_are_counts_or_lists() {
        assert_eq!(parse_seeds("3").unwrap(), [0, 1, 2]);
        assert_eq!(parse_seeds("0,1, 5").unwrap(), [0, 1, 5]);
        assert_eq!(parse_seeds("7,").unwrap(), [7]);
        for bad in ["0", "", ",", "1,1", "a", "-1"] {
            assert!(parse_seeds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_come_from_row_cell_profile_and_command_in_this_order() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        let choice = Choice { set: vec!["d=4".into()], device: Some("cpu".into()), ..Choice::default() };
        let words = selection(&recipe.rows[0], &recipe.datasets[0], Profile::Quick, &choice).join(" ");
        assert_eq!(
            words,
            "--preset vade/strokes --data strokes --profile quick --set a=1 --set b=2 --set c=3 --set d=4 --device cpu"
        );
        let words =
            selection(&recipe.rows[1], &recipe.datasets[0], Profile::Standard, &Choice::default()).join(" ");
        assert_eq!(words, "--method dec --data strokes --profile standard");
    }

    #[test]
    fn a_row_s_name_means_that_row_and_a_method_s_name_all_of_its_rows() {
        let text =
            SMALL.replace("id = \"dec\"", "id = \"second\"").replace("method = \"dec\"", "method = \"vade\"");
        let recipe = Recipe::parse("small", &text).unwrap();
        let chosen = |name: &str| {
            let is = |row: &&Row| is_chosen(&recipe, row, &[name.to_owned()]);
            recipe.rows.iter().filter(is).map(|row| row.id.as_ref().as_str()).collect::<Vec<_>>()
        };
        assert_eq!(chosen("vade"), ["vade"]);
        assert_eq!(chosen("second"), ["second"]);
        let text = text.replace("id = \"vade\"", "id = \"first\"");
        let recipe = Recipe::parse("small", &text).unwrap();
        let all = recipe.rows.iter().filter(|row| is_chosen(&recipe, row, &["vade".to_owned()])).count();
        assert_eq!(all, 2);
    }

    #[test]
    fn a_folder_is_named_after_all_that_makes_its_run_another() {
        let (dataset, row) = ("mnist".to_owned(), "vade".to_owned());
        let key = Key { dataset, row, profile: Profile::Quick, seed: 3 };
        let identity = Identity { config_sha256: "0123456789".into(), ..Identity::default() };
        let of = |matmul, device: Option<&str>| {
            let choice = Choice { device: device.map(str::to_owned), threads: 1, ..Choice::default() };
            folder(&key, &identity, matmul, &choice)
        };
        let plain = of(None, None);
        assert!(plain.starts_with("mnist-vade-quick-s3-01234567-") && plain.ends_with("-t1"), "{plain}");
        let raised = Identity { revisions: [("k-means".to_owned(), 2)].into(), ..identity.clone() };
        let choice = Choice { threads: 1, ..Choice::default() };
        assert_ne!(folder(&key, &raised, None, &choice), plain);
        assert_eq!(of(Some("blas"), None), plain);
        assert_eq!(of(Some("onednn"), None), format!("{plain}-onednn"));
        assert_eq!(of(Some("blas"), Some("cuda:1")), format!("{plain}-cuda1"));
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        let recipe = Recipe::parse("small", SMALL).unwrap();
        let choice = Choice { methods: vec!["vde".into()], ..Choice::default() };
        let text = check_names(&recipe, &choice).unwrap_err().to_string();
        assert_eq!(text, "the recipe small has no row or method vde; it has vade, dec");
    }
}
