use crate::init::Init;
use crate::matmul::in_f32;
use crate::net::{Builder, Linear};
use crate::optim::{EpsForm, Group, Optimizer, Rule};
use crate::params::{Params, copy_into};
use crate::precision::Precision;
use crate::random::{Streams, normal};
use tch::{Device, Kind, Tensor};

/// Rows and width: a product of them is large enough to be rounded.
const SIZE: i64 = 192;

/// A layer that products in bfloat16 read once, one that they read twice, and one that is too
/// narrow for them.
struct Net {
    params: Params,
    once: Linear,
    twice: Linear,
    narrow: Linear,
}

impl Net {
    fn new() -> Self {
        let mut params = Params::new();
        let streams = Streams::new(3, "net");
        let mut builder = Builder {
            params: &mut params,
            streams: &streams,
            init: Init::GlorotUniform,
            group: 0,
            device: Device::Cpu,
        };
        let once = Linear::new(&mut builder, "once", SIZE as usize, SIZE as usize);
        let twice = Linear::new(&mut builder, "twice", SIZE as usize, SIZE as usize);
        let narrow = Linear::new(&mut builder, "narrow", SIZE as usize, 3);
        Self { params, once, twice, narrow }
    }

    fn loss(&self, step: u64) -> Tensor {
        let x = normal(&mut Streams::new(step, "x").rng("x", 0, 0), &[SIZE, SIZE], Device::Cpu);
        let h = self.once.forward(&x).relu();
        let y = self.twice.forward(&self.twice.forward(&h).tanh());
        self.narrow.forward(&y).square().mean(None::<Kind>)
    }
}

fn optimizer(rule: Rule, params: &Params) -> Optimizer {
    Optimizer::new(rule, vec![Group { lr: 1e-2, weight_decay: 1e-3 }], params).expect("valid")
}

fn weights(params: &Params) -> Vec<Tensor> {
    params.iter().map(|p| p.tensor.detach().copy()).collect()
}

fn is_equal(a: &[Tensor], b: &[Tensor]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equal(b))
}

/// Three updates; the weights after each.
fn train(rule: Rule, gradients: impl Fn(&mut Optimizer, &Net, u64) -> Vec<Tensor>) -> Vec<Vec<Tensor>> {
    let net = Net::new();
    let mut optimizer = optimizer(rule, &net.params);
    (0..3)
        .map(|step| {
            let grads = gradients(&mut optimizer, &net, step);
            optimizer.step(&net.params, &grads, &[1e-2]).expect("a step");
            weights(&net.params)
        })
        .collect()
}

#[test]
fn copies_that_are_kept_train_as_weights_that_each_use_rounds() {
    for rule in [Rule::adam(1e-8, EpsForm::Torch), Rule::sgd(0.9)] {
        let kept = train(rule, |optimizer, net, step| {
            let loss = Precision::Bf16.during(|| optimizer.forward(|| net.loss(step)));
            let grads = optimizer.gradients(&loss, &net.params).expect("gradients");
            let kinds: Vec<Kind> = grads.iter().map(Tensor::kind).collect();
            // Weight and bias of the three layers.
            let (f32, bf16) = (Kind::Float, Kind::BFloat16);
            assert_eq!(kinds, [bf16, f32, f32, f32, f32, f32]);
            grads
        });
        let anew = train(rule, |_, net, step| {
            let loss = Precision::Bf16.during(|| net.loss(step));
            Tensor::run_backward(&[&loss], &net.params.tensors(), false, false)
        });
        for (step, (kept, anew)) in kept.iter().zip(&anew).enumerate() {
            assert!(is_equal(kept, anew), "{rule:?}, step {step}");
        }
        let in_f32 = train(rule, |_, net, step| {
            Tensor::run_backward(&[net.loss(step)], &net.params.tensors(), false, false)
        });
        assert!(!is_equal(&kept[2], &in_f32[2]), "bfloat16 was not in force");
    }
}

#[test]
fn a_copy_is_the_rounded_weight_after_an_update() {
    let net = Net::new();
    let mut optimizer = optimizer(Rule::adam(1e-8, EpsForm::Torch), &net.params);
    let loss = Precision::Bf16.during(|| optimizer.forward(|| net.loss(0)));
    let grads = optimizer.gradients(&loss, &net.params).expect("gradients");
    optimizer.step(&net.params, &grads, &[1e-2]).expect("a step");
    for layer in [&net.once, &net.twice] {
        let copy = optimizer.rounded_copy(&layer.weight).expect("kept");
        assert!(copy.equal(&layer.weight.detach().to_kind(Kind::BFloat16)));
    }
    assert!(optimizer.rounded_copy(&net.narrow.weight).is_none());
}

#[test]
fn weights_that_were_written_elsewhere_are_rounded_anew() {
    let net = Net::new();
    let mut optimizer = optimizer(Rule::adam(1e-8, EpsForm::Torch), &net.params);
    let mut loss = || {
        let loss = Precision::Bf16.during(|| optimizer.forward(|| net.loss(0)));
        in_f32(loss).double_value(&[])
    };
    let before = loss();
    copy_into(&net.once.weight, &Tensor::zeros([SIZE, SIZE], (Kind::Float, Device::Cpu)), "w").expect("fits");
    let after = loss();
    let fresh = Precision::Bf16.during(|| net.loss(0)).double_value(&[]);
    assert!(before != after && after == fresh, "{before} {after} {fresh}");
}

#[test]
fn a_loss_without_one_of_the_parameters_is_an_error_that_names_it() {
    let net = Net::new();
    let mut optimizer = optimizer(Rule::sgd(0.0), &net.params);
    let x = Tensor::ones([SIZE, SIZE], (Kind::Float, Device::Cpu));
    let loss = optimizer.forward(|| net.once.forward(&x).sum(None::<Kind>));
    let error = optimizer.gradients(&loss, &net.params).expect_err("the other two layers");
    assert!(error.to_string().contains("`twice.weight`"), "{error}");
}
