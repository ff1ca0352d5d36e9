//! The two encoders, the class priors and the decoder, with the loss that the training loop calls.

use super::config::GmvaeM2Config;
use super::loss::{Gaussian, Pairs, Terms, latent, loss, loss_of_pairs};
use crate::shared::from_random::{Network, observe};
use tch::{Device, Kind, Tensor};
use vae_core::Result;
use vae_core::activation::Activation;
use vae_core::features::Resident;
use vae_core::likelihood::Likelihood;
use vae_core::matmul::{linear, row_multiple};
use vae_core::net::{Builder, Decoder, Linear, Mlp};
use vae_core::params::Params;
use vae_core::random::{Streams, normal, uniform};
use vae_core::train::{Batch, Loss, Trainable};

/// Added to every variance: a softplus can underflow.
const MIN_VARIANCE: f64 = 1e-5;

/// q(z | x, y) for all y at once: the first layer multiplies x once and adds the column of each
/// class.
#[derive(Debug)]
struct ClassEncoder {
    /// The first layer, on x and the one-hot class; `None` without hidden layers.
    first: Option<Linear>,
    rest: Mlp,
    mu: Linear,
    var: Linear,
    n_clusters: i64,
}

impl ClassEncoder {
    fn new(builder: &mut Builder<'_>, config: &GmvaeM2Config, dim: usize) -> Self {
        let (k, net) = (config.n_clusters, &config.net);
        let (first, rest) = match net.hidden.split_first() {
            Some((&width, rest)) => (Some(Linear::new(builder, "encoder.first", dim + k, width)), rest),
            None => (None, &[][..]),
        };
        let behind = net.hidden.first().copied().unwrap_or(dim + k);
        let width = net.hidden.last().copied().unwrap_or(dim + k);
        Self {
            first,
            rest: Mlp::new(builder, "encoder", behind, rest, Activation::Relu),
            mu: Linear::new(builder, "encoder.mu", width, net.latent_dim),
            var: Linear::new(builder, "encoder.var", width, net.latent_dim),
            n_clusters: k as i64,
        }
    }

    /// q(z | x, y) of some classes of some samples.
    ///
    /// # Shapes
    /// `x`: `[b, d]`; both parts of the result `[m, J]`.
    fn of_pairs(&self, x: &Tensor, pairs: &Pairs) -> Gaussian {
        let (d, k) = (x.size()[1], self.n_clusters);
        let h = match &self.first {
            Some(Linear { weight, bias }) => {
                let of_x = linear(x, &weight.narrow(1, 0, d), Some(bias)).index_select(0, &pairs.row);
                let of_class = weight.narrow(1, d, k).transpose(0, 1).index_select(0, &pairs.class);
                (of_x + of_class).relu_()
            }
            None => {
                let class = pairs.class.one_hot(k).to_kind(x.kind());
                Tensor::cat(&[x.index_select(0, &pairs.row), class], 1)
            }
        };
        self.heads(&self.rest.forward(&h))
    }

    fn heads(&self, h: &Tensor) -> Gaussian {
        Gaussian { mu: self.mu.forward(h), var: self.var.forward(h).softplus() + MIN_VARIANCE }
    }

    /// # Shapes
    /// `x`: `[b, d]`; both parts of the result `[K, b, J]`.
    fn forward(&self, x: &Tensor) -> Gaussian {
        let (b, d, k) = (x.size()[0], x.size()[1], self.n_clusters);
        let h = match &self.first {
            Some(Linear { weight, bias }) => {
                let of_x = linear(x, &weight.narrow(1, 0, d), Some(bias));
                let of_class = weight.narrow(1, d, k).transpose(0, 1).unsqueeze(1);
                Activation::Relu.apply(of_x.unsqueeze(0) + of_class)
            }
            None => {
                let class = Tensor::eye(k, (x.kind(), x.device())).unsqueeze(1).expand([k, b, k], false);
                Tensor::cat(&[x.unsqueeze(0).expand([k, b, d], false), class], 2)
            }
        };
        let h = self.rest.forward(&h.reshape([k * b, -1]));
        let (shape, q) = ([k, b, -1], self.heads(&h));
        Gaussian { mu: q.mu.view(shape), var: q.var.view(shape) }
    }
}

impl Gaussian {
    /// The normals of some classes, `[m]` of `[K, 1, J]`.
    fn of_classes(&self, class: &Tensor) -> Self {
        let of = |t: &Tensor| t.squeeze_dim(1).index_select(0, class);
        Self { mu: of(&self.mu), var: of(&self.var) }
    }
}

/// A Bernoulli sample of every value, with the value as the probability of 1.
///
/// # Shapes
/// `x` (in [0, 1]) and `uniform` (in [0, 1)): `[b, d]`, and so is the result.
fn binarized(x: &Tensor, uniform: &Tensor) -> Tensor {
    uniform.lt_tensor(x).to_kind(x.kind())
}

/// The networks of GMVAE-M2.
#[derive(Debug)]
pub struct GmvaeM2Net {
    params: Params,
    /// x → the hidden layers of q(y | x).
    classifier: Mlp,
    classes: Linear,
    encoder: ClassEncoder,
    /// One-hot class → mean and variance of p(z | y).
    prior_mu: Linear,
    prior_var: Linear,
    decoder: Decoder,
    likelihood: Likelihood,
    binarize: bool,
    class_floor: f64,
}

impl GmvaeM2Net {
    /// Networks with initial weights.
    pub fn new(
        config: &GmvaeM2Config,
        (likelihood, dim): (&Likelihood, usize),
        streams: &Streams,
        device: Device,
    ) -> Self {
        let (net, k) = (&config.net, config.n_clusters);
        let mut params = Params::new();
        let mut b = Builder { params: &mut params, streams, init: net.init, group: 0, device };
        let classifier = Mlp::new(&mut b, "classifier", dim, &net.hidden, Activation::Relu);
        let width = net.hidden.last().copied().unwrap_or(dim);
        let classes = Linear::new(&mut b, "classifier.out", width, k);
        let encoder = ClassEncoder::new(&mut b, config, dim);
        let prior_mu = Linear::new(&mut b, "prior.mu", k, net.latent_dim);
        let prior_var = Linear::new(&mut b, "prior.var", k, net.latent_dim);
        let decoder = Decoder::new(&mut b, &net.mlp(), dim);
        let GmvaeM2Config { binarize, class_floor, .. } = *config;
        Self {
            params,
            classifier,
            classes,
            encoder,
            prior_mu,
            prior_var,
            decoder,
            likelihood: likelihood.clone(),
            binarize,
            class_floor,
        }
    }

    fn log_y(&self, x: &Tensor) -> Tensor {
        self.classes.forward(&self.classifier.forward(x)).log_softmax(-1, None::<Kind>)
    }

    /// p(z | y) of all classes, `[K, 1, J]`.
    fn prior(&self, options: (Kind, Device)) -> Gaussian {
        let classes = Tensor::eye(self.encoder.n_clusters, options);
        Gaussian {
            mu: self.prior_mu.forward(&classes).unsqueeze(1),
            var: (self.prior_var.forward(&classes).softplus() + MIN_VARIANCE).unsqueeze(1),
        }
    }
}

impl Trainable for GmvaeM2Net {
    fn params(&self) -> &Params {
        &self.params
    }

    fn loss(&self, batch: &Batch<'_>) -> Result<Loss> {
        let noise = |name: &str| batch.streams.rng(name, batch.epoch, batch.step);
        let x = if self.binarize {
            binarized(batch.x, &uniform(&mut noise("binarize"), &batch.x.size(), batch.x.device()))
        } else {
            batch.x.shallow_clone()
        };
        // Binarised pixels have no gaps.
        let target = batch.targets.unwrap_or(&x);
        let (log_y, prior) = (self.log_y(&x), self.prior((x.kind(), x.device())));
        let sample =
            |q: &Gaussian| &q.mu + q.var.sqrt() * normal(&mut noise("noise"), &q.mu.size(), x.device());
        let Terms { total, rec, kl, cat } = if self.class_floor > 0.0 {
            let u = uniform(&mut noise("classes"), &log_y.size(), x.device());
            let pairs = Pairs::draw(&log_y.exp(), self.class_floor, &u).padded(row_multiple(x.device()));
            let q = self.encoder.of_pairs(&x, &pairs);
            let z = sample(&q);
            let latent = latent(&z, &q, &prior.of_classes(&pairs.class));
            let nll = self.likelihood.nll(&self.decoder.forward(&z), &target.index_select(0, &pairs.row));
            loss_of_pairs(&log_y, &pairs, &latent, &nll)
        } else {
            let q = self.encoder.forward(&x);
            let z = sample(&q);
            let out = self.decoder.forward(&z.flatten(0, 1));
            loss(&self.likelihood, &log_y, &latent(&z, &q, &prior), &out, target)
        };
        Ok(Loss { total, terms: vec![("rec", rec), ("kl", kl), ("cat", cat)] })
    }

    fn observe(&self, data: &Resident<'_>) -> Result<Option<Tensor>> {
        observe(self, data)
    }
}

impl Network for GmvaeM2Net {
    fn gamma(&self, x: &Tensor) -> Tensor {
        self.log_y(x).exp()
    }

    fn code(&self, x: &Tensor) -> Tensor {
        let mu = self.encoder.forward(x).mu;
        let class = self.log_y(x).argmax(1, false).view([1, -1, 1]).expand([1, -1, mu.size()[2]], false);
        mu.gather(0, &class, false).squeeze_dim(0)
    }

    fn reconstruct(&self, x: &Tensor) -> Tensor {
        self.likelihood.mean(&self.decoder.forward(&self.code(x)))
    }

    fn sample(&self, cluster: usize, n: usize, streams: &Streams, device: Device) -> Tensor {
        let prior = self.prior((Kind::Float, device));
        let of = |t: &Tensor| t.get(cluster as i64);
        let (mu, var) = (of(&prior.mu), of(&prior.var));
        let noise = normal(&mut streams.rng("noise", cluster, 0), &[n as i64, mu.size()[1]], device);
        self.likelihood.mean(&self.decoder.forward(&(mu + var.sqrt() * noise)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::gmvae_m2;

    fn config(hidden: &[usize]) -> GmvaeM2Config {
        let net =
            gmvae_m2::GmvaeM2NetConfig { hidden: hidden.to_vec(), latent_dim: 64, ..Default::default() };
        GmvaeM2Config { n_clusters: 10, net, ..GmvaeM2Config::default() }
    }

    fn net(hidden: &[usize]) -> GmvaeM2Net {
        GmvaeM2Net::new(&config(hidden), (&Likelihood::Bernoulli, 784), &Streams::new(0, "test"), Device::Cpu)
    }

    fn grey(n: i64) -> Tensor {
        uniform(&mut Streams::new(0, "grey").rng("x", 0, 0), &[n, 784], Device::Cpu)
    }

    #[test]
    fn the_published_widths_and_their_cost() {
        let net = net(&[512, 512]);
        let matrices = |of: &str| -> usize {
            let of = net.params.iter().filter(|p| p.name.starts_with(of) && p.tensor.dim() == 2);
            of.map(|p| p.tensor.numel()).sum()
        };
        assert_eq!(matrices("classifier."), 784 * 512 + 512 * 512 + 512 * 10);
        assert_eq!(matrices("encoder."), 794 * 512 + 512 * 512 + 512 * 128);
        assert_eq!(matrices("decoder."), 64 * 512 + 512 * 512 + 512 * 784);
        // Six FLOP for each multiply-add of a step: 89.8 MFLOP a sample with every class computed
        // separately; here x enters the second encoder once for all classes.
        let per_class = matrices("encoder.") - 784 * 512 + matrices("decoder.");
        let flop = 6 * (matrices("classifier.") + 784 * 512 + 10 * per_class);
        assert_eq!(flop, 68_167_680);
        let naive = 6 * (matrices("classifier.") + 10 * (matrices("encoder.") + matrices("decoder.")));
        assert!((naive as f64 / 1e6 - 89.8).abs() < 1.0, "{naive}");
    }

    #[test]
    fn one_column_a_class_is_the_concatenation() {
        let net = net(&[512, 512]);
        let x = grey(3);
        let together = net.encoder.forward(&x);
        for k in 0..10 {
            let class = Tensor::zeros([3, 10], (Kind::Float, Device::Cpu));
            let _ = class.select(1, k).fill_(1.0);
            let first = net.encoder.first.as_ref().expect("hidden layers");
            let h = first.forward(&Tensor::cat(&[&x, &class], 1)).relu();
            let mu = net.encoder.mu.forward(&net.encoder.rest.forward(&h));
            assert!((mu - together.mu.get(k)).abs().max().double_value(&[]) < 1e-5);
        }
    }

    #[test]
    fn the_encoder_of_pairs_is_that_of_all_classes() {
        let x = grey(3);
        for hidden in [&[512usize, 512][..], &[]] {
            let net = net(hidden);
            let (all, prior) = (net.encoder.forward(&x), net.prior((Kind::Float, Device::Cpu)));
            let (class, row) = (Tensor::from_slice(&[0i64, 2, 2, 9]), Tensor::from_slice(&[1i64, 0, 2, 1]));
            let boost = Tensor::ones([4], (Kind::Float, Device::Cpu));
            let pairs = Pairs { class, row, boost };
            let q = net.encoder.of_pairs(&x, &pairs);
            let p = prior.of_classes(&pairs.class);
            for (at, (class, row)) in [(0, 1), (2, 0), (2, 2), (9, 1)].into_iter().enumerate() {
                for (got, want) in [(&q.mu, &all.mu), (&q.var, &all.var)] {
                    let want = want.get(class).get(row);
                    assert!((got.get(at as i64) - want).abs().max().double_value(&[]) < 1e-5);
                }
                assert!(p.mu.get(at as i64).equal(&prior.mu.get(class).get(0)));
            }
        }
    }

    #[test]
    fn shapes_with_and_without_hidden_layers() {
        let x = grey(3);
        for hidden in [&[32usize, 16][..], &[32], &[]] {
            let net = net(hidden);
            let _guard = tch::no_grad_guard();
            assert_eq!((net.gamma(&x).size(), net.code(&x).size()), (vec![3, 10], vec![3, 64]));
            assert_eq!(net.reconstruct(&x).size(), [3, 784]);
            assert_eq!(net.sample(9, 2, &Streams::new(0, "s"), Device::Cpu).size(), [2, 784]);
        }
    }

    #[test]
    fn binarised_values_have_their_grey_value_as_mean() {
        let n = 10_000;
        let x = Tensor::arange(11, (Kind::Float, Device::Cpu)) / 10.0;
        let u = uniform(&mut Streams::new(0, "test").rng("u", 0, 0), &[n, 11], Device::Cpu);
        let bits = binarized(&x.expand([n, 11], false), &u);
        assert!((&bits * (&bits - 1.0)).abs().max().double_value(&[]) == 0.0, "zeros and ones");
        let mean = bits.mean_dim([0i64].as_slice(), false, Kind::Float);
        // Five standard errors; 0 and 1 have none, and are unchanged.
        let error = (&x * (-&x + 1.0) / n as f64).sqrt();
        assert!(((mean - &x).abs() - error * 5.0).max().double_value(&[]) <= 0.0);
    }

    #[test]
    fn binarised_targets_are_drawn_by_the_stream_of_the_step() {
        let streams = Streams::new(0, "test");
        let (x, index) = (grey(5), Tensor::arange(5, (Kind::Int64, Device::Cpu)));
        for class_floor in [0.0, 0.1] {
            let of = |binarize: bool, x: &Tensor, step: usize| -> Vec<f64> {
                let config = GmvaeM2Config { binarize, class_floor, ..config(&[16]) };
                let net = GmvaeM2Net::new(&config, (&Likelihood::Bernoulli, 784), &streams, Device::Cpu);
                let loss =
                    net.loss(&Batch { x, targets: None, index: &index, epoch: 1, step, streams: &streams });
                loss.expect("a loss").terms.iter().map(|(_, term)| term.double_value(&[])).collect()
            };
            for step in 0..2 {
                let u = uniform(&mut streams.rng("binarize", 1, step), &[5, 784], Device::Cpu);
                assert_eq!(of(true, &x, step), of(false, &binarized(&x, &u), step));
            }
        }
    }

    #[test]
    fn a_sample_is_of_the_prior_of_its_cluster() {
        let (net, streams) = (net(&[16]), Streams::new(7, "sample"));
        let _guard = tch::no_grad_guard();
        let column = |layer: &Linear, k: i64| layer.weight.select(1, k) + &layer.bias;
        for k in 0..10 {
            let mu = column(&net.prior_mu, k);
            let var = (column(&net.prior_var, k).exp() + 1.0).log() + 1e-5;
            let noise = normal(&mut streams.rng("noise", k as usize, 0), &[3, 64], Device::Cpu);
            let want = net.decoder.forward(&(mu + var.sqrt() * noise)).sigmoid();
            let off = (net.sample(k as usize, 3, &streams, Device::Cpu) - want).abs().max();
            assert!(off.double_value(&[]) < 1e-5, "cluster {k}: {off:?}");
        }
    }

    #[test]
    fn the_code_is_the_mean_at_the_most_probable_class() {
        let (net, x) = (net(&[16]), grey(20));
        let _guard = tch::no_grad_guard();
        // Larger weights, so that the samples differ in their most probable class.
        let _ = net.classes.weight.shallow_clone().g_mul_scalar_(100.0);
        let winners: Vec<i64> = Vec::try_from(net.gamma(&x).argmax(1, false)).expect("classes");
        assert!(winners.iter().any(|&k| k != winners[0]), "{winners:?}");
        let code = net.code(&x);
        for (i, &k) in (0..).zip(&winners) {
            let class = Tensor::zeros([1, 10], (Kind::Float, Device::Cpu));
            let _ = class.select(1, k).fill_(1.0);
            let first = net.encoder.first.as_ref().expect("hidden layers");
            let h = first.forward(&Tensor::cat(&[&x.narrow(0, i, 1), &class], 1)).relu();
            let want = net.encoder.mu.forward(&net.encoder.rest.forward(&h));
            let off = (code.narrow(0, i, 1) - want).abs().max().double_value(&[]);
            assert!(off < 1e-5, "sample {i}, class {k}: {off}");
        }
    }
}
