//! What is measured side by side: small worlds without faults, the same seeds for all, times read from facts and virtual.

mod latencies;
pub mod locking;
pub mod queue;

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Every cell of a table in the order in which it is wanted, whichever thread measured it.
///
/// # Panics
/// When `measure` does.
pub fn measure_all<W: Sync, C: Send>(
    wanted: &[W],
    jobs: NonZeroUsize,
    measure: impl Fn(&W) -> C + Sync,
) -> Vec<C> {
    let next = AtomicUsize::new(0);
    let measured = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(of) = wanted.get(place) else { return };
                    let cell = measure(of);
                    measured.lock().expect("no thread panics with it").push((place, cell));
                }
            });
        }
    });
    let mut cells = measured.into_inner().expect("no thread panics with it");
    cells.sort_by_key(|(place, _)| *place);
    cells.into_iter().map(|(_, cell)| cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_in_the_order_in_which_they_are_wanted() {
        let wanted: Vec<u64> = (0..100).collect();
        for jobs in [1, 4] {
            let jobs = NonZeroUsize::new(jobs).expect("some");
            assert_eq!(measure_all(&wanted, jobs, |number| *number), wanted);
        }
    }
}
