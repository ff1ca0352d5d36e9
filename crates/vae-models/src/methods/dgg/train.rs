//! The joint training: the loss of a batch, the bank of assignments, and the graph, which is
//! rebuilt during training.

pub(super) mod classifier;

use super::config::{ClassifierInput, DggConfig, Mixing, Objective};
use super::loss::cross_entropy;
use super::net::DggNet;
use crate::shared::mixture_vae::MixtureVae;
use crate::shared::posterior::{Posterior, held};
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};
use vae_core::bundle::{START_ANEW, Tensors};
use vae_core::features::{Resident, to_array2, to_array2_f64, to_tensor};
use vae_core::kl;
use vae_core::params::Params;
use vae_core::phase::FitContext;
use vae_core::random::Streams;
use vae_core::train::{Batch, Loss, Trainable};
use vae_core::{Error, Features, Result};
use vae_graph::Graph;
use vae_graph::knn::Knn;
use vae_graph::pairwise::{Latent, Smoothing, Terms, smoothed, tuples};
use vae_graph::partition::REFERENCE_GRAPH;

/// What the training is given.
pub(super) struct Setting<'a> {
    pub net: &'a DggNet,
    pub config: &'a DggConfig,
    pub x: &'a Features,
    pub data: &'a Resident<'a>,
    /// The points of another space than the codes, for partitions.
    pub points: Option<&'a Features>,
    /// Epochs with the initial assignments.
    pub warmup_epochs: usize,
    pub cx: &'a FitContext,
}

pub(super) struct DggTraining<'a> {
    given: Setting<'a>,
    n_steps: usize,
    state: RefCell<State>,
}

/// What changes besides the parameters.
struct State {
    /// The assignments of the latest partition, i64 `[n]` on the device.
    labels: Tensor,
    graph: Graph,
    smoothing: Smoothing,
    /// x̄, `[n, d]` on the device (`smoothed` only).
    targets: Option<Tensor>,
    /// `[n]` on the device.
    c: Tensor,
    /// Latest known assignments of all points, `[n, K]` on the device.
    bank: Tensor,
    /// ℓ̄, `[n, K]` on the device.
    log_prior: Tensor,
}

impl<'a> DggTraining<'a> {
    /// With the initial neighbour graph and the initial assignments, i64 `[n]` on the device.
    pub fn new(given: Setting<'a>, graph: Graph, labels: Tensor) -> Result<Self> {
        let config = given.config;
        let bank = labels.one_hot(config.n_clusters as i64).f_to_kind(Kind::Float)?;
        let n_steps = given.x.n().div_ceil(config.train.batch_size);
        let log_prior = bank.f_zeros_like()?;
        let (smoothing, targets, c) = Self::smooth(config, given.x, &graph, given.cx.device)?;
        let state = State { labels, graph, smoothing, targets, c, bank, log_prior };
        Ok(Self { given, n_steps, state: RefCell::new(state) })
    }

    fn smooth(
        config: &DggConfig,
        x: &Features,
        graph: &Graph,
        device: Device,
    ) -> Result<(Smoothing, Option<Tensor>, Tensor)> {
        let smoothing = Smoothing::new(graph);
        let targets = match config.objective {
            Objective::Smoothed => Some(to_tensor(smoothing.targets(x)?.view(), device)?),
            Objective::Tuples => None,
        };
        let c: Vec<f32> = smoothing.c().iter().map(|&c| c as f32).collect();
        let c = Tensor::f_from_slice(&c)?.f_to_device(device)?;
        Ok((smoothing, targets, c))
    }

    fn set_graph(&self, graph: Graph) -> Result<()> {
        // The old targets are freed first: memory may not hold two copies.
        self.state.borrow_mut().targets = None;
        let (smoothing, targets, c) =
            Self::smooth(self.given.config, self.given.x, &graph, self.given.cx.device)?;
        let mut state = self.state.borrow_mut();
        (state.graph, state.smoothing, state.targets, state.c) = (graph, smoothing, targets, c);
        Ok(())
    }

    /// Recomputes pi and ℓ̄ from the bank.
    fn refresh(&self) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let device = state.bank.device();
        let gamma = to_array2_f64(&state.bank)?;
        let pi = state.smoothing.pi(gamma.view())?;
        let log_prior = state.smoothing.log_prior(pi.view())?;
        state.log_prior = to_tensor(log_prior.mapv(|v| v as f32).view(), device)?;
        Ok(())
    }

    /// The share of the edges' weight between points of equal assignment, by the bank.
    pub fn agreement(&self) -> Result<f64> {
        let state = self.state.borrow();
        let winner = state.bank.f_argmax(1, false)?.f_to_device(Device::Cpu)?;
        let winner = Vec::<i64>::try_from(winner)?;
        let labels: ndarray::Array1<u32> = winner.into_iter().map(|c| c as u32).collect();
        Ok(state.graph.agreement(labels.view()))
    }

    /// Whether the assignments are fixed in this epoch: in the warm-up, and after a new partition.
    fn is_held(&self, epoch: usize) -> bool {
        let (config, hold) = (self.given.config, self.given.config.graph.repartition_hold_epochs);
        epoch < self.given.warmup_epochs
            || config.graph.rebuild_epochs.iter().any(|&r| r <= epoch && epoch < r + hold)
    }

    /// Rebuilds the graph on the current codes, and partitions it where assignments are to be fixed
    /// afterwards.
    fn rebuild(&self, epoch: usize, data: &Resident<'_>) -> Result<()> {
        let config = self.given.config;
        let neighbors = &config.graph.neighbors;
        let codes = Features::dense(to_array2(&self.given.net.codes(data)?)?)?;
        let streams = Streams::new(self.given.cx.seed, format!("graph.{epoch}"));
        if neighbors.n_neighbors > 0 {
            let knn = Knn { k: neighbors.n_searched(codes.n()), metric: config.graph.metric };
            let found = knn.of(&codes, self.given.cx)?;
            self.set_graph(neighbors.graph(&found, &streams)?)?;
        }
        if config.graph.repartition_hold_epochs > 0 {
            let partition = config.init.partition.clone().unwrap_or(REFERENCE_GRAPH);
            let spaces: Vec<&Features> = [&codes].into_iter().chain(self.given.points).collect();
            let found = partition.fit(&spaces, config.n_clusters, &[], &streams, self.given.cx)?;
            let now = Vec::<i64>::try_from(self.given.net.winners(data)?.f_to_kind(Kind::Int64)?)?;
            let name = matched(found.labels.as_slice().unwrap_or(&[]), &now, config.n_clusters);
            let labels: Vec<i64> = found.labels.iter().map(|&c| name[c as usize]).collect();
            let mut state = self.state.borrow_mut();
            state.labels.f_copy_(&Tensor::f_from_slice(&labels)?)?;
            let held = state.labels.one_hot(config.n_clusters as i64).f_to_kind(Kind::Float)?;
            state.bank.f_copy_(&held)?;
        }
        Ok(())
    }

    /// Posterior of the rows `x`, a sample, its decoding, and log assignments.
    fn forward(&self, x: &Tensor, batch: &Batch<'_>) -> Result<Forward> {
        let (posterior, clamped) = self.given.net.vae.posterior(x, batch)?;
        let input = match self.given.config.classifier.input {
            ClassifierInput::Mean => &posterior.mu,
            ClassifierInput::Sample => &posterior.z,
        };
        // While assignments are fixed the classifier's loss has no gradient with respect to the
        // codes.
        let held = self.is_held(batch.epoch);
        let log_gamma =
            self.given.net.classifier.log_gamma(&if held { input.detach() } else { input.shallow_clone() });
        let out = self.given.net.vae.decoder.forward(&posterior.z);
        Ok(Forward { posterior, out, log_gamma, clamped })
    }

    fn latent(&self, f: &Forward, log_gamma: Tensor) -> Latent {
        let p = &f.posterior;
        let entropy = kl::gaussian_entropy_without_constant(&p.log_var);
        Latent { energy: self.given.net.vae.prior.expected_energy(&p.mu, &p.log_var), entropy, log_gamma }
    }

    fn smoothed(&self, batch: &Batch<'_>) -> Result<(Terms, Forward)> {
        let f = self.forward(batch.x, batch)?;
        let state = self.state.borrow();
        let log_gamma = match self.is_held(batch.epoch) {
            true => held(&state.labels.f_index_select(0, batch.index)?, self.given.config.n_clusters),
            false => f.log_gamma.shallow_clone(),
        };
        let pick = |t: &Tensor| t.f_index_select(0, batch.index);
        let _ = state.bank.shallow_clone().f_index_copy_(0, batch.index, &log_gamma.detach().exp())?;
        let targets = state.targets.as_ref().ok_or_else(|| Error::Internal("DGG has no targets".into()))?;
        let nll = self.given.net.vae.likelihood.nll(&f.out, &pick(targets)?);
        let log_prior = match self.given.config.pi {
            Mixing::PerSample => pick(&state.log_prior)?,
            Mixing::Global => self.given.net.vae.prior.log_pi(),
        };
        Ok((smoothed(&nll, &self.latent(&f, log_gamma), &log_prior, &pick(&state.c)?), f))
    }

    /// The batch's points with all their neighbours, as slots `[b, m]`; missing ones have weight 0.
    fn slots(&self, batch: &Batch<'_>) -> Result<(Tensor, Tensor)> {
        let points = Vec::<i64>::try_from(batch.index.f_to_device(Device::Cpu)?)?;
        let state = self.state.borrow();
        let u = state.smoothing.u();
        let m = points.iter().map(|&i| u.row(i as usize).count()).max().unwrap_or(1);
        let (mut index, mut weight) = (Vec::new(), Vec::new());
        for &i in &points {
            let row: Vec<(u32, f32)> = u.row(i as usize).collect();
            index.extend(row.iter().map(|(j, _)| i64::from(*j)).chain(std::iter::repeat(i)).take(m));
            weight.extend(row.iter().map(|(_, w)| *w).chain(std::iter::repeat(0.0)).take(m));
        }
        let shape = [points.len() as i64, m as i64];
        let device = batch.x.device();
        Ok((
            Tensor::f_from_slice(&index)?.f_to_device(device)?,
            Tensor::f_from_slice(&weight)?.f_view(shape)?.f_to_device(device)?,
        ))
    }

    /// The terms of the tuples, and the forward pass with the log assignments of the batch's own
    /// points: each point once an epoch, as with smoothed targets.
    fn tuples(&self, batch: &Batch<'_>) -> Result<(Terms, Forward)> {
        let (index, u) = self.slots(batch)?;
        let (b, m) = (u.size()[0], u.size()[1]);
        let f = self.forward(&self.given.data.gather(&index)?, batch)?;
        let k = self.given.config.n_clusters as i64;
        let log_gamma = match self.is_held(batch.epoch) {
            true => {
                held(&self.state.borrow().labels.f_index_select(0, &index)?, self.given.config.n_clusters)
            }
            false => f.log_gamma.shallow_clone(),
        };
        let target = batch.target().f_unsqueeze(1)?.f_expand([b, m, batch.x.size()[1]], false)?;
        let target = target.f_reshape(f.out.size())?;
        let nll = self.given.net.vae.likelihood.nll(&f.out, &target).f_view([b, m])?;
        let latent = self.latent(&f, log_gamma);
        let latent = Latent {
            energy: latent.energy.f_view([b, m, k])?,
            entropy: latent.entropy.f_view([b, m])?,
            log_gamma: latent.log_gamma.f_view([b, m, k])?,
        };
        // The batch's own points among the slots; padding repeats them at weight 0.
        let own = index.f_view([b, m])?.f_eq_tensor(&batch.index.f_unsqueeze(1)?)?;
        let slot = (own.f_to_kind(Kind::Float)? * &u).f_argmax(1, false)?;
        let first = Tensor::f_arange(b, (Kind::Int64, slot.device()))? * m;
        let log_gamma = f.log_gamma.f_index_select(0, &(first + slot))?;
        Ok((tuples(&nll, &latent, &u), Forward { log_gamma, ..f }))
    }
}

/// A one-to-one map from new clusters to old ones by overlap, greedily from the largest.
fn matched(new: &[u32], old: &[i64], n_clusters: usize) -> Vec<i64> {
    let mut overlap = vec![0usize; n_clusters * n_clusters];
    for (&a, &b) in new.iter().zip(old) {
        overlap[a as usize * n_clusters + b as usize] += 1;
    }
    let mut pairs: Vec<usize> = (0..overlap.len()).collect();
    pairs.sort_by_key(|&pair| std::cmp::Reverse(overlap[pair]));
    let (mut name, mut taken) = (vec![None; n_clusters], vec![false; n_clusters]);
    for pair in pairs {
        let (a, b) = (pair / n_clusters, pair % n_clusters);
        if name[a].is_none() && !taken[b] {
            name[a] = Some(b as i64);
            taken[b] = true;
        }
    }
    name.into_iter().map(|b| b.unwrap_or(0)).collect()
}

struct Forward {
    posterior: Posterior,
    out: Tensor,
    log_gamma: Tensor,
    clamped: Tensor,
}

impl Trainable for DggTraining<'_> {
    fn params(&self) -> &Params {
        &self.given.net.vae.params
    }

    fn begin_epoch(&self, epoch: usize, data: &Resident<'_>) -> Result<()> {
        if self.given.config.graph.rebuild_epochs.contains(&epoch) {
            self.rebuild(epoch, data)?;
        }
        if !self.is_held(epoch) && (epoch == 0 || self.is_held(epoch - 1)) {
            // From this epoch on the assignments are the classifier's; its output for all points is
            // the first bank.
            let gamma = self.given.net.gamma_at_mean(data)?;
            self.state.borrow_mut().bank.f_copy_(&gamma)?;
        }
        Ok(())
    }

    fn state(&self) -> Result<Tensors> {
        let state = self.state.borrow();
        let mut tensors = Tensors::new();
        state.graph.store("graph.", &mut tensors);
        tensors.insert("labels".into(), state.labels.shallow_clone());
        tensors.insert("bank".into(), state.bank.shallow_clone());
        tensors.insert("log_prior".into(), state.log_prior.shallow_clone());
        Ok(tensors)
    }

    fn restore(&self, tensors: &Tensors) -> Result<()> {
        self.set_graph(Graph::load("graph.", tensors)?)?;
        let mut state = self.state.borrow_mut();
        let get = |name: &str| {
            tensors
                .get(name)
                .ok_or_else(|| Error::missing("the checkpoint", format!("state.{name}"), START_ANEW))
        };
        state.labels.f_copy_(get("labels")?)?;
        state.bank.f_copy_(get("bank")?)?;
        state.log_prior.f_copy_(get("log_prior")?)?;
        Ok(())
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let (t, f) = match self.given.config.objective {
            Objective::Smoothed => {
                let every = self.n_steps.div_ceil(self.given.config.graph.refreshes_per_epoch).max(1);
                if self.given.config.pi == Mixing::PerSample && batch.step.is_multiple_of(every) {
                    self.refresh()?;
                }
                self.smoothed(batch)?
            }
            Objective::Tuples => self.tuples(batch)?,
        };
        let mut total = t.total;
        let mut terms =
            vec![("rec", t.rec), ("zc", t.zc), ("ent", t.ent), ("cat", t.cat), ("clamped", f.clamped)];
        if self.is_held(batch.epoch) {
            let labels = self.state.borrow().labels.f_index_select(0, batch.index)?;
            let classifier = cross_entropy(&f.log_gamma, &labels);
            total += &classifier;
            terms.push(("classifier", classifier));
        } else {
            terms.push(("classifier", Tensor::zeros_like(&total)));
        }
        Ok(Loss { total, terms })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        Ok(Some(self.given.net.winners(data)?))
    }
}

#[cfg(test)]
mod tests {
    use super::matched;

    #[test]
    fn new_clusters_take_the_names_of_the_old_ones_they_overlap_most() {
        // New 0 is mostly old 2, new 2 is old 0; old 1 is left for new 1, which overlaps old 2
        // more.
        let (new, old) = ([0, 0, 0, 1, 1, 1, 2, 2], [2, 2, 2, 2, 2, 1, 0, 0]);
        assert_eq!(matched(&new, &old, 3), [2, 1, 0]);
        assert_eq!(matched(&[0, 1], &[1, 1], 2), [1, 0]);
    }
}
