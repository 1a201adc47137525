//! The database as a node: sessions in front, the engine inside, the log on the disk.
//!
//! 1. Recover: read the log, cut an incomplete batch off its end, rebuild the engine, report what may not have
//!    been reported.
//! 2. Take each request once, hand its actions to the engine one after the other, each when the one before it is
//!    answered, and carry out what the engine wants. An error ends the request.
//! 3. Write what was appended as one batch, sync, tell the engine; only then does it answer.
//! 4. End sessions that are silent; the engine rolls back what they had open.
//!
//! A failed write or sync ends the program: what the disk holds is unknown then, and only recovery can tell.

use super::happening::Happening;
use super::{
    Action, Answer, Commit, DatabaseError, Engine, Input, Knobs, LogPosition, Output, Recovered, Request,
    Row, RowChange, Schema, SessionId, TableId, Timer, encode_batch, read_log,
};
use crate::session::{Frame, Heard, Patience, SessionServer};
use rehearsal_env::{Env, File, StorageError, TaskHandle, Time};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The file that holds the log.
const LOG: &str = "log";
/// The longest log that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// What a session's request is answered with.
pub type Reply = Result<Answer, DatabaseError>;
/// The frames between a database and its clients.
pub type DatabaseFrame = Frame<Request, Reply>;
/// Turns a happening into the facts of the system that the database belongs to.
pub type Report<F> = fn(&Happening, &mut dyn FnMut(F));

/// Everything a database server is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The tables.
    pub schema: Schema,
    /// The rows of the first commit, made when the log is empty.
    pub first_rows: Vec<(TableId, Row)>,
    /// The engine's knobs.
    pub knobs: Knobs,
    /// How long a session may be silent.
    pub patience: Patience,
    /// A defect: recovery reads up to the first broken batch, leaves it where it is, and appends behind it.
    pub keeps_torn_tail: bool,
    /// A defect: sessions that fell silent are never ended.
    pub forgives_silence: bool,
}

/// Runs a database on this node. Returns when the disk failed.
pub async fn serve<E: Env>(env: E, setup: Rc<Setup>, report: Report<E::Fact>) {
    match Server::recover(&env, setup, report).await {
        Ok(Some((server, file))) => server.run(file).await,
        // A corrupt log is for people to look at: no session is ever answered.
        Ok(None) => std::future::pending().await,
        Err(_) => {}
    }
}

struct Server<E: Env> {
    env: E,
    setup: Rc<Setup>,
    report: Report<E::Fact>,
    engine: RefCell<Engine>,
    sessions: SessionServer<E, Request, Reply>,
    /// What is left of the requests that are being worked on.
    left: RefCell<BTreeMap<SessionId, VecDeque<Action>>>,
    timers: RefCell<BTreeMap<Timer, E::Task>>,
    /// Appended and not yet written.
    unwritten: RefCell<Vec<Commit>>,
    something_to_write: Notify,
    /// The newest commit that is durable and reported.
    reported: Cell<LogPosition>,
    /// Sessions with an open transaction, and since when.
    open: RefCell<BTreeMap<SessionId, Time>>,
    old_transactions: Cell<u64>,
}

impl<E: Env> Server<E> {
    /// Step 1. None when the log is corrupt.
    async fn recover(
        env: &E,
        setup: Rc<Setup>,
        report: Report<E::Fact>,
    ) -> Result<Option<(Rc<Self>, E::File)>, StorageError> {
        let file = env.open(LOG).await?;
        env.sync_dir().await?;
        let bytes = file.read_at(0, WHOLE).await?;
        let say = |happening: Happening| report(&happening, &mut |fact| env.observe(fact));
        let Recovered { commits, reported, valid_length, torn } = match read_log(&bytes) {
            Ok(recovered) => recovered,
            Err(corrupt) if setup.keeps_torn_tail => {
                read_log(&bytes[..corrupt.offset]).expect("what lies before the first broken batch is whole")
            }
            Err(corrupt) => {
                say(Happening::LogCorrupt { offset: corrupt.offset as u64 });
                return Ok(None);
            }
        };
        if torn && !setup.keeps_torn_tail {
            file.truncate(valid_length as u64).await?;
            file.sync().await?;
            say(Happening::TornTailCut);
        }
        // What was in the file may have been seen and not be sure: a read says nothing about a crash.
        file.sync().await?;
        for commit in commits.iter().filter(|commit| commit.position > reported) {
            say(Happening::Committed(commit.clone()));
        }
        let engine = Engine::recover(setup.schema.clone(), setup.knobs.clone(), commits);
        let through = engine.last_position();
        say(Happening::Recovered { through });
        let server = Rc::new(Server {
            env: env.clone(),
            report,
            sessions: SessionServer::bind_and_keep(env),
            engine: RefCell::new(engine),
            left: RefCell::default(),
            timers: RefCell::default(),
            unwritten: RefCell::default(),
            something_to_write: Notify::new(),
            reported: Cell::new(through),
            open: RefCell::default(),
            old_transactions: Cell::new(0),
            setup,
        });
        if through == LogPosition(0) && !server.setup.first_rows.is_empty() {
            server.write_first_rows(&file).await?;
        }
        Ok(Some((server, file)))
    }

    /// The calendar of a new database, as its first commit.
    async fn write_first_rows(&self, file: &E::File) -> Result<(), StorageError> {
        let rows = self.setup.first_rows.iter().cloned();
        let changes = rows.map(|(table, row)| RowChange { table, before: None, after: Some(row) }).collect();
        let commit = Commit { position: LogPosition(1), changes };
        let mut bytes = Vec::new();
        encode_batch(std::slice::from_ref(&commit), LogPosition(0), &mut bytes);
        file.append(&bytes).await?;
        file.sync().await?;
        self.say(Happening::Committed(commit.clone()));
        let (schema, knobs) = (self.setup.schema.clone(), self.setup.knobs.clone());
        *self.engine.borrow_mut() = Engine::recover(schema, knobs, [commit]);
        self.reported.set(LogPosition(1));
        Ok(())
    }

    async fn run(self: Rc<Self>, file: E::File) {
        self.env.spawn(self.clone().take_requests());
        self.env.spawn(self.clone().end_silent_sessions());
        // Only the log can end the server.
        let _ = self.write_batches(&file).await;
    }

    /// Step 2.
    async fn take_requests(self: Rc<Self>) {
        loop {
            match self.sessions.hear().await {
                Heard::Asked { session, body } => self.take(SessionId(session), body),
                Heard::Ended { session } => self.step(Input::SessionEnded { session: SessionId(session) }),
            }
        }
    }

    fn take(self: &Rc<Self>, session: SessionId, Request { begin, actions }: Request) {
        let mut left = VecDeque::from(actions);
        let Some(action) = left.pop_front() else { return self.answer(session, Ok(Answer::Done)) };
        if begin.is_some() {
            self.open.borrow_mut().insert(session, self.env.now());
        }
        self.left.borrow_mut().insert(session, left);
        self.step(Input::Execute { session, begin, action, now: self.env.wall().micros() });
    }

    /// Hands an input to the engine and carries out what it wants, and then the actions whose turn that makes it.
    fn step(self: &Rc<Self>, input: Input) {
        if let Input::SessionEnded { session } = &input {
            self.open.borrow_mut().remove(session);
            self.left.borrow_mut().remove(session);
        }
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut outputs = Vec::new();
            self.engine.borrow_mut().step(input, &mut outputs);
            for output in outputs {
                if let Some(happening) = Happening::of_output(&output) {
                    self.say(happening);
                }
                // Not before all outputs are carried out: the engine has named them in the order of the log.
                inputs.extend(self.carry_out(output));
            }
        }
    }

    /// Does what the engine wants. When that was an answer to a session with actions left: the next of them.
    fn carry_out(self: &Rc<Self>, output: Output) -> Option<Input> {
        match output {
            Output::Answer { session, result } => return self.answered(session, result),
            Output::Append(commit) => {
                self.unwritten.borrow_mut().push(commit);
                self.something_to_write.notify_one();
            }
            Output::CancelTimer(timer) => {
                if let Some(task) = self.timers.borrow_mut().remove(&timer) {
                    task.abort();
                }
            }
            Output::SetTimer { timer, after } => {
                let task = self.env.spawn(self.clone().fire(timer, after));
                self.timers.borrow_mut().insert(timer, task);
            }
            _ => {}
        }
        None
    }

    /// One action is answered: the next is due, or else the request is answered with this.
    fn answered(&self, session: SessionId, result: Reply) -> Option<Input> {
        if matches!(result, Ok(Answer::Committed(_) | Answer::RolledBack)) {
            self.open.borrow_mut().remove(&session);
        }
        let next = match &result {
            Ok(_) => self.left.borrow_mut().get_mut(&session).and_then(VecDeque::pop_front),
            Err(_) => None,
        };
        let Some(action) = next else {
            self.left.borrow_mut().remove(&session);
            self.answer(session, result);
            return None;
        };
        Some(Input::Execute { session, begin: None, action, now: self.env.wall().micros() })
    }

    fn answer(&self, session: SessionId, result: Reply) {
        self.sessions.answer(session.0, result);
    }

    fn say(&self, happening: Happening) {
        (self.report)(&happening, &mut |fact| self.env.observe(fact));
    }

    async fn fire(self: Rc<Self>, timer: Timer, after: Duration) {
        self.env.sleep(after).await;
        self.timers.borrow_mut().remove(&timer);
        self.step(Input::TimerFired(timer));
    }

    /// Step 3. Returns only when the disk failed.
    async fn write_batches(self: &Rc<Self>, file: &E::File) -> Result<(), StorageError> {
        let mut bytes = Vec::new();
        loop {
            if self.unwritten.borrow().is_empty() {
                self.something_to_write.notified().await;
                continue;
            }
            let batch = self.unwritten.take();
            bytes.clear();
            encode_batch(&batch, self.reported.get(), &mut bytes);
            file.append(&bytes).await?;
            self.say(Happening::Written { commits: batch.len() as u64 });
            file.sync().await?;
            let through = batch.last().expect("a batch has a commit").position;
            self.say(Happening::Synced { commits: batch.len() as u64 });
            self.step(Input::Persisted { through });
            self.reported.set(through);
        }
    }

    /// Step 4.
    async fn end_silent_sessions(self: Rc<Self>) {
        let silence = self.setup.patience.silence;
        loop {
            self.env.sleep(silence / 2).await;
            if !self.setup.forgives_silence {
                let ended = self.sessions.end_silent(silence);
                for session in ended.into_iter().map(SessionId) {
                    let open_transaction = self.open.borrow().contains_key(&session);
                    self.say(Happening::SessionEndedBySilence { open_transaction });
                    self.step(Input::SessionEnded { session });
                }
            }
            self.report_old_transactions();
        }
    }

    fn report_old_transactions(&self) {
        let old = self.setup.patience.silence * 3;
        let now = self.env.now();
        let count = self.open.borrow().values().filter(|since| now.since(**since) > old).count() as u64;
        if self.old_transactions.replace(count) != count {
            self.say(Happening::OldTransactions { count });
        }
    }
}
