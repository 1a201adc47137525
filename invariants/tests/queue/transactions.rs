//! What transactions promise.

use crate::history::{History, PARTITION, Who, message, rules, stretch};
use rehearsal_invariants::queue::Rules;
use rehearsal_invariants::queue::rules::Pipe;
use rehearsal_model::queue::facts::{Fact, Stretch, Within};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::record::Verdict;
use std::collections::BTreeSet;

const ONCE: &str = "exactly-once";
const MOVES: &str = "last-stable-moves";
/// What the messages come from.
const SOURCE: Partition = Partition { topic: Topic::Named(1), number: 0 };

fn producer(epoch: u16) -> ProducerIdentity {
    ProducerIdentity { id: 7, epoch }
}

/// A group writes what comes of the messages of `SOURCE` to `PARTITION`, which nobody reads.
fn piped() -> History {
    let pipe = Pipe { group: 0, from: SOURCE.topic, into: PARTITION.topic };
    let partitions = rules().partitions.into_iter().chain([SOURCE]).collect();
    let pipes = BTreeSet::from([pipe]);
    let rules = Rules { delivery: Delivery::ExactlyOnce, pipes, partitions, ..rules() };
    let mut history = History::with(Rules { groups: [].into(), ..rules });
    let state = history.state.clone();
    history.say(Who::Coordination, Fact::PartitionChanged { partition: SOURCE, state });
    history.say(Who::Broker(0), Fact::Led { partition: SOURCE, epoch: LeaderEpoch(0), begins: Offset(0) });
    history
}

impl History {
    /// A message comes into the source, on all disks; its offset is its number.
    fn comes_in(&mut self, number: u32) -> u64 {
        let stretch = stretch(u64::from(number), 0, number);
        self.say(
            Who::Producer,
            Fact::Sent { message: message(number), partition: SOURCE, acks: rules().acks },
        );
        let appended =
            self.say(Who::Broker(0), Fact::Appended { partition: SOURCE, stretch: stretch.clone() });
        for broker in 1..3 {
            self.say(Who::Broker(broker), Fact::Replicated { partition: SOURCE, stretch: stretch.clone() });
        }
        appended
    }

    fn everywhere(&mut self, stretch: Stretch) -> u64 {
        let appended = self.append_this(0, stretch);
        self.fetch_all(&[1, 2], 0);
        appended
    }

    /// What came of a message is written in the transaction of this epoch.
    fn written(&mut self, epoch: u16, number: u32) -> u64 {
        let within = Some(Within::Records(producer(epoch)));
        self.everywhere(Stretch { within, ..stretch(self.end(0).0, 0, number) })
    }

    /// The transaction of this epoch ends.
    fn ended(&mut self, epoch: u16, verdict: Verdict) -> u64 {
        let within = Some(Within::Marker(producer(epoch).next(), verdict));
        self.everywhere(Stretch { within, messages: vec![], ..stretch(self.end(0).0, 0, 0) })
    }
}

#[test]
fn a_message_whose_transaction_was_aborted_and_done_again_is_there_once() {
    let mut history = piped();
    history.comes_in(0);
    history.written(0, 0);
    history.ended(0, Verdict::Abort);
    history.written(1, 0);
    history.ended(1, Verdict::Commit);
    history.is_no_matter_of(ONCE);
    history.is_no_matter_of(MOVES);
}

#[test]
fn what_is_committed_twice_is_convicted() {
    let mut history = piped();
    history.comes_in(0);
    let first = history.written(0, 0);
    history.ended(0, Verdict::Commit);
    let second = history.written(1, 0);
    history.ended(1, Verdict::Commit);
    history.convicts(ONCE, &[first, second]);
}

#[test]
fn what_is_missing_at_the_end_is_convicted_unless_it_came_in_the_calm() {
    let mut history = piped();
    history.calm();
    history.comes_in(0);
    history.is_no_matter_of(ONCE);
    history.is_no_matter_of(MOVES);
    let mut history = piped();
    let came_in = history.comes_in(0);
    history.written(0, 0);
    history.ended(0, Verdict::Abort);
    history.convicts(ONCE, &[came_in]);
}

#[test]
fn a_marker_of_an_earlier_transaction_that_ends_a_later_one_is_convicted() {
    let mut history = piped();
    history.comes_in(0);
    let later = history.written(1, 0);
    let marker = history.ended(0, Verdict::Commit);
    history.convicts(MOVES, &[later, marker]);
}

#[test]
fn a_transaction_that_nobody_ends_is_convicted_when_its_time_was_out_long_ago() {
    let mut history = piped();
    history.comes_in(0);
    let open = history.written(0, 0);
    history.calm();
    history.is_no_matter_of(MOVES);
    history.wait(60_000);
    history.convicts(MOVES, &[open]);
}

#[test]
fn a_consumer_that_is_shown_what_has_not_ended_or_was_aborted_is_convicted() {
    for verdict in [None, Some(Verdict::Abort)] {
        let mut history = History::with(Rules { delivery: Delivery::ExactlyOnce, ..rules() });
        history.own(0, 1);
        history.position(0, 0, false);
        let written = history.written(0, 0);
        if let Some(verdict) = verdict {
            history.ended(0, verdict);
        }
        let shown = history.process(0, 1, 0);
        history.convicts(ONCE, &[written, shown]);
    }
}
