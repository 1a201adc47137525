//! Messages that are lent, acknowledged, given back and removed.

use crate::history::{History, PARTITION, Who, rules};
use crate::markers::reached;
use rehearsal_env::Span;
use rehearsal_invariants::queue::Rules;
use rehearsal_invariants::queue::markers::*;
use rehearsal_model::queue::facts::{Fact, LendingFact};
use rehearsal_model::queue::lending::{Held, LoanNumber};
use rehearsal_model::queue::offset::Offset;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const NAME: &str = "taken-by-one";
const LENDER: Who = Who::Broker(0);

/// Message 0 stands at offset 0; group 0 borrows, each loan for a second.
fn begin() -> History {
    let loans = BTreeMap::from([(0, Duration::from_secs(1))]);
    let mut history = History::with(Rules { loans, ..rules() });
    history.write(0);
    history
}

fn held(loan: u64) -> Held {
    Held { partition: PARTITION, offset: Offset(0), loan: LoanNumber(loan) }
}

impl History {
    fn lend(&mut self, who: Who, what: LendingFact) -> u64 {
        self.say(who, Fact::Lending { group: 0, what })
    }

    /// A consumer is told of a loan of offset 0, for which it asked so many milliseconds ago.
    fn borrow(&mut self, consumer: u32, loan: u64, milliseconds: u64) -> u64 {
        let (loan, partition, offsets) = (LoanNumber(loan), PARTITION, BTreeSet::from([Offset(0)]));
        let waited = Span::millis(milliseconds);
        self.lend(Who::Consumer(consumer), LendingFact::Borrowed { loan, partition, offsets, waited })
    }

    fn give_back(&mut self, consumer: u32, loan: u64) -> u64 {
        self.lend(Who::Consumer(consumer), LendingFact::GivesBack(held(loan)))
    }

    /// A consumer processes what stands at offset 0 and acknowledges it.
    fn use_up(&mut self, consumer: u32, loan: u64) -> u64 {
        self.process(consumer, 0, 0);
        self.lend(Who::Consumer(consumer), LendingFact::Acknowledges(held(loan)))
    }

    fn remove(&mut self, loan: u64) -> u64 {
        self.lend(LENDER, LendingFact::Removed(held(loan)))
    }

    fn told_that_it_counts(&mut self, consumer: u32, loan: u64, counts: bool) -> u64 {
        self.lend(Who::Consumer(consumer), LendingFact::Told { held: held(loan), counts })
    }

    fn load(&mut self, acknowledged: &[u64], standing: &[u64]) -> u64 {
        let what = LendingFact::Loaded {
            partition: PARTITION,
            start: Offset(0),
            acknowledged: acknowledged.iter().copied().map(Offset).collect(),
            standing: standing.iter().copied().map(LoanNumber).collect(),
        };
        self.lend(LENDER, what)
    }

    fn run_out(&mut self, loan: u64) -> u64 {
        let (loan, partition, offsets) = (LoanNumber(loan), PARTITION, BTreeSet::from([Offset(0)]));
        self.lend(LENDER, LendingFact::RanOut { loan, partition, offsets })
    }
}

#[test]
fn one_who_borrows_processes_and_acknowledges_takes_it() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.use_up(0, 1);
    history.remove(1);
    history.told_that_it_counts(0, 1, true);
    history.passes();
}

#[test]
fn a_message_is_lent_to_two_while_no_time_is_out() {
    let mut history = begin();
    let first = history.borrow(0, 1, 5);
    history.wait(900);
    let mut back = history.clone();
    back.give_back(0, 1);
    back.borrow(1, 2, 5);
    back.is_no_longer_out(1, 2);
    let second = history.borrow(1, 2, 5);
    history.convicts(NAME, &[first, second]);
}

impl History {
    /// The message is processed and removed under this loan, and nothing is wrong.
    #[track_caller]
    fn is_no_longer_out(&mut self, consumer: u32, loan: u64) {
        self.use_up(consumer, loan);
        self.remove(loan);
        self.told_that_it_counts(consumer, loan, true);
        self.passes();
    }
}

#[test]
fn a_message_whose_time_is_out_is_lent_again_though_the_answers_cross() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.wait(1_000);
    history.borrow(1, 2, 5);
    history.is_no_longer_out(1, 2);
    // The first consumer has asked long ago, and is told of its loan only now, when that is over.
    let mut crossed = begin();
    crossed.wait(1_000);
    crossed.borrow(1, 2, 5);
    crossed.borrow(0, 1, 1_001);
    crossed.is_no_longer_out(1, 2);
}

#[test]
fn a_late_acknowledgement_counts_while_another_has_the_message() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.wait(1_000);
    let second = history.borrow(1, 2, 5);
    history.use_up(0, 1);
    let mut refused = history.clone();
    refused.told_that_it_counts(0, 1, false);
    refused.is_no_longer_out(1, 2);
    let counted = history.told_that_it_counts(0, 1, true);
    history.convicts(NAME, &[second, counted]);
}

#[test]
fn what_was_acknowledged_is_lent_again() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.use_up(0, 1);
    let counted = history.told_that_it_counts(0, 1, true);
    history.wait(1_000);
    let again = history.borrow(1, 2, 5);
    history.convicts(NAME, &[counted, again]);
}

#[test]
fn what_nobody_has_processed_is_acknowledged() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    let unread = history.lend(Who::Consumer(0), LendingFact::Acknowledges(held(1)));
    history.convicts(NAME, &[unread]);
}

#[test]
fn what_retention_took_is_acknowledged_unread() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.expire(1, (0, 1), 0, 0);
    history.lend(Who::Consumer(0), LendingFact::Acknowledges(held(1)));
    history.remove(1);
    history.is_no_matter_of(NAME);
}

#[test]
fn after_an_election_from_outside_of_the_set_nothing_is_judged() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.in_sync(&[0]);
    history.elect(2);
    history.borrow(1, 2, 5);
    history.is_no_matter_of(NAME);
}

#[test]
fn what_nobody_acknowledged_is_removed() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    let mut loaded = history.clone();
    let removed = history.remove(1);
    history.convicts(NAME, &[removed]);
    let found = loaded.load(&[0], &[]);
    loaded.convicts(NAME, &[found]);
}

#[test]
fn what_is_acknowledged_is_not_removed_in_the_end() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    let acknowledged = history.use_up(0, 1);
    let mut found = history.clone();
    found.load(&[0], &[]);
    found.passes();
    let verdicts = history.verdicts();
    let verdict = verdicts.iter().find(|violation| violation.invariant == NAME).expect("it convicts");
    assert!(verdict.evidence.contains(&acknowledged), "{verdict:?}");
}

#[test]
fn each_marker_of_a_loan_is_reached_by_what_it_names() {
    let mut history = begin();
    history.borrow(0, 1, 5);
    history.run_out(1);
    assert!(!reached(&history).contains(&LENT_AGAIN_WHEN_TIME_WAS_OUT));
    history.borrow(1, 2, 5);
    assert!(reached(&history).contains(&LENT_AGAIN_WHEN_TIME_WAS_OUT));
    history.use_up(0, 1);
    history.told_that_it_counts(0, 1, false);
    assert!(reached(&history).contains(&LATE_ACKNOWLEDGEMENT_REFUSED));
    let mut same = history.clone();
    same.remove(2);
    assert!(!reached(&same).contains(&LOAN_SURVIVED_FAILOVER));
    history.load(&[], &[2]);
    history.remove(2);
    assert!(reached(&history).contains(&LOAN_SURVIVED_FAILOVER));
    assert!(!reached(&history).contains(&MESSAGE_GIVEN_BACK));
    history.give_back(1, 2);
    assert!(reached(&history).contains(&MESSAGE_GIVEN_BACK));
}
