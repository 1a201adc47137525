//! Which epoch wrote which stretch of a log: what KIP-101 calls the leader epoch sequence.

use crate::queue::offset::{LeaderEpoch, Offset};
use serde::{Deserialize, Serialize};

/// The first offset of each epoch that a log holds records of, rising in both.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage(Vec<(LeaderEpoch, Offset)>);

/// Where an epoch ends in some log: the answer to a follower that wants to know where its log parts from its leader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpochEnd {
    /// The largest epoch of that log that is not larger than the one asked for; none when all are larger.
    pub found: Option<LeaderEpoch>,
    /// Where the next larger epoch begins there, or else where the log ends.
    pub end: Offset,
}

impl Lineage {
    /// The lineage of a log whose epochs begin there, in rising order.
    pub fn of(starts: impl IntoIterator<Item = (LeaderEpoch, Offset)>) -> Lineage {
        let mut lineage = Lineage::default();
        for (epoch, start) in starts {
            lineage.appended(epoch, start);
        }
        lineage
    }

    /// The newest epoch that wrote.
    pub fn last(&self) -> Option<LeaderEpoch> {
        self.0.last().map(|(epoch, _)| *epoch)
    }

    /// A record of this epoch was appended there. Should the log already hold a later epoch, it goes back in time (no
    /// sound replica lets it), and what it said about later epochs is forgotten.
    pub fn appended(&mut self, epoch: LeaderEpoch, at: Offset) {
        self.0.retain(|(known, _)| *known <= epoch);
        if self.last() != Some(epoch) {
            self.0.push((epoch, at));
        }
    }

    /// Everything before `start` is gone: the epoch that wrote the record there begins with it.
    pub fn expired(&mut self, start: Offset) {
        let before = self.0.partition_point(|(_, at)| *at <= start);
        self.0.drain(..before.saturating_sub(1));
        if let Some((_, first)) = self.0.first_mut() {
            *first = (*first).max(start);
        }
    }

    /// Everything from there on is gone.
    pub fn truncated(&mut self, to: Offset) {
        self.0.retain(|(_, start)| *start < to);
    }

    /// Where this epoch ends in a log that ends at `log_end`.
    pub fn end_of(&self, epoch: LeaderEpoch, log_end: Offset) -> EpochEnd {
        let larger = self.0.partition_point(|(known, _)| *known <= epoch);
        let end = self.0.get(larger).map_or(log_end, |(_, start)| *start);
        let found = larger.checked_sub(1).map(|index| self.0[index].0);
        EpochEnd { found, end }
    }

    /// Which epochs wrote what lies from `from` up to `to`, each with the first offset that it has there.
    pub fn within(&self, from: Offset, to: Offset) -> Vec<(LeaderEpoch, Offset)> {
        let first = self.epoch_at(from).map(|epoch| (epoch, from));
        let later = self.0.iter().filter(|(_, start)| from < *start && *start < to);
        first.into_iter().chain(later.copied()).collect()
    }

    /// The epoch of the record at `offset`, if the log has one there.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.0.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|index| self.0[index].0)
    }
}
