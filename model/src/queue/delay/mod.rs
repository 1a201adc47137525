//! Delayed messages: written to a topic of the queue's own, and moved to where they belong when they are due.
//!
//! ```text
//!  producer, ──postponed──▶ delayed/0, delayed/1 ──▶ movers, a group: hold, wait ──due──▶ target ──▶ consumers
//!  or a consumer that                ▲                        │                             │
//!  will try again                    └── commit: everything before it is moved ◀── acks all ┘
//! ```
//!
//! **Never early.** A delay counts from the append to the delayed topic. Monotonic clocks of two nodes, or of two lives of
//! one, cannot be compared, and a wall clock may be set at any time. So a mover counts the whole delay by its own
//! monotonic clock from when it first saw the record, which was not before the append. When a mover crashes, or the
//! partition goes to another, the count begins anew: a message is late by what that costs, and never early. An
//! appointment is a matter of wall clocks: it is due when the mover's says so, and if somebody sets that clock the
//! appointment moves with it.
//!
//! **Moved once.** The copy bears a name that follows from its source: its producer id is made of the group and of the
//! partition, the leader epoch and the offset at which the source stands, which name one batch for ever; it is the first
//! and only batch of that producer ([`Forwarder`](super::client::Forwarder)). The target's leader knows it again by the
//! rules for idempotent producers (KIP-98), and the leader after it too, since what it knows of producers follows from
//! its log. So it does not matter who copies, or how often: a mover that died between the copy and the note of it, its
//! successor, a zombie that does not know yet that it was replaced, an answer that was lost. Nobody has to be fenced and
//! nobody has to look for what was moved before. The price is one producer in the target's memory for each moved record,
//! and that the target has to keep its records longer than a mover may be behind.
//!
//! **Nothing is lost.** A mover commits, as a member of its group, that everything before an offset is moved, and only
//! once the target has acknowledged that with all in-sync replicas.

pub mod mover;
pub mod postponed;
pub mod shelf;

pub use mover::{MOVERS, move_when_due};
pub use postponed::{Due, Postponed};
pub use shelf::Shelf;
