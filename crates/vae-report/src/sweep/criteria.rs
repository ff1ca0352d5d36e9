//! The criteria of a sweep by their keys.

/// Which values of a criterion are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// High ones.
    High,
    /// Low ones.
    Low,
    /// Neither: it describes.
    Neither,
}

impl Good {
    /// In words; none for what describes.
    pub fn words(self) -> &'static str {
        match self {
            Self::High => "high is good",
            Self::Low => "low is good",
            Self::Neither => "",
        }
    }
}

/// A criterion that needs no labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// Its key in files.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Which values are good.
    pub good: Good,
    /// What it is, in a sentence.
    pub what: &'static str,
}

const fn of(key: &'static str, name: &'static str, good: Good, what: &'static str) -> Criterion {
    Criterion { key, name, good, what }
}

/// All criteria, in the order in which they are shown. The first three are of the data alone.
pub const CRITERIA: [Criterion; 14] = [
    of(
        "relative_conductance",
        "relative conductance",
        Good::Low,
        "what it costs to separate the least distinct cluster, as a share of what cutting it in half would cost, counted in \
         links between near rows",
    ),
    of(
        "bic",
        "BIC of latent classes",
        Good::Low,
        "what the data leave unexplained and the parameters cost, of mixtures whose classes draw every column by itself",
    ),
    of(
        "prediction_strength",
        "prediction strength",
        Good::High,
        "share of the pairs of the worst cluster of one half of the rows that the other half's clusters keep together",
    ),
    of("stability", "stability", Good::High, "mean agreement (ARI) of runs from different seeds"),
    of(
        "pooled_silhouette",
        "pooled silhouette",
        Good::High,
        "how much nearer rows are to their own cluster, over the features and the latent spaces of several runs",
    ),
    of(
        "class_likelihood",
        "likelihood of classes",
        Good::Neither,
        "mean log-likelihood of a row, in nats, where each column is drawn by itself in each of the clusters: of runs with one number \
         of clusters the higher, the better",
    ),
    of("modularity", "modularity", Good::High, "of the clusters in the neighbour graph of the features"),
    of(
        "largest_conductance",
        "largest conductance",
        Good::Low,
        "share of its edges in the neighbour graph that the worst cluster loses",
    ),
    of(
        "calinski_harabasz",
        "Calinski-Harabasz",
        Good::High,
        "dispersion between the clusters over that within them",
    ),
    of("davies_bouldin", "Davies-Bouldin", Good::Low, "overlap of each cluster with the one most like it"),
    of("mean_confidence", "confidence", Good::High, "mean of the largest posterior probability"),
    of("mean_entropy", "entropy", Good::Low, "mean entropy of the posterior, in nats"),
    of("smallest_share", "smallest share", Good::Neither, "share of the rows in the smallest cluster"),
    of(
        "effective_clusters",
        "effective clusters",
        Good::Neither,
        "number of clusters of even sizes with the same entropy",
    ),
];

/// The criterion with this key.
#[must_use]
pub fn criterion(key: &str) -> Option<&'static Criterion> {
    CRITERIA.iter().find(|criterion| criterion.key == key)
}
