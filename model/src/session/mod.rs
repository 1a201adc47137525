//! Sessions: what a real connection gives for free, on top of datagrams.
//!
//! The requests of one session are numbered, taken once and in order; a repeat gets the stored answer. A session
//! ends on silence, or as soon as either side no longer knows it, and the server then lets go of what it held
//! for it. A request without an answer when its session ends has an unknown outcome.
//!
//! ```text
//!  client                      server
//!    │ Hello(nonce)              │
//!    │──────────────────────────▶│ a new session, unless this Hello is a repeat
//!    │      Welcome(nonce, 7)    │
//!    │◀──────────────────────────│
//!    │ Request(7, number 1, …)   │
//!    │──────────────────────────▶│ taken once
//!    │ Request(7, number 1, …)   │ … again, since no answer came
//!    │──────────────────────────▶│ Working(7, 1), or the stored answer
//!    │      Answer(7, 1, …)      │
//!    │◀──────────────────────────│
//!    │ End(7)                    │
//!    │──────────────────────────▶│ forgotten; whatever it held is let go
//! ```

mod client;
mod frame;
mod pool;
mod server;
mod table;

pub use client::{Session, SessionOver, Sessions};
pub use frame::Frame;
pub use pool::SessionPool;
pub use server::{Heard, SessionServer};
pub use table::{SessionTable, Verdict};

use std::time::Duration;

/// How patient both sides are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patience {
    /// After this long without a word about it a client sends its request again.
    pub resend: Duration,
    /// After this long without a word from the other side a session is over.
    pub silence: Duration,
}

impl Patience {
    /// After how long a client asks again that knows its request came: often enough that the session stays, and that an
    /// answer which was lost is missed before long.
    pub fn while_at_work(self) -> Duration {
        (self.resend * 4).min(self.silence / 3).max(self.resend)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Patience { resend: Duration::from_millis(500), silence: Duration::from_secs(4) }
    }
}
