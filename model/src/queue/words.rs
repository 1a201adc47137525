//! The facts of the queue in words: each as the rest of a sentence that begins with the node's name.

use super::facts::Fact;

/// What the node did or learned, without its name and without a full stop.
pub(super) fn of(fact: &Fact) -> String {
    format!("reports {fact:?}")
}
