//! Words of clusters of documents, by class-based tf-idf (Grootendorst 2022, arXiv 2203.05794, eq.
//! 2).
//!
//! All documents of a cluster are one: the weight of term `t` in cluster `c` is
//!
//! ```text
//! w(t, c) = tf(t, c) * ln(1 + A / f(t))
//! ```
//!
//! with the share `tf` of the term in the cluster's weight, the weight `f(t)` of the term in all
//! clusters and the mean weight `A` of a cluster with documents. "Weight" is whatever the matrix
//! holds: counts as in the paper, or tf-idf. Deviations: a word must have a share of the cluster's
//! weight that is [`LIFT`] times its share elsewhere, and be in a larger share of its documents
//! than of the others (words of short documents are heavy). And it must be none of the common words
//! of the documents' language, or words like `the` and `was` would stand among the first wherever
//! tables are in one cluster and prose in another.

use crate::clusters::Word;
use crate::data::{Documents, Subject};
use std::collections::HashSet;

/// How many times as much of a cluster's weight a word must have as of all others'.
const LIFT: f64 = 1.5;

/// Least share of all occurrences that the common words of a language have in its texts. In English
/// prose they have 0.4 to 0.6, in documents without sentences hardly any.
const LEAST_SHARE: f64 = 0.1;

/// Which of the terms are common words of the language whose list has most of the occurrences.
fn common(terms: &[String], occurrences: &[u32]) -> Vec<bool> {
    let lists = stop_words::available_languages().iter().filter_map(stop_words::lookup);
    let of_list = |list: &[&str]| -> (Vec<bool>, u64) {
        let list: HashSet<&str> = list.iter().copied().collect();
        let found: Vec<bool> = terms.iter().map(|term| list.contains(term.as_str())).collect();
        let share = found.iter().zip(occurrences).filter(|(is_in, _)| **is_in);
        let share = share.map(|(_, count)| u64::from(*count)).sum();
        (found, share)
    };
    let all: u64 = occurrences.iter().map(|count| u64::from(*count)).sum();
    let best = lists.map(of_list).max_by_key(|(_, share)| *share);
    let best = best.filter(|(_, share)| *share as f64 >= LEAST_SHARE * all as f64);
    best.map_or_else(|| vec![false; terms.len()], |(found, _)| found)
}

/// The strongest words of each cluster.
pub fn of(documents: &Documents<'_>, subject: &Subject<'_>, sizes: &[usize], most: usize) -> Vec<Vec<Word>> {
    let (k, terms) = (sizes.len(), documents.terms.len());
    let mut weights = vec![vec![0.0f64; terms]; k];
    let mut counts = vec![vec![0u32; terms]; k];
    for (row, &c) in subject.assignments.iter().enumerate() {
        let (columns, values) = documents.weights.row(row);
        for (&term, &value) in columns.iter().zip(values).filter(|(_, value)| **value > 0.0) {
            weights[c as usize][term as usize] += f64::from(value);
            counts[c as usize][term as usize] += 1;
        }
    }
    let sum_of = |term: usize| weights.iter().map(|of| of[term]).sum::<f64>();
    let totals: Vec<f64> = (0..terms).map(sum_of).collect();
    let filled = sizes.iter().filter(|size| **size > 0).count().max(1);
    let mean = totals.iter().sum::<f64>() / filled as f64;
    let n = subject.n();
    let occurrences: Vec<u32> = (0..terms).map(|term| counts.iter().map(|of| of[term]).sum()).collect();
    let shares = |c: usize, term: usize| {
        let share = |count: u32, of: usize| f64::from(count) / of.max(1) as f64;
        (share(counts[c][term], sizes[c]), share(occurrences[term] - counts[c][term], n - sizes[c]))
    };
    let total: f64 = totals.iter().sum();
    let common = common(documents.terms, &occurrences);
    let of_cluster = |c: usize| {
        let size: f64 = weights[c].iter().sum();
        let is_own = |term: usize| {
            let (inside, outside) = (weights[c][term], totals[term] - weights[c][term]);
            let (share_inside, share_outside) = shares(c, term);
            let names = share_inside > share_outside && !common[term];
            names && (total <= size || inside * (total - size) >= LIFT * outside * size)
        };
        let mut found: Vec<(usize, f64)> = (0..terms)
            .filter(|&term| is_own(term))
            .map(|term| (term, weights[c][term] / size * (1.0 + mean / totals[term]).ln()))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let word = |(term, weight): (usize, f64)| {
            let (share_inside, share_outside) = shares(c, term);
            Word { word: documents.terms[term].clone(), weight, share_inside, share_outside }
        };
        found.into_iter().take(most).map(word).collect()
    };
    (0..k).map(of_cluster).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ClusterNames, Confidence, Data};
    use approx::assert_relative_eq;
    use vae_array::Csr;

    #[test]
    fn common_words_are_those_of_the_language() {
        let of = |text: &str| {
            let terms: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let common = common(&terms, &vec![1; terms.len()]);
            let left = terms.into_iter().zip(common).filter(|(_, is_common)| !is_common);
            left.map(|(term, _)| term).collect::<Vec<_>>()
        };
        assert_eq!(of("the price of oil that was raised by them"), ["price", "oil", "raised"]);
        assert_eq!(of("der preis war das was die banken nicht sahen"), ["preis", "banken", "sahen"]);
        // No sentences, no language.
        let none = "atcg ggca gtta ccat aatg tgca catg gatt acca ttag cggt the";
        assert_eq!(of(none).len(), 12);
    }

    #[test]
    fn weights_by_hand() {
        // Counts: document 0 `goal goal the`, document 1 `the`, document 2 `vote the`.
        let weights = Csr {
            indptr: vec![0, 2, 3, 5],
            indices: vec![0, 1, 1, 1, 2],
            values: vec![2.0, 1.0, 1.0, 1.0, 1.0],
            n_columns: 3,
        };
        let terms = ["goal", "the", "vote"].map(str::to_owned);
        let documents = Documents { weights: &weights, terms: &terms, texts: None };
        let names = ClusterNames::new();
        let assignments = ndarray::array![0, 0, 1];
        let subject = Subject {
            data: Data::Documents(documents),
            assignments: assignments.view(),
            n_clusters: 3,
            confidence: Confidence::Unknown,
            codes: None,
            row_names: None,
            cluster_names: &names,
        };
        let words = of(&documents, &subject, &[2, 1, 0], 5);
        // Six words in two filled clusters: A = 3. f(goal) = 2, of the 4 words of cluster 0.
        let [goal] = words[0].as_slice() else { panic!("{words:?}") };
        assert_eq!((goal.word.as_str(), goal.share_inside, goal.share_outside), ("goal", 0.5, 0.0));
        assert_relative_eq!(goal.weight, 0.5 * (1.0f64 + 3.0 / 2.0).ln(), epsilon = 1e-12);
        // `the` has the same share of both: no word of any cluster.
        let [vote] = words[1].as_slice() else { panic!("{words:?}") };
        assert_relative_eq!(vote.weight, 0.5 * 4f64.ln(), epsilon = 1e-12);
        assert!(words[2].is_empty());
    }
}
