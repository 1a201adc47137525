//! The consumers: what each owns, as it was told itself, and in which generation.
//!
//! The invariants about groups read them. They are witness to each fact before those are. A consumer that crashes
//! says nothing; the first word of its next life ends what it had.

use super::rules::Rules;
use crate::Monitor;
use rehearsal_env::{Incarnation, NodeId, Stamp, Time, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The consumers as the invariants share them.
pub type SharedConsumers = Rc<RefCell<Consumers>>;

/// What a consumer owns until it lets it go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holding {
    /// In which group.
    pub group: u32,
    /// As whom.
    pub member: MemberId,
    /// In which generation.
    pub generation: Generation,
    /// Which partitions.
    pub partitions: BTreeSet<Partition>,
    /// The number of the fact by which it got them.
    pub assigned: u64,
    /// When it last reported anything.
    pub heard: Time,
    /// Where it goes on in each partition, and the number of the fact by which it processed what is before.
    processed: BTreeMap<Partition, (Offset, u64)>,
    /// The number of the fact by which its last commit was confirmed.
    confirmed: Option<u64>,
}

/// The consumers. They never object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Consumers {
    delivery: Delivery,
    lives: BTreeMap<NodeId, Incarnation>,
    holdings: BTreeMap<NodeId, Holding>,
    sent_after: u64,
}

impl Consumers {
    /// Consumers that own nothing, to be shared.
    pub fn shared(rules: &Rules) -> SharedConsumers {
        let (lives, holdings) = (BTreeMap::new(), BTreeMap::new());
        Rc::new(RefCell::new(Consumers { delivery: rules.delivery, lives, holdings, sent_after: 0 }))
    }

    /// What each node owns.
    pub fn holdings(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.values()
    }

    /// After which fact the commit whose confirmation is at hand was certainly sent; 0 when that is unknown.
    ///
    /// A confirmation may be long on its way, so that what it says was true once and need not be now. But a consumer
    /// asks for a commit when the one before it was answered, and commits, at least once, what it has processed.
    pub fn sent_after(&self) -> u64 {
        self.sent_after
    }

    fn bound(&self, node: NodeId, generation: Generation, offsets: &BTreeMap<Partition, Offset>) -> u64 {
        let Some(holding) = self.holdings.get(&node).filter(|holding| holding.generation == generation)
        else {
            return 0;
        };
        let processed = offsets.iter().filter_map(|(partition, offset)| {
            let (next, number) = holding.processed.get(partition)?;
            (next == offset && self.delivery == Delivery::AtLeastOnce).then_some(*number)
        });
        processed.chain(holding.confirmed).fold(holding.assigned, u64::max)
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) {
        let node = stamp.node;
        if self.lives.insert(node, stamp.incarnation).is_some_and(|life| life < stamp.incarnation) {
            self.holdings.remove(&node);
        }
        if let Some(holding) = self.holdings.get_mut(&node) {
            holding.heard = stamp.time;
        }
        match fact {
            Fact::Assigned { group, member, generation, partitions } => {
                let holding = Holding {
                    group: *group,
                    member: *member,
                    generation: *generation,
                    partitions: partitions.clone(),
                    assigned: stamp.number,
                    heard: stamp.time,
                    processed: BTreeMap::new(),
                    confirmed: None,
                };
                self.holdings.insert(node, holding);
            }
            Fact::LetGo { .. } => {
                self.holdings.remove(&node);
            }
            Fact::Processed { partition, offset, .. } => {
                if let Some(holding) = self.holdings.get_mut(&node) {
                    holding.processed.insert(*partition, (offset.plus(1), stamp.number));
                }
            }
            Fact::CommitConfirmed { generation, offsets, .. } => {
                self.sent_after = self.bound(node, *generation, offsets);
                if let Some(holding) = self.holdings.get_mut(&node) {
                    holding.confirmed = Some(stamp.number);
                }
            }
            _ => {}
        }
    }
}

impl Monitor<Fact> for SharedConsumers {
    fn name(&self) -> &'static str {
        "consumers"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        self.borrow_mut().witness(stamp, fact);
        Ok(())
    }
}
