//! The two directions in which points vary most, for a look at a latent space.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Numbers that are looked at, at most: points times dimensions.
const BUDGET: usize = 4_000_000;
/// Rounds of the power iteration.
const ROUNDS: usize = 100;

/// Points in the plane of their first two principal components.
#[derive(Debug)]
pub struct Plane {
    /// `[m, 2]`.
    pub points: Array2<f64>,
    /// Row of each point in the data, `[m]`.
    pub rows: Vec<usize>,
    /// Share of the variance along each axis.
    pub explained: [f64; 2],
}

/// Projects at most `most` evenly spaced rows of `z` `[n, d]`.
///
/// Subspace iteration with the covariance applied as two products, never built: `d` may be large.
/// The sign of an axis is fixed by its largest entry, so equal data give equal pictures.
pub fn project(z: ArrayView2<'_, f32>, most: usize) -> Plane {
    let (n, d) = z.dim();
    let m = n.min(most).min((BUDGET / d.max(1)).max(2));
    let rows: Vec<usize> = (0..m).map(|i| i * n / m).collect();
    let mut x = z.select(Axis(0), &rows).mapv(f64::from);
    let mean = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(d));
    x -= &mean;
    let total: f64 = x.iter().map(|v| v * v).sum();

    // Any start that is not orthogonal to the answer will do; this one has no structure in common
    // with data.
    let mut v =
        Array2::from_shape_fn((d, 2), |(i, j)| ((i * 2 + j + 1) as f64 * 0.754_877_666).fract() - 0.5);
    orthonormalise(&mut v);
    for _ in 0..ROUNDS {
        let mut next = x.t().dot(&x.dot(&v));
        orthonormalise(&mut next);
        let moved = (&next - &v).iter().map(|e| e * e).sum::<f64>();
        v = next;
        if moved < 1e-12 {
            break;
        }
    }
    for mut axis in v.columns_mut() {
        let largest = axis.iter().fold(0.0f64, |best, &e| if e.abs() > best.abs() { e } else { best });
        axis *= if largest < 0.0 { -1.0 } else { 1.0 };
    }
    let points = x.dot(&v);
    let share = |j: usize| {
        let along: f64 = points.column(j).iter().map(|p| p * p).sum();
        if total > 0.0 { along / total } else { 0.0 }
    };
    Plane { explained: [share(0), share(1)], points, rows }
}

/// Gram–Schmidt on two columns; a column that vanishes stays zero.
fn orthonormalise(v: &mut Array2<f64>) {
    for j in 0..v.ncols() {
        for i in 0..j {
            let along = v.column(i).dot(&v.column(j));
            let other = v.column(i).to_owned();
            v.column_mut(j).scaled_add(-along, &other);
        }
        let norm = v.column(j).dot(&v.column(j)).sqrt();
        v.column_mut(j).mapv_inplace(|e| if norm > 1e-300 { e / norm } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_two_long_axes() {
        // Axis 2 varies most, then axis 0, in closed form: sums of squares 4·9 and 4·1 of a total
        // of 40.04.
        let z = ndarray::array![[1.0f32, 0.1, 3.0], [-1.0, -0.1, 3.0], [1.0, -0.1, -3.0], [-1.0, 0.1, -3.0]];
        let plane = project(z.view(), 100);
        assert!((plane.explained[0] - 36.0 / 40.04).abs() < 1e-9, "{:?}", plane.explained);
        assert!((plane.explained[1] - 4.0 / 40.04).abs() < 1e-6, "{:?}", plane.explained);
        for (point, row) in plane.points.rows().into_iter().zip(z.rows()) {
            assert!(
                (point[0] - f64::from(row[2])).abs() < 1e-6 && (point[1] - f64::from(row[0])).abs() < 1e-4
            );
        }
    }

    #[test]
    fn one_column_and_constant_data_are_no_trouble() {
        let line = Array2::from_shape_fn((10, 1), |(i, _)| i as f32);
        let plane = project(line.view(), 5);
        assert_eq!(plane.rows, [0, 2, 4, 6, 8]);
        assert!((plane.explained[0] - 1.0).abs() < 1e-12 && plane.explained[1] == 0.0);
        let constant = Array2::<f32>::ones((4, 3));
        assert!(project(constant.view(), 4).points.iter().all(|v| v.is_finite()));
    }
}
