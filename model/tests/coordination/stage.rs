//! The vocabulary of these tests: a world with one coordination service, a notebook, and faults in few words.

use rehearsal_env::{Cluster, NodeId, Observer, Stamp, Time};
use rehearsal_model::coordination::replicated;
use rehearsal_model::coordination::server::{Setup, serve};
use rehearsal_model::coordination::service::Knobs;
use rehearsal_model::coordination::{Change, ClientSetup, Coordination, Happening};
use rehearsal_model::session::Patience;
use rehearsal_sim::{
    Audience, Blow, Ends, Fault, NetworkSettings, Outcome, Settings, SimEnv, Span, Trigger, World,
};
use serde::Serialize;
use std::cell::RefCell;
use std::future::Future;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

/// What the service or a client of it says that happened, or what a test notes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Fact {
    Happened(Happening),
    Word(&'static str, u64),
}

impl rehearsal_env::Fact for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Fact::Word(word, _) => word,
            Fact::Happened(Happening::Changed(_)) => "Changed",
            Fact::Happened(_) => "Happened",
        }
    }
}

pub type Handle = SimEnv<Fact>;

pub const SERVICE: &str = "service";
pub const THREE: [&str; 3] = ["member-0", "member-1", "member-2"];
pub const PATIENCE: Patience =
    Patience { resend: Duration::from_millis(50), silence: Duration::from_millis(500) };
pub const TICK: Duration = Duration::from_millis(50);

/// Notes a word and a number.
pub fn note(env: &Handle, word: &'static str, number: u64) {
    env.observe(Fact::Word(word, number));
}

fn report(happening: &Happening, out: &mut dyn FnMut(Fact)) {
    out(Fact::Happened(happening.clone()));
}

#[derive(Default)]
struct Notebook(Vec<(Stamp, Fact)>);

impl Audience<Fact> for Notebook {
    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> ControlFlow<()> {
        self.0.push((*stamp, fact.clone()));
        ControlFlow::Continue(())
    }
}

/// A world that is being set up, with a service in it.
pub struct Stage {
    pub world: World<Fact>,
    services: Vec<NodeId>,
    notebook: Rc<RefCell<Notebook>>,
}

impl Stage {
    pub fn new(seed: u64, settings: Settings) -> Stage {
        let knobs = Knobs { remembers: 1_000, longest_watch: Duration::from_millis(700) };
        // With every other seed the log is short, and snapshots are frequent.
        let longest_log = if seed.is_multiple_of(2) { 2_000 } else { 1 << 20 };
        Stage::with(seed, settings, Setup { knobs, patience: PATIENCE, tick: TICK, longest_log })
    }

    pub fn with(seed: u64, settings: Settings, setup: Setup) -> Stage {
        let notebook = Rc::new(RefCell::new(Notebook::default()));
        let mut world = World::seeded(seed, settings, notebook.clone());
        let services = vec![world.start(SERVICE, move |env| serve(env, setup, report))];
        Stage { world, services, notebook }
    }

    /// With a service of three that agree, [`THREE`]. With every other seed they cut their logs off all the time.
    pub fn of_three(seed: u64, settings: Settings) -> Stage {
        let notebook = Rc::new(RefCell::new(Notebook::default()));
        let mut world = World::seeded(seed, settings, notebook.clone());
        let services: Vec<NodeId> = THREE.iter().map(|name| world.node(name)).collect();
        let knobs = Knobs { remembers: 1_000, longest_watch: Duration::from_millis(700) };
        let setup = replicated::Setup {
            members: services.clone(),
            single: Setup { knobs, patience: PATIENCE, tick: TICK, longest_log: 0 },
            longest_log: if seed.is_multiple_of(2) { 3 } else { 1_000 },
            heartbeat: Duration::from_millis(20),
            election: Duration::from_millis(80),
            ..replicated::Setup::default()
        };
        for name in THREE {
            let setup = setup.clone();
            world.start(name, move |env| replicated::serve(env, setup.clone(), report));
        }
        Stage { world, services, notebook }
    }

    /// A client whose program runs once.
    pub fn client<T: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        program: impl Fn(Handle, Coordination<Handle>) -> T + Send + 'static,
    ) -> NodeId {
        self.client_with(name, ClientSetup { patience: PATIENCE, watch_lost_on_reconnect: false }, program)
    }

    /// A node that uses the service for as long as it is up.
    pub fn node<T: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        program: impl Fn(Handle, Coordination<Handle>) -> T + Send + 'static,
    ) -> NodeId {
        let setup = ClientSetup { patience: PATIENCE, watch_lost_on_reconnect: false };
        let services = self.services.clone();
        self.world.start(name, move |env: Handle| {
            let coordination = Coordination::connect(&env, &services, setup, report);
            program(env, coordination)
        })
    }

    pub fn client_with<T: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        setup: ClientSetup,
        program: impl Fn(Handle, Coordination<Handle>) -> T + Send + 'static,
    ) -> NodeId {
        let services = self.services.clone();
        self.world.start_client(name, move |env: Handle| {
            let coordination = Coordination::connect(&env, &services, setup, report);
            program(env, coordination)
        })
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
        Seen { outcome, facts: self.notebook.take().0 }
    }
}

/// A run that is over.
pub struct Seen {
    pub outcome: Outcome,
    pub facts: Vec<(Stamp, Fact)>,
}

impl Seen {
    /// All that was reported, in order.
    pub fn happenings(&self) -> impl Iterator<Item = (&Stamp, &Happening)> {
        self.facts.iter().filter_map(|(stamp, fact)| match fact {
            Fact::Happened(happening) => Some((stamp, happening)),
            Fact::Word(..) => None,
        })
    }

    /// All changes, in order; some twice when the service crashed.
    pub fn changes(&self) -> impl Iterator<Item = (&Stamp, &Change)> {
        self.happenings().filter_map(|(stamp, happening)| match happening {
            Happening::Changed(change) => Some((stamp, change)),
            _ => None,
        })
    }

    /// When each was noted with this word, in order.
    pub fn noted(&self, wanted: &str) -> Vec<(Time, u64)> {
        let word = |(stamp, fact): &(Stamp, Fact)| match fact {
            Fact::Word(word, number) if *word == wanted => Some((stamp.time, *number)),
            _ => None,
        };
        self.facts.iter().filter_map(word).collect()
    }

    /// How often something like this happened.
    pub fn count(&self, wanted: impl Fn(&Happening) -> bool) -> usize {
        self.happenings().filter(|(_, happening)| wanted(happening)).count()
    }

    /// When this key was deleted for the first time.
    pub fn deleted(&self, key: &str) -> Option<Time> {
        let mut deletions = self.changes().filter(|(_, change)| change.key == key && change.entry.is_none());
        deletions.next().map(|(stamp, _)| stamp.time)
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
        storm: Span::seconds(10),
        calm: Span::seconds(1),
        ..Settings::default()
    }
}

/// The same with faults.
pub fn steady_but(faults: impl Into<Vec<Fault>>) -> Settings {
    Settings { faults: faults.into(), ..steady() }
}

/// A world whose network loses, doubles and holds back a fifth of all messages each.
pub fn rough() -> Settings {
    let mut settings = steady();
    settings.network = NetworkSettings::default();
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
