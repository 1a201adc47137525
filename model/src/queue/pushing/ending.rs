//! How a subscription ends.

use crate::queue::protocol::Refusal;
use serde::{Deserialize, Serialize};

/// Why a subscription is over, as its consumer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// The broker does not serve it, or no more.
    Refused(Refusal),
    /// The broker does not know it: it came up again, or had heard nothing for too long.
    Forgotten,
    /// A push is missing.
    Lost,
    /// Nothing was heard from the broker for too long.
    Silent,
}
