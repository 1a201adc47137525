//! The promises of the message queue.
//!
//! The truth about logs comes from the brokers that hold them, and the truth about who leads and who is in sync from
//! the coordination service alone: [`cluster`] keeps both from the facts. [`consumers`] keeps what consumers were told
//! to own. One promise per file:
//!
//! ```text
//!  PartitionChanged … ──▶ cluster ──▶ isr_ordering  one_leader_per_epoch  placement_spread  reassignment_keeps_copies
//!  Appended, Recovered … ──▶ │          logs_agree  start_below_watermark  bytes_intact
//!  StoppedInOrder, BrokerGone ────────▶ brokers_return
//!  Dropped, Archived … ──────┼────────▶ retention_honest
//!  ControllerChanged ────────┼────────▶ one_controller_per_epoch
//!  Sent, Told ───────────────┼────────▶ acked_not_lost  lost_only_as_allowed  every_message_told
//!  Assigned, Processed … ──▶ consumers ──▶ at_least_once  at_most_once  partition_order
//!                                          one_owner  offsets_move_forward  group_settles
//!  … and both ──▶ exactly_once  last_stable_moves  follower_read
//!  Postponed, Released … ─────────────▶ not_before_due  moved_once
//!  Failed, Forwarded, Parked ─────────▶ retried_or_dead  partition_order
//!  Lending … ─────────────────────────▶ taken_by_one
//!  Subscribed, PushCame … ────────────▶ within_credit
//!  TopicChanged, Retired … ───────────▶ retired_drains  key_order_kept
//!  Coordination … ──▶ coordination_book ──▶ coordination_linearizes  session_honest  watch_tells_all
//! ```
//!
//! What an invariant may not know it does not judge: a promise that another one depends on is named in its file.

pub mod acked_not_lost;
pub mod at_least_once;
pub mod at_most_once;
pub mod brokers_return;
pub mod bytes_intact;
pub mod cluster;
pub mod consumers;
pub mod coordination_book;
pub mod coordination_linearizes;
pub mod copy;
pub mod every_message_told;
pub mod exactly_once;
pub mod follower_read;
pub mod group_settles;
pub mod isr_ordering;
pub mod key_order_kept;
pub mod last_stable_moves;
pub mod logs_agree;
pub mod lost_only_as_allowed;
pub mod markers;
pub mod moved_once;
pub mod not_before_due;
pub mod offsets_move_forward;
pub mod one_controller_per_epoch;
pub mod one_leader_per_epoch;
pub mod one_owner;
pub mod partition_order;
pub mod placement_spread;
pub mod reassignment_keeps_copies;
pub mod retention_honest;
pub mod retired_drains;
pub mod retried_or_dead;
pub mod rules;
pub mod session_honest;
pub mod start_below_watermark;
pub mod taken_by_one;
pub mod watch_tells_all;
pub mod within_credit;

mod parked_keys;
mod succession;

use crate::Monitor;
use rehearsal_model::queue::facts::Fact;
use std::rc::Rc;

pub use markers::{MARKERS, Markers};
pub use rules::Rules;

/// Every invariant of the queue over one cluster, in the order in which they must be witness.
pub fn monitors(rules: Rules) -> Vec<Box<dyn Monitor<Fact>>> {
    let consumers = consumers::Consumers::shared(&rules);
    let calm = rules.calm_begins;
    let cluster = cluster::Cluster::shared(Rc::new(rules));
    let coordination = coordination_book::CoordinationBook::shared();
    let history = || coordination.clone();
    let shared = || cluster.clone();
    let members = || consumers.clone();
    vec![
        Box::new(shared()),
        Box::new(members()),
        Box::new(retention_honest::RetentionHonest::new(shared())),
        Box::new(bytes_intact::BytesIntact::new(shared())),
        Box::new(history()),
        Box::new(logs_agree::LogsAgree::new(shared())),
        Box::new(acked_not_lost::AckedNotLost::new(shared())),
        Box::new(brokers_return::BrokersReturn::new(shared())),
        Box::new(isr_ordering::IsrOrdering::new(shared())),
        Box::new(one_leader_per_epoch::OneLeaderPerEpoch::new(shared())),
        Box::new(one_controller_per_epoch::OneControllerPerEpoch::new(shared())),
        Box::new(at_least_once::AtLeastOnce::new(shared())),
        Box::new(at_most_once::AtMostOnce::new(shared())),
        Box::new(exactly_once::ExactlyOnce::new(shared())),
        Box::new(last_stable_moves::LastStableMoves::new(shared())),
        Box::new(follower_read::FollowerRead::new(shared())),
        Box::new(partition_order::PartitionOrder::new(shared())),
        Box::new(one_owner::OneOwner::new(shared(), members())),
        Box::new(offsets_move_forward::OffsetsMoveForward::new(shared(), members())),
        Box::new(group_settles::GroupSettles::new(shared(), members())),
        Box::new(every_message_told::EveryMessageTold::new(shared())),
        Box::new(start_below_watermark::StartBelowWatermark::new(shared())),
        Box::new(placement_spread::PlacementSpread::new(shared())),
        Box::new(reassignment_keeps_copies::ReassignmentKeepsCopies::new(shared())),
        Box::new(lost_only_as_allowed::LostOnlyAsAllowed::new(shared())),
        Box::new(not_before_due::NotBeforeDue::new(shared())),
        Box::new(moved_once::MovedOnce::new(shared())),
        Box::new(retried_or_dead::RetriedOrDead::new(shared())),
        Box::new(taken_by_one::TakenByOne::new(shared())),
        Box::new(key_order_kept::KeyOrderKept::new(shared())),
        Box::new(retired_drains::RetiredDrains::new(shared(), members())),
        Box::new(within_credit::WithinCredit::new()),
        Box::new(coordination_linearizes::CoordinationLinearizes::new(history())),
        Box::new(session_honest::SessionHonest::new(history(), calm)),
        Box::new(watch_tells_all::WatchTellsAll::new(history(), calm)),
    ]
}
