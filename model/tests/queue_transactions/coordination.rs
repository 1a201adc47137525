//! A coordinator, its log, the partitions and three producers, of whom two want the same transactional id: whatever is
//! lost, late, repeated or crashes, each transaction ends with one verdict in every partition, nobody is heard who was
//! replaced, and everybody who asks is answered once.

mod producer;
mod world;

use crate::makings::{convicts, verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::record::Verdict;
use rehearsal_model::queue::transactions::{
    Answer, Entry, Input, Output, Refusal, RequestId, State, Timer, TimerKind, TransactionalId, Transactions,
};
use std::collections::BTreeSet;
use std::time::Duration;
use world::run;

/// What the coordinator's log makes of what is given to it.
#[derive(Clone, Copy, Debug)]
pub enum Write {
    Persisted,
    Lost,
    /// It is in the log, and the coordinator hears the contrary.
    Doubted,
}

#[derive(Clone, Debug)]
pub enum Happening {
    Initialises {
        producer: usize,
        says_who: bool,
    },
    Adds {
        producer: usize,
        partitions: BTreeSet<u32>,
    },
    Ends(usize, Verdict),
    /// A request comes once more.
    AsksAgain(Index),
    /// A producer sends a batch.
    Produces(usize, u32),
    /// A batch that was ever sent arrives.
    Arrives(Index),
    /// The leader to whom a batch came asks the coordinator.
    Verifies(Index),
    /// The coordinator's yes comes back.
    VerificationArrives(Index),
    Writes(Write),
    /// A marker comes to its partition; the coordinator hears of it or not.
    Marks(Index, bool),
    /// A marker of earlier comes again.
    LateMarker(Index),
    Fires(Index),
    /// The coordinator crashes, and of what it was writing so much is in its log.
    Crashes(Index),
    /// A whole transaction up to its end, nothing going wrong.
    Works {
        producer: usize,
        partitions: BTreeSet<u32>,
    },
    /// All that is being written is persisted, and all markers are written.
    Settles,
}

fn happening() -> impl Strategy<Value = Happening> {
    let producer = || 0..3_usize;
    let partitions = || prop::collection::btree_set(0..3_u32, 1..3);
    let write = prop_oneof![6 => Just(Write::Persisted), 1 => Just(Write::Lost), 1 => Just(Write::Doubted)];
    prop_oneof![
        3 => (producer(), any::<bool>())
            .prop_map(|(producer, says_who)| Happening::Initialises { producer, says_who }),
        2 => (producer(), partitions()).prop_map(|(producer, partitions)| Happening::Adds { producer, partitions }),
        4 => (producer(), verdict()).prop_map(|(producer, verdict)| Happening::Ends(producer, verdict)),
        3 => any::<Index>().prop_map(Happening::AsksAgain),
        2 => (producer(), 0..3_u32).prop_map(|(producer, partition)| Happening::Produces(producer, partition)),
        4 => any::<Index>().prop_map(Happening::Arrives),
        2 => any::<Index>().prop_map(Happening::Verifies),
        2 => any::<Index>().prop_map(Happening::VerificationArrives),
        8 => write.prop_map(Happening::Writes),
        5 => (any::<Index>(), prop::bool::weighted(0.8)).prop_map(|(which, heard)| Happening::Marks(which, heard)),
        1 => any::<Index>().prop_map(Happening::LateMarker),
        1 => any::<Index>().prop_map(Happening::Fires),
        1 => any::<Index>().prop_map(Happening::Crashes),
        3 => (producer(), partitions()).prop_map(|(producer, partitions)| Happening::Works { producer, partitions }),
        1 => Just(Happening::Settles),
    ]
}

/// The epoch of the first producer, and what happens.
fn histories() -> impl Strategy<Value = (u16, Vec<Happening>)> {
    let epoch = prop_oneof![Just(0), 65_530..=65_535_u16];
    (epoch, prop::collection::vec(happening(), 0..100))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_transaction_ends_with_one_verdict_everywhere((epoch, happenings) in histories()) {
        prop_assert_eq!(run(epoch, happenings, Defects::NONE), Ok(()));
    }
}

#[test]
fn without_one_of_its_markers_a_transaction_is_open_there_for_ever() {
    let defects = Defects::of([Defect::MarkerMissing]);
    convicts("one verdict", histories(), |(epoch, happenings)| run(epoch, happenings, defects));
}

const ID: TransactionalId = TransactionalId(1);
const FIRST: ProducerIdentity = ProducerIdentity { id: 5, epoch: 0 };

/// Takes the input, and persists and marks whatever it wants.
fn settle(transactions: &mut Transactions, input: Input) -> Vec<Result<Answer, Refusal>> {
    let (mut inputs, mut answers) = (vec![input], Vec::new());
    while let Some(input) = inputs.pop() {
        let mut out = Vec::new();
        transactions.step(input, &mut out);
        for output in out {
            match output {
                Output::Answer { result, .. } => answers.push(result),
                Output::Persist { write, .. } => inputs.push(Input::Persisted(write)),
                Output::WriteMarker { id, partition, producer, .. } => {
                    inputs.push(Input::MarkerWritten { id, producer, partition });
                }
                Output::SetTimer { .. } | Output::CancelTimer(_) => {}
            }
        }
    }
    answers
}

fn initialise(known: Option<ProducerIdentity>) -> Input {
    let timeout = Duration::from_secs(60);
    Input::Initialise { request: RequestId(1), id: ID, timeout, known, fresh_producer_id: 5 }
}

fn add(producer: ProducerIdentity) -> Input {
    let partitions = BTreeSet::from([crate::makings::partition(0)]);
    Input::AddPartitions { request: RequestId(2), id: ID, producer, partitions }
}

fn end(producer: ProducerIdentity, verdict: Verdict) -> Input {
    Input::End { request: RequestId(3), id: ID, producer, verdict }
}

fn too_old(producer: ProducerIdentity) -> Input {
    Input::TimerFired(Timer { id: ID, producer, kind: TimerKind::TooOld })
}

#[test]
fn a_repeated_end_gets_the_same_answer_and_the_opposite_one_an_error() {
    let mut transactions = Transactions::new(Defects::NONE);
    settle(&mut transactions, initialise(None));
    assert_eq!(settle(&mut transactions, add(FIRST)), [Ok(Answer::Added)]);
    for _ in 0..2 {
        let ended = settle(&mut transactions, end(FIRST, Verdict::Commit));
        assert_eq!(ended, [Ok(Answer::Ended(FIRST.next()))]);
    }
    let opposite = settle(&mut transactions, end(FIRST, Verdict::Abort));
    assert_eq!(opposite, [Err(Refusal::InvalidState)]);
}

#[test]
fn a_late_end_does_not_touch_the_next_transaction() {
    let mut transactions = Transactions::new(Defects::NONE);
    settle(&mut transactions, initialise(None));
    settle(&mut transactions, add(FIRST));
    settle(&mut transactions, end(FIRST, Verdict::Commit));
    assert_eq!(settle(&mut transactions, add(FIRST.next())), [Ok(Answer::Added)]);
    assert_eq!(settle(&mut transactions, end(FIRST, Verdict::Abort)), [Err(Refusal::Fenced)]);
    let ended = settle(&mut transactions, end(FIRST.next(), Verdict::Commit));
    assert_eq!(ended, [Ok(Answer::Ended(FIRST.next().next()))]);
}

#[test]
fn asked_again_by_the_same_producer_an_initialisation_gets_the_same_answer() {
    let mut transactions = Transactions::new(Defects::NONE);
    settle(&mut transactions, initialise(None));
    for _ in 0..2 {
        let initialised = settle(&mut transactions, initialise(Some(FIRST)));
        assert_eq!(initialised, [Ok(Answer::Initialised(FIRST.next()))]);
    }
    settle(&mut transactions, add(FIRST.next()));
    assert_eq!(settle(&mut transactions, initialise(Some(FIRST))), [Err(Refusal::Fenced)]);
}

#[test]
fn a_transaction_that_is_too_old_is_aborted_and_its_producer_fenced() {
    let mut transactions = Transactions::new(Defects::NONE);
    settle(&mut transactions, initialise(None));
    settle(&mut transactions, add(FIRST));
    settle(&mut transactions, too_old(FIRST));
    assert_eq!(settle(&mut transactions, add(FIRST)), [Err(Refusal::Fenced)]);
    assert_eq!(settle(&mut transactions, end(FIRST, Verdict::Commit)), [Err(Refusal::InvalidState)]);
    let initialised = settle(&mut transactions, initialise(Some(FIRST)));
    assert_eq!(initialised, [Ok(Answer::Initialised(FIRST.next()))]);
    settle(&mut transactions, add(FIRST.next()));
    let next_one = settle(&mut transactions, end(FIRST.next(), Verdict::Commit));
    assert_eq!(next_one, [Ok(Answer::Ended(FIRST.next().next()))]);
}

#[test]
fn the_timer_of_an_earlier_transaction_aborts_nothing() {
    let mut transactions = Transactions::new(Defects::NONE);
    settle(&mut transactions, initialise(None));
    settle(&mut transactions, add(FIRST));
    settle(&mut transactions, end(FIRST, Verdict::Commit));
    settle(&mut transactions, add(FIRST.next()));
    settle(&mut transactions, too_old(FIRST));
    let ended = settle(&mut transactions, end(FIRST.next(), Verdict::Commit));
    assert_eq!(ended, [Ok(Answer::Ended(FIRST.next().next()))]);
}

#[test]
fn a_producer_without_epochs_gets_another_id() {
    let last = ProducerIdentity { id: 1, epoch: u16::MAX };
    let entry = Entry {
        id: ID,
        producer: ProducerIdentity { id: 1, epoch: u16::MAX - 1 },
        timeout: Duration::from_secs(60),
        state: State::Empty { known: None },
    };
    let mut transactions = Transactions::recover(Defects::NONE, [entry.clone()], &mut Vec::new());
    assert_eq!(settle(&mut transactions, add(entry.producer)), [Ok(Answer::Added)]);
    let ended = settle(&mut transactions, end(entry.producer, Verdict::Commit));
    assert_eq!(ended, [Ok(Answer::Ended(last))]);
    assert_eq!(settle(&mut transactions, add(last)), [Err(Refusal::EpochsUsedUp)]);
    let initialised = settle(&mut transactions, initialise(Some(last)));
    assert_eq!(initialised, [Ok(Answer::Initialised(FIRST))]);
}
