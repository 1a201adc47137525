//! What clients and the server say to each other.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a request: the same whenever the client sends it again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The client's number, from 0.
    pub client: u32,
    /// The client's how many-th request, from 0.
    pub number: u32,
}

/// As histories show it: `client-0/4`.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "client-{}/{}", self.client, self.number)
    }
}

/// Asks the server to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Add {
    /// Which request.
    pub request: Request,
    /// How often it was sent before.
    pub attempt: u32,
    /// What to add.
    pub amount: u32,
}

/// The answer: it is counted, and no crash undoes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Added {
    /// Which request.
    pub request: Request,
    /// The counter right after it.
    pub total: u64,
}
