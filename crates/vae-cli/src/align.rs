//! `--align-to`: the clusters of a fit get the numbers that a former run's clusters have.

use crate::input::About;
use crate::runs::Run;
use anyhow::{Result, bail};
use serde::Serialize;
use std::path::Path;
use vae_core::fsio::sha256_hex;
use vae_metrics::Contingency;
use vae_models::{Clusterer, FitSummary};

/// A former run on the same rows.
#[derive(Debug)]
pub struct Former {
    run: Run,
}

/// What became of its numbers, in `run.json`.
#[derive(Debug, Serialize)]
pub struct Aligned {
    /// The former run.
    run: String,
    assignments_sha256: String,
    /// Share of the rows that have the number they had.
    same_number: f64,
    /// Clusters that got a number of a former cluster, as pairs of the former number and the share
    /// of its rows that are still in it.
    kept: Vec<(u32, f64)>,
    /// Clusters that have no former one.
    new: Vec<u32>,
}

impl Former {
    /// Reads the run, which must be of the rows that are about to be fitted.
    ///
    /// # Errors
    /// A run that is not finished, is damaged, or is of other data.
    pub fn read(path: &Path, about: &About, fit_split: &str) -> Result<Self> {
        let run = Run::of_folder(path)?;
        let n = run.clusters.len();
        if n != about.n {
            bail!(
                "--align-to {}: that run has {n} samples and {} has {}: numbers are kept for the same rows only",
                path.display(),
                about.name,
                about.n
            );
        }
        if let Some(key) = run.other_data(Some(&about.sha256), Some(fit_split)) {
            bail!(
                "--align-to {}: that run is of other data ({}, here {}; {key} differs): numbers are kept for the same rows only",
                path.display(),
                run.text("dataset").unwrap_or("unknown"),
                about.name
            );
        }
        Ok(Self { run })
    }

    /// What it is known by.
    pub fn sha256(&self) -> String {
        let bytes: Vec<u8> = self.run.clusters.iter().flat_map(|c| c.to_le_bytes()).collect();
        sha256_hex(&bytes)
    }

    /// Gives the clusters of a fit the numbers of the former clusters that they share most rows
    /// with, one to one; what is left over gets the free numbers in their order.
    ///
    /// # Errors
    /// A table that is too large to be matched.
    pub fn align(&self, model: &mut dyn Clusterer, summary: &mut FitSummary) -> Result<Aligned> {
        let k = model.n_clusters();
        let table = Contingency::new(summary.assignments.view(), self.run.clusters.view())?;
        let numbers = numbers(&table, k)?;
        model.renumber(&numbers)?;
        summary.renumber(&numbers);
        let rows = || summary.assignments.iter().zip(&self.run.clusters);
        let same = rows().filter(|(now, before)| now == before).count();
        let kept_share = |number: u32| {
            let of =
                |wanted: fn((&u32, &u32), u32) -> bool| rows().filter(|&pair| wanted(pair, number)).count();
            let before = of(|(_, before), number| *before == number);
            let both = of(|(now, before), number| *before == number && now == before);
            (before > 0 && both > 0).then(|| both as f64 / before as f64)
        };
        let all = 0..k as u32;
        Ok(Aligned {
            run: self.run.path.display().to_string(),
            assignments_sha256: self.sha256(),
            same_number: same as f64 / summary.assignments.len() as f64,
            kept: all.clone().filter_map(|number| Some((number, kept_share(number)?))).collect(),
            new: all.filter(|&number| kept_share(number).is_none()).collect(),
        })
    }
}

impl Aligned {
    /// In words.
    pub fn words(&self) -> String {
        let new: Vec<String> = self.new.iter().map(u32::to_string).collect();
        let new = match new.is_empty() {
            true => String::new(),
            false => format!("; without a former cluster: {}", new.join(", ")),
        };
        format!(
            "numbers of the clusters are those of {}: {:.1} % of the rows have the number they had{new}",
            self.run,
            100.0 * self.same_number
        )
    }
}

/// The number of each of the clusters `0..k`, the rows of `table`, whose columns are the former
/// clusters.
fn numbers(table: &Contingency, k: usize) -> Result<Vec<u32>> {
    let mut numbers: Vec<Option<u32>> = vec![None; k];
    for (row, column) in table.matching()?.into_iter().enumerate() {
        let former = column.map(|column| table.class_ids()[column]);
        // A former number that there is no more cluster for is given up.
        numbers[table.cluster_ids()[row] as usize] = former.filter(|&number| (number as usize) < k);
    }
    let taken: Vec<u32> = numbers.iter().flatten().copied().collect();
    let mut free = (0..k as u32).filter(|number| !taken.contains(number));
    Ok(numbers.into_iter().filter_map(|number| number.or_else(|| free.next())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};

    fn of(now: Array1<u32>, before: Array1<u32>, k: usize) -> Vec<u32> {
        numbers(&Contingency::new(now.view(), before.view()).expect("same rows"), k).expect("small")
    }

    #[test]
    fn clusters_take_the_numbers_of_those_they_share_most_rows_with() {
        assert_eq!(of(array![0, 0, 1, 1, 2], array![2, 2, 0, 0, 1], 3), [2, 0, 1]);
        // One cluster more than before takes the free number; an unused one, too.
        assert_eq!(of(array![0, 0, 0, 1, 2, 2], array![1, 1, 1, 1, 0, 0], 4), [1, 2, 0, 3]);
        // Fewer than before: number 2 does not exist any more.
        assert_eq!(of(array![0, 0, 0, 1, 1], array![2, 2, 2, 1, 1], 2), [0, 1]);
    }
}
