//! What the people who run the queue ask of it while it runs: each asks for a state, and can be asked for twice.

use super::brokers::{BrokerId, Brokers};
use super::topics::TopicState;
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
    /// A broker shall stop in an orderly way, and come back. Not asked for before those that were asked for earlier are back
    /// and in sync again, and not at all when `until` has come.
    RestartBroker {
        /// When.
        at: Span,
        /// Which, by number.
        broker: u32,
        /// How long it stays down, besides the time that its node takes to start.
        down: Span,
        /// How long it waits for others to lead, and to be in sync, in its place. Then it stops all the same.
        limit: Span,
        /// When the time for it is over.
        until: Span,
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
    /// A consumer shall leave its group in an orderly way, and come back.
    StopConsumer {
        /// When.
        at: Span,
        /// Which, by number.
        consumer: u32,
        /// How long it stays away.
        away: Span,
    },
    /// A consumer shall go back to where the partitions start that it owns, and work through them again.
    Replay {
        /// When.
        at: Span,
        /// Which, by number.
        consumer: u32,
    },
}

impl Operation {
    /// When it comes.
    pub fn at(&self) -> Span {
        match self {
            Operation::AddBroker { at, .. }
            | Operation::RemoveBroker { at, .. }
            | Operation::RestartBroker { at, .. }
            | Operation::AddPartitions { at, .. }
            | Operation::RetirePartition { at, .. }
            | Operation::StopConsumer { at, .. }
            | Operation::Replay { at, .. } => *at,
        }
    }

    /// The topic whose partitions it changes, if it does.
    pub fn topic(&self) -> Option<u32> {
        match self {
            Operation::AddPartitions { topic, .. } | Operation::RetirePartition { topic, .. } => Some(*topic),
            Operation::AddBroker { .. }
            | Operation::RemoveBroker { .. }
            | Operation::RestartBroker { .. }
            | Operation::StopConsumer { .. }
            | Operation::Replay { .. } => None,
        }
    }

    /// The consumer that is to do something, if one is; nobody else has anything to do with that.
    pub fn consumer(&self) -> Option<u32> {
        match self {
            Operation::StopConsumer { consumer, .. } | Operation::Replay { consumer, .. } => Some(*consumer),
            Operation::AddBroker { .. }
            | Operation::RemoveBroker { .. }
            | Operation::RestartBroker { .. }
            | Operation::AddPartitions { .. }
            | Operation::RetirePartition { .. } => None,
        }
    }

    /// Whether a broker is to stop and come back.
    pub fn restarts(&self) -> bool {
        matches!(self, Operation::RestartBroker { .. })
    }

    /// The brokers that copies are placed on, as is wished for. None when that is so already, or the wish is about something else.
    pub fn members_after(&self, before: Brokers) -> Option<Brokers> {
        let after = match self {
            Operation::AddBroker { broker, .. } => before.with(BrokerId::numbered(*broker)),
            Operation::RemoveBroker { broker, .. } => before.without(BrokerId::numbered(*broker)),
            Operation::RestartBroker { .. }
            | Operation::AddPartitions { .. }
            | Operation::RetirePartition { .. }
            | Operation::StopConsumer { .. }
            | Operation::Replay { .. } => before,
        };
        (after != before).then_some(after)
    }

    /// A topic's state, as is wished for. None when that is so already, or the wish is about something else.
    pub fn topic_after(&self, before: &TopicState) -> Option<TopicState> {
        match self {
            Operation::AddPartitions { partitions, .. } => before.with_partitions(*partitions),
            Operation::RetirePartition { number, .. } => before.with_retired(*number),
            Operation::AddBroker { .. }
            | Operation::RemoveBroker { .. }
            | Operation::RestartBroker { .. }
            | Operation::StopConsumer { .. }
            | Operation::Replay { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_that_comes_true_twice_changes_nothing_the_second_time() {
        let (at, three) = (Span(0), Brokers::first(3));
        let adds = Operation::AddBroker { at, broker: 3 };
        let four = adds.members_after(three).expect("it is new");
        assert_eq!((four, adds.members_after(four)), (Brokers::first(4), None));
        let removes = Operation::RemoveBroker { at, broker: 3 };
        assert_eq!((removes.members_after(four), removes.members_after(three)), (Some(three), None));
        let grows = Operation::AddPartitions { at, topic: 0, partitions: 4 };
        let grown = grows.topic_after(&TopicState::first(2)).expect("it is more");
        assert_eq!((grown.partitions(), grows.topic_after(&grown)), (4, None));
        assert_eq!((grows.members_after(three), adds.topic_after(&grown)), (None, None));
        let restarts = Operation::RestartBroker { at, broker: 0, down: at, limit: at, until: Span(1) };
        assert_eq!((restarts.members_after(three), restarts.topic_after(&grown)), (None, None));
    }
}
