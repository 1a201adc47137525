//! What the people who run the queue ask of it while it runs: each asks for a state, and can be asked for twice.

use super::brokers::{BrokerId, Brokers};
use super::plan::Plan;
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// One wish, and when it comes, counted from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "wish")]
pub enum Operation {
    /// Copies shall be placed on this broker from now on.
    AddBroker {
        /// When.
        at: Span,
        /// Which, by number. It runs from the start, with nothing on it.
        broker: u32,
    },
    /// Nothing shall be left on this broker.
    RemoveBroker {
        /// When.
        at: Span,
        /// Which, by number.
        broker: u32,
    },
    /// A topic shall have at least so many partitions.
    AddPartitions {
        /// When.
        at: Span,
        /// Which topic.
        topic: u32,
        /// How many.
        partitions: u32,
    },
    /// Nothing more shall be written to a partition. What is in it can be read until its retention ends.
    RetirePartition {
        /// When.
        at: Span,
        /// Of which topic.
        topic: u32,
        /// Which.
        number: u32,
    },
}

impl Operation {
    /// When it comes.
    pub fn at(&self) -> Span {
        match self {
            Operation::AddBroker { at, .. }
            | Operation::RemoveBroker { at, .. }
            | Operation::AddPartitions { at, .. }
            | Operation::RetirePartition { at, .. } => *at,
        }
    }

    /// The topic whose partitions it changes, if it does.
    pub fn topic(&self) -> Option<u32> {
        match self {
            Operation::AddPartitions { topic, .. } | Operation::RetirePartition { topic, .. } => Some(*topic),
            Operation::AddBroker { .. } | Operation::RemoveBroker { .. } => None,
        }
    }
}

/// The brokers that copies are placed on, before anything was asked for: all but those that are added later.
pub fn first_members(plan: &Plan) -> Brokers {
    let added: Brokers = plan
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::AddBroker { broker, .. } => Some(id(*broker)),
            _ => None,
        })
        .collect();
    (0..plan.brokers).map(id).collect::<Brokers>().minus(added)
}

/// The number of a broker in a plan.
///
/// # Panics
/// When it is over 255.
pub fn id(broker: u32) -> BrokerId {
    BrokerId(u8::try_from(broker).expect("brokers are few"))
}
