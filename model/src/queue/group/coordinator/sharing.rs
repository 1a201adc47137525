//! Topics whose partitions change: what of them may be shared out, and when that is to be done anew.

use super::{Group, Phase};
use crate::queue::group::step::Output;
use crate::queue::partition::{Partition, Topic};
use crate::queue::topics::Shares;
use std::collections::{BTreeMap, BTreeSet};

impl Group {
    pub(super) fn topics_changed(&mut self, topics: BTreeMap<Topic, Shares>, out: &mut Vec<Output>) {
        self.topics = topics;
        self.share_anew_if_due(out);
    }

    /// Has the group rebalanced when what is shared out is not what may be. A generation that is being formed gets what may
    /// be shared out then, and is looked at again when its plan is in force.
    pub(super) fn share_anew_if_due(&mut self, out: &mut Vec<Output>) {
        if self.phase != Phase::Stable {
            return;
        }
        let shared: BTreeSet<Partition> =
            self.present().flat_map(|(_, attendant)| attendant.partitions.iter().copied()).collect();
        let differs = |topic: &Topic, open: &BTreeSet<u32>| {
            let of_topic = shared.iter().filter(|partition| partition.topic == *topic);
            !of_topic.map(|partition| &partition.number).eq(open)
        };
        if self.open().iter().any(|(topic, open)| differs(topic, open)) {
            self.prepare_rebalance(out);
        }
    }

    /// What may be shared out of the topics whose partitions have changed, as far as anybody here reads them.
    pub(super) fn open(&self) -> BTreeMap<Topic, BTreeSet<u32>> {
        let open = |topic: Topic, shares: &Shares| {
            shares.open(|number| self.offsets.committed(Partition { topic, number }))
        };
        self.topics_read().map(|(topic, shares)| (topic, open(topic, shares))).collect()
    }

    fn topics_read(&self) -> impl Iterator<Item = (Topic, &Shares)> {
        let reads = |topic| self.present().any(|(_, one)| one.registration.interest.topics.contains(topic));
        self.topics.iter().filter(move |(topic, _)| reads(topic)).map(|(topic, shares)| (*topic, shares))
    }

    pub(super) fn tell_what_is_withheld(&self, out: &mut Vec<Output>) {
        let open = self.open();
        let waits = |(topic, shares): (Topic, &Shares)| {
            let withheld: Vec<u32> = shares.all().filter(|number| !open[&topic].contains(number)).collect();
            withheld.into_iter().map(move |number| Partition { topic, number })
        };
        let withheld: BTreeSet<Partition> = self.topics_read().flat_map(waits).collect();
        if !withheld.is_empty() {
            out.push(Output::Withheld(withheld));
        }
    }
}
