//! The consumer's end of a subscription.

use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::protocol::Fetched;
use std::collections::BTreeMap;

/// What has come in one subscription and is not worked through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inflow {
    defects: Defects,
    /// Where the first push begins that is not worked through.
    position: Offset,
    /// The number of the last push that is worked through.
    worked: u64,
    /// What came after that, by number: behind a gap too.
    held: BTreeMap<u64, Fetched>,
    /// The largest number that was heard of.
    told: u64,
}

/// What there is for one who reads at an offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// All that has come in order, as if it had come as one; its beginning holds the offset.
    Pushed(Fetched),
    /// Nothing yet.
    Nothing,
    /// Nothing ever: it goes on elsewhere than it has got to, and needs another subscription.
    Elsewhere,
}

impl Inflow {
    /// One that begins at `offset`.
    pub fn new(offset: Offset, defects: Defects) -> Inflow {
        Inflow { defects, position: offset, worked: 0, held: BTreeMap::new(), told: 0 }
    }

    /// A push came. Whether it is the first time.
    pub fn came(&mut self, number: u64, fetched: Fetched) -> bool {
        self.told(number);
        let is_new = number > self.worked && !self.held.contains_key(&number);
        if is_new {
            self.held.insert(number, fetched);
        }
        is_new
    }

    /// The broker says that it has pushed everything up to this number.
    pub fn told(&mut self, pushed: u64) {
        self.told = self.told.max(pushed);
    }

    /// The number of the last push that is worked through.
    pub fn worked(&self) -> u64 {
        self.worked
    }

    /// The first push that was sent and has not come, if there is one. It may still be on its way.
    pub fn missing(&self) -> Option<u64> {
        let behind = self.worked + 1..=self.told;
        let ignored = self.defects.has(Defect::PushGapIgnored);
        behind.into_iter().find(|number| !self.held.contains_key(number)).filter(|_| !ignored)
    }

    /// The consumer goes on at `offset`, since it has worked through everything before: what there is for it.
    pub fn read(&mut self, offset: Offset) -> Next {
        if offset < self.position {
            return Next::Elsewhere;
        }
        while let Some((number, next)) = self.first().filter(|(_, next)| *next <= offset) {
            self.held.remove(&number);
            (self.worked, self.position) = (number, next);
        }
        match self.joined() {
            Some(pushed) => Next::Pushed(pushed),
            None if offset == self.position => Next::Nothing,
            None => Next::Elsewhere,
        }
    }

    /// The next push in order, if it is there, and where it ends.
    fn first(&self) -> Option<(u64, Offset)> {
        self.in_order().next().map(|(number, fetched)| (number, fetched.next))
    }

    /// What has come in order: for one who takes his time over each piece, such as a transaction, many are one.
    fn joined(&self) -> Option<Fetched> {
        let mut in_order = self.in_order().map(|(_, fetched)| fetched);
        let mut all = in_order.next()?.clone();
        for Fetched { batches, next, end, aborted, epochs, epoch: _ } in in_order {
            all.batches.extend(batches.iter().cloned());
            all.epochs.extend(epochs);
            (all.next, all.end) = (*next, *end);
            // One that reaches into two pushes comes with both.
            let known = all.aborted.len();
            let new = aborted.iter().filter(|aborted| !all.aborted[..known].contains(aborted));
            let new: Vec<_> = new.copied().collect();
            all.aborted.extend(new);
        }
        Some(all)
    }

    fn in_order(&self) -> impl Iterator<Item = (u64, &Fetched)> {
        let ignored = self.defects.has(Defect::PushGapIgnored);
        let numbered = (self.worked + 1..).zip(&self.held);
        numbered
            .take_while(move |(due, (number, _))| due == *number || ignored)
            .map(|(_, (number, fetched))| (*number, fetched))
    }

    /// Where another subscription begins when this one is over, for a consumer that has worked through everything before
    /// `offset`: there, whatever else has come.
    pub fn begins_anew_at(&self, offset: Offset) -> Offset {
        match self.held.last_key_value() {
            Some((_, last)) if self.defects.has(Defect::PushSkipsOnResubscribe) => offset.max(last.next),
            _ => offset,
        }
    }
}
