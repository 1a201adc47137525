//! The database's server: what it answered survives, what it did not is whole or not there, and nobody who is gone
//! holds anything.

mod corruption;
mod disk;
mod locks;
mod survival;
mod together;

use crate::stage::{Fact, Handle, Seen, Stage, millis, note};
use rehearsal_env::{Clock, NodeId};
use rehearsal_model::database::server::{Setup, serve};
use rehearsal_model::database::{
    Commit, CommitError, Database, Expression, Happening, Isolation, Keys, Knobs, RemoteDatabase,
    RemoteTransaction, Row, Schema, Table, TableId, Transaction, TransactionError, Value,
};
use rehearsal_model::session::Patience;
use rehearsal_sim::Settings;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

const DATABASE: &str = "database";
/// `row(key, text)`
const ROW: TableId = TableId(0);
/// The two rows of a key are so far apart.
const OTHER_HALF: u64 = 1_000;
const PATIENCE: Patience =
    Patience { resend: Duration::from_millis(50), silence: Duration::from_millis(500) };

type Remote = RemoteDatabase<Handle>;

/// A database with one table of rows, without a row.
pub(crate) fn empty_database() -> Setup {
    Setup {
        schema: Schema::new().with(Table::new("row", ["key", "text"]).key(["key"])),
        first_rows: Vec::new(),
        knobs: Knobs::default(),
        patience: PATIENCE,
        keeps_torn_tail: false,
        forgives_silence: false,
    }
}

/// Notes what a database says that happened.
fn report(happening: &Happening, out: &mut dyn FnMut(Fact)) {
    out(match happening {
        Happening::Committed(commit) => Fact::Committed(commit.clone()),
        Happening::Recovered { through } => Fact::Word("Recovered", through.0),
        Happening::TornTailCut => Fact::Word("TornTailCut", 0),
        Happening::LogCorrupt { offset } => Fact::Word("LogCorrupt", *offset),
        Happening::Written { commits } => Fact::Word("Written", *commits),
        Happening::Synced { commits } => Fact::Word("Synced", *commits),
        Happening::DeadlockBroken => Fact::Word("DeadlockBroken", 0),
        Happening::LockTimedOut => Fact::Word("LockTimedOut", 0),
        Happening::WaitedForLock => Fact::Word("WaitedForLock", 0),
        Happening::Rechecked { matched } => Fact::Word("Rechecked", u64::from(*matched)),
        Happening::SessionEndedBySilence { open_transaction } => {
            Fact::Word("SessionEndedBySilence", u64::from(*open_transaction))
        }
        Happening::OldTransactions { count } => Fact::Word("OldTransactions", *count),
    });
}

/// Starts a database with the node's name [`DATABASE`].
pub(crate) fn start_database(stage: &mut Stage, setup: Setup) -> NodeId {
    stage.start(DATABASE, move |env| serve(env, Rc::new(setup.clone()), report))
}

pub(crate) fn connect(env: &Handle, database: NodeId) -> Remote {
    Remote::connect(env, database, PATIENCE)
}

pub(crate) async fn begin(database: &Remote) -> Result<RemoteTransaction<Handle>, TransactionError> {
    database.begin(Isolation::ReadCommitted).await
}

/// A row whose text is long enough to lie across several sectors.
fn row(key: u64) -> Row {
    vec![(key as i64).into(), format!("{key} ").repeat(200).as_str().into()]
}

/// What came of a write.
enum Written {
    Acknowledged,
    Unknown,
    SurelyNot,
}

/// Writes both rows of `key` in one transaction.
async fn put(database: &Remote, key: u64) -> Written {
    let written = async {
        let mut transaction = begin(database).await?;
        for half in [row(key), row(key + OTHER_HALF)] {
            transaction.insert(ROW, half.into_iter().map(Expression::constant).collect()).await?;
        }
        Ok(transaction)
    };
    let transaction = match written.await {
        Ok(transaction) => transaction,
        Err(TransactionError::Lost) => return Written::SurelyNot,
        Err(TransactionError::Refused(why)) => panic!("{key} was said to be surely not there: {why}"),
    };
    match transaction.commit().await {
        Ok(()) => Written::Acknowledged,
        Err(CommitError::Unknown) => Written::Unknown,
        Err(CommitError::RolledBack) => panic!("a sound transaction was rolled back"),
    }
}

/// No run takes so long unless its database never comes back.
fn still_early(env: &Handle) {
    assert!(env.now() < millis(120_000), "the database is gone for good");
}

/// All keys of the table. Asks until it is told.
async fn read_keys(env: &Handle, database: &Remote) -> Vec<u64> {
    loop {
        still_early(env);
        if let Ok(rows) = database.read(ROW, Keys::All, None).await {
            let keys: Vec<u64> = rows.iter().map(|row| key_of(row)).collect();
            assert!(rows.iter().zip(&keys).all(|(found, key)| *found == row(*key)), "a row was altered");
            return keys;
        }
        env.sleep(Duration::from_millis(10)).await;
    }
}

fn key_of(row: &[Value]) -> u64 {
    row[0].int().expect("keys are numbers") as u64
}

/// Writes each key until it is acknowledged or unknown. Then notes what is there of them.
async fn writes(env: Handle, database: NodeId, keys: Range<u64>) {
    let database = connect(&env, database);
    for key in keys.clone() {
        loop {
            still_early(&env);
            match put(&database, key).await {
                Written::SurelyNot => note(&env, "again", key),
                Written::Acknowledged => break note(&env, "acknowledged", key),
                Written::Unknown => break note(&env, "unknown", key),
            }
        }
    }
    for found in read_keys(&env, &database).await {
        if keys.contains(&(found % OTHER_HALF)) {
            note(&env, "found", found);
        }
    }
}

/// Notes what it sees, again and again.
async fn looks_on(env: Handle, database: NodeId) {
    let database = connect(&env, database);
    loop {
        for key in read_keys(&env, &database).await {
            note(&env, "seen", key);
        }
        env.sleep(Duration::from_millis(7)).await;
    }
}

/// Two clients write twelve keys while a third looks on.
fn run(seed: u64, setup: Setup, settings: Settings) -> Seen {
    let mut stage = Stage::new(seed, settings);
    let database = start_database(&mut stage, setup);
    stage.client("client", move |env| writes(env, database, 1..7));
    stage.client("other", move |env| writes(env, database, 7..13));
    stage.start("onlooker", move |env| looks_on(env, database));
    stage.run_until_done()
}

/// Keys that somebody was told of or saw, and that are not there in the end.
fn lost(seen: &Seen) -> Vec<u64> {
    let found = seen.noted("found");
    let told = seen.noted("acknowledged").into_iter().chain(seen.noted("seen"));
    told.filter(|key| !found.contains(key)).collect()
}

/// Nothing is lost, nothing is there that nobody wrote, every key is there wholly or not at all, and the
/// database's reports tell the same story.
#[track_caller]
fn assert_sound(seen: &Seen) {
    let lost = lost(seen);
    assert!(lost.is_empty(), "somebody was told of {lost:?} or saw them");
    let found: BTreeSet<u64> = seen.noted("found").into_iter().collect();
    let (one, other): (BTreeSet<u64>, BTreeSet<u64>) = found.iter().partition(|key| **key < OTHER_HALF);
    assert_eq!(one.iter().map(|key| key + OTHER_HALF).collect::<BTreeSet<_>>(), other, "half a transaction");
    let written: BTreeSet<u64> =
        seen.noted("acknowledged").into_iter().chain(seen.noted("unknown")).collect();
    assert_eq!(written.len(), 12);
    assert!(one.is_subset(&written), "{one:?} are there, {written:?} were written");
    assert_eq!(reported_keys(seen), found, "the reports tell another story");
    assert_eq!(seen.count("LogCorrupt"), 0);
}

/// The keys that the reports leave. Each commit is reported in its turn, and a repeat is the same.
#[track_caller]
fn reported_keys(seen: &Seen) -> BTreeSet<u64> {
    let (mut log, mut keys) = (Vec::<&Commit>::new(), BTreeSet::new());
    for commit in seen.reports() {
        let place = commit.position.0 as usize - 1;
        assert!(place <= log.len(), "commit {} was reported after {}", place + 1, log.len());
        if place < log.len() {
            assert_eq!(commit, log[place], "another commit was reported at the same position");
            continue;
        }
        log.push(commit);
        for change in &commit.changes {
            assert_eq!(change.before, None, "these clients only insert");
            let inserted = keys.insert(key_of(change.after.as_ref().expect("an inserted row")));
            assert!(inserted, "a key was inserted twice");
        }
    }
    keys
}
