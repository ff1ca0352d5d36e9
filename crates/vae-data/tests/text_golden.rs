//! tf-idf against scikit-learn: `golden/tfidf.json` and `golden/reuters21578.json`, made by
//! `golden/make.py`.
//!
//! scikit-learn gives rows of unit length; they are compared before the factor sqrt(terms). Ours
//! are rounded to f32 after it, which moves a value below 1 by at most 6e-8.

use std::fs;

use serde_json::Value;
use vae_data::{Csr, Error, LoadOptions, Matrix, Places, Source, Vocabulary, load, load_from};

const TOLERANCE: f64 = 1e-7;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).expect("golden files are JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

fn assert_vocabulary(vocabulary: &Vocabulary, expected: &Value) {
    let terms: Vec<&str> = list(&expected["terms"]).iter().map(|t| t.as_str().expect("text")).collect();
    assert_eq!(vocabulary.terms, terms);
    for (i, idf) in list(&expected["idf"]).iter().enumerate() {
        assert_close(terms[i], vocabulary.idf[i], number(idf), 1e-12);
    }
}

fn sparse(x: Matrix) -> Csr {
    match x {
        Matrix::Sparse(csr) => csr,
        Matrix::Dense(_) => panic!("text is sparse"),
    }
}

#[test]
fn documents_agree_with_scikit_learn() {
    let golden = golden(include_str!("golden/tfidf.json"));
    let dir = tempfile::tempdir().expect("folder");
    for (i, document) in list(&golden["documents"]).iter().enumerate() {
        let text = document.as_str().expect("text");
        fs::write(dir.path().join(format!("{i:02}.txt")), text).expect("file");
    }
    assert_eq!(list(&golden["cases"]).len(), 3);
    for case in list(&golden["cases"]) {
        let max_terms = case["max_terms"].as_u64().expect("whole") as usize;
        let options = LoadOptions { max_terms: Some(max_terms), ..LoadOptions::default() };
        let (data, labels) = load(&Source::Path(dir.path().to_owned()), &options).expect("sound");
        assert_eq!(labels, None);
        assert_vocabulary(data.vocabulary.as_ref().expect("text has one"), case);
        let x = sparse(data.x).to_dense();
        let scale = (x.ncols() as f64).sqrt();
        assert_eq!(x.nrows(), list(&case["rows"]).len());
        for (i, row) in list(&case["rows"]).iter().enumerate() {
            for (j, value) in list(row).iter().enumerate() {
                assert_close(&format!("{i}, {j}"), f64::from(x[[i, j]]) / scale, number(value), TOLERANCE);
            }
        }
    }
}

#[test]
fn reuters21578_agrees_with_scikit_learn() {
    let places = Places::new(None, std::env::var_os("VAE_DATA_DIR").map(Into::into), None);
    let source = Source::Known("reuters21578".to_owned());
    let (data, labels) = match load_from(&source, &LoadOptions::default(), &places) {
        Ok(loaded) => loaded,
        Err(Error::DataSetNotFound { .. }) => {
            eprintln!("SKIPPED: reuters21578 is not in VAE_DATA_DIR; set it to a folder with reuters21578/");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let golden = golden(include_str!("golden/reuters21578.json"));
    let labels = labels.expect("known sets have labels");
    let mut counts = vec![0_u64; 4];
    labels.labelled().1.iter().for_each(|y| counts[*y as usize] += 1);
    assert_eq!(counts, [6332, 2231, 1762, 710]);
    let theirs: Vec<u64> = list(&golden["classes"]).iter().map(|n| n.as_u64().expect("whole")).collect();
    assert_eq!(counts, theirs);
    assert_vocabulary(data.vocabulary.as_ref().expect("text has one"), &golden);
    let x = sparse(data.x);
    assert_eq!(
        (x.n(), x.n_columns, x.values.len() as u64),
        (11_035, 2000, golden["stored"].as_u64().expect("whole"))
    );
    let scale = 2000_f64.sqrt();
    for row in list(&golden["rows"]) {
        let i = row["row"].as_u64().expect("whole") as usize;
        assert_eq!(labels.y[i].map(u64::from), row["class"].as_u64());
        let (columns, values) = x.row(i);
        let theirs: Vec<u64> = list(&row["columns"]).iter().map(|c| c.as_u64().expect("whole")).collect();
        assert_eq!(columns.iter().map(|c| u64::from(*c)).collect::<Vec<_>>(), theirs);
        for (value, expected) in values.iter().zip(list(&row["values"])) {
            assert_close(&format!("row {i}"), f64::from(*value) / scale, number(expected), TOLERANCE);
        }
    }
    // Every stored value is in one of these sums.
    let mut sums = vec![0.0; 2000];
    x.indices.iter().zip(&x.values).for_each(|(c, v)| sums[*c as usize] += f64::from(*v) / scale);
    for (i, expected) in list(&golden["column_sums"]).iter().enumerate() {
        assert_close(&format!("column {i}"), sums[i], number(expected), 1e-5);
    }
}
