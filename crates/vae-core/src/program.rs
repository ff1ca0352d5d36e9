//! A fitted model as a list of steps, for programs that know neither the methods nor libtorch.
//!
//! A [`Program`] begins with the raw features under the name `x`. Each step takes values by their
//! names and gives its result a name of its own; a layer, a scaling and a posterior are all steps.
//! What each [`Op`] computes is said here in formulas and in `docs/src/export.md`, so that an
//! interpreter is one function for each of them. Layers describe themselves: they add their own
//! steps.

mod op;

pub use op::{Op, Padding};

use crate::Result;
use crate::bundle::Tensors;
use serde::Serialize;
use std::collections::BTreeMap;
use tch::Tensor;

/// Number of the steps' meaning: raised when a step of an older file would be read wrongly.
pub const VERSION: u32 = 1;

/// The name of a value of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Value(String);

impl Value {
    /// The features before any step, `[n, d]`, NaN where a value is missing.
    pub fn input() -> Self {
        Self("x".into())
    }
}

/// One step.
#[derive(Debug, Serialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    #[serde(rename = "in")]
    inputs: Vec<Value>,
    out: Value,
    /// Names of its tensors by what they are to it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tensors: BTreeMap<&'static str, String>,
}

/// What a program says of its input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outputs {
    /// A number for each cluster, `[n, K]`: the cluster of a row is the first column that is
    /// largest.
    pub scores: Value,
    /// Whether the scores of a row are probabilities.
    pub are_probabilities: bool,
    /// Points of the latent space, `[n, J]`.
    pub codes: Value,
}

/// Steps in order, with their tensors.
#[derive(Debug, Default)]
pub struct Program {
    steps: Vec<Step>,
    tensors: Tensors,
}

impl Program {
    /// No steps yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step on `inputs` with its `tensors` by what they are to it, and returns its result.
    ///
    /// # Errors
    /// libtorch's.
    pub fn add(&mut self, op: Op, inputs: &[&Value], tensors: &[(&'static str, &Tensor)]) -> Result<Value> {
        let name = format!("h{}", self.steps.len() + 1);
        let mut names = BTreeMap::new();
        for (role, tensor) in tensors {
            let stored = format!("{name}.{role}");
            self.tensors.insert(stored.clone(), tensor.f_detach()?);
            names.insert(*role, stored);
        }
        let inputs = inputs.iter().map(|&value| value.clone()).collect();
        let out = Value(name);
        self.steps.push(Step { op, inputs, out: out.clone(), tensors: names });
        Ok(out)
    }

    /// The steps as a JSON array.
    ///
    /// # Errors
    /// None in practice.
    pub fn steps(&self) -> Result<serde_json::Value> {
        serde_json::to_value(&self.steps).map_err(|e| crate::Error::Internal(e.to_string()))
    }

    /// The tensors of all steps by their names.
    pub fn tensors(&self) -> &Tensors {
        &self.tensors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::init::Init;
    use crate::net::{BatchNorm, Builder, Conv2d, Linear, Mlp};
    use crate::params::Params;
    use crate::random::Streams;
    use serde_json::json;
    use tch::Device;

    #[test]
    fn layers_add_their_steps_in_order() {
        let (mut params, streams) = (Params::new(), Streams::new(0, "test"));
        let init = Init::HeNormal;
        let mut b = Builder { params: &mut params, streams: &streams, init, group: 0, device: Device::Cpu };
        let mlp = Mlp::new(&mut b, "a", 3, &[4], Activation::LeakyRelu);
        let same = Mlp::new(&mut b, "b", 4, &[4], Activation::Identity);
        let (out, norm) = (Linear::new(&mut b, "c", 4, 2), BatchNorm::new(&mut b, "d", 2, 1e-5));
        let mut program = Program::new();
        let x = Value::input();
        let h = mlp.describe(&mut program, &x).expect("described");
        let h = same.describe(&mut program, &h).expect("described");
        let h = out.describe(&mut program, &h).expect("described");
        let h = norm.describe(&mut program, &h).expect("described");
        assert_eq!(h, Value("h5".into()));
        let linear = |from: &str, to: &str| {
            let tensors = json!({ "weight": format!("{to}.weight"), "bias": format!("{to}.bias") });
            json!({ "op": "linear", "in": [from], "out": to, "tensors": tensors })
        };
        let norm = json!({ "op": "batch_norm", "eps": 1e-5, "in": ["h4"], "out": "h5", "tensors": {
            "gamma": "h5.gamma", "beta": "h5.beta", "mean": "h5.mean", "var": "h5.var" } });
        let leaky = json!({ "op": "leaky_relu", "slope": 0.2, "in": ["h1"], "out": "h2" });
        let expected = json!([linear("x", "h1"), leaky, linear("h2", "h3"), linear("h3", "h4"), norm]);
        assert_eq!(program.steps().expect("JSON"), expected);
        assert!(program.tensors()["h4.weight"].equal(&out.weight));
        assert_eq!(program.tensors().len(), 10);
    }

    #[test]
    fn a_padding_is_a_word_or_a_number() {
        let (mut params, streams) = (Params::new(), Streams::new(0, "test"));
        let init = Init::HeNormal;
        let mut b = Builder { params: &mut params, streams: &streams, init, group: 0, device: Device::Cpu };
        let layers =
            [Conv2d::new(&mut b, "a", 1, 2, 3, 2), Conv2d::new(&mut b, "b", 2, 2, 4, 1).with_padding(1)];
        let mut program = Program::new();
        for layer in &layers {
            layer.describe(&mut program, &Value::input()).expect("described");
        }
        let steps = program.steps().expect("JSON");
        assert_eq!((&steps[0]["padding"], &steps[0]["stride"]), (&json!("same"), &json!(2)));
        assert_eq!((&steps[1]["padding"], &steps[1]["stride"]), (&json!(1), &json!(1)));
    }
}
