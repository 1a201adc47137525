//! The coordination service: its register, its sessions, its watches.

use crate::history::{History, Who};
use rehearsal_model::coordination::{
    Change, Check, Edit, Entry, Happening, Keys, OperationId, Outcome, Reply, Request, Response, Revision,
    SessionId,
};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::keys::{self, PartitionEntry};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::restart::Registration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const LINEARIZES: &str = "coordination-linearizes";
const HONEST: &str = "session-honest";
const TELLS_ALL: &str = "watch-tells-all";
const SESSION: SessionId = SessionId(9);
const CLIENT: Who = Who::Broker(0);
const OTHER: Who = Who::Broker(1);

fn say(history: &mut History, who: Who, happening: Happening) -> u64 {
    history.say(who, Fact::Coordination(Arc::new(happening)))
}

fn ask(history: &mut History, who: Who, operation: u64, request: Request) -> u64 {
    say(history, who, Happening::Invoked { operation: OperationId(operation), request })
}

fn answer(history: &mut History, who: Who, operation: u64, response: Response) -> u64 {
    let outcome = Outcome::Answered(response);
    say(history, who, Happening::Returned { operation: OperationId(operation), outcome })
}

fn entry(revision: u64, value: &[u8], owner: Option<SessionId>) -> Entry {
    Entry { value: value.into(), created: Revision(revision), modified: Revision(revision), owner }
}

fn change(key: &str, revision: u64, entry: Option<Entry>) -> Change {
    Change { key: key.to_owned(), revision: Revision(revision), entry }
}

fn changed(history: &mut History, change: Change) -> u64 {
    say(history, Who::Coordination, Happening::Changed(change))
}

fn put(key: &str, value: &[u8]) -> Request {
    Request::Transact { session: None, checks: vec![], writes: vec![Edit::put(key, value)] }
}

fn done(revision: u64) -> Response {
    Response::Reply(Reply::Done { revision: Revision(revision) })
}

fn read(key: &str) -> Request {
    Request::Read { keys: Keys::One(key.to_owned()) }
}

fn found(revision: u64, entries: &[(&str, Entry)]) -> Response {
    let entries: BTreeMap<String, Entry> =
        entries.iter().map(|(key, entry)| ((*key).to_owned(), entry.clone())).collect();
    Response::Reply(Reply::Entries { revision: Revision(revision), entries })
}

/// A client puts a value, which is revision 1.
fn with_one() -> History {
    let mut history = History::begin();
    ask(&mut history, CLIENT, 1, put("/a", b"1"));
    changed(&mut history, change("/a", 1, Some(entry(1, b"1", None))));
    answer(&mut history, CLIENT, 1, done(1));
    history
}

/// The same, and a session that was opened.
fn with_session() -> History {
    let mut history = with_one();
    ask(
        &mut history,
        CLIENT,
        2,
        Request::OpenSession { session: SESSION, timeout: Duration::from_millis(50) },
    );
    opened(&mut history);
    answer(&mut history, CLIENT, 2, done(1));
    history
}

fn opened(history: &mut History) -> u64 {
    let timeout = Duration::from_millis(50);
    say(history, Who::Coordination, Happening::SessionOpened { session: SESSION, timeout })
}

fn expired(history: &mut History) -> u64 {
    say(history, Who::Coordination, Happening::SessionExpired { session: SESSION })
}

/// So many milliseconds in which nothing of note happens.
fn pass(history: &mut History, milliseconds: u64) {
    for _ in 0..milliseconds {
        history.say(Who::Coordination, Fact::CoordinationRecovered);
    }
}

#[test]
fn one_register_is_legal_and_so_are_repeats_and_what_nobody_knows() {
    let mut history = with_one();
    ask(&mut history, OTHER, 5, put("/b", b"2"));
    changed(&mut history, change("/b", 2, Some(entry(2, b"2", None))));
    say(&mut history, OTHER, Happening::Returned { operation: OperationId(5), outcome: Outcome::Unknown });
    changed(&mut history, change("/a", 1, Some(entry(1, b"1", None))));
    ask(&mut history, CLIENT, 6, read("/b"));
    answer(&mut history, CLIENT, 6, found(2, &[("/b", entry(2, b"2", None))]));
    history.passes();
}

#[test]
fn a_revision_of_which_two_things_are_told_is_convicted() {
    let mut history = with_one();
    let first = history.facts.len() as u64 - 2;
    let second = changed(&mut history, change("/a", 1, Some(entry(1, b"other", None))));
    history.convicts(LINEARIZES, &[first, second]);
}

#[test]
fn a_revision_that_is_left_out_is_convicted() {
    let mut history = with_one();
    let third = changed(&mut history, change("/a", 3, None));
    history.convicts(LINEARIZES, &[third]);
}

#[test]
fn an_answer_that_is_older_than_one_before_it_is_convicted() {
    let mut history = with_one();
    let told = history.facts.len() as u64 - 1;
    let asked = ask(&mut history, OTHER, 5, read("/a"));
    let mut stale = history.clone();
    let answered = answer(&mut stale, OTHER, 5, found(0, &[]));
    stale.convicts(LINEARIZES, &[told, asked, answered]);
    answer(&mut history, OTHER, 5, found(1, &[("/a", entry(1, b"1", None))]));
    history.passes();
}

#[test]
fn a_read_of_what_was_not_there_is_convicted() {
    let mut history = with_one();
    let asked = ask(&mut history, OTHER, 5, read("/a"));
    let answered = answer(&mut history, OTHER, 5, found(1, &[]));
    history.convicts(LINEARIZES, &[asked, answered]);
}

#[test]
fn a_change_against_its_condition_is_convicted() {
    let mut history = with_one();
    let (checks, writes) = (vec![Check::absent("/a")], vec![Edit::put("/a", *b"2")]);
    let asked = ask(&mut history, OTHER, 5, Request::Transact { session: None, checks, writes });
    let again = Entry { created: Revision(1), ..entry(2, b"2", None) };
    changed(&mut history, change("/a", 2, Some(again)));
    let answered = answer(&mut history, OTHER, 5, done(2));
    history.convicts(LINEARIZES, &[asked, answered]);
}

#[test]
fn a_change_that_nobody_asked_for_or_that_is_done_twice_is_convicted() {
    let mut history = with_one();
    ask(&mut history, OTHER, 5, put("/b", b"2"));
    changed(&mut history, change("/b", 2, Some(entry(2, b"2", None))));
    history.passes();
    let again = Entry { created: Revision(2), ..entry(3, b"2", None) };
    changed(&mut history, change("/b", 3, Some(again)));
    let verdicts = history.verdicts();
    assert!(verdicts.iter().any(|violation| violation.invariant == LINEARIZES), "{verdicts:?}");
}

#[test]
fn two_who_are_told_of_one_revision_are_convicted() {
    let mut history = History::begin();
    ask(&mut history, CLIENT, 1, put("/a", b"1"));
    ask(&mut history, OTHER, 2, put("/a", b"1"));
    changed(&mut history, change("/a", 1, Some(entry(1, b"1", None))));
    let first = answer(&mut history, CLIENT, 1, done(1));
    let second = answer(&mut history, OTHER, 2, done(1));
    history.convicts(LINEARIZES, &[first, second]);
}

#[test]
fn a_session_that_is_renewed_stays() {
    let mut history = with_session();
    pass(&mut history, 40);
    let renewed = ask(&mut history, CLIENT, 3, Request::KeepAlive { session: SESSION });
    answer(&mut history, CLIENT, 3, Response::Renewed { revision: Revision(1) });
    pass(&mut history, 20);
    let mut early = history.clone();
    let ended = expired(&mut early);
    early.convicts(HONEST, &[renewed, ended]);
    pass(&mut history, 40);
    expired(&mut history);
    history.passes();
}

#[test]
fn a_session_that_is_silent_goes_in_the_end() {
    let mut history = with_session();
    let begun = history.facts.len() as u64 - 2;
    history.calm();
    history.is_no_matter_of(HONEST);
    // The calm lasts for longer than a silent session may.
    let ten_seconds_and_more = 10_100;
    pass(&mut history, ten_seconds_and_more);
    history.convicts(HONEST, &[begun]);
    expired(&mut history);
    history.is_no_matter_of(HONEST);
}

#[test]
fn what_a_session_owned_goes_with_it() {
    let mut history = with_session();
    let writes = vec![Edit::put_ephemeral("/mine", *b"m")];
    let request = Request::Transact { session: Some(SESSION), checks: vec![], writes };
    ask(&mut history, CLIENT, 3, request);
    changed(&mut history, change("/mine", 2, Some(entry(2, b"m", Some(SESSION)))));
    answer(&mut history, CLIENT, 3, done(2));
    pass(&mut history, 60);
    let mut kept = history.clone();
    let ended = expired(&mut kept);
    kept.convicts(HONEST, &[ended]);
    changed(&mut history, change("/mine", 3, None));
    expired(&mut history);
    history.passes();
}

#[test]
fn a_watch_that_leaves_a_change_out_is_convicted() {
    let mut history = with_one();
    let first = history.facts.len() as u64 - 2;
    let watch = Request::Watch { prefix: "/".to_owned(), since: Revision(0) };
    let asked = ask(&mut history, OTHER, 5, watch);
    let mut whole = history.clone();
    let told = |changes| Response::Changes { changes, through: Revision(1) };
    answer(&mut whole, OTHER, 5, told(vec![change("/a", 1, Some(entry(1, b"1", None)))]));
    whole.passes();
    let answered = answer(&mut history, OTHER, 5, told(vec![]));
    history.convicts(TELLS_ALL, &[first, asked, answered]);
}

#[test]
fn a_watch_that_is_never_told_is_convicted_in_the_end() {
    let mut history = with_one();
    let first = history.facts.len() as u64 - 2;
    let watch = Request::Watch { prefix: "/".to_owned(), since: Revision(0) };
    let asked = ask(&mut history, OTHER, 5, watch);
    history.calm();
    pass(&mut history, 10_100);
    // It has not said anything since, and may be down.
    history.is_no_matter_of(TELLS_ALL);
    ask(&mut history, OTHER, 7, read("/a"));
    history.convicts(TELLS_ALL, &[first, asked]);
    // It is nobody's any more.
    history.crash(OTHER);
    ask(&mut history, OTHER, 6, read("/a"));
    history.is_no_matter_of(TELLS_ALL);
}

/// The state of a partition that broker-1 leads in the life of revision 2, at this revision: as the controller of an epoch
/// has ordered it, or as its leader has asked for.
fn of_partition(history: &mut History, revision: u64, ordered: Option<u64>) -> u64 {
    let partition = Partition { topic: Topic::Named(7), number: 0 };
    let leader = Leader { broker: BrokerId(1), life: BrokerEpoch(2) };
    let state = PartitionState::new(Brokers::first(3), leader);
    let held = PartitionEntry { partition, state, ordered: ordered.map(Revision) };
    let entry = entry(revision, &keys::encode(&held), None);
    changed(history, change(&keys::partition(partition), revision, Some(entry)))
}

/// Revision 2 is broker-1's life, revision 3 the controller's chair, both of the session.
fn with_ephemeral_keys() -> History {
    let mut history = with_session();
    let life = keys::encode(&Registration { broker: BrokerId(1), after: None });
    changed(&mut history, change("/brokers/1", 2, Some(entry(2, &life, Some(SESSION)))));
    let chair = keys::encode(&BrokerId(1));
    changed(&mut history, change(keys::CONTROLLER, 3, Some(entry(3, &chair, Some(SESSION)))));
    history
}

#[test]
fn what_is_done_in_the_name_of_a_key_that_stands_is_legal() {
    let mut history = with_ephemeral_keys();
    of_partition(&mut history, 4, Some(3));
    of_partition(&mut history, 5, None);
    history.is_no_matter_of(HONEST);
}

#[test]
fn a_set_that_is_written_for_a_leader_whose_life_is_over_is_convicted() {
    let mut history = with_ephemeral_keys();
    let gone = changed(&mut history, change("/brokers/1", 4, None));
    let written = of_partition(&mut history, 5, None);
    history.convicts(HONEST, &[gone, written]);
}

#[test]
fn an_order_in_the_name_of_a_chair_that_is_another_s_is_convicted() {
    let mut history = with_ephemeral_keys();
    let chair = keys::encode(&BrokerId(0));
    let taken = changed(&mut history, change(keys::CONTROLLER, 4, Some(entry(4, &chair, None))));
    let ordered = of_partition(&mut history, 5, Some(3));
    history.convicts(HONEST, &[taken, ordered]);
}
