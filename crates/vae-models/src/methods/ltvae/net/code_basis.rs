//! A change of basis of the latent space.
//!
//! An auto-encoder's codes are determined up to an invertible linear map, which its last encoding
//! and first decoding layer can undo. A tree over single dimensions of z finds facets only along
//! the axes; independent components (FastICA with the kurtosis contrast, Hyvärinen and Oja 1997)
//! align independent clusterings with the axes: a two-valued variable has the lowest kurtosis there
//! is.

use crate::Result;
use crate::api::stored;
use tch::{Kind, Tensor};
use vae_core::bundle::Tensors;

/// Most iterations of the fixed point.
const STEPS: usize = 200;

/// Converged when the largest rotation of a component, as 1 − |cos|, is below this.
const TOLERANCE: f64 = 1e-9;

/// Variances below this share of the largest are taken for noise, and are not scaled to 1.
const LEAST_VARIANCE: f64 = 1e-6;

/// `z' = T (z − mean)`.
#[derive(Debug)]
pub(in super::super) struct CodeBasis {
    /// `[J]`.
    mean: Tensor,
    /// `[J, J]`, rows are components, in descending order of |excess kurtosis|.
    forward: Tensor,
    /// `[J, J]`.
    inverse: Tensor,
}

/// `(M Mᵀ)^-½ M`, the orthogonal matrix nearest to `m`.
fn orthogonal(m: &Tensor) -> Result<Tensor> {
    let (values, vectors) = m.f_matmul(&m.tr())?.f_linalg_eigh("L")?;
    let scale = values.f_clamp_min(f64::MIN_POSITIVE)?.f_rsqrt()?.f_unsqueeze(0)?;
    Ok((&vectors * scale).f_matmul(&vectors.tr())?.f_matmul(m)?)
}

impl CodeBasis {
    /// The independent components of codes, f64 `[n, J]`, scaled to variance 1.
    pub fn independent(z: &Tensor) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let n = z.size()[0] as f64;
        let mean = z.f_mean_dim([0i64].as_slice(), false, None)?;
        let centred = z - &mean;
        let (values, vectors) = (centred.tr().f_matmul(&centred)? / n).f_linalg_eigh("L")?;
        let floor = (values.f_max()?.f_double_value(&[])? * LEAST_VARIANCE).max(f64::MIN_POSITIVE);
        let scale = values.f_clamp_min(floor)?.f_sqrt()?;
        let whiten = vectors.tr() / scale.unsqueeze(1);
        let white = centred.f_matmul(&whiten.tr())?;
        let mut turn = Tensor::f_eye(white.size()[1], (Kind::Double, z.device()))?;
        for _ in 0..STEPS {
            let u = white.f_matmul(&turn.tr())?;
            let next = orthogonal(&(u.pow_tensor_scalar(3).tr().f_matmul(&white)? / n - &turn * 3.0))?;
            let cosine = (&next * &turn).f_sum_dim_intlist([1i64].as_slice(), false, None)?.f_abs()?;
            turn = next;
            if 1.0 - cosine.f_min()?.f_double_value(&[])? < TOLERANCE {
                break;
            }
        }
        let u = white.f_matmul(&turn.tr())?;
        let kurtosis = (u.pow_tensor_scalar(4).f_mean_dim([0i64].as_slice(), false, None)? - 3.0).f_abs()?;
        let turn = turn.f_index_select(0, &kurtosis.f_argsort(0, true)?)?;
        let inverse = (&vectors * scale.unsqueeze(0)).f_matmul(&turn.tr())?;
        Ok(Self { mean, forward: turn.f_matmul(&whiten)?, inverse })
    }

    /// The codes in this basis, `[n, J]`.
    pub fn apply(&self, z: &Tensor) -> Tensor {
        (z - &self.mean).matmul(&self.forward.tr())
    }

    /// Rewrites the layers next to the code so that it is in this basis; the auto-encoder computes
    /// the same function.
    pub fn rewrite(&self, tensors: &mut Tensors) -> Result<()> {
        let first = if tensors.contains_key("decoder.0.weight") { "decoder.0" } else { "decoder.out" };
        let cpu = |t: &Tensor| t.f_to_device(tch::Device::Cpu);
        let (mean, forward, inverse) = (cpu(&self.mean)?, cpu(&self.forward)?, cpu(&self.inverse)?);
        let (weight, bias) = (format!("{first}.weight"), format!("{first}.bias"));
        let shift = stored(tensors, &weight)?.f_to_kind(Kind::Double)?.f_mv(&mean)?;
        let mut replace = |name: &str, f: &dyn Fn(Tensor) -> Result<Tensor>| -> Result<()> {
            let new = f(stored(tensors, name)?.f_to_kind(Kind::Double)?)?;
            tensors.insert(name.into(), new.f_to_kind(Kind::Float)?);
            Ok(())
        };
        replace("encoder.mu.weight", &|w| Ok(forward.f_matmul(&w)?))?;
        replace("encoder.mu.bias", &|b| Ok(forward.f_mv(&(b - &mean))?))?;
        replace(&weight, &|w| Ok(w.f_matmul(&inverse)?))?;
        replace(&bias, &|b| Ok(b + &shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;
    use vae_core::init::Init;
    use vae_core::net::NetConfig;
    use vae_core::pretrain::Autoencoder;
    use vae_core::random::{Streams, normal, uniform};

    fn mixed() -> (Tensor, Tensor) {
        let streams = Streams::new(0, "basis");
        let sign = |name: &str| {
            (uniform(&mut streams.rng(name, 0, 0), &[4000], Device::Cpu).gt(0.5).to_kind(Kind::Double) - 0.5)
                * 4.0
        };
        let noise = normal(&mut streams.rng("noise", 0, 0), &[4000, 3], Device::Cpu).to_kind(Kind::Double);
        let quiet = Tensor::zeros([4000], (Kind::Double, Device::Cpu));
        let sources = noise + Tensor::stack(&[sign("a"), quiet, sign("b")], 1);
        let mix = Tensor::from_slice(&[2.0f64, 1.0, 0.3, -0.5, 1.5, 0.9, 0.2, -0.7, 3.0]).view([3, 3]);
        (sources.matmul(&mix.tr()) + 5.0, sources)
    }

    #[test]
    fn two_valued_sources_come_first() {
        let (z, sources) = mixed();
        let basis = CodeBasis::independent(&z).expect("found");
        let found = basis.apply(&z);
        let centred = |t: Tensor| &t - t.mean(Kind::Double);
        for source in [0, 2] {
            let s = centred(sources.select(1, source));
            let correlation = |c: i64| {
                let f = centred(found.select(1, c));
                (f.dot(&s) / (f.norm() * s.norm())).abs().double_value(&[])
            };
            let best = correlation(0).max(correlation(1));
            assert!(best > 0.99, "{source}: {best}");
        }
        let covariance = found.tr().matmul(&found) / 4000.0;
        let error = (covariance - Tensor::eye(3, (Kind::Double, Device::Cpu))).abs().max();
        assert!(error.double_value(&[]) < 1e-6);
    }

    #[test]
    fn a_rewritten_auto_encoder_is_the_same_function() {
        let (z, _) = mixed();
        let basis = CodeBasis::independent(&z).expect("found");
        for hidden in [vec![5], vec![]] {
            let net = NetConfig { hidden, latent_dim: 3, ..NetConfig::default() };
            let make =
                |seed| Autoencoder::new(&net, Init::GlorotUniform, 4, &Streams::new(seed, "a"), Device::Cpu);
            let (old, new) = (make(0), make(1));
            let mut tensors = old.params.snapshot("").expect("tensors");
            basis.rewrite(&mut tensors).expect("rewritten");
            new.params.load(&tensors, "").expect("the same shapes");
            let x = normal(&mut Streams::new(2, "x").rng("x", 0, 0), &[6, 4], Device::Cpu);
            let codes = basis.apply(&old.encoder.mu(&x).to_kind(Kind::Double)).to_kind(Kind::Float);
            let close = |a: Tensor, b: Tensor| (a - b).abs().max().double_value(&[]) < 1e-3;
            assert!(close(new.encoder.mu(&x), codes.shallow_clone()));
            assert!(close(new.decoder.forward(&codes), old.decoder.forward(&old.encoder.mu(&x))));
        }
    }
}
