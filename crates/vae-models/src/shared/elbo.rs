//! The ELBO of single samples, for models that say how probable a sample is.
//!
//! Training draws one z from q(z | x). Here z is the mean of q(z | x) where p(x | z) and the
//! assignments are looked at, so that a sample has one number whatever the seed; the other terms
//! are those of the loss, in closed form. For VaDE and DGG:
//!
//! ```text
//! elbo = ln p(x | mu) − Σ_c gamma_c E_q[−ln p(z | c)] + H[q(z | x)] − KL(gamma ‖ pi),   gamma at mu
//! ```
//!
//! DGG's mixing weights of each sample are those of its neighbours in training; pi are the initial
//! ones here. A learned variance of p(x | z) is fixed at its value for the fitted samples.

use crate::Result;
use crate::api::{Assessed, Calibration};
use crate::shared::assignments::{labels_of, winners};
use crate::shared::mixture_vae::MixtureVae;
use crate::shared::posterior::guarded;
use ndarray::Array1;
use tch::{Kind, Tensor};
use vae_core::features::{BLOCK, Resident, to_array2};
use vae_core::kl;
use vae_core::likelihood::Likelihood;
use vae_gmm::prior::MixturePrior;

/// What these numbers are called.
pub const NAME: &str = "elbo";

/// The variance of the numbers on the fitted samples, where it is learned; `decode` gives the
/// outputs of the decoder for rows of features.
///
/// # Errors
/// libtorch's.
pub(crate) fn calibrate(
    likelihood: &Likelihood,
    data: &Resident<'_>,
    block: usize,
    decode: impl Fn(&Tensor) -> Tensor,
) -> Result<Calibration> {
    let _guard = tch::no_grad_guard();
    let (mut sum, mut count) = (0.0, 0.0);
    for start in (0..data.n()).step_by(block) {
        let end = (start + block).min(data.n());
        let out = decode(&data.rows(start, end)?);
        let Some((squares, n)) = likelihood.learned_errors(&out, &targets(likelihood, data, (start, end))?)
        else {
            return Ok(Calibration::default());
        };
        sum += squares;
        count += n;
    }
    Ok(Calibration { variance: (count > 0.0).then(|| sum / count) })
}

/// What the decoder's outputs are held against. An observation model that does not know of missing
/// values, since the fit had none, sees what stands for them.
pub(crate) fn targets(
    likelihood: &Likelihood,
    data: &Resident<'_>,
    (start, end): (usize, usize),
) -> vae_core::Result<Tensor> {
    match likelihood.leaves_out_missing() {
        true => data.target_rows(start, end),
        false => data.rows(start, end),
    }
}

/// The observation model with the variance of the fitted samples.
pub(crate) fn calibrated(likelihood: &Likelihood, calibration: &Calibration) -> Likelihood {
    calibration.variance.map_or_else(|| likelihood.clone(), |variance| likelihood.with_variance(variance))
}

/// The terms of the latent variables, `[b]`: all of the ELBO but `ln p(x | z)`.
///
/// # Shapes
/// `mu`, `log_var` of q(z | x): `[b, J]`; `log_gamma`: `[b, K]`.
pub(crate) fn latent_terms(
    prior: &MixturePrior,
    mu: &Tensor,
    log_var: &Tensor,
    log_gamma: &Tensor,
) -> Tensor {
    let energy = (log_gamma.exp() * prior.expected_energy(mu, log_var)).sum_dim_intlist(
        [-1i64].as_slice(),
        false,
        None::<Kind>,
    );
    kl::gaussian_entropy_without_constant(log_var) - energy - kl::categorical(log_gamma, &prior.log_pi())
}

/// What `f` gives of each block of rows, their targets and the calibrated observation model, `[n]`.
///
/// # Errors
/// What `f` returns, or libtorch's.
pub(crate) fn by_block(
    (likelihood, calibration): (&Likelihood, &Calibration),
    data: &Resident<'_>,
    block: usize,
    mut f: impl FnMut(&Likelihood, &Tensor, &Tensor) -> vae_core::Result<Tensor>,
) -> Result<Array1<f32>> {
    let _guard = tch::no_grad_guard();
    let likelihood = calibrated(likelihood, calibration);
    let mut parts = Vec::new();
    for start in (0..data.n()).step_by(block) {
        let end = (start + block).min(data.n());
        parts.push(f(&likelihood, &data.rows(start, end)?, &targets(&likelihood, data, (start, end))?)?);
    }
    column(&Tensor::f_cat(&parts, 0)?)
}

/// ln q(c | z) at the mean codes of rows `x`, `[b, K]`, and their ELBOs, `[b]`, held against
/// `targets`.
fn of_rows(net: &impl MixtureVae, likelihood: &Likelihood, x: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
    let vae = net.vae();
    let (mu, log_var) = vae.encoder.forward(x);
    let log_gamma = net.log_gamma(&mu);
    let nll = likelihood.nll(&vae.decoder.forward(&mu), targets);
    let elbo = latent_terms(&vae.prior, &mu, &guarded(&log_var), &log_gamma) - nll;
    (log_gamma, elbo)
}

/// ELBOs of all samples, `[n]`.
///
/// # Errors
/// libtorch's.
pub(crate) fn log_density(
    net: &impl MixtureVae,
    data: &Resident<'_>,
    calibration: &Calibration,
) -> Result<Array1<f32>> {
    let of_fit = (&net.vae().likelihood, calibration);
    by_block(of_fit, data, BLOCK, |likelihood, x, targets| Ok(of_rows(net, likelihood, x, targets).1))
}

/// Assignments, probabilities and, with a calibration, ELBOs of all samples, in one pass.
///
/// # Errors
/// libtorch's.
pub(crate) fn assess(
    net: &impl MixtureVae,
    data: &Resident<'_>,
    calibration: Option<&Calibration>,
) -> Result<Assessed> {
    let _guard = tch::no_grad_guard();
    let vae = net.vae();
    let likelihood = calibration.map(|calibration| calibrated(&vae.likelihood, calibration));
    let (mut gammas, mut elbos) = (Vec::new(), Vec::new());
    for start in (0..data.n()).step_by(BLOCK) {
        let end = (start + BLOCK).min(data.n());
        let x = data.rows(start, end)?;
        let Some(likelihood) = &likelihood else {
            gammas.push(net.log_gamma(&vae.encoder.mu(&x)).exp());
            continue;
        };
        let (log_gamma, elbo) = of_rows(net, likelihood, &x, &targets(likelihood, data, (start, end))?);
        elbos.push(elbo);
        gammas.push(log_gamma.exp());
    }
    let gamma = Tensor::f_cat(&gammas, 0)?;
    drop(gammas);
    let log_density = match elbos.is_empty() {
        true => None,
        false => Some(column(&Tensor::f_cat(&elbos, 0)?)?),
    };
    Ok(Assessed { clusters: labels_of(&winners(&gamma)?)?, gamma: Some(to_array2(&gamma)?), log_density })
}

/// A tensor `[n]` as an array.
pub(crate) fn column(values: &Tensor) -> Result<Array1<f32>> {
    Ok(to_array2(&values.f_unsqueeze(1)?)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(values: &[f64], shape: &[i64]) -> Tensor {
        Tensor::from_slice(values).view(shape)
    }

    #[test]
    fn the_latent_terms_by_hand() {
        // Two components in one dimension; q(z | x) = N(0.5, 0.25).
        let prior = MixturePrior {
            logits: t(&[0.25f64.ln(), 0.75f64.ln()], &[2]),
            mu: t(&[-1.0, 1.0], &[2, 1]),
            log_var: t(&[0.0, 0.5f64.ln()], &[2, 1]),
        };
        let (mu, log_var) = (t(&[0.5], &[1, 1]), t(&[0.25f64.ln()], &[1, 1]));
        let gamma = [0.1, 0.9];
        let log_gamma = t(&gamma.map(f64::ln), &[1, 2]);
        // ½ (ln var + (0.25 + (0.5 ∓ 1)²) / var) of each component.
        let energy = [0.5 * (0.25 + 2.25), 0.5 * (0.5f64.ln() + (0.25 + 0.25) / 0.5)];
        let entropy = 0.5 * (1.0 + 0.25f64.ln());
        let kl = 0.1 * (0.1f64 / 0.25).ln() + 0.9 * (0.9f64 / 0.75).ln();
        let want = entropy - gamma[0] * energy[0] - gamma[1] * energy[1] - kl;
        let got = latent_terms(&prior, &mu, &log_var, &log_gamma).double_value(&[0]);
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }
}
