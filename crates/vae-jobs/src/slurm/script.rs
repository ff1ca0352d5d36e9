//! The script of a job array.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::{Error, Job};

/// What a task does around its job: passes signals on, puts itself back into the queue when its
/// time is up, and notes how its job ended.
const RUN: &str = include_str!("task.sh");

/// What a script is made of.
pub struct Script<'a> {
    pub name: &'a str,
    /// The folder of the array.
    pub folder: &'a Path,
    /// The comment in the queue.
    pub tag: &'a str,
    /// At least one; all have the same wishes.
    pub tasks: &'a [&'a Job],
    pub at_once: usize,
    /// The number of an array that must have ended before.
    pub after: Option<&'a str>,
}

impl Script<'_> {
    /// The script. It holds the commands of all tasks: Slurm keeps its own copy of it, so a task
    /// that waits for days runs what was submitted.
    pub fn text(&self) -> Result<String, Error> {
        let mut text = String::from("#!/usr/bin/env bash\n");
        for option in self.options() {
            text.extend(["#SBATCH ", &option, "\n"]);
        }
        text += "\njob() {\n    case $SLURM_ARRAY_TASK_ID in\n";
        for (number, job) in (1..).zip(self.tasks) {
            text += &task(number, job)?;
        }
        text += "    esac\n}\n";
        text += &format!("ends={}\n\n", quote(&self.folder.join("ends").to_string_lossy()));
        text += RUN;
        Ok(text)
    }

    fn options(&self) -> Vec<String> {
        let log = self.folder.join("%A_%a.log");
        let mut options = vec![
            format!("--job-name={}", quote(self.name)),
            format!("--comment={}", quote(self.tag)),
            format!("--array=1-{}%{}", self.tasks.len(), self.at_once),
            format!("--output={}", quote(&log.to_string_lossy())),
            // A task that was put back into the queue goes on writing.
            "--open-mode=append".to_owned(),
            // After the failure of a node.
            "--requeue".to_owned(),
            // To the script alone, and no signal that a cancelled task gets: it must be told apart.
            "--signal=B:USR1@120".to_owned(),
        ];
        if let Some(job) = self.tasks.first() {
            options.push(format!("--cpus-per-task={}", job.needs.threads.max(1)));
            options.extend(job.needs.memory_mib.map(|mib| format!("--mem={mib}M")));
            options.extend(job.needs.time.map(|time| format!("--time={}", minutes(time))));
        }
        options.extend(self.after.map(|number| format!("--dependency=afterany:{number}")));
        options
    }
}

/// Slurm counts whole minutes, and 0 would be no limit.
fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60).max(1)
}

/// One branch: the folder, the variables, the program, its log.
fn task(number: usize, job: &Job) -> Result<String, Error> {
    let word = |word: &OsStr| {
        let not_text = || Error::NotUtf8 { id: job.id.clone(), text: word.into() };
        Ok(quote(word.to_str().ok_or_else(not_text)?))
    };
    let mut text = format!("    {number}) # {}\n", job.id);
    if let Some(folder) = &job.folder {
        text += &format!("        cd {} || exit\n", word(folder.as_os_str())?);
    }
    for (name, value) in &job.env {
        match value {
            Some(value) => {
                // A name is a word of the shell: what is none would be another command.
                text += &format!("        export {}={}\n", variable(job, name)?, word(value)?);
            }
            None => text += &format!("        unset {}\n", variable(job, name)?),
        }
    }
    text += "        exec";
    for part in &job.words {
        text += &format!(" {}", word(part)?);
    }
    if let Some(log) = &job.log {
        let log = std::path::absolute(log).map_err(Error::file("make absolute the path", log))?;
        text += &format!(" >>{} 2>&1", word(log.as_os_str())?);
    }
    text += " ;;\n";
    Ok(text)
}

fn variable<'a>(job: &Job, name: &'a OsStr) -> Result<&'a str, Error> {
    let is_name = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.bytes().next().is_none_or(|byte| byte.is_ascii_digit())
    };
    let refuse = || Error::BadVariable { id: job.id.clone(), name: name.to_owned() };
    name.to_str().filter(is_name).ok_or_else(refuse)
}

/// For the shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
