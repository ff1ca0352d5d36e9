//! Programs that serve a launcher, and what programs say.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// What a program said before it failed: from its last line that begins with `error:` on, else the
/// last line that says something, else "no message".
pub fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from =
        lines.iter().rposition(|line| line.starts_with("error:")).unwrap_or(lines.len().saturating_sub(1));
    let words = lines[from..].join("; ");
    match words.strip_prefix("error:").unwrap_or(&words).trim() {
        "" => "no message".to_owned(),
        words => words.to_owned(),
    }
}

/// `command` as one would type it: the program without its folder.
pub fn line(command: &Command) -> String {
    let program = command.get_program();
    std::iter::once(Path::new(program).file_name().unwrap_or(program))
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What `command` prints, without white space at the end.
pub(crate) fn stdout(command: &mut Command) -> Result<String, Error> {
    let output = command.output().map_err(|source| Error::Start { line: line(command), source })?;
    if !output.status.success() {
        let said = last_words(&String::from_utf8_lossy(&output.stderr));
        return Err(Error::Program { line: line(command), status: output.status, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_begin_with_the_error() {
        assert_eq!(
            last_words("error: old\nepoch 1\nerror: disk full\n  caused by: x\n\n"),
            "disk full; caused by: x"
        );
        assert_eq!(last_words("one\ntwo\n"), "two");
        assert_eq!(last_words("\n"), "no message");
    }

    #[test]
    fn a_failing_program_is_named_with_its_last_words() {
        let error = stdout(Command::new("/bin/sh").args(["-c", "echo one two >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'echo one two >&2; exit 3'` failed (exit status: 3): one two");
        assert!(matches!(stdout(&mut Command::new("no-such-program-here")), Err(Error::Start { .. })));
    }
}
