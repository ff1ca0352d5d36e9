//! `--launcher slurm`: the missing runs as one job array on the user's Slurm.
//!
//! Every task starts this program again for a single run, so run files are made in one place only.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use anyhow::{Context, Result};

use super::args::Args;
use super::plan::Job;
use super::recipe::{Profile, Recipe};
use super::vae::Vae;
use crate::{files, project, step};

/// Submits the runs that `args` chose and the table lacks; returns what sbatch said.
pub fn submit_missing(
    recipe: &Recipe,
    args: &Args,
    profile: Profile,
    vae: &Vae,
    missing: &[Job],
    out: &Path,
) -> Result<String> {
    let seeds: BTreeSet<u64> = missing.iter().map(|job| job.key.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let mut words: Vec<String> = ["reproduce", &recipe.name, "--offline"].map(str::to_owned).to_vec();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--profile", profile.to_string());
    option("--seeds", seeds.join(",") + ",");
    option("--threads", args.threads.to_string());
    option("--vae", vae.program.to_string_lossy().into_owned());
    args.set.iter().for_each(|set| option("--set", set.clone()));
    args.device.iter().for_each(|device| option("--device", device.clone()));
    args.matmul.iter().for_each(|matmul| option("--matmul", matmul.clone()));
    words.extend(args.retry_failed.then(|| "--retry-failed".to_owned()));
    let array = Array {
        root: &project::root(),
        xtask: &env::current_exe().context("cannot tell where this program lies")?,
        words: &words,
        threads: args.threads,
        jobs: args.jobs.unwrap_or(missing.len()),
        options: &args.sbatch,
    };
    // An array that waits in the queue still reads its list: every submission has its own folder.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    submit(&array, missing, &out.join(format!("slurm-{now}-{}", std::process::id())))
}

/// What the script needs to know.
struct Array<'a> {
    root: &'a Path,
    /// This program, and its arguments for one run except `--only NAME`.
    xtask: &'a Path,
    words: &'a [String],
    threads: usize,
    /// How many tasks may run at once.
    jobs: usize,
    /// More options for sbatch, from the user.
    options: &'a [String],
}

/// Writes list and script into `folder` and submits them; returns what sbatch said.
fn submit(array: &Array<'_>, missing: &[Job], folder: &Path) -> Result<String> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let names: String = missing.iter().map(|job| job.key.name() + "\n").collect();
    let (list, script) = (folder.join("runs.txt"), folder.join("array.sh"));
    files::write_atomic(&list, names.as_bytes())?;
    files::write_atomic(&script, text(array, missing.len(), &list, folder).as_bytes())?;
    step::stdout(Command::new("sbatch").args(array.options).arg(&script))
        .with_context(|| format!("cannot submit {}: is this a machine of a Slurm cluster?", script.display()))
}

fn text(array: &Array<'_>, tasks: usize, list: &Path, folder: &Path) -> String {
    let mut text = String::from("#!/usr/bin/env bash\n");
    let mut option = |line: String| text.extend(["#SBATCH ", &line, "\n"]);
    option("--job-name=vae-reproduce".to_owned());
    option(format!("--array=1-{tasks}%{}", array.jobs));
    option(format!("--cpus-per-task={}", array.threads));
    option(format!("--output={}", quote(&folder.join("%A_%a.log").to_string_lossy())));
    // The run gets SIGTERM two minutes before its time is up, writes a checkpoint, and is continued
    // by the next try.
    option("--signal=B:TERM@120".to_owned());
    let words: Vec<_> = array.words.iter().map(|word| quote(word)).collect();
    text += "set -euo pipefail\n";
    text += &format!("cd {}\n", quote(&array.root.to_string_lossy()));
    text += &format!("export CARGO_MANIFEST_DIR={}\n", quote(&array.root.join("xtask").to_string_lossy()));
    text += &format!("run=$(sed -n \"${{SLURM_ARRAY_TASK_ID}}p\" {})\n", quote(&list.to_string_lossy()));
    text += &format!("exec {} {} --only \"$run\"\n", quote(&array.xtask.to_string_lossy()), words.join(" "));
    text
}

/// For the shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_golden() {
        let array = Array {
            root: Path::new("/clone"),
            xtask: Path::new("/clone/target/debug/xtask"),
            words: &["reproduce".into(), "table1".into(), "--set".into(), "it's=1".into()],
            threads: 1,
            jobs: 4,
            options: &[],
        };
        let expected = r#"#!/usr/bin/env bash
#SBATCH --job-name=vae-reproduce
#SBATCH --array=1-12%4
#SBATCH --cpus-per-task=1
#SBATCH --output='/out/%A_%a.log'
#SBATCH --signal=B:TERM@120
set -euo pipefail
cd '/clone'
export CARGO_MANIFEST_DIR='/clone/xtask'
run=$(sed -n "${SLURM_ARRAY_TASK_ID}p" '/out/runs.txt')
exec '/clone/target/debug/xtask' 'reproduce' 'table1' '--set' 'it'\''s=1' --only "$run"
"#;
        assert_eq!(text(&array, 12, Path::new("/out/runs.txt"), Path::new("/out")), expected);
    }
}
