//! Where a node says what has happened.

use crate::Fact;

/// Takes a node's facts. Observing has no effect on the node.
pub trait Observer {
    /// The facts of the system this node belongs to.
    type Fact: Fact;

    /// Reports that `fact` has happened. In the seeded world every monitor sees it at once; live, it
    /// becomes a log line.
    fn observe(&self, fact: impl Into<Self::Fact>);

    /// Whether to take the rare branch named `point` now. Always false outside the seeded world.
    fn rarely(&self, point: &'static str) -> bool;
}
