//! The published sizes, shapes, classes of pairs, and the code of a sample.

use super::*;
use crate::methods::gmvae_m2;
use vae_core::random::uniform;

fn config(hidden: &[usize]) -> GmvaeM2Config {
    let net = gmvae_m2::GmvaeM2NetConfig { hidden: hidden.to_vec(), latent_dim: 64, ..Default::default() };
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
            let loss = net.loss(&Batch { epoch: 1, step, ..Batch::alone(x, &index, &streams) });
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
