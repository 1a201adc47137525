//! How often each class of fault struck, and how often it changed an operation in flight.

use serde::Serialize;
use std::collections::BTreeMap;

/// A class of faults, as campaigns count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FaultClass {
    /// A node lost its memory. Effect: it had unsynced writes, or messages unread or on their
    /// way to it.
    Crash,
    /// A node stood still. Effect: a task that was ready had to wait.
    Pause,
    /// Links were cut. Effect: a message was stopped.
    Partition,
    /// A message was lost. Effect: somebody was there to receive it.
    Loss,
    /// A message was doubled. Effect: both copies arrived.
    Duplication,
    /// A message was held back. Effect: a later one of the same link overtook it.
    Delay,
    /// A crash tore an unsynced write. Effect: what was torn off differed from what was there.
    TornWrite,
    /// A crash lost an unsynced write. Effect: likewise.
    LostWrite,
    /// A sync was made to fail. Effect: a sync came while that stood.
    FailedSync,
    /// A disk was full. Effect: a write was refused.
    FullDisk,
    /// A client sent the same request again at once, elsewhere. Counted by the system.
    DuplicateClick,
    /// A client sent a request again after no answer came. Counted by the system.
    Retry,
    /// A disk was slow. Effect: an operation took longer.
    SlowDisk,
    /// A node was slow. Effect: a task that was ready had to wait, or an operation of its disk took longer.
    SlowNode,
    /// A read was made to fail. Effect: a read came while that stood.
    FailedRead,
    /// A write was made to fail. Effect: a write came while that stood.
    FailedWrite,
    /// A sync was made to fail and to lose what it was to make sure of. Effect: a sync came while that stood.
    DroppedSync,
    /// What a medium held was made to rot. Effect: somebody read a byte that was not what had been written.
    BitRot,
    /// A clock drifted. Effect: a sleep ended at another time than without.
    ClockDrift,
    /// A wall clock was set off. Effect: somebody looked at it meanwhile.
    ClockStep,
    /// A node was suspended. Effect: a task that was ready had to wait.
    Suspend,
    /// A node crashed and lost its disk, which counts as a crash too. Effect: there was a file on it.
    LostDisk,
    /// Two halves saw each other only by way of one node. Effect: a message was stopped.
    Bridge,
    /// Each of several nodes saw only the two beside it. Effect: likewise.
    Ring,
    /// A node saw nobody. Effect: likewise.
    Isolation,
    /// Links were cut again and again. Effect: messages were stopped in two of the cuts.
    Flapping,
    /// Data centres were cut from each other. Effect: a message was stopped.
    ZonesCut,
    /// All nodes of a data centre crashed together. Effect: one of them had something in hand, as in a crash. Each of the
    /// crashes counts by itself too.
    ZoneLost,
    /// Links carried few messages. Effect: one had to wait behind another, or found no room.
    SlowLink,
    /// What was under way on links was lost at once. Effect: there was something, and somebody to receive it.
    LinkReset,
}

const CLASSES: [FaultClass; 30] = [
    FaultClass::Crash,
    FaultClass::Pause,
    FaultClass::Partition,
    FaultClass::Loss,
    FaultClass::Duplication,
    FaultClass::Delay,
    FaultClass::TornWrite,
    FaultClass::LostWrite,
    FaultClass::FailedSync,
    FaultClass::FullDisk,
    FaultClass::DuplicateClick,
    FaultClass::Retry,
    FaultClass::SlowDisk,
    FaultClass::SlowNode,
    FaultClass::FailedRead,
    FaultClass::FailedWrite,
    FaultClass::DroppedSync,
    FaultClass::BitRot,
    FaultClass::ClockDrift,
    FaultClass::ClockStep,
    FaultClass::Suspend,
    FaultClass::LostDisk,
    FaultClass::Bridge,
    FaultClass::Ring,
    FaultClass::Isolation,
    FaultClass::Flapping,
    FaultClass::ZonesCut,
    FaultClass::ZoneLost,
    FaultClass::SlowLink,
    FaultClass::LinkReset,
];

impl FaultClass {
    /// All classes.
    pub fn all() -> impl Iterator<Item = FaultClass> {
        CLASSES.into_iter()
    }
}

/// Counts per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FaultTally {
    struck: [u64; CLASSES.len()],
    effective: [u64; CLASSES.len()],
}

impl FaultTally {
    /// One fault of this class struck.
    pub fn strike(&mut self, class: FaultClass) {
        self.struck[class as usize] += 1;
    }

    /// One of those that struck changed an operation in flight.
    pub fn effect(&mut self, class: FaultClass) {
        self.effective[class as usize] += 1;
    }

    /// How many struck, with and without effect.
    pub fn struck(&self, class: FaultClass) -> u64 {
        self.struck[class as usize]
    }

    /// How many had an effect.
    pub fn effective(&self, class: FaultClass) -> u64 {
        self.effective[class as usize]
    }

    /// How many struck, all classes together.
    pub fn total(&self) -> u64 {
        self.struck.iter().sum()
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &FaultTally) {
        for index in 0..CLASSES.len() {
            self.struck[index] += other.struck[index];
            self.effective[index] += other.effective[index];
        }
    }

    /// All classes with what struck, for a report.
    pub fn struck_by_class(&self) -> BTreeMap<FaultClass, u64> {
        FaultClass::all().map(|class| (class, self.struck(class))).collect()
    }

    /// All classes with what had an effect, for a report.
    pub fn effective_by_class(&self) -> BTreeMap<FaultClass, u64> {
        FaultClass::all().map(|class| (class, self.effective(class))).collect()
    }
}
