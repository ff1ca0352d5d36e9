//! The configuration of IMSAT.

use crate::api::MethodConfig;
use crate::config::{check_0_or_more, check_above_0, check_at_least_1, check_widths};
use crate::error::Within;
use crate::input::{InputConfig, ScaleKind, check_affine};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vae_core::train::TrainConfig;

/// How the samples of R_SAT are perturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Perturbation {
    /// Virtual adversarial training: the direction in which the output changes most.
    Vat,
    /// Random perturbation training: a random direction.
    Rpt,
}

/// The unit of `perturbation.xi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XiUnit {
    /// Units of the scaled input (the released code).
    Input,
    /// The mean over all samples of the neighbour distance.
    Neighbours,
}

/// The table `[perturbation]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerturbationConfig {
    /// `vat` or `rpt`.
    pub kind: Perturbation,
    /// The neighbour whose distance is a sample's scale: 1 is the nearest. Data with fewer rows use
    /// the farthest.
    pub neighbor: usize,
    /// Length of a perturbation, in distances to that neighbour.
    pub radius: f64,
    /// For `vat`: length of the step at which the gradient is taken.
    pub xi: f64,
    /// The unit of `xi`: `input` or `neighbours`.
    pub xi_unit: XiUnit,
}

impl Default for PerturbationConfig {
    fn default() -> Self {
        Self { kind: Perturbation::Vat, neighbor: 11, radius: 0.25, xi: 1.0, xi_unit: XiUnit::Neighbours }
    }
}

/// The table `[net]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImsatNetConfig {
    /// Widths of the hidden layers; each is followed by a batch norm and a ReLU.
    pub hidden: Vec<usize>,
    /// Factor of the initial hidden weights, which are N(0, 2 / fan_in).
    pub hidden_scale: f64,
    /// The same for the output layer: small, so that all clusters are equally probable at first.
    pub output_scale: f64,
    /// Added to the variances of the batch norms.
    pub batch_norm_eps: f64,
}

impl Default for ImsatNetConfig {
    fn default() -> Self {
        Self { hidden: vec![512, 512], hidden_scale: 0.1, output_scale: 1e-4, batch_norm_eps: 2e-5 }
    }
}

/// The configuration of IMSAT. The defaults are for data without tuned settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImsatConfig {
    /// Number of clusters, K.
    pub n_clusters: usize,
    /// Scaling of the columns before everything else.
    pub scale: ScaleKind,
    /// Then every value is multiplied by this …
    pub input_factor: f64,
    /// … and this is added.
    pub input_shift: f64,
    /// Weight of the information terms against R_SAT.
    pub lambda: f64,
    /// Weight of the balance H(Y) against H(Y | X).
    pub mu: f64,
    /// Expected shares of the clusters in any order, when they are known to be unequal. Empty:
    /// equal.
    pub shares: Vec<f64>,
    /// The classifier.
    pub net: ImsatNetConfig,
    /// The self-augmentation.
    pub perturbation: PerturbationConfig,
    /// The training. A batch is a new random subset and estimates the shares of the clusters: use
    /// at least 25 samples per cluster.
    pub train: TrainConfig,
}

impl Default for ImsatConfig {
    fn default() -> Self {
        Self {
            n_clusters: 0,
            scale: ScaleKind::Auto,
            input_factor: 1.0,
            input_shift: 0.0,
            lambda: 0.1,
            mu: 4.0,
            shares: vec![],
            net: ImsatNetConfig::default(),
            perturbation: PerturbationConfig::default(),
            train: TrainConfig {
                epochs: 50,
                min_updates: 2000,
                batch_size: 250,
                lr: 2e-3,
                observe_every_epochs: 5,
                ..TrainConfig::default()
            },
        }
    }
}

impl MethodConfig for ImsatConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn affine(&self) -> (f64, f64) {
        (self.input_factor, self.input_shift)
    }

    fn check(&self) -> Result<()> {
        check_affine(self.input_factor, self.input_shift)?;
        let (net, perturbation) = (&self.net, &self.perturbation);
        for (field, value) in [
            ("lambda", self.lambda),
            ("net.hidden_scale", net.hidden_scale),
            ("net.output_scale", net.output_scale),
            ("net.batch_norm_eps", net.batch_norm_eps),
            ("perturbation.xi", perturbation.xi),
        ] {
            check_above_0(field, value)?;
        }
        check_0_or_more("mu", self.mu)?;
        check_0_or_more("perturbation.radius", perturbation.radius)?;
        check_at_least_1("perturbation.neighbor", perturbation.neighbor)?;
        check_widths("net.hidden", &net.hidden)?;
        if !self.shares.is_empty() && self.shares.len() != self.n_clusters {
            let expected = format!("one share per cluster, {}", self.n_clusters);
            return Err(Error::config("shares", format!("{} numbers", self.shares.len()), &expected));
        }
        for (i, &share) in self.shares.iter().enumerate() {
            check_above_0(&format!("shares[{i}]"), share)?;
        }
        self.train.check().within("train")
    }
}
