//! Scaling of the columns before a method is fitted.

mod choose;
mod columns;
mod power;

use crate::{Error, Result};
use choose::choose;
use columns::Column;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Zip};
use power::Power;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tch::Tensor;
use vae_core::Features;
use vae_core::identity::Revision;
use vae_core::program::{Op, Program, Value};

/// How columns are scaled by a kind that a configuration names.
pub const REVISION: Revision = ("scale", 1);

/// What `auto` decides. It has a number of its own, since the published rows name their kind.
pub const AUTO_REVISION: Revision = ("scale-auto", 3);

/// What a configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScaleKind {
    /// `none` for images and sparse features. For tables `shared` where the columns have one unit,
    /// else `power`: see [`Scale::fit`].
    #[default]
    Auto,
    /// As they are.
    None,
    /// One shift and one width for all columns: the mean of all values becomes 0, the mean variance
    /// of a column 1. For columns in one unit, whose differences in size mean something.
    Shared,
    /// Mean 0 and variance 1 per column.
    Standardize,
    /// A power transformation of each column that makes it as normal as it can (Yeo and Johnson
    /// 2000), then mean 0 and variance 1. For columns of different units, with tails of any weight.
    Power,
    /// Each column to [0, 1].
    Minmax,
}

impl ScaleKind {
    /// As a configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Shared => "shared",
            Self::Standardize => "standardize",
            Self::Power => "power",
            Self::Minmax => "minmax",
        }
    }
}

/// A fitted scaling. Widths are divided by: this takes a column's largest value to exactly 1, which
/// multiplying by a reciprocal does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Nothing.
    Identity,
    /// `(x − shift) / width` per column.
    Affine {
        /// Subtracted first, `[d]`.
        shift: Vec<f32>,
        /// Divided by after, `[d]`; 1 for a constant column.
        width: Vec<f32>,
    },
    /// `(psi(x) − shift) / width` per column, with psi the power transformation.
    Power {
        /// The transformation of each column, `[d]`.
        columns: Vec<Power>,
        /// Subtracted after it, `[d]`.
        shift: Vec<f64>,
        /// Divided by at last, `[d]`; 1 for a constant column.
        width: Vec<f64>,
    },
}

/// A scaling, and why it is this one.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The kind that was asked for, or that `auto` chose.
    pub kind: ScaleKind,
    /// The fitted scaling.
    pub scale: Scale,
    /// Why `auto` chose it; empty where it was asked for.
    pub reason: String,
}

/// A kind of scaling, and why it is this one: a [`Chosen`] that has learned nothing.
pub(super) struct Choice {
    pub kind: ScaleKind,
    pub reason: String,
    /// By how many times the spreads of the columns differ, where that leaves open whether they
    /// have one unit.
    pub in_doubt: Option<f64>,
}

impl Choice {
    fn of(kind: ScaleKind, reason: &str) -> Self {
        Self { kind, reason: reason.into(), in_doubt: None }
    }
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

/// The shift and the width that follow `(v − shift) / width` by `factor · v + add`.
fn followed((shift, width): (f64, f64), factor: f64, add: f64) -> (f64, f64) {
    // factor (v − s)/w + t = (v − (s − t w/factor)) / (w/factor)
    let width = width / factor;
    (shift - add * width, width)
}

impl Scale {
    /// This scaling, and then `factor · x + shift` for every value.
    ///
    /// # Errors
    /// Sparse features, which a shift would fill, for anything but 1 and 0.
    pub fn then_affine(self, factor: f64, add: f64, x: &Features) -> Result<Self> {
        check_affine(factor, add)?;
        if (factor, add) == (1.0, 0.0) {
            return Ok(self);
        }
        if x.as_dense().is_none() {
            let found = format!("{factor}, input_shift {add}");
            let expected = "1 and 0: sparse features are used as they are";
            return Err(Error::config("input_factor", found, expected));
        }
        let (shift, width) = match self {
            Self::Identity => (vec![0.0; x.dim()], vec![1.0; x.dim()]),
            Self::Affine { shift, width } => (shift, width),
            Self::Power { columns, shift, width } => {
                let pairs = shift.into_iter().zip(width);
                let (shift, width) = pairs.map(|pair| followed(pair, factor, add)).unzip();
                return Ok(Self::Power { columns, shift, width });
            }
        };
        let pairs = shift.into_iter().zip(width);
        let (shift, width) = pairs
            .map(|(s, w)| followed((f64::from(s), f64::from(w)), factor, add))
            .map(|(s, w)| (s as f32, w as f32))
            .unzip();
        Ok(Self::Affine { shift, width })
    }

    /// Learns the scaling from `x`. A constant column is shifted and not scaled.
    ///
    /// `auto` takes images and sparse features as they are. For tables it looks at the spread of
    /// each column between its 5 % and 95 % quantiles (columns without any are left out), and at
    /// how much of the rows' squared distance to their mean the farthest 1 % have. Spreads of
    /// comparable size (the largest at most 8 times the lower quartile) and no heavy tail (at most
    /// 20 %) speak for one unit: `shared`. Else `power`, which brings columns of any unit and any
    /// tail to one size. A largest spread of at least 2.5 times the least leaves a
    /// doubt, which fits settle by asking with which of both the groups of the rows are clearer.
    ///
    /// # Errors
    /// [`Error::Config`] for sparse features where `kind` asks for a scaling.
    pub fn fit(kind: ScaleKind, x: &Features) -> Result<Chosen> {
        let Choice { kind, reason, .. } = Self::choice(kind, x)?;
        let scale = x.as_dense().map_or(Self::Identity, |dense| Self::of_dense(kind, dense));
        Ok(Chosen { kind, scale, reason })
    }

    /// What `kind` means for `x`, without learning anything.
    pub(super) fn choice(kind: ScaleKind, x: &Features) -> Result<Choice> {
        let Some(dense) = x.as_dense() else { return Self::of_sparse(kind) };
        Ok(match kind {
            ScaleKind::Auto if x.image().is_some() => Choice::of(ScaleKind::None, "images"),
            ScaleKind::Auto => choose(dense),
            other => Choice::of(other, ""),
        })
    }

    fn of_dense(kind: ScaleKind, x: ArrayView2<'_, f32>) -> Self {
        let columns = x.axis_iter(Axis(1));
        let (shift, width) = match kind {
            ScaleKind::None | ScaleKind::Auto => return Self::Identity,
            ScaleKind::Shared => return Self::shared(x),
            ScaleKind::Power => return Self::power(x),
            ScaleKind::Standardize => columns
                .map(|c| {
                    let (mean, std) = Column::of(c).moments();
                    (mean as f32, columns::or_one(std) as f32)
                })
                .unzip(),
            ScaleKind::Minmax => columns
                .map(|c| {
                    let (low, high) = Column::of(c).ends();
                    (low, columns::or_one(f64::from(high - low)) as f32)
                })
                .unzip(),
        };
        Self::Affine { shift, width }
    }

    /// Columns of 0 and 1, single levels of a category among them, keep their values.
    fn shared(x: ArrayView2<'_, f32>) -> Self {
        let columns: Vec<Column<'_>> = x.axis_iter(Axis(1)).map(Column::of).collect();
        let moments = || columns.iter().filter(|c| !c.is_binary()).map(Column::moments);
        let d = moments().count().max(1) as f64;
        let mean = moments().map(|(mean, _)| mean).sum::<f64>() / d;
        let variance = moments().map(|(_, std)| std * std).sum::<f64>() / d;
        let of_all = (mean as f32, columns::or_one(variance.sqrt()) as f32);
        let of = |c: &Column<'_>| if c.is_binary() { (0.0, 1.0) } else { of_all };
        let (shift, width) = columns.iter().map(of).unzip();
        Self::Affine { shift, width }
    }

    fn power(x: ArrayView2<'_, f32>) -> Self {
        let of = |c: ArrayView1<'_, f32>| match Column::of(c) {
            binary if binary.is_binary() => (Power::IDENTITY, 0.0, 1.0),
            column => Power::fit(&column),
        };
        let fitted: Vec<(Power, f64, f64)> = x.axis_iter(Axis(1)).map(of).collect();
        let columns = fitted.iter().map(|(power, ..)| *power).collect();
        let (shift, width) = fitted.iter().map(|&(_, shift, width)| (shift, width)).unzip();
        Self::Power { columns, shift, width }
    }

    fn of_sparse(kind: ScaleKind) -> Result<Choice> {
        if matches!(kind, ScaleKind::Auto | ScaleKind::None) {
            return Ok(Choice::of(ScaleKind::None, "sparse features"));
        }
        let expected =
            "\"auto\" or \"none\" for sparse features, which a shift would fill: scale them before";
        Err(Error::config("scale", kind.name(), expected))
    }

    /// The scaled features; the same ones when there is nothing to do.
    ///
    /// # Errors
    /// A scaled value that overflows.
    pub fn apply<'a>(&self, x: &'a Features) -> Result<Cow<'a, Features>> {
        if x.as_dense().is_none() {
            return Ok(Cow::Borrowed(x));
        }
        let scaled = match self {
            Self::Identity => return Ok(Cow::Borrowed(x)),
            Self::Affine { shift, width } => x.changed(|mut row| {
                Zip::from(&mut row).and(shift).and(width).for_each(|v, s, w| *v = (*v - s) / w);
            })?,
            Self::Power { columns, shift, width } => x.changed(|mut row| {
                for (i, v) in row.iter_mut().enumerate() {
                    *v = ((columns[i].apply(f64::from(*v)) - shift[i]) / width[i]) as f32;
                }
            })?,
        };
        Ok(Cow::Owned(scaled))
    }

    /// Adds the scaling to a program.
    pub(super) fn describe(&self, program: &mut Program, x: &Value) -> Result<Value> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Affine { shift, width } => {
                let [shift, width] = [shift, width].map(|t| Tensor::from_slice(t));
                Ok(program.add(Op::Affine, &[x], &[("shift", &shift), ("width", &width)])?)
            }
            Self::Power { columns, shift, width } => {
                let of = |part: fn(&Power) -> f64| -> Vec<f64> { columns.iter().map(part).collect() };
                let parts = [
                    ("centre", of(|power| power.centre)),
                    ("spread", of(|power| power.spread)),
                    ("lambda", of(|power| power.lambda)),
                    ("shift", shift.clone()),
                    ("width", width.clone()),
                ];
                let tensors = parts.map(|(name, values)| (name, Tensor::from_slice(&values)));
                Ok(program.add(Op::Power, &[x], &tensors.each_ref().map(|(name, t)| (*name, t)))?)
            }
        }
    }

    /// Back to the scale of the data, `[n, d]`.
    pub fn invert(&self, mut x: Array2<f32>) -> Array2<f32> {
        match self {
            Self::Identity => {}
            Self::Affine { shift, width } => {
                for mut row in x.rows_mut() {
                    Zip::from(&mut row).and(shift).and(width).for_each(|v, &s, &w| *v = *v * w + s);
                }
            }
            Self::Power { columns, shift, width } => {
                for (i, mut column) in x.axis_iter_mut(Axis(1)).enumerate() {
                    let raw = |v: f32| columns[i].invert(f64::from(v) * width[i] + shift[i]);
                    column.mapv_inplace(|v| raw(v) as f32);
                }
            }
        }
        x
    }
}

#[cfg(test)]
mod tests;
