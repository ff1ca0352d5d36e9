//! Centres of k-means as a step of a program.

use crate::Result;
use vae_core::features::to_tensor_f64;
use vae_core::program::{Op, Program, Value};
use vae_gmm::KMeans;

/// Adds minus the squared distances to the centres to a program.
pub(crate) fn describe(kmeans: &KMeans, program: &mut Program, x: &Value) -> Result<Value> {
    let centres = to_tensor_f64(kmeans.centres())?;
    Ok(program.add(Op::NearestCentre, &[x], &[("centres", &centres)])?)
}
