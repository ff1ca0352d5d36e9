//! Parquet, Feather (version 2) and Arrow files: tables that are stored by columns. They are turned
//! into the text of a table with a header, and then everything is as with CSV: kinds of columns,
//! missing cells, offsets, errors.
//!
//! The feature `parquet` brings the libraries for them; without it such a file is an error that
//! says so.

#[cfg(feature = "parquet")]
mod lengths;
#[cfg(feature = "parquet")]
mod rows;

#[cfg(all(test, feature = "parquet"))]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::source::{LoadOptions, Quote};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columnar {
    Parquet,
    Arrow,
}

impl Columnar {
    /// By how a file begins. `file` stands at its beginning before and after.
    pub fn of_file(path: &Path, file: &mut File) -> Result<Option<Self>> {
        let mut start = Vec::new();
        Read::by_ref(file).take(8).read_to_end(&mut start).map_err(Error::io("read", path))?;
        file.rewind().map_err(Error::io("read", path))?;
        Ok(Self::of_start(&start))
    }

    /// By the first bytes. A table of text may have a column of such a name, and then text follows.
    pub fn of_start(start: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| {
            start
                .strip_prefix(magic)
                .is_some_and(|rest| rest.first().is_none_or(|byte| matches!(byte, 0..=8 | 14..=31)))
        };
        match () {
            () if begins(b"PAR1") => Some(Self::Parquet),
            () if begins(b"ARROW1") => Some(Self::Arrow),
            () => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "a Parquet file",
            Self::Arrow => "an Arrow (Feather) file",
        }
    }

    /// Writes the rows as a table of text, with a header and commas.
    #[cfg(feature = "parquet")]
    pub fn write_rows(self, path: &Path, file: File, out: impl Write) -> Result<()> {
        rows::write(path, self, file, out)
    }

    /// Says that such files are not read.
    #[cfg(not(feature = "parquet"))]
    pub fn write_rows(self, path: &Path, _: File, _: impl Write) -> Result<()> {
        let problem = format!(
            "is {}, which this build does not read: export the table as CSV (in Python: df.to_csv(\"data.csv\", index=False)), or \
             build with the feature `parquet` (cargo install vae-cli --features parquet)",
            self.name()
        );
        Err(Error::format(path, problem))
    }

    /// The options of its text. What somebody says about it must not be another thing.
    pub fn options(self, options: &LoadOptions) -> Result<Cow<'_, LoadOptions>> {
        let said = [
            ("--header", options.header.is_some()),
            ("--delimiter", options.delimiter.is_some()),
            ("--decimal", options.decimal.is_some()),
            ("--quote", options.quote.is_some()),
        ];
        if let Some((option, _)) = said.into_iter().find(|(_, is_said)| *is_said) {
            let reason = format!("it is for tables of text, and this is {}; leave it out", self.name());
            return Err(Error::Option { option, reason });
        }
        Ok(Cow::Owned(LoadOptions {
            header: Some(true),
            delimiter: Some(','),
            decimal: Some('.'),
            quote: Some(Quote::Double),
            ..options.clone()
        }))
    }
}

#[cfg(test)]
mod start_tests {
    use super::*;

    #[test]
    fn names_of_columns_are_no_magic_numbers() {
        assert_eq!(Columnar::of_start(b"PAR1\x15\x04"), Some(Columnar::Parquet));
        assert_eq!(Columnar::of_start(b"ARROW1\0\0"), Some(Columnar::Arrow));
        for text in [&b"PAR1,PAR2\n"[..], b"ARROW1,a", b"PAR1\n1\n", b"a,b"] {
            assert_eq!(Columnar::of_start(text), None);
        }
    }

    /// Without the libraries the error names the way out.
    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_build_without_the_feature_says_so() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("t.parquet");
        std::fs::write(&path, b"PAR1\x15\x04").expect("file");
        let error = crate::load(&crate::Source::Path(path), &LoadOptions::default()).expect_err("not read");
        let text = error.to_string();
        assert!(text.contains("t.parquet: is a Parquet file, which this build does not read"), "{text}");
        assert!(text.contains("to_csv") && text.contains("--features parquet"), "{text}");
    }
}
