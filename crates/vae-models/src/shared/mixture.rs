//! The parameters of a diagonal Gaussian mixture between vae-gmm, artefacts and models.

use crate::Result;
use crate::api::stored;
use ndarray::{Array1, Array2, Axis};
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2_f64, to_tensor_f64};
use vae_gmm::{Gmm, GmmConfig, Select};

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
    pub fn of(gmm: &Gmm) -> Self {
        Self { pi: gmm.pi().to_owned(), mu: gmm.mu().to_owned(), var: gmm.var().to_owned() }
    }

    /// `k` standard normals in `j` dimensions: for parameters that are loaded next.
    pub fn placeholder(k: usize, j: usize) -> Self {
        Self {
            pi: Array1::from_elem(k, 1.0 / k as f64),
            mu: Array2::zeros((k, j)),
            var: Array2::ones((k, j)),
        }
    }

    pub fn to_gmm(&self) -> Result<Gmm> {
        Ok(Gmm::new(self.pi.clone(), self.mu.clone(), self.var.clone())?)
    }

    /// Variance of a dimension within a component, averaged over dimensions and, by weight, over components.
    pub fn mean_variance(&self) -> f64 {
        let per_component = self.var.rows().into_iter().map(|row| row.sum() / row.len() as f64);
        self.pi.iter().zip(per_component).map(|(pi, var)| pi * var).sum()
    }

    /// Adds `{prefix}pi`, `{prefix}mu` and `{prefix}var`.
    pub fn store(&self, prefix: &str, tensors: &mut Tensors) -> Result<()> {
        let pi = self.pi.view().insert_axis(Axis(0));
        for (name, values) in [("pi", pi), ("mu", self.mu.view()), ("var", self.var.view())] {
            tensors.insert(format!("{prefix}{name}"), to_tensor_f64(values)?);
        }
        Ok(())
    }

    /// Takes back what [`Mixture::store`] added.
    pub fn load(tensors: &Tensors, prefix: &str) -> Result<Self> {
        let get = |name: &str| -> Result<Array2<f64>> {
            Ok(to_array2_f64(stored(tensors, &format!("{prefix}{name}"))?)?)
        };
        Ok(Self { pi: get("pi")?.row(0).to_owned(), mu: get("mu")?, var: get("var")? })
    }
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
