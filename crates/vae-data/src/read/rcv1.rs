//! RCV1-v2 in the form of LYRL2004: token files and topic judgements.
//!
//! Source: Lewis, Yang, Rose and Li, JMLR 5 (2004), online appendices 8 and 12. A document is a
//! line `.I 2286`, a line `.W`, and lines of tokens, which are lower case, stemmed and without stop
//! words; a judgement is a line `C15 2286 1`. Kept are documents with exactly one of the four root
//! topics.

use std::collections::HashMap;

use crate::error::Result;
use crate::memory::{self, Problem};
use crate::read::input::Input;
use crate::read::lines::Lines;

/// The root topics; the place of a topic is its class.
pub(crate) const ROOTS: [&str; 4] = ["CCAT", "GCAT", "MCAT", "ECAT"];

/// Root topics of each document, a bit each.
#[derive(Debug, Default)]
pub(crate) struct Judgements(HashMap<u32, u8>);

impl Judgements {
    /// Reads `rcv1-v2.topics.qrels`.
    pub fn read(input: Input<'_>) -> Result<Self> {
        const EXPECTED: &str = "a topic, a document number and 1 are expected, as in `CCAT 2286 1`";
        let mut lines = Lines::new(input);
        let mut roots = HashMap::new();
        while let Some((_, line)) = lines.next_line()? {
            let mut fields = line.split_ascii_whitespace();
            let (Some(topic), Some(id), Some("1"), None) =
                (fields.next(), fields.next().and_then(|id| id.parse().ok()), fields.next(), fields.next())
            else {
                return Err(lines.problem(EXPECTED));
            };
            if let Some(root) = ROOTS.iter().position(|root| *root == topic) {
                memory::reserve_key(&mut roots).map_err(|short| short.at(lines.path()))?;
                *roots.entry(id).or_insert(0) |= 1 << root;
            }
        }
        lines.finish()?;
        Ok(Self(roots))
    }

    /// The class of a document with exactly one root topic.
    fn class(&self, id: u32) -> Option<i64> {
        let roots = *self.0.get(&id)?;
        (roots.count_ones() == 1).then(|| i64::from(roots.trailing_zeros()))
    }
}

/// A piece of a token file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A line of tokens of the open document.
    Tokens(&'a str),
    /// The document, of this class, is complete.
    End(i64),
}

/// Hands on the documents that have a class, in the order of the file. `take` says `Err` with what
/// is too much.
pub(crate) fn read(
    input: Input<'_>,
    judgements: &Judgements,
    mut take: impl FnMut(Piece<'_>) -> Result<(), Problem>,
) -> Result<()> {
    let mut lines = Lines::new(input);
    // The class of the open document, if it is kept, and whether its `.W` has come.
    let mut open: Option<(Option<i64>, bool)> = None;
    while let Some((_, line)) = lines.next_line()? {
        let line = line.trim_end();
        let step = if let Some(id) = line.strip_prefix(".I ") {
            let end = match open {
                Some((Some(class), _)) => take(Piece::End(class)),
                _ => Ok(()),
            };
            let Ok(id) = id.trim().parse() else {
                return Err(lines.problem("a document number is expected after .I"));
            };
            open = Some((judgements.class(id), false));
            end
        } else if line == ".W" {
            match &mut open {
                Some((_, words)) if !*words => *words = true,
                _ => return Err(lines.problem(".W is expected once after each .I")),
            }
            Ok(())
        } else {
            match open {
                Some((Some(_), true)) => take(Piece::Tokens(line)),
                Some((None, true)) => Ok(()),
                _ => return Err(lines.problem("tokens stand outside a document: .I and .W must come first")),
            }
        };
        step.map_err(|problem| lines.stop(problem))?;
    }
    if let Some((Some(class), _)) = open
        && let Err(problem) = take(Piece::End(class))
    {
        return Err(lines.stop(problem));
    }
    lines.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QRELS: &str = "CCAT 1 1\nC15 1 1\nECAT 2 1\nMCAT 2 1\nGCAT 3 1\nECAT 4 1\n";

    fn judgements() -> Judgements {
        Judgements::read(Input::bytes(QRELS.as_bytes())).expect("sound")
    }

    fn read_text(text: &[u8]) -> Result<Vec<(String, i64)>> {
        let (mut words, mut found) = (String::new(), Vec::new());
        read(Input::bytes(text), &judgements(), |piece| {
            match piece {
                Piece::Tokens(line) => words += &format!("{line}|"),
                Piece::End(class) => found.push((std::mem::take(&mut words), class)),
            }
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn documents_with_one_root_are_kept_in_order() {
        let text = ".I 4\n.W\nrecov excit\nbring\n\n.I 2\n.W\ntwo roots\n\n.I 9\n.W\nunjudged\n.I 1\n.W\n\n.I 3\n.W\nlast";
        let expected = [("recov excit|bring|", 3), ("", 0), ("last|", 1)].map(|(t, c)| (t.to_owned(), c));
        assert_eq!(read_text(text.as_bytes()).expect("sound"), expected);
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(read_text(&[b"\xef\xbb\xbf", crlf.as_bytes()].concat()).expect("sound"), expected);
    }

    #[test]
    fn damage_is_named_by_line() {
        for (text, part) in [
            (&b"word\n"[..], "line 1: tokens stand outside"),
            (b".I 1\nword\n", "line 2: tokens stand outside"),
            (b".I 1\n.W\n.W\n", "line 3: .W is expected once"),
            (b".I x\n", "line 1: a document number"),
            (b".I 99999999999\n", "line 1: a document number"),
            (b".I 1\n.W\n\xff\n", "line 3: the line is not UTF-8"),
        ] {
            let message = read_text(text).expect_err("damaged").to_string();
            assert!(message.contains(part), "{message}");
        }
        for text in ["CCAT 1\n", "CCAT one 1\n", "CCAT 1 0\n", "CCAT 1 1 1\n"] {
            assert!(Judgements::read(Input::bytes(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_is_told_with_its_line() {
        let error = read(Input::bytes(b".I 1\n.W\nword\n"), &judgements(), |_| Err("too much".into()))
            .expect_err("limit");
        assert!(error.to_string().contains("line 3: too much"), "{error}");
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            parts in prop::collection::vec(prop_oneof![
                Just(b".I 1\n".to_vec()), Just(b".W\n".to_vec()), Just(b"word\n".to_vec()), Just(b".I ".to_vec()),
                prop::collection::vec(any::<u8>(), 0..12),
            ], 0..16),
        ) {
            let _ = read_text(&parts.concat());
            let _ = Judgements::read(Input::bytes(&parts.concat()));
        }
    }
}
