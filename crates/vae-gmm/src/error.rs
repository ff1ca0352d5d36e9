//! The errors of this crate.

/// What can go wrong when fitting or using a clustering; the text says what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No cluster was asked for.
    #[error("n_clusters is 0: ask for at least one cluster")]
    NoClusters,
    /// The data have no rows or no columns.
    #[error("the data are empty ({n} rows, {d} columns): give at least one row and one column")]
    EmptyData {
        /// Rows of the data.
        n: usize,
        /// Columns of the data.
        d: usize,
    },
    /// More clusters than rows.
    #[error("{k} clusters asked of {n} rows: decrease n_clusters or give more data")]
    TooFewRows {
        /// Rows of the data.
        n: usize,
        /// Clusters asked for.
        k: usize,
    },
    /// Fewer different rows than clusters, so that some cluster would stay empty.
    #[error("{k} clusters asked of data with only {distinct} distinct rows: decrease n_clusters")]
    TooFewDistinctRows {
        /// Different rows found.
        distinct: usize,
        /// Clusters asked for.
        k: usize,
    },
    /// A value of an input is NaN or infinite.
    #[error("{what} holds {value} at row {row}, column {col}: remove or impute non-finite values")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// Row of the first such value.
        row: usize,
        /// Column of the first such value.
        col: usize,
        /// The value itself.
        value: f64,
    },
    /// Two shapes that have to agree do not.
    #[error("{what} has shape {got:?}, expected {expected:?}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The shape it has.
        got: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A setting outside its range.
    #[error("{key} = {value} is out of range: it must be {range}")]
    Config {
        /// The setting, by its key in a configuration file.
        key: &'static str,
        /// Its value.
        value: f64,
        /// The allowed range in words.
        range: &'static str,
    },
    /// A label that is not below the number of clusters.
    #[error("label {label} at row {row} is not below n_clusters = {k}")]
    Label {
        /// Row of the label.
        row: usize,
        /// The label.
        label: u32,
        /// Number of clusters.
        k: usize,
    },
    /// Invalid parameters of a mixture.
    #[error("invalid mixture parameter: {what} of component {component} is {value}, it must be {range}")]
    Parameter {
        /// Which parameter.
        what: &'static str,
        /// Component, counted from 0.
        component: usize,
        /// The value.
        value: f64,
        /// The allowed range in words.
        range: &'static str,
    },
    /// A component collapsed to zero variance.
    #[error(
        "component {component} has variance {value} in dimension {dim}: \
         decrease the number of components, increase reg_covar or min_covar, or scale the data"
    )]
    Degenerate {
        /// Component, counted from 0.
        component: usize,
        /// Dimension, counted from 0.
        dim: usize,
        /// The variance.
        value: f64,
    },
    /// A component of given assignments that no row belongs to.
    #[error("no row belongs to component {component}: decrease the number of components")]
    EmptyComponent {
        /// Component, counted from 0.
        component: usize,
    },
    /// A row so far from every component that its likelihood is not finite in f64.
    #[error("row {row} has no finite log-likelihood under any component: scale the data or raise reg_covar")]
    NoLikelihood {
        /// The row.
        row: usize,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
