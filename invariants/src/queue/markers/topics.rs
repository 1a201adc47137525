//! The markers that topics reach whose partitions change.

use super::super::cluster::Cluster;
use super::{PARTITIONS_ADDED_UNDER_WAY, RETIRED_DRAINED, RETIRED_WITH_RECORDS};
use rehearsal_env::Marker;
use rehearsal_model::queue::facts::{Fact, OfTopics};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::topics::TopicState;
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of topics.
#[derive(Debug, Default)]
pub(super) struct TopicMarkers {
    under_way: BTreeMap<Topic, BTreeSet<MessageId>>,
    states: BTreeMap<u32, TopicState>,
}

impl TopicMarkers {
    pub(super) fn witness(&mut self, fact: &Fact, cluster: &Cluster, reached: &mut dyn FnMut(Marker)) {
        match fact {
            Fact::Sent { message, partition, .. } => {
                self.under_way.entry(partition.topic).or_default().insert(*message);
            }
            Fact::Told { message, partition, .. } => {
                self.under_way.entry(partition.topic).or_default().remove(message);
            }
            Fact::OfTopics(OfTopics::Changed { topic, state }) if !cluster.is_repeat() => {
                self.changed(*topic, state, cluster, reached);
                self.states.insert(*topic, state.clone());
            }
            _ => {}
        }
    }

    fn changed(&self, topic: u32, state: &TopicState, cluster: &Cluster, reached: &mut dyn FnMut(Marker)) {
        let before = self.states.get(&topic);
        let of_topic = Topic::Named(topic);
        // That a first state has fewer is seen by that it has a later version without a retired partition.
        let grows = match before {
            Some(before) => before.partitions() < state.partitions(),
            None => state.retired().next().is_none(),
        };
        let is_busy = self.under_way.get(&of_topic).is_some_and(|messages| !messages.is_empty());
        if grows && is_busy {
            reached(PARTITIONS_ADDED_UNDER_WAY);
        }
        let holds = |number| {
            let log = cluster.leaders_log(Partition { topic: of_topic, number });
            log.is_some_and(|log| log.batches().iter().any(|placed| !placed.stretch.messages.is_empty()))
        };
        let held = |number| {
            let book = cluster.partition(Partition { topic: of_topic, number });
            book.is_some_and(|book| !book.appends.is_empty())
        };
        let is_new =
            |was: fn(&TopicState, u32) -> bool, number| !before.is_some_and(|before| was(before, number));
        if state.retired().any(|number| is_new(TopicState::is_retired, number) && holds(number)) {
            reached(RETIRED_WITH_RECORDS);
        }
        if state.drained().any(|number| is_new(TopicState::is_drained, number) && held(number)) {
            reached(RETIRED_DRAINED);
        }
    }
}
