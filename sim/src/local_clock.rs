//! A node's monotonic clock: what it shows at which true time.

use rehearsal_env::Time;

/// Parts of a million.
const MILLION: u64 = 1_000_000;

/// A clock that has run at one rate since some time. Whole numbers only, so that it shows the same everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalClock {
    /// Since when it runs at this rate.
    since: Time,
    /// What it showed then.
    shown: Time,
    /// How much faster than time it runs, in parts per million.
    ppm: i32,
}

impl LocalClock {
    fn rate(&self) -> u64 {
        MILLION.saturating_add_signed(i64::from(self.ppm))
    }

    /// What it shows.
    pub(crate) fn read(&self, now: Time) -> Time {
        let passed = u128::from(now.0.saturating_sub(self.since.0));
        let shown = passed * u128::from(self.rate()) / u128::from(MILLION);
        Time(self.shown.0.saturating_add(u64::try_from(shown).unwrap_or(u64::MAX)))
    }

    /// The first true time at which it shows `until`, or more.
    pub(crate) fn shows(&self, until: Time) -> Time {
        let left = u128::from(until.0.saturating_sub(self.shown.0));
        let passed = (left * u128::from(MILLION)).div_ceil(u128::from(self.rate()));
        Time(self.since.0.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX)))
    }

    /// From now on it shows this and runs so much faster than time; it never goes back.
    pub(crate) fn run_on(&mut self, now: Time, shown: Time, ppm: i32) {
        *self = LocalClock { since: now, shown, ppm };
    }

    /// From now on it runs so much faster than time.
    pub(crate) fn drift(&mut self, now: Time, ppm: i32) {
        self.run_on(now, self.read(now), ppm);
    }

    /// How much faster than time it runs, in parts per million.
    pub(crate) fn ppm(&self) -> i32 {
        self.ppm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_that_runs_a_thousandth_fast_is_a_millisecond_ahead_after_a_second() {
        let mut clock = LocalClock::default();
        clock.drift(Time(5_000_000_000), 1_000);
        assert_eq!(clock.read(Time(6_000_000_000)), Time(6_001_000_000));
        assert_eq!(clock.shows(Time(6_001_000_000)), Time(6_000_000_000));
    }

    #[test]
    fn what_it_is_off_by_stays_when_it_runs_right_again() {
        let mut clock = LocalClock::default();
        clock.drift(Time(0), -100_000);
        clock.drift(Time(1_000), 0);
        assert_eq!(clock.read(Time(2_000)), Time(1_900));
    }

    proptest! {
        #[test]
        fn it_shows_a_time_from_when_it_is_said_to_and_not_before(
            since in 0..1u64 << 60,
            shown in 0..1u64 << 60,
            ppm in -100_000..=100_000,
            ahead in 0..1u64 << 50,
        ) {
            let mut clock = LocalClock::default();
            clock.run_on(Time(since), Time(shown), ppm);
            let until = Time(shown + ahead);
            let at = clock.shows(until);
            prop_assert!(clock.read(at) >= until);
            prop_assert!(ahead == 0 || clock.read(Time(at.0 - 1)) < until);
        }
    }
}
