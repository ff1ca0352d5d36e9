//! A folder of pictures: all in the folder itself (no labels), or one sub-folder a class.
//!
//! All headers are read first: they say to which size and colours the pictures are brought, and
//! whether the memory suffices.

mod file;
mod pixels;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory;
use crate::note::{Note, counted, listed};
use crate::read::Raw;
use crate::read::folder::{Classed, classes, ending_of, name_below, names};
use crate::read::pictures::file::Look;
use crate::read::pictures::pixels::Planes;

/// Endings of the formats that are read.
const READ: [&str; 14] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm", "pbm", "pnm"];
/// The same for people.
const FORMATS: &str = "PNG, JPEG, BMP, GIF, TIFF, WebP and PNM";
/// Picture formats that are not read: leaving them out silently would be worse.
const NOT_READ: [&str; 17] = [
    "heic", "heif", "avif", "jp2", "j2k", "jxl", "svg", "psd", "xcf", "dng", "cr2", "nef", "arw", "ico",
    "tga", "exr", "dcm",
];

/// Whether a file is a picture by its ending, one that is read or not.
pub(crate) fn is_picture_ending(ending: &str) -> bool {
    READ.contains(&ending) || NOT_READ.contains(&ending)
}

/// Whether a file begins as a picture does. Formats that begin as a text may are left out.
pub(crate) fn is_picture_start(start: &[u8]) -> bool {
    [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"]
        .iter()
        .any(|magic| start.starts_with(magic))
}

/// Reads all pictures of a folder, in the order of their paths, which are compared byte by byte.
/// Classes are the names of the sub-folders, and names of the rows the paths below the folder.
///
/// Values are fractions of full intensity, channels first: grey `[1, h, w]`, or `[3, h, w]` if any
/// picture is a colour picture. Pictures of other sizes are resized to `size` (height, width), or
/// to the most common size. Transparent pixels are put on white. Where no 16-bit picture has a
/// value beyond 12 bits, 16-bit values are fractions of the largest of 8, 10 or 12 bits.
pub(crate) fn read(folder: &Path, size: Option<(usize, usize)>) -> Result<(Raw, Ids)> {
    check_size(size)?;
    let found = Found::in_folder(folder)?;
    let ids = names(folder, &found.all)?;
    let plan = Plan::of(&found, size)?;
    let needed = plan.shape.dim().saturating_mul(found.all.len()).saturating_mul(size_of::<f32>());
    memory::check(needed).map_err(|short| short.at(folder))?;
    let mut raw = plan.read(folder, &found)?;
    raw.notes.extend(found.note());
    let Found { all, has_classes, .. } = found;
    raw.labels = has_classes.then(|| RawLabels::Texts(all.into_iter().map(|(_, class)| class).collect()));
    Ok((raw, ids))
}

/// The pictures of a folder, and what their headers say.
struct Found {
    all: Vec<Classed>,
    looks: Vec<Look>,
    has_classes: bool,
    left_out: Vec<String>,
}

impl Found {
    fn in_folder(folder: &Path) -> Result<Self> {
        let mut left_out = Vec::new();
        let (all, has_classes) = classes(folder, "pictures", |path| is_picture(path, folder, &mut left_out))?;
        if all.is_empty() {
            let expected = "pictures (PNG, JPEG and others) or .txt documents, or sub-folders of them";
            return Err(match left_out.first() {
                None => Error::Empty { path: folder.to_owned(), expected },
                Some(other) => Error::format(
                    folder,
                    format!(
                        "is a folder without {expected}; tables and arrays are given as files, such as {other}"
                    ),
                ),
            });
        }
        let mut looks = Vec::new();
        for (path, _) in &all {
            memory::push(&mut looks, file::look(path)?).map_err(|short| short.at(folder))?;
        }
        Ok(Self { all, looks, has_classes, left_out })
    }

    fn note(&self) -> Option<Note> {
        let count = counted(self.left_out.len(), "file");
        let text = || format!("{count} left out, no picture by name: {}", listed(self.left_out.clone()));
        (!self.left_out.is_empty()).then(|| Note::info(text()))
    }
}

/// The pictures of a folder in blocks.
pub(crate) struct PictureBlocks {
    folder: PathBuf,
    found: Found,
    ids: Ids,
    plan: Plan,
    counts: Counts,
    at: usize,
}

impl PictureBlocks {
    /// Lists a folder and reads all headers; `size` as for [`read`].
    pub fn open(folder: &Path, size: Option<(usize, usize)>) -> Result<Self> {
        check_size(size)?;
        let found = Found::in_folder(folder)?;
        let ids = names(folder, &found.all)?;
        let plan = Plan::of(&found, size)?;
        Ok(Self { folder: folder.to_owned(), found, ids, plan, counts: Counts::default(), at: 0 })
    }

    /// Number of pictures.
    pub fn n(&self) -> usize {
        self.found.all.len()
    }

    /// Shape of a picture.
    pub fn shape(&self) -> ImageShape {
        self.plan.shape
    }

    /// The next `rows` pictures with their names, fewer at the end and none behind it.
    pub fn next(&mut self, rows: usize) -> Result<(Vec<f32>, Ids)> {
        let end = self.n().min(self.at + rows);
        let x = self.plan.decode(&self.folder, &self.found, self.at..end, &mut self.counts)?;
        let ids = self.ids.slice(self.at, end);
        self.at = end;
        Ok((x, ids))
    }

    /// What was decided since the last call; behind the last block, of the pictures as well.
    pub fn notes(&mut self) -> Vec<Note> {
        if self.at == self.n() {
            self.plan.tell(self.n(), std::mem::take(&mut self.counts));
        }
        let mut notes = std::mem::take(&mut self.plan.notes);
        notes.extend(self.found.note());
        self.found.left_out.clear();
        notes
    }
}

fn check_size(size: Option<(usize, usize)>) -> Result<()> {
    if size.is_some_and(|(height, width)| height == 0 || width == 0) {
        let reason = "height and width are at least 1".to_owned();
        return Err(Error::Option { option: "--image-size", reason });
    }
    Ok(())
}

/// What became of the pictures so far.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    transparent: usize,
    resized: usize,
}

/// Whether a file is a picture by its name; others are listed.
fn is_picture(path: &Path, folder: &Path, left_out: &mut Vec<String>) -> Result<bool> {
    let ending = ending_of(path);
    if NOT_READ.contains(&ending.as_str()) {
        let problem =
            format!("{ending} pictures are not read; convert it to one of {FORMATS}, or move it away");
        return Err(Error::Picture { path: path.to_owned(), problem });
    }
    let is_picture = READ.contains(&ending.as_str());
    if !is_picture {
        left_out.push(name_below(folder, path));
    }
    Ok(is_picture)
}

/// What is made of all pictures.
struct Plan {
    shape: ImageShape,
    /// Whether somebody said the size.
    is_said: bool,
    /// The value of full intensity of 16-bit pictures.
    full: u16,
    notes: Vec<Note>,
}

impl Plan {
    fn of(found: &Found, size: Option<(usize, usize)>) -> Result<Self> {
        let Found { all, looks, .. } = found;
        let (height, width) = size.unwrap_or_else(|| most_common(looks));
        let coloured = looks.iter().filter(|look| look.is_colour).count();
        let shape = ImageShape { channels: if coloured > 0 { 3 } else { 1 }, height, width };
        let mut plan = Self { shape, is_said: size.is_some(), full: u16::MAX, notes: Vec::new() };
        plan.measure_depth(all, looks)?;
        let grey = looks.len() - coloured;
        if coloured > 0 && grey > 0 {
            plan.notes.push(Note::info(format!(
                "{} grey, {coloured} in colour: all are read in colour",
                counted(grey, "picture")
            )));
        }
        Ok(plan)
    }

    /// Finds out how many bits the 16-bit pictures use. It ends at the first value of more than 12.
    fn measure_depth(&mut self, all: &[Classed], looks: &[Look]) -> Result<()> {
        const MOST: u16 = (1 << 12) - 1;
        let deep: Vec<(&PathBuf, &Look)> =
            all.iter().map(|(path, _)| path).zip(looks).filter(|(_, look)| look.is_deep).collect();
        let mut largest = 0;
        for (path, look) in &deep {
            largest = largest.max(pixels::largest_deep(&file::decode(path, look)?));
            if largest > MOST {
                return Ok(());
            }
        }
        if largest == 0 {
            return Ok(());
        }
        // Depths of cameras and scanners, so that a few dark pictures are not taken for less.
        let bits = [8, 10, 12].into_iter().find(|bits| largest < 1 << bits).unwrap_or(16);
        self.full = ((1_u32 << bits) - 1) as u16;
        self.notes.push(Note::warning(format!(
            "the values of {} are at most {largest}: they are read as {bits} bits, {} being full intensity and not 65535",
            counted(deep.len(), "16-bit picture"),
            self.full
        )));
        Ok(())
    }

    fn read(mut self, folder: &Path, found: &Found) -> Result<Raw> {
        let (n, d) = (found.all.len(), self.shape.dim());
        let mut counts = Counts::default();
        let x = self.decode(folder, found, 0..n, &mut counts)?;
        self.tell(n, counts);
        Ok(Raw { x, n, d, image: Some(self.shape), n_train: n, notes: self.notes, ..Raw::default() })
    }

    /// The numbers of some of the pictures.
    fn decode(
        &self,
        folder: &Path,
        found: &Found,
        rows: Range<usize>,
        counts: &mut Counts,
    ) -> Result<Vec<f32>> {
        let mut x = Vec::new();
        memory::reserve(&mut x, rows.len().saturating_mul(self.shape.dim()))
            .map_err(|short| short.at(folder))?;
        for ((path, _), look) in found.all[rows.clone()].iter().zip(&found.looks[rows]) {
            let planes = Planes::of(path, &file::decode(path, look)?, self.full)?;
            counts.transparent += usize::from(planes.was_transparent);
            let is_other = (planes.height, planes.width) != (self.shape.height, self.shape.width);
            counts.resized += usize::from(is_other);
            planes.append(path, self.shape, &mut x)?;
        }
        Ok(x)
    }

    fn tell(&mut self, n: usize, Counts { transparent, resized }: Counts) {
        if transparent > 0 {
            let count = counted(transparent, "picture");
            self.notes.push(Note::info(format!("{count} with transparent pixels put on white")));
        }
        let ImageShape { height, width, .. } = self.shape;
        if resized > 0 && self.is_said {
            let text = format!("{resized} of {} resized to {height}x{width}", counted(n, "picture"));
            self.notes.push(Note::info(text));
        } else if resized > 0 {
            self.notes.push(Note::warning(format!(
                "{resized} of {} resized to {height}x{width} (height x width), the most common size, whatever their proportions; \
                 --image-size chooses another",
                counted(n, "picture")
            )));
        }
    }
}

/// The most common height and width; of equally common ones the first by name.
fn most_common(looks: &[Look]) -> (usize, usize) {
    let mut counts = HashMap::new();
    for (i, look) in looks.iter().enumerate() {
        counts.entry((look.height, look.width)).or_insert((0_usize, i)).0 += 1;
    }
    let best = counts.into_iter().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)));
    best.map_or((1, 1), |(size, _)| size)
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
