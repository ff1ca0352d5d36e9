//! The shape of an image.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;

/// Shape of one image; a row of features is the image in channel-major order
/// (`[channels, height, width]`).
///
/// It is written as a table of its three numbers; `[channels, height, width]` is read as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

const FIELDS: [&str; 3] = ["channels", "height", "width"];

impl ImageShape {
    /// Numbers per image, `channels * height * width`; the largest number where that overflows,
    /// which no row has.
    pub fn dim(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }
}

impl From<[usize; 3]> for ImageShape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self { channels, height, width }
    }
}

impl From<ImageShape> for [usize; 3] {
    fn from(shape: ImageShape) -> Self {
        [shape.channels, shape.height, shape.width]
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

impl Serialize for ImageShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("ImageShape", FIELDS.len())?;
        for (name, size) in FIELDS.into_iter().zip(<[usize; 3]>::from(*self)) {
            table.serialize_field(name, &size)?;
        }
        table.end()
    }
}

impl<'de> Deserialize<'de> for ImageShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Reads both forms.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = ImageShape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[channels, height, width], or a table of the three")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ImageShape, A::Error> {
        let mut sizes = [0; 3];
        for (at, size) in sizes.iter_mut().enumerate() {
            *size = list.next_element()?.ok_or_else(|| de::Error::invalid_length(at, &self))?;
        }
        match list.next_element::<usize>()? {
            None => Ok(sizes.into()),
            Some(_) => Err(de::Error::invalid_length(4, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<ImageShape, A::Error> {
        let mut sizes = [None; 3];
        while let Some(key) = table.next_key::<String>()? {
            let at = FIELDS.iter().position(|name| *name == key);
            let at = at.ok_or_else(|| de::Error::unknown_field(&key, &FIELDS))?;
            sizes[at] = Some(table.next_value()?);
        }
        let size = |at: usize| sizes[at].ok_or_else(|| de::Error::missing_field(FIELDS[at]));
        Ok([size(0)?, size(1)?, size(2)?].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_table_is_written() {
        let shape = ImageShape { channels: 3, height: 2, width: 5 };
        let text = serde_json::to_string(&shape).expect("written");
        assert_eq!(text, r#"{"channels":3,"height":2,"width":5}"#);
        for text in [text.as_str(), "[3, 2, 5]", r#"{"width":5,"channels":3,"height":2}"#] {
            assert_eq!(serde_json::from_str::<ImageShape>(text).expect(text), shape);
        }
        for text in ["[3, 2]", "[3, 2, 5, 1]", r#"{"channels":3,"height":2}"#, r#"{"depth":3}"#, "7"] {
            assert!(serde_json::from_str::<ImageShape>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_that_overflows_is_that_of_no_row() {
        assert_eq!(ImageShape { channels: 3, height: 2, width: 5 }.dim(), 30);
        assert_eq!(ImageShape { channels: usize::MAX, height: 2, width: 2 }.dim(), usize::MAX);
    }
}
