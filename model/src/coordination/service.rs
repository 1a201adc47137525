//! The service as a state machine: one input, some outputs, no waiting inside.
//!
//! What is decided here is the order of things. A command is carried out at once, but whatever is said
//! afterwards may rest on it: so every answer waits until all that was carried out before it is on the disk,
//! reads and refusals too, and a watch is told of nothing younger.
//!
//! Every session has a lease. What its client asks renews it; after a restart, when nobody knows who was
//! heard when, all get their full time anew. So a session never ends before it has been silent for its
//! timeout, and it ends with the first tick after that.

use super::command::{Command, Revision};
use super::happening::Happening;
use super::leases::Leases;
use super::log::Recovered;
use super::messages::{Request, Response, Task};
use super::registry::{Position, Registry};
use super::watches::Watches;
use rehearsal_env::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// A client's connection. Its requests come one at a time: the next after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Knobs {
    /// How many revisions' changes are remembered for those who watch; at least 1. Must be the same after a
    /// restart.
    pub remembers: u64,
    /// How long a watch waits at most before it is told that nothing happened.
    pub longest_watch: Duration,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs { remembers: 1_000, longest_watch: Duration::from_secs(10) }
    }
}

/// What may happen to the service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A client asks.
    Asked {
        /// Over which connection.
        connection: ConnectionId,
        /// What.
        request: Request,
        /// The node's clock.
        now: Time,
    },
    /// Every command up to this position is on the disk and synced.
    Persisted {
        /// The last of them.
        through: Position,
    },
    /// A client's connection is gone; its sessions are not.
    ConnectionEnded {
        /// Which.
        connection: ConnectionId,
    },
    /// Time has passed.
    Tick {
        /// The node's clock.
        now: Time,
    },
}

/// What the service wants done, and what it wants known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Write this to the log and sync, then come back with [`Input::Persisted`].
    Append {
        /// Its place: one more than the last.
        position: Position,
        /// What changed something.
        command: Command,
    },
    /// Tell the client.
    Answer {
        /// Over which connection.
        connection: ConnectionId,
        /// What.
        response: Response,
    },
    /// For observers.
    Happened(Happening),
}

/// Carried out and not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unsynced {
    position: Position,
    revision: Revision,
    happened: Vec<Happening>,
}

/// An answer that waits until what it rests on is durable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    position: Position,
    connection: ConnectionId,
    response: Response,
}

/// The core of one coordination service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    knobs: Knobs,
    /// With all that was carried out.
    registry: Registry,
    /// Up to here it is durable, and may be shown.
    durable: Position,
    shown: Revision,
    unsynced: VecDeque<Unsynced>,
    held: VecDeque<Held>,
    watches: Watches,
    leases: Leases,
}

impl Service {
    /// The service with what its snapshot, if there is one, and its log hold. Adds to `out` what may not have
    /// been reported.
    ///
    /// # Panics
    /// When the knobs remember nothing, or were others when the log was written.
    pub fn recover(
        knobs: Knobs,
        snapshot: Option<Registry>,
        log: &Recovered,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Service {
        assert!(knobs.remembers > 0, "a service that remembers nothing cannot tell what it did last");
        let mut registry = snapshot.unwrap_or_else(|| Registry::new(knobs.remembers));
        for command in &log.commands {
            let (position, revision) = (registry.position(), registry.revision());
            registry.apply(command);
            assert!(registry.position() > position, "only what changed something was written to the log");
            if registry.position() > log.reported {
                let happened = Happening::of_command(command, &registry, revision);
                out.extend(happened.into_iter().map(Output::Happened));
            }
        }
        Service {
            knobs,
            durable: registry.position(),
            shown: registry.revision(),
            unsynced: VecDeque::new(),
            held: VecDeque::new(),
            watches: Watches::default(),
            leases: Leases::all_anew(registry.sessions(), now),
            registry,
        }
    }

    /// All keys and sessions, with what is not durable yet.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Asked { connection, request, now } => self.asked(connection, request, now, out),
            Input::Persisted { through } => self.persisted(through, out),
            Input::ConnectionEnded { connection } => self.watches.remove(connection),
            Input::Tick { now } => self.tick(now, out),
        }
    }

    fn asked(&mut self, connection: ConnectionId, request: Request, now: Time, out: &mut Vec<Output>) {
        request.session().into_iter().for_each(|session| self.leases.renew(session, now));
        let response = match Task::from(request) {
            Task::Command(command) => self.carry_out(command, now, out),
            Task::KeepAlive(session) if self.leases.has(session) => {
                Response::Renewed { revision: self.registry.revision() }
            }
            Task::KeepAlive(_) => Response::Reply(super::Reply::SessionGone),
            Task::Watch(prefix, since) => {
                self.watches.add(connection, prefix, since, now + self.knobs.longest_watch);
                return self.tell_watches(out);
            }
        };
        self.held.push_back(Held { position: self.registry.position(), connection, response });
        self.answer_held(out);
    }

    /// Carries out a command, and has it written if it changed something.
    fn carry_out(&mut self, command: Command, now: Time, out: &mut Vec<Output>) -> Response {
        let (position, before) = (self.registry.position(), self.registry.revision());
        let reply = self.registry.apply(&command);
        if self.registry.position() > position {
            match command {
                Command::OpenSession { session, timeout } => {
                    self.leases.begin(session, timeout, now);
                }
                Command::CloseSession { session } | Command::ExpireSession { session } => {
                    self.leases.end(session);
                }
                Command::Transact { .. } | Command::Read { .. } => {}
            }
            let (position, revision) = (self.registry.position(), self.registry.revision());
            let happened = Happening::of_command(&command, &self.registry, before);
            self.unsynced.push_back(Unsynced { position, revision, happened });
            out.push(Output::Append { position, command });
        }
        Response::Reply(reply)
    }

    fn persisted(&mut self, through: Position, out: &mut Vec<Output>) {
        while self.unsynced.front().is_some_and(|first| first.position <= through) {
            let Some(Unsynced { position, revision, happened }) = self.unsynced.pop_front() else { return };
            (self.durable, self.shown) = (position, revision);
            out.extend(happened.into_iter().map(Output::Happened));
        }
        self.answer_held(out);
        self.tell_watches(out);
    }

    fn answer_held(&mut self, out: &mut Vec<Output>) {
        while self.held.front().is_some_and(|first| first.position <= self.durable) {
            let Some(Held { connection, response, .. }) = self.held.pop_front() else { return };
            out.push(Output::Answer { connection, response });
        }
    }

    fn tell_watches(&mut self, out: &mut Vec<Output>) {
        let answer = |connection, response| out.push(Output::Answer { connection, response });
        self.watches.tell(&self.registry, self.shown, answer);
    }

    fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        for (session, silent) in self.leases.silent(now) {
            out.push(Output::Happened(Happening::SessionSilent { session, silent }));
            self.carry_out(Command::ExpireSession { session }, now, out);
        }
        let answer = |connection, response| out.push(Output::Answer { connection, response });
        self.watches.tell_nothing(now, answer);
    }
}
