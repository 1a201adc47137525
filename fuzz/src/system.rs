//! A system as the program knows it: how to draw a scenario for it, and how to run one.

use crate::scenario::{Overrides, Scenario, ScenarioError};
use crate::swarm::MaskBit;
use rehearsal_env::{Marker, Stamp, Time, Violation};
use rehearsal_sim::{Digest, FaultTally, Span};
use serde::Serialize;
use std::collections::BTreeSet;

/// A known bug that can be switched on in a system on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Defect {
    /// Its name, as in `--defect NAME`.
    pub name: &'static str,
    /// The invariant that must convict it.
    pub invariant: &'static str,
    /// The real bug it stands for.
    pub stands_for: &'static str,
    /// Knobs that must be set for it to show, as `reservation.strategy=optimistic`.
    pub needs: &'static [&'static str],
}

/// An invariant and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub says: &'static str,
}

/// How closely a run is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Whether the history is kept, fact by fact, as text.
    pub history: bool,
    /// Whether the run is cut off at this time; the calm is not judged then.
    pub until: Option<Span>,
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// When, where, why.
    pub stamp: Stamp,
    /// The node's name; empty for what the scenario does to the whole world.
    pub node: String,
    /// The fact or incident, as text.
    pub text: String,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The hash of all that happened.
    pub digest: Digest,
    /// Virtual time at its end.
    pub time: Time,
    /// Events handled.
    pub events: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Faults, those of clients included.
    pub faults: FaultTally,
    /// Markers reached.
    pub markers: BTreeSet<Marker>,
    /// Every invariant that fired, in the order of firing; empty when all held.
    pub violations: Vec<Violation>,
    /// The history, if it was asked for.
    pub history: Vec<HistoryLine>,
}

/// A system that can be rehearsed.
pub trait System: Send + Sync {
    /// Its name on the command line and in scenario files.
    fn name(&self) -> &'static str;

    /// What it is, in one line.
    fn summary(&self) -> &'static str;

    /// What must hold.
    fn invariants(&self) -> &'static [Invariant];

    /// What a campaign must have reached.
    fn markers(&self) -> &'static [Marker];

    /// Its known bugs.
    fn defects(&self) -> &'static [Defect];

    /// Whether its work can be the bookings of a file ([`Overrides::bookings`]).
    fn takes_bookings(&self) -> bool {
        false
    }

    /// The scenario that `seed` stands for, with some keys fixed.
    ///
    /// # Errors
    /// An unknown key, or a value that cannot be.
    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError>;

    /// Whether the scenario makes sense for this system.
    ///
    /// # Errors
    /// An unknown key, or a value that cannot be.
    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError>;

    /// Which kinds of operation the scenario's workload uses, and which it leaves out.
    fn operations(&self, scenario: &Scenario) -> Vec<MaskBit> {
        let _ = scenario;
        Vec::new()
    }

    /// Runs the scenario once.
    ///
    /// # Errors
    /// As [`check`](System::check).
    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError>;
}
