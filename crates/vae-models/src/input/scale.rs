//! Scaling of the columns before a method is fitted.

use crate::{Error, Result};
use ndarray::{Array1, Array2, Axis, Zip};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vae_core::Features;
use vae_core::identity::Revision;

/// How columns are scaled, and how `auto` is resolved.
pub const REVISION: Revision = ("scale", 1);

/// What a configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScaleKind {
    /// Nothing for images, sparse features, and values within [-1, 1] whose largest is at least
    /// 0.1; else `standardize`.
    #[default]
    Auto,
    /// As they are.
    None,
    /// Mean 0 and variance 1 per column.
    Standardize,
    /// Each column to [0, 1].
    Minmax,
}

/// Values that are all smaller in magnitude than this are on another scale than the networks'
/// initial weights.
const SMALLEST_RANGE: f32 = 0.1;

/// A fitted scaling: `(x − shift) / width` per column, or nothing. Dividing by the range takes a
/// column's largest value to exactly 1, which multiplying by its reciprocal does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Nothing.
    Identity,
    /// Per column.
    Affine {
        /// Subtracted first, `[d]`.
        shift: Vec<f32>,
        /// Divided by after, `[d]`; 1 for a constant column.
        width: Vec<f32>,
    },
}

/// Refuses a factor and a shift that cannot be inverted.
pub(crate) fn check_affine(factor: f64, shift: f64) -> Result<()> {
    if !(factor > 0.0 && factor.is_finite()) {
        return Err(Error::config("input_factor", factor, "a finite number above 0"));
    }
    if !shift.is_finite() {
        return Err(Error::config("input_shift", shift, "a finite number"));
    }
    Ok(())
}

impl Scale {
    /// This scaling, and then `factor · x + shift` for every value.
    ///
    /// # Errors
    /// [`Error::Config`] for sparse features unless factor and shift are 1 and 0: a shift would
    /// make them dense.
    pub fn then_affine(self, factor: f64, shift: f64, x: &Features) -> Result<Self> {
        check_affine(factor, shift)?;
        if (factor, shift) == (1.0, 0.0) {
            return Ok(self);
        }
        if x.as_dense().is_none() {
            let found = format!("{factor}, input_shift {shift}");
            return Err(Error::config(
                "input_factor",
                found,
                "1 and 0: sparse features are used as they are",
            ));
        }
        let (shifts, widths) = match self {
            Self::Identity => (vec![0.0; x.dim()], vec![1.0; x.dim()]),
            Self::Affine { shift, width } => (shift, width),
        };
        // factor (x − s)/w + t = (x − (s − t w/factor)) / (w/factor)
        let (shift, width) = shifts
            .into_iter()
            .zip(widths)
            .map(|(s, w)| (f64::from(s), f64::from(w) / factor))
            .map(|(s, width)| ((s - shift * width) as f32, width as f32))
            .unzip();
        Ok(Self::Affine { shift, width })
    }

    /// Learns the scaling from `x`. A constant column is shifted and not scaled.
    ///
    /// # Errors
    /// [`Error::Config`] for sparse features where `kind` asks for a scaling.
    pub fn fit(kind: ScaleKind, x: &Features) -> Result<Self> {
        let Some(dense) = x.as_dense() else { return Self::of_sparse(kind) };
        let (low, high) = x.range();
        let largest = high.max(-low);
        let bounded = (SMALLEST_RANGE..=1.0).contains(&largest);
        let kind = match kind {
            ScaleKind::Auto if bounded || x.image().is_some() => ScaleKind::None,
            ScaleKind::Auto => ScaleKind::Standardize,
            other => other,
        };
        let or_one = |width: f32| if width > 0.0 { width } else { 1.0 };
        let columns = dense.axis_iter(Axis(1));
        let (shift, width) = match kind {
            ScaleKind::None | ScaleKind::Auto => return Ok(Self::Identity),
            ScaleKind::Standardize => columns
                .map(|c| {
                    let n = c.len() as f64;
                    let mean = c.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
                    let var = c.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
                    // A column that is constant up to rounding is not scaled.
                    let std = if var.sqrt() > 1e-6 * mean.abs() { var.sqrt() } else { 0.0 };
                    (mean as f32, or_one(std as f32))
                })
                .unzip(),
            ScaleKind::Minmax => columns
                .map(|c| {
                    let (low, high) =
                        c.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
                    (low, or_one(high - low))
                })
                .unzip(),
        };
        Ok(Self::Affine { shift, width })
    }

    fn of_sparse(kind: ScaleKind) -> Result<Self> {
        let asked = match kind {
            ScaleKind::Auto | ScaleKind::None => return Ok(Self::Identity),
            ScaleKind::Standardize => "standardize",
            ScaleKind::Minmax => "minmax",
        };
        let expected =
            "\"auto\" or \"none\" for sparse features, which a shift would fill: scale them before";
        Err(Error::config("scale", asked, expected))
    }

    /// The scaled features; the same ones when there is nothing to do.
    ///
    /// # Errors
    /// A scaled value that overflows.
    pub fn apply<'a>(&self, x: &'a Features) -> Result<Cow<'a, Features>> {
        let (Self::Affine { shift, width }, Some(dense)) = (self, x.as_dense()) else {
            return Ok(Cow::Borrowed(x));
        };
        let (shift, width) = (Array1::from(shift.clone()), Array1::from(width.clone()));
        let scaled = (&dense - &shift) / &width;
        let scaled = Features::dense(scaled)?;
        Ok(Cow::Owned(match x.image() {
            Some(image) => scaled.with_image(image)?,
            None => scaled,
        }))
    }

    /// Back to the scale of the data, `[n, d]`.
    pub fn invert(&self, mut x: Array2<f32>) -> Array2<f32> {
        if let Self::Affine { shift, width } = self {
            for mut row in x.rows_mut() {
                Zip::from(&mut row).and(shift).and(width).for_each(|v, &s, &w| *v = *v * w + s);
            }
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use vae_core::Csr;

    fn features() -> Features {
        Features::dense(array![[0.0f32, 10.0, 3.0], [2.0, 20.0, 3.0], [4.0, 60.0, 3.0]]).expect("valid")
    }

    #[test]
    fn standardize_gives_moments_and_inverts() {
        let x = features();
        let scale = Scale::fit(ScaleKind::Standardize, &x).expect("dense");
        let y = scale.apply(&x).expect("finite");
        let y = y.as_dense().expect("dense").to_owned();
        for column in y.axis_iter(Axis(1)).take(2) {
            assert!(column.mean().expect("rows").abs() < 1e-6);
            assert!((column.mapv(|v| v * v).mean().expect("rows") - 1.0).abs() < 1e-6);
        }
        assert_eq!(y.column(2), array![0.0, 0.0, 0.0]);
        let back = scale.invert(y);
        assert!((back - x.as_dense().expect("dense")).iter().all(|d| d.abs() < 1e-4));
    }

    #[test]
    fn minmax_reaches_both_ends() {
        let x = features();
        let y = Scale::fit(ScaleKind::Minmax, &x)
            .expect("dense")
            .apply(&x)
            .expect("finite")
            .as_dense()
            .expect("dense")
            .to_owned();
        assert_eq!(y.column(1), array![0.0, 0.2, 1.0]);
        assert_eq!(y.column(2), array![0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_factor_and_a_shift_come_after() {
        let x = Features::dense(array![[0.0f32, 0.5], [1.0, 0.25]]).expect("valid");
        let scale = Scale::Identity.then_affine(255.0 / 128.0, -1.0, &x).expect("dense");
        let y = scale.apply(&x).expect("finite");
        let want = array![[-1.0f32, -0.003_906_25], [0.992_187_5, -0.501_953_1]];
        assert!((&y.as_dense().expect("dense") - &want).iter().all(|d| d.abs() < 1e-6));
        let x = features();
        let scale = Scale::fit(ScaleKind::Standardize, &x).expect("dense");
        let scale = scale.then_affine(3.0, 2.0, &x).expect("dense");
        let y = scale.apply(&x).expect("finite").as_dense().expect("dense").to_owned();
        assert!((y.column(0).mean().expect("rows") - 2.0).abs() < 1e-5);
        assert!((y.column(1).std(0.0) - 3.0).abs() < 1e-5);
        assert!((scale.invert(y) - x.as_dense().expect("dense")).iter().all(|d| d.abs() < 1e-4));
        assert_eq!(Scale::Identity.then_affine(1.0, 0.0, &x).expect("nothing to do"), Scale::Identity);
        assert!(Scale::Identity.then_affine(0.0, 0.0, &x).is_err());
    }

    #[test]
    fn auto_leaves_bounded_values_alone() {
        let bounded = Features::dense(array![[-1.0f32, 0.5], [1.0, 0.0]]).expect("valid");
        let auto = |x: &Features| Scale::fit(ScaleKind::Auto, x).expect("dense");
        assert_eq!(auto(&bounded), Scale::Identity);
        assert!(matches!(auto(&features()), Scale::Affine { .. }));
        let tiny = Features::dense(array![[1e-6f32, 2e-6], [3e-6, -1e-6]]).expect("valid");
        assert!(matches!(auto(&tiny), Scale::Affine { .. }));
    }

    #[test]
    fn sparse_features_are_not_scaled_in_silence() {
        let csr = Csr { n_columns: 3, indptr: vec![0, 1, 2], indices: vec![0, 2], values: vec![5.0, 7.0] };
        let x = Features::sparse(csr).expect("valid");
        for kind in [ScaleKind::Auto, ScaleKind::None] {
            assert_eq!(Scale::fit(kind, &x).expect("left alone"), Scale::Identity);
        }
        for (kind, name) in [(ScaleKind::Standardize, "standardize"), (ScaleKind::Minmax, "minmax")] {
            let e = Scale::fit(kind, &x).expect_err("sparse").to_string();
            assert!(e.contains("`scale`") && e.contains(name) && e.contains("\"none\""), "{e}");
        }
    }
}
