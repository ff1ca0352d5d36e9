//! What was submitted, written down before it is: which task of which array is which job.
//!
//! Each array has a folder: `jobs.txt` names its jobs, a line a task; `number` is what sbatch
//! called it; `ends/TASK` is the exit code of a task that ended by itself. The path of the folder
//! is the comment of the array in Slurm's queue. So an array is known even if its submitter was
//! killed before it could note the number, and where numbers begin anew.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Error;

/// How the comments of our arrays begin.
const TAG: &str = "vae-jobs ";

/// How the names of the folders begin.
const PREFIX: &str = "slurm-";

/// States of Slurm in which a job has ended for good.
const ENDED: [&str; 10] = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
];

/// One array that was, or was about to be, submitted.
#[derive(Debug, PartialEq, Eq)]
pub struct Array {
    pub folder: PathBuf,
    /// The jobs of its tasks: task 1 is the first.
    pub ids: Vec<String>,
    /// What sbatch called it.
    number: Option<String>,
}

impl Array {
    /// Makes a folder for an array of these jobs and writes them down.
    pub fn create(ledger: &Path, ids: Vec<String>) -> Result<Self, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut counts = 1..;
        let folder = loop {
            let name = format!("{PREFIX}{now}-{}-{}", std::process::id(), counts.next().unwrap_or(0_u32));
            let folder = ledger.join(name);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    break made.map(|()| folder.clone()).map_err(Error::file("make the folder", &folder))?;
                }
            }
        };
        let ends = folder.join("ends");
        fs::create_dir(&ends).map_err(Error::file("make the folder", &ends))?;
        write(&folder.join("jobs.txt"), &ids.iter().map(|id| id.clone() + "\n").collect::<String>())?;
        Ok(Self { folder, ids, number: None })
    }

    /// Notes what sbatch called it.
    pub fn write_number(&self, number: &str) -> Result<(), Error> {
        write(&self.folder.join("number"), number)
    }

    /// Its comment in the queue.
    pub fn tag(&self) -> String {
        format!("{TAG}{}", self.folder.display())
    }

    /// The exit code of the `task`th job, counted from 0, if it ended by itself.
    pub fn end(&self, task: usize) -> Option<i32> {
        let path = self.folder.join("ends").join((task + 1).to_string());
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// Whether it is what the queue shows with this number and comment.
    fn is(&self, number: &str, comment: &str) -> bool {
        match comment.strip_prefix(TAG) {
            Some(_) => comment == self.tag(),
            // The user or the site has put a comment of its own there.
            None => self.number.as_deref() == Some(number),
        }
    }
}

/// All arrays of a ledger, the oldest first; none if there is no such folder.
pub fn read(ledger: &Path) -> Result<Vec<Array>, Error> {
    let entries = match fs::read_dir(ledger) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::file("read the folder", ledger))?,
    };
    let mut arrays = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::file("read the folder", ledger))?;
        let list = entry.path().join("jobs.txt");
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !list.exists() {
            continue;
        }
        let text = fs::read_to_string(&list).map_err(Error::file("read", &list))?;
        let number = fs::read_to_string(entry.path().join("number")).ok();
        arrays.push(Array { folder: entry.path(), ids: text.lines().map(str::to_owned).collect(), number });
    }
    arrays.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(arrays)
}

/// Which tasks of `arrays` (which array, which of its tasks, both from 0) wait or run, by lines
/// `number|task|state|comment`.
pub fn places(queue: &str, arrays: &[Array]) -> BTreeSet<(usize, usize)> {
    let place = |line: &str| {
        let mut fields = line.splitn(4, '|').map(str::trim);
        let (number, task, state, comment) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        if ENDED.contains(&state) {
            return None;
        }
        let at = arrays.iter().position(|array| array.is(number, comment))?;
        let task = task.parse::<usize>().ok()?.checked_sub(1)?;
        (task < arrays[at].ids.len()).then_some((at, task))
    };
    queue.lines().filter_map(place).collect()
}

/// Waits until no other process submits from this ledger; makes its folder.
pub fn lock(ledger: &Path) -> Result<File, Error> {
    fs::create_dir_all(ledger).map_err(Error::file("make the folder", ledger))?;
    // It is never removed, so nobody can hold another file of that name.
    let path = ledger.join("submit.lock");
    let file = File::create(&path).map_err(Error::file("open", &path))?;
    match file.lock() {
        // Some file systems of clusters have no locks.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        locked => locked.map(|()| file).map_err(Error::file("lock", &path)),
    }
}

/// Writes beside and renames.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    let beside = path.with_added_extension("tmp");
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(name: &str, number: Option<&str>) -> Array {
        let ids = vec!["a".to_owned(), "b".to_owned()];
        Array { folder: Path::new("/x").join(name), ids, number: number.map(str::to_owned) }
    }

    #[test]
    fn what_is_written_down_is_read_in_the_order_of_submission() {
        let ledger = tempfile::tempdir().unwrap();
        assert!(read(&ledger.path().join("none")).unwrap().is_empty());
        let first = Array::create(ledger.path(), vec!["a".into(), "b c".into()]).unwrap();
        let second = Array::create(ledger.path(), vec!["d".into()]).unwrap();
        second.write_number("17").unwrap();
        fs::create_dir(ledger.path().join("run-of-a")).unwrap();
        let read = read(ledger.path()).unwrap();
        assert_eq!(read, [first, Array { number: Some("17".into()), ..second }]);
        assert_eq!(read[0].end(1), None);
        fs::write(read[0].folder.join("ends/2"), "3\n").unwrap();
        assert_eq!((read[0].end(0), read[0].end(1)), (None, Some(3)));
    }

    #[test]
    fn tasks_are_found_by_comment_and_else_by_number() {
        let arrays = [array("slurm-1", Some("7")), array("slurm-2", None), array("slurm-3", Some("9"))];
        let of = |queue: &str| places(queue, &arrays).into_iter().collect::<Vec<_>>();
        assert_eq!(of("8|1|PENDING|vae-jobs /x/slurm-2\n7|2|RUNNING|(null)\n"), [(0, 1), (1, 0)]);
        assert!(
            of("7|1|PENDING|vae-jobs /y/slurm-1\n").is_empty(),
            "another ledger's, after numbers began anew"
        );
        assert!(of("7|3|PENDING|\n7|N/A|PENDING|\n8|1|PENDING|\n7|0|PENDING|\nnonsense\n").is_empty());
        for state in ["PENDING", "SUSPENDED", "COMPLETING", "REQUEUED", "CONFIGURING"] {
            assert_eq!(of(&format!("9|1|{state}|mine")), [(2, 0)], "{state}");
        }
        for state in ENDED {
            assert!(of(&format!("9|1|{state}|mine")).is_empty(), "{state}");
        }
    }
}
