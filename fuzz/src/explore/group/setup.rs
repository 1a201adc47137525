//! How far a search goes, and with which rules.

use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::group::{CommitRule, Interest, Member, Registration, StrategyName};
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the group reads.
const TOPIC: Topic = Topic::Named(0);

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Consumers.
    pub consumers: u8,
    /// Partitions.
    pub partitions: u8,
    /// Records in each.
    pub records: u8,
    /// Generations of the group.
    pub generations: u8,
    /// Deaths of consumers in all.
    pub deaths: u8,
    /// Times that another coordinator takes over.
    pub takeovers: u8,
    /// Sessions that end by silence.
    pub silences: u8,
    /// Answers that are not waited for.
    pub timeouts: u8,
    /// Late commits on their way at once.
    pub messages: u8,
}

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How far.
    pub bounds: Bounds,
    /// When consumers commit.
    pub rule: CommitRule,
    /// Whether consumers may ask a coordinator where to go on that was replaced and does not know it.
    pub deposed_is_asked: bool,
    /// The rules that are removed.
    pub defects: Defects,
    /// Whether steps and differences are left out that cannot matter. Without, a search is far longer, and must come to
    /// the same verdict.
    pub reduced: bool,
}

impl Setup {
    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..u32::from(self.bounds.partitions)).map(|number| Partition { topic: TOPIC, number })
    }

    /// What a leader plans for.
    pub fn topics(&self) -> BTreeMap<Topic, u32> {
        BTreeMap::from([(TOPIC, u32::from(self.bounds.partitions))])
    }

    /// Whether this rule is removed.
    pub fn lacks(&self, rule: Defect) -> bool {
        self.defects.has(rule)
    }

    /// One who was never in the group.
    pub(super) fn newcomer(&self) -> Member {
        let registration = Registration {
            interest: Interest::of([TOPIC]),
            strategies: vec![StrategyName::Range],
            session: Duration::from_secs(10),
            rebalance: Duration::from_secs(30),
        };
        Member::new(self.rule, registration, self.defects)
    }
}
