//! Topics and their partitions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A topic. Those of the queue itself are topics like any other, with names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// One that producers write to and consumers read.
    Named(u32),
    /// The queue's own: what consumer groups have committed.
    Offsets,
    /// The queue's own: what transaction coordinators remember.
    Transactions,
    /// The queue's own: messages that are not due yet.
    Delayed,
    /// The queue's own: what a group is to try again.
    Retry(u32),
    /// The queue's own: what a group has given up, for people to look at.
    Dead(u32),
    /// The queue's own: what lenders remember.
    Loans,
}

/// One partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition {
    /// Its topic.
    pub topic: Topic,
    /// Its number within the topic, from 0.
    pub number: u32,
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Named(number) => write!(formatter, "topic-{number}"),
            Topic::Offsets => formatter.write_str("offsets"),
            Topic::Transactions => formatter.write_str("transactions"),
            Topic::Delayed => formatter.write_str("delayed"),
            Topic::Retry(group) => write!(formatter, "retry-{group}"),
            Topic::Dead(group) => write!(formatter, "dead-letters-{group}"),
            Topic::Loans => formatter.write_str("loans"),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.topic, self.number)
    }
}
