//! Clusters of the map's outputs, as a fitted model keeps them.

use super::super::config::{ClusterChoice, SpectralNetConfig};
use crate::Result;
use crate::api::stored;
use ndarray::Array2;
use tch::{Device, Kind, Tensor};
use vae_core::bundle::Tensors;
use vae_core::features::{to_array2, to_array2_f64, to_tensor_f64};
use vae_core::program::{Op, Program, Value};
use vae_gmm::KMeans;

/// Maps outputs that are not orthonormal yet to clusters.
#[derive(Debug)]
pub(in super::super) struct Clusters {
    /// The matrix that orthonormalises the map's outputs, `[M, M]` on the device.
    pub weights: Tensor,
    /// The rotation of the orthonormal outputs, f64 `[M, M]` on the CPU; its leading m columns are
    /// used.
    pub turn: Tensor,
    /// Whether rows are divided by their norms.
    pub unit_rows: bool,
    pub kmeans: KMeans,
}

/// The rows divided by their norms; rows of zeros are unchanged.
pub(in super::super) fn unit(mut rows: Array2<f32>) -> Array2<f32> {
    for mut row in rows.outer_iter_mut() {
        let length = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.mapv_inplace(|v| (f64::from(v) / length) as f32);
        }
    }
    rows
}

impl Clusters {
    /// The rows that k-means clusters, `[n, m]`, from the map's outputs `[n, M]`, by the same steps
    /// as in the phase `clusters`, so that prediction reproduces the clusters of the fitted
    /// samples.
    pub fn rows(&self, outputs: &Tensor) -> Result<Array2<f32>> {
        let turned = turned(&outputs.f_matmul(&self.weights)?, &self.turn)?;
        let rows = leading(&turned, self.kmeans.centres().ncols());
        Ok(if self.unit_rows { unit(rows) } else { rows })
    }

    /// Adds [`Clusters::rows`] to a program.
    pub fn describe_rows(&self, program: &mut Program, outputs: &Value) -> Result<Value> {
        let y = program.add(Op::Linear, &[outputs], &[("weight", &self.weights.tr())])?;
        let leading = self.turn.f_narrow(1, 0, self.kmeans.centres().ncols() as i64)?;
        let rows = program.add(Op::Linear, &[&y], &[("weight", &leading.tr())])?;
        match self.unit_rows {
            true => Ok(program.add(Op::UnitRows, &[&rows], &[])?),
            false => Ok(rows),
        }
    }

    /// Adds `clusters.weights`, `clusters.turn` and `clusters.centres`.
    pub fn store(&self, tensors: &mut Tensors) -> Result<()> {
        tensors.insert("clusters.weights".into(), self.weights.f_to_device(Device::Cpu)?);
        tensors.insert("clusters.turn".into(), self.turn.copy());
        tensors.insert("clusters.centres".into(), to_tensor_f64(self.kmeans.centres())?);
        Ok(())
    }

    /// Reads what [`Clusters::store`] added, and files of older versions.
    ///
    /// # Errors
    /// [`vae_core::Error::Checkpoint`] or [`vae_core::Error::Shape`] when something is missing or
    /// does not fit.
    pub fn load(config: &SpectralNetConfig, tensors: &Tensors, device: Device) -> Result<Self> {
        let weights = stored(tensors, "clusters.weights")?.f_to_kind(Kind::Float)?;
        let kmeans = KMeans::from_centres(to_array2_f64(stored(tensors, "clusters.centres")?)?)?;
        let (outputs, used) = (config.n_outputs() as i64, kmeans.centres().ncols() as i64);
        let turn = match tensors.get("clusters.turn") {
            Some(turn) => turn.f_to_kind(Kind::Double)?,
            // Older files have the product of the weights and the used columns of the rotation.
            None => Tensor::f_eye(used, (Kind::Double, Device::Cpu))?,
        };
        let square = |size| vec![size, size];
        let expected_weights =
            if tensors.contains_key("clusters.turn") { square(outputs) } else { vec![outputs, used] };
        let expected_turn = vec![expected_weights[1]; 2];
        for (name, tensor, expected) in
            [("clusters.weights", &weights, expected_weights), ("clusters.turn", &turn, expected_turn)]
        {
            if tensor.size() != expected {
                let what = format!("tensor `{name}`");
                return Err(vae_core::Error::Shape { what, expected, got: tensor.size() }.into());
            }
        }
        let unit_rows = config.clusters == ClusterChoice::Modularity;
        Ok(Self { weights: weights.f_to_device(device)?, turn, unit_rows, kmeans })
    }
}

/// Outputs `[n, M]` rotated by `turn`, f64 `[M, M]` on the CPU.
pub(in super::super) fn turned(y: &Tensor, turn: &Tensor) -> Result<Array2<f32>> {
    Ok(to_array2(&y.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_matmul(turn)?)?)
}

/// The first `m` columns. The others are computed even where only these are needed: a narrower
/// product may round differently.
pub(in super::super) fn leading(rows: &Array2<f32>, m: usize) -> Array2<f32> {
    rows.slice(ndarray::s![.., ..m]).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn unit_rows_have_length_one_or_nothing() {
        let rows = unit(array![[3.0f32, 4.0], [0.0, 0.0]]);
        assert_eq!(rows, array![[0.6, 0.8], [0.0, 0.0]]);
    }
}
