//! `vae embed`: points of the latent space.

use crate::args::EmbedArgs;
use crate::assignments::{write_npy_with_ids, write_points};
use crate::commands::open;
use crate::commands::outputs::{Format, Target};
use crate::confidence::require_finite;
use crate::files;
use crate::output::thousands;
use anyhow::Result;

/// Writes the embedding.
///
/// # Errors
/// Unreadable model or data, data of another dimension, values that are not finite, an unwritable
/// file.
pub fn run(args: &EmbedArgs) -> Result<()> {
    let allowed = [(Format::Npy, "npy"), (Format::Csv, "csv")];
    let target = Target::new(Some(&args.out), &args.input, &allowed)?;
    let (model, input) = open(&args.input)?;
    let ids = input.ids.as_ref();
    let z = model.embed(&input.features)?;
    require_finite(z.view(), "its latent codes", ids)?;
    let (n, d) = z.dim();
    let done = format!("{} samples in {d} dimensions", thousands(n));
    match (target.format, target.path) {
        (Format::Npy, Some(out)) => {
            write_npy_with_ids(out, ids, |out| files::write_npy_f32(out, z.view()))?;
            target.say(&done)
        }
        _ => target.write_text(&done, |to| write_points(to, ids, z.view())),
    }
}
