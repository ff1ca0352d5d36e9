//! Mean, sample standard deviation and range of a few numbers.

/// A summary of `n` numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub n: usize,
    pub mean: f64,
    /// Sample standard deviation (divisor n - 1); `None` for one number.
    pub std: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// Summarises `values`; `None` where there are none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    Some(Summary {
        n,
        mean,
        std: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

impl Summary {
    /// Fractions as per cent: `94.10 ± 0.20`, or `94.10` for one number.
    pub fn percent(&self) -> String {
        match self.std {
            Some(std) => format!("{:.2} ± {:.2}", 100.0 * self.mean, 100.0 * std),
            None => format!("{:.2}", 100.0 * self.mean),
        }
    }

    /// The range of fractions as per cent: `93.90–94.30`.
    pub fn percent_range(&self) -> String {
        format!("{:.2}–{:.2}", 100.0 * self.min, 100.0 * self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Mean 5, squares 9+1+1+1+0+0+4+16 = 32, sample variance 32/7.
        let s = summary(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((s.n, s.mean, s.min, s.max), (8, 5.0, 2.0, 9.0));
        assert!((s.std.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn one_number_has_no_deviation() {
        let s = summary(&[0.941]).unwrap();
        assert_eq!(s.std, None);
        assert_eq!(s.percent(), "94.10");
        assert_eq!(summary(&[0.939, 0.943]).unwrap().percent(), "94.10 ± 0.28");
        assert_eq!(summary(&[0.939, 0.943]).unwrap().percent_range(), "93.90–94.30");
    }
}
