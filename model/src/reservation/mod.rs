//! The hotel chain.

pub mod figures;
