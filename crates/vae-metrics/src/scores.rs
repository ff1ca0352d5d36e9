//! All scores over labels in one go.

use ndarray::ArrayView1;
use serde::Serialize;

use crate::contingency::Contingency;
use crate::error::Result;
use crate::information::Average;

/// Every score of one clustering against one labelling, from a single count of the labels.
///
/// All are fractions; `nmi` and `ami` use the arithmetic mean of the entropies.
///
/// # Example
///
/// ```
/// use ndarray::array;
/// use vae_metrics::Scores;
///
/// let scores = Scores::new(array![2, 2, 0, 0, 1].view(), array![0, 0, 1, 1, 1].view())?;
/// assert_eq!((scores.acc, scores.purity), (0.8, 1.0));
/// assert_eq!((scores.n_clusters_found, scores.n_classes), (3, 2));
/// # Ok::<(), vae_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Scores {
    /// Accuracy under the best one-to-one map: [`acc`](crate::acc).
    pub acc: f64,
    /// Normalised mutual information: [`nmi`](crate::nmi).
    pub nmi: f64,
    /// Adjusted mutual information: [`ami`](crate::ami).
    pub ami: f64,
    /// Adjusted Rand index: [`ari`](crate::ari).
    pub ari: f64,
    /// Fraction of points of the majority class of their cluster: [`purity`](crate::purity).
    pub purity: f64,
    /// Share of the classes' entropy explained: [`homogeneity`](crate::homogeneity).
    pub homogeneity: f64,
    /// Share of the clusters' entropy explained: [`completeness`](crate::completeness).
    pub completeness: f64,
    /// Harmonic mean of the two: [`v_measure`](crate::v_measure).
    pub v_measure: f64,
    /// Number of clusters that hold at least one point.
    pub n_clusters_found: usize,
    /// Number of classes that hold at least one point.
    pub n_classes: usize,
}

impl Scores {
    /// Scores `clusters` `[n]` against `labels` `[n]`.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`](crate::Error::LengthMismatch),
    /// [`Error::Empty`](crate::Error::Empty), and
    /// [`Error::MatchingTooLarge`](crate::Error::MatchingTooLarge) when there are too many groups
    /// for `acc`.
    pub fn new(clusters: ArrayView1<'_, u32>, labels: ArrayView1<'_, u32>) -> Result<Self> {
        Self::from_contingency(&Contingency::new(clusters, labels)?)
    }

    /// Scores a table that has been counted already.
    ///
    /// # Errors
    ///
    /// [`Error::MatchingTooLarge`](crate::Error::MatchingTooLarge) when there are too many groups
    /// for `acc`.
    ///
    /// # Example
    ///
    /// ```
    /// use ndarray::array;
    /// use vae_metrics::{Contingency, Scores};
    ///
    /// let table = Contingency::new(array![0, 0, 1].view(), array![1, 1, 0].view())?;
    /// assert_eq!(Scores::from_contingency(&table)?.acc, 1.0);
    /// # Ok::<(), vae_metrics::Error>(())
    /// ```
    pub fn from_contingency(table: &Contingency) -> Result<Self> {
        let information = table.information();
        Ok(Self {
            acc: table.acc()?,
            nmi: information.nmi(Average::Arithmetic),
            ami: table.ami_from(&information),
            ari: table.ari(),
            purity: table.purity(),
            homogeneity: information.homogeneity(),
            completeness: information.completeness(),
            v_measure: information.v_measure(),
            n_clusters_found: table.n_clusters(),
            n_classes: table.n_classes(),
        })
    }
}
