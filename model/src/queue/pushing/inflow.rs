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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next<'a> {
    /// This: it holds the offset.
    Push(&'a Fetched),
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
    pub fn read(&mut self, offset: Offset) -> Next<'_> {
        if offset < self.position {
            return Next::Elsewhere;
        }
        while let Some((number, next)) = self.first().filter(|(_, next)| *next <= offset) {
            self.held.remove(&number);
            (self.worked, self.position) = (number, next);
        }
        match self.first() {
            Some((number, _)) => Next::Push(&self.held[&number]),
            None if offset == self.position => Next::Nothing,
            None => Next::Elsewhere,
        }
    }

    /// The next push in order, if it is there, and where it ends.
    fn first(&self) -> Option<(u64, Offset)> {
        let (number, fetched) = self.held.first_key_value()?;
        let in_order = *number == self.worked + 1 || self.defects.has(Defect::PushGapIgnored);
        in_order.then_some((*number, fetched.next))
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
