//! What a file is by its content.

use std::path::Path;

use crate::error::{Error, Result};
use crate::read::content::Content;
use crate::read::folder::{ending_of, lower_name};
use crate::read::{foreign, mat, pictures};

/// The kinds of files that are read as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Matlab,
    Npz,
    Npy,
    Idx,
    Table,
}

const ONE_PICTURE: &str =
    "is one picture, which is no data set; put it into a folder of pictures and give that folder";

impl FileKind {
    /// The kind of a file.
    ///
    /// # Errors
    /// What is no data set: pictures, other formats, a table that is none by its name.
    pub fn of(content: &Content) -> Result<Self> {
        let path = content.path();
        let mut input = content.open()?;
        let mut start = [0; 6];
        let is_long = input.fill(&mut start).is_ok();
        drop(input);
        if ending_of(path) != "mat"
            && let Some(problem) = foreign::problem(&lower_name(path), &start)
        {
            return Err(Error::format(path, problem));
        }
        match start {
            // By its name first: level 4 begins as an IDX file does.
            _ if ending_of(path) == "mat" => Ok(Self::Matlab),
            start if pictures::is_picture_start(&start) => Err(Error::format(path, ONE_PICTURE)),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Ok(Self::Npz),
            start if mat::is_mat(&start) => Ok(Self::Matlab),
            start if &start == b"\x93NUMPY" => Ok(Self::Npy),
            [0, 0, ..] if is_long => Ok(Self::Idx),
            _ => check_is_table(path, &start).map(|()| Self::Table),
        }
    }
}

/// What is none of the binary formats by its content must not be one by its name.
fn check_is_table(path: &Path, start: &[u8; 6]) -> Result<()> {
    let name = lower_name(path);
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "npy" => "an NPY array",
        "npz" => "an NPZ archive",
        "png" => "a PNG picture",
        ending if pictures::is_picture_ending(ending) => return Err(Error::format(path, ONE_PICTURE)),
        _ if name.ends_with("-ubyte") => "an IDX file",
        _ => return Ok(()),
    };
    let problem =
        format!("is not what its name says, {kind}: it begins with {start:02x?}; copy or save it again");
    Err(Error::format(path, problem))
}
