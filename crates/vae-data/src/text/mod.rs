//! From documents to tf-idf, one pipeline for every source: tokenise, count, keep the most frequent
//! terms, weigh.
//!
//! ```text
//! tf(t, d)  = 1 + ln(count of t in d)
//! idf(t)    = ln((1 + n) / (1 + df(t))) + 1           n documents, df(t) of them with t
//! x(d, t)   = sqrt(T) * tf * idf / ||tf * idf||_2     T terms kept
//! ```
//!
//! Source: the data preparation of DEC (Xie, Girshick and Farhadi 2016), which is scikit-learn's
//! `CountVectorizer` (`max_features=2000`), `TfidfTransformer` (`norm="l2"`, `sublinear_tf=True`)
//! and a factor `sqrt(2000)`. The golden files in `tests/golden` hold this against scikit-learn. A
//! document without any kept term is a row of zeros.

mod beginnings;
mod corpus;
mod tokens;
mod vocabulary;
mod wordless;

use std::path::Path;
use vae_array::Csr;

use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::labels::RawLabels;
use crate::memory;
use crate::note::Note;

pub(crate) use corpus::Corpus;
pub use vocabulary::Vocabulary;
pub(crate) use wordless::Wordless;

/// Terms kept where nothing else is said: the number of the published tables.
pub const DEFAULT_MAX_TERMS: usize = 2000;

/// What a reader of documents found.
#[derive(Debug)]
pub(crate) struct TextSet {
    pub x: Csr,
    pub vocabulary: Vocabulary,
    pub labels: Option<RawLabels>,
    /// How each document begins, where it is known.
    pub beginnings: Option<Vec<String>>,
    /// Names of the rows, where a column has them.
    pub ids: Option<Ids>,
    /// What was decided while reading.
    pub notes: Vec<Note>,
}

/// How documents become columns.
#[derive(Debug, Clone)]
pub(crate) enum Columns {
    /// The most frequent terms of these documents, at most so many.
    Own(usize),
    /// Terms and weights of other documents.
    Given(Vocabulary),
}

impl Columns {
    /// An empty corpus that counts what the columns need.
    pub fn corpus(&self) -> Corpus {
        match self {
            Self::Own(_) => Corpus::new(),
            Self::Given(vocabulary) => Corpus::of_terms(vocabulary),
        }
    }

    /// The weights of a corpus that was read from `path`.
    pub fn weigh(&self, mut corpus: Corpus, path: &Path, labels: Option<RawLabels>) -> Result<TextSet> {
        if corpus.n() == 0 {
            return Err(Error::Empty { path: path.to_owned(), expected: "at least one document" });
        }
        let beginnings = corpus.take_beginnings();
        memory::check(corpus.weighing_bytes()).map_err(|short| short.at(path))?;
        let (x, vocabulary) = match self {
            Self::Given(vocabulary) => (corpus.weigh_as(vocabulary), vocabulary.clone()),
            Self::Own(max_terms) => corpus.weigh(*max_terms).ok_or_else(|| Error::Empty {
                path: path.to_owned(),
                expected: "words of at least two letters in the documents",
            })?,
        };
        Ok(TextSet { x, vocabulary, labels, beginnings, ids: None, notes: Vec::new() })
    }
}
