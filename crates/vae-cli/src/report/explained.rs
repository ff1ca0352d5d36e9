//! What a fit knows of its rows: the parts of the page that are made once.

use crate::input::Input;
use crate::pictures::pca;
use crate::walks::{self, Walk};
use anyhow::Result;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use vae_data::Schema;
use vae_models::{Clusterer, FitSummary, Generator};
use vae_report::page::{ConfidenceCounts, Generated, Made, Map, MapInput, MeanImage, RowFacts, map_rows};
use vae_report::{
    ClusterNames, Clusters, Confidence, Data, Documents, Images, Options, Page, Subject, Table, explain,
};

/// New rows of a cluster, clusters that have some, and rows of a way between two.
const DRAWN: usize = 3;
const CLUSTERS: usize = 20;
const STEPS: usize = 5;

/// A finished fit, as far as its clusters can be explained.
pub struct Clustering<'a> {
    /// The data, on their own scale; labels colour the map and nothing else.
    input: &'a Input,
    assignments: ArrayView1<'a, u32>,
    n_clusters: usize,
    gamma: Option<&'a Array2<f32>>,
    embedding: &'a Array2<f32>,
    generator: Option<&'a dyn Generator>,
    seed: u64,
}

impl<'a> Clustering<'a> {
    /// What was fitted, what came of it, posterior probabilities `[n, k]`, where the model has
    /// some, and latent codes `[n, latent_dim]`; `seed` is that of what the model draws.
    pub fn new(
        input: &'a Input,
        model: &'a dyn Clusterer,
        (summary, gamma): (&'a FitSummary, Option<&'a Array2<f32>>),
        embedding: &'a Array2<f32>,
        seed: u64,
    ) -> Self {
        let (assignments, n_clusters) = (summary.assignments.view(), model.n_clusters());
        Self { input, assignments, n_clusters, gamma, embedding, generator: model.generator(), seed }
    }

    /// Latent codes, `[n, latent_dim]`.
    pub fn codes(&self) -> ArrayView2<'_, f32> {
        self.embedding.view()
    }

    /// The page, without what the files of the folder say.
    ///
    /// # Errors
    /// Parts that do not fit each other.
    pub fn page(&self) -> Result<Page> {
        let features = &self.input.features;
        let plain = |d: usize| Schema::plain(false, (1..=d).map(|column| column.to_string()));
        let (names, schema);
        let data = match (features.as_dense(), features.as_csr(), features.image()) {
            (Some(x), _, Some(shape)) => Data::Images(Images { x, shape }),
            (Some(x), _, None) => {
                schema = self.input.schema.clone().unwrap_or_else(|| plain(x.ncols()));
                Data::Table(Table::new(x, &schema)?)
            }
            (None, Some(weights), _) => {
                names = match &self.input.vocabulary {
                    Some(vocabulary) => vocabulary.terms.clone(),
                    None => (1..=weights.n_columns).map(|column| column.to_string()).collect(),
                };
                let texts = self.input.beginnings.as_deref();
                Data::Documents(Documents { weights, terms: &names, texts })
            }
            (None, None, _) => return sizes_page(self.assignments, self.n_clusters),
        };
        self.page_of(data)
    }

    fn page_of(&self, data: Data<'_>) -> Result<Page> {
        let row_names: Option<Vec<String>> =
            self.input.ids.as_ref().map(|ids| ids.iter().map(str::to_owned).collect());
        let cluster_names = ClusterNames::new();
        let subject = Subject {
            data: data.reborrow(),
            assignments: self.assignments.view(),
            n_clusters: self.n_clusters,
            confidence: self.gamma.map_or(Confidence::Unknown, |gamma| Confidence::Posterior(gamma.view())),
            // What is not finite has no centre; the clusters are explained all the same.
            codes: self.embedding.iter().all(|v| v.is_finite()).then(|| self.embedding.view()),
            row_names: row_names.as_deref(),
            cluster_names: &cluster_names,
        };
        let clusters = explain(&subject, &Options::default())?;
        let plane = pca::project(self.embedding.view(), map_rows(subject.n()).len());
        let axis =
            |name: &str, share: f64| format!("{name} component, {:.1} % of the variance", 100.0 * share);
        let input = MapInput {
            rows: &plane.rows,
            points: plane.points.view(),
            about: "First two principal components of the latent space".into(),
            axes: [axis("first", plane.explained[0]), axis("second", plane.explained[1])],
            labels: self.input.labels.as_ref().map(|labels| (labels.class_names.as_slice(), labels.y.view())),
        };
        let map = Map::new(&input, &subject, &clusters)?;
        Ok(Page {
            map: Some(map),
            generated: self.generated(&subject.data, &clusters)?,
            rows: RowFacts::of(&subject.data, &clusters)?,
            mean_images: MeanImage::of(&subject)?,
            confidence: subject.sure().map(ConfidenceCounts::new),
            ..Page::new(String::new(), clusters)
        })
    }
}

impl Clustering<'_> {
    /// What the model draws of tables and documents; images are drawn as pictures.
    fn generated(&self, data: &Data<'_>, clusters: &Clusters) -> Result<Option<Generated>> {
        let Some(generator) = self.generator.filter(|_| !matches!(data, Data::Images(_))) else {
            return Ok(None);
        };
        let drawn = |c: usize| Ok((c as u32, generator.sample(c, DRAWN, self.seed)?));
        let walks = walks::of(generator, self.embedding.view(), self.assignments.view(), STEPS)?;
        let made = Made {
            samples: (0..self.n_clusters.min(CLUSTERS)).map(drawn).collect::<Result<_>>()?,
            walks: walks.into_iter().map(|Walk { from, to, x }| ([from, to], x)).collect(),
        };
        Ok(Generated::of(data, clusters, &made)?)
    }
}

fn sizes_page(assignments: ArrayView1<'_, u32>, k: usize) -> Result<Page> {
    let clusters = sizes_only(assignments.iter().map(|c| Some(*c)).collect(), k)?;
    Ok(Page::new(String::new(), clusters))
}

/// Clusters of which nothing but the sizes is known.
///
/// # Errors
/// A cluster that does not exist.
pub fn sizes_only(assignments: Vec<Option<u32>>, k: usize) -> Result<Clusters> {
    let assignments: Array1<u32> = assignments.into_iter().flatten().collect();
    let (x, schema) = (Array2::zeros((assignments.len(), 0)), Schema::plain(false, [""; 0]));
    let subject = Subject {
        data: Data::Table(Table::new(x.view(), &schema)?),
        assignments: assignments.view(),
        n_clusters: k,
        confidence: Confidence::Unknown,
        codes: None,
        row_names: None,
        cluster_names: &ClusterNames::new(),
    };
    Ok(explain(&subject, &Options { most_members: 0, ..Options::default() })?)
}
