use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the messages that nodes of one world receive; clones count together.
#[derive(Clone, Default)]
pub struct Deliveries(Arc<AtomicU64>);

impl Deliveries {
    /// Counts one message, in the hands of the program that it was sent to.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The messages counted so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
