//! Messages whose processing fails: tried again, and after so many tries set aside as dead letters.
//!
//! ```text
//!  retry = topic      topic-0 ──▶ consumer ──fails──▶ delayed ──backoff──▶ retry-G ──▶ consumer ──fails── …
//!                                    │                                                    └─ the last try ──▶ dead-letters-G
//!                                    └── commits only when that is acknowledged by all in sync
//!
//!  retry = park-key   topic-0 ──▶ consumer ──fails──▶ parked with its key ──backoff──▶ again … ──the last try──▶ dead-letters-G
//!                                    └── other keys go on; commits only what is before everything parked
//! ```
//!
//! With a retry topic a partition is never held up, and order is lost. Where the order of a key counts, the message is
//! tried again where it is, and the later ones of its key wait behind it ([`Parking`]): which they are is known from the
//! log and from what is committed, so there is no state of its own that a crash could lose. After a crash the tries are
//! counted anew. Either way a message is written on before it is committed, under the name that follows from its source
//! ([`Forwarder`](super::client::Forwarder)), so it is never lost, and one that is written on again is known again.

pub mod parking;
pub mod retried;

pub use parking::{Key, Parked, Parking};
pub use retried::Retried;
