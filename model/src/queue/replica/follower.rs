//! The follower's half: first cut where the logs part, then fetch.

use super::{
    Asker, EndAnswer, EndRequest, FetchAnswer, FetchRequest, OutOfRangeAnswer, Replica, Role, Settings,
};
use crate::queue::brokers::BrokerId;
use crate::queue::defects::Defect;
use crate::queue::offset::{LeaderEpoch, Offset};

/// An answer that is not for this replica as it is now: it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Discarded {
    /// It is for another epoch or life, or nothing was asked.
    #[error("the answer is for another epoch or another life")]
    Stale,
    /// It does not continue the log.
    #[error("the answer does not continue the log")]
    Misplaced,
}

impl Replica {
    pub(super) fn told_to_follow(&mut self, leader: BrokerId, settings: Settings) -> Option<Offset> {
        let defects = settings.defects;
        let cut = if defects.has(Defect::TruncatesToWatermark) { self.cut(self.watermark) } else { None };
        let ready = defects.has(Defect::TruncatesToWatermark) || defects.has(Defect::NeverTruncates);
        let nothing_to_cut = ready || self.lineage.last().is_none();
        self.role = if nothing_to_cut { Role::Fetching(leader) } else { Role::Truncating(leader) };
        cut
    }

    /// What to ask the leader next, if this replica is to find out where its log parts from the leader's.
    pub fn end_request(&self) -> Option<(BrokerId, EndRequest)> {
        match (&self.role, self.lineage.last()) {
            (Role::Truncating(leader), Some(last)) => {
                Some((*leader, EndRequest { asker: self.asker(), last }))
            }
            _ => None,
        }
    }

    /// The leader has said where an epoch ends in its log (R3). What must be dropped, if anything: everything from
    /// there on. If [`start`](Replica::start) is another then, the log begins anew there.
    ///
    /// # Errors
    /// [`Discarded`]: it answers another question.
    pub fn end_answered(&mut self, answer: &EndAnswer) -> Result<Option<Offset>, Discarded> {
        let (leader, asked) = self.end_request().ok_or(Discarded::Stale)?;
        if asked != answer.request {
            return Err(Discarded::Stale);
        }
        let Some(found) = answer.end.found else {
            // The leader has nothing of this epoch or an earlier one, and nothing can stay: where retention has taken
            // what was before its start, nobody can tell how much of that is as it was here.
            self.role = Role::Fetching(leader);
            let start = answer.end.end;
            return Ok(if start == self.start { self.cut(start) } else { Some(self.begin_anew(start)) });
        };
        let own = self.lineage.end_of(found, self.end);
        let cut = self.cut(answer.end.end.min(own.end));
        let agreed = self.lineage.last().is_none_or(|last| last == found);
        self.role = if agreed { Role::Fetching(leader) } else { Role::Truncating(leader) };
        Ok(cut)
    }

    /// What to ask the leader next, if this replica is to fetch. Where a record counts as held when the disk has it, it
    /// asks for more when its disk has all that it got: the leader takes the question for the receipt.
    pub fn fetch_request(&self, settings: Settings) -> Option<(BrokerId, FetchRequest)> {
        let Role::Fetching(leader) = self.role else { return None };
        let holds_all = self.held(settings) == self.end;
        holds_all.then(|| (leader, FetchRequest { asker: self.asker(), offset: self.end }))
    }

    /// The leader has sent what comes next: batches of these epochs and so many records each. They are to be appended to
    /// the log if this returns Ok.
    ///
    /// # Errors
    /// [`Discarded`]: nothing is to be appended.
    pub fn fetched(
        &mut self,
        answer: &FetchAnswer,
        batches: impl IntoIterator<Item = (LeaderEpoch, u64)>,
        settings: Settings,
    ) -> Result<(), Discarded> {
        let defects = settings.defects;
        let Role::Fetching(_) = self.role else { return Err(Discarded::Stale) };
        if answer.request.asker != self.asker() && !defects.has(Defect::TakesStaleAnswer) {
            return Err(Discarded::Stale);
        }
        if answer.request.offset != self.end && !defects.has(Defect::TakesMisplacedAnswer) {
            return Err(Discarded::Misplaced);
        }
        for (epoch, records) in batches {
            self.lineage.appended(epoch, self.end);
            self.end = self.end.plus(records);
        }
        self.watermark = self.watermark.max(answer.watermark.min(self.end));
        Ok(())
    }

    /// The leader's log does not hold the offset that this replica wants. Where it begins anew if that is before the
    /// leader's start: what lies between was out of retention there, and so is all that this replica has. One that has
    /// nothing begins wherever its leader does. (A log that ends beyond its leader's was never cut, which R3 does not
    /// let happen.)
    ///
    /// # Errors
    /// [`Discarded`]: it answers another question, or nothing can be done about it.
    pub fn out_of_range(
        &mut self,
        answer: &OutOfRangeAnswer,
        settings: Settings,
    ) -> Result<Option<Offset>, Discarded> {
        let (_, asked) = self.fetch_request(settings).ok_or(Discarded::Stale)?;
        if asked != answer.request {
            return Err(Discarded::Stale);
        }
        if answer.start <= self.end && self.lineage.last().is_some() {
            return Err(Discarded::Misplaced);
        }
        Ok(Some(self.begin_anew(answer.start)))
    }

    fn asker(&self) -> Asker {
        Asker { broker: self.me, life: self.life, epoch: self.epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::brokers::BrokerEpoch;
    use crate::queue::defects::Defects;
    use crate::queue::replica::{Flush, Lineage};

    #[test]
    fn a_follower_whose_log_expires_before_it_has_cut_it_fetches_all_the_same() {
        let settings = Settings { flush: Flush::BeforeAck, min_insync: 2, defects: Defects::NONE };
        let lineage = Lineage::of([(LeaderEpoch(0), Offset(0))]);
        let (me, life) = (BrokerId(1), BrokerEpoch(1));
        let mut replica = Replica::recovered(me, life, Offset(0)..Offset(5), lineage, Offset(0));
        replica.told_to_follow(BrokerId(0), settings);
        assert!(replica.end_request().is_some() && replica.fetch_request(settings).is_none());
        replica.expired(Offset(5));
        let asks = replica.fetch_request(settings).map(|(leader, request)| (leader, request.offset));
        assert_eq!((replica.end_request(), asks), (None, Some((BrokerId(0), Offset(5)))));
    }
}
