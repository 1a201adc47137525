//! Whoever watches a run: it is shown every fact and every incident as it happens.

use crate::FaultClass;
use rehearsal_env::{NodeId, Stamp, Time};
use serde::Serialize;
use std::ops::ControlFlow;

/// Something that the scenario, not a system, did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Incident {
    /// A node lost its memory.
    Crashed(NodeId),
    /// A node's program returned.
    Exited(NodeId),
    /// A node's program was started.
    Started(NodeId),
    /// A node stands still.
    Paused(NodeId),
    /// It goes on.
    Resumed(NodeId),
    /// The partition that is the scenario's fault of this index was drawn.
    Cut(u32),
    /// It was healed.
    Healed(u32),
    /// A sync failed because the scenario said so.
    SyncFailed(NodeId),
    /// A crash tore or lost part of what this node had written and not synced.
    WriteSpoiled(NodeId),
    /// A node's disk was full when it wanted to write.
    NoSpace(NodeId),
    /// The storm is over: faults are healed, nodes are up.
    CalmBegan,
    /// From now on something of this class is wrong with a node.
    Ailed(NodeId, FaultClass),
    /// It no longer is.
    Mended(NodeId, FaultClass),
    /// An operation of a node failed or went wrong, or its disk was lost, because the scenario said so.
    Failed(NodeId, FaultClass),
    /// Links are slow by the scenario's fault of this index.
    LinkSlowed(u32),
    /// They are as fast again as they were.
    LinkFast(u32),
    /// What was under way on links is lost by the scenario's fault of this index.
    LinkReset(u32),
    /// The nodes of the scenario's fault of this index are about to crash together.
    ZoneLost(u32),
}

/// Sees a run. Facts and incidents share one numbering.
pub trait Audience<F> {
    /// A fact was reported; Break ends the run after it.
    fn witness(&mut self, stamp: &Stamp, fact: &F) -> ControlFlow<()>;

    /// The scenario struck, or healed; Break ends the run after it.
    fn incident(&mut self, stamp: &Stamp, incident: &Incident) -> ControlFlow<()> {
        let _ = (stamp, incident);
        ControlFlow::Continue(())
    }

    /// Whether nothing is still to come that the calm has to bring. Asked from time to time in the calm, where a run
    /// [ends at rest](crate::Ends::AtRest).
    fn is_at_rest(&self, now: Time) -> bool {
        let _ = now;
        false
    }
}

/// Watches nothing.
impl<F> Audience<F> for () {
    fn witness(&mut self, _stamp: &Stamp, _fact: &F) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
