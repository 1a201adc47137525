//! One durable coordination service as a node: connections in front, the core inside, the log on the disk.
//!
//! 1. Recover: read the log, cut an incomplete batch off its end, rebuild the core, report what may not have
//!    been reported.
//! 2. Take each request once, hand it to the core, and carry out what that wants.
//! 3. Write what was appended as one batch, sync, tell the core; only then does it answer. When the log has
//!    become long and all of it is told, take a snapshot and cut the log off.
//! 4. At every tick end connections that are silent, and let the core end sessions that are.
//!
//! A failed write or sync ends the program: what the disk holds is unknown then, and only recovery can tell.

use super::command::Command;
use super::happening::{Happening, Report};
use super::log::{Recovered, encode_batch, read_log};
use super::messages::{Request, Response};
use super::registry::{Position, Registry};
use super::service::{ConnectionId, Input, Knobs, Output, Service};
use super::snapshot::{SNAPSHOT, encode_snapshot, read_snapshot, replace_snapshot};
use crate::session::{Heard, Patience, SessionServer};
use rehearsal_env::{Env, File, StorageError};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The file that holds the log.
const LOG: &str = "log";
/// The longest file that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// Everything a service is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// The core's.
    pub knobs: Knobs,
    /// How long a connection may be silent.
    pub patience: Patience,
    /// How often it is looked who is silent. A session that is goes within its timeout, this, and the time
    /// that one batch takes that is being written and one more.
    pub tick: Duration,
    /// When the log is longer than this, in bytes, a snapshot takes its place.
    pub longest_log: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            knobs: Knobs::default(),
            patience: Patience::default(),
            tick: Duration::from_millis(250),
            longest_log: 1 << 20,
        }
    }
}

/// Runs the service on this node. Returns when the disk failed.
pub async fn serve<E: Env>(env: E, setup: Setup, report: Report<E::Fact>) {
    match Server::recover(&env, setup, report).await {
        Ok(Some((server, file))) => server.run(file).await,
        // A corrupt log is for people to look at: nobody is ever answered.
        Ok(None) => std::future::pending().await,
        Err(_) => {}
    }
}

struct Server<E: Env> {
    env: E,
    setup: Setup,
    report: Report<E::Fact>,
    service: RefCell<Service>,
    connections: SessionServer<E, Request, Response>,
    /// Appended and not yet written; the first one's position is behind `written`.
    unwritten: RefCell<Vec<Command>>,
    something_to_write: Notify,
    /// The last command in the log, and the length of that in bytes.
    written: Cell<Position>,
    length: Cell<u64>,
}

impl<E: Env> Server<E> {
    /// Step 1. None when the snapshot or the log is corrupt.
    async fn recover(
        env: &E,
        setup: Setup,
        report: Report<E::Fact>,
    ) -> Result<Option<(Rc<Self>, E::File)>, StorageError> {
        // Who asks meanwhile waits.
        let connections = SessionServer::bind_and_keep(env);
        let (file, snapshot) = (env.open(LOG).await?, env.open(SNAPSHOT).await?);
        env.sync_dir().await?;
        let say = |happening: &Happening| report(happening, &mut |fact| env.observe(fact));
        let Ok(snapshot) = read_snapshot::<Registry>(&snapshot.read_at(0, WHOLE).await?) else {
            say(&Happening::SnapshotCorrupt);
            return Ok(None);
        };
        let bytes = file.read_at(0, WHOLE).await?;
        let log = match read_log(&bytes, snapshot.as_ref().map_or(Position(0), Registry::position)) {
            Ok(log) => log,
            Err(corrupt) => {
                say(&Happening::LogCorrupt { offset: corrupt.offset as u64 });
                return Ok(None);
            }
        };
        if log.torn {
            file.truncate(log.valid_length as u64).await?;
            say(&Happening::TornTailCut);
        }
        // What was in the file may have been seen and not be sure: a read says nothing about a crash.
        file.sync().await?;
        Ok(Some((Self::with(env, (setup, report), connections, snapshot, &log), file)))
    }

    fn with(
        env: &E,
        (setup, report): (Setup, Report<E::Fact>),
        connections: SessionServer<E, Request, Response>,
        snapshot: Option<Registry>,
        log: &Recovered,
    ) -> Rc<Self> {
        let mut outputs = Vec::new();
        let service = Service::recover(setup.knobs, snapshot, log, env.now(), &mut outputs);
        let (revision, sessions) = (service.registry().revision(), service.registry().sessions().len());
        outputs.push(Output::Happened(Happening::Recovered { revision, sessions: sessions as u64 }));
        let server = Server {
            env: env.clone(),
            setup,
            report,
            connections,
            written: Cell::new(service.registry().position()),
            length: Cell::new(log.valid_length as u64),
            service: RefCell::new(service),
            unwritten: RefCell::default(),
            something_to_write: Notify::new(),
        };
        outputs.into_iter().for_each(|output| server.do_as_told(output));
        Rc::new(server)
    }

    async fn run(self: Rc<Self>, file: E::File) {
        self.env.spawn(self.clone().take_requests());
        self.env.spawn(self.clone().tick());
        // Only the log can end the server.
        let _ = self.write_batches(&file).await;
    }

    /// Step 2.
    async fn take_requests(self: Rc<Self>) {
        loop {
            self.step(match self.connections.hear().await {
                Heard::Asked { session, body: request } => {
                    Input::Asked { connection: ConnectionId(session), request, now: self.env.now() }
                }
                Heard::Ended { session } => Input::ConnectionEnded { connection: ConnectionId(session) },
            });
        }
    }

    /// Hands an input to the core and does what it wants.
    fn step(&self, input: Input) {
        let mut outputs = Vec::new();
        self.service.borrow_mut().step(input, &mut outputs);
        outputs.into_iter().for_each(|output| self.do_as_told(output));
    }

    fn do_as_told(&self, output: Output) {
        match output {
            Output::Append { command, .. } => {
                self.unwritten.borrow_mut().push(command);
                self.something_to_write.notify_one();
            }
            Output::Answer { connection, response } => self.connections.answer(connection.0, response),
            Output::Happened(happening) => self.say(&happening),
        }
    }

    fn say(&self, happening: &Happening) {
        (self.report)(happening, &mut |fact| self.env.observe(fact));
    }

    /// Step 3. Returns only when the disk failed.
    async fn write_batches(&self, file: &E::File) -> Result<(), StorageError> {
        let mut bytes = Vec::new();
        loop {
            if self.unwritten.borrow().is_empty() {
                self.something_to_write.notified().await;
                continue;
            }
            let batch = self.unwritten.take();
            let (reported, commands) = (self.written.get(), batch.len() as u64);
            let through = Position(reported.0 + commands);
            bytes.clear();
            encode_batch(Position(reported.0 + 1), &batch, reported, &mut bytes);
            file.append(&bytes).await?;
            self.say(&Happening::Written { commands });
            file.sync().await?;
            self.say(&Happening::Synced { commands });
            self.written.set(through);
            self.length.update(|length| length + bytes.len() as u64);
            self.step(Input::Persisted { through });
            if self.length.get() > self.setup.longest_log && self.unwritten.borrow().is_empty() {
                self.take_snapshot(file).await?;
            }
        }
    }

    /// All that was carried out is durable and told when this begins. What is carried out meanwhile waits to
    /// be written behind the snapshot.
    async fn take_snapshot(&self, log: &E::File) -> Result<(), StorageError> {
        let revision = self.service.borrow().registry().revision();
        let bytes = encode_snapshot(self.service.borrow().registry());
        replace_snapshot(&self.env, &bytes, log).await?;
        self.length.set(0);
        self.say(&Happening::SnapshotTaken { revision });
        Ok(())
    }

    /// Step 4.
    async fn tick(self: Rc<Self>) {
        loop {
            self.env.sleep(self.setup.tick).await;
            let now = self.env.now();
            let silent = self.connections.end_silent(self.setup.patience.silence);
            for connection in silent.into_iter().map(ConnectionId) {
                self.step(Input::ConnectionEnded { connection });
            }
            self.step(Input::Tick { now });
        }
    }
}
