//! What a consumer has read of a partition, as far as it needs it to notice that a log was truncated: which epoch wrote which
//! stretch (KIP-320). It holds no records, and begins when the consumer is given a place.

use super::super::offset::{LeaderEpoch, Offset};
use super::super::reading::Footing;
use super::super::replica::{EpochEnd, Lineage};

/// What was read up to `next`, one piece behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Trail {
    lineage: Lineage,
    next: Offset,
    newest: LeaderEpoch,
}

/// A log goes on in another epoch than the one in which it was read up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Crossing {
    pub(super) last: LeaderEpoch,
    pub(super) next: LeaderEpoch,
}

impl Trail {
    /// What one knows who goes on at `offset`. If that is not where the trail has got to, what lies behind it is forgotten; if
    /// it lies beyond, all of it.
    pub(super) fn at(&mut self, offset: Offset) -> Footing {
        if offset > self.next {
            self.lineage = Lineage::default();
        }
        self.lineage.truncated(offset);
        self.next = offset;
        let last = offset.0.checked_sub(1).and_then(|before| self.lineage.epoch_at(Offset(before)));
        Footing { last, newest: self.newest }
    }

    /// Everything from where it stands to `next` was read, as a log with these epochs, and served in the epoch `newest`.
    pub(super) fn read(
        &mut self,
        epochs: &[(LeaderEpoch, Offset)],
        next: Offset,
        newest: LeaderEpoch,
    ) -> Option<Crossing> {
        self.newest = self.newest.max(newest);
        if next <= self.next {
            return None;
        }
        let last = self.lineage.last();
        // A piece may begin before the place from which it is read.
        let before = epochs.partition_point(|(_, start)| *start <= self.next).saturating_sub(1);
        let epochs = &epochs[before..];
        for (epoch, start) in epochs {
            self.lineage.appended(*epoch, self.next.max(*start));
        }
        self.next = next;
        let (last, first) = (last?, epochs.first()?.0);
        (last != first).then_some(Crossing { last, next: first })
    }

    /// Where to go on, when the log that was to be read parts from what was read, and has this end of the newest epoch that it
    /// shares, or may share, with it (rule R3 of the [replica](super::super::replica)).
    pub(super) fn parts_at(&self, end: EpochEnd) -> Offset {
        let own = end.found.map_or(end.end, |found| self.lineage.end_of(found, self.next).end);
        end.end.min(own).min(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: LeaderEpoch = LeaderEpoch(1);
    const TWO: LeaderEpoch = LeaderEpoch(2);
    const FIVE: LeaderEpoch = LeaderEpoch(5);

    /// Read from 3 on: epoch 1 up to 6, and epoch 2 up to 9.
    fn trail() -> Trail {
        let mut trail = Trail::default();
        assert_eq!(trail.at(Offset(3)), Footing::default());
        assert_eq!(trail.read(&[(ONE, Offset(3)), (TWO, Offset(6))], Offset(9), TWO), None);
        trail
    }

    #[test]
    fn it_says_in_whose_time_the_record_before_was_appended() {
        assert_eq!(trail().at(Offset(9)), Footing { last: Some(TWO), newest: TWO });
        assert_eq!(trail().at(Offset(6)), Footing { last: Some(ONE), newest: TWO });
    }

    #[test]
    fn who_begins_elsewhere_knows_nothing_of_what_lies_before() {
        for offset in [Offset(3), Offset(1), Offset(12)] {
            assert_eq!(trail().at(offset), Footing { last: None, newest: TWO }, "{offset}");
        }
    }

    #[test]
    fn it_notices_that_another_epoch_goes_on() {
        let mut trail = trail();
        trail.at(Offset(9));
        assert_eq!(trail.read(&[(ONE, Offset(5)), (TWO, Offset(6))], Offset(10), TWO), None);
        trail.at(Offset(10));
        assert_eq!(
            trail.read(&[(FIVE, Offset(10))], Offset(12), FIVE),
            Some(Crossing { last: TWO, next: FIVE })
        );
    }

    #[test]
    fn it_parts_from_a_log_where_the_last_epoch_that_they_share_ends_in_either() {
        let parts = |found, end| trail().parts_at(EpochEnd { found, end: Offset(end) });
        assert_eq!(parts(Some(TWO), 7), Offset(7), "the log has less of the last epoch");
        assert_eq!(parts(Some(ONE), 8), Offset(6), "the log goes on in the epoch before");
        assert_eq!(parts(Some(ONE), 5), Offset(5), "the log has less of the epoch before");
        assert_eq!(parts(None, 4), Offset(4), "the log has none of them");
    }
}
