//! STL-10 in binary: pictures of 3x96x96 bytes, channels first, each channel column by column;
//! labels from 1 to 10.
//!
//! Source: Coates, Lee and Ng, AISTATS 2011; the layout is described on the publisher's page.

use vae_array::ImageShape;

use crate::error::{Error, Result};
use crate::memory;
use crate::read::element::unit_interval;
use crate::read::input::Input;

/// Shape of every picture.
pub(crate) const SHAPE: ImageShape = ImageShape { channels: 3, height: SIDE, width: SIDE };
const SIDE: usize = 96;
const PICTURE_BYTES: usize = 3 * SIDE * SIDE;
const CLASSES: u8 = 10;

/// Appends pictures to `out`, rows before columns and divided by 255; returns their number.
pub(crate) fn read_pictures(mut input: Input<'_>, out: &mut Vec<f32>) -> Result<usize> {
    let pixels = unit_interval();
    let mut picture = vec![0; PICTURE_BYTES];
    let mut n = 0;
    while input.fill_or_end(&mut picture)? {
        n += 1;
        memory::reserve(out, PICTURE_BYTES).map_err(|short| short.at(&input.path))?;
        for channel in picture.chunks_exact(SIDE * SIDE) {
            for row in 0..SIDE {
                out.extend(channel[row..].iter().step_by(SIDE).map(|byte| pixels[usize::from(*byte)]));
            }
        }
    }
    let path = input.path.clone();
    input.finish()?;
    if n == 0 { Err(Error::Empty { path, expected: "pictures of 27,648 bytes" }) } else { Ok(n) }
}

/// Reads labels, a byte each.
pub(crate) fn read_labels(mut input: Input<'_>) -> Result<Vec<i64>> {
    let mut labels = Vec::new();
    let mut byte = [0];
    while input.fill_or_end(&mut byte)? {
        if byte[0] == 0 || byte[0] > CLASSES {
            let found = format!("{} at row {} (from 0)", byte[0], labels.len());
            return Err(Error::field(&input.path, "a label", found, "a number from 1 to 10"));
        }
        memory::push(&mut labels, i64::from(byte[0])).map_err(|short| short.at(&input.path))?;
    }
    input.finish()?;
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_become_rows() {
        let mut bytes = vec![0_u8; 2 * PICTURE_BYTES];
        // Second picture, green, third column from the left, second row from the top.
        bytes[PICTURE_BYTES + SIDE * SIDE + 2 * SIDE + 1] = 51;
        let mut out = Vec::new();
        assert_eq!(read_pictures(Input::bytes(&bytes), &mut out).expect("sound"), 2);
        let at = PICTURE_BYTES + SIDE * SIDE + SIDE + 2;
        assert_eq!(out.iter().position(|v| *v != 0.0), Some(at));
        assert_eq!((out[at], out.len()), (0.2, 2 * PICTURE_BYTES));
    }

    #[test]
    fn damage_is_told() {
        let cut = vec![0; PICTURE_BYTES + 1];
        let error = read_pictures(Input::bytes(&cut), &mut Vec::new()).expect_err("cut");
        assert!(matches!(error, Error::Truncated { expected: 55296, found: 27649, .. }), "{error}");
        assert!(matches!(read_pictures(Input::bytes(&[]), &mut Vec::new()), Err(Error::Empty { .. })));
        assert_eq!(read_labels(Input::bytes(&[1, 10])).expect("sound"), [1, 10]);
        let message = read_labels(Input::bytes(&[1, 0])).expect_err("zero").to_string();
        assert!(message.contains("0 at row 1"), "{message}");
    }

    proptest! {
        #[test]
        fn every_byte_is_found_at_its_place(
            places in prop::collection::vec((0..PICTURE_BYTES, any::<u8>()), 1..8),
        ) {
            let mut bytes = vec![0; PICTURE_BYTES];
            places.iter().for_each(|(at, byte)| bytes[*at] = *byte);
            let mut out = Vec::new();
            prop_assert_eq!(read_pictures(Input::bytes(&bytes), &mut out).expect("sound"), 1);
            for (at, _) in places {
                let (channel, column, row) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
                prop_assert_eq!(out[(channel * SIDE + row) * SIDE + column], f32::from(bytes[at]) / 255.0);
            }
        }

        #[test]
        fn labels_are_from_one_to_ten(bytes in prop::collection::vec(0_u8..13, 0..20)) {
            let read = read_labels(Input::bytes(&bytes));
            prop_assert_eq!(read.is_ok(), bytes.iter().all(|byte| (1..=10).contains(byte)));
        }

        #[test]
        fn any_length_gives_whole_pictures_or_an_error(n in 0_usize..3 * PICTURE_BYTES, value in any::<u8>()) {
            let mut out = Vec::new();
            let read = read_pictures(Input::bytes(&vec![value; n]), &mut out);
            prop_assert_eq!(read.is_ok(), n > 0 && n % PICTURE_BYTES == 0);
            let _ = read_labels(Input::bytes(&vec![value; n % 50]));
        }
    }
}
