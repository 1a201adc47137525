//! Time as a node's own clock tells it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::Future;
use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant of a monotonic clock, in nanoseconds since an origin that only differences make
/// meaningful (in the seeded world: since the world began).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    /// The origin.
    pub const ZERO: Time = Time(0);
    /// Later than every instant that is reached.
    pub const NEVER: Time = Time(u64::MAX);

    /// Nanoseconds since the origin.
    pub fn nanos(self) -> u64 {
        self.0
    }

    /// The span from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    /// Seconds with six decimals, as `12.345678s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:06}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

/// What the wall clock shows: microseconds since the Unix epoch. It may jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallTime(pub i64);

impl WallTime {
    /// Microseconds since the Unix epoch.
    pub fn micros(self) -> i64 {
        self.0
    }
}

/// A [`Clock::timeout`] ran out; the future it guarded was dropped, and what that future had begun
/// may or may not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time allowed ran out")]
pub struct Elapsed;

/// A node's clock.
///
/// * [`now`](Clock::now) never goes back within one incarnation. It may drift against other nodes.
/// * [`wall`](Clock::wall) may jump either way at any time.
/// * No sleep ends early by the node's own `now`. It may end late, by any amount.
pub trait Clock {
    /// The monotonic clock.
    fn now(&self) -> Time;

    /// The wall clock.
    fn wall(&self) -> WallTime;

    /// Waits until `now() >= until`. Dropping the future cancels the timer.
    fn sleep_until(&self, until: Time) -> impl Future<Output = ()>;

    /// Waits for at least `span`, counted from the call.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> {
        self.sleep_until(self.now() + span)
    }

    /// Runs `future` for at most `within`. When both are ready at once the future wins.
    ///
    /// # Errors
    /// [`Elapsed`] when the time ran out first; `future` has been dropped.
    fn timeout<F: Future>(
        &self,
        within: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>>;
}
