//! What a step computes.

use serde::Serialize;

/// What a step computes, with its settings. Tensors are named as in the formulas; `[n, d]` are rows
/// of values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// `(x − shift) / width` for each column, or with one number for all: in the type of the
    /// tensors, which is f32 where the model computes so.
    Affine,
    /// The power transformation of Yeo and Johnson, then an affine one, in f64. With `u = (x −
    /// centre) / spread` for each column:
    ///
    /// ```text
    /// u ≥ 0:   ((1 + u)^lambda − 1) / lambda                  ln(1 + u)    for lambda = 0
    /// u < 0:  −((1 − u)^(2 − lambda) − 1) / (2 − lambda)     −ln(1 − u)    for lambda = 2
    /// ```
    ///
    /// less `shift`, divided by `width`.
    Power,
    /// Missing values (NaN). The distance of a row to each of `donors`, `[m, d]`, is the mean
    /// squared difference, in f32, over the columns that both have. A missing value becomes the
    /// mean of those of the `nearest` nearest donors that have one, and `mean`, `[d]`, where none
    /// has or there are no `donors`. Of equal distances the first counts; a donor without a shared
    /// column counts not.
    Impute {
        /// Donors whose mean is taken.
        nearest: usize,
    },
    /// `x weightᵀ + bias`; without the tensor `bias` nothing is added.
    Linear,
    /// A convolution by `weight`, `[out, in, k, k]`, plus `bias`, of maps `[n, in, h, w]`.
    Conv2d {
        /// Rows and columns from one window to the next.
        stride: i64,
        /// Zeros around the maps.
        padding: Padding,
    },
    /// `gamma (x − mean) / √(var + eps) + beta` for each column, or each channel of maps.
    BatchNorm {
        /// Added to variances.
        eps: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// `x` where it is positive, else `slope · x`.
    LeakyRelu {
        /// The factor.
        slope: f64,
    },
    /// `ln(1 + exp(x))`.
    Softplus,
    /// The hyperbolic tangent.
    Tanh,
    /// Rows `[n, channels · height · width]` as maps `[n, channels, height, width]`.
    Images {
        /// Channels, which come first in a row.
        channels: usize,
        /// Rows of a channel.
        height: usize,
        /// Columns of a channel.
        width: usize,
    },
    /// The largest value of each square of `size` rows and columns; what is left over at the end is
    /// dropped.
    MaxPool2d {
        /// Rows and columns of a square.
        size: usize,
    },
    /// Maps `[n, c, h, w]` as rows `[n, h · w · c]`, the channels of a pixel beside each other.
    Flatten,
    /// Columns of all inputs beside each other.
    Concat,
    /// The sum of all inputs, and of `bias` where there is one.
    Sum,
    /// `out[:, c] = x[:, order[c]]`.
    Columns {
        /// Columns of the input.
        order: Vec<u32>,
    },
    /// 1 in the first column that is largest, else 0.
    OneHot,
    /// Rows divided by their Euclidean lengths; rows of zeros stay.
    UnitRows,
    /// `exp(x_c) / Σ exp(x)` of each row.
    Softmax,
    /// The posterior of a mixture of Gaussians with diagonal covariances: the softmax of `log_pi_c
    /// − ½ Σ_j [log_var_cj + (x_j − mu_cj)² / exp log_var_cj]`.
    GaussianMixture,
    /// The posterior of a mixture whose components come with each row: of the inputs `z`, `[n, J]`,
    /// and `[n, 2 · K · J]`, the means and then the log variances of all components, clamped to ±
    /// `log_var_limit`. The softmax of `−½ Σ_j [log_var_cj + (z_j − mu_cj)² / exp log_var_cj]`.
    MovingMixture {
        /// Components, K.
        n_clusters: usize,
        /// The largest log variance.
        log_var_limit: f64,
    },
    /// Student's t around `centres`, `[K, J]`: `w_c = (1 + |x − centre_c|² / alpha)^(−(alpha + 1) /
    /// 2)`, divided by its sum over c.
    StudentT {
        /// Degrees of freedom.
        alpha: f64,
    },
    /// Minus the squared distance to each of `centres`, `[K, J]`.
    NearestCentre,
    /// The shares of the votes of the `n_neighbors` nearest of `points`, each for its cluster in
    /// `labels`, with the weights `exp(−d² / s²)`, s the distance of the neighbour number
    /// `⌊n_neighbors / 2⌋`, counted from 0. Sparse points are the tensors `indptr`, `indices` and
    /// `values` instead (compressed rows).
    NeighbourVote {
        /// Clusters, K.
        n_clusters: usize,
        /// Points that vote.
        n_neighbors: usize,
    },
    /// For each of c states the log density of a Gaussian in the columns `columns` of x:
    /// `constant_c − ½ |whiten_c (x − mu_c)|²`, `[n, c]`.
    Gaussians,
    /// `ln Σ_c exp(log_p[y, c] + x_c)` for each y, `[n, y]`.
    LogSumExp,
}

/// Zeros around maps: the word `same`, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As many as make `⌈n / stride⌉` rows of n; of an odd number the extra row is the last.
    Same,
    /// As many on every side.
    Rows(i64),
}

impl Serialize for Padding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Same => serializer.serialize_str("same"),
            Self::Rows(rows) => serializer.serialize_i64(*rows),
        }
    }
}
