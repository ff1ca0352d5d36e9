//! `vae embed`: points of the latent space.

use crate::args::EmbedArgs;
use crate::assignments::point_rows;
use crate::commands::apply::{Applied, Piece, within, write_array, write_lines};
use crate::commands::outputs::{Format, Target};
use crate::confidence::require_finite_from;
use crate::output::thousands;
use crate::rows::{Place, numbered};
use anyhow::{Result, bail};
use ndarray::Array2;
use vae_models::Clusterer;

/// Writes the embedding, block by block.
///
/// # Errors
/// Unreadable model or data, data of another dimension, values that are not finite, an unwritable
/// file.
pub fn run(args: &EmbedArgs) -> Result<()> {
    let allowed = [(Format::Npy, "npy"), (Format::Csv, "csv")];
    let target = Target::new(Some(&args.out), &args.input, &allowed)?;
    if args.append && target.format == Format::Npy {
        bail!("--append writes CSV; name the file .csv");
    }
    let mut data = Applied::open(&args.input, args.append, &target)?;
    let mut d = 0;
    match (target.format, target.path) {
        (Format::Npy, Some(path)) => {
            d = data.latent_dim()?;
            let shape = [data.n() as u64, d as u64];
            write_array(&mut data, path, &shape, |model, piece| {
                Ok(points(model, piece)?.into_iter().collect())
            })?;
        }
        _ => write_lines(&mut data, target.path, |data, to| {
            let id_name = data.id_name().map(str::to_owned);
            let has_head = id_name.is_some() || matches!(data.place, Place::Behind(_));
            data.each(|model, piece| {
                let z = points(model, piece)?;
                if piece.start == 0 {
                    d = z.ncols();
                    if has_head {
                        to.head(id_name.as_deref(), &numbered("z", 1, d))?;
                    }
                }
                Ok(point_rows(to, piece.names(), z.view())?)
            })
        })?,
    }
    target.say(&format!("{} samples in {d} dimensions", thousands(data.n())))
}

fn points(model: &dyn Clusterer, piece: &Piece) -> Result<Array2<f32>> {
    let z = within(model.embed(&piece.x), piece.start)?;
    require_finite_from(z.view(), "its latent codes", piece.ids.as_ref(), piece.start)?;
    Ok(z)
}
