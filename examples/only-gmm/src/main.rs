//! Fits a Gaussian mixture to points in the plane. Needs no torch.

use ndarray::{Array2, array};
use vae_gmm::{GmmConfig, KMeansConfig};

fn main() -> vae_gmm::Result<()> {
    // Two heaps around (0, 0) and (10, 10), with a fixed scatter of five steps either way.
    let x = Array2::from_shape_fn((200, 2), |(i, j)| {
        (i % 2 * 10) as f32 + ((i * 7 + j * 3) % 11) as f32 / 5.0 - 1.0
    });

    // 20 restarts of k-means from seed 0; the same seed gives the same bytes.
    let kmeans = KMeansConfig::default().fit(x.view(), 2, 0)?;
    println!("k-means: inertia {:.1} after {} iterations", kmeans.inertia(), kmeans.n_iter());

    // k-means, then EM.
    let fit = GmmConfig::default().fit(x.view(), 2, 0)?;
    let model = fit.model();
    println!("weights {:.2}, means\n{:.2}", model.pi(), model.mu());

    // Which component new points belong to, and how surely.
    let new = array![[0.5_f32, -0.5], [9.0, 11.0]];
    let gamma = model.predict_proba(new.view())?; // [2, 2], rows sum to 1
    println!("responsibilities\n{gamma:.3}");
    assert!(fit.converged());
    assert!((gamma[[0, 0]] - gamma[[1, 0]]).abs() > 0.99);
    Ok(())
}
