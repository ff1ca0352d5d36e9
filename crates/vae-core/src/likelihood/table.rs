//! The observation model of a table's columns: numbers, categories, and cells that are missing.

use super::Likelihood;
use crate::{Features, Result};
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use tch::{Kind, Tensor};

/// p(x | z) of a table's row: the numbers by one observation model, each category by a softmax of
/// the decoder's outputs for its levels, independent given z. Missing cells take no part (they are
/// NaN in x).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The observation model of the numbers.
    numbers: Box<Likelihood>,
    /// Features that are numbers.
    number_features: Vec<i64>,
    /// Features of each category, one a level.
    categories: Vec<Range<i64>>,
}

impl Table {
    /// The model of features that have categories or gaps; `None` for others. `of_numbers` gives
    /// the model of the columns of numbers.
    pub(super) fn of(
        x: &Features,
        of_numbers: impl FnOnce(&Features) -> Result<Likelihood>,
    ) -> Result<Option<Self>> {
        let Some(dense) = x.as_dense() else { return Ok(None) };
        let (numbers, categories) = x.numbers_and_categories();
        if categories.is_empty() && !x.has_gaps() {
            return Ok(None);
        }
        let model = match numbers.is_empty() {
            // Never asked for anything.
            true => Likelihood::Bernoulli,
            false => of_numbers(&Features::table(dense.select(Axis(1), &numbers), None)?)?,
        };
        Ok(Some(Self {
            numbers: Box::new(model),
            number_features: numbers.into_iter().map(|i| i as i64).collect(),
            categories: categories.into_iter().map(|f| f.start as i64..f.end as i64).collect(),
        }))
    }

    /// `−ln p` of every number and every category, `[b, numbers + categories]`; 0 where the cell is
    /// missing.
    pub(super) fn terms(&self, m: &Tensor, x: &Tensor) -> Tensor {
        let (is_there, x) = present(x);
        let mut parts = Vec::with_capacity(1 + self.categories.len());
        if !self.number_features.is_empty() {
            let numbers = Tensor::from_slice(&self.number_features).to_device(m.device());
            let pick = |t: &Tensor| t.index_select(-1, &numbers);
            parts.push(of_numbers(&self.numbers, &pick(m), &pick(&x), &pick(&is_there)));
        }
        for features in &self.categories {
            let pick = |t: &Tensor| t.narrow(-1, features.start, features.end - features.start);
            let log_p = pick(m).log_softmax(-1, None::<Kind>);
            // All levels of a missing category are 0 here.
            parts.push(-(pick(&x) * log_p).sum_dim_intlist([-1i64].as_slice(), true, None));
        }
        Tensor::cat(&parts, -1)
    }

    /// [`Likelihood::learned_errors`] of the numbers that are there.
    pub(super) fn learned_errors(&self, m: &Tensor, x: &Tensor) -> Option<(f64, f64)> {
        if self.number_features.is_empty() || !matches!(*self.numbers, Likelihood::Learned { .. }) {
            return None;
        }
        let (is_there, x) = present(x);
        let numbers = Tensor::from_slice(&self.number_features).to_device(m.device());
        let pick = |t: &Tensor| t.index_select(-1, &numbers);
        let squared = (pick(&x) - pick(m)).square() * pick(&is_there);
        let sum = |t: &Tensor| t.sum(Kind::Double).double_value(&[]);
        Some((sum(&squared), sum(&pick(&is_there))))
    }

    /// The same model with a learned variance fixed.
    pub(super) fn with_variance(&self, variance: f64) -> Self {
        Self { numbers: Box::new(self.numbers.with_variance(variance)), ..self.clone() }
    }

    /// The constant of the numbers, as if all were there.
    pub(super) fn constant(&self) -> f64 {
        self.numbers.constant(self.number_features.len())
    }

    /// Means of the numbers, probabilities of the levels.
    pub(super) fn mean(&self, m: &Tensor) -> Tensor {
        let mean = self.numbers.mean(m).copy();
        for features in &self.categories {
            let pick = |t: &Tensor| t.narrow(-1, features.start, features.end - features.start);
            pick(&mean).copy_(&pick(m).softmax(-1, None::<Kind>));
        }
        mean
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let softmax = "softmax of each category";
        match (self.number_features.is_empty(), self.categories.is_empty()) {
            (true, _) => f.write_str(softmax),
            (false, true) => self.numbers.fmt(f),
            (false, false) => write!(f, "{}; {softmax}", self.numbers),
        }
    }
}

/// 1 where a value is there and 0 where it is missing, and the values with 0 for those.
pub(super) fn present(x: &Tensor) -> (Tensor, Tensor) {
    (x.isnan().logical_not().to_kind(x.kind()), x.nan_to_num(0.0, None::<f64>, None::<f64>))
}

/// `−ln p` of numbers, `[b, d]`, times `is_there`.
fn of_numbers(model: &Likelihood, m: &Tensor, x: &Tensor, is_there: &Tensor) -> Tensor {
    let terms = match model {
        Likelihood::Learned { least } => {
            let squared = (x - m).square() * is_there;
            let size = is_there.sum(None::<Kind>).clamp_min(1.0);
            let variance = (squared.sum(None::<Kind>).detach() / size).clamp_min(*least);
            squared * 0.5 / &variance + variance.log() * 0.5
        }
        other => other.terms(m, x),
    };
    terms * is_there
}

#[cfg(test)]
mod tests {
    use super::super::LikelihoodKind;
    use super::*;
    use ndarray::{Array2, array};
    use vae_array::{Column, Schema};

    /// A number, a category of three levels, a number.
    fn schema() -> Schema {
        let colour = Column::category("colour", ["blue", "green", "red"]);
        Schema { named: true, columns: vec![Column::number("a"), colour, Column::number("b")] }
    }

    fn resolved(kind: LikelihoodKind, x: Array2<f32>, schema: Option<Schema>) -> Likelihood {
        let x = Features::table(x, schema).expect("valid");
        Likelihood::resolve(kind, 0.5, &x).expect("resolved")
    }

    fn tensor(rows: &[[f32; 5]]) -> Tensor {
        Tensor::from_slice(rows.concat().as_slice()).view([-1, 5]).to_kind(Kind::Double)
    }

    const MISSING: f32 = f32::NAN;

    #[test]
    fn numbers_and_categories_by_hand() {
        let x = [[0.0, 0.0, 1.0, 0.0, 2.0], [1.0, MISSING, MISSING, MISSING, MISSING]];
        let table = resolved(LikelihoodKind::Gaussian, array![x[0], x[1]], Some(schema()));
        assert_eq!(table.to_string(), "gaussian, variance 0.5; softmax of each category");
        let m = tensor(&[[1.0, 0.0, 2f32.ln(), 0.0, 0.0], [3.0, 9.0, 9.0, 9.0, 9.0]]);
        let nll = table.nll(&m, &tensor(&x));
        // Squared errors 1 and 4 at 1/2λ = 1; the level has probability 2/4. Then one number alone.
        let want = [5.0 + 2f64.ln(), 4.0];
        for (i, want) in want.into_iter().enumerate() {
            assert!((nll.double_value(&[i as i64]) - want).abs() < 1e-6, "{nll}");
        }
        assert!((table.nll_sum(&m, &tensor(&x)).double_value(&[]) - want[0] - want[1]).abs() < 1e-6);
        // (1 + 1/16 + 1/4 + 1/16 + 4 + 4) / 6 values.
        let squared = table.squared_error(&m, &tensor(&x)).double_value(&[]);
        assert!((squared - (9.0 + 0.375) / 6.0).abs() < 1e-6, "{squared}");
        let mean = Vec::<f64>::try_from(table.mean(&m).get(0)).expect("five");
        assert!(mean.iter().zip([1.0, 0.25, 0.5, 0.25, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{mean:?}");
        assert_eq!(table.constant(5), Likelihood::Gaussian { variance: 0.5 }.constant(2));
    }

    #[test]
    fn missing_cells_have_no_gradient() {
        let x = [[0.5, 1.0, 0.0, 0.0, MISSING], [MISSING, MISSING, MISSING, MISSING, 2.0]];
        let table = resolved(LikelihoodKind::Auto, array![x[0], x[1]], Some(schema()));
        let m = tensor(&[[1.0; 5], [1.0; 5]]).set_requires_grad(true);
        table.nll_sum(&m, &tensor(&x)).backward();
        let gradient = Vec::<f64>::try_from(m.grad().view(-1)).expect("ten");
        let is_moved: Vec<bool> = gradient.iter().map(|g| *g != 0.0).collect();
        assert_eq!(
            is_moved,
            [true, true, true, true, false, false, false, false, false, true],
            "{gradient:?}"
        );
    }

    #[test]
    fn the_learned_variance_counts_the_cells_that_are_there() {
        // Squared errors 1 and 4 of two cells: variance 2.5.
        let x = array![[0.0f32, MISSING], [MISSING, 3.0]];
        let table = resolved(LikelihoodKind::Learned, x, None);
        let x = Tensor::from_slice(&[0.0f64, f64::NAN, f64::NAN, 3.0]).view([2, 2]);
        let m = Tensor::from_slice(&[1.0f64, 7.0, 7.0, 1.0]).view([2, 2]);
        let want = 5.0 / (2.0 * 2.5) + 2.0 * 0.5 * 2.5f64.ln();
        assert!((table.nll_sum(&m, &x).double_value(&[]) - want).abs() < 1e-9);
    }

    #[test]
    fn features_without_categories_and_gaps_are_as_before() {
        let plain = resolved(LikelihoodKind::Learned, array![[0.0f32, 2.0]], None);
        assert_eq!(plain, Likelihood::learned(2));
        let plain =
            resolved(LikelihoodKind::Gaussian, array![[0.0f32, 2.0]], Some(Schema::plain(true, ["a", "b"])));
        assert_eq!(plain, Likelihood::Gaussian { variance: 0.5 });
    }
}
