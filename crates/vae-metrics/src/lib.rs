//! Clustering metrics: labels in, numbers out.
//!
//! A clustering is scored against class labels it has never seen. Both come as [`ndarray`] views of
//! `u32`, one entry per point, in the order *(clusters, labels)*. The values are names, not
//! indices: gaps and huge values cost nothing.
//!
//! # With labels
//!
//! | question | function |
//! |---|---|
//! | how many points are right under the best one-to-one map of clusters to classes | [`acc`] |
//! | how many are right when each cluster is mapped to its majority class | [`purity`] |
//! | the same with the map learned on another split | [`purity_train_map`], [`LabelMap`] |
//! | how many are right when each cluster takes the class of its most confident point | [`aae`] |
//! | how much do clusters tell about classes, and the reverse | [`nmi`], [`ami`], [`v_measure`], [`homogeneity`], [`completeness`] |
//! | do clusters and classes agree on pairs of points | [`ari`] |
//! | which cluster is which class | [`confusion`] |
//! | what would one big cluster score | [`majority_share`] |
//! | does a model know where it is wrong | [`ConfidenceScores`] |
//! | all label scores at once | [`Scores`] |
//!
//! Published tables print the first four under one name, "accuracy". They differ: `purity` is at
//! least `acc` and at least `aae` on any labelling, and grows with the number of clusters. Compare
//! like with like.
//!
//! # Without labels
//!
//! Criteria that see no class labels, to compare runs, methods and numbers of clusters with. Each
//! prefers some kind of cluster, and none is right for all data.
//!
//! | criterion | when to use it |
//! |---|---|
//! | [`silhouette`], [`silhouette_samples`] | clusters should be compact and apart, in one space |
//! | [`pooled_silhouette`] | each candidate has a space of its own: score each in all of them |
//! | [`calinski_harabasz`] | as the silhouette, in linear time, for round clusters |
//! | [`davies_bouldin`] | the same with every cluster counting the same; low is good |
//! | [`prediction_strength`] | how many clusters does a second sample of the data confirm |
//! | [`agreement()`] | do runs from different seeds find the same clusters, and which is typical |
//! | [`stadion`] | how many clusters are stable under noise and have no stable parts |
//! | [`eigengaps`], [`largest_eigengap`] | how many parts does a graph have, from its spectrum |
//! | [`gap_statistic`] | how many clusters make the data more compact than unclustered data |
//! | [`mean_entropy`] | how sure are the posteriors |
//! | [`Shares`] | are the clusters of even sizes, and is one empty |
//!
//! What to do with several clusterings, and with scores of several:
//!
//! | question | function |
//! |---|---|
//! | which clustering do the runs have in common, and how sure is each point | [`consensus()`] |
//! | which clusters are kept, split or merged between two clusterings | [`flows()`] |
//! | does a criterion order the runs as the accuracy does | [`spearman`] |
//! | how far may a mean over runs be off | [`bootstrap_mean`] |
//!
//! The modularity of a partition belongs to its graph: it is in the crate `vae-graph`.
//!
//! # Conventions
//!
//! All scores over labels are fractions, not percent. Information is in nats. Everything is
//! deterministic, single-threaded and in `f64`. Scores over labels count the points once into a
//! [`Contingency`] table and read everything off it; keep the table when several scores of one
//! clustering are wanted.
//!
//! # Example
//!
//! ```
//! use ndarray::array;
//! use vae_metrics::{Scores, confusion};
//!
//! // Cluster 2 is class 0, and one of its points is not.
//! let clusters = array![2, 2, 2, 0, 0, 1, 1];
//! let labels = array![0, 0, 1, 1, 1, 2, 2];
//!
//! let scores = Scores::new(clusters.view(), labels.view())?;
//! assert_eq!(scores.acc, 6.0 / 7.0);
//! assert!(scores.ari > 0.4 && scores.nmi > scores.ari);
//! print!("{}", confusion(clusters.view(), labels.view())?.permuted());
//! # Ok::<(), vae_metrics::Error>(())
//! ```

mod agreement;
mod ami;
mod assignment;
mod bootstrap;
mod calinski_harabasz;
mod confidence;
mod confusion;
mod consensus;
mod contingency;
mod davies_bouldin;
mod eigengap;
mod entropy;
mod error;
mod flows;
mod gap;
mod information;
mod label_map;
mod matching;
mod pairs;
mod points;
mod pooled;
mod prediction_strength;
mod random;
mod scores;
mod silhouette;
mod spearman;
mod stadion;

pub use agreement::{Agreement, agreement};
pub use ami::ami;
pub use assignment::MAX_MATCHING_BYTES;
pub use bootstrap::{BootstrapOptions, MeanInterval, bootstrap_mean};
pub use calinski_harabasz::calinski_harabasz;
pub use confidence::ConfidenceScores;
pub use confusion::{Confusion, confusion};
pub use consensus::{Consensus, Votes, consensus};
pub use contingency::{Contingency, majority_share};
pub use davies_bouldin::davies_bouldin;
pub use eigengap::{eigengaps, largest_eigengap};
pub use entropy::{Shares, mean_entropy};
pub use error::{Error, Result};
pub use flows::{Change, Flow, FlowThresholds, flows};
pub use gap::{GapStatistic, gap_statistic};
pub use information::{Average, completeness, homogeneity, nmi, v_measure};
pub use label_map::{LabelMap, aae, purity_train_map};
pub use matching::{acc, purity};
pub use pairs::ari;
pub use pooled::{PooledSilhouette, pooled_silhouette};
pub use prediction_strength::prediction_strength;
pub use scores::Scores;
pub use silhouette::{Silhouette, SilhouetteOptions, silhouette, silhouette_samples};
pub use spearman::spearman;
pub use stadion::{PerturbedRuns, Stadion, stadion};

/// Compiles the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
