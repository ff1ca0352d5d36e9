//! The terms of a collection and their weights. As a file: `read/vocabulary.rs`.

/// Terms of the columns and their inverse document frequencies.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    /// Term of each column, in the order of code points.
    pub terms: Vec<String>,
    /// `ln((1 + n) / (1 + df)) + 1` of each column.
    pub idf: Vec<f64>,
    /// Documents it was made of; 0 where it was read from a file.
    pub n_documents: usize,
}

impl Vocabulary {
    /// Factor on the unit rows: the root of the number of terms.
    pub(crate) fn scale(&self) -> f64 {
        (self.terms.len() as f64).sqrt()
    }
}
