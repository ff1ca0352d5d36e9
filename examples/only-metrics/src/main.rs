//! Scores a clustering against labels. Needs no torch.

use ndarray::Array1;
use vae_metrics::{Average, Contingency, Scores};

fn main() -> vae_metrics::Result<()> {
    // 600 flowers of three species; the clustering swaps the names and mistakes every tenth flower
    // of species 2 for 0.
    let labels = Array1::from_shape_fn(600, |i| (i % 3) as u32);
    let clusters = Array1::from_shape_fn(600, |i| match i % 3 {
        0 => 20,
        1 => 10,
        _ if i % 30 == 2 => 20,
        _ => 30,
    });

    // The points are counted once; every score is read off the table.
    let table = Contingency::new(clusters.view(), labels.view())?;
    let scores = Scores::from_contingency(&table)?;
    println!("accuracy {:.4}, NMI {:.4}, ARI {:.4}", scores.acc, scores.nmi, scores.ari);
    println!("NMI with the geometric mean {:.4}", table.nmi(Average::Geometric));

    // Clusters in the order of the classes they match.
    print!("{}", table.confusion()?.permuted());

    assert_eq!(scores.acc, 580.0 / 600.0);
    assert_eq!(scores.n_clusters_found, 3);
    Ok(())
}
