//! What of a partition was begun and is not finished, where records are not finished in the order in which they stand.
//!
//! ```text
//!   0 1 2 3 4 5 6 7      begun: everything before 6; unfinished: 2 and 4
//!   ✓ ✓ · ✓ · ✓ │        so everything before 2 is finished, and 2 is what may be committed
//! ```

use super::offset::Offset;
use std::collections::BTreeSet;

/// What was begun in one partition and is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unfinished {
    next: Offset,
    open: BTreeSet<Offset>,
}

impl Unfinished {
    /// Nothing was begun; the first record will be this one.
    pub fn from(start: Offset) -> Unfinished {
        Unfinished { next: start, open: BTreeSet::new() }
    }

    /// The record at this offset is begun. Records are begun in the order in which they stand.
    pub fn begin(&mut self, offset: Offset) {
        self.open.insert(offset);
        self.next = self.next.max(offset.plus(1));
    }

    /// It is finished.
    pub fn finish(&mut self, offset: Offset) {
        self.open.remove(&offset);
    }

    /// Everything before it is finished: what may be committed.
    pub fn through(&self) -> Offset {
        self.open.first().copied().unwrap_or(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_finished_early_waits_for_what_is_before_it() {
        let mut unfinished = Unfinished::from(Offset(3));
        [3, 4, 7].map(Offset).into_iter().for_each(|offset| unfinished.begin(offset));
        unfinished.finish(Offset(4));
        assert_eq!(unfinished.through(), Offset(3));
        unfinished.finish(Offset(3));
        assert_eq!(unfinished.through(), Offset(7), "between 4 and 7 stands nothing of anybody's");
        unfinished.finish(Offset(7));
        assert_eq!(unfinished.through(), Offset(8));
    }
}
