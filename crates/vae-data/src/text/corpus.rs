//! Counts of terms in documents, taken one document at a time, and their tf-idf weights.
//!
//! Memory is 8 bytes for each pair of a document and a term of it, and the terms themselves: the
//! 800,000 documents of RCV1 need less than a gibibyte, whatever the number of terms kept. Of the
//! documents themselves no more than their beginnings are held, and only where that is asked for.

use std::collections::HashMap;
use vae_array::Csr;

use crate::memory::{self, Meter, Problem};
use crate::text::Vocabulary;
use crate::text::beginnings::Beginnings;
use crate::text::tokens::each_token;

/// Beyond any collection this is meant for; a compressed file of one repeated document ends here,
/// not in memory.
const MAX_DOCUMENTS: usize = 20_000_000;
const MAX_PAIRS: usize = 400_000_000;
const MAX_TERMS: usize = 20_000_000;
const UNKNOWN: u32 = u32::MAX;

/// Term counts of documents.
#[derive(Debug)]
pub(crate) struct Corpus {
    ids: HashMap<Box<str>, u32>,
    /// Whether new terms get an id; with a vocabulary that exists they are left out.
    grows: bool,
    /// Occurrences of each term in all documents.
    totals: Vec<u64>,
    indptr: Vec<usize>,
    terms: Vec<u32>,
    /// Whole numbers, exact to 2^24 and rounded beyond; they become the weights in place.
    counts: Vec<f32>,
    /// Terms of the document being read, in the order of the text.
    open: Vec<u32>,
    buffer: String,
    /// The terms' texts.
    meter: Meter,
    /// How the documents begin, where somebody wants to see that.
    beginnings: Option<Beginnings>,
}

impl Corpus {
    /// No documents yet.
    pub fn new() -> Self {
        Self {
            ids: HashMap::new(),
            grows: true,
            totals: Vec::new(),
            indptr: vec![0],
            terms: Vec::new(),
            counts: Vec::new(),
            open: Vec::new(),
            buffer: String::new(),
            meter: Meter::default(),
            beginnings: None,
        }
    }

    /// The same with the beginning of each document, for people to look at.
    pub fn with_beginnings(self) -> Self {
        Self { beginnings: Some(Beginnings::default()), ..self }
    }

    /// The beginnings, where they were asked for and the documents are not too many.
    pub fn take_beginnings(&mut self) -> Option<Vec<String>> {
        self.beginnings.take().and_then(Beginnings::finish)
    }

    /// No documents yet; only terms of the vocabulary will be counted.
    pub fn of_terms(vocabulary: &Vocabulary) -> Self {
        let terms = vocabulary.terms.iter().zip(0..);
        let ids: HashMap<Box<str>, u32> = terms.map(|(term, id)| (term.as_str().into(), id)).collect();
        Self { totals: vec![0; ids.len()], ids, grows: false, ..Self::new() }
    }

    /// Documents so far.
    pub fn n(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Memory that [`Corpus::weigh`] needs beside the counts: the terms in their order, and a
    /// column for each.
    pub fn weighing_bytes(&self) -> usize {
        self.totals.len() * (size_of::<(Box<str>, u32)>() + size_of::<u32>())
    }

    /// Adds text to the open document. `Err` says which limit is passed.
    pub fn text(&mut self, text: &str) -> Result<(), Problem> {
        let Self { ids, grows, totals, open, buffer, meter, beginnings, .. } = self;
        if let Some(beginnings) = beginnings {
            beginnings.text(text);
        }
        each_token(text, buffer, |token| {
            let id = match ids.get(token) {
                Some(id) => *id,
                None if *grows => {
                    let id = totals.len() as u32;
                    memory::push(totals, 0)?;
                    memory::reserve_key(ids)?;
                    meter.add(token.len().max(16))?;
                    ids.insert(token.into(), id);
                    id
                }
                None => return Ok(()),
            };
            totals[id as usize] += 1;
            memory::push(open, id)
        })?;
        if self.totals.len() > MAX_TERMS {
            return Err("more than 20 million different terms".into());
        }
        Ok(())
    }

    /// Ends the open document and begins the next. `Err` says which limit is passed.
    pub fn end_document(&mut self) -> Result<(), Problem> {
        self.open.sort_unstable();
        for run in self.open.chunk_by(|a, b| a == b) {
            memory::push(&mut self.terms, run[0])?;
            memory::push(&mut self.counts, run.len() as f32)?;
        }
        self.open.clear();
        if let Some(beginnings) = &mut self.beginnings {
            beginnings.end_document()?;
        }
        memory::push(&mut self.indptr, self.terms.len())?;
        match () {
            () if self.n() > MAX_DOCUMENTS => Err("more than 20 million documents".into()),
            () if self.terms.len() > MAX_PAIRS => {
                Err("more than 400 million pairs of a document and a term".into())
            }
            () => Ok(()),
        }
    }

    /// tf-idf on the `max_terms` most frequent terms: most occurrences in all documents first, the
    /// first of equals by code point. Columns are in the order of code points. `None` where there
    /// is no term at all.
    pub fn weigh(mut self, max_terms: usize) -> Option<(Csr, Vocabulary)> {
        let mut order: Vec<(Box<str>, u32)> = std::mem::take(&mut self.ids).into_iter().collect();
        let totals = &self.totals;
        let total = |id: u32| totals[id as usize];
        order.sort_unstable_by(|(a, i), (b, j)| total(*j).cmp(&total(*i)).then_with(|| a.cmp(b)));
        order.truncate(max_terms);
        order.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if order.is_empty() {
            return None;
        }
        let mut columns = vec![UNKNOWN; self.totals.len()];
        for (column, (_, id)) in order.iter().enumerate() {
            columns[*id as usize] = column as u32;
        }
        let n = self.n();
        let df = self.keep(&columns, order.len());
        let idf = |df: &u64| ((1 + n) as f64 / (1 + df) as f64).ln() + 1.0;
        let terms = order.into_iter().map(|(term, _)| term.into()).collect();
        let vocabulary = Vocabulary { terms, idf: df.iter().map(idf).collect(), n_documents: n };
        let csr = self.into_weights(&vocabulary);
        Some((csr, vocabulary))
    }

    /// tf-idf with the terms and weights of other documents, for a corpus made by
    /// [`Corpus::of_terms`].
    pub fn weigh_as(self, vocabulary: &Vocabulary) -> Csr {
        self.into_weights(vocabulary)
    }

    /// Keeps the terms that have a column and renames them to it, in place; returns how many
    /// documents have each.
    fn keep(&mut self, columns: &[u32], n_columns: usize) -> Vec<u64> {
        let mut df = vec![0_u64; n_columns];
        let mut row: Vec<(u32, f32)> = Vec::new();
        let (mut start, mut kept) = (0, 0);
        for end in self.indptr.iter_mut().skip(1) {
            let pairs = self.terms[start..*end].iter().zip(&self.counts[start..*end]);
            row.clear();
            row.extend(
                pairs.map(|(id, count)| (columns[*id as usize], *count)).filter(|(c, _)| *c != UNKNOWN),
            );
            row.sort_unstable_by_key(|(column, _)| *column);
            for (column, count) in &row {
                df[*column as usize] += 1;
                (self.terms[kept], self.counts[kept]) = (*column, *count);
                kept += 1;
            }
            start = std::mem::replace(end, kept);
        }
        self.terms.truncate(kept);
        self.counts.truncate(kept);
        self.terms.shrink_to_fit();
        self.counts.shrink_to_fit();
        df
    }

    /// Counts become weights in place; computed in f64 and rounded once.
    fn into_weights(mut self, vocabulary: &Vocabulary) -> Csr {
        let scale = vocabulary.scale();
        let mut weights: Vec<f64> = Vec::new();
        for bounds in self.indptr.windows(2) {
            let row = bounds[0]..bounds[1];
            let (terms, counts) = (&self.terms[row.clone()], &mut self.counts[row]);
            weights.clear();
            let weight =
                |(term, count): (&u32, &f32)| (1.0 + f64::from(*count).ln()) * vocabulary.idf[*term as usize];
            weights.extend(terms.iter().zip(counts.iter()).map(weight));
            let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
            for (value, weight) in counts.iter_mut().zip(&weights) {
                *value = (scale * weight / norm) as f32;
            }
        }
        let (indptr, indices, values) = (self.indptr, self.terms, self.counts);
        Csr { indptr, indices, values, n_columns: vocabulary.terms.len() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::tests::with_memory;

    fn corpus(documents: &[&str]) -> Corpus {
        let mut corpus = Corpus::new();
        for document in documents {
            corpus.text(document).expect("small");
            corpus.end_document().expect("small");
        }
        corpus
    }

    #[test]
    fn two_documents_by_hand() {
        // Terms by total: aa 3, bb 2, cc 1. Two are kept. df: aa 2, bb 1; idf: ln(3/3) + 1 and
        // ln(3/2) + 1.
        let (csr, vocabulary) = corpus(&["aa bb aa bb", "aa cc"]).weigh(2).expect("terms");
        assert_eq!(
            (vocabulary.terms.as_slice(), vocabulary.n_documents),
            (&["aa".to_owned(), "bb".into()][..], 2)
        );
        let (tf, idf_b) = (1.0 + 2_f64.ln(), 1.5_f64.ln() + 1.0);
        let norm = (tf * tf + tf * idf_b * tf * idf_b).sqrt();
        let expected = [tf / norm, tf * idf_b / norm, 1.0].map(|v| (2_f64.sqrt() * v) as f32);
        assert_eq!((csr.indptr.as_slice(), csr.indices.as_slice()), (&[0, 2, 3][..], &[0, 1, 0][..]));
        assert_eq!(csr.values, expected);
    }

    #[test]
    fn equal_totals_go_by_the_alphabet_and_nothing_is_nothing() {
        let (_, vocabulary) = corpus(&["dd cc bb aa", ""]).weigh(2).expect("terms");
        assert_eq!(vocabulary.terms, ["aa", "bb"]);
        assert!(corpus(&["", "a b c"]).weigh(2).is_none());
    }

    #[test]
    fn a_document_in_parts_is_one_document() {
        let mut parts = Corpus::new();
        for text in ["aa bb", "bb cc"] {
            parts.text(text).expect("small");
        }
        parts.end_document().expect("small");
        assert_eq!(parts.weigh(9), corpus(&["aa bb bb cc"]).weigh(9));
    }

    #[test]
    fn the_texts_of_terms_count_as_memory() {
        let term = "x".repeat(5000);
        let add = || Corpus::new().text(&format!("{term} {term}"));
        assert!(with_memory(8000, add).is_ok(), "one term, held once");
        assert!(matches!(with_memory(4000, add), Err(Problem::Memory(_))));
    }

    #[test]
    fn other_documents_get_the_same_terms_and_weights() {
        let documents = ["aa bb aa", "bb cc cc", "aa"];
        let (csr, vocabulary) = corpus(&documents).weigh(2).expect("terms");
        let mut again = Corpus::of_terms(&vocabulary);
        for document in documents {
            again.text(document).expect("small");
            again.end_document().expect("small");
        }
        assert_eq!(again.weigh_as(&vocabulary), csr);
    }

    proptest! {
        #[test]
        fn rows_have_norm_sqrt_terms_or_are_empty(
            documents in prop::collection::vec("([a-e]{1,2} ){0,12}", 1..8),
            max_terms in 1_usize..8,
        ) {
            let texts: Vec<&str> = documents.iter().map(String::as_str).collect();
            let Some((csr, vocabulary)) = corpus(&texts).weigh(max_terms) else { return Ok(()) };
            prop_assert_eq!((csr.n(), csr.n_columns), (texts.len(), vocabulary.terms.len()));
            prop_assert!(csr.n_columns <= max_terms);
            for i in 0..csr.n() {
                let (indices, values) = csr.row(i);
                prop_assert!(indices.windows(2).all(|w| w[0] < w[1]));
                let norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
                prop_assert!(values.is_empty() || (norm / csr.n_columns as f64 - 1.0).abs() < 1e-6);
            }
        }
    }
}
