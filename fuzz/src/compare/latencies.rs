//! How long things took.

use std::time::Duration;

/// Durations, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(Vec<u64>);

impl Latencies {
    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took.as_nanos() as u64);
    }

    pub(super) fn add_all(&mut self, other: &Latencies) {
        self.0.extend(&other.0);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Percentiles in milliseconds, by the nearest rank; 0 when there is none.
    pub(super) fn percentiles_ms<const N: usize>(&self, percents: [usize; N]) -> [f64; N] {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        percents.map(|percent| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).map_or(0.0, |nanos| *nanos as f64 / 1e6)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_occurred() {
        let mut latencies = Latencies::default();
        (1..=10).rev().for_each(|millis| latencies.add(Duration::from_millis(millis)));
        assert_eq!(latencies.percentiles_ms([50, 99, 100]), [5.0, 10.0, 10.0]);
        assert_eq!(Latencies::default().percentiles_ms([50]), [0.0]);
    }
}
