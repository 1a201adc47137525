//! The idempotent producer and the transactions of the message queue, each core beside something naive that says what
//! it must do.

mod admission;
mod coordination;
mod makings;
mod producing;
mod stability;
