//! The phases of `auto`, and a fitted model.

use super::config::{AutoConfig, Spaces};
use crate::Result;
use crate::api::{Assessed, Calibration, Density, FitSummary, Generative, Method, Model, Soft};
use crate::config::Preset;
use crate::input::Input;
use crate::methods::dgg::{Begun, Dgg, DggModel};
use crate::pretrained::{
    Codes, FeaturePartition, OtherSpace, Partitioned, are_latent_classes, load_n_clusters, store_n_clusters,
};
use crate::shared::assignments::shares;
use crate::shared::neighbour_vote::NeighbourVote;
use ndarray::{Array1, Array2};
use serde_json::json;
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::identity::{Revision, revisions};
use vae_core::phase::{FitContext, PhaseRecord};
use vae_core::pretrain::pretrain;
use vae_core::program::{Outputs, Program, Value};
use vae_graph::Distinct;
use vae_graph::knn::Metric;
use vae_graph::siamese;

/// What is cut, and which clusters are kept.
pub const REVISION: Revision = ("auto", 1);

/// Where the labels and points of a vote stand in a model file.
const VOTE: &str = "vote.";

/// A partition of the neighbour graph, and DGG from it.
#[derive(Debug)]
pub struct Auto;

/// A fitted [`Auto`].
#[derive(Debug)]
pub struct AutoModel {
    dgg: DggModel,
    n_clusters: usize,
    /// The partition, where its clusters are kept.
    vote: Option<NeighbourVote>,
}

impl Method for Auto {
    const NAME: &'static str = "auto";
    const SUMMARY: &'static str =
        "a partition of the neighbour graph, then DGG from it; estimates the number of clusters";
    const REFERENCE: &'static str = "this project; Ng et al. 2001, Newman 2004, Yang et al. 2019";
    const GENERATIVE: bool = true;
    const PRESETS: &'static [Preset] = &[];
    type Config = AutoConfig;
    type Model = AutoModel;

    fn fit(
        config: &AutoConfig,
        x: &Features,
        input: &Input,
        cx: &FitContext,
    ) -> Result<(AutoModel, FitSummary)> {
        let autoencoder = pretrain(x, &config.net, &config.pretrain, input.likelihood()?, cx)?;
        let mut phases = vec![autoencoder.record.clone()];
        let codes = Codes::new(x, &config.net, &autoencoder, cx);
        let partition = partition(config, x, &codes, &mut phases)?;
        let (n_clusters, found) = (partition.n_clusters, partition.assignments.clone());
        let of_classes = are_latent_classes(&partition.record);
        drop(codes);
        let begun = Begun { autoencoder, partition: Some(partition), phases };
        let (dgg, summary) = Dgg::fit_from(&config.dgg(n_clusters), x, input, begun, cx)?;

        let judged = judge(config, x, (&found, &summary.assignments), n_clusters, cx)?;
        let judged = Judged { of_classes, ..judged };
        cx.progress.note(&judged.words());
        let selection = format!("{}; {}", summary.selection, judged.words());
        let mut summary = FitSummary { selection, ..summary };
        if let Some(training) = summary.phases.last_mut() {
            training.notes["judged"] = judged.notes();
            training.revisions.extend(revisions(&[&[REVISION]]));
        }
        let vote = (!judged.keeps_training()).then(|| {
            summary.assignments = found.clone();
            summary.observed.clear();
            NeighbourVote::new(x.clone(), found.clone(), n_clusters, config.n_voters)
        });
        Ok((AutoModel { dgg, n_clusters, vote }, summary))
    }

    fn restore(config: &AutoConfig, input: &Input, tensors: &Tensors) -> Result<AutoModel> {
        let n_clusters = load_n_clusters(tensors)?;
        let vote = tensors.contains_key(&format!("{VOTE}labels"));
        let vote = vote
            .then(|| NeighbourVote::load(VOTE, tensors, input.dim, (n_clusters, config.n_voters)))
            .transpose()?;
        let of_dgg = |name: &str| !name.starts_with(VOTE) && name != "n_clusters";
        let of_dgg = tensors.iter().filter(|(name, _)| of_dgg(name));
        let of_dgg: Tensors = of_dgg.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        Ok(AutoModel { dgg: Dgg::restore(&config.dgg(n_clusters), input, &of_dgg)?, n_clusters, vote })
    }
}

/// The partition of the graph that the configuration asks for.
fn partition(
    config: &AutoConfig,
    x: &Features,
    codes: &Codes<'_>,
    phases: &mut Vec<PhaseRecord>,
) -> Result<Partitioned> {
    let all = match config.spaces {
        Spaces::Auto => x.image().is_some(),
        Spaces::Features => false,
        Spaces::All => true,
    };
    let of = |others: &[OtherSpace<'_>]| {
        let (partition, kmeans) = (&config.partition, &config.kmeans);
        FeaturePartition { partition, kmeans, x, others }.fit(config.n_clusters, codes.cx)
    };
    if !all {
        return of(&[]);
    }
    let siamese = codes.siamese(&config.siamese, Metric::Euclidean, phases)?;
    let points = siamese::codes(&siamese)?;
    of(&[
        OtherSpace { points: codes.get()?, key: codes.key() },
        OtherSpace { points: &points, key: &siamese.record.key },
    ])
}

/// How much of the neighbour graph two clusterings cut.
struct Judged {
    of_partition: f64,
    of_training: f64,
    /// Share of the rows whose cluster the training changed.
    changed: f64,
    /// The smallest share of the rows in a cluster of the training.
    smallest: f64,
    tolerance: f64,
    /// Whether the partition is one of latent classes, which are taken because the graph says
    /// little: it does not judge them.
    of_classes: bool,
}

/// Compares the partition's clusters with the training's in the graph of the features.
fn judge(
    config: &AutoConfig,
    x: &Features,
    (partition, training): (&Array1<u32>, &Array1<u32>),
    n_clusters: usize,
    cx: &FitContext,
) -> Result<Judged> {
    let distinct = Distinct::of(x);
    let graph = match &distinct {
        Some(distinct) => config.partition.neighbour_graph(&x.select(distinct.rows())?, cx)?,
        None => config.partition.neighbour_graph(x, cx)?,
    };
    let modularity = |clusters: &Array1<u32>| match &distinct {
        Some(distinct) => graph.modularity(distinct.of_all(clusters).view()),
        None => graph.modularity(clusters.view()),
    };
    let changed = partition.iter().zip(training).filter(|(a, b)| a != b).count();
    Ok(Judged {
        of_partition: modularity(partition)?,
        of_training: modularity(training)?,
        changed: changed as f64 / x.n() as f64,
        smallest: shares(training, n_clusters).fold(1.0, |a, b| a.min(*b)),
        tolerance: config.tolerance,
        of_classes: false,
    })
}

impl Judged {
    /// The training may change the partition where that cuts hardly more of the graph, and empties
    /// no cluster; but not latent classes.
    fn keeps_training(&self) -> bool {
        !self.of_classes && self.smallest > 0.0 && self.of_training >= self.of_partition - self.tolerance
    }

    fn words(&self) -> String {
        let kept = match self.keeps_training() {
            true => "DGG's clusters are kept",
            false if self.of_classes => "the latent classes are kept",
            false => "the partition's clusters are kept",
        };
        let (changed, before, after) = (100.0 * self.changed, self.of_partition, self.of_training);
        format!(
            "{kept}: {changed:.1} % of the rows changed, modularity {before:.4} before and {after:.4} after"
        )
    }

    fn notes(&self) -> serde_json::Value {
        json!({
            "modularity_of_the_partition": self.of_partition,
            "modularity_of_the_training": self.of_training,
            "changed_share": self.changed,
            "training_is_kept": self.keeps_training(),
        })
    }
}

impl Model for AutoModel {
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.dgg.tensors()?;
        store_n_clusters(self.n_clusters, &mut tensors);
        if let Some(vote) = &self.vote {
            vote.store(VOTE, &mut tensors)?;
        }
        Ok(tensors)
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        match &self.vote {
            Some(vote) => vote.predict(x),
            None => self.dgg.predict(x),
        }
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        self.dgg.embed(x)
    }

    fn describe(&self, program: &mut Program, x: &Value) -> Result<Outputs> {
        let of_dgg = self.dgg.describe(program, x)?;
        let Some(vote) = &self.vote else { return Ok(of_dgg) };
        Ok(Outputs { scores: vote.describe(program, x)?, ..of_dgg })
    }

    fn n_clusters(&self) -> Option<usize> {
        Some(self.n_clusters)
    }

    fn soft(&self) -> Option<&dyn Soft> {
        Some(self)
    }

    fn generative(&self) -> Option<&dyn Generative> {
        self.dgg.generative()
    }

    fn density(&self) -> Option<&dyn Density> {
        self.dgg.density()
    }

    fn assess(&self, x: &Features, calibration: Option<&Calibration>) -> Result<Assessed> {
        let Some(vote) = &self.vote else { return self.dgg.assess(x, calibration) };
        let gamma = vote.gamma(x)?;
        Ok(Assessed {
            clusters: NeighbourVote::winners(&gamma),
            gamma: Some(gamma),
            log_density: calibration.map(|known| self.dgg.log_density(x, known)).transpose()?,
        })
    }
}

impl Soft for AutoModel {
    fn gamma(&self, x: &Features) -> Result<Array2<f32>> {
        match &self.vote {
            Some(vote) => vote.gamma(x),
            None => self.dgg.gamma(x),
        }
    }
}
