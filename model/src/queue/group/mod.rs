//! Consumer groups: several consumers share the partitions of their topics, each partition with one of them
//! (Kafka's classic, eager protocol; KIP-62 for its timeouts).
//!
//! ```text
//!             first join                     all joined, or the rebalance timer
//!   Empty ───────────────▶ PreparingRebalance ───────────────────────────────▶ CompletingRebalance
//!     ▲  nobody is left  ◀───┘    ▲   ▲                                              │     │
//!                                 │   └── a join, a leave, a lost session ───────────┘     │ the leader's plan
//!                                 └────── the same ─────────────────────── Stable ◀────────┘ is on the log
//! ```
//!
//! [`Group`] is the coordinator's side of one group, [`Member`] the consumer's. A generation is one round of the circle:
//! its members hold what the leader's plan gives them until they join again, and every request names the generation, so
//! that one who was left behind (a zombie) is refused.

pub mod coordinator;
pub mod entry;
pub mod error;
pub mod ids;
pub mod keeper;
pub mod member;
pub mod offsets;
pub mod progress;
pub mod range;
pub mod registration;
pub mod round_robin;
pub mod step;
pub mod sticky;
pub mod strategy;

mod attendant;

pub use coordinator::{Group, State};
pub use entry::{GroupEntry, MemberEntry};
pub use error::GroupError;
pub use ids::{Generation, MemberId, RequestId, WriteId};
pub use member::{Ask, Member, Standing};
pub use progress::CommitRule;
pub use registration::{Interest, Registration};
pub use step::{Answer, Input, JoinAnswer, Knobs, Output, Removal, Timer, TimerKind};
pub use strategy::{Plan, StrategyName};
