//! Histories of the hotel chain written by hand: one that is as it should be, and for every invariant some that it
//! convicts.

mod answers;
mod durable;
mod history;
mod legal;
mod markers;
mod money;
