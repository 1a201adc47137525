//! What a member says of itself when it joins.

use super::ids::Generation;
use super::strategy::StrategyName;
use crate::queue::partition::{Partition, Topic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a member wants, for the leader who plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interest {
    /// The topics it reads.
    pub topics: BTreeSet<Topic>,
    /// What it owned before, and let go: a wish, for the sticky strategy (KIP-54).
    pub owned: BTreeSet<Partition>,
    /// In which generation it owned that; of two who claim a partition the later is right (KIP-341).
    pub generation: Generation,
}

/// All that a member says when it joins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Registration {
    /// What it wants.
    pub interest: Interest,
    /// The strategies it can plan by, the preferred first.
    pub strategies: Vec<StrategyName>,
    /// After so long a silence it is removed.
    pub session: Duration,
    /// So long it may take to join again when the group rebalances.
    pub rebalance: Duration,
}

impl Interest {
    /// One who reads these topics and owned nothing before.
    pub fn of(topics: impl IntoIterator<Item = Topic>) -> Interest {
        Interest { topics: topics.into_iter().collect(), ..Interest::default() }
    }
}

impl Registration {
    /// Whether the same plan would do for both: the same topics and strategies. What was owned is a wish and does not
    /// count, nor do the timeouts.
    pub fn asks_the_same_as(&self, other: &Registration) -> bool {
        self.interest.topics == other.interest.topics && self.strategies == other.strategies
    }
}
