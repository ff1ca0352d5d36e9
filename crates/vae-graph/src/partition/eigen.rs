//! Leading eigenvectors of the normalised adjacency, matrix-free.
//!
//! A restarted block Krylov method with Rayleigh–Ritz projection (Musco and Musco 2015): a block
//! finds eigenvalues of any multiplicity up to its width, which a single Lanczos vector does not,
//! and disconnected graphs have the eigenvalue 1 once per component.

use crate::{Error, Graph, Result};
use ndarray::{Array1, Array2, Axis, LinalgScalar};
use std::ops::AddAssign;
use tch::{Device, Kind, Tensor};
use vae_core::features::{to_array2, to_array2_f64, to_tensor};
use vae_core::random::{Streams, normal};

/// Columns beyond the requested ones; they speed up convergence.
const EXTRA: usize = 8;

/// Most columns of a Krylov space; they are n × 4 bytes each. More columns, fewer restarts.
const COLUMNS: usize = 400;

/// Accepted `‖A v − λ v‖` of a wanted eigenvector. The space is kept in f32, whose rounding ends
/// near 1e-6.
const TOLERANCE: f64 = 1e-4;

/// Most restarts. A graph of neighbours takes a few; k-means needs no more than these give.
const RESTARTS: usize = 8;

/// Up to this many nodes the dense matrix is decomposed.
const DENSE_NODES: usize = 512;

/// Eigenvalues, descending, and eigenvectors.
#[derive(Clone, Debug)]
pub struct Eigen {
    /// `[m]`.
    pub values: Array1<f64>,
    /// `[n, m]`, orthonormal columns.
    pub vectors: Array2<f64>,
    /// Largest `‖A v − λ v‖` among them.
    pub residual: f64,
}

/// The `m` largest eigenvalues of `D^-½ W D^-½` and their eigenvectors, for a symmetric graph.
///
/// # Errors
/// [`Error::Config`] when the graph has fewer than `m` nodes; libtorch's errors.
pub fn leading_eigenvectors(graph: &Graph, m: usize, streams: &Streams) -> Result<Eigen> {
    let n = graph.n();
    if m == 0 || m > n {
        return Err(Error::config("m", m, &format!("1 to the number of nodes, {n}")));
    }
    let _guard = tch::no_grad_guard();
    let operator = Operator::new(graph);
    let p = m + EXTRA;
    let n_blocks = (COLUMNS / p).max(4);
    if n <= DENSE_NODES.max(p * n_blocks) {
        let dense = tensor(&operator.times(Array2::eye(n))?)?.f_to_kind(Kind::Double)?;
        let (values, vectors) = dense.f_linalg_eigh("U")?;
        return operator.take(&values, &vectors, m);
    }
    let start = normal(&mut streams.rng("eigenvectors", 0, 0), &[n as i64, p as i64], Device::Cpu);
    let mut block = orthonormal(&start)?;
    for restart in 1.. {
        let mut basis = vec![block];
        // The projection Qᵀ A Q block column by block column; only its upper triangle is needed.
        let mut projection = Vec::with_capacity(n_blocks);
        loop {
            let mut next = operator.apply(basis.last().expect("it starts with one block"))?;
            let known = Tensor::f_cat(&basis, 0)?;
            let column = known.f_matmul(&next.tr())?;
            let below = ((n_blocks - basis.len()) * p) as i64;
            projection.push(column.f_constant_pad_nd([0, 0, 0, below])?);
            if basis.len() == n_blocks {
                break;
            }
            for _ in 0..2 {
                let inside = next.f_matmul(&known.tr())?.f_matmul(&known)?;
                next = orthonormal(&(next - inside).tr())?;
            }
            basis.push(next);
        }
        let projection = Tensor::f_cat(&projection, 1)?.f_to_kind(Kind::Double)?;
        let (values, vectors) = projection.f_linalg_eigh("U")?;
        let columns = values.size()[0];
        let ritz = vectors.f_narrow(1, columns - p as i64, p as i64)?.f_to_kind(Kind::Float)?;
        block = ritz.tr().f_matmul(&Tensor::f_cat(&basis, 0)?)?;
        let values = values.f_narrow(0, columns - p as i64, p as i64)?;
        let eigen = operator.take(&values, &block.tr(), m)?;
        if eigen.residual <= TOLERANCE || restart == RESTARTS {
            return Ok(eigen);
        }
        block = orthonormal(&block.tr())?;
    }
    unreachable!("the loop returns at the last restart")
}

/// `D^-½ W D^-½` as a function.
struct Operator<'a> {
    graph: &'a Graph,
    /// `degree^-½`, 0 for a node without edges.
    scale: Array1<f64>,
}

impl<'a> Operator<'a> {
    fn new(graph: &'a Graph) -> Self {
        let scale = graph.row_sums().mapv(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
        Self { graph, scale }
    }

    /// # Shapes
    /// `x`: `[c, n]`, vectors in rows.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        Ok(tensor(&self.times(to_array2(&x.tr())?)?)?.tr().f_contiguous()?)
    }

    fn times<T>(&self, x: Array2<T>) -> Result<Array2<T>>
    where
        T: LinalgScalar + AddAssign + From<f32> + Send + Sync,
    {
        let scale = self.scale.mapv(|s| T::from(s as f32)).insert_axis(Axis(1));
        let product = self.graph.multiply((x * &scale).view())?;
        Ok(product * &scale)
    }

    /// The last `m` of ascending pairs, descending, with their residual.
    fn take(&self, values: &Tensor, vectors: &Tensor, m: usize) -> Result<Eigen> {
        let columns = values.size()[0];
        let keep = |t: &Tensor, dim| t.f_narrow(dim, columns - m as i64, m as i64)?.f_flip([dim]);
        let (values, vectors) = (keep(values, 0)?, keep(vectors, 1)?);
        let (vectors, values) = (to_array2_f64(&vectors)?, Vec::<f64>::try_from(&values)?);
        let values = Array1::from(values);
        let difference = self.times(vectors.clone())? - &vectors * &values;
        let residual = difference.columns().into_iter().map(|d| d.dot(&d).sqrt()).fold(0.0, f64::max);
        Ok(Eigen { values, vectors, residual })
    }
}

/// An orthonormal basis of the columns of `x`, in rows: the Q of a Householder QR.
fn orthonormal(x: &Tensor) -> Result<Tensor> {
    let (reflectors, tau) = x.f_geqrf()?;
    Ok(reflectors.f_linalg_householder_product(&tau)?.tr().f_contiguous()?)
}

fn tensor(x: &Array2<f32>) -> Result<Tensor> {
    Ok(to_tensor(x.view(), Device::Cpu)?)
}
