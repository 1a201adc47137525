//! Each marker is reached by what it names, and not by what is merely like it.

use crate::history::{History, RULES, Who, id, stay};
use rehearsal_env::Marker;
use rehearsal_invariants::MarkerWatch;
use rehearsal_invariants::reservation::{MARKERS, Markers, markers::*};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Attempt, Fact, Operation, RetryReason};
use rehearsal_model::reservation::stay::{OrderState, Status, Stay, StepKind};
use std::collections::BTreeSet;

fn reached(history: &History) -> BTreeSet<Marker> {
    let mut markers = Markers::new(RULES);
    let mut reached = BTreeSet::new();
    for (stamp, fact) in &history.facts {
        markers.witness(stamp, fact, &mut |marker| {
            reached.insert(marker);
        });
    }
    assert!(reached.iter().all(|marker| MARKERS.contains(marker)));
    reached
}

#[track_caller]
fn reaches(marker: Marker, history: &History) {
    assert!(reached(history).contains(&marker), "{marker} is not reached");
}

#[track_caller]
fn misses(marker: Marker, history: &History) {
    assert!(!reached(history).contains(&marker), "{marker} is reached");
}

/// What one fact of its own reaches.
#[track_caller]
fn alone(marker: Marker, fact: Fact, like_it: Fact) {
    let mut history = History::with_rooms(10);
    history.say(Who::Database, like_it);
    misses(marker, &history);
    history.say(Who::Database, fact);
    reaches(marker, &history);
}

fn booked() -> History {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.ask(1, 1, Operation::Book);
    history.book(1);
    history
}

#[test]
fn markers_have_names_of_their_own() {
    let names: BTreeSet<_> = MARKERS.iter().map(|marker| marker.0).collect();
    assert_eq!(names.len(), MARKERS.len());
    assert!(names.iter().all(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')));
}

#[test]
fn some_facts_are_markers_by_themselves() {
    let reservation = id(1);
    let retried = |reason| Fact::Retried { reservation, reason };
    alone(OPTIMISTIC_RETRY, retried(RetryReason::VersionChanged), retried(RetryReason::Deadlock));
    alone(GROUP_COMMIT, Fact::Synced { commits: 2 }, Fact::Synced { commits: 1 });
    let silence = |open_transaction| Fact::SessionEndedBySilence { open_transaction };
    alone(SILENT_TRANSACTION_ROLLED_BACK, silence(true), silence(false));
    alone(LOCK_AWAITED, Fact::WaitedForLock, Fact::LockTimedOut);
    alone(LOCK_TIMED_OUT, Fact::LockTimedOut, Fact::WaitedForLock);
    alone(DEADLOCK_BROKEN, Fact::DeadlockBroken, retried(RetryReason::Deadlock));
    alone(TORN_TAIL_CUT, Fact::TornTailCut, Fact::LogCorrupt { offset: 1 });
    alone(RECHECKED_AFTER_WAIT, Fact::Rechecked { matched: false }, Fact::WaitedForLock);
    alone(
        PROVIDER_REPEAT_ABSORBED,
        Fact::ProviderRepeat { reservation },
        Fact::DuplicateAbsorbed { reservation },
    );
    alone(CHARGE_REFUSED, Fact::ChargeRefused { reservation }, Fact::Charged { reservation, amount: 1 });
}

#[test]
fn a_double_click_is_absorbed_and_a_retry_is_not_one() {
    for (attempt, expected) in [(Attempt::DoubleClick, true), (Attempt::Retry, false)] {
        let mut history = booked();
        history.ask_as(1, 1, Operation::Book, attempt);
        history.say(Who::Server, Fact::DuplicateAbsorbed { reservation: id(1) });
        assert_eq!(reached(&history).contains(&DUPLICATE_CLICK_ABSORBED), expected);
    }
}

#[test]
fn a_poll_that_finds_the_order_decided_is_no_absorbed_click() {
    let mut history = booked();
    history.ask_as(1, 1, Operation::Book, Attempt::DoubleClick);
    history.ask_as(1, 1, Operation::Book, Attempt::Poll);
    history.say(Who::Server, Fact::DuplicateAbsorbed { reservation: id(1) });
    misses(DUPLICATE_CLICK_ABSORBED, &history);
}

#[test]
fn a_lost_commit_had_happened_if_it_is_durable() {
    let mut history = booked();
    history.say(Who::Server, Fact::CommitAnswerLost { reservation: id(1) });
    reaches(LOST_COMMIT_HAD_HAPPENED, &history);
}

#[test]
fn a_lost_commit_had_happened_if_a_restart_finds_it() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    let facts = history.booking(LogPosition(history.newest() + 1), 1);
    let position = history.commit_unreported(|_| facts);
    history.say(Who::Server, Fact::CommitAnswerLost { reservation: id(1) });
    misses(LOST_COMMIT_HAD_HAPPENED, &history);
    history.recover_from(position - 1);
    reaches(LOST_COMMIT_HAD_HAPPENED, &history);
    reaches(UNREPORTED_COMMIT_FOUND, &history);
}

#[test]
fn a_lost_commit_that_a_retry_made_good_had_not_happened() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.say(Who::Server, Fact::CommitAnswerLost { reservation: id(1) });
    history.recover_from(1);
    history.book(1);
    misses(LOST_COMMIT_HAD_HAPPENED, &history);
    misses(UNREPORTED_COMMIT_FOUND, &history);
}

#[test]
fn a_crash_of_the_database_between_charge_and_paid() {
    let mut history = booked();
    history.charge(1);
    history.confirm(1);
    let mut undisturbed = history.clone();
    history.recover_from(1);
    history.paid(1);
    reaches(CRASH_BETWEEN_CHARGE_AND_PAID, &history);
    undisturbed.paid(1);
    undisturbed.recover_from(1);
    misses(CRASH_BETWEEN_CHARGE_AND_PAID, &undisturbed);
}

#[test]
fn a_crash_of_the_payment_service_between_charge_and_paid() {
    let resumed = Fact::StepResumed { reservation: id(1), step: StepKind::Charge };
    let mut before = booked();
    before.say(Who::Payment, resumed.clone());
    before.pay(1);
    misses(CRASH_BETWEEN_CHARGE_AND_PAID, &before);
    let sent = Fact::ChargeSent { reservation: id(1) };
    let mut between = booked();
    between.say(Who::Payment, sent.clone());
    between.charge(1);
    let mut answer_lost = between.clone();
    between.restart(Who::Payment);
    between.say(Who::Payment, resumed.clone());
    reaches(CRASH_BETWEEN_CHARGE_AND_PAID, &between);
    reaches(CHARGE_RESUMED, &between);
    answer_lost.say(Who::Payment, resumed);
    misses(CRASH_BETWEEN_CHARGE_AND_PAID, &answer_lost);
    reaches(CHARGE_RESUMED, &answer_lost);
    misses(CHARGE_RESUMED, &before);
}

#[test]
fn a_hold_runs_out_where_the_provider_did_not_refuse() {
    let mut history = booked();
    history.end(1, Status::Rejected, Status::Pending, None);
    reaches(HOLD_RAN_OUT, &history);
    let mut refused = booked();
    refused.say(Who::Provider, Fact::ChargeRefused { reservation: id(1) });
    refused.end(1, Status::Rejected, Status::Pending, None);
    misses(HOLD_RAN_OUT, &refused);
}

#[test]
fn a_late_success_is_voided_and_a_refund_is_not_that() {
    let mut late = booked();
    late.end(1, Status::Canceled, Status::Pending, Some(StepKind::Void));
    reaches(CANCELED_DURING_PAYMENT, &late);
    misses(LATE_SUCCESS_VOIDED, &late);
    late.charge(1);
    late.give_back(1);
    reaches(LATE_SUCCESS_VOIDED, &late);
    misses(REFUNDED_AFTER_CANCEL, &late);

    let mut refund = booked();
    refund.pay(1);
    refund.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    refund.give_back(1);
    refund.refunded(1);
    reaches(REFUNDED_AFTER_CANCEL, &refund);
    misses(LATE_SUCCESS_VOIDED, &refund);
    misses(CANCELED_DURING_PAYMENT, &refund);
}

#[test]
fn nights_are_overbooked_first_and_sold_out_then() {
    let mut history = History::with_rooms(20);
    history.booked_stay(1, Stay { rooms: 20, ..stay(1, 2) });
    misses(NIGHT_OVERBOOKED, &history);
    history.booked_stay(2, stay(1, 2));
    reaches(NIGHT_OVERBOOKED, &history);
    misses(NIGHT_SOLD_OUT, &history);
    history.booked_stay(3, stay(1, 2));
    reaches(NIGHT_SOLD_OUT, &history);
}

#[test]
fn a_stay_of_one_night_is_not_of_several() {
    let mut history = booked();
    misses(SEVERAL_NIGHTS_BOOKED, &history);
    history.booked_stay(2, stay(1, 3));
    reaches(SEVERAL_NIGHTS_BOOKED, &history);
}

#[test]
fn a_rate_changes_under_an_order_only_while_it_is_open() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.rate(2, 50);
    misses(RATE_CHANGED_UNDER_ORDER, &history);
    let mut decided = history.clone();
    history.rate(1, 50);
    reaches(RATE_CHANGED_UNDER_ORDER, &history);
    decided.book(1);
    decided.rate(1, 50);
    misses(RATE_CHANGED_UNDER_ORDER, &decided);
}

#[test]
fn an_order_is_withdrawn_and_not_sold_out() {
    for (state, expected) in [(OrderState::Withdrawn, true), (OrderState::SoldOut, false)] {
        let mut history = History::with_rooms(10);
        history.order(1, stay(1, 2));
        history.commit(|position| vec![Fact::OrderDecided { position, reservation: id(1), state }]);
        assert_eq!(reached(&history).contains(&ORDER_WITHDRAWN), expected);
    }
}
