//! What is each cluster? Columns, words and rows that tell it from the others.
//!
//! Every cluster is compared with all other rows, one column at a time, so the cost is O(n d log n)
//! for sorting `n` values of `d` columns, whatever the number of clusters. Nothing is random and no
//! label is read.
//!
//! The clusters were made from these very values: a difference *describes* a cluster and is no test
//! of whether it exists.

mod categories;
mod members;
mod nearest;
mod numbers;
mod order;
mod words;

use crate::clusters::{Cluster, Clusters, Feature, SCHEMA};
use crate::data::{Data, Subject, Table, Values};
use crate::{Result, summary};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Features of a cluster, at most.
    pub most_features: usize,
    /// Words of a cluster, at most.
    pub most_words: usize,
    /// Typical members of a cluster, and members in doubt, at most.
    pub most_members: usize,
    /// The least standardised difference that sets a cluster apart. 0.5 is what Cohen (1988) calls
    /// a medium effect.
    pub least_difference: f64,
    /// The least standardised difference in standard errors: what a small cluster differs by
    /// through chance alone is no feature of it.
    pub least_errors: f64,
    /// A member is in doubt below this confidence.
    pub doubt_below: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            most_features: 8,
            most_words: 10,
            most_members: 5,
            least_difference: 0.5,
            least_errors: 3.0,
            doubt_below: 0.9,
        }
    }
}

impl Options {
    /// Whether cluster `c` differs by [`Options::least_difference`] from the clusters of at least
    /// half of the other rows.
    ///
    /// Where one cluster is far from all, it moves the mean of "all other rows" for each of the
    /// others, and would make a difference of them that is its own. `places` are typical values of
    /// the clusters, `counts` their rows, and `scale` is the deviation within clusters.
    fn is_its_own(&self, c: usize, places: &[f64], counts: &[usize], scale: f64) -> bool {
        let others =
            || places.iter().zip(counts).enumerate().filter(|(o, (_, count))| *o != c && **count > 0);
        let is_far = |place: f64| {
            let apart = (places[c] - place).abs();
            apart > 0.0 && apart >= self.least_difference * scale
        };
        let far: usize =
            others().filter(|(_, (place, _))| is_far(**place)).map(|(_, (_, count))| count).sum();
        2 * far >= others().map(|(_, (_, count))| count).sum()
    }

    /// Whether a difference of `inside` against `outside` rows sets a cluster apart.
    fn sets_apart(&self, difference: f64, inside: usize, outside: usize) -> bool {
        let error = (1.0 / inside as f64 + 1.0 / outside as f64).sqrt();
        difference.abs() >= self.least_difference && difference.abs() >= self.least_errors * error
    }
}

/// The largest standardised difference: where nothing varies on either side, it would be infinite.
const MOST_DIFFERENCE: f64 = 100.0;

/// Explains every cluster of `subject`.
///
/// # Errors
/// Inputs that do not fit each other, a cluster that does not exist, probabilities and codes that
/// are not finite.
///
/// # Example
///
/// ```
/// use ndarray::{Array2, array};
/// use vae_array::Schema;
/// use vae_report::{ClusterNames, Confidence, Data, Options, Subject, Table, explain};
///
/// let schema = Schema::plain(true, ["age", "income (EUR)"]);
/// let x = Array2::from_shape_fn((40, 2), |(i, j)| (i % 20 + if j == 0 && i < 20 { 50 } else { 20 }) as f32);
/// let assignments = (0..40).map(|i| u32::from(i >= 20)).collect();
/// let names = ClusterNames::new();
/// let clusters = explain(
///     &Subject {
///         data: Data::Table(Table::new(x.view(), &schema)?),
///         assignments: ndarray::Array1::from_vec(assignments).view(),
///         n_clusters: 2,
///         confidence: Confidence::Unknown,
///         codes: None,
///         row_names: None,
///         cluster_names: &names,
///     },
///     &Options::default(),
/// )?;
/// assert_eq!(clusters.clusters[0].summary, "cluster 0: 20 rows; high age (median 59.5, elsewhere 29.5)");
/// # Ok::<(), vae_report::Error>(())
/// ```
pub fn explain(subject: &Subject<'_>, options: &Options) -> Result<Clusters> {
    subject.check()?;
    let sizes = sizes(subject);
    let largest = subject.sure();
    let mut features = vec![Vec::new(); subject.n_clusters];
    let mut words = vec![Vec::new(); subject.n_clusters];
    match &subject.data {
        Data::Table(table) => features = of_table(table, subject, &sizes, options),
        Data::Documents(documents) => words = words::of(documents, subject, &sizes, options.most_words),
        Data::Images(_) => {}
    }
    let nearest = nearest::of(subject, &sizes);
    let (typical_by, typical) = members::typical(subject, largest.as_deref(), options.most_members);
    let doubtful = members::doubtful(subject, largest.as_deref(), options);
    let mean_of = mean_confidences(subject, largest.as_deref(), &sizes);
    let n = subject.n();
    let mut clusters = Vec::with_capacity(subject.n_clusters);
    let parts = features.into_iter().zip(words).zip(typical.into_iter().zip(doubtful));
    for (c, ((features, words), (typical, doubtful))) in parts.enumerate() {
        let mut cluster = Cluster {
            cluster: c as u32,
            name: subject.cluster_names.get(&(c as u32)).cloned(),
            summary: String::new(),
            size: sizes[c],
            share: if n == 0 { 0.0 } else { sizes[c] as f64 / n as f64 },
            mean_confidence: mean_of[c],
            nearest: nearest[c],
            features,
            words,
            typical_by,
            typical,
            doubtful,
        };
        cluster.summary = summary::line(&cluster, n);
        clusters.push(cluster);
    }
    let mean_confidence = largest.filter(|_| n > 0).map(|values| mean(values.iter().copied()));
    Ok(Clusters { schema: SCHEMA, n, n_clusters: subject.n_clusters, mean_confidence, clusters })
}

fn sizes(subject: &Subject<'_>) -> Vec<usize> {
    let mut sizes = vec![0; subject.n_clusters];
    subject.assignments.iter().for_each(|&c| sizes[c as usize] += 1);
    sizes
}

fn mean(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), v| (sum + f64::from(v), n + 1));
    sum / n.max(1) as f64
}

fn mean_confidences(subject: &Subject<'_>, largest: Option<&[f32]>, sizes: &[usize]) -> Vec<Option<f64>> {
    let Some(largest) = largest else { return vec![None; sizes.len()] };
    let mut sums = vec![0.0; sizes.len()];
    subject.assignments.iter().zip(largest).for_each(|(&c, &v)| sums[c as usize] += f64::from(v));
    sums.into_iter().zip(sizes).map(|(sum, &size)| (size > 0).then(|| sum / size as f64)).collect()
}

/// The features of each cluster, the strongest first.
fn of_table(
    table: &Table<'_>,
    subject: &Subject<'_>,
    sizes: &[usize],
    options: &Options,
) -> Vec<Vec<Feature>> {
    let groups = Groups { of: subject.assignments.as_standard_layout().to_vec(), sizes: sizes.to_vec() };
    let mut found: Vec<Vec<Feature>> = vec![Vec::new(); sizes.len()];
    for (name, values) in table.columns() {
        let of_column = match &values {
            Values::Numbers(values) => {
                let missing: Vec<bool> = values.iter().map(Option::is_none).collect();
                let mut features = numbers::features(name, values, &groups, options);
                append(&mut features, categories::missing(name, &missing, &groups, options));
                features
            }
            Values::Levels { levels, rows } => {
                let missing: Vec<bool> = rows.iter().map(Option::is_none).collect();
                let mut features = categories::levels(name, levels, rows, &groups, options);
                append(&mut features, categories::missing(name, &missing, &groups, options));
                features
            }
        };
        append(&mut found, of_column);
    }
    for features in &mut found {
        // Stable: columns that differ equally stay in their order.
        features.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
        features.truncate(options.most_features);
    }
    found
}

fn append(to: &mut [Vec<Feature>], from: Vec<Vec<Feature>>) {
    to.iter_mut().zip(from).for_each(|(to, mut from)| to.append(&mut from));
}

/// The cluster of each row, and how many rows each has.
struct Groups {
    of: Vec<u32>,
    sizes: Vec<usize>,
}

impl Groups {
    fn k(&self) -> usize {
        self.sizes.len()
    }
}

#[cfg(test)]
mod tests;
