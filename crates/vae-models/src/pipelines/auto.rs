//! `auto`: what is fitted where no method is named.
//!
//! 1. The columns are scaled by what they are ([`Scale::fit`](crate::Scale::fit)).
//! 2. The graph of the features' nearest neighbours is cut as `spectral` cuts it, or a table of
//!    categories gets latent classes as there; where no number
//!    of clusters is given, it is estimated from the same graph. For images the graphs of the codes
//!    of an auto-encoder and of a Siamese network are averaged with it: pixels are near for many
//!    reasons.
//! 3. DGG is trained from this partition, its assignments held for the first epochs.
//! 4. DGG's clusters are kept if they cut the graph about as well as the partition did; else the
//!    partition stays, and new rows are assigned by the vote of their neighbours. DGG's latent
//!    space and its decoder serve embeddings and samples either way.

mod config;
mod fit;

pub use config::AutoConfig;
pub use fit::{Auto, AutoModel, REVISION};
