//! Topics whose partitions change.

use crate::history::{History, PARTITION, Who, message, rules, stretch};
use rehearsal_invariants::queue::Rules;
use rehearsal_model::queue::facts::{Fact, Fate, OfTopics};
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::topics::{KeyOrder, TopicState};

const ORDER: &str = "key-order-kept";
const RETIRED: &str = "retired-drains";
/// One that was added.
const ADDED: Partition = Partition { number: 1, ..PARTITION };

/// Messages 0 and 1 have the same key, and 2 has another.
fn keyed() -> History {
    let keys = [(0, 5), (1, 5), (2, 6)].map(|(number, key)| (message(number), key)).into();
    History::with(Rules { key_order: KeyOrder::Kept, keys, ..rules() })
}

fn processes(history: &mut History, consumer: u32, partition: Partition, number: u32) -> u64 {
    let (member, generation) = (MemberId(u64::from(consumer)), Generation(1));
    let (group, offset, message) = (0, Offset(0), message(number));
    let fact = Fact::Processed { group, member, generation, partition, offset, message, record: 0 };
    history.say(Who::Consumer(consumer), fact)
}

#[test]
fn a_later_message_of_a_key_that_is_processed_first_elsewhere_is_convicted() {
    let mut history = keyed();
    let later = processes(&mut history, 1, ADDED, 1);
    let earlier = processes(&mut history, 0, PARTITION, 0);
    history.convicts(ORDER, &[later, earlier]);
}

#[test]
fn what_is_done_once_more_may_be_late_and_other_keys_are_no_matter() {
    let mut history = keyed();
    for (partition, number) in [(PARTITION, 0), (ADDED, 1), (PARTITION, 0), (PARTITION, 2)] {
        processes(&mut history, number, partition, number);
    }
    history.is_no_matter_of(ORDER);
}

#[test]
fn a_message_that_was_given_up_may_come_late() {
    let mut history = keyed();
    history.send(0);
    history.told(0, Fate::Unknown);
    processes(&mut history, 1, ADDED, 1);
    processes(&mut history, 0, PARTITION, 0);
    history.is_no_matter_of(ORDER);
}

fn state() -> TopicState {
    TopicState::first(2).with_retired(0).expect("another is left")
}

fn changes(history: &mut History, state: TopicState) -> u64 {
    history.say(Who::Coordination, Fact::OfTopics(OfTopics::Changed { topic: 0, state }))
}

fn hears(history: &mut History) -> u64 {
    let epoch = history.state.epoch;
    history.say(Who::Broker(0), Fact::OfTopics(OfTopics::Retired { partition: PARTITION, epoch }))
}

#[test]
fn a_leader_that_has_not_heard_may_append_and_one_that_has_is_convicted() {
    let mut history = History::begin();
    changes(&mut history, state());
    history.append(0, 0);
    history.is_no_matter_of(RETIRED);
    let heard = hears(&mut history);
    let appended = history.append(0, 1);
    history.convicts(RETIRED, &[heard, appended]);
}

#[test]
fn a_leader_that_was_elected_after_the_decision_has_to_have_heard() {
    let mut history = History::begin();
    changes(&mut history, state());
    let elected = history.elect(1);
    history.lead(1);
    let appended = history.append(1, 0);
    history.convicts(RETIRED, &[elected, appended]);
}

#[test]
fn what_an_earlier_leader_appends_in_its_own_epoch_is_not_judged() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    changes(&mut history, state());
    history.elect(1);
    history.append_this(0, stretch(1, 0, 1));
    history.is_no_matter_of(RETIRED);
}

#[test]
fn a_partition_counts_as_drained_only_when_nothing_is_left_in_it() {
    let mut history = History::begin();
    let appended = history.replicate(0, &[1, 2], 0);
    changes(&mut history, state());
    let drained = changes(&mut history, state().with_drained(0).expect("it is retired"));
    history.convicts(RETIRED, &[appended, drained]);
}

#[test]
fn what_is_empty_is_to_be_drained_and_what_is_drained_is_nobodys() {
    let mut history = History::with(rules());
    let decided = changes(&mut history, state());
    history.long_calm();
    history.convicts(RETIRED, &[decided]);
    changes(&mut history, state().with_drained(0).expect("it is retired"));
    history.is_no_matter_of(RETIRED);
    let owner = history.own(0, 1);
    history.convicts(RETIRED, &[decided, owner]);
}
