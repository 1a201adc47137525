//! The words of the tests: a database driven by hand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rehearsal_model::database::{
    Action, Answer, Commit, DatabaseError, Engine, Expression, Input, Isolation, Keys, Knobs, Output,
    RowLock, Schema, SessionId, Statement, Table, TableId, Timer, Value,
};

pub const T1: SessionId = SessionId(1);
pub const T2: SessionId = SessionId(2);
pub const T3: SessionId = SessionId(3);
/// Looks on from outside, one statement at a time.
pub const SOMEBODY: SessionId = SessionId(9);

/// `item(id, value)`
pub const ITEM: TableId = TableId(0);
/// `night(date, total, reserved)`, never more reserved than there are
pub const NIGHT: TableId = TableId(1);
/// `stay(id, guest)`, one per guest
pub const STAY: TableId = TableId(2);

pub fn schema() -> Schema {
    let within_total = Expression::column(2).at_most(Expression::column(1));
    Schema::new()
        .with(Table::new("item", ["id", "value"]).key(["id"]))
        .with(
            Table::new("night", ["date", "total", "reserved"])
                .key(["date"])
                .check("within_total", within_total),
        )
        .with(Table::new("stay", ["id", "guest"]).key(["id"]).unique("one_stay_each", ["guest"]))
}

/// An engine driven by hand: it syncs and its time passes when a test says so.
pub struct Bench {
    pub engine: Engine,
    /// Sync each commit at once.
    pub disk_is_fast: bool,
    now: Duration,
    pub timers: BTreeMap<Timer, Duration>,
    /// These begin a transaction with their next statement.
    beginning: Vec<SessionId>,
    answers: BTreeMap<SessionId, VecDeque<Result<Answer, DatabaseError>>>,
    pub durable: Vec<Commit>,
    pub reports: Vec<Output>,
}

impl Bench {
    /// Items 1 and 2 with 10 and 20.
    pub fn new() -> Self {
        Bench::with(Knobs::default())
    }

    pub fn with(knobs: Knobs) -> Self {
        let mut bench = Bench::of(Engine::new(schema(), knobs));
        bench.does(T1, insert(ITEM, [1, 10]));
        bench.does(T1, insert(ITEM, [2, 20]));
        bench
    }

    /// Nights 1, 2 and 3 with two rooms each, the second night with one taken.
    pub fn with_nights() -> Self {
        let mut bench = Bench::new();
        bench.does(T1, insert(NIGHT, [1, 2, 0]));
        bench.does(T1, insert(NIGHT, [2, 2, 1]));
        bench.does(T1, insert(NIGHT, [3, 2, 0]));
        bench
    }

    pub fn of(engine: Engine) -> Self {
        Bench {
            engine,
            disk_is_fast: true,
            now: Duration::ZERO,
            timers: BTreeMap::new(),
            beginning: Vec::new(),
            answers: BTreeMap::new(),
            durable: Vec::new(),
            reports: Vec::new(),
        }
    }

    pub fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.engine.step(input, &mut out);
        let mut appended = None;
        for output in out {
            match output {
                Output::Answer { session, result } => {
                    self.answers.entry(session).or_default().push_back(result);
                }
                Output::Append(commit) => appended = Some(commit.position),
                Output::Durable(commit) => self.durable.push(commit),
                Output::SetTimer { timer, after } => {
                    self.timers.insert(timer, self.now + after);
                }
                Output::CancelTimer(timer) => {
                    self.timers.remove(&timer);
                }
                report => self.reports.push(report),
            }
        }
        if let Some(through) = appended.filter(|_| self.disk_is_fast) {
            self.step(Input::Persisted { through });
        }
    }

    pub fn sync(&mut self) {
        let through = self.engine.last_position();
        self.step(Input::Persisted { through });
    }

    /// Time passes, and the timers that run out fire in their order.
    pub fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some((&timer, &due)) =
            self.timers.iter().min_by_key(|(_, due)| **due).filter(|(_, due)| **due <= until)
        {
            self.timers.remove(&timer);
            self.now = due;
            self.step(Input::TimerFired(timer));
        }
        self.now = until;
    }

    pub fn begin(&mut self, session: SessionId) {
        self.beginning.push(session);
    }

    pub fn ask(&mut self, session: SessionId, action: Action) {
        let begins = self.beginning.contains(&session);
        self.beginning.retain(|&other| other != session);
        let begin = begins.then_some(Isolation::ReadCommitted);
        let now = self.now.as_micros() as i64;
        self.step(Input::Execute { session, begin, action, now });
    }

    /// The session's next answer; panics when it is still waiting.
    pub fn answer(&mut self, session: SessionId) -> Result<Answer, DatabaseError> {
        let answer = self.answers.get_mut(&session).and_then(VecDeque::pop_front);
        answer.unwrap_or_else(|| panic!("{session:?} is still waiting"))
    }

    pub fn run(&mut self, session: SessionId, statement: Statement) -> Result<Answer, DatabaseError> {
        self.ask(session, Action::Run(statement));
        self.answer(session)
    }

    /// Runs a statement that changes one row.
    #[track_caller]
    pub fn does(&mut self, session: SessionId, statement: Statement) {
        assert_eq!(self.run(session, statement), affected(1));
    }

    /// Runs a statement that has to wait.
    #[track_caller]
    pub fn waits(&mut self, session: SessionId, statement: Statement) {
        self.ask(session, Action::Run(statement));
        self.still_waits(session);
    }

    #[track_caller]
    pub fn still_waits(&self, session: SessionId) {
        let answered = self.answers.get(&session).and_then(VecDeque::front);
        assert_eq!(answered, None, "{session:?} should wait");
    }

    #[track_caller]
    pub fn fails(&mut self, session: SessionId, statement: Statement, sqlstate: &str) {
        self.ask(session, Action::Run(statement));
        self.has_failed(session, sqlstate);
    }

    #[track_caller]
    pub fn has_failed(&mut self, session: SessionId, sqlstate: &str) {
        assert_eq!(self.answer(session).map_err(|error| error.sqlstate()), Err(sqlstate));
    }

    #[track_caller]
    pub fn commit(&mut self, session: SessionId) {
        self.ask(session, Action::Commit);
        let answer = self.answer(session);
        assert!(matches!(answer, Ok(Answer::Committed(_))), "{answer:?}");
    }

    #[track_caller]
    pub fn rollback(&mut self, session: SessionId) {
        self.ask(session, Action::Rollback);
        assert_eq!(self.answer(session), Ok(Answer::RolledBack));
    }

    pub fn vanishes(&mut self, session: SessionId) {
        self.step(Input::SessionEnded { session });
    }

    /// What a plain SELECT in this session shows.
    #[track_caller]
    pub fn sees<const N: usize>(&mut self, session: SessionId, table: TableId, rows: &[[i64; N]]) {
        assert_eq!(self.run(session, select(table, Keys::All)), found(rows));
    }

    #[track_caller]
    pub fn sees_item(&mut self, session: SessionId, id: i64, value: i64) {
        assert_eq!(self.run(session, select(ITEM, Keys::one([id]))), found(&[[id, value]]));
    }

    /// No transaction is open and no timer is set.
    #[track_caller]
    pub fn is_quiet(&self) {
        assert_eq!((self.engine.open_transactions(), self.timers.len()), (0, 0));
    }
}

pub fn affected(rows: u64) -> Result<Answer, DatabaseError> {
    Ok(Answer::Affected(rows))
}

pub fn found<const N: usize>(rows: &[[i64; N]]) -> Result<Answer, DatabaseError> {
    let rows = rows.iter().map(|row| row.iter().map(|&cell| Value::Int(cell)).collect());
    Ok(Answer::Rows(rows.collect()))
}

pub fn value() -> Expression {
    Expression::column(1)
}

pub fn select(table: TableId, keys: Keys) -> Statement {
    Statement::Select { table, keys, filter: None, lock: None }
}

pub fn select_where(filter: Expression) -> Statement {
    Statement::Select { table: ITEM, keys: Keys::All, filter: Some(filter), lock: None }
}

pub fn for_update(id: i64, lock: RowLock) -> Statement {
    Statement::Select { table: ITEM, keys: Keys::one([id]), filter: None, lock: Some(lock) }
}

pub fn insert<const N: usize>(table: TableId, row: [i64; N]) -> Statement {
    Statement::Insert { table, row: row.into_iter().map(Expression::from).collect() }
}

pub fn set(id: i64, to: impl Into<Expression>) -> Statement {
    Statement::Update { table: ITEM, keys: Keys::one([id]), filter: None, set: vec![(1, to.into())] }
}

pub fn set_where(keys: Keys, filter: Expression, to: impl Into<Expression>) -> Statement {
    Statement::Update { table: ITEM, keys, filter: Some(filter), set: vec![(1, to.into())] }
}

pub fn set_all(to: impl Into<Expression>) -> Statement {
    Statement::Update { table: ITEM, keys: Keys::All, filter: None, set: vec![(1, to.into())] }
}

pub fn delete(id: i64) -> Statement {
    Statement::Delete { table: ITEM, keys: Keys::one([id]), filter: None }
}

pub fn delete_where(filter: Expression) -> Statement {
    Statement::Delete { table: ITEM, keys: Keys::All, filter: Some(filter) }
}

/// Takes a room in every night, as far as the filter goes.
pub fn book(nights: Keys, filter: Option<Expression>) -> Statement {
    Statement::Update { table: NIGHT, keys: nights, filter, set: vec![(2, Expression::column(2) + 1)] }
}

pub fn room_left() -> Expression {
    Expression::column(2).less_than(Expression::column(1))
}

pub fn savepoint() -> Statement {
    Statement::Savepoint("here".into())
}

pub fn back_to_savepoint() -> Statement {
    Statement::RollbackTo("here".into())
}
