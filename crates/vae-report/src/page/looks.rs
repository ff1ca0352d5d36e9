//! What some of the points of a map look like: images, or beginnings of texts.

use super::thumbs::{self, Sheet};
use crate::Result;
use crate::data::Data;
use crate::text::cut;
use serde::{Deserialize, Serialize};

/// Points of which this is kept, at most.
const POINTS: usize = 1000;
/// Bytes of a text, at most.
const TEXT: usize = 240;
/// Bytes of all images as base64, at most.
const SHEET: usize = 768 * 1024;

/// Images or texts of some points of a map. A table has none: there a point shows its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// Which points of the map, ascending.
    pub points: Vec<usize>,
    /// The beginning of the text of each; empty where the rows are images.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Their images in one.
    #[serde(default)]
    pub sheet: Option<Sheet>,
}

impl Looks {
    /// Of `rows`, the rows of a map: all, or 1,000 that are evenly spaced.
    ///
    /// # Errors
    /// An image that cannot be encoded.
    pub(super) fn of(data: &Data<'_>, rows: &[usize]) -> Result<Option<Self>> {
        let m = rows.len().min(POINTS);
        let points: Vec<usize> = (0..m).map(|i| i * rows.len() / m).collect();
        let shown: Vec<usize> = points.iter().map(|&at| rows[at]).collect();
        match data {
            Data::Images(images) if m > 0 => {
                let sheet = thumbs::sheet(images.x, &shown, images.shape, SHEET)?;
                Ok(sheet.map(|sheet| Self { points, texts: Vec::new(), sheet: Some(sheet) }))
            }
            Data::Documents(documents) => Ok(documents.texts.map(|texts| {
                let texts = shown.iter().map(|&row| cut(texts[row].trim(), TEXT)).collect();
                Self { points, texts, sheet: None }
            })),
            _ => Ok(None),
        }
    }

    /// Whether its parts fit each other and a map of `m` points.
    pub(super) fn is_sound(&self, m: usize) -> bool {
        let has_each = match &self.sheet {
            Some(sheet) => sheet.columns > 0,
            None => self.texts.len() == self.points.len(),
        };
        has_each && self.points.iter().all(|&at| at < m)
    }

    /// `1,000 of the 10,000 points show their image`.
    pub(super) fn about(&self, m: usize) -> String {
        let what = if self.sheet.is_some() { "image" } else { "text" };
        match self.points.len() {
            all if all == m => format!("every point shows its {what}"),
            some => {
                let [some, m] = [some, m].map(crate::text::thousands);
                format!("{some} of the {m} points, evenly spaced, show their {what}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;
    use ndarray::Array2;
    use vae_array::ImageShape;

    #[test]
    fn a_tenth_of_a_large_map_has_images() {
        let shape = ImageShape { channels: 3, height: 20, width: 16 };
        let x = Array2::from_shape_fn((4000, shape.dim()), |(i, j)| ((i * 7 + j) % 251) as f32);
        let rows: Vec<usize> = (0..4000).collect();
        let data = Data::Images(Images { x: x.view(), shape });
        let looks = Looks::of(&data, &rows).expect("drawn").expect("there");
        assert_eq!((looks.points.len(), looks.points[1], looks.points[999]), (1000, 4, 3996));
        assert!(looks.is_sound(4000) && !looks.is_sound(3996));
        assert_eq!(looks.about(4000), "1,000 of the 4,000 points, evenly spaced, show their image");
        assert!(looks.sheet.is_some_and(|sheet| sheet.png.len() <= SHEET));
    }
}
