//! Methods that are made of other methods.

pub mod auto;
