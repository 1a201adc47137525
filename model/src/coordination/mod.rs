//! The coordination service: a linearizable key-value store with versions, sessions, ephemeral keys and
//! watches. Others keep in it who lives, who leads and what is where.
//!
//! ```text
//!  client ── requests, each taken once ──▶ server ──▶ service: one step at a time ──▶ registry: keys, sessions
//!    │  keeps its sessions alive             ▲             │
//!    │  watches on from what it saw          │ synced      │ what changed something
//!    ◀── answers ────────────────────────────┴──── log ◀───┘
//! ```
//!
//! One node keeps all of it on its disk ([`server`]), or three agree on one log of commands ([`replicated`]); their
//! clients see no difference but that the three are there while two of them are.
//!
//! Nothing is said that rests on what is not durable. The version of an entry is the fencing token of whoever
//! put it: who acts for a session passes it on, and is refused by those who have seen a larger one.

pub mod client;
pub mod command;
pub mod consensus;
pub mod error;
pub mod happening;
pub mod lease;
mod leases;
pub mod log;
pub mod messages;
pub mod registry;
pub mod replicated;
mod search;
pub mod server;
pub mod service;
pub mod snapshot;
mod watches;

pub use client::{ClientSetup, Coordination, View, Watched};
pub use command::{Change, Check, Command, Edit, Entry, Expected, Keys, Reply, Revision, SessionId};
pub use error::CoordinationError;
pub use happening::{Happening, OperationId, Outcome, Refusal, Report};
pub use lease::CoordinationSession;
pub use messages::{CoordinationFrame, Request, Response};
pub use registry::{Compacted, Position, Registry};
