//! The markers of where messages come to stand, in which order, and to whom they are shown.

use super::super::cluster::Cluster;
use super::{KEYLESS_SENT_AGAIN, RECORDS_REORDERED, REFUSED_WHERE_RETIRED, SHOWN_BY_ONE_OF_TAGS};
use rehearsal_env::{Marker, Stamp};
use rehearsal_model::queue::facts::{Fact, Fate, OfTopics, Stretch};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::production::Acks;
use std::collections::BTreeSet;

/// What is remembered of messages.
#[derive(Debug, Default)]
pub(super) struct PlacingMarkers {
    /// Those whose place in the order says nothing: given up, delayed, or sent elsewhere.
    spared: BTreeSet<MessageId>,
}

impl PlacingMarkers {
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        let rules = cluster.rules();
        match fact {
            Fact::Told { message, fate: Fate::Unknown, .. }
            | Fact::Postponed { message, .. }
            | Fact::OfTopics(OfTopics::Rerouted { message, .. }) => {
                self.spared.insert(*message);
            }
            Fact::OfTopics(OfTopics::Unplaced { .. }) => reached(REFUSED_WHERE_RETIRED),
            Fact::SentAgain { messages, partition } if matches!(partition.topic, Topic::Named(_)) => {
                let goes_anywhere =
                    |message: &MessageId| !rules.keys.contains_key(message) && !rules.named.contains(message);
                if messages.iter().any(goes_anywhere) {
                    reached(KEYLESS_SENT_AGAIN);
                }
            }
            Fact::Appended { partition, stretch }
                if self.is_out_of_order(cluster, stamp, *partition, stretch) =>
            {
                reached(RECORDS_REORDERED);
            }
            Fact::Processed { group, message, .. } => {
                let several = rules.tags.get(message).is_some_and(|tags| tags.iter().count() > 1);
                if several && rules.wanted.contains_key(group) {
                    reached(SHOWN_BY_ONE_OF_TAGS);
                }
            }
            _ => {}
        }
    }

    /// Whether a message of the batch that has just been appended stands for the first time, and behind one that its
    /// producer sent later: as `partition-order` judges it where that must not be.
    fn is_out_of_order(
        &self,
        cluster: &Cluster,
        stamp: &Stamp,
        partition: Partition,
        stretch: &Stretch,
    ) -> bool {
        let rules = cluster.rules();
        let keeps_order = rules.idempotent || rules.max_in_flight == 1 && rules.acks != Acks::None;
        let is_sent_to =
            matches!(partition.topic, Topic::Named(_)) && !rules.is_written_by_pipes(partition.topic);
        if keeps_order || !is_sent_to {
            return false;
        }
        let Some(log) = cluster.own_copy(partition, stamp.node) else { return false };
        let counts =
            |message: MessageId| !self.spared.contains(&message) && !cluster.has_begun_anew(message.producer);
        let here = (stretch.base.0..).map(Offset).zip(&stretch.messages);
        let mut first_here =
            here.filter(|(offset, message)| counts(**message) && log.place_of(**message) == Some(*offset));
        first_here.any(|(_, message)| log.overtaken_by(*message, counts).is_some())
    }
}
