//! Subscriptions: what is pushed, and how much credit there was for it.

use crate::history::{History, PARTITION, Who};
use crate::markers::reached;
use rehearsal_invariants::queue::markers::*;
use rehearsal_model::queue::facts::{Fact, PushFact};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::protocol::Refusal;
use rehearsal_model::queue::pushing::{Ending, SubscriptionId};

const NAME: &str = "within-credit";
const CONSUMER: Who = Who::Consumer(0);

impl History {
    fn push(&mut self, what: PushFact) -> u64 {
        self.say(CONSUMER, Fact::Pushing(what))
    }

    /// Credit is for 100 bytes.
    fn subscribe(&mut self, number: u64, offset: u64) -> u64 {
        let (subscription, offset) = (SubscriptionId(number), Offset(offset));
        self.push(PushFact::Subscribed { group: 0, partition: PARTITION, subscription, offset, credit: 100 })
    }

    /// A push of the first subscription comes.
    fn comes(&mut self, number: u64, bytes: u64) -> u64 {
        self.push(PushFact::Came { subscription: SubscriptionId(1), number, bytes })
    }

    fn give_credit(&mut self, through: u64) -> u64 {
        self.push(PushFact::CreditGiven { subscription: SubscriptionId(1), through })
    }

    fn is_over(&mut self, ending: Ending) -> u64 {
        self.push(PushFact::Over { subscription: SubscriptionId(1), partition: PARTITION, ending })
    }
}

/// A consumer that has subscribed, from the start on.
fn begin() -> (History, u64) {
    let mut history = History::with_a_group();
    let begun = history.subscribe(1, 0);
    (history, begun)
}

#[test]
fn a_consumer_is_pushed_what_it_has_credit_for() {
    let (mut history, _) = begin();
    history.comes(1, 60);
    history.comes(2, 40);
    history.give_credit(1);
    history.comes(3, 60);
    history.is_no_matter_of(NAME);
}

#[test]
fn more_is_pushed_than_there_is_credit_for() {
    let (mut history, begun) = begin();
    history.comes(1, 60);
    let second = history.comes(2, 41);
    history.convicts(NAME, &[begun, second]);
}

#[test]
fn what_is_larger_than_the_credit_comes_alone() {
    let (mut history, begun) = begin();
    history.comes(1, 500);
    history.is_no_matter_of(NAME);
    let second = history.comes(2, 1);
    history.convicts(NAME, &[begun, second]);
}

#[test]
fn a_push_is_taken_twice() {
    let (mut history, begun) = begin();
    history.comes(1, 10);
    let mut worked_through = history.clone();
    let again = history.comes(1, 10);
    history.convicts(NAME, &[begun, again]);
    worked_through.give_credit(1);
    let again = worked_through.comes(1, 10);
    worked_through.convicts(NAME, &[begun, again]);
}

#[test]
fn a_subscription_is_taken_up_where_it_stood_by_one_who_goes_on_behind_what_was_processed() {
    let (mut history, _) = begin();
    history.process(0, 1, 0);
    assert!(!reached(&history).contains(&TAKEN_UP_WHERE_IT_STOOD));
    let mut skips = history.clone();
    history.subscribe(2, 1);
    history.process(0, 1, 1);
    assert!(reached(&history).contains(&TAKEN_UP_WHERE_IT_STOOD));
    skips.subscribe(2, 1);
    skips.process(0, 1, 2);
    assert!(!reached(&skips).contains(&TAKEN_UP_WHERE_IT_STOOD));
}

#[test]
fn how_a_subscription_ends_is_a_marker_and_so_is_credit_that_is_spent() {
    let (history, _) = begin();
    let of = |ending| {
        let mut history = history.clone();
        history.is_over(ending);
        let reached = reached(&history);
        (reached.contains(&PUSH_WAS_LOST), reached.contains(&SUBSCRIPTION_ENDED_BY_BROKER))
    };
    assert_eq!(of(Ending::Lost), (true, false));
    for ending in [Ending::Forgotten, Ending::Silent, Ending::Refused(Refusal::NotLeader)] {
        assert_eq!(of(ending), (false, true));
    }
    let mut spent = history.clone();
    let what = PushFact::CreditSpent { subscription: SubscriptionId(1), partition: PARTITION };
    spent.say(Who::Broker(0), Fact::Pushing(what));
    assert!(reached(&spent).contains(&CREDIT_RAN_OUT) && !reached(&history).contains(&CREDIT_RAN_OUT));
}
