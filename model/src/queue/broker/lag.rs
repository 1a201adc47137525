//! Since when followers lag.

use super::super::brokers::{BrokerId, Brokers};
use super::super::offset::Offset;
use rehearsal_env::Time;
use std::collections::BTreeMap;

/// When each follower of a partition had last all that there was.
///
/// A follower that asks for more has caught up if it has all that there is now; or, while more and more is appended, all that
/// there was when it asked before: then it had caught up at that time (KIP-16). Without that a follower which keeps pace
/// with a busy leader would leave the set again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Lag {
    caught_up: BTreeMap<BrokerId, Time>,
    /// When each asked last, and where the log ended then.
    asked: BTreeMap<BrokerId, (Offset, Time)>,
}

impl Lag {
    /// At the beginning of a lead nobody lags.
    pub(super) fn begin(in_sync: Brokers, now: Time) -> Lag {
        Lag { caught_up: in_sync.iter().map(|broker| (broker, now)).collect(), asked: BTreeMap::new() }
    }

    /// A follower asks for what comes at `offset`, in a log that ends at `end`.
    pub(super) fn asked(&mut self, broker: BrokerId, offset: Offset, end: Offset, now: Time) {
        let before = self.asked.insert(broker, (end, now));
        if offset >= end {
            self.has_all(broker, now);
        } else if let Some((_, then)) = before.filter(|(ended, _)| offset >= *ended) {
            self.has_all(broker, then);
        }
    }

    /// A follower has all that there is.
    pub(super) fn has_all(&mut self, broker: BrokerId, now: Time) {
        let caught_up = self.caught_up.entry(broker).or_insert(now);
        *caught_up = (*caught_up).max(now);
    }

    /// When this follower had last all that there was, if ever.
    pub(super) fn caught_up(&self, broker: BrokerId) -> Option<Time> {
        self.caught_up.get(&broker).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLLOWER: BrokerId = BrokerId(1);

    fn begun() -> Lag {
        Lag::begin(Brokers::first(2), Time(0))
    }

    #[test]
    fn who_has_everything_does_not_lag() {
        let mut lag = begun();
        lag.asked(FOLLOWER, Offset(3), Offset(3), Time(5));
        assert_eq!(lag.caught_up(FOLLOWER), Some(Time(5)));
        assert_eq!(lag.caught_up(BrokerId(2)), None, "it was not there in the beginning");
    }

    #[test]
    fn who_keeps_pace_with_a_busy_leader_does_not_lag_further_and_further() {
        let mut lag = begun();
        for turn in 1..10 {
            // Two more are there whenever it asks.
            lag.asked(FOLLOWER, Offset(2 * turn), Offset(2 * turn + 2), Time(turn));
        }
        assert_eq!(lag.caught_up(FOLLOWER), Some(Time(8)), "when it asked the time before");
    }

    #[test]
    fn who_falls_behind_lags_since_then() {
        let mut lag = begun();
        lag.asked(FOLLOWER, Offset(2), Offset(2), Time(1));
        for turn in 2..10 {
            lag.asked(FOLLOWER, Offset(turn), Offset(3 * turn), Time(turn));
        }
        assert_eq!(lag.caught_up(FOLLOWER), Some(Time(1)));
    }
}
