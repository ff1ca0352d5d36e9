//! Scores from the mutual information of clusters and classes.
//!
//! ```text
//! I(K; C) = sum_ij n_ij/n ln(n n_ij / (a_i b_j))      H(K) = -sum_i a_i/n ln(a_i/n)      [nats]
//! ```
//!
//! for cluster sizes a_i and class sizes b_j. NMI divides I by a mean of H(K) and H(C) (Vinh, Epps
//! & Bailey 2010); homogeneity and completeness divide it by H(C) and H(K), and V is their harmonic
//! mean (Rosenberg & Hirschberg 2007, beta = 1), which equals NMI with the arithmetic mean.

use ndarray::ArrayView1;

use crate::contingency::{Cell, Contingency};
use crate::error::Result;

/// The mean of the two entropies that normalises the mutual information.
///
/// Published tables rarely say which one they use; many used the geometric mean, scikit-learn's
/// default before 0.22. On one clustering `Min >= Geometric >= Arithmetic >= Max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Average {
    /// `(H(K) + H(C)) / 2`, scikit-learn's default and ours.
    #[default]
    Arithmetic,
    /// `sqrt(H(K) H(C))` (Strehl & Ghosh 2002).
    Geometric,
    /// `max(H(K), H(C))`.
    Max,
    /// `min(H(K), H(C))`.
    Min,
}

impl Average {
    /// The mean of `a` and `b`.
    pub(crate) fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Arithmetic => (a + b) / 2.0,
            Self::Geometric => (a * b).sqrt(),
            Self::Max => a.max(b),
            Self::Min => a.min(b),
        }
    }
}

/// Mutual information and the two entropies, in nats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Information {
    pub mutual: f64,
    pub clusters: f64,
    pub classes: f64,
}

impl Information {
    /// `mutual` over a mean of the entropies. Two trivial partitions (both entropies 0) are equal:
    /// 1.
    pub(crate) fn nmi(&self, average: Average) -> f64 {
        if self.clusters == 0.0 && self.classes == 0.0 {
            return 1.0;
        }
        if self.mutual == 0.0 {
            return 0.0;
        }
        (self.mutual / average.of(self.clusters, self.classes)).min(1.0)
    }

    pub(crate) fn homogeneity(&self) -> f64 {
        explained(self.mutual, self.classes)
    }

    pub(crate) fn completeness(&self) -> f64 {
        explained(self.mutual, self.clusters)
    }

    pub(crate) fn v_measure(&self) -> f64 {
        let (h, c) = (self.homogeneity(), self.completeness());
        if h + c == 0.0 { 0.0 } else { 2.0 * h * c / (h + c) }
    }
}

/// Explained share of an entropy: nothing to explain counts as explained.
fn explained(mutual: f64, entropy: f64) -> f64 {
    if entropy == 0.0 { 1.0 } else { (mutual / entropy).min(1.0) }
}

/// Normalised mutual information of `clusters` `[n]` and `labels` `[n]`, in `[0, 1]`.
///
/// Symmetric. 1 for equal partitions, two trivial ones included; 0 when one is trivial and the
/// other is not. Not adjusted for chance: it grows with the number of clusters, so compare like
/// with like or see [`ami`](crate::ami).
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::{Average, nmi};
///
/// let (clusters, labels) = (array![0, 1, 2, 3], array![0, 0, 1, 1]);
/// // I = ln 2, H(K) = 2 ln 2, H(C) = ln 2.
/// let score = nmi(clusters.view(), labels.view(), Average::Arithmetic)?;
/// assert!((score - 2.0 / 3.0).abs() < 1e-15);
/// assert_eq!(nmi(clusters.view(), labels.view(), Average::Max)?, 0.5);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn nmi(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>, average: Average) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.nmi(average))
}

/// Homogeneity `I / H(C)` in `[0, 1]`: 1 when every cluster of `clusters` `[n]` holds one class of
/// `labels` `[n]` only.
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let (clusters, labels) = (array![0, 1, 2, 3], array![0, 0, 1, 1]);
/// assert_eq!(vae_metrics::homogeneity(clusters.view(), labels.view())?, 1.0);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn homogeneity(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.homogeneity())
}

/// Completeness `I / H(K)` in `[0, 1]`: 1 when every class of `labels` `[n]` lies in one cluster of
/// `clusters` `[n]`.
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let (clusters, labels) = (array![0, 1, 2, 3], array![0, 0, 1, 1]);
/// assert_eq!(vae_metrics::completeness(clusters.view(), labels.view())?, 0.5);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn completeness(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.completeness())
}

/// V-measure of `clusters` `[n]` and `labels` `[n]`: the harmonic mean of [`homogeneity`] and
/// [`completeness`], equal to [`nmi`] with [`Average::Arithmetic`].
///
/// # Errors
///
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch) and
/// [`Error::Empty`](crate::Error::Empty).
///
/// # Example
///
/// ```
/// use ndarray::array;
/// let (clusters, labels) = (array![0, 1, 2, 3], array![0, 0, 1, 1]);
/// assert!((vae_metrics::v_measure(clusters.view(), labels.view())? - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), vae_metrics::Error>(())
/// ```
pub fn v_measure(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<f64> {
    Ok(Contingency::new(clusters, labels)?.v_measure())
}

impl Contingency {
    /// Normalised mutual information: see [`nmi`].
    pub fn nmi(&self, average: Average) -> f64 {
        self.information().nmi(average)
    }

    /// Share of the classes' entropy that the clusters explain: see [`homogeneity`].
    pub fn homogeneity(&self) -> f64 {
        self.information().homogeneity()
    }

    /// Share of the clusters' entropy that the classes explain: see [`completeness`].
    pub fn completeness(&self) -> f64 {
        self.information().completeness()
    }

    /// Harmonic mean of homogeneity and completeness: see [`v_measure`].
    pub fn v_measure(&self) -> f64 {
        self.information().v_measure()
    }

    pub(crate) fn information(&self) -> Information {
        Information {
            mutual: self.mutual_information(),
            clusters: self.entropy(self.cluster_sizes()),
            classes: self.entropy(self.class_sizes()),
        }
    }

    fn mutual_information(&self) -> f64 {
        if self.n_clusters() == 1 || self.n_classes() == 1 {
            return 0.0;
        }
        let n = self.n() as f64;
        let of_cell = |cell: &Cell| {
            let count = cell.count as f64;
            let independent =
                self.cluster_sizes()[cell.cluster] as f64 * self.class_sizes()[cell.class] as f64;
            count / n * (n * count / independent).ln()
        };
        self.cells().iter().map(of_cell).sum::<f64>().max(0.0)
    }

    fn entropy(&self, sizes: &[u64]) -> f64 {
        if sizes.len() == 1 {
            return 0.0;
        }
        -sizes.iter().map(|&size| self.fraction(size)).map(|p| p * p.ln()).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;

    const AVERAGES: [Average; 4] = [Average::Min, Average::Geometric, Average::Arithmetic, Average::Max];

    #[test]
    fn averages_are_ordered() {
        let table = Contingency::new(array![0, 0, 1, 1, 2, 2].view(), array![0, 0, 0, 1, 1, 1].view());
        let table = table.expect("equal lengths");
        let scores = AVERAGES.map(|average| table.nmi(average));
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]), "{scores:?}");
    }

    #[test]
    fn trivial_partitions() {
        let one = Array1::<u32>::zeros(6);
        let two = array![0, 0, 0, 1, 1, 1];
        for average in AVERAGES {
            assert_eq!(nmi(one.view(), one.view(), average), Ok(1.0));
            assert_eq!(nmi(one.view(), two.view(), average), Ok(0.0));
            assert_eq!(nmi(two.view(), one.view(), average), Ok(0.0));
        }
        assert_eq!(homogeneity(one.view(), two.view()), Ok(0.0));
        assert_eq!(completeness(one.view(), two.view()), Ok(1.0));
        assert_eq!(v_measure(one.view(), two.view()), Ok(0.0));
        assert_eq!(v_measure(one.view(), one.view()), Ok(1.0));
    }
}
