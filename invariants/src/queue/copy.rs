//! One broker's copy of one partition's log, as its facts tell it.

use rehearsal_env::{Stamp, Time};
use rehearsal_model::queue::facts::{Stretch, Within};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A batch in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    /// The batch.
    pub stretch: Stretch,
    /// The number of the fact that put it there.
    pub number: u64,
    /// When that was.
    pub time: Time,
}

/// What became of the transaction to which something belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// It belongs to none.
    None,
    /// It has not ended in this copy.
    Open,
    /// It has ended so, by the marker of this fact.
    Ended(Verdict, u64),
}

/// A copy of a log: what the broker's memory holds, and how far its disk has it for sure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogCopy {
    batches: Vec<Placed>,
    /// Where each message stands.
    places: BTreeMap<MessageId, BTreeSet<Offset>>,
    start: Offset,
    /// What retention took last.
    dropped: Vec<Placed>,
    /// What was cut off last.
    cut: Vec<Placed>,
    persisted: Offset,
    end: Offset,
    lives: u32,
}

impl LogCopy {
    /// Where it starts: retention has taken everything before.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The batches that retention took last.
    pub fn dropped(&self) -> &[Placed] {
        &self.dropped
    }

    /// The batches that its broker cut off last, or did not find again last time although its disk had them.
    pub fn cut(&self) -> &[Placed] {
        &self.cut
    }

    /// Where the next record will stand.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Up to where the disk has it for sure.
    pub fn persisted(&self) -> Offset {
        self.persisted
    }

    /// How often its broker has come up with it.
    pub fn lives(&self) -> u32 {
        self.lives
    }

    /// The batches, by offset.
    pub fn batches(&self) -> &[Placed] {
        &self.batches
    }

    /// The last batch.
    pub fn last(&self) -> Option<&Placed> {
        self.batches.last()
    }

    /// The batch that covers an offset.
    pub fn batch_at(&self, offset: Offset) -> Option<&Placed> {
        let after = self.batches.partition_point(|placed| placed.stretch.base <= offset);
        self.batches[..after].last().filter(|placed| offset < placed.stretch.end)
    }

    /// The message at an offset; none where there is nothing, or something of the queue's own.
    pub fn message_at(&self, offset: Offset) -> Option<MessageId> {
        let Stretch { base, messages, .. } = &self.batch_at(offset)?.stretch;
        messages.get(usize::try_from(offset.0 - base.0).ok()?).copied()
    }

    /// Where a message stands first.
    pub fn place_of(&self, message: MessageId) -> Option<Offset> {
        self.places.get(&message)?.first().copied()
    }

    /// Every place where a message stands.
    pub fn places_of(&self, message: MessageId) -> impl Iterator<Item = Offset> + Clone {
        self.places.get(&message).into_iter().flatten().copied()
    }

    /// A later message of the same producer, of those that count, that stands before the first place of this one: which,
    /// and where.
    pub fn overtaken_by(
        &self,
        message: MessageId,
        counts: impl Fn(MessageId) -> bool,
    ) -> Option<(MessageId, Offset)> {
        let first = self.place_of(message)?;
        let last = MessageId { number: u32::MAX, ..message };
        let later = self.places.range((Bound::Excluded(message), Bound::Included(last)));
        let mut placed = later.filter_map(|(message, places)| Some((*message, *places.first()?)));
        placed.find(|(later, place)| *place < first && counts(*later))
    }

    /// How the transaction has ended to which what stands at an offset belongs. Of what is not there any more nothing is
    /// known.
    pub fn end_at(&self, offset: Offset) -> End {
        let after = self.batches.partition_point(|placed| placed.stretch.end <= offset);
        let mut behind = self.batches[after..].iter();
        let covers = behind.next().filter(|placed| placed.stretch.base <= offset);
        let Some(Within::Records(producer)) = covers.and_then(|placed| placed.stretch.within) else {
            return End::None;
        };
        let end = behind.find_map(|placed| match placed.stretch.within? {
            Within::Marker(marker, verdict) if marker.id == producer.id => {
                Some(End::Ended(verdict, placed.number))
            }
            _ => None,
        });
        end.unwrap_or(End::Open)
    }

    pub(super) fn append(&mut self, stretch: &Stretch, stamp: &Stamp) {
        for (offset, message) in (stretch.base.0..).zip(&stretch.messages) {
            self.places.entry(*message).or_default().insert(Offset(offset));
        }
        self.end = stretch.end;
        self.batches.push(Placed { stretch: stretch.clone(), number: stamp.number, time: stamp.time });
    }

    pub(super) fn persist(&mut self, through: Offset) {
        self.persisted = self.persisted.max(through.min(self.end));
    }

    pub(super) fn truncate(&mut self, to: Offset) {
        self.cut.clear();
        while let Some(placed) = self.batches.pop_if(|placed| placed.stretch.end > to) {
            self.forget(&placed.stretch);
            self.cut.push(placed);
        }
        self.end = self.end.min(to);
        self.persisted = self.persisted.min(to);
    }

    /// Retention has dropped everything before `to`.
    pub(super) fn drop_before(&mut self, to: Offset) {
        let dropped = self.batches.partition_point(|placed| placed.stretch.end <= to);
        self.dropped = self.batches.drain(..dropped).collect();
        for placed in self.dropped.clone() {
            self.forget(&placed.stretch);
        }
        self.start = self.start.max(to);
        self.end = self.end.max(to);
    }

    /// Everything is dropped, and the log goes on there. That is not durable yet.
    pub(super) fn begin_anew(&mut self, at: Offset) {
        self.batches.clear();
        self.places.clear();
        (self.start, self.end, self.persisted) = (at, at, Offset::ZERO);
    }

    /// The broker comes up and finds this. What was there before keeps the number of the fact that put it there.
    pub(super) fn recover(&mut self, start: Offset, log: &[Stretch], stamp: &Stamp) {
        self.drop_before(start);
        let same =
            self.batches.iter().zip(log).take_while(|(placed, found)| placed.stretch == **found).count();
        self.cut.clear();
        for placed in self.batches.split_off(same) {
            self.forget(&placed.stretch);
            if placed.stretch.end <= self.persisted {
                self.cut.push(placed);
            }
        }
        self.start = start;
        self.end = log[..same].last().map_or(start, |last| last.end);
        log[same..].iter().for_each(|stretch| self.append(stretch, stamp));
        self.persisted = self.end;
        self.lives += 1;
    }

    fn forget(&mut self, stretch: &Stretch) {
        for (offset, message) in (stretch.base.0..).zip(&stretch.messages) {
            if let Some(places) = self.places.get_mut(message) {
                places.remove(&Offset(offset));
                if places.is_empty() {
                    self.places.remove(message);
                }
            }
        }
    }
}
