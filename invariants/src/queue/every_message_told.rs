//! `every-message-told`: whatever a producer was given to send before the calm, it knows in the end what became of it;
//! and what was told to be definitely not written stands in no leader's log. *Final*.
//!
//! What a producer held in its memory when it crashed nobody tells any more: once another life of it has reported
//! anything, the messages of the lives before are not waited for.
//!
//! Broken by: a producer that waits for ever; "not enough replicas" after the append, taken for "not written".

use super::cluster::{Cluster, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Incarnation, NodeId, Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "every-message-told";

/// Remembers what is under way and what was denied.
#[derive(Debug)]
pub struct EveryMessageTold {
    cluster: SharedCluster,
    lives: BTreeMap<NodeId, Incarnation>,
    open: BTreeMap<MessageId, (NodeId, Incarnation, u64)>,
    denied: BTreeMap<(Partition, MessageId), u64>,
}

impl EveryMessageTold {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> EveryMessageTold {
        EveryMessageTold { cluster, lives: BTreeMap::new(), open: BTreeMap::new(), denied: BTreeMap::new() }
    }

    fn is_true(
        cluster: &Cluster,
        partition: Partition,
        message: MessageId,
        told: u64,
    ) -> Result<(), Violation> {
        let log = cluster.leaders_log(partition);
        let Some((place, log)) = log.and_then(|log| Some((log.place_of(message)?, log))) else {
            return Ok(());
        };
        let placed = log.batch_at(place).map(|placed| placed.number);
        let message = format!(
            "{message} was told to be definitely not written, and stands at offset {place} of {partition}"
        );
        Err(Violation::new(NAME, message, placed.into_iter().chain([told])))
    }
}

impl Monitor<Fact> for EveryMessageTold {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Final
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        self.lives.insert(stamp.node, stamp.incarnation);
        match *fact {
            Fact::Sent { message, .. } if stamp.time < self.cluster.borrow().rules().calm_begins => {
                self.open.insert(message, (stamp.node, stamp.incarnation, stamp.number));
                self.denied.retain(|(_, denied), _| *denied != message);
            }
            Fact::Told { message, partition, fate } => {
                self.open.remove(&message);
                if fate == Fate::DefinitelyNot {
                    self.denied.insert((partition, message), stamp.number);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let waits = |(node, life, _): &(NodeId, Incarnation, u64)| self.lives.get(node) == Some(life);
        if let Some((message, (_, _, sent))) = self.open.iter().find(|(_, sender)| waits(sender)) {
            let message = format!("nobody ever learned what became of {message}");
            return Err(Violation::new(NAME, message, [*sent]));
        }
        let cluster = self.cluster.borrow();
        let mut denied = self.denied.iter();
        denied.try_for_each(|((partition, message), told)| {
            EveryMessageTold::is_true(&cluster, *partition, *message, *told)
        })
    }
}
