//! What travels between the two ends of a session.

use serde::{Deserialize, Serialize};

/// A frame; requests are `Q`, answers `A`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Frame<Q, A> {
    /// Client: let us begin. The nonce tells a repeat from another wish to begin.
    Hello {
        /// Random.
        nonce: u64,
    },
    /// Server: the session is this.
    Welcome {
        /// That of the Hello.
        nonce: u64,
        /// The session.
        session: u64,
    },
    /// Client: do this.
    Request {
        /// The session.
        session: u64,
        /// 1, 2, 3, … within the session.
        number: u64,
        /// What to do.
        body: Q,
    },
    /// Server: that request came and is being worked on.
    Working {
        /// The session.
        session: u64,
        /// The request.
        number: u64,
    },
    /// Server: it is done.
    Answer {
        /// The session.
        session: u64,
        /// The request.
        number: u64,
        /// What came of it.
        body: A,
    },
    /// Either: the session is over, or was never known.
    End {
        /// The session.
        session: u64,
    },
}
