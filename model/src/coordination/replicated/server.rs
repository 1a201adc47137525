//! One member of the coordination service as a node: connections in front, the core inside, its memory on the disk.
//!
//! 1. Recover: read snapshot and log, cut an incomplete batch off its end, rebuild the core.
//! 2. Take each request once, hand it to the core, and carry out what that wants.
//! 3. Pass on what other members say.
//! 4. Write what the core wants to remember as one batch, sync, tell the core; only then does it say what rests on
//!    that.
//! 5. Keep the core's two timers. How long nothing is to be heard before it stands for election is drawn each time.
//! 6. At every tick end connections that are silent, and let the core end sessions that are.
//!
//! A failed write or sync ends the program: what the disk holds is unknown then, and only recovery can tell.

use super::super::command::Command;
use super::super::consensus::{MemberId, Message, Ticket, Timer};
use super::super::happening::{Happening, Report};
use super::super::messages::{Request, Response};
use super::super::server::Setup as Single;
use super::super::service::ConnectionId;
use super::disk::{Disk, Write};
use super::service::ReplicatedService;
use super::step::{Input, Output, Rules};
use crate::queue::defects::Defects;
use crate::session::{Heard, SessionServer};
use rehearsal_env::{Env, NodeId, Port, Received, StorageError, Time};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// Everything a member is started with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// All members in the order in which all know them, this one too.
    pub members: Vec<NodeId>,
    /// What one node is started with. How long its log may be in bytes does not matter here.
    pub single: Single,
    /// When so many commands were carried out since the last snapshot, a new one takes their place.
    pub longest_log: u32,
    /// How often a leader lets itself be heard.
    pub heartbeat: Duration,
    /// How long nothing must be heard of a leader before another wants to be elected; at most twice that.
    pub election: Duration,
    /// Known bugs.
    pub defects: Defects,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            members: Vec::new(),
            single: Single::default(),
            longest_log: 1_000,
            heartbeat: Duration::from_millis(150),
            election: Duration::from_millis(500),
            defects: Defects::NONE,
        }
    }
}

/// Runs a member on this node. Returns when the disk failed.
///
/// # Panics
/// When this node is none of the members.
pub async fn serve<E: Env>(env: E, setup: Setup, report: Report<E::Fact>) {
    let say = |happening: &Happening| report(happening, &mut |fact| env.observe(fact));
    // Who asks meanwhile waits.
    let (port, connections) = (env.bind(), SessionServer::bind_and_keep(&env));
    let disk = match Disk::recover(&env, say).await {
        Ok(Ok(disk)) => disk,
        Ok(Err(corrupt)) => return refuse(corrupt, say).await,
        Err(_) => return,
    };
    let place = setup.members.iter().position(|node| *node == env.id()).expect("this node is a member");
    let Setup { single, longest_log, defects, .. } = setup;
    let rules = Rules { knobs: single.knobs, longest_log, defects };
    let members = (0..setup.members.len()).map(member);
    let Ok(service) = ReplicatedService::recover(rules, member(place), members, disk.kept(), env.now())
    else {
        return refuse(Happening::SnapshotCorrupt, say).await;
    };
    let registry = service.registry();
    let (revision, sessions) = (registry.revision(), registry.sessions().len() as u64);
    say(&Happening::Recovered { revision, sessions });
    let server = Server {
        port,
        connections,
        service: RefCell::new(service),
        unwritten: RefCell::default(),
        something_to_write: Notify::new(),
        election: Cell::new(Time(0)),
        heartbeat: Cell::new(None),
        looks_at: Cell::new(Time(0)),
        sooner: Notify::new(),
        env,
        setup,
        report,
    };
    server.set_timer(Timer::Election);
    Rc::new(server).run(disk).await;
}

/// What is corrupt is for people to look at: nobody is ever answered.
async fn refuse(corrupt: Happening, say: impl Fn(&Happening)) {
    say(&corrupt);
    std::future::pending().await
}

fn member(place: usize) -> MemberId {
    MemberId(u8::try_from(place).expect("members are few"))
}

struct Server<E: Env> {
    env: E,
    setup: Setup,
    report: Report<E::Fact>,
    port: E::Port<Message<Command>>,
    connections: SessionServer<E, Request, Response>,
    service: RefCell<ReplicatedService>,
    unwritten: RefCell<Vec<(Ticket, Write)>>,
    something_to_write: Notify,
    /// When the timers run out.
    election: Cell<Time>,
    heartbeat: Cell<Option<Time>>,
    /// When it is looked at them again,
    looks_at: Cell<Time>,
    /// unless that is too late.
    sooner: Notify,
}

impl<E: Env> Server<E> {
    async fn run(self: Rc<Self>, disk: Disk<E>) {
        self.env.spawn(self.clone().take_requests());
        self.env.spawn(self.clone().hear_members());
        self.env.spawn(self.clone().keep_time());
        self.env.spawn(self.clone().tick());
        // Only the disk can end the server.
        let _ = self.write(disk).await;
    }

    /// Step 2.
    async fn take_requests(self: Rc<Self>) {
        loop {
            self.step(match self.connections.hear().await {
                Heard::Asked { session, body: request } => {
                    Input::Asked { connection: ConnectionId(session), request }
                }
                Heard::Ended { session } => Input::ConnectionEnded { connection: ConnectionId(session) },
            });
        }
    }

    /// Step 3.
    async fn hear_members(self: Rc<Self>) {
        loop {
            let Received { from, message } = self.port.recv().await;
            let Some(place) = self.setup.members.iter().position(|node| *node == from) else { continue };
            self.step(Input::Heard { from: member(place), message });
        }
    }

    /// Hands an input to the core and does what it wants.
    fn step(&self, input: Input) {
        let mut outputs = Vec::new();
        self.service.borrow_mut().step(input, self.env.now(), &mut outputs);
        outputs.into_iter().for_each(|output| self.do_as_told(output));
    }

    fn do_as_told(&self, output: Output) {
        match output {
            Output::Answer { connection, response } => self.connections.answer(connection.0, response),
            Output::End { connection } => self.connections.end(connection.0),
            Output::Send { to, message } => self.port.send(self.setup.members[usize::from(to.0)], message),
            Output::Persist { ticket, write } => {
                self.unwritten.borrow_mut().push((ticket, write));
                self.something_to_write.notify_one();
            }
            Output::SetTimer(timer) => self.set_timer(timer),
            Output::Happened(happening) => {
                (self.report)(&happening, &mut |fact| self.env.observe(fact));
            }
        }
    }

    /// Step 4. Returns only when the disk failed.
    async fn write(&self, mut disk: Disk<E>) -> Result<(), StorageError> {
        loop {
            let (tickets, writes): (Vec<Ticket>, Vec<Write>) = self.unwritten.take().into_iter().unzip();
            let Some(through) = tickets.last().copied() else {
                self.something_to_write.notified().await;
                continue;
            };
            disk.write(writes).await?;
            self.step(Input::Persisted { through });
        }
    }

    fn set_timer(&self, timer: Timer) {
        let now = self.env.now();
        let until = match timer {
            Timer::Election => {
                let least = self.setup.election;
                let more = Duration::from_nanos(self.env.below(least.as_nanos() as u64));
                self.election.set(now + least + more);
                self.election.get()
            }
            Timer::Heartbeat => {
                self.heartbeat.set(Some(now + self.setup.heartbeat));
                now + self.setup.heartbeat
            }
        };
        if until < self.looks_at.get() {
            self.sooner.notify_one();
        }
    }

    /// Step 5.
    async fn keep_time(self: Rc<Self>) {
        loop {
            let now = self.env.now();
            if self.heartbeat.get().is_some_and(|until| until <= now) {
                self.heartbeat.set(None);
                self.step(Input::TimerFired(Timer::Heartbeat));
            }
            if self.election.get() <= now {
                self.set_timer(Timer::Election);
                self.step(Input::TimerFired(Timer::Election));
            }
            let election = self.election.get();
            let next = self.heartbeat.get().map_or(election, |heartbeat| heartbeat.min(election));
            self.looks_at.set(next);
            let _ = self.env.timeout(next.since(now), self.sooner.notified()).await;
        }
    }

    /// Step 6.
    async fn tick(self: Rc<Self>) {
        loop {
            self.env.sleep(self.setup.single.tick).await;
            for silent in self.connections.end_silent(self.setup.single.patience.silence) {
                self.step(Input::ConnectionEnded { connection: ConnectionId(silent) });
            }
            self.step(Input::Tick);
        }
    }
}
