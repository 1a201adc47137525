use super::super::brokers::BrokerEpoch;
use super::super::controller::Leader;
use super::super::delay::Due;
use super::super::facts::{Fate, LendingFact, OfGroups, OfLogs, OfRestarts, OfTopics, PushFact};
use super::super::group::{Generation, MemberId};
use super::super::identity::ProducerIdentity;
use super::super::lending::{Held, LoanNumber};
use super::super::offset::LeaderEpoch;
use super::super::partition::Topic;
use super::super::plan::Plan;
use super::super::production::Acks;
use super::super::protocol;
use super::super::pushing::{Ending, SubscriptionId};
use super::super::topics::TopicState;
use super::super::transactions::TransactionalId;
use super::*;
use crate::coordination::{
    Change, Check, Edit, Entry, Happening, Keys, OperationId, Outcome, Refusal, Reply, Request, Response,
    Revision, SessionId,
};
use rehearsal_env::{Fact as _, Span, WallTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const PARTITION: Partition = Partition { topic: Topic::Named(0), number: 1 };
const BROKER: BrokerId = BrokerId(2);
const EPOCH: LeaderEpoch = LeaderEpoch(2);
const MESSAGE: MessageId = MessageId { producer: 0, number: 3 };

fn stretch(messages: &[MessageId]) -> Stretch {
    let end = Offset(5).plus(messages.len().max(1) as u64);
    let messages = messages.to_vec();
    Stretch { base: Offset(5), end, epoch: EPOCH, appended: 0, checksum: 7, messages, within: None }
}

fn state() -> PartitionState {
    let leader = Leader { broker: BROKER, life: BrokerEpoch(9) };
    let state = PartitionState::new(Brokers::first(3), leader);
    PartitionState { epoch: EPOCH, version: 6, ..state }
}

fn of_cluster() -> Vec<Fact> {
    let partition = PARTITION;
    let alone = PartitionState {
        leader: None,
        in_sync: Brokers::only(BROKER),
        eligible: Brokers::first(2),
        ..state()
    };
    let nobody = PartitionState { leader: None, in_sync: Brokers::NONE, ..state() };
    vec![
        Fact::BrokerRegistered { broker: BROKER, life: BrokerEpoch(9) },
        Fact::BrokerGone { broker: BROKER },
        Fact::ControllerChanged { broker: Some(BROKER), epoch: 4 },
        Fact::ControllerChanged { broker: None, epoch: 4 },
        Fact::PartitionChanged { partition, state: state() },
        Fact::PartitionChanged { partition, state: alone },
        Fact::PartitionChanged { partition, state: nobody },
        Fact::PartitionChanged { partition, state: state().moved_towards(Brokers::first(4).without(BROKER)) },
        Fact::MembersChanged { members: Brokers::first(2) },
        Fact::CoordinationRecovered,
        Fact::OfLogs(OfLogs::ReadFromDisk { partition, from: Offset(5), to: Offset(8) }),
        Fact::OfLogs(OfLogs::Damaged { partition, segment: Offset(5), position: 44 }),
        Fact::OfLogs(OfLogs::EpochCrossed {
            group: 0,
            partition,
            offset: Offset(5),
            last: EPOCH,
            next: EPOCH,
        }),
        Fact::OfLogs(OfLogs::TruncationSeen { group: 0, partition, offset: Offset(5), to: Offset(3) }),
        Fact::OfTopics(OfTopics::Changed { topic: 0, state: TopicState::first(2) }),
        Fact::OfTopics(OfTopics::Retired { partition, epoch: EPOCH }),
        Fact::OfTopics(OfTopics::Withheld { group: 1, partitions: BTreeSet::from([partition]) }),
        Fact::OfTopics(OfTopics::Rerouted { message: MESSAGE, partition, version: 1 }),
        Fact::OfTopics(OfTopics::Unplaced { message: MESSAGE, partition }),
    ]
}

fn of_coordination() -> Vec<Fact> {
    let (session, revision, operation) = (SessionId(0x17), Revision(12), OperationId(5));
    let key = "/lives/2".to_owned();
    let entry =
        |value: &[u8]| Entry { value: value.into(), created: revision, modified: revision, owner: None };
    let write = Edit::delete("/lives/2");
    let transact = |checks| Request::Transact { session: None, checks, writes: vec![write.clone()] };
    let asked = [
        Request::OpenSession { session, timeout: Duration::from_secs(1) },
        Request::KeepAlive { session },
        Request::CloseSession { session },
        transact(vec![]),
        transact(vec![Check::absent("/controller")]),
        Request::Read { keys: Keys::One(key.clone()) },
        Request::Read { keys: Keys::Prefix("/".to_owned()) },
        Request::Watch { prefix: "/".to_owned(), since: revision },
    ];
    let told = [
        Response::Reply(Reply::Done { revision }),
        Response::Reply(Reply::Conflict { key: key.clone(), found: None }),
        Response::Reply(Reply::SessionGone),
        Response::Reply(Reply::Entries { revision, entries: BTreeMap::new() }),
        Response::Renewed { revision },
        Response::Changes { changes: vec![], through: revision },
        Response::Compacted { horizon: revision },
        Response::NotLeader { leader: Some(1) },
    ];
    let returned = |outcome| Happening::Returned { operation, outcome };
    let mut happened = vec![
        Happening::Changed(Change { key: key.clone(), revision, entry: Some(entry(b"it")) }),
        Happening::Changed(Change { key, revision, entry: None }),
        Happening::SessionOpened { session, timeout: Duration::from_secs(1) },
        Happening::SessionClosed { session },
        Happening::SessionExpired { session },
        Happening::SnapshotInstalled { revision },
        Happening::Led { term: 3 },
        Happening::VoteGiven { term: 3, candidate: 2 },
        Happening::VoteRefused { term: 3, why: Refusal::OldTerm },
        Happening::VoteRefused { term: 3, why: Refusal::ShorterLog },
        Happening::ReadsRefused { reads: 2 },
        Happening::WatchRenewed { since: revision },
        returned(Outcome::Unknown),
        returned(Outcome::NeverAsked),
    ];
    happened.extend(asked.map(|request| Happening::Invoked { operation, request }));
    happened.extend(told.map(|response| returned(Outcome::Answered(response))));
    happened.into_iter().map(|happening| Fact::Coordination(Arc::new(happening))).collect()
}

fn of_brokers() -> Vec<Fact> {
    let (partition, epoch, messages) = (PARTITION, EPOCH, vec![MESSAGE]);
    let recovered = |log, torn| Fact::Recovered { broker: BROKER, partition, start: Offset::ZERO, log, torn };
    let stretch = stretch(&messages);
    vec![
        recovered(vec![], false),
        recovered(vec![stretch.clone()], false),
        recovered(vec![stretch.clone(), stretch.clone()], true),
        Fact::FollowerServed { partition, served: vec![stretch.clone()] },
        Fact::FollowerSaidWait { partition, offset: Offset(5) },
        Fact::FollowerSaidOutOfRange { partition, offset: Offset(5) },
        Fact::TransactionEnding {
            id: TransactionalId(3),
            producer: ProducerIdentity::first(7),
            verdict: Verdict::Commit,
            fenced: false,
        },
        Fact::TransactionEnding {
            id: TransactionalId(3),
            producer: ProducerIdentity::first(7),
            verdict: Verdict::Abort,
            fenced: false,
        },
        Fact::TransactionEnding {
            id: TransactionalId(3),
            producer: ProducerIdentity::first(7),
            verdict: Verdict::Abort,
            fenced: true,
        },
        Fact::TransactionTakenUp { id: TransactionalId(3), producer: ProducerIdentity::first(7) },
        Fact::Led { partition, epoch, begins: Offset(5) },
        Fact::Followed { partition, epoch, leader: BROKER },
        Fact::Appended { partition, stretch: stretch.clone() },
        Fact::DuplicateAbsorbed { partition, base: Offset(5), messages: messages.clone() },
        Fact::Refused { partition, why: "too few replicas are in sync".to_owned(), messages },
        Fact::Replicated { partition, stretch },
        Fact::Truncated { partition, to: Offset(5), from: Offset(7) },
        Fact::BeganAnew { partition, at: Offset(5) },
        Fact::CopyDropped { partition, from: Offset(7) },
        Fact::Dropped { partition, from: Offset(5), to: Offset(7), left: 100, at: 0 },
        Fact::SegmentClosed { partition, base: Offset(5), end: Offset(7), bytes: 100 },
        Fact::Archived { partition, base: Offset(5), end: Offset(7) },
        Fact::Persisted { partition, through: Offset(5) },
        Fact::WatermarkMoved { partition, epoch, to: Offset(5) },
        Fact::WatermarkHeld { partition, at: Offset(5) },
        Fact::StaleRequestRefused { partition, epoch },
        Fact::SetShrinks { partition },
        Fact::SetGrows { partition },
        Fact::SetRefused { partition },
        Fact::CoordinatorLoaded { group: 0, generation: Generation(3) },
        Fact::MemberFenced { group: 0, member: MemberId(8) },
    ]
}

fn of_clients() -> Vec<Fact> {
    let (partition, message, offset) = (PARTITION, MESSAGE, Offset(5));
    let (group, member, generation) = (0, MemberId(8), Generation(3));
    let told = |fate| Fact::Told { message, partition, fate };
    let assigned = |partitions: &[Partition]| {
        let partitions = BTreeSet::from_iter(partitions.iter().copied());
        Fact::Assigned { group, member, generation, partitions }
    };
    let positioned = |committed| Fact::Positioned { group, member, partition, offset, committed };
    let offsets = BTreeMap::from([(partition, offset)]);
    vec![
        Fact::Sent { message, partition, acks: Acks::None },
        Fact::Sent { message, partition, acks: Acks::Leader },
        Fact::Sent { message, partition, acks: Acks::All },
        Fact::WaitsForRoom { message, partition },
        Fact::RefusedForRoom { message, partition },
        Fact::SentAgain { partition, messages: vec![message] },
        told(Fate::Acknowledged(Some(offset))),
        told(Fate::Acknowledged(None)),
        told(Fate::DefinitelyNot),
        told(Fate::Unknown),
        assigned(&[]),
        assigned(&[partition]),
        Fact::LetGo { group, member, generation },
        positioned(true),
        positioned(false),
        Fact::Processed { group, member, generation, partition, offset, message, record: 7 },
        Fact::CommitConfirmed { group, member, generation, offsets },
        Fact::OffsetOutOfRange { group, partition, offset, reset: None },
        Fact::OffsetOutOfRange { group, partition, offset, reset: Some(Offset(7)) },
        Fact::Replayed { group, partition, batches: vec![stretch(&[message])] },
        Fact::Replayed { group, partition, batches: vec![] },
        Fact::BitFlipped { partition, checksum: 7, record: None },
        Fact::DamageFound { partition, offset },
    ]
}

fn of_delays() -> Vec<Fact> {
    let (partition, message, offset, epoch) = (PARTITION, MESSAGE, Offset(5), EPOCH);
    let (group, member) = (0, MemberId(8));
    let held = Partition { topic: Topic::Delayed, number: 1 };
    let (target, place, wall) = (partition, Offset(9), WallTime(1_000_000));
    let postponed = |due| Fact::Postponed { message, target, due, wall };
    let forwarded = |to| Fact::Forwarded { group, partition, offset, message, to, place };
    vec![
        postponed(Due::After(Span::millis(1_500))),
        postponed(Due::At(WallTime(3_500_000))),
        Fact::Released { partition: held, epoch, offset, message, target, wall },
        Fact::Moved { partition: held, offset, message, target, place },
        Fact::Failed { group, member, partition, offset, message, tries: 2 },
        forwarded(held),
        forwarded(Plan::dead_partition(group)),
        Fact::Parked { group, partition, offset, message },
    ]
}

fn of_loans() -> Vec<Fact> {
    let (partition, offset, loan) = (PARTITION, Offset(5), LoanNumber(4));
    let (held, offsets) = (Held { partition, offset, loan }, BTreeSet::from([offset, Offset(7)]));
    let (acknowledged, standing) = (BTreeSet::from([Offset(6)]), BTreeSet::from([loan]));
    let waited = Span::millis(3);
    let facts = [
        LendingFact::Loaded { partition, start: offset, acknowledged, standing },
        LendingFact::RanOut { loan, partition, offsets: offsets.clone() },
        LendingFact::Removed(held),
        LendingFact::Borrowed { loan, partition, offsets: BTreeSet::from([offset]), waited },
        LendingFact::Borrowed { loan, partition, offsets, waited },
        LendingFact::Acknowledges(held),
        LendingFact::Told { held, counts: true },
        LendingFact::Told { held, counts: false },
        LendingFact::GivesBack(held),
    ];
    facts.map(|what| Fact::Lending { group: 1, what }).into()
}

fn of_groups() -> Vec<Fact> {
    let (partition, epoch, by) = (PARTITION, EPOCH, Some(BROKER));
    let (group, member) = (1, MemberId(8));
    let facts = [
        OfGroups::OffsetsClaimed { partition, epoch, by: None, groups: 0 },
        OfGroups::OffsetsClaimed { partition, epoch, by, groups: 1 },
        OfGroups::OffsetsClaimed { partition, epoch, by, groups: 2 },
        OfGroups::MemberLeft { group, member },
        OfGroups::Sought { group, member, partition, from: Offset(7), to: Offset(5) },
    ];
    facts.map(Fact::OfGroups).into()
}

fn of_restarts() -> Vec<Fact> {
    let (broker, life) = (BROKER, BrokerEpoch(9));
    let facts = [
        OfRestarts::Asked { broker, life },
        OfRestarts::Stopped { broker, life, handed_over: true },
        OfRestarts::Stopped { broker, life, handed_over: false },
    ];
    facts.map(Fact::OfRestarts).into()
}

fn of_pushes() -> Vec<Fact> {
    let (partition, offset, subscription) = (PARTITION, Offset(5), SubscriptionId(7 << 48));
    let over = |ending| PushFact::Over { subscription, partition, ending };
    let facts = [
        PushFact::Subscribed { group: 1, partition, subscription, offset, credit: 1_024 },
        PushFact::Came { subscription, number: 3, bytes: 40 },
        PushFact::CreditGiven { subscription, through: 3 },
        PushFact::CreditSpent { subscription, partition },
        over(Ending::Refused(protocol::Refusal::NotLeader)),
        over(Ending::Forgotten),
        over(Ending::Lost),
        over(Ending::Silent),
    ];
    facts.map(Fact::Pushing).into()
}

/// At least one of every kind.
fn examples() -> Vec<Fact> {
    [
        of_cluster(),
        of_coordination(),
        of_brokers(),
        of_clients(),
        of_delays(),
        of_loans(),
        of_groups(),
        of_restarts(),
        of_pushes(),
    ]
    .concat()
}

#[test]
fn every_kind_of_fact_has_an_example() {
    let files = [
        include_str!("../facts/kinds.rs"),
        include_str!("../facts/lending.rs"),
        include_str!("../facts/of_topics.rs"),
        include_str!("../facts/of_logs.rs"),
        include_str!("../facts/of_groups.rs"),
        include_str!("../facts/of_restarts.rs"),
        include_str!("../facts/pushing.rs"),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    let kinds = lines.filter_map(|line| line.trim().strip_suffix("\","));
    let kinds: BTreeSet<&str> = kinds.filter_map(|line| Some(line.split_once("=> \"")?.1)).collect();
    assert!(kinds.contains("Appended") && kinds.contains("Sent"), "are the kinds still read? {kinds:?}");
    let mut exemplified: BTreeSet<&str> = examples().iter().map(|fact| fact.kind()).collect();
    // What the coordination service tells in other facts has no kind of its own.
    exemplified.insert("CoordinationOther");
    assert_eq!(kinds, exemplified);
}

#[test]
fn every_fact_is_a_sentence_for_people() {
    for fact in examples() {
        let words = fact.in_words();
        let spelled = ["{", "}", "::", "Some(", "None", "Offset(", "LeaderEpoch", "MessageId", "\""];
        assert!(spelled.iter().all(|code| !words.contains(code)), "{words}");
        assert!(words.starts_with(|first: char| first.is_ascii_lowercase()), "{fact:?}: {words}");
        assert!(!words.ends_with('.') && !words.contains("  "), "{words}");
    }
}

#[test]
fn no_two_facts_sound_the_same() {
    let sentences: BTreeSet<String> = examples().iter().map(of).collect();
    assert_eq!(sentences.len(), examples().len(), "{sentences:#?}");
}

#[test]
fn a_broker_says_what_stands_where() {
    let appended =
        |messages: &[MessageId]| of(&Fact::Appended { partition: PARTITION, stretch: stretch(messages) });
    let other = |producer, number| MessageId { producer, number };
    assert_eq!(appended(&[MESSAGE]), "appends message 3 of producer-0 to topic-0/1 at offset 5, in epoch 2");
    assert_eq!(
        appended(&[MESSAGE, other(0, 4), other(0, 5)]),
        "appends messages 3, 4 and 5 of producer-0 to topic-0/1 at offset 5, in epoch 2"
    );
    assert_eq!(
        appended(&[MESSAGE, other(1, 0)]),
        "appends message 3 of producer-0 and message 0 of producer-1 to topic-0/1 at offset 5, in epoch 2"
    );
    assert_eq!(appended(&[]), "appends an entry of the queue's own to topic-0/1 at offset 5, in epoch 2");
}

#[test]
fn the_coordination_service_says_who_leads_and_who_is_in_sync() {
    assert_eq!(
        of(&Fact::PartitionChanged { partition: PARTITION, state: state() }),
        "has made durable: broker-2 leads topic-0/1 in epoch 2; in sync: broker-0, broker-1 and broker-2 (version 6)"
    );
}

#[test]
fn a_mover_says_what_goes_where() {
    let held = Partition { topic: Topic::Delayed, number: 1 };
    let (target, place) = (PARTITION, Offset(9));
    let moved = Fact::Moved { partition: held, offset: Offset(5), message: MESSAGE, target, place };
    assert_eq!(
        of(&moved),
        "is told that message 3 of producer-0 from offset 5 of delayed/1 stands in topic-0/1 at offset 9"
    );
}

#[test]
fn a_consumer_says_where_its_group_goes_on() {
    let offsets = BTreeMap::from([(PARTITION, Offset(5)), (Partition { number: 2, ..PARTITION }, Offset(0))]);
    let fact = Fact::CommitConfirmed { group: 1, member: MemberId(8), generation: Generation(3), offsets };
    assert_eq!(
        of(&fact),
        "is told that group 1 goes on in topic-0/1 from 5 on and topic-0/2 from 0 on, by its commit as member-8 in \
         generation 3"
    );
}
