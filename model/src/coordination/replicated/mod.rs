//! The coordination service on several nodes, of which a majority must be there.
//!
//! ```text
//!            requests                 propose, read                 term, vote, log
//!  client ─────────────▶ server ──▶ service ──────────▶ consensus ────────────────────▶ disk
//!    ▲                     │           ▲                    │ ▲                           │
//!    └── answers, or ──────┘           └── committed, ──────┘ └──────── synced ───────────┘
//!        "not the leader"                  confirmed
//! ```
//!
//! - The members agree on one log of commands ([`consensus`](super::consensus)), and each carries out what is
//!   committed in a [`Registry`](super::Registry) of its own. One that lags far behind gets the registry itself.
//! - Only the leader answers, and only what it may: a change when it is committed, everything else when a majority
//!   has confirmed, after it was asked, that it still leads (ReadIndex, section 6.4 of the dissertation). No clock
//!   is trusted for that.
//! - The end of a silent session is a command like any other. Who was heard when is known to the leader alone, so a
//!   new one gives every session its whole timeout anew.

mod disk;
mod server;
mod service;
mod step;

pub use disk::{Kept, Write};
pub use server::{Setup, serve};
pub use service::ReplicatedService;
pub use step::{Input, Output, Rules};
