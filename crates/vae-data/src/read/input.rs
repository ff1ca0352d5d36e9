//! One door for all files: opens plain and compressed ones alike, counts and hashes the content on
//! its way, and knows an upper bound of its length before reading it.
//!
//! The bound is what makes absurd headers harmless: nothing is allocated that the file could not
//! fill.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::mem;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use vae_array::hex;

use crate::error::{Error, Result};
use crate::read::compressed::{Unpacked, unpack};

/// Content of a file, uncompressed.
pub(crate) struct Input<'a> {
    pub path: PathBuf,
    reader: Box<dyn Read + 'a>,
    /// No more bytes than this can come.
    bound: u64,
    /// Whether `bound` is the length itself.
    exact: bool,
    count: u64,
    hash: Option<Sha256>,
    published: Option<Published>,
}

/// What the content of a published file must hash to.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub data_set: String,
    pub sha256: String,
}

impl Input<'static> {
    /// Opens a file; its first bytes say whether it is compressed, its name does not matter.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of_file(path, File::open(path).map_err(Error::io("open", path))?)
    }

    /// [`Input::open`] of a file that is open already and called `path` in errors.
    pub fn of_file(path: &Path, file: File) -> Result<Self> {
        let Unpacked { reader, bound, exact } = unpack(path, file)?;
        Ok(Self { exact, ..Input::new(path, reader, bound) })
    }

    /// Opens a file whose content is checked against a published SHA-256 in [`Input::finish`].
    pub fn open_published(path: &Path, published: Option<Published>) -> Result<Self> {
        let hash = published.is_some().then(Sha256::new);
        Ok(Self { hash, published, ..Self::open(path)? })
    }
}

impl<'a> Input<'a> {
    /// Content from elsewhere (an archive's member, memory) of at most `bound` bytes.
    pub fn new(path: &Path, reader: impl Read + 'a, bound: u64) -> Self {
        let path = path.to_owned();
        Self { path, reader: Box::new(reader), bound, exact: false, count: 0, hash: None, published: None }
    }

    #[cfg(test)]
    pub fn bytes(bytes: &'a [u8]) -> Self {
        Self { exact: true, ..Self::new(Path::new("memory"), bytes, bytes.len() as u64) }
    }

    /// The first `n` bytes, or as many as there are. They stay to be read: a pipe has them only
    /// once.
    pub fn peek(&mut self, n: u64) -> Result<Vec<u8>> {
        let mut start = Vec::new();
        match Read::by_ref(&mut self.reader).take(n).read_to_end(&mut start) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(self.truncated(n)),
            Err(e) => return Err(Error::io("read", &self.path)(e)),
        }
        let rest = mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(start.clone()).chain(rest));
        Ok(start)
    }

    /// Fills `buffer`, or says how much was missing.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        let expected = self.count + buffer.len() as u64;
        self.fill_promised(buffer, expected)
    }

    /// Like [`Input::fill`], where a header has promised `expected` bytes in all.
    pub fn fill_promised(&mut self, buffer: &mut [u8], expected: u64) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.truncated(expected)),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(self.truncated(expected)),
                Err(e) => return Err(Error::io("read", &self.path)(e)),
            }
        }
        Ok(())
    }

    /// Fills `buffer`, or says `false` where the content has ended before its first byte.
    pub fn fill_or_end(&mut self, buffer: &mut [u8]) -> Result<bool> {
        let expected = self.count + buffer.len() as u64;
        let first = loop {
            match self.read(buffer) {
                Ok(0) => return Ok(buffer.is_empty()),
                Ok(n) => break n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(self.truncated(expected)),
                Err(e) => return Err(Error::io("read", &self.path)(e)),
            }
        };
        self.fill_promised(&mut buffer[first..], expected)?;
        Ok(true)
    }

    /// The next eight bytes, if there are any.
    pub fn next_eight(&mut self) -> Result<Option<[u8; 8]>> {
        let mut bytes = [0; 8];
        Ok(self.fill_or_end(&mut bytes)?.then_some(bytes))
    }

    /// Bytes read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Refuses `count` values of `size` bytes each, if they cannot all come; else returns the
    /// length of the content that they promise.
    pub fn promise(&self, dims: &[u64], size: u64) -> Result<u64> {
        let absurd =
            |reason: String| Error::AbsurdDims { path: self.path.clone(), dims: dims.to_vec(), reason };
        let needed = dims
            .iter()
            .try_fold(size, |product, dim| product.checked_mul(*dim))
            .and_then(|bytes| bytes.checked_add(self.count))
            .filter(|bytes| usize::try_from(*bytes).is_ok())
            .ok_or_else(|| absurd("their product overflows".to_owned()))?;
        match needed > self.bound {
            false => Ok(needed),
            true if self.exact => {
                Err(Error::Truncated { path: self.path.clone(), expected: needed, found: self.bound })
            }
            true => Err(absurd(format!("{needed} bytes cannot be in a file of this size"))),
        }
    }

    /// Refuses another number of labels than there are rows, where these are known.
    pub fn check_labels(&self, labels: usize, rows: Option<usize>) -> Result<()> {
        match rows {
            Some(rows) if rows != labels => Err(Error::LabelCount { path: self.path.clone(), rows, labels }),
            _ => Ok(()),
        }
    }

    /// Checks that nothing is left, and the checksum of a published file.
    pub fn finish(mut self) -> Result<()> {
        let expected = self.count;
        let mut one = [0];
        loop {
            match self.read(&mut one) {
                Ok(0) => break,
                Ok(_) => {
                    return Err(self
                        .wrong_content()
                        .unwrap_or(Error::TrailingBytes { path: self.path, expected }));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(self.truncated(expected)),
                Err(e) => return Err(Error::io("read", &self.path)(e)),
            }
        }
        match self.wrong_content() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The checksum error, if the content read so far is not the published one.
    fn wrong_content(&self) -> Option<Error> {
        let (hash, published) = (self.hash.clone()?, self.published.clone()?);
        let found = hex(&hash.finalize());
        (found != published.sha256).then(|| Error::Checksum {
            path: self.path.clone(),
            name: published.data_set,
            expected: published.sha256,
            found,
        })
    }

    fn truncated(&self, expected: u64) -> Error {
        Error::Truncated { path: self.path.clone(), expected, found: self.count }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.count += n as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&buffer[..n]);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn plain_and_gzip_read_alike_whatever_the_name() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("content.bin");
        for bytes in
            [b"some content".to_vec(), gzip(b"some content"), [gzip(b"some "), gzip(b"content")].concat()]
        {
            fs::write(&path, bytes).expect("file");
            let mut text = String::new();
            Input::open(&path).expect("opens").read_to_string(&mut text).expect("reads");
            assert_eq!(text, "some content");
        }
    }

    #[test]
    fn cut_gzip_is_truncated_and_not_silently_short() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("cut.gz");
        let whole = gzip(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
        for keep in [3, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..keep]).expect("file");
            let mut buffer = vec![0; 5000];
            let mut input = Input::open(&path).expect("opens");
            let result = input.fill(&mut buffer).and_then(|()| input.finish());
            assert!(matches!(result, Err(Error::Truncated { .. })), "{keep}: {result:?}");
        }
    }

    #[test]
    fn published_content_is_checked() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("f");
        fs::write(&path, b"right").expect("file");
        let published =
            |text: &[u8]| Some(Published { data_set: "mnist".into(), sha256: hex(&Sha256::digest(text)) });
        for (text, good) in [(&b"right"[..], true), (b"wrong", false)] {
            let mut input = Input::open_published(&path, published(text)).expect("opens");
            input.fill(&mut [0; 5]).expect("five bytes");
            assert_eq!(input.finish().is_ok(), good);
        }
        let mut input = Input::open_published(&path, published(b"wrong")).expect("opens");
        input.fill(&mut [0; 5]).expect("five bytes");
        let message = input.finish().expect_err("wrong").to_string();
        assert!(message.contains("vae data fetch mnist"), "{message}");
    }
}
