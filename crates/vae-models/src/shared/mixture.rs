//! The parameters of a diagonal Gaussian mixture, and their form in `vae-gmm`, artefacts and
//! models.

use crate::Result;
use crate::api::stored;
use crate::shared::dense_rows::dense;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use vae_core::Features;
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2_f64, to_tensor_f64};
use vae_core::identity::Revision;
use vae_core::program::{Op, Program, Value};
use vae_gmm::{Gmm, GmmConfig, Select};

/// Gaussians of given clusters.
pub const REVISION: Revision = ("cluster-gaussians", 1);

/// Smallest variance of a component fitted to a cluster.
const VARIANCE_FLOOR: f64 = 1e-6;

/// The parameters of a diagonal Gaussian mixture, f64.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// `[K]`.
    pub pi: Array1<f64>,
    /// `[K, J]`.
    pub mu: Array2<f64>,
    /// `[K, J]`.
    pub var: Array2<f64>,
}

impl Mixture {
    /// The parameters of `gmm`.
    pub fn of(gmm: &Gmm) -> Self {
        Self { pi: gmm.pi().to_owned(), mu: gmm.mu().to_owned(), var: gmm.var().to_owned() }
    }

    /// `k` standard normals in `j` dimensions, to be overwritten by loaded parameters.
    pub fn placeholder(k: usize, j: usize) -> Self {
        Self {
            pi: Array1::from_elem(k, 1.0 / k as f64),
            mu: Array2::zeros((k, j)),
            var: Array2::ones((k, j)),
        }
    }

    /// The mixture with these parameters.
    ///
    /// # Errors
    /// Parameters that are invalid, see [`Gmm::new`].
    pub fn to_gmm(&self) -> Result<Gmm> {
        Ok(Gmm::new(self.pi.clone(), self.mu.clone(), self.var.clone())?)
    }

    /// Variance of a dimension within a component, averaged over dimensions and, by weight, over
    /// components.
    pub fn mean_variance(&self) -> f64 {
        let per_component = self.var.rows().into_iter().map(|row| row.sum() / row.len() as f64);
        self.pi.iter().zip(per_component).map(|(pi, var)| pi * var).sum()
    }

    /// Adds the posterior of the components to a program.
    pub fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        let log_pi = to_tensor_f64(self.pi.mapv(f64::ln).view().insert_axis(Axis(0)))?.f_view([-1])?;
        let (mu, log_var) = (to_tensor_f64(self.mu.view())?, to_tensor_f64(self.var.mapv(f64::ln).view())?);
        let tensors = [("log_pi", &log_pi), ("mu", &mu), ("log_var", &log_var)];
        Ok(program.add(Op::GaussianMixture, &[x], &tensors)?)
    }

    /// Adds `{prefix}pi`, `{prefix}mu` and `{prefix}var`.
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) -> Result<()> {
        let pi = self.pi.view().insert_axis(Axis(0));
        for (name, values) in [("pi", pi), ("mu", self.mu.view()), ("var", self.var.view())] {
            tensors.insert(format!("{prefix}{name}"), to_tensor_f64(values)?);
        }
        Ok(())
    }

    /// Reads what [`Mixture::store`] added.
    pub fn load(tensors: &Tensors, prefix: &str) -> Result<Self> {
        let get = |name: &str| -> Result<Array2<f64>> {
            Ok(to_array2_f64(stored(tensors, &format!("{prefix}{name}"))?)?)
        };
        Ok(Self { pi: get("pi")?.row(0).to_owned(), mu: get("mu")?, var: get("var")? })
    }
}

/// Share, mean and unbiased variance of each cluster, in f64. Unlike `Gmm::from_labels`, the M-step
/// of such assignments, it divides by n − 1 and takes clusters without rows: their mean is 0, their
/// variances are the floor.
pub(crate) fn gaussians(codes: &Features, labels: ArrayView1<'_, u32>, n_clusters: usize) -> Mixture {
    let codes = dense(codes);
    let (n, j) = codes.dim();
    let mut count = vec![0usize; n_clusters];
    let mut mu = Array2::<f64>::zeros((n_clusters, j));
    let mut var = Array2::<f64>::zeros((n_clusters, j));
    for (row, &c) in codes.outer_iter().zip(labels) {
        count[c as usize] += 1;
        mu.row_mut(c as usize).zip_mut_with(&row, |m, &v| *m += f64::from(v));
    }
    for (mut mean, &count) in mu.outer_iter_mut().zip(&count) {
        mean /= count.max(1) as f64;
    }
    for (row, &c) in codes.outer_iter().zip(labels) {
        let mean = mu.row(c as usize);
        for ((v, &x), &m) in var.row_mut(c as usize).iter_mut().zip(row).zip(mean) {
            *v += (f64::from(x) - m).powi(2);
        }
    }
    for (mut row, &count) in var.outer_iter_mut().zip(&count) {
        row.mapv_inplace(|v| (v / count.saturating_sub(1).max(1) as f64).max(VARIANCE_FLOOR));
    }
    let pi: Array1<f64> = count.iter().map(|&c| c as f64 / n as f64).collect();
    Mixture { pi, mu, var }
}

/// How `config` chooses among restarts, for reports.
pub(crate) fn selection_text(config: &GmmConfig) -> String {
    match config.select {
        Select::Inertia => format!("lowest inertia of {} k-means++ restarts, then one EM run", config.n_init),
        Select::LogLikelihood => {
            format!("highest likelihood of {} EM runs from k-means++ starts", config.n_init)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn gaussians_by_hand() {
        let codes =
            Features::dense(array![[0.0f32, 1.0], [2.0, 1.0], [4.0, 1.0], [7.0, -1.0]]).expect("finite");
        let m = gaussians(&codes, array![0u32, 0, 0, 1].view(), 3);
        assert_eq!(m.pi, array![0.75, 0.25, 0.0]);
        assert_eq!(m.mu, array![[2.0, 1.0], [7.0, -1.0], [0.0, 0.0]]);
        // ((−2)² + 0 + 2²) / (3 − 1) = 4; the rest is the floor.
        assert_eq!(m.var, array![[4.0, 1e-6], [1e-6, 1e-6], [1e-6, 1e-6]]);
    }
}
