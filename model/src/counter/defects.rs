//! Known bugs, switched on by name.

/// Which bugs are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defects {
    /// `answer-before-sync`: the server answers while the entry may still be lost with the next crash, as
    /// MongoDB did by default until 2012 (unacknowledged, unjournaled writes).
    pub answer_before_sync: bool,
    /// `forgets-duplicates`: the server counts whatever comes, as every counter that was retried without an
    /// idempotency key does.
    pub forgets_duplicates: bool,
}
