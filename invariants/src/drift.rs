//! How far the clocks of nodes may be off.

use std::time::Duration;

/// How long a timeout is at least that a node measured by its own clock: clocks drift by a tenth at most.
pub(crate) fn by_a_fast_clock(timeout: Duration) -> Duration {
    timeout * 10 / 11
}
