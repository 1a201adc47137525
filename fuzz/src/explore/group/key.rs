//! The key of a state: what can still matter in it, the same for all states that differ in nothing but which consumer is
//! which, and how timers, writes and commits are numbered.
//!
//! Nothing refers to a consumer by its number, so it is enough to put consumers in order. The names that the group gives
//! its members stay: the smaller leads.

use super::setup::Setup;
use super::state::{At, Consumer, Coordinator, Question, State};
use rehearsal_model::queue::group::{Ask, GroupEntry, RequestId, WriteId};
use std::hash::{DefaultHasher, Hash, Hasher};

impl State {
    pub(super) fn key(&self, setup: &Setup) -> u64 {
        let Coordinator { group, unsettled, timers: _ } = &*self.coordinator;
        let to_report: Vec<WriteId> = unsettled.iter().map(|(write, _)| *write).collect();
        let entries: Vec<&GroupEntry> = unsettled.iter().map(|(_, entry)| entry).collect();
        let mut consumers: Vec<u64> =
            self.consumers.iter().map(|consumer| self.consumer_key(consumer, setup)).collect();
        if setup.reduced {
            consumers.sort_unstable();
        }
        let mut hasher = DefaultHasher::new();
        group.renumbered(&to_report).hash(&mut hasher);
        self.deposed.as_ref().map(|group| group.renumbered(&[])).hash(&mut hasher);
        (entries, &*self.log, consumers, &*self.chronicle, self.counts).hash(&mut hasher);
        hasher.finish()
    }

    fn consumer_key(&self, consumer: &Consumer, setup: &Setup) -> u64 {
        let Consumer { member, known, at, commits } = consumer;
        let mut hasher = DefaultHasher::new();
        (member.standing(), known).hash(&mut hasher);
        match at {
            At::Next(Ask::Join { member, .. }) if setup.reduced => (0, member).hash(&mut hasher),
            At::Begins(Question { partitions, taken }) => {
                (2, partitions, self.place(Some(*taken))).hash(&mut hasher);
            }
            at => (1, at).hash(&mut hasher),
        }
        for partition in setup.partitions() {
            member.progress(partition).hash(&mut hasher);
        }
        for commit in commits {
            (
                commit.member,
                commit.generation,
                &commit.offsets,
                commit.taken.is_some(),
                self.place(commit.taken),
            )
                .hash(&mut hasher);
        }
        if !setup.reduced {
            member.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Which of the coordinator's writes that are not in sync is this commit.
    fn place(&self, taken: Option<(RequestId, WriteId)>) -> Option<usize> {
        let (_, write) = taken?;
        self.coordinator.unsettled.iter().position(|(other, _)| *other == write)
    }
}
