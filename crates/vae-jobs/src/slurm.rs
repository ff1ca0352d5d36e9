//! Jobs as job arrays of the user's Slurm.

mod ledger;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::ledger::Array;
use self::script::Script;
use crate::{Error, Job, Needs, job, program};

/// `MaxArraySize` where nobody tells: Slurm's default.
const DEFAULT_MAX_ARRAY_SIZE: usize = 1001;

/// The most tasks of one array, whatever the site takes: a script holds the commands of all its
/// tasks, and Slurm takes 4 MiB of script.
const MOST_TASKS: usize = 1000;

/// Launches jobs on Slurm.
///
/// A task that reaches its time limit is asked to stop two minutes before, and goes back into the
/// queue; so does one whose node fails. A task that is cancelled, that ends without success, or
/// that is killed stays away until it is submitted again. `options` can say otherwise, as they come
/// after those of the script: `--signal=B:USR1@600`, `--no-requeue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slurm {
    /// Where submissions are written down, a folder each: the script, the list of the tasks' jobs,
    /// the logs of the scripts. Whoever submits the same jobs names the same folder. The nodes must
    /// see it.
    pub folder: PathBuf,
    /// The name of the arrays in the queue.
    pub name: String,
    /// How many tasks may run at once; `None` is all.
    pub at_once: Option<usize>,
    /// More options for sbatch, from the user.
    pub options: Vec<String>,
    /// The folder of sbatch, squeue and scontrol; `None` looks for them as a shell does.
    pub programs: Option<PathBuf>,
}

/// What became of jobs that were to be submitted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What sbatch said, once for each array.
    pub said: Vec<String>,
    /// The names of those that are in the queue now, and were not before.
    pub submitted: Vec<String>,
    /// Those that waited or ran already.
    pub queued_before: Vec<String>,
    /// Those that had finished.
    pub done_before: Vec<String>,
}

/// What is known of a job that may have been submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Never submitted.
    New,
    /// It waits or runs.
    Queued,
    /// It ended with success.
    Done,
    /// It ended without.
    Failed {
        /// Its exit code, as a shell tells it.
        code: i32,
        /// Where all it printed is.
        log: Option<PathBuf>,
    },
    /// It was cancelled, killed or not continued after its time; submitted again, it continues.
    Interrupted,
}

impl Slurm {
    /// Submits those of `jobs` that have not finished and are not in the queue, as few arrays as
    /// their wishes and the site's `MaxArraySize` allow. Two processes that submit at the same time
    /// wait for each other.
    ///
    /// Where `at_once` restricts several arrays, each waits for the end of the one before.
    ///
    /// # Errors
    /// Two jobs have the same name, a word of one is not UTF-8, the folder cannot be written, the
    /// queue cannot be read, or sbatch refuses a script. What was submitted before the error stays
    /// so.
    pub fn submit(&self, jobs: &[Job]) -> Result<Submission, Error> {
        job::check_ids(jobs)?;
        let folder = absolute(&self.folder)?;
        let _lock = ledger::lock(&folder)?;
        let queued = self.queued()?;
        let mut submission = Submission::default();
        let mut by_needs: BTreeMap<Needs, Vec<&Job>> = BTreeMap::new();
        for job in jobs {
            if job.is_done() {
                submission.done_before.push(job.id.clone());
            } else if queued.contains(&job.id) {
                submission.queued_before.push(job.id.clone());
            } else {
                by_needs.entry(job.needs).or_default().push(job);
            }
        }
        let most = self.most_tasks()?;
        let mut before = None;
        for tasks in by_needs.values().flat_map(|jobs| jobs.chunks(most)) {
            before = self.submit_array(&folder, tasks, before.as_deref(), &mut submission)?;
        }
        Ok(submission)
    }

    /// The names of all jobs of earlier submissions that wait or run. Slurm is asked only if there
    /// were any.
    ///
    /// # Errors
    /// The folder or the queue cannot be read.
    pub fn queued(&self) -> Result<BTreeSet<String>, Error> {
        let arrays = ledger::read(&absolute(&self.folder)?)?;
        Ok(self
            .tasks_in_queue(&arrays)?
            .into_iter()
            .map(|(array, task)| arrays[array].ids[task].clone())
            .collect())
    }

    /// What is known of each of `jobs`, in their order.
    ///
    /// # Errors
    /// The folder or the queue cannot be read.
    pub fn states(&self, jobs: &[Job]) -> Result<Vec<State>, Error> {
        let arrays = ledger::read(&absolute(&self.folder)?)?;
        let queue = self.tasks_in_queue(&arrays)?;
        let state = |job: &Job| {
            // The last submission counts.
            let place =
                arrays.iter().enumerate().rev().find_map(|(at, array)| {
                    array.ids.iter().position(|id| *id == job.id).map(|task| (at, task))
                });
            match place {
                _ if job.is_done() => State::Done,
                None => State::New,
                Some(place) if queue.contains(&place) => State::Queued,
                Some((at, task)) => match arrays[at].end(task) {
                    Some(0) => State::Done,
                    None | Some(129 | 130 | 143) => State::Interrupted,
                    Some(code) => State::Failed { code, log: job.log.clone() },
                },
            }
        };
        Ok(jobs.iter().map(state).collect())
    }

    /// The places of all tasks in the queue: which of `arrays`, and which of its tasks.
    fn tasks_in_queue(&self, arrays: &[Array]) -> Result<BTreeSet<(usize, usize)>, Error> {
        if arrays.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut squeue = self.program("squeue");
        // Suspended jobs are among all states only.
        squeue.args(["--me", "--noheader", "--array", "--states=all", "--format=%F|%K|%T|%k"]);
        Ok(ledger::places(&program::stdout(&mut squeue)?, arrays))
    }

    /// Submits one array; returns its number in Slurm.
    fn submit_array(
        &self,
        folder: &Path,
        tasks: &[&Job],
        before: Option<&str>,
        submission: &mut Submission,
    ) -> Result<Option<String>, Error> {
        let array = Array::create(folder, tasks.iter().map(|job| job.id.clone()).collect())?;
        for folder in tasks.iter().filter_map(|job| job.log.as_ref()?.parent()) {
            fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
        }
        let script = Script {
            name: &self.name,
            folder: &array.folder,
            tag: &array.tag(),
            tasks,
            at_once: self.at_once.unwrap_or(tasks.len()).max(1),
            // An array that may not fill its share leaves it to the next one.
            after: before.filter(|_| self.at_once.is_some()),
        };
        let path = array.folder.join("array.sh");
        ledger::write(&path, &script.text()?)?;
        let mut sbatch = self.program("sbatch");
        let said = program::stdout(sbatch.args(&self.options).arg(&path))
            .map_err(|source| Error::Submit { script: path, source: Box::new(source) })?;
        let number = said.split_whitespace().find(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.map(str::to_owned);
        if let Some(number) = &number {
            array.write_number(number)?;
        }
        submission.said.push(said);
        submission.submitted.extend(array.ids);
        Ok(number)
    }

    /// How many tasks one array may have. Slurm counts from 0 and we from 1.
    fn most_tasks(&self) -> Result<usize, Error> {
        let config = program::stdout(self.program("scontrol").args(["show", "config"]));
        let size = config.ok().and_then(|text| max_array_size(&text)).unwrap_or(DEFAULT_MAX_ARRAY_SIZE);
        match size {
            0 | 1 => Err(Error::NoArrays(size)),
            size => Ok((size - 1).min(MOST_TASKS)),
        }
    }

    fn program(&self, name: &str) -> Command {
        match &self.programs {
            Some(folder) => Command::new(folder.join(name)),
            None => Command::new(name),
        }
    }
}

fn absolute(folder: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(folder).map_err(Error::file("make absolute the path", folder))
}

/// The setting in what `scontrol show config` prints.
fn max_array_size(config: &str) -> Option<usize> {
    let of =
        |line: &str| line.strip_prefix("MaxArraySize")?.trim_start().strip_prefix('=')?.trim().parse().ok();
    config.lines().find_map(of)
}

#[cfg(test)]
mod tests;
