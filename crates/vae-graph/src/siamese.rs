//! A Siamese network: distances that follow the neighbours.
//!
//! Nearest neighbours in the input space are nearly always of one kind, larger distances there mean
//! little. The network is trained on pairs, near ones pulled together and random ones pushed apart,
//! and its distances then carry the chains of neighbours much further (Shaham et al. 2018; DGG
//! takes its graph from such a network).
//!
//! A batch holds anchors; each is paired with one of its nearest neighbours, drawn anew each epoch,
//! and is paired with another anchor of the batch, a uniformly random point. Published code lists
//! all pairs in advance instead, for the same distribution at three encodings a pair.

use crate::knn::Neighbours;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use vae_core::features::{BLOCK, Resident, to_array2};
use vae_core::identity::Revision;
use vae_core::net::{self, Builder, Encoder, NetConfig};
use vae_core::optim::OptimizerKind;
use vae_core::params::Params;
use vae_core::phase::{Artefact, PhaseContext};
use vae_core::schedule::LrSchedule;
use vae_core::train::{self, Batch, Loss, TrainConfig, Trainable, train};
use vae_core::{Error, Features, Result};

/// The network's training, with what it uses.
pub const REVISIONS: &[Revision] = &[("siamese", 1), train::REVISION, net::REVISION];

/// What a pair costs, with d the distance of its two codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairLoss {
    /// Near `d²`, far `max(margin − d, 0)²` (DGG's paper, margin 3; Hadsell et al. 2006).
    Contrastive,
    /// Near `d²`, far `max(margin − d², 0)` (DGG's code, margin 3).
    Hinge,
    /// Near `max(d − 0.05, 0)²`, far `max(margin − d, 0)²` (SpectralNet's code, margin 1).
    Spectralnet,
}

impl PairLoss {
    /// The cost of near pairs, from squared distances.
    ///
    /// # Shapes
    /// `[b]` to `[b]`.
    pub fn near(self, sq: &Tensor) -> Tensor {
        match self {
            Self::Contrastive | Self::Hinge => sq.shallow_clone(),
            Self::Spectralnet => (root(sq) - 0.05).relu().square(),
        }
    }

    /// The cost of far pairs, from squared distances.
    ///
    /// # Shapes
    /// `[b]` to `[b]`.
    pub fn far(self, sq: &Tensor, margin: f64) -> Tensor {
        match self {
            Self::Hinge => (margin - sq).relu(),
            Self::Contrastive | Self::Spectralnet => (margin - root(sq)).relu().square(),
        }
    }
}

/// A square root with a finite gradient at 0.
fn root(sq: &Tensor) -> Tensor {
    (sq + 1e-12).sqrt()
}

/// The initial weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiameseInit {
    /// The pretrained encoder.
    Encoder,
    /// Random weights.
    Random,
}

/// A table `[siamese]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiameseConfig {
    /// `encoder` or `random`.
    pub start: SiameseInit,
    /// Number of nearest neighbours in the input space that form near pairs (N_t).
    pub n_positives: usize,
    /// `contrastive`, `hinge` or `spectralnet`.
    pub loss: PairLoss,
    /// Distance beyond which the loss of a far pair is 0.
    pub margin: f64,
    /// The training; a batch of b anchors makes 2b pairs.
    pub train: TrainConfig,
}

impl Default for SiameseConfig {
    fn default() -> Self {
        Self {
            start: SiameseInit::Encoder,
            n_positives: 3,
            loss: PairLoss::Contrastive,
            margin: 3.0,
            train: TrainConfig {
                epochs: 20,
                min_updates: 1000,
                batch_size: 256,
                optimizer: OptimizerKind::Adam,
                lr: 5e-4,
                lr_schedule: LrSchedule::Cosine,
                weight_decay: 1e-4,
                ..TrainConfig::default()
            },
        }
    }
}

impl SiameseConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key.
    pub fn check(&self) -> Result<()> {
        if self.n_positives == 0 {
            return Err(Error::config("n_positives", 0, "at least 1"));
        }
        if !(self.margin > 0.0 && self.margin.is_finite()) {
            return Err(Error::config("margin", self.margin, "a finite number above 0"));
        }
        self.train.check().map_err(|e| e.within("train"))
    }

    /// Trains the network in a phase and returns its artefact; the codes of all samples are the
    /// tensor `codes`, `[n, J]`.
    ///
    /// `near` are at least `n_positives` neighbours of every row of `x`. `encoder` holds the
    /// tensors of a pretrained encoder of the same shape, for `start = "encoder"`.
    ///
    /// # Errors
    /// [`Error::Config`] out of range or when there are too few neighbours; what training can
    /// return.
    pub fn fit(
        &self,
        x: &Features,
        near: &Neighbours,
        net: &NetConfig,
        encoder: Option<&Artefact>,
        phase: &PhaseContext<'_>,
    ) -> Result<Artefact> {
        self.check()?;
        if near.k() < self.n_positives {
            let expected = format!("at most the {} neighbours that were searched for", near.k());
            return Err(Error::config("n_positives", self.n_positives, &expected));
        }
        let mut params = Params::new();
        let device = phase.fit.device;
        let mut builder =
            Builder { params: &mut params, streams: &phase.streams, init: net.init, group: 0, device };
        let network = Encoder::deterministic(&mut builder, net, x.dim());
        match (self.start, encoder) {
            (SiameseInit::Encoder, Some(encoder)) => drop(params.load_present(&encoder.tensors, "")?),
            (SiameseInit::Encoder, None) => {
                let expected = "\"random\" where there is no pretrained encoder";
                return Err(Error::config("start", "encoder", expected));
            }
            (SiameseInit::Random, _) => {}
        }
        let data = Resident::new(x, device)?;
        let positives: Vec<i64> = near
            .index()
            .columns()
            .into_iter()
            .take(self.n_positives)
            .flatten()
            .map(|&j| i64::from(j))
            .collect();
        let positives = Tensor::f_from_slice(&positives)?
            .f_view([self.n_positives as i64, x.n() as i64])?
            .f_to_device(device)?;
        let model = Siamese { params, network, config: self, positives, data: &data };
        let (record, _) = train(&model, &data, &self.train, vec![self.train.group()], phase)?;
        let codes = data.map_rows(BLOCK, |x| Ok(model.network.mu(x)))?;
        let mut tensors = model.params.snapshot("")?;
        tensors.insert("codes".into(), codes.f_to_device(tch::Device::Cpu)?);
        Ok(Artefact { tensors, record })
    }
}

/// The codes that [`SiameseConfig::fit`] stored, as features to search neighbours in.
///
/// # Errors
/// When the artefact has none.
pub fn codes(artefact: &Artefact) -> Result<Features> {
    Features::dense(to_array2(artefact.tensor("codes")?)?)
}

struct Siamese<'a> {
    params: Params,
    network: Encoder,
    config: &'a SiameseConfig,
    /// `[n_positives, n]` on the device.
    positives: Tensor,
    data: &'a Resident<'a>,
}

impl Siamese<'_> {
    /// For each row of a batch the positive that it is compared with.
    fn which(&self, rng: &mut impl RngExt, rows: usize) -> Vec<i64> {
        (0..rows).map(|_| rng.random_range(0..self.config.n_positives as i64)).collect()
    }
}

impl Trainable for Siamese<'_> {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let b = batch.x.size()[0];
        let which = batch.integers("pairs", 1, |rng, rows| self.which(rng, rows))?;
        let near =
            self.positives.f_index_select(1, batch.index)?.f_gather(0, &which.f_unsqueeze(0)?, false)?;
        let near = self.data.gather(&near.f_squeeze_dim(0)?)?;
        // One pass through the network for anchors and neighbours together.
        let codes = self.network.mu(&Tensor::f_cat(&[batch.x, &near], 0)?);
        let (anchors, near) = (codes.f_narrow(0, 0, b)?, codes.f_narrow(0, b, b)?);
        let sq =
            |other: &Tensor| (&anchors - other).square().sum_dim_intlist([-1i64].as_slice(), false, None);
        let near = self.config.loss.near(&sq(&near)).sum(None::<Kind>) / (2 * b) as f64;
        // Anchor i against anchor i + shift: the order of the batch is random already. The shift
        // follows in the stream of the pairs. A single anchor has no far pair.
        let far = if b > 1 {
            let mut rng = batch.rng("pairs");
            self.which(&mut rng, b as usize);
            let shift = rng.random_range(1..b);
            let far = anchors.f_roll([shift].as_slice(), [0i64].as_slice())?;
            self.config.loss.far(&sq(&far), self.config.margin).sum(None::<Kind>) / (2 * b) as f64
        } else {
            near.zeros_like()
        };
        Ok(Loss { total: &near + &far, terms: vec![("near", near), ("far", far)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knn::{Knn, Metric};
    use ndarray::Array2;
    use vae_core::phase::{FitContext, PhaseSpec};

    fn values(t: &Tensor) -> Vec<f64> {
        Vec::try_from(t).expect("f64")
    }

    #[test]
    fn pair_losses_by_hand() {
        let sq = Tensor::from_slice(&[0.25f64, 1.0, 4.0, 9.0]);
        assert_eq!(values(&PairLoss::Contrastive.near(&sq)), [0.25, 1.0, 4.0, 9.0]);
        for (got, want) in values(&PairLoss::Contrastive.far(&sq, 3.0)).iter().zip([6.25, 4.0, 1.0, 0.0]) {
            assert!((got - want).abs() < 1e-9);
        }
        assert_eq!(values(&PairLoss::Hinge.far(&sq, 3.0)), [2.75, 2.0, 0.0, 0.0]);
        for (got, want) in
            values(&PairLoss::Spectralnet.near(&sq)).iter().zip([0.2025, 0.9025, 3.8025, 8.7025])
        {
            assert!((got - want).abs() < 1e-9);
        }
        for (got, want) in values(&PairLoss::Spectralnet.far(&sq, 1.0)).iter().zip([0.25, 0.0, 0.0, 0.0]) {
            assert!((got - want).abs() < 1e-9);
        }
    }

    #[test]
    fn equal_points_have_a_finite_gradient() {
        let d = Tensor::zeros([2], (Kind::Double, tch::Device::Cpu)).set_requires_grad(true);
        for loss in [PairLoss::Contrastive, PairLoss::Hinge, PairLoss::Spectralnet] {
            let total = (loss.near(&d.square()) + loss.far(&d.square(), 3.0)).sum(None::<Kind>);
            let grad = Tensor::run_backward(&[&total], &[&d], false, false);
            assert!(values(&grad[0]).iter().all(|g| g.is_finite()), "{loss:?}");
        }
    }

    #[test]
    fn no_point_is_paired_with_itself() {
        // All points are far beyond the margin of each other, so that only a point beside itself
        // would cost. The last batch has one anchor.
        let x =
            Array2::from_shape_fn((7, 2), |(i, j)| 1e4 * (i as f32 + 1.0) * if j == 0 { 1.0 } else { 0.3 });
        let x = Features::dense(x).expect("finite");
        let cx = FitContext::in_memory(0);
        let near = Knn { k: 1, metric: Metric::Euclidean }.of(&x, &cx).expect("found");
        let train =
            TrainConfig { epochs: 20, min_updates: 0, batch_size: 3, lr: 1e-9, ..TrainConfig::default() };
        let config =
            SiameseConfig { start: SiameseInit::Random, n_positives: 1, train, ..SiameseConfig::default() };
        let net = NetConfig { hidden: vec![], latent_dim: 2, ..NetConfig::default() };
        let spec = PhaseSpec { name: "siamese", revisions: &[REVISIONS], config: &config, inputs: &[] };
        let fitted: Result<Artefact> = cx.phase(&spec, |phase| config.fit(&x, &near, &net, None, phase));
        let history = fitted.expect("trained").record.history;
        assert_eq!(history.len(), 20);
        for epoch in history {
            let term = |name: &str| epoch.terms.iter().find(|(n, _)| n == name).expect("a term").1;
            assert!(term("near") > 1e6 && term("far") == 0.0, "{:?}", epoch.terms);
        }
    }

    #[test]
    fn training_reduces_distances_of_neighbours_and_increases_others() {
        // Two rings around each other: in the plane a point is nearer to the other ring than to its
        // own far side.
        let n = 400;
        let x = Array2::from_shape_fn((n, 2), |(i, j)| {
            let (ring, angle) = (i % 2, i as f32 * 0.7);
            let radius = if ring == 0 { 1.0 } else { 2.0 };
            radius * if j == 0 { angle.cos() } else { angle.sin() }
        });
        let x = Features::dense(x).expect("finite");
        let cx = FitContext::in_memory(0);
        let near = Knn { k: 3, metric: Metric::Euclidean }.of(&x, &cx).expect("found");
        let config = SiameseConfig { start: SiameseInit::Random, ..SiameseConfig::default() };
        let net = NetConfig { hidden: vec![64, 64], latent_dim: 2, ..NetConfig::default() };
        let spec = PhaseSpec { name: "siamese", revisions: &[REVISIONS], config: &config, inputs: &[] };
        let fitted: Result<Artefact> = cx.phase(&spec, |phase| config.fit(&x, &near, &net, None, phase));
        let fitted = fitted.expect("trained");
        // The encoder is required and was not given.
        let config = SiameseConfig { start: SiameseInit::Encoder, ..config.clone() };
        let spec = PhaseSpec { config: &config, ..spec };
        let refused: Result<Artefact> = cx.phase(&spec, |phase| config.fit(&x, &near, &net, None, phase));
        assert!(refused.is_err_and(|e| e.to_string().contains("`start`")));
        let codes = codes(&fitted).expect("codes");
        let again = Knn { k: 20, metric: Metric::Euclidean }.of(&codes, &cx).expect("found");
        let same_ring = |found: &Neighbours| {
            let hits = (0..n).flat_map(|i| found.of(i).to_vec().into_iter().map(move |j| (i, j)));
            hits.filter(|(i, j)| i % 2 == *j as usize % 2).count() as f64 / (n * found.k()) as f64
        };
        assert!(same_ring(&again) > 0.99, "{}", same_ring(&again));
        let history = fitted.record.history;
        assert!(history.last().expect("epochs").loss < 0.5 * history[0].loss);
    }
}
