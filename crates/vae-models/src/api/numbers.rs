//! The numbers under which a model's clusters are known, where they are not its own.

use crate::{Error, Result};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use vae_core::program::{Op, Outputs, Program};

/// A permutation of the numbers of clusters; none is the model's own order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Numbers(Option<Vec<u32>>);

impl Numbers {
    /// Whether the clusters have the model's own numbers.
    pub fn are_own(&self) -> bool {
        self.0.is_none()
    }

    /// Refuses numbers of other clusters.
    ///
    /// # Errors
    /// [`Error::Numbers`].
    pub fn check(&self, n_clusters: usize) -> Result<()> {
        let Some(numbers) = &self.0 else { return Ok(()) };
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        match sorted.iter().copied().eq(0..n_clusters as u32) {
            true => Ok(()),
            false => Err(Error::Numbers { numbers: numbers.clone(), n_clusters }),
        }
    }

    /// These numbers, and then those.
    ///
    /// # Errors
    /// [`Error::Numbers`] for what is no permutation of `0..n_clusters`.
    pub fn then(&self, numbers: &[u32], n_clusters: usize) -> Result<Self> {
        let after = Self(Some(numbers.to_vec()));
        after.check(n_clusters)?;
        let own = (0..n_clusters as u32).collect();
        let all: Vec<u32> = self.0.as_ref().unwrap_or(&own).iter().map(|&c| numbers[c as usize]).collect();
        Ok(Self((all != own).then_some(all)))
    }

    /// Clusters of rows, `[n]`.
    pub fn of_rows(&self, mut clusters: Array1<u32>) -> Array1<u32> {
        if let Some(numbers) = &self.0 {
            renumber(&mut clusters, numbers);
        }
        clusters
    }

    /// Columns of a posterior, `[n, k]`.
    pub fn of_columns(&self, gamma: Array2<f32>) -> Array2<f32> {
        let Some(numbers) = self.0.as_ref().filter(|numbers| numbers.len() == gamma.ncols()) else {
            return gamma;
        };
        let mut out = gamma.clone();
        for (own, &number) in numbers.iter().enumerate() {
            out.column_mut(number as usize).assign(&gamma.column(own));
        }
        out
    }

    /// Adds what [`Numbers::of_columns`] does to a program.
    pub fn describe(&self, program: &mut Program, outputs: Outputs) -> Result<Outputs> {
        let Some(numbers) = &self.0 else { return Ok(outputs) };
        let order = (0..numbers.len()).map(|cluster| self.own(cluster) as u32).collect();
        Ok(Outputs { scores: program.add(Op::Columns { order }, &[&outputs.scores], &[])?, ..outputs })
    }

    /// The model's own number of a cluster.
    pub fn own(&self, cluster: usize) -> usize {
        let of = |numbers: &Vec<u32>| numbers.iter().position(|&number| number as usize == cluster);
        self.0.as_ref().and_then(of).unwrap_or(cluster)
    }
}

/// Cluster `c` becomes `numbers[c]`.
pub(super) fn renumber(clusters: &mut Array1<u32>, numbers: &[u32]) {
    clusters.mapv_inplace(|c| numbers.get(c as usize).copied().unwrap_or(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn numbers_are_given_and_taken_back() {
        let first = Numbers::default().then(&[2, 0, 1], 3).expect("a permutation");
        assert_eq!(first.of_rows(array![0, 1, 2, 0]), array![2, 0, 1, 2]);
        assert_eq!(first.of_columns(array![[0.5, 0.3, 0.2]]), array![[0.3, 0.2, 0.5]]);
        assert_eq!([0, 1, 2].map(|c| first.own(c)), [1, 2, 0]);
        // 0 -> 2 -> 0 and so on: the inverse gives the own numbers again.
        assert!(first.then(&[1, 2, 0], 3).expect("a permutation").are_own());
        let twice = first.then(&[1, 0, 2], 3).expect("a permutation");
        assert_eq!(twice.of_rows(array![0, 1, 2]), array![2, 1, 0]);
        for wrong in [&[0, 1][..], &[0, 0, 1], &[1, 2, 3], &[0, 1, 2, 3]] {
            assert!(first.then(wrong, 3).is_err(), "{wrong:?}");
        }
    }
}
