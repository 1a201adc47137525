//! Whatever clients do, in whatever order disk and timers answer: constraints hold, every request is answered,
//! the log tells the whole story, and nothing stays open.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rehearsal_model::database::{
    Action, Commit, DatabaseError, Engine, Expression, Input, Isolation, Keys, Knobs, Output, Row, RowLock,
    Schema, SessionId, Statement, Table, TableId, Timer, Value, encode_batch, read_log,
};

/// `account(id, owner, balance)`: one per owner, never below zero
const ACCOUNT: TableId = TableId(0);
const SESSIONS: u64 = 4;

fn schema() -> Schema {
    let solvent = Expression::column(2).at_least(0);
    let account = Table::new("account", ["id", "owner", "balance"]).key(["id"]);
    Schema::new().with(account.unique("one_account_each", ["owner"]).check("solvent", solvent))
}

#[derive(Clone, Debug)]
enum Happening {
    Ask(u64, bool, Action),
    Sync,
    Timer(usize),
    Vanish(u64),
}

fn statement() -> impl Strategy<Value = Statement> {
    let table = ACCOUNT;
    let keys = || prop_oneof![5 => (0..4_i64).prop_map(|id| Keys::one([id])), 1 => Just(Keys::All)];
    let set = prop_oneof![
        (-2..3_i64).prop_map(|by| vec![(2, Expression::column(2) + by)]),
        (0..4_i64).prop_map(|owner| vec![(1, owner.into())]),
    ];
    let name = || Box::<str>::from("here");
    prop_oneof![
        4 => (keys(), set, prop::option::of(0..4_i64)).prop_map(move |(keys, set, floor)| {
            let filter = floor.map(|floor| Expression::column(2).at_least(floor));
            Statement::Update { table, keys, filter, set }
        }),
        4 => (0..4_i64, 0..4_i64, 0..3_i64).prop_map(move |(id, owner, balance)| Statement::Insert {
            table,
            row: vec![id.into(), owner.into(), balance.into()],
        }),
        2 => keys().prop_map(move |keys| Statement::Delete { table, keys, filter: None }),
        2 => keys().prop_map(move |keys| Statement::Select {
            table, keys, filter: None, lock: Some(RowLock::WAIT),
        }),
        1 => Just(Statement::Savepoint(name())),
        1 => Just(Statement::RollbackTo(name())),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let action = prop_oneof![
        8 => statement().prop_map(Action::Run),
        2 => Just(Action::Commit),
        1 => Just(Action::Rollback),
    ];
    prop_oneof![
        12 => (0..SESSIONS, any::<bool>(), action).prop_map(|(who, begin, action)| Happening::Ask(who, begin, action)),
        4 => Just(Happening::Sync),
        2 => (0..8_usize).prop_map(Happening::Timer),
        1 => (0..SESSIONS).prop_map(Happening::Vanish),
    ]
}

/// The world around the engine, which checks what it is told.
struct Surroundings {
    engine: Engine,
    waiting: BTreeSet<SessionId>,
    timers: Vec<Timer>,
    /// The table as the durable commits alone tell it.
    told: BTreeMap<Value, Row>,
    log: Vec<u8>,
}

impl Surroundings {
    fn new(knobs: Knobs) -> Self {
        Surroundings {
            engine: Engine::new(schema(), knobs),
            waiting: BTreeSet::new(),
            timers: Vec::new(),
            told: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.engine.step(input, &mut out);
        for output in out {
            match output {
                Output::Answer { session, result } => {
                    assert!(self.waiting.remove(&session), "{session:?} asked nothing and got {result:?}");
                    if let Err(DatabaseError::BadStatement(why)) = result {
                        panic!("{why}");
                    }
                }
                Output::SetTimer { timer, .. } => self.timers.push(timer),
                Output::CancelTimer(timer) => self.timers.retain(|other| *other != timer),
                Output::Durable(commit) => self.hear_of(commit),
                _ => {}
            }
        }
    }

    fn hear_of(&mut self, commit: Commit) {
        encode_batch(std::slice::from_ref(&commit), Default::default(), &mut self.log);
        for change in commit.changes {
            let row = change.after.as_ref().or(change.before.as_ref()).expect("a change changes a row");
            let id = row[0].clone();
            assert_eq!(self.told.get(&id), change.before.as_ref(), "the log forgot a change");
            match change.after {
                Some(row) => self.told.insert(id, row),
                None => self.told.remove(&id),
            };
        }
        let owners: BTreeSet<_> = self.told.values().map(|row| &row[1]).collect();
        assert_eq!(owners.len(), self.told.len(), "two accounts of one owner: {:?}", self.told);
        assert!(
            self.told.values().all(|row| row[2].int() >= Some(0)),
            "an account below zero: {:?}",
            self.told
        );
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Ask(who, begin, action) => {
                let session = SessionId(who);
                if self.waiting.insert(session) {
                    let begin = begin.then_some(Isolation::ReadCommitted);
                    self.step(Input::Execute { session, begin, action, now: 0 });
                }
            }
            Happening::Sync => self.step(Input::Persisted { through: self.engine.last_position() }),
            Happening::Timer(which) if which < self.timers.len() => {
                let timer = self.timers.remove(which);
                self.step(Input::TimerFired(timer));
            }
            Happening::Timer(_) => {}
            Happening::Vanish(who) => {
                self.waiting.remove(&SessionId(who));
                self.step(Input::SessionEnded { session: SessionId(who) });
            }
        }
    }

    /// Everyone who can commits, the disk catches up, and time passes, until nothing is open.
    fn come_to_rest(&mut self) {
        for _ in 0..20 {
            for who in 0..SESSIONS {
                self.happen(Happening::Ask(who, false, Action::Commit));
            }
            self.happen(Happening::Sync);
            self.happen(Happening::Timer(0));
        }
        assert_eq!(self.engine.open_transactions(), 0, "a transaction stays open");
        assert_eq!((self.waiting.len(), self.timers.len()), (0, 0), "a client waits, or a timer is left");
    }

    fn told_rows(&self) -> Vec<&Row> {
        self.told.values().collect()
    }
}

fn run(happenings: Vec<Happening>, knobs: Knobs) {
    let mut world = Surroundings::new(knobs);
    for happening in happenings {
        world.happen(happening);
    }
    world.come_to_rest();
    assert_eq!(world.engine.rows(ACCOUNT).collect::<Vec<_>>(), world.told_rows());
    let log = read_log(&world.log).unwrap();
    let again = Engine::recover(schema(), Knobs::default(), log.commits);
    assert_eq!(again.rows(ACCOUNT).collect::<Vec<_>>(), world.told_rows());
    assert_eq!(again.last_position(), world.engine.last_position());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_tells_the_whole_story_and_everyone_is_answered(
        happenings in prop::collection::vec(happening(), 1..80),
        answer_before_sync in any::<bool>(),
    ) {
        run(happenings, Knobs { answer_before_sync, ..Knobs::default() });
    }
}
