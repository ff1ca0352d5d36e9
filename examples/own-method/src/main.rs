//! A clustering method of one's own: clusters around points that are far from each other (Gonzalez
//! 1985).

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use vae_core::features::{to_array2, to_tensor};
use vae_core::{Features, bundle::Tensors, phase::FitContext};
use vae_models::{
    Clusterer, Fit, FitSummary, Input, InputConfig, Method, MethodConfig, Model, Result, ScaleKind,
};

/// The settings: what `--set`, `--config` and presets can name. Unknown keys are refused with their
/// line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FarthestConfig {
    n_clusters: usize,
    scale: ScaleKind,
}

impl MethodConfig for FarthestConfig {
    fn input(&self) -> InputConfig {
        InputConfig { n_clusters: self.n_clusters, scale: self.scale, likelihood: None }
    }

    fn check(&self) -> Result<()> {
        Ok(()) // n_clusters is checked for all methods; own ranges are checked here.
    }
}

/// The fitted model: centres, `[K, d]`.
#[derive(Debug)]
struct Centres(Array2<f32>);

impl Model for Centres {
    fn tensors(&self) -> Result<Tensors> {
        Ok(Tensors::from([("centres".to_string(), to_tensor(self.0.view(), tch::Device::Cpu)?)]))
    }

    fn predict(&self, x: &Features) -> Result<Array1<u32>> {
        let nearest = |row: ndarray::ArrayView1<'_, f32>| {
            let distance = |c: ndarray::ArrayView1<'_, f32>| (&row - &c).mapv(|d| d * d).sum();
            let all = self.0.outer_iter().map(distance).enumerate();
            all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(c, _)| c as u32)
        };
        Ok(x.dense_rows(0, x.n()).outer_iter().map(nearest).collect())
    }

    fn embed(&self, x: &Features) -> Result<Array2<f32>> {
        Ok(x.dense_rows(0, x.n()))
    }
}

/// The method. What needs a while goes into a phase (`cx.phase`), which is cached and resumed.
#[derive(Debug)]
struct Farthest;

impl Method for Farthest {
    const NAME: &'static str = "farthest";
    const SUMMARY: &'static str = "clusters around points far from each other";
    const REFERENCE: &'static str = "Gonzalez 1985";
    // const PRESETS: &'static [Preset] = presets!("farthest": "strokes"); for
    // presets/farthest/strokes.toml
    type Config = FarthestConfig;
    type Model = Centres;

    fn fit(
        config: &FarthestConfig,
        x: &Features,
        _: &Input,
        _: &FitContext,
    ) -> Result<(Centres, FitSummary)> {
        let rows = x.dense_rows(0, x.n());
        let mut chosen = vec![0];
        while chosen.len() < config.n_clusters {
            let distance = |i: usize| {
                let to = |&c: &usize| (&rows.row(i) - &rows.row(c)).mapv(|d| d * d).sum();
                chosen.iter().map(to).fold(f32::INFINITY, f32::min)
            };
            let next = (0..rows.nrows()).max_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            chosen.push(next.unwrap_or(0));
        }
        let model = Centres(rows.select(ndarray::Axis(0), &chosen));
        let assignments = model.predict(x)?;
        Ok((model, FitSummary { assignments, selection: "none".into(), ..FitSummary::default() }))
    }

    fn restore(_: &FarthestConfig, _: &Input, tensors: &Tensors) -> Result<Centres> {
        Ok(Centres(to_array2(vae_models::stored(tensors, "centres")?)?))
    }
}

fn main() -> Result<()> {
    // On its own; in the registry of vae-models it is one line,
    // `Entry::of::<farthest::Farthest>()`.
    let x = Features::dense(ndarray::array![[0.0, 0.1], [5.0, 5.0], [0.1, 0.0], [9.0, 0.0], [5.1, 5.2]])?;
    let mut method = Fit::<Farthest>::new(FarthestConfig { n_clusters: 3, ..FarthestConfig::default() })?;
    let summary = method.fit(&x, &FitContext::in_memory(0))?; // seed 0, CPU, nothing kept on disk
    println!("clusters {}", summary.assignments);
    assert_eq!(summary.assignments.to_vec(), [0, 2, 0, 1, 2]);
    assert_eq!(method.predict(&x)?, summary.assignments);
    Ok(())
}
