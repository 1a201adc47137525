//! Committed offsets that are kept in the coordination service, and not in the coordinator's partition of the offsets
//! topic (`offsets = coordination`; Kafka's consumers kept theirs in ZooKeeper before version 0.8.2).
//!
//! One key holds what all groups of one partition of the offsets topic have committed, and it changes by compare-and-set
//! alone. So whose write is the last is decided by one thing, the key's version:
//!
//! ```text
//!   leads in epoch 4 ──▶ claim: read, and write the same back in its own name ──▶ at work ──▶ commits, each on the last
//!   led in epoch 3   ──▶ its next write finds another version: epoch 4 has been here, nothing more of its is taken
//! ```
//!
//! A coordinator answers nothing before its claim stands. What one before it has on its way either was there before the
//! claim, and is read, or comes after it, and is refused. Where to go on is said behind a read that finds the version of
//! its own last write. Writes are made one after the other, each with all that waits; when nobody knows what became of
//! one it is made again, the very same, until that is known. Members and generations are in the log as ever, and so are
//! offsets that a transaction commits, since its markers are: `exactly-once` does not go with this.

use super::ids::WriteId;
use crate::coordination::Revision;
use crate::queue::brokers::BrokerId;
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::partition::Partition;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What the key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeptOffsets {
    /// Who wrote it.
    pub coordinator: BrokerId,
    /// In which epoch that led the partition of the offsets topic.
    pub epoch: LeaderEpoch,
    /// What each group has committed.
    pub groups: BTreeMap<u32, BTreeMap<Partition, Offset>>,
}

impl KeptOffsets {
    /// The same in the name of one who leads in this epoch: what it claims the key with. None when one that leads in a
    /// later epoch has done so before.
    pub fn claimed(
        found: Option<KeptOffsets>,
        coordinator: BrokerId,
        epoch: LeaderEpoch,
    ) -> Option<KeptOffsets> {
        let groups = match found {
            Some(found) if found.epoch > epoch => return None,
            Some(found) => found.groups,
            None => BTreeMap::new(),
        };
        Some(KeptOffsets { coordinator, epoch, groups })
    }
}

/// Something that a group's coordinator wants of the service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keep {
    /// Which group.
    pub group: u32,
    /// Under which number the group waits for it.
    pub write: WriteId,
    /// What to commit. Nothing, if it only is to be found out whether all that was committed is known.
    pub offsets: Option<BTreeMap<Partition, Offset>>,
}

/// What is to be asked of the service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// To hold this from now on, if it is as this version left it.
    Write(Revision, KeptOffsets),
    /// What it holds.
    Read,
}

/// One coordinator's writes to its key, from its claim on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    /// What it has written last, and under which version that stands.
    stands: KeptOffsets,
    version: Revision,
    waiting: VecDeque<Keep>,
    /// What is under way, for so many of the first that wait.
    under_way: Option<(usize, Errand)>,
}

/// What became of something that a group wanted: which group, under which number, and whether it is so.
pub type Settled = (u32, WriteId, bool);

impl Keeper {
    /// One whose claim stands under this version.
    pub fn begin(claimed: KeptOffsets, version: Revision) -> Keeper {
        Keeper { stands: claimed, version, waiting: VecDeque::new(), under_way: None }
    }

    /// In which epoch it claimed the key.
    pub fn epoch(&self) -> LeaderEpoch {
        self.stands.epoch
    }

    /// What each group has committed.
    pub fn groups(&self) -> &BTreeMap<u32, BTreeMap<Partition, Offset>> {
        &self.stands.groups
    }

    /// A group wants something, after all that was wanted before.
    pub fn want(&mut self, keep: Keep) {
        self.waiting.push_back(keep);
    }

    /// What is to be asked of the service next, if anything: the same as before as long as nobody knows what became of it.
    pub fn next_errand(&mut self) -> Option<Errand> {
        if self.under_way.is_none() {
            let commits =
                self.waiting.iter().map_while(|keep| keep.offsets.as_ref().map(|of| (keep.group, of)));
            let mut table = self.stands.clone();
            let mut count = 0;
            for (group, offsets) in commits {
                table.groups.entry(group).or_default().extend(offsets);
                count += 1;
            }
            self.under_way = match count {
                0 => {
                    let asks = self.waiting.iter().take_while(|keep| keep.offsets.is_none()).count();
                    (asks > 0).then_some((asks, Errand::Read))
                }
                count => Some((count, Errand::Write(self.version, table))),
            };
        }
        self.under_way.as_ref().map(|(_, errand)| errand.clone())
    }

    /// What is under way was written, as this version.
    pub fn written(&mut self, version: Revision) -> Vec<Settled> {
        let Some((count, Errand::Write(_, table))) = self.under_way.take() else { return Vec::new() };
        (self.stands, self.version) = (table, version);
        self.settle(count, true)
    }

    /// This is what the key holds, found by a read; after a write, by one that was made since that was refused. What is of
    /// this epoch is its own: then the write was done the last time that it was made. Otherwise it is replaced, and
    /// nothing of all that waits is done, nor will be.
    pub fn found(&mut self, found: Option<(Revision, KeptOffsets)>) -> Vec<Settled> {
        let Some((count, _)) = self.under_way.take() else { return Vec::new() };
        match found {
            Some((version, table)) if table.epoch <= self.stands.epoch => {
                (self.stands.groups, self.version) = (table.groups, version);
                self.settle(count, true)
            }
            _ => self.settle(self.waiting.len(), false),
        }
    }

    fn settle(&mut self, count: usize, done: bool) -> Vec<Settled> {
        self.waiting.drain(..count).map(|keep| (keep.group, keep.write, done)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::partition::Topic;

    const PLACE: Partition = Partition { topic: Topic::Named(0), number: 0 };

    fn commit(write: u64, offset: u64) -> Keep {
        let offsets = Some(BTreeMap::from([(PLACE, Offset(offset))]));
        Keep { group: 0, write: WriteId(write), offsets }
    }

    fn ask(write: u64) -> Keep {
        Keep { group: 0, write: WriteId(write), offsets: None }
    }

    fn keeper() -> Keeper {
        let claimed = KeptOffsets::claimed(None, BrokerId(1), LeaderEpoch(3)).expect("nobody was before it");
        Keeper::begin(claimed, Revision(7))
    }

    fn table(keeper: &mut Keeper) -> (Revision, KeptOffsets) {
        match keeper.next_errand() {
            Some(Errand::Write(known, table)) => (known, table),
            other => panic!("{other:?} is no write"),
        }
    }

    #[test]
    fn what_waits_together_is_written_at_once_and_the_last_counts() {
        let mut keeper = keeper();
        [commit(1, 5), commit(2, 8), ask(3), commit(4, 9)].into_iter().for_each(|keep| keeper.want(keep));
        let (known, written) = table(&mut keeper);
        assert_eq!((known, written.groups[&0][&PLACE]), (Revision(7), Offset(8)));
        assert_eq!(keeper.written(Revision(8)), [(0, WriteId(1), true), (0, WriteId(2), true)]);
        assert_eq!(keeper.next_errand(), Some(Errand::Read));
    }

    #[test]
    fn a_write_whose_fate_is_unknown_is_made_again_as_it_was() {
        let mut keeper = keeper();
        keeper.want(commit(1, 5));
        let first = table(&mut keeper);
        keeper.want(commit(2, 6));
        assert_eq!(table(&mut keeper), first);
        // It is refused, for it was done the first time.
        let (_, written) = first;
        assert_eq!(keeper.found(Some((Revision(9), written))), [(0, WriteId(1), true)]);
        assert_eq!(table(&mut keeper).0, Revision(9));
    }

    #[test]
    fn one_who_is_replaced_confirms_nothing_and_says_nothing() {
        let mut keeper = keeper();
        let after = KeptOffsets { epoch: LeaderEpoch(4), ..keeper.stands.clone() };
        [ask(1), commit(2, 5)].into_iter().for_each(|keep| keeper.want(keep));
        assert_eq!(keeper.next_errand(), Some(Errand::Read));
        let found = keeper.found(Some((Revision(8), after.clone())));
        assert_eq!(found, [(0, WriteId(1), false), (0, WriteId(2), false)]);
        assert_eq!(KeptOffsets::claimed(Some(after.clone()), BrokerId(1), LeaderEpoch(3)), None);
        let later =
            KeptOffsets::claimed(Some(after.clone()), BrokerId(0), LeaderEpoch(5)).expect("it is later");
        assert_eq!(later.groups, after.groups);
    }
}
