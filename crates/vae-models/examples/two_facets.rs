//! Two clusterings of the same samples at once:
//! `cargo run --release -p vae-models --example two_facets`.
//!
//! The data are the synthetic example of LTVAE's paper. LTVAE starts from one facet and finds the
//! second one by its structure search; both are scored with the true clusterings, which the fit
//! never sees, by accuracy and by purity.

#[path = "../tests/two_facets/mod.rs"]
mod two_facets;

use vae_core::phase::FitContext;
use vae_models::registry::{Selection, resolve};

/// The settings of the example, in the form of `vae fit --set`.
const SETTINGS: &str = include_str!("../tests/two_facets/settings.txt");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (x, truth) = two_facets::two_facets(5000, 7);
    let set = SETTINGS.lines().chain(["search.every_epochs=5"]).map(String::from).collect();
    let selection =
        Selection { method: Some("ltvae".into()), n_clusters: Some(2), set, ..Selection::default() };
    let mut method = resolve(&selection)?.build()?;
    method.fit(&x, &FitContext::in_memory(0))?;
    let facets = method.facets().ok_or("the model has no facets")?;
    println!("{}", facets.structure());
    for (i, found) in facets.assignments(&x)?.iter().enumerate() {
        for (j, truth) in truth.iter().enumerate() {
            let acc = vae_metrics::acc(found.view(), truth.view())?;
            let purity = vae_metrics::purity(found.view(), truth.view())?;
            println!("facet {i} against true clustering {j}: ACC {acc:.4}  purity {purity:.4}");
        }
    }
    Ok(())
}
