//! Push: a broker sends a consumer what becomes readable, unasked, as long as the consumer has credit. For comparison with
//! pull, where a consumer asks for each piece and waits at the broker while there is none.
//!
//! ```text
//!  consumer                                   broker: the leader, or a follower in sync
//!    │ Subscribe(7, from 40, credit 4,096)      │
//!    │─────────────────────────────────────────▶│ there once, however often that comes; in this epoch alone
//!    │           Push(7, number 1, 40 to 43)    │
//!    │◀─────────────────────────────────────────│
//!    │           Push(7, number 2, 43 to 44)    │ its credit is spent: wait
//!    │◀─────────────────────────────────────────│
//!    │ Credit(7, through 1)                     │ worked through: there is room for more
//!    │─────────────────────────────────────────▶│
//!    │ Ask(7, through 1)                        │ nothing heard for a while
//!    │─────────────────────────────────────────▶│
//!    │           Alive(7, pushed 3)             │ so number 3 is missing
//!    │◀─────────────────────────────────────────│
//! ```
//!
//! A subscription is a session of its own: its pushes are numbered, and each is taken once and in order while it stands.
//! It ends when a push stays missing, on silence, with the epoch in which it began, or as soon as either side does not
//! know it any more; the consumer then begins another where it has got to. So nothing is ever pushed again, and what a
//! broker remembers of a subscription need not outlive it.
//!
//! Credit is a window in bytes over what was pushed and is not worked through, as in reactive streams and AMQP's links: a
//! consumer that is slow holds no more than that, whatever stands in the log. A batch that is larger than the window comes
//! alone. What is worked through is said by number, so credit that is said twice, late or in another order gives nothing
//! away.

mod ending;
mod frame;
mod inflow;
mod outflow;

#[cfg(test)]
mod tests;

pub use ending::Ending;
pub use frame::{PushFrame, SubscriptionId};
pub use inflow::{Inflow, Next};
pub use outflow::Outflow;

use super::record::{Batch, Content};
use std::sync::Arc;

/// What a push of these batches costs of a consumer's credit: their keys and values in bytes, and something if there are
/// none, for it takes a place all the same.
pub fn cost(batches: &[Arc<Batch>]) -> u64 {
    let records = batches.iter().filter_map(|batch| match &batch.payload.content {
        Content::Records(records) => Some(records),
        Content::Marker(_) | Content::Routing(_) => None,
    });
    let bytes =
        records.flatten().map(|record| record.key.as_ref().map_or(0, |key| key.len()) + record.value.len());
    (bytes.sum::<usize>() as u64).max(1)
}
