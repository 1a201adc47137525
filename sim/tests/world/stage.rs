//! The vocabulary of these tests: a world with a notebook, and faults in few words.

use rehearsal_env::{Cluster, EventId, Fact, NodeId, Observer, Stamp, Time};
use rehearsal_sim::{
    Ailment, Audience, Blow, Ends, Fault, Incident, Outcome, Settings, SimEnv, Span, Trigger, World,
};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::future::Future;
use std::ops::ControlFlow;
use std::rc::Rc;

/// A fact: a word and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Note(pub &'static str, pub u64);

impl Fact for Note {
    fn kind(&self) -> &'static str {
        self.0
    }
}

/// A message: a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Number(pub u64);

pub type Handle = SimEnv<Note>;

/// Notes a fact.
pub fn note(env: &Handle, word: &'static str, number: u64) {
    env.observe(Note(word, number));
}

/// What was seen of a run.
#[derive(Default)]
struct Notebook {
    facts: Vec<(Stamp, Note)>,
    incidents: Vec<(Stamp, Incident)>,
}

impl Audience<Note> for Notebook {
    fn witness(&mut self, stamp: &Stamp, fact: &Note) -> ControlFlow<()> {
        self.facts.push((*stamp, *fact));
        ControlFlow::Continue(())
    }

    fn incident(&mut self, stamp: &Stamp, incident: &Incident) -> ControlFlow<()> {
        self.incidents.push((*stamp, *incident));
        ControlFlow::Continue(())
    }

    /// From a note that says so on, until one that says that something stirs.
    fn is_at_rest(&self, _now: Time) -> bool {
        let last = self.facts.iter().rev().find(|(_, note)| ["at rest", "stirs"].contains(&note.0));
        last.is_some_and(|(_, note)| note.0 == "at rest")
    }
}

/// A world that is being set up.
pub struct Stage {
    pub world: World<Note>,
    notebook: Rc<RefCell<Notebook>>,
}

impl Stage {
    pub fn new(seed: u64, settings: Settings) -> Stage {
        let notebook = Rc::new(RefCell::new(Notebook::default()));
        Stage { world: World::seeded(seed, settings, notebook.clone()), notebook }
    }

    pub fn decided_by(decider: impl rehearsal_sim::Decider + 'static, settings: Settings) -> Stage {
        let notebook = Rc::new(RefCell::new(Notebook::default()));
        Stage { world: World::new(settings, Box::new(decider), notebook.clone()), notebook }
    }

    pub fn node(&mut self, name: &str) -> NodeId {
        self.world.node(name)
    }

    pub fn start<T: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        program: impl Fn(Handle) -> T + Send + 'static,
    ) -> NodeId {
        self.world.start(name, program)
    }

    pub fn client<T: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        program: impl Fn(Handle) -> T + Send + 'static,
    ) -> NodeId {
        self.world.start_client(name, program)
    }

    /// Runs storm and calm.
    pub fn run(self) -> Seen {
        self.run_to(Ends::AfterTheCalm)
    }

    pub fn run_to(self, ends: Ends) -> Seen {
        let outcome = self.world.run(ends).expect("every fault names a node there is");
        let notebook = self.notebook.take();
        Seen { outcome, facts: notebook.facts, incidents: notebook.incidents }
    }
}

/// A run that is over.
pub struct Seen {
    pub outcome: Outcome,
    pub facts: Vec<(Stamp, Note)>,
    pub incidents: Vec<(Stamp, Incident)>,
}

impl Seen {
    /// The numbers noted with this word, in order.
    pub fn noted(&self, word: &str) -> Vec<u64> {
        self.facts.iter().filter(|(_, note)| note.0 == word).map(|(_, note)| note.1).collect()
    }

    /// When this word was noted.
    pub fn times(&self, word: &str) -> Vec<Time> {
        self.facts.iter().filter(|(_, note)| note.0 == word).map(|(stamp, _)| stamp.time).collect()
    }

    /// When this happened.
    pub fn when(&self, incident: Incident) -> Vec<Time> {
        self.incidents.iter().filter(|(_, seen)| *seen == incident).map(|(stamp, _)| stamp.time).collect()
    }

    /// All facts, with where and when, but without their position in the run.
    pub fn story(&self) -> Vec<(Time, NodeId, EventId, Note)> {
        self.facts.iter().map(|(stamp, note)| (stamp.time, stamp.node, stamp.cause, *note)).collect()
    }

    /// The run, provided that the world found nothing wrong.
    pub fn sound(self) -> Seen {
        assert_eq!(self.outcome.violation, None);
        self
    }
}

pub fn millis(count: u64) -> Time {
    Time(count * 1_000_000)
}

/// A storm of a second and a calm of a second, with these faults.
pub fn with_faults(faults: Vec<Fault>) -> Settings {
    Settings { storm: Span::seconds(1), calm: Span::seconds(1), faults, ..Settings::default() }
}

pub fn at(milliseconds: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::At(Span::millis(milliseconds)), blow }
}

pub fn crash(node: &str, restart_after: u64) -> Blow {
    Blow::Crash { node: node.to_owned(), restart_after: Span::millis(restart_after) }
}

pub fn pause(node: &str, lasts: u64) -> Blow {
    Blow::Pause { node: node.to_owned(), lasts: Span::millis(lasts) }
}

pub fn partition(from: &str, to: &str, one_way: bool, heal_after: u64) -> Blow {
    let (from, to) = (vec![from.to_owned()], vec![to.to_owned()]);
    Blow::Partition { from, to, one_way, heal_after: Span::millis(heal_after) }
}

pub fn failed_sync(node: &str) -> Blow {
    Blow::FailedSync { node: node.to_owned() }
}

pub fn full_disk(node: &str, lasts: u64) -> Blow {
    Blow::FullDisk { node: node.to_owned(), lasts: Span::millis(lasts) }
}

pub fn ails(node: &str, ailment: Ailment) -> Blow {
    Blow::Ails { node: node.to_owned(), ailment }
}
