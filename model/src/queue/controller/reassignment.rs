//! A partition moves from brokers to brokers (KIP-455), and there are never fewer good copies of it than before.
//!
//! ```text
//!  replicas {0, 1, 2}   in sync {0, 1, 2}                                   leader 0
//!     │ 3 instead of 0 is wanted
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2}      leader 0
//!     │ 3 fetches as any follower does, and joins as any does (R5)
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2, 3}   leader 0
//!     │ everybody who is to stay is in sync: the leader hands over, if it is to go
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2, 3}   leader 1, next epoch
//!     │ and those who are to go are let go of
//!  replicas {1, 2, 3}   in sync {1, 2, 3}                                   leader 1, next epoch
//! ```
//!
//! Everything stands in the partition's state, so whoever is the controller goes on with it. Another target may be named
//! at any time: what was there before is then as good as what is being added, and what is in neither goes at the end.
//!
//! Letting go begins an epoch, although the leader stays. A broker that is gone drops its copy, and may be called back by
//! the same leader in the same life: what it said of its former copy, and what of that is still on its way, would then
//! count for a copy that is empty. A fetch of an earlier epoch does not (rule R4).

use super::PartitionState;
use crate::queue::brokers::Brokers;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::LeaderEpoch;

/// How many partitions move at once: copies that are made anew take what others need, too.
pub const MOVES_AT_ONCE: usize = 2;

impl PartitionState {
    /// Who has a copy once the move is done.
    pub fn target(&self) -> Brokers {
        self.replicas.minus(self.removing)
    }

    /// Whether it moves.
    pub fn moves(&self) -> bool {
        !self.adding.or(self.removing).is_empty()
    }

    /// The state when its copies shall be there instead. Nobody loses a copy by that.
    #[must_use]
    pub fn moved_towards(&self, target: Brokers) -> PartitionState {
        let had = self.replicas.minus(self.adding);
        let replicas = self.replicas.or(target);
        PartitionState {
            version: self.version + 1,
            replicas,
            adding: target.minus(had),
            removing: replicas.minus(target),
            ..self.clone()
        }
    }

    /// Whether everybody is in sync who is to have a copy, so that the others may go.
    pub(super) fn may_let_go(&self, defects: Defects) -> bool {
        let target = self.target();
        match defects.has(Defect::TrimsBeforeInSync) {
            true => !target.and(self.in_sync).is_empty(),
            false => target.minus(self.in_sync).is_empty(),
        }
    }

    /// The state when those who were to go are gone: in an epoch of its own.
    #[must_use]
    pub(super) fn let_go(&self, defects: Defects) -> PartitionState {
        let target = self.target();
        let next = LeaderEpoch(self.epoch.0 + 1);
        PartitionState {
            version: self.version + 1,
            epoch: if defects.has(Defect::TrimsInOldEpoch) { self.epoch } else { next },
            in_sync: self.in_sync.and(target),
            eligible: self.eligible.and(target),
            replicas: target,
            adding: Brokers::NONE,
            removing: Brokers::NONE,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Leader;
    use super::*;
    use crate::queue::brokers::{BrokerEpoch, BrokerId};
    use crate::queue::offset::Offset;
    use crate::queue::replica::{Asker, FetchRequest, Flush, Lineage, Replica, Role, Settings};

    const LIFE: BrokerEpoch = BrokerEpoch(1);
    const SETTINGS: Settings = Settings { flush: Flush::BeforeAck, min_insync: 1, defects: Defects::NONE };

    fn state() -> PartitionState {
        PartitionState::new(Brokers::first(3), Leader { broker: BrokerId(0), life: LIFE })
    }

    fn replica(broker: u8, records: u64) -> Replica {
        let lineage = Lineage::of([(LeaderEpoch(0), Offset::ZERO)]);
        let log = Offset::ZERO..Offset(records);
        Replica::recovered(BrokerId(broker), LIFE, log, lineage, Offset::ZERO)
    }

    #[test]
    fn a_move_that_is_called_off_leaves_everything_as_it_was() {
        let moved = state().moved_towards(Brokers::first(4).without(BrokerId(0)));
        assert_eq!((moved.replicas, moved.in_sync), (Brokers::first(4), Brokers::first(3)));
        assert!(!moved.may_let_go(Defects::NONE));
        let back = moved.moved_towards(Brokers::first(3));
        assert_eq!((back.adding, back.removing), (Brokers::NONE, Brokers::only(BrokerId(3))));
        let done = back.let_go(Defects::NONE);
        assert!(back.may_let_go(Defects::NONE) && !done.moves());
        assert_eq!((done.replicas, done.in_sync), (Brokers::first(3), Brokers::first(3)));
    }

    #[test]
    fn who_was_to_come_and_shall_not_goes_with_those_who_go() {
        let moved = state().moved_towards(Brokers::first(4).without(BrokerId(0)));
        let elsewhere =
            moved.moved_towards(Brokers::first(5).minus([0, 3].map(BrokerId).into_iter().collect()));
        assert_eq!(elsewhere.adding, Brokers::only(BrokerId(4)));
        assert_eq!(elsewhere.removing, [0, 3].map(BrokerId).into_iter().collect());
    }

    #[test]
    fn a_broker_that_is_no_replica_any_more_keeps_nothing() {
        let mut replica = replica(2, 5);
        replica.ordered(&state(), LIFE, SETTINGS);
        let gone = state().moved_towards(Brokers::first(2)).let_go(Defects::NONE);
        assert_eq!(replica.ordered(&gone, LIFE, SETTINGS), Some(Offset::ZERO));
        assert_eq!((replica.end(), replica.role()), (Offset::ZERO, &Role::Idle));
    }

    #[test]
    fn what_a_broker_said_of_its_former_copy_does_not_count_for_the_next_one() {
        let mut leader = replica(0, 5);
        leader.ordered(&state(), LIFE, SETTINGS);
        let asker = Asker { broker: BrokerId(2), life: LIFE, epoch: LeaderEpoch(0) };
        let late = FetchRequest { asker, offset: Offset(5) };
        leader.fetch(&late, SETTINGS).expect("it is in its epoch");
        let gone = state().moved_towards(Brokers::first(2)).let_go(Defects::NONE);
        let back = gone.moved_towards(Brokers::first(3));
        for state in [&gone, &back] {
            leader.ordered(state, LIFE, SETTINGS);
            assert!(leader.fetch(&late, SETTINGS).is_err());
            assert!(!leader.caught_up(SETTINGS).has(BrokerId(2)));
        }
    }
}
