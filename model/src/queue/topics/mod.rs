//! Topics whose partitions change while they run: how many there are, which are retired, and who waits for whom.
//!
//! ```text
//!   operator ── compare-and-set ──▶ /topics/N, version v
//!                                       │ heard by every broker, in order
//!        ┌──────────────────────────────┼──────────────────────────────┐
//!   the controller creates        leaders refuse appends         coordinators of groups
//!   what is new                   routed before v                share out anew
//!                                       │                              ▲
//!   key_order = kept: a mark in the log of every older partition ──────┘ a new partition waits until the group
//!                                       in sync: /barriers/P             has committed up to the marks
//! ```
//!
//! Old messages stay where they are. Behind the mark of version v nothing stands in a partition that was routed before
//! v: whoever leads knows it from the log, and who comes later has heard of v before it led.

mod shares;
mod state;

pub use shares::{Barriers, Shares};
pub use state::{KeyOrder, TopicState};
