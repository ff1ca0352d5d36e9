//! What several methods are made of: parts of networks and losses, and what a fitted model of one kind can do.

pub(crate) mod assignments;
pub(crate) mod class_vae;
pub(crate) mod dense_rows;
pub(crate) mod encoder_decoder;
pub(crate) mod from_random;
pub(crate) mod mixture;
pub(crate) mod mixture_vae;
pub(crate) mod posterior;

use vae_core::identity::Revision;

/// What the modules of this folder have of their own.
pub(crate) const REVISIONS: &[Revision] = &[
    class_vae::REVISIONS[0],
    encoder_decoder::REVISION,
    from_random::REVISIONS[0],
    mixture::REVISION,
    mixture_vae::REVISIONS[0],
    posterior::REVISION,
];
