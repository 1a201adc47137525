//! Histories as they should be.

use crate::history::{History, Who, stay};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Answer, Attempt, Fact, Operation};
use rehearsal_model::reservation::stay::{Status, Stay, StepKind};
use std::time::Duration;

/// One stays, one cancels and is refunded, one is refused, one is sold out, one is never charged in time.
fn busy_day() -> History {
    let mut history = History::with_rooms(2);
    history.booked_stay(1, stay(1, 4));
    history.settle(1, 1);

    history.booked_stay(2, stay(1, 2));
    history.ask(2, 2, Operation::Cancel);
    history.end(2, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    history.tell(2, 2, Answer::Canceled);
    history.settle(2, 2);
    history.give_back(2);
    history.refunded(2);

    history.order(3, stay(2, 4));
    history.ask(3, 3, Operation::Book);
    history.book(3);
    history.tell(3, 3, Answer::Pending);
    history.order(4, stay(2, 3));
    history.ask(4, 4, Operation::Book);
    history.ask_as(4, 4, Operation::Book, Attempt::DoubleClick);
    history.tell(4, 4, Answer::SoldOut);
    history.settle(4, 4);

    history.pause(Duration::from_secs(601));
    history.end(3, Status::Rejected, Status::Pending, Some(StepKind::Void));
    history.ask_as(3, 3, Operation::Book, Attempt::Poll);
    history.tell(3, 3, Answer::Rejected);
    history.settle(3, 3);
    history.charge(3);
    history.give_back(3);
    history.step_done(3);
    history
}

#[test]
fn a_busy_day_breaks_nothing() {
    busy_day().passes();
}

#[test]
fn what_a_restart_reports_again_changes_nothing() {
    for from in 1..=busy_day().newest() {
        let mut history = busy_day();
        history.recover_from(from);
        history.booked_stay(9, stay(2, 4));
        history.settle(9, 9);
        history.passes();
    }
}

#[test]
fn a_restart_may_find_what_nobody_had_reported() {
    let mut history = History::with_rooms(2);
    history.order(1, stay(1, 3));
    history.ask(1, 1, Operation::Book);
    let facts = history.booking(LogPosition(history.newest() + 1), 1);
    let position = history.commit_unreported(|_| facts);
    history.recover_from(position - 1);
    history.pay(1);
    history.ask_as(1, 1, Operation::Book, Attempt::Retry);
    history.tell(1, 1, Answer::Booked);
    history.settle(1, 1);
    history.passes();
}

#[test]
fn late_answers_may_overtake_each_other() {
    let mut history = History::with_rooms(2);
    history.order(1, stay(1, 2));
    history.ask(1, 1, Operation::Book);
    let booking = history.request();
    history.book(1);
    history.pay(1);
    history.ask(1, 1, Operation::Cancel);
    history.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    history.tell(1, 1, Answer::Canceled);
    history.tell_request(booking, 1, 1, Answer::Booked);
    history.settle(1, 1);
    history.give_back(1);
    history.refunded(1);
    history.passes();
}

#[test]
fn a_canceled_wish_may_be_fulfilled_by_another_order() {
    let mut history = History::with_rooms(1);
    history.booked_stay(1, stay(1, 2));
    history.ask(1, 1, Operation::Cancel);
    history.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    history.tell(1, 1, Answer::Canceled);
    history.give_back(1);
    history.refunded(1);
    history.order(2, stay(2, 3));
    history.ask(1, 2, Operation::Book);
    history.book(2);
    history.pay(2);
    history.tell(1, 2, Answer::Booked);
    history.settle(1, 2);
    history.passes();
}

#[test]
fn rooms_taken_out_of_sale_may_leave_a_night_above_its_limit() {
    let mut history = History::with_rooms(2);
    history.booked_stay(1, Stay { rooms: 2, ..stay(1, 2) });
    history.settle(1, 1);
    history.commit(|position| {
        vec![Fact::InventorySet {
            position,
            night: crate::history::night(1),
            total_inventory: 1,
            reserved_before: 2,
            total_reserved: 2,
        }]
    });
    history.passes();
}

#[test]
fn transactions_of_a_crashed_database_are_gone() {
    let mut history = History::with_rooms(2);
    history.say(Who::Database, Fact::OldTransactions { count: 2 });
    history.recover_from(1);
    history.passes();
}
