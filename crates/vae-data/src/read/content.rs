//! Content that can be read more than once, as tables are: a file, or a copy of what came through a
//! pipe.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::read::columnar::Columnar;
use crate::read::input::Input;
use crate::source::LoadOptions;

/// What standard input is called in messages.
const STANDARD_INPUT: &str = "standard input";

/// A file, or a copy of a pipe in a temporary file that has no name and ends with this process.
pub(crate) struct Content {
    path: PathBuf,
    copy: Option<File>,
    /// What the rows were stored in before they became text.
    columnar: Option<Columnar>,
}

impl Content {
    /// The content of a path. What is no file of its own, such as a named pipe or `/dev/stdin`, is
    /// copied first.
    pub fn of_path(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(Error::io("open", path))?;
        if metadata.is_dir() {
            return Ok(Self { path: path.to_owned(), copy: None, columnar: None });
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        if metadata.is_file() {
            return Self { path: path.to_owned(), copy: None, columnar: None }.into_text(file);
        }
        Self::copied(path, file)
    }

    /// The content of standard input, read to its end by the first call; later ones get the same
    /// content.
    pub fn of_standard_input() -> Result<Self> {
        static COPY: Mutex<Option<(File, Option<Columnar>)>> = Mutex::new(None);
        let mut first = COPY.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new(STANDARD_INPUT);
        if let Some((copy, columnar)) = &*first {
            let copy = copy.try_clone().map_err(Error::io("read", path))?;
            return Ok(Self { path: path.to_owned(), copy: Some(copy), columnar: *columnar });
        }
        let content = Self::copied(path, io::stdin().lock())?;
        if let Some(copy) = &content.copy {
            *first = Some((copy.try_clone().map_err(Error::io("read", path))?, content.columnar));
        }
        Ok(content)
    }

    fn copied(path: &Path, mut from: impl Read) -> Result<Self> {
        let action = "write a temporary copy of";
        let mut copy = tempfile::tempfile().map_err(Error::io(action, path))?;
        io::copy(&mut from, &mut copy).map_err(Error::io(action, path))?;
        copy.rewind().map_err(Error::io("read", path))?;
        let file = copy.try_clone().map_err(Error::io("read", path))?;
        Self { path: path.to_owned(), copy: Some(copy), columnar: None }.into_text(file)
    }

    /// Rows that are stored by columns, in `file`, become text in a temporary file; other content
    /// stays as it is.
    fn into_text(self, mut file: File) -> Result<Self> {
        let Some(columnar) = Columnar::of_file(&self.path, &mut file)? else { return Ok(self) };
        let action = "write a temporary copy of";
        let text = tempfile::tempfile().map_err(Error::io(action, &self.path))?;
        let mut out = BufWriter::new(text);
        columnar.write_rows(&self.path, file, &mut out)?;
        let text = out.into_inner().map_err(|e| Error::io(action, &self.path)(e.into_error()))?;
        Ok(Self { copy: Some(text), columnar: Some(columnar), ..self })
    }

    /// The options of a table, which are known where the rows were stored by columns.
    pub fn table_options<'o>(&self, options: &'o LoadOptions) -> Result<Cow<'o, LoadOptions>> {
        match self.columnar {
            Some(columnar) => columnar.options(options),
            None => Ok(Cow::Borrowed(options)),
        }
    }

    #[cfg(test)]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::copied(Path::new("memory"), bytes).expect("temporary file")
    }

    /// The file, or what it is called in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file of this name that others can open.
    pub fn is_file(&self) -> bool {
        self.copy.is_none()
    }

    /// Its beginning. Only the input that was opened last can be read.
    pub fn open(&self) -> Result<Input<'static>> {
        let Some(copy) = &self.copy else { return Input::open(&self.path) };
        let mut file = copy.try_clone().map_err(Error::io("read", &self.path))?;
        file.rewind().map_err(Error::io("read", &self.path))?;
        Input::of_file(&self.path, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(content: &Content) -> String {
        let mut text = String::new();
        content.open().expect("opens").read_to_string(&mut text).expect("reads");
        text
    }

    #[test]
    fn a_pipe_is_read_twice() {
        let content = Content::copied(Path::new("pipe"), &b"1,2\n"[..]).expect("copied");
        assert_eq!((text_of(&content), text_of(&content)), ("1,2\n".to_owned(), "1,2\n".to_owned()));
        assert!(!content.is_file() && content.path() == Path::new("pipe"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_has_a_path_is_copied() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(b"a,b\n1,2\n").expect("fits into the pipe");
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let content = Content::of_path(Path::new(&path)).expect("copied");
        assert_eq!(
            (text_of(&content), text_of(&content)),
            ("a,b\n1,2\n".to_owned(), "a,b\n1,2\n".to_owned())
        );
    }

    #[test]
    fn a_missing_file_is_told() {
        let error = Content::of_path(Path::new("/nowhere/at/all")).map(|_| ()).expect_err("missing");
        assert!(matches!(error, Error::Io { action: "open", .. }), "{error}");
    }
}
