//! What a replica serves to consumers: a leader (rule R8), or a follower that is in sync with it (KIP-392).

use super::leader::Refusal;
use super::{EpochEnd, Replica, Role};
use crate::queue::controller::PartitionState;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::reading::{Footing, ReadFrom};

/// Why one who has read before the offset that it wants is not to go on there (KIP-320).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoFooting {
    /// This replica has not heard yet of an epoch in which the consumer was served.
    #[error("this replica has not heard of that epoch")]
    UnknownEpoch,
    /// What was read before the offset does not stand here.
    #[error("the log parts from what was read")]
    Diverged(EpochEnd),
}

impl Replica {
    /// Whether what a consumer has read before `offset` stands here. An epoch and an offset name one record, and logs that
    /// agree there agree below; so it is enough to look at the one before the offset. Of what retention has taken, or a
    /// follower does not have yet, nothing is said.
    ///
    /// # Errors
    /// [`NoFooting`]: nothing is to be served.
    pub fn check_footing(&self, offset: Offset, footing: Footing, defects: Defects) -> Result<(), NoFooting> {
        if defects.has(Defect::ConsumerEpochIgnored) {
            return Ok(());
        }
        if self.epoch < footing.newest {
            return Err(NoFooting::UnknownEpoch);
        }
        let not_here_yet = !self.leads() && offset > self.end;
        let Some(last) = footing.last.filter(|_| offset > self.start && !not_here_yet) else { return Ok(()) };
        let before = Offset(offset.0 - 1);
        if before < self.end && self.lineage.epoch_at(before) == Some(last) {
            return Ok(());
        }
        Err(NoFooting::Diverged(self.lineage.end_of(last, self.end)))
    }

    /// Whether it leads, or believes so.
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leading(_))
    }

    /// Whether it serves one who may ask so: as the leader, or as a follower that the newest known state of the partition
    /// has in sync in this epoch.
    pub fn serves(&self, of: ReadFrom, newest: Option<&PartitionState>) -> bool {
        let in_sync = |state: &PartitionState| state.epoch == self.epoch && state.in_sync.has(self.me);
        let follows = || matches!(self.role, Role::Fetching(_)) && newest.is_some_and(in_sync);
        self.leads() || of == ReadFrom::InSync && follows()
    }

    /// Up to where it serves: a follower's watermark lags behind its leader's, and never overtakes it.
    pub fn served_end(&self, defects: Defects) -> Offset {
        match defects.has(Defect::FollowerServesAll) && !self.leads() {
            true => self.end,
            false => self.watermark,
        }
    }

    /// Whether an offset can be served, now or after a while. Only the leader knows what is out of range: a follower may
    /// have dropped more, and may have less yet.
    ///
    /// Before the watermark has reached the start of the leader's epoch, consumers may have read more from an earlier
    /// one: then their offset is not out of range, it is ahead of what is known (KIP-207).
    ///
    /// # Errors
    /// [`Refusal::OutOfRange`], and [`Refusal::NotLeader`] of a follower that the leader is to be asked instead of.
    pub fn check_offset(&self, offset: Offset, defects: Defects) -> Result<(), Refusal> {
        let (start, end) = (self.start, self.end);
        match self.leads() || defects.has(Defect::FollowerSaysOutOfRange) {
            true if offset < start || offset > end => Err(Refusal::OutOfRange { start, end }),
            false if offset < start => Err(Refusal::NotLeader),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
    use crate::queue::controller::Leader;
    use crate::queue::offset::LeaderEpoch;
    use crate::queue::replica::{Flush, Lineage, Settings};

    const LIFE: BrokerEpoch = BrokerEpoch(1);

    /// Broker 0 leads three.
    fn state() -> PartitionState {
        PartitionState::new(Brokers::first(3), Leader { broker: BrokerId(0), life: LIFE })
    }

    /// The replica of a broker whose log holds 2 to 5, and who has been told of the state.
    fn told(broker: u8) -> Replica {
        let log = Offset(2)..Offset(5);
        let mut replica = Replica::recovered(BrokerId(broker), LIFE, log, Lineage::default(), Offset(3));
        let settings = Settings { flush: Flush::BeforeAck, min_insync: 1, defects: Defects::NONE };
        replica.ordered(&state(), LIFE, settings);
        replica
    }

    /// A follower that has found out where its log parts from the leader's.
    fn fetching() -> Replica {
        let mut replica = told(1);
        replica.role = Role::Fetching(BrokerId(0));
        replica
    }

    #[test]
    fn the_leader_serves_everybody_and_a_follower_in_sync_those_who_may_ask_it() {
        let (leader, follower) = (told(0), fetching());
        assert!(leader.serves(ReadFrom::Leader, None) && leader.serves(ReadFrom::InSync, None));
        assert!(follower.serves(ReadFrom::InSync, Some(&state())));
        assert!(!follower.serves(ReadFrom::Leader, Some(&state())));
    }

    #[test]
    fn a_follower_that_left_the_set_or_knows_of_a_later_epoch_or_has_not_cut_its_log_serves_nobody() {
        let left = PartitionState { in_sync: Brokers::first(1), ..state() };
        let later = PartitionState { epoch: LeaderEpoch(1), ..state() };
        for state in [None, Some(&left), Some(&later)] {
            assert!(!fetching().serves(ReadFrom::InSync, state), "{state:?}");
        }
        let mut truncating = fetching();
        truncating.role = Role::Truncating(BrokerId(0));
        assert!(!truncating.serves(ReadFrom::InSync, Some(&state())));
    }

    #[test]
    fn a_follower_serves_up_to_its_watermark_and_says_wait_behind_it() {
        let follower = fetching();
        assert_eq!(follower.served_end(Defects::NONE), Offset(3));
        assert_eq!(follower.served_end(Defects::of([Defect::FollowerServesAll])), Offset(5));
        assert_eq!(follower.check_offset(Offset(9), Defects::NONE), Ok(()));
        assert_eq!(follower.check_offset(Offset(1), Defects::NONE), Err(Refusal::NotLeader));
        let resets = Defects::of([Defect::FollowerSaysOutOfRange]);
        assert!(matches!(follower.check_offset(Offset(9), resets), Err(Refusal::OutOfRange { .. })));
    }

    /// A leader in epoch 3, whose log holds epoch 1 from 2 on and epoch 3 from 4 to 5.
    fn leader_of_two_epochs() -> Replica {
        let mut replica = told(0);
        replica.epoch = LeaderEpoch(3);
        replica.lineage = Lineage::of([(LeaderEpoch(1), Offset(2)), (LeaderEpoch(3), Offset(4))]);
        replica
    }

    fn read_in(epoch: u32) -> Footing {
        Footing { last: Some(LeaderEpoch(epoch)), newest: LeaderEpoch(epoch) }
    }

    #[test]
    fn who_has_read_what_stands_here_may_go_on_and_so_may_one_who_has_read_nothing_that_is_left() {
        let leader = leader_of_two_epochs();
        for (offset, footing) in [(4, read_in(1)), (5, read_in(3)), (5, Footing::default()), (2, read_in(0))]
        {
            assert_eq!(leader.check_footing(Offset(offset), footing, Defects::NONE), Ok(()), "{offset}");
        }
    }

    #[test]
    fn who_has_read_what_was_cut_off_is_told_where_the_log_parts() {
        let leader = leader_of_two_epochs();
        let end = EpochEnd { found: Some(LeaderEpoch(1)), end: Offset(4) };
        for (offset, epoch) in [(5, 2), (5, 1), (9, 1)] {
            let told = leader.check_footing(Offset(offset), read_in(epoch), Defects::NONE);
            assert_eq!(told, Err(NoFooting::Diverged(end)), "{offset} in epoch {epoch}");
        }
        let ignores = Defects::of([Defect::ConsumerEpochIgnored]);
        assert_eq!(leader.check_footing(Offset(5), read_in(2), ignores), Ok(()));
    }

    #[test]
    fn who_was_served_in_a_later_epoch_is_not_served_in_this_one() {
        let leader = leader_of_two_epochs();
        let footing = Footing { last: None, newest: LeaderEpoch(4) };
        assert_eq!(leader.check_footing(Offset(5), footing, Defects::NONE), Err(NoFooting::UnknownEpoch));
    }

    #[test]
    fn a_follower_says_nothing_of_what_it_does_not_have_yet() {
        assert_eq!(fetching().check_footing(Offset(9), read_in(0), Defects::NONE), Ok(()));
    }

    #[test]
    fn only_beyond_its_log_does_a_leader_say_out_of_range() {
        let leader = told(0);
        assert_eq!(leader.check_offset(Offset(5), Defects::NONE), Ok(()));
        let held = Refusal::OutOfRange { start: Offset(2), end: Offset(5) };
        for offset in [Offset(1), Offset(6)] {
            assert_eq!(leader.check_offset(offset, Defects::NONE), Err(held));
        }
    }
}
