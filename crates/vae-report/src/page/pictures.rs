//! Drawings that somebody else made, as images of the page.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Bytes of all pictures, at most.
const MOST: usize = 1536 * 1024;

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// The drawing as SVG. It is shown as an image: scripts in it do not run.
    pub svg: String,
    /// Whether single rows of the data can be seen in it.
    pub shows_rows: bool,
}

/// A picture of the page.
#[derive(Debug, Serialize)]
pub struct View {
    title: String,
    /// `data:image/svg+xml,…`; made of characters that mean nothing in HTML. None where it was too
    /// large.
    address: Option<minijinja::Value>,
}

/// The pictures, as many as fit.
pub fn view(pictures: &[Picture]) -> Vec<View> {
    let mut left = MOST;
    let of = |picture: &Picture| {
        let address = address(&picture.svg);
        let fits = address.len() <= left;
        left -= if fits { address.len() } else { 0 };
        View {
            title: picture.title.clone(),
            address: fits.then(|| minijinja::Value::from_safe_string(address)),
        }
    };
    pictures.iter().map(of).collect()
}

/// A drawing as an address. What is no letter, digit or harmless sign is written as `%XX`.
fn address(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len() + svg.len() / 4 + 20);
    out.push_str("data:image/svg+xml,");
    for byte in svg.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'_' | b'.' | b',' | b':' | b';' | b'=' | b'+' | b'/' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_end_its_attribute() {
        assert_eq!(address("<a b=\"ü\">'&#"), "data:image/svg+xml,%3Ca%20b=%22%C3%BC%22%3E%27%26%23");
    }

    #[test]
    fn pictures_beyond_the_limit_are_named_only() {
        let picture = |size: usize| Picture { title: "t".into(), svg: "a".repeat(size), shows_rows: false };
        let shown: Vec<bool> =
            view(&[picture(10), picture(MOST), picture(10)]).iter().map(|v| v.address.is_some()).collect();
        assert_eq!(shown, [true, false, true]);
    }
}
