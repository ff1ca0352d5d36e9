//! Adam and SGD with parameter groups and a state that can be saved.
//!
//! `tch`'s optimisers can do neither. On the CPU one update is one fused pass over the memory of
//! the parameter, its gradient and its moments; elsewhere the same formulas run as tensor
//! operations.

mod fused;

use crate::bundle::{START_ANEW, Tensors};
use crate::matmul::{RoundedWeights, in_f32};
use crate::params::{Params, copy_into};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Kingma and Ba 2015.
    Adam,
    /// Stochastic gradient descent with (classical) momentum.
    Sgd,
}

/// Where Adam's epsilon goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpsForm {
    /// Added to the bias-corrected `√v̂` (the paper's algorithm 1, PyTorch).
    Torch,
    /// Added to `√v` before the correction (Keras, TensorFlow; the paper's "epsilon hat").
    Keras,
}

/// The rule and its constants; learning rates belong to groups.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Adam or SGD.
    pub kind: OptimizerKind,
    /// Adam's decay of the first moment.
    pub beta1: f64,
    /// Adam's decay of the second moment.
    pub beta2: f64,
    /// Adam's epsilon.
    pub eps: f64,
    /// Where the epsilon goes.
    pub eps_form: EpsForm,
    /// SGD's momentum.
    pub momentum: f64,
}

impl Rule {
    /// Adam with the usual moments.
    pub fn adam(eps: f64, eps_form: EpsForm) -> Self {
        Self { kind: OptimizerKind::Adam, beta1: 0.9, beta2: 0.999, eps, eps_form, momentum: 0.0 }
    }

    /// SGD with momentum (0 for none).
    pub fn sgd(momentum: f64) -> Self {
        Self { momentum, ..Self { kind: OptimizerKind::Sgd, ..Self::adam(0.0, EpsForm::Torch) } }
    }
}

/// What one group of parameters is trained with.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Learning rate before the schedule.
    pub lr: f64,
    /// L2 penalty `½ · weight_decay · ‖w‖²`, added to the gradient.
    pub weight_decay: f64,
}

/// An optimiser over the parameters of one model.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    groups: Vec<Group>,
    /// One buffer per parameter for SGD, two for Adam, each of the parameter's shape.
    state: Vec<Vec<Tensor>>,
    /// Updates done so far.
    t: u64,
    /// Of the weights that products read in bfloat16.
    rounded: RoundedWeights,
}

impl Optimizer {
    /// An optimiser with zero state.
    ///
    /// # Errors
    /// [`Error::Config`] for a constant out of range or a parameter in a group that does not exist.
    pub fn new(rule: Rule, groups: Vec<Group>, params: &Params) -> Result<Self> {
        for group in &groups {
            if !(group.lr > 0.0 && group.lr.is_finite()) {
                return Err(Error::config("lr", group.lr, "a finite number above 0"));
            }
            if !(group.weight_decay >= 0.0 && group.weight_decay.is_finite()) {
                return Err(Error::config("weight_decay", group.weight_decay, "a finite number, 0 or more"));
            }
        }
        if !(0.0..1.0).contains(&rule.momentum) {
            return Err(Error::config("momentum", rule.momentum, "a number in [0, 1)"));
        }
        if rule.kind == OptimizerKind::Adam && !(rule.eps > 0.0 && rule.eps.is_finite()) {
            return Err(Error::config("adam_eps", rule.eps, "a finite number above 0"));
        }
        if let Some(p) = params.iter().find(|p| p.group >= groups.len()) {
            return Err(Error::config(&p.name, p.group, "an existing parameter group"));
        }
        let n_buffers = if rule.kind == OptimizerKind::Adam { 2 } else { 1 };
        let state = params
            .iter()
            .map(|p| (0..n_buffers).map(|_| Ok(p.tensor.f_detach()?.f_zeros_like()?)).collect())
            .collect::<Result<Vec<Vec<Tensor>>>>()?;
        Ok(Self { rule, groups, state, t: 0, rounded: RoundedWeights::default() })
    }

    /// Updates done so far.
    pub fn n_updates(&self) -> u64 {
        self.t
    }

    /// Learning rates of the groups before the schedule.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Resets moments, momentum and the number of updates.
    pub(crate) fn reset(&mut self) {
        for buffer in self.state.iter_mut().flatten() {
            let _ = buffer.zero_();
        }
        self.t = 0;
    }

    /// Sets SGD's momentum, for trainings that raise it.
    pub(crate) fn set_momentum(&mut self, momentum: f64) {
        self.rule.momentum = momentum;
    }

    /// Computes a loss. Where a product in it is in bfloat16, the rounded weight is one that the
    /// update before has left.
    pub fn forward<T>(&mut self, loss: impl FnOnce() -> T) -> T {
        self.rounded.during(loss)
    }

    /// Gradients of a loss that [`Self::forward`] computed, in the order of `params`: in bfloat16
    /// where a product computed them so, else in the parameter's own format.
    ///
    /// # Shapes
    /// `loss`: a scalar; each gradient has the shape of its parameter.
    ///
    /// # Errors
    /// [`Error::Internal`] for a parameter on which the loss does not depend, [`Error::Torch`].
    pub fn gradients(&mut self, loss: &Tensor, params: &Params) -> Result<Vec<Tensor>> {
        self.rounded.gradients(loss, params)
    }

    #[cfg(test)]
    pub(crate) fn rounded_copy(&self, weight: &Tensor) -> Option<&Tensor> {
        self.rounded.copy_of(weight)
    }

    /// One update.
    ///
    /// # Shapes
    /// `grads`: in the order of `params`, each of the shape of its parameter; `lrs`: one learning
    /// rate per group.
    ///
    /// # Errors
    /// [`Error::Shape`] when the gradients do not match the parameters, [`Error::Torch`].
    pub fn step(&mut self, params: &Params, grads: &[Tensor], lrs: &[f64]) -> Result<()> {
        let as_i64 = |n: usize| vec![n as i64];
        if grads.len() != self.state.len() || lrs.len() != self.groups.len() {
            return Err(Error::Shape {
                what: "the list of gradients and of learning rates".into(),
                expected: vec![self.state.len() as i64, self.groups.len() as i64],
                got: [as_i64(grads.len()), as_i64(lrs.len())].concat(),
            });
        }
        self.t += 1;
        for ((p, grad), state) in params.iter().zip(grads).zip(&mut self.state) {
            if p.tensor.size() != grad.size() {
                let what = format!("the gradient of `{}`", p.name);
                return Err(Error::Shape { what, expected: p.tensor.size(), got: grad.size() });
            }
            let (lr, weight_decay) = (lrs[p.group], self.groups[p.group].weight_decay);
            match self.rule.kind {
                OptimizerKind::Adam => {
                    let constants = adam_constants(&self.rule, self.t, lr, weight_decay);
                    adam(&constants, &p.tensor, grad, state, &mut self.rounded)?;
                }
                OptimizerKind::Sgd => {
                    self.rounded.forget(&p.tensor);
                    let grad = &in_f32(grad.shallow_clone());
                    sgd(&self.rule, &p.tensor, grad, &mut state[0], lr, weight_decay)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the state to `out`, each tensor behind `prefix`.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn save_state(&self, params: &Params, prefix: &str, out: &mut Tensors) -> Result<()> {
        for (p, buffers) in params.iter().zip(&self.state) {
            for (i, buffer) in buffers.iter().enumerate() {
                out.insert(format!("{prefix}{}.{i}", p.name), buffer.f_to_device(Device::Cpu)?.copy());
            }
        }
        out.insert(format!("{prefix}t"), Tensor::from_slice(&[self.t as i64]));
        Ok(())
    }

    /// Takes the state back from `source`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a missing tensor, [`Error::Shape`] for one of another shape.
    pub fn load_state(&mut self, params: &Params, prefix: &str, source: &Tensors) -> Result<()> {
        let get = |name: String| {
            source.get(&name).ok_or_else(|| Error::missing("the checkpoint", name, START_ANEW))
        };
        for (p, buffers) in params.iter().zip(&mut self.state) {
            for (i, buffer) in buffers.iter_mut().enumerate() {
                copy_into(buffer, get(format!("{prefix}{}.{i}", p.name))?, &p.name)?;
            }
        }
        self.t = get(format!("{prefix}t"))?.f_int64_value(&[0])? as u64;
        Ok(())
    }
}

/// Adam's update of one parameter:
///
/// ```text
/// g ← g + weight_decay·w        m ← β₁m + (1−β₁)g        v ← β₂v + (1−β₂)g²
/// w ← w − lr·√(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + e),   e = eps·√(1−β₂ᵗ) (torch) or eps (Keras)
/// ```
fn adam(
    c: &fused::Adam,
    w: &Tensor,
    grad: &Tensor,
    state: &mut [Tensor],
    rounded: &mut RoundedWeights,
) -> Result<()> {
    let [m, v] = state else {
        return Err(Error::Internal("Adam has not two buffers for a parameter".into()));
    };
    let _guard = tch::no_grad_guard();
    if fused::applies(&[w, m, v]) && fused::reads(grad) {
        fused::adam(c, w, grad, [m, v], rounded.copy_of(w));
        return Ok(());
    }
    rounded.forget(w);
    let grad = in_f32(grad.shallow_clone());
    let grad = if c.weight_decay == 0.0 { grad } else { grad + w.f_detach()? * c.weight_decay };
    let _ = m.f_mul_scalar_(c.beta1)?.f_add_(&(&grad * (1.0 - c.beta1)))?;
    let _ = v.f_mul_scalar_(c.beta2)?.f_add_(&(&grad * &grad * (1.0 - c.beta2)))?;
    let change = &*m * c.step / (v.f_sqrt()? + c.eps);
    let _ = w.shallow_clone().f_sub_(&change)?;
    Ok(())
}

fn adam_constants(rule: &Rule, t: u64, lr: f64, weight_decay: f64) -> fused::Adam {
    let t = t as f64;
    let root = (1.0 - rule.beta2.powf(t)).sqrt();
    let step = lr * root / (1.0 - rule.beta1.powf(t));
    let eps = match rule.eps_form {
        EpsForm::Torch => rule.eps * root,
        EpsForm::Keras => rule.eps,
    };
    fused::Adam { beta1: rule.beta1, beta2: rule.beta2, step, eps, weight_decay }
}

/// SGD's update of one parameter: `g ← g + weight_decay·w`, `u ← momentum·u + g`, `w ← w − lr·u`.
fn sgd(rule: &Rule, w: &Tensor, grad: &Tensor, u: &mut Tensor, lr: f64, weight_decay: f64) -> Result<()> {
    let _guard = tch::no_grad_guard();
    if fused::applies(&[w, grad, u]) {
        fused::sgd(rule.momentum, lr, weight_decay, w, grad, u);
        return Ok(());
    }
    let grad = if weight_decay == 0.0 { grad.shallow_clone() } else { grad + w.f_detach()? * weight_decay };
    let _ = u.f_mul_scalar_(rule.momentum)?.f_add_(&grad)?;
    let _ = w.shallow_clone().f_sub_(&(&*u * lr))?;
    Ok(())
}

/// Euclidean norm of all gradients together: f64, a scalar on their device.
///
/// # Errors
/// [`Error::Torch`].
pub(crate) fn gradient_norm(grads: &[Tensor]) -> Result<Tensor> {
    let norms: Vec<Tensor> =
        grads.iter().map(|g| g.f_norm()?.f_to_kind(Kind::Double)).collect::<std::result::Result<_, _>>()?;
    Ok(Tensor::f_stack(&norms, 0)?.f_norm()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(kind: Kind) -> Params {
        let mut params = Params::new();
        let w = Tensor::from_slice(&[0.5f64, -1.0, 2.0]).to_kind(kind);
        let _ = params.add("w", w, 0);
        params
    }

    fn run(rule: Rule, kind: Kind, weight_decay: f64) -> Vec<f64> {
        let params = params(kind);
        let mut optimizer =
            Optimizer::new(rule, vec![Group { lr: 0.1, weight_decay }], &params).expect("valid");
        for grads in [[0.1f64, -2.0, 0.0], [0.3, 1.0, -0.5], [-0.2, 0.0, 1e-3]] {
            let g = Tensor::from_slice(&grads).to_kind(kind);
            optimizer.step(&params, &[g], &[0.1]).expect("step");
        }
        Vec::<f64>::try_from(&params.tensors()[0].to_kind(Kind::Double)).expect("vector")
    }

    /// The textbook form, one number at a time.
    fn naive_adam(eps: f64, form: EpsForm, weight_decay: f64) -> Vec<f64> {
        let mut w = [0.5, -1.0, 2.0];
        let (mut m, mut v) = ([0.0; 3], [0.0; 3]);
        for (t, grads) in [[0.1, -2.0, 0.0], [0.3, 1.0, -0.5], [-0.2, 0.0, 1e-3]].iter().enumerate() {
            let t = t as i32 + 1;
            for i in 0..3 {
                let g: f64 = grads[i] + weight_decay * w[i];
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (m_hat, c) = (m[i] / (1.0 - 0.9f64.powi(t)), 1.0 - 0.999f64.powi(t));
                w[i] -= match form {
                    EpsForm::Torch => 0.1 * m_hat / ((v[i] / c).sqrt() + eps),
                    EpsForm::Keras => 0.1 * m_hat * c.sqrt() / (v[i].sqrt() + eps),
                };
            }
        }
        w.to_vec()
    }

    #[test]
    fn adam_equals_the_textbook_in_both_forms() {
        for form in [EpsForm::Torch, EpsForm::Keras] {
            for weight_decay in [0.0, 0.01] {
                let want = naive_adam(1e-4, form, weight_decay);
                // f64 runs as tensor operations, f32 as the fused kernel.
                for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-6)] {
                    for (a, b) in run(Rule::adam(1e-4, form), kind, weight_decay).iter().zip(&want) {
                        assert!((a - b).abs() < tolerance, "{form:?} {kind:?} {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn sgd_with_momentum_equals_hand_computed_numbers() {
        // u: 0.1, 0.39, 0.151; w: 0.5 - 0.1 (0.1 + 0.39 + 0.151)
        for kind in [Kind::Double, Kind::Float] {
            let w = run(Rule::sgd(0.9), kind, 0.0);
            assert!((w[0] - 0.4359).abs() < 1e-6, "{kind:?} {w:?}");
        }
        // With weight decay 0.5: 0.5 → 0.465 → 0.41175 → 0.4111625.
        assert!((run(Rule::sgd(0.0), Kind::Double, 0.5)[0] - 0.411_162_5).abs() < 1e-12);
    }

    #[test]
    fn a_saved_state_continues_exactly() {
        let rule = Rule::adam(1e-8, EpsForm::Torch);
        let group = vec![Group { lr: 0.1, weight_decay: 0.0 }];
        let grads = [Tensor::from_slice(&[0.1f32, -2.0, 0.3])];
        let a = params(Kind::Float);
        let mut first = Optimizer::new(rule, group.clone(), &a).expect("valid");
        first.step(&a, &grads, &[0.1]).expect("step");
        let mut stored = a.snapshot("model.").expect("snapshot");
        first.save_state(&a, "optimizer.", &mut stored).expect("save");
        first.step(&a, &grads, &[0.1]).expect("step");

        let b = params(Kind::Float);
        let mut second = Optimizer::new(rule, group, &b).expect("valid");
        b.load(&stored, "model.").expect("load");
        second.load_state(&b, "optimizer.", &stored).expect("load");
        second.step(&b, &grads, &[0.1]).expect("step");
        assert!(a.tensors()[0].equal(b.tensors()[0]));
    }

    #[test]
    fn gradients_of_another_shape_are_refused() {
        let p = params(Kind::Float);
        let rule = Rule::sgd(0.0);
        let mut o = Optimizer::new(rule, vec![Group { lr: 0.1, weight_decay: 0.0 }], &p).expect("valid");
        assert!(
            o.step(&p, &[Tensor::from_slice(&[1f32])], &[0.1]).is_err_and(|e| e.to_string().contains("`w`"))
        );
        assert!(Optimizer::new(rule, vec![Group { lr: -1.0, weight_decay: 0.0 }], &p).is_err());
    }
}
