//! Submissions to a Slurm of four shell scripts, whose tasks bash runs.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// Takes every script and puts its tasks into the queue; or refuses, where there is a file `full`.
const SBATCH: &str = r##"#!/bin/sh
here=$(dirname "$0")
if [ -e "$here/full" ]; then echo "sbatch: error: you have too many jobs" >&2; exit 1; fi
for script; do :; done
number=$(($(cat "$here/number" 2>/dev/null || echo 6) + 1))
echo "$number" > "$here/number"
echo "$*" >> "$here/calls"
comment=$(sed -n "s/^#SBATCH --comment='\(.*\)'$/\1/p" "$script")
tasks=$(sed -n 's/^#SBATCH --array=1-\([0-9]*\)%.*/\1/p' "$script")
for task in $(seq "$tasks"); do echo "$number|$task|PENDING|$comment" >> "$here/queue"; done
echo "Submitted batch job $number"
"##;

const SCONTROL: &str = r#"#!/bin/sh
here=$(dirname "$0")
case $1 in
show) cat "$here/config" ;;
requeue) echo "$2" >> "$here/requeued" ;;
esac
"#;

struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: TempDir::new().unwrap() };
        for (name, text) in [
            ("sbatch", SBATCH),
            ("scontrol", SCONTROL),
            ("squeue", "#!/bin/sh\ncat \"$(dirname \"$0\")/queue\"\n"),
        ] {
            site.write(name, text);
            fs::set_permissions(site.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        site.write("queue", "");
        site.write("config", "SlurmUser = root\nMaxArraySize            = 1001\n");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn slurm(&self) -> Slurm {
        Slurm {
            folder: self.path("out"),
            name: "test".to_owned(),
            at_once: None,
            options: Vec::new(),
            programs: Some(self.folder.path().to_owned()),
        }
    }

    fn job(&self, id: &str, script: &str) -> Job {
        Job::new(id, Command::new("sh").args(["-c", script])).log(self.path("logs").join(format!("{id}.log")))
    }

    /// The arrays, the oldest first.
    fn arrays(&self) -> Vec<Array> {
        ledger::read(&self.path("out")).unwrap()
    }

    fn script(&self, array: usize) -> String {
        fs::read_to_string(self.arrays()[array].folder.join("array.sh")).unwrap()
    }

    /// Starts a task as Slurm would.
    fn task(&self, array: usize, number: usize) -> Child {
        let mut bash = Command::new("bash");
        bash.arg(self.arrays()[array].folder.join("array.sh"));
        bash.env("SLURM_ARRAY_TASK_ID", number.to_string()).env("SLURM_ARRAY_JOB_ID", "7");
        let path = std::env::join_paths([self.folder.path(), Path::new("/usr/bin"), Path::new("/bin")]);
        bash.env("PATH", path.unwrap()).spawn().unwrap()
    }
}

/// Sends a signal once `file` is there, and waits for the end.
fn signal(mut child: Child, file: &Path, name: &str) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < deadline, "{} is not there", file.display());
        thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap()
}

#[test]
fn script_golden() {
    let mut command = Command::new("/bin/vae");
    command.args(["fit", "--set", "it's=1"]).current_dir("/clone").env("A", "b c").env_remove("D");
    let needs = Needs { threads: 2, memory_mib: Some(900), time: Some(Duration::from_secs(61)) };
    let (first, second) =
        (Job::new("s0", &command).log("/out/s0.log").needs(needs), Job::new("s1", &Command::new("true")));
    let script = Script {
        name: "vae-test",
        folder: Path::new("/out/slurm-1"),
        tag: "vae-jobs /out/slurm-1",
        tasks: &[&first, &second],
        at_once: 4,
        after: Some("7"),
    };
    let expected = r#"#!/usr/bin/env bash
#SBATCH --job-name='vae-test'
#SBATCH --comment='vae-jobs /out/slurm-1'
#SBATCH --array=1-2%4
#SBATCH --output='/out/slurm-1/%A_%a.log'
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --cpus-per-task=2
#SBATCH --mem=900M
#SBATCH --time=2
#SBATCH --dependency=afterany:7

job() {
    case $SLURM_ARRAY_TASK_ID in
    1) # s0
        cd '/clone' || exit
        export A='b c'
        unset D
        exec '/bin/vae' 'fit' '--set' 'it'\''s=1' >>'/out/s0.log' 2>&1 ;;
    2) # s1
        exec 'true' ;;
    esac
}
ends='/out/slurm-1/ends'

"#;
    let text = script.text().unwrap();
    assert_eq!(text.strip_suffix(include_str!("task.sh")), Some(expected));
}

#[test]
fn nothing_is_submitted_twice() {
    let site = Site::new();
    let done = site.path("DONE");
    let jobs = [site.job("a", ""), site.job("b", ""), site.job("c", "").done(&done)];
    let slurm = site.slurm();
    assert_eq!(slurm.states(&jobs[..1]).unwrap(), [State::New]);
    let first = slurm.submit(&jobs[..2]).unwrap();
    assert_eq!(
        (first.said, first.submitted),
        (vec!["Submitted batch job 7".into()], vec!["a".into(), "b".into()])
    );
    let again = slurm.submit(&jobs).unwrap();
    assert_eq!((again.submitted, again.queued_before), (vec!["c".to_owned()], vec!["a".into(), "b".into()]));

    // One was cancelled, one has finished.
    let queue = site.read("queue");
    let left: Vec<&str> = queue.lines().filter(|line| !line.starts_with("7|1|")).collect();
    site.write("queue", &(left.join("\n").replace("8|1|PENDING", "8|1|COMPLETED") + "\n"));
    fs::write(&done, "").unwrap();
    assert_eq!(slurm.states(&jobs).unwrap(), [State::Interrupted, State::Queued, State::Done]);
    let third = slurm.submit(&jobs).unwrap();
    assert_eq!((third.submitted, third.done_before), (vec!["a".to_owned()], vec!["c".to_owned()]));
    assert_eq!(site.read("calls").lines().count(), 3);
    assert_eq!(slurm.queued().unwrap(), ["a".to_owned(), "b".to_owned()].into());
}

#[test]
fn a_queue_that_cannot_be_read_submits_nothing() {
    let site = Site::new();
    let jobs = [site.job("a", "")];
    site.slurm().submit(&jobs).unwrap();
    fs::remove_file(site.path("squeue")).unwrap();
    assert!(matches!(site.slurm().submit(&jobs), Err(Error::Start { .. })));
    assert_eq!(site.read("calls").lines().count(), 1);
}

#[test]
fn arrays_are_split_by_size_and_by_wishes() {
    let site = Site::new();
    site.write("config", "MaxArraySize = 4\n");
    let mut jobs: Vec<Job> = (0..7).map(|number| site.job(&format!("j{number}"), "")).collect();
    jobs.push(site.job("wide", "").needs(Needs { threads: 8, ..Needs::default() }));
    let slurm = Slurm { options: vec!["--partition=long".to_owned()], ..site.slurm() };
    assert_eq!(slurm.submit(&jobs).unwrap().said.len(), 4);
    let names: Vec<Vec<String>> = site.arrays().into_iter().map(|array| array.ids).collect();
    assert_eq!(names, [vec!["j0", "j1", "j2"], vec!["j3", "j4", "j5"], vec!["j6"], vec!["wide"]]);
    assert!(site.read("calls").starts_with("--partition=long "));
    assert!(site.script(1).contains("--array=1-3%3") && !site.script(1).contains("dependency"));
    assert!(site.script(3).contains("--cpus-per-task=8"));

    // Few at once: one array after the other.
    let site = Site::new();
    site.write("config", "MaxArraySize = 4\n");
    Slurm { at_once: Some(2), ..site.slurm() }.submit(&jobs[..4]).unwrap();
    assert!(site.script(0).contains("--array=1-3%2") && !site.script(0).contains("dependency"));
    assert!(site.script(1).contains("#SBATCH --dependency=afterany:7\n"));

    // A site that takes more than a script can hold.
    let site = Site::new();
    site.write("config", "MaxArraySize = 100000\n");
    let many: Vec<Job> = (0..1001).map(|number| site.job(&format!("j{number}"), "")).collect();
    site.slurm().submit(&many).unwrap();
    assert_eq!(site.arrays().iter().map(|array| array.ids.len()).collect::<Vec<_>>(), [1000, 1]);
    site.write("config", "MaxArraySize = 1\n");
    assert!(matches!(site.slurm().submit(&jobs), Err(Error::NoArrays(1))));
}

#[test]
fn a_task_runs_its_job_and_notes_how_it_ended() {
    let site = Site::new();
    let jobs = [site.job("good", "echo fine"), site.job("bad", "echo no >&2; exit 3"), site.job("other", "")];
    site.slurm().submit(&jobs).unwrap();
    assert_eq!(site.task(0, 1).wait().unwrap().code(), Some(0));
    assert_eq!(site.task(0, 2).wait().unwrap().code(), Some(3));
    site.write("queue", "");
    let log = jobs[1].log.clone();
    let states = [State::Done, State::Failed { code: 3, log }, State::Interrupted];
    assert_eq!(site.slurm().states(&jobs).unwrap(), states);
    assert_eq!((site.read("logs/good.log"), site.read("logs/bad.log")), ("fine\n".into(), "no\n".into()));
}

/// Says that it started, and ends as it should where it is asked to stop.
const STOPS: &str = "trap 'echo saved; exit 143' TERM; : > \"$0\"; while :; do sleep 0.02; done";

#[test]
fn when_its_time_is_up_a_task_stops_and_goes_back_into_the_queue() {
    let site = Site::new();
    let started = site.path("started");
    let job = Job::new("slow", Command::new("sh").args(["-c", STOPS]).arg(&started)).log(site.path("log"));
    site.slurm().submit(std::slice::from_ref(&job)).unwrap();
    assert_eq!(signal(site.task(0, 1), &started, "USR1").code(), Some(143));
    assert_eq!((site.read("log"), site.read("requeued")), ("saved\n".into(), "7_1\n".into()));
    assert_eq!(site.slurm().states(&[job]).unwrap(), [State::Queued]);
    assert!(site.arrays()[0].end(0).is_none());
}

#[test]
fn a_cancelled_task_stops_for_good() {
    let site = Site::new();
    let started = site.path("started");
    let job = Job::new("slow", Command::new("sh").args(["-c", STOPS]).arg(&started)).log(site.path("log"));
    site.slurm().submit(std::slice::from_ref(&job)).unwrap();
    assert_eq!(signal(site.task(0, 1), &started, "TERM").code(), Some(143));
    site.write("queue", "");
    assert_eq!((site.read("log"), site.read("requeued")), ("saved\n".into(), String::new()));
    assert_eq!(site.slurm().states(&[job]).unwrap(), [State::Interrupted]);
}

#[test]
fn a_job_that_fails_while_it_is_asked_to_stop_has_failed() {
    let site = Site::new();
    let started = site.path("started");
    let script = STOPS.replace("143", "5");
    let job = Job::new("bad", Command::new("sh").args(["-c", &script]).arg(&started));
    site.slurm().submit(std::slice::from_ref(&job)).unwrap();
    assert_eq!(signal(site.task(0, 1), &started, "USR1").code(), Some(5));
    site.write("queue", "");
    assert_eq!(site.slurm().states(&[job]).unwrap(), [State::Failed { code: 5, log: None }]);
    assert_eq!(site.read("requeued"), "");
}

#[test]
fn what_cannot_be_submitted_says_why() {
    let site = Site::new();
    site.write("full", "");
    let error = site.slurm().submit(&[site.job("a", "")]).unwrap_err();
    let Error::Submit { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().ends_with("you have too many jobs"), "{source}");
    assert!(error.to_string().ends_with("array.sh: is this a machine of a Slurm cluster?"), "{error}");

    let mut command = Command::new("true");
    command.env("a-b", "1");
    let error = site.slurm().submit(&[Job::new("a", &command)]).unwrap_err();
    assert!(matches!(error, Error::BadVariable { name, .. } if name == "a-b"));
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"\xff");
    let error = site.slurm().submit(&[Job::new("a", Command::new("true").arg(word))]).unwrap_err();
    assert!(matches!(error, Error::NotUtf8 { id, .. } if id == "a"));
}

#[test]
fn the_largest_array_is_read_from_the_settings() {
    assert_eq!(max_array_size("A = 1\nMaxArraySize            = 17\n"), Some(17));
    assert_eq!(max_array_size("MaxArraySizes = 3\nMaxJobCount = 5\n"), None);
}
