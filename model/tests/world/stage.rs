//! The vocabulary of these tests: a world with a notebook, and faults in few words.

use rehearsal_env::{Cluster, NodeId, Observer, Stamp, Time};
use rehearsal_model::database::Commit;
use rehearsal_sim::{
    Audience, Blow, Ends, Fault, Incident, NetworkSettings, Outcome, Settings, SimEnv, Span, Trigger, World,
};
use serde::Serialize;
use std::cell::RefCell;
use std::future::Future;
use std::ops::ControlFlow;
use std::rc::Rc;

/// What is noted: a word and a number, or a commit that a database reported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Fact {
    Word(&'static str, u64),
    Committed(Commit),
}

impl rehearsal_env::Fact for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Fact::Word(word, _) => word,
            Fact::Committed(_) => "Committed",
        }
    }
}

pub type Handle = SimEnv<Fact>;

/// Notes a word and a number.
pub fn note(env: &Handle, word: &'static str, number: u64) {
    env.observe(Fact::Word(word, number));
}

#[derive(Default)]
struct Notebook {
    facts: Vec<(Stamp, Fact)>,
    incidents: Vec<(Stamp, Incident)>,
}

impl Audience<Fact> for Notebook {
    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> ControlFlow<()> {
        self.facts.push((*stamp, fact.clone()));
        ControlFlow::Continue(())
    }

    fn incident(&mut self, stamp: &Stamp, incident: &Incident) -> ControlFlow<()> {
        self.incidents.push((*stamp, *incident));
        ControlFlow::Continue(())
    }
}

/// A world that is being set up.
pub struct Stage {
    pub world: World<Fact>,
    notebook: Rc<RefCell<Notebook>>,
}

impl Stage {
    pub fn new(seed: u64, settings: Settings) -> Stage {
        let notebook = Rc::new(RefCell::new(Notebook::default()));
        Stage { world: World::seeded(seed, settings, notebook.clone()), notebook }
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

    /// Runs storm and calm; the world itself must find nothing wrong.
    pub fn run(self) -> Seen {
        self.run_to(Ends::AfterTheCalm)
    }

    /// Runs until every client is done; the world itself must find nothing wrong.
    pub fn run_until_done(self) -> Seen {
        self.run_to(Ends::WithTheClients)
    }

    fn run_to(self, ends: Ends) -> Seen {
        let outcome = self.world.run(ends).expect("every fault names a node there is");
        assert_eq!(outcome.violation, None);
        let notebook = self.notebook.take();
        Seen { outcome, facts: notebook.facts, incidents: notebook.incidents }
    }
}

/// A run that is over.
pub struct Seen {
    pub outcome: Outcome,
    pub facts: Vec<(Stamp, Fact)>,
    pub incidents: Vec<(Stamp, Incident)>,
}

impl Seen {
    fn words<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = (&'a Stamp, u64)> {
        self.facts.iter().filter_map(move |(stamp, fact)| match fact {
            Fact::Word(word, number) if *word == wanted => Some((stamp, *number)),
            _ => None,
        })
    }

    /// The numbers noted with this word, in order.
    pub fn noted(&self, word: &str) -> Vec<u64> {
        self.words(word).map(|(_, number)| number).collect()
    }

    /// The same by one node only.
    pub fn noted_by(&self, node: NodeId, word: &str) -> Vec<u64> {
        self.words(word).filter(|(stamp, _)| stamp.node == node).map(|(_, number)| number).collect()
    }

    /// How often this word was noted.
    pub fn count(&self, word: &str) -> usize {
        self.words(word).count()
    }

    /// When this word was noted, if it was noted once.
    #[track_caller]
    pub fn time(&self, word: &str) -> Time {
        let times: Vec<Time> = self.words(word).map(|(stamp, _)| stamp.time).collect();
        assert_eq!(times.len(), 1, "`{word}` was noted {} times", times.len());
        times[0]
    }

    /// All reports of commits, in order.
    pub fn reports(&self) -> impl Iterator<Item = &Commit> {
        self.facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Committed(commit) => Some(commit),
            Fact::Word(..) => None,
        })
    }

    /// How often this happened.
    pub fn incidents(&self, incident: Incident) -> usize {
        self.incidents.iter().filter(|(_, seen)| *seen == incident).count()
    }
}

pub fn millis(count: u64) -> Time {
    Time(count * 1_000_000)
}

/// A quiet world in which a message takes exactly a millisecond.
pub fn steady() -> Settings {
    let (latency_min, latency_max) = (Span::millis(1), Span::millis(1));
    Settings {
        network: NetworkSettings { latency_min, latency_max, ..NetworkSettings::default() },
        ..Settings::default()
    }
}

/// The same with faults.
pub fn steady_but(faults: impl Into<Vec<Fault>>) -> Settings {
    Settings { faults: faults.into(), ..steady() }
}

/// A world whose network loses, doubles and holds back a fifth of all messages each.
pub fn rough() -> Settings {
    let mut settings = Settings::default();
    settings.network.loss = 20_000;
    settings.network.duplication = 20_000;
    settings.network.delay = 20_000;
    settings
}

pub fn at(milliseconds: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::At(Span::millis(milliseconds)), blow }
}

pub fn after(events: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::After(events), blow }
}

pub fn crash(node: &str, restart_after: u64) -> Blow {
    Blow::Crash { node: node.to_owned(), restart_after: Span::millis(restart_after) }
}

pub fn crash_loop(node: &str, times: u32, restart_after: u64, up_for: u64) -> Blow {
    let (restart_after, up_for) = (Span::millis(restart_after), Span::millis(up_for));
    Blow::CrashLoop { node: node.to_owned(), times, restart_after, up_for }
}

/// A crash after which the node stays down for the whole storm.
pub fn vanish(node: &str) -> Blow {
    crash(node, 1_000_000)
}

pub fn partition(from: &str, to: &str, heal_after: u64) -> Blow {
    let (from, to) = (vec![from.to_owned()], vec![to.to_owned()]);
    Blow::Partition { from, to, one_way: false, heal_after: Span::millis(heal_after) }
}

pub fn failed_sync(node: &str) -> Blow {
    Blow::FailedSync { node: node.to_owned() }
}

pub fn full_disk(node: &str, lasts: u64) -> Blow {
    Blow::FullDisk { node: node.to_owned(), lasts: Span::millis(lasts) }
}
