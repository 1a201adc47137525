//! A system as the program knows it: how to draw a scenario for it, and how to run one.

use crate::atlas::Beyond;
use crate::scenario::{Overrides, Scenario, ScenarioError};
use crate::swarm::MaskBit;
use rehearsal_env::{Marker, Stamp, Time, Violation};
use rehearsal_invariants::{Remark, Scope};
use rehearsal_sim::{Deviation, Digest, DiskSettings, FaultTally, NetworkSettings, Span, TraceEntry};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Whether every event, decision, fault and fact is kept with its cause; the history is kept then too.
    pub trace: bool,
    /// Whether the decisions that are not plain are noted.
    pub decisions: bool,
    /// Whether the run is cut off at this time; the calm is not judged then.
    pub until: Option<Span>,
    /// Whether the run is cut off when it takes more events than so many; the calm is not judged then.
    pub most_events: Option<u64>,
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
    /// The fact's name in the system's vocabulary; empty for an incident.
    pub kind: &'static str,
    /// The rest of a sentence that begins with the node's name.
    pub words: String,
    /// The fact as data.
    #[serde(skip)]
    pub fact: serde_json::Value,
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
    /// What the invariants allowed and tell all the same; nothing where one fired.
    pub remarks: Vec<Remark>,
    /// The invariants that were not judged, since the scenario goes beyond what the system promises.
    pub not_judged: Vec<&'static str>,
    /// The history, if it was asked for.
    pub history: Vec<HistoryLine>,
    /// The trace, if it was asked for.
    pub trace: Vec<TraceEntry>,
    /// The names of the nodes, by id.
    pub nodes: Vec<String>,
    /// The decisions that were not plain, if they were asked for.
    pub deviations: Vec<Deviation>,
    /// Deviations of the scenario that nothing in the run asked for.
    pub unmet: Vec<Deviation>,
}

/// The plainest scenario of a system.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Without faults, and without anything to do.
    pub scenario: Scenario,
    /// For each list in the system's section (as `wish`), the plainest thing that can stand in it.
    pub items: toml::Table,
    /// Deployments of fewer nodes than the plain one has, the fewest first: keys of the topology and of the system's section
    /// that go together, each at most so much.
    pub fewer: Vec<toml::Table>,
}

/// A system that can be rehearsed.
pub trait System: Send + Sync {
    /// Its name on the command line and in scenario files.
    fn name(&self) -> &'static str;

    /// What it is, in one line.
    fn summary(&self) -> &'static str;

    /// What must hold.
    fn invariants(&self) -> &[Invariant];

    /// How much of a run each invariant has to see, by its name. None unless the system says otherwise.
    fn scopes(&self) -> BTreeMap<&'static str, Scope> {
        BTreeMap::new()
    }

    /// The families of faults that it does not promise to survive; all others it does.
    fn beyond(&self) -> &'static [Beyond] {
        &[]
    }

    /// What a campaign must have reached.
    fn markers(&self) -> &[Marker];

    /// Its known bugs.
    fn defects(&self) -> &[Defect];

    /// Whether its work can be the bookings of a file ([`Overrides::bookings`]).
    fn takes_bookings(&self) -> bool {
        false
    }

    /// The scenario that `seed` stands for, with some keys fixed.
    ///
    /// # Errors
    /// An unknown key, or a value that cannot be.
    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError>;

    /// The plainest scenario there is: what a file leaves out, and what shrinking heads for. When it changes, files
    /// mean something else: the version of the format goes up with it. Unless the system says otherwise it is what seed
    /// 0 stands for, without its faults.
    ///
    /// # Panics
    /// When seed 0 cannot be drawn without anything fixed.
    fn plain(&self) -> Plain {
        let drawn = self.draw(0, &Overrides::default()).expect("seed 0 stands for something");
        let (network, disk) = (NetworkSettings::default(), DiskSettings::default());
        let scenario = Scenario { faults: Vec::new(), network, disk, ..drawn };
        Plain { scenario, items: toml::Table::new(), fewer: Vec::new() }
    }

    /// The kind of fact by which a client asks for something; how many there were is the size of a story. None unless
    /// the system says otherwise.
    fn request(&self) -> &'static str {
        ""
    }

    /// Kinds of facts that a story tells only where something comes between them and the next fact of their node.
    fn asides(&self) -> &'static [&'static str] {
        &[]
    }

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
