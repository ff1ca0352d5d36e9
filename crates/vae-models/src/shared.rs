//! What several methods are made of: parts of networks and losses, and what a fitted model of one
//! kind can do.

pub(crate) mod assignments;
pub(crate) mod class_vae;
pub(crate) mod dense_rows;
pub(crate) mod elbo;
pub(crate) mod encoder_decoder;
pub(crate) mod from_random;
pub(crate) mod mixture;
pub(crate) mod mixture_vae;
pub(crate) mod nearest_centre;
pub(crate) mod neighbour_vote;
pub(crate) mod posterior;
pub(crate) mod warmup;
