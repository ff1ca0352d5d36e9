//! The error type of the crate.

/// What can go wrong in a method. Texts are lowercase fragments that end in the remedy where there
/// is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Networks, training, files of runs.
    #[error(transparent)]
    Core(#[from] vae_core::Error),
    /// k-means and Gaussian mixtures.
    #[error(transparent)]
    Gmm(#[from] vae_gmm::Error),
    /// Neighbours, graphs, partitions.
    #[error(transparent)]
    Graph(vae_graph::Error),
    /// A configuration text could not be read: the message shows the line with a caret.
    #[error("{origin}: {message}")]
    ConfigText {
        /// File name, preset name or flag.
        origin: String,
        /// What the TOML reader says.
        message: String,
    },
    /// A configuration value is outside its range.
    #[error("`{field}` is {value}, expected {expected}")]
    Config {
        /// Path of the key.
        field: String,
        /// The value found.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// No such method, preset or profile.
    #[error("unknown {what} `{name}`, known: {known}")]
    Unknown {
        /// `method`, `preset`, `profile`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The features do not fit the fitted model.
    #[error(
        "the model was fitted on {expected} features, these data have {got}; columns that are no features (labels, an \
         index) are left out, or named with --label-column"
    )]
    Dim {
        /// Features of the fitted model.
        expected: usize,
        /// Features given.
        got: usize,
    },
    /// Missing values where the model has nothing to put in their place.
    #[error(
        "values are missing (NaN: {missing}), and the model was fitted on an array without any, so that nothing stands for \
         them; leave those rows out, or fit on a table"
    )]
    Missing {
        /// Values that are missing.
        missing: usize,
    },
    /// Points that are not of the model's latent space.
    #[error(
        "the latent space of the model has {expected} dimensions, these points have {got}; give points such as `vae embed` writes"
    )]
    LatentDim {
        /// Dimensions of the latent space.
        expected: usize,
        /// Dimensions of the points.
        got: usize,
    },
    /// The columns of another table, or in another order.
    #[error(
        "feature {at} is `{given}` here, and the model was fitted with `{fitted}` there; read the table with the model's \
         schema, or bring its columns into the order of the fit"
    )]
    Columns {
        /// Counts from 1.
        at: usize,
        /// Name at the fit.
        fitted: String,
        /// Name of the data.
        given: String,
    },
    /// An auto-encoder with nearly constant codes.
    #[error(
        "the auto-encoder gives the samples only {distinct} different codes, too few for {n_clusters} clusters: where a few \
         values are far larger than the rest (outliers), they hide everything else; look at the columns' ranges, and at \
         `scale`"
    )]
    SameCodes {
        /// Different rows among the codes.
        distinct: usize,
        /// Asked for.
        n_clusters: usize,
    },
    /// Prediction before a fit.
    #[error("the method has not been fitted yet")]
    NotFitted,
    /// A model without the requested ability.
    #[error("{0}")]
    Unsupported(String),
    /// New numbers of clusters that are not the old ones in another order.
    #[error("{numbers:?} are no numbers for {n_clusters} clusters: give each of 0 to {n_clusters} - 1 once")]
    Numbers {
        /// What was given.
        numbers: Vec<u32>,
        /// Number of clusters.
        n_clusters: usize,
    },
    /// No such cluster.
    #[error("cluster {cluster} does not exist: the model has {n_clusters}, numbered from 0")]
    NoCluster {
        /// Asked for.
        cluster: usize,
        /// There are.
        n_clusters: usize,
    },
}

impl Error {
    /// The same with the name of a table before the key, see [`vae_core::Error::within`].
    #[must_use]
    pub(crate) fn within(self, table: &str) -> Self {
        let (field, value, expected) = match self {
            Self::Config { field, value, expected }
            | Self::Core(vae_core::Error::Config { field, value, expected })
            | Self::Graph(vae_graph::Error::Config { field, value, expected }) => (field, value, expected),
            Self::Gmm(vae_gmm::Error::Config { key, value, range }) => {
                (key.to_string(), value.to_string(), range.to_string())
            }
            other => return other,
        };
        Self::Config { field: format!("{table}.{field}"), value, expected }
    }

    /// The error with the origin of the value out of range, where it is known.
    #[must_use]
    pub(crate) fn set_by(self, origin: impl FnOnce(&str) -> Option<String>) -> Self {
        match self {
            Self::Config { field, value, expected }
            | Self::Core(vae_core::Error::Config { field, value, expected }) => {
                let value = match origin(&field) {
                    Some(origin) => format!("{value} ({origin})"),
                    None => value,
                };
                Self::Config { field, value, expected }
            }
            other => other,
        }
    }

    /// A configuration value out of range.
    pub fn config(field: &str, value: impl std::fmt::Display, expected: &str) -> Self {
        Self::Config { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}

/// A check of a part of a configuration, called by what holds the part.
pub(crate) trait Within {
    /// The result with the name of the table before the key that an error names.
    fn within(self, table: &str) -> Result<()>;
}

impl<E: Into<Error>> Within for Result<(), E> {
    fn within(self, table: &str) -> Result<()> {
        self.map_err(|e| e.into().within(table))
    }
}

impl From<tch::TchError> for Error {
    fn from(e: tch::TchError) -> Self {
        Self::Core(e.into())
    }
}

impl From<vae_graph::Error> for Error {
    fn from(e: vae_graph::Error) -> Self {
        match e {
            // An interruption keeps its variant.
            vae_graph::Error::Core(e) => Self::Core(e),
            other => Self::Graph(other),
        }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
