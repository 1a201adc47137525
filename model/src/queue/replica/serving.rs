//! What a replica serves to consumers: a leader (rule R8), or a follower that is in sync with it (KIP-392).

use super::leader::Refusal;
use super::{Replica, Role};
use crate::queue::controller::PartitionState;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::reading::ReadFrom;

impl Replica {
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
