//! `vae embed`: points of the latent space.

use crate::args::EmbedArgs;
use crate::commands::open;
use crate::commands::outputs::{Format, check_out, format_of, inputs_of};
use crate::files;
use crate::output::{say, thousands};
use anyhow::Result;

/// Writes the embedding.
///
/// # Errors
/// Unreadable model or data, data of another dimension, an unwritable file.
pub fn run(args: &EmbedArgs) -> Result<()> {
    check_out(&args.out, &inputs_of(&args.input))?;
    let format = format_of(&args.out, &[(Format::Npy, "npy"), (Format::Csv, "csv")])?;
    let (model, input) = open(&args.input)?;
    let z = model.embed(&input.features)?;
    match format {
        Format::Npy => files::write_npy_f32(&args.out, z.view())?,
        _ => files::write_csv(&args.out, z.view())?,
    }
    let (n, d) = z.dim();
    say(&format!("{} samples in {d} dimensions: {}\n", thousands(n), args.out.display()))
}
