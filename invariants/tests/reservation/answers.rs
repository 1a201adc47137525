//! What is wrong with the answers.

use crate::history::{History, Who, stay};
use rehearsal_model::reservation::facts::{Answer, Attempt, Fact, Operation};
use rehearsal_model::reservation::stay::{Order, Status, Stay, StepKind};

fn ordered(rooms: i64) -> History {
    let mut history = History::with_rooms(rooms);
    history.order(1, stay(1, 2));
    history.ask(1, 1, Operation::Book);
    history
}

#[test]
fn an_id_takes_its_nights_once() {
    let mut history = ordered(10);
    let first = history.book(1);
    let second = history.book(1);
    assert_eq!(history.evidence("no-double-booking"), [first, second]);
}

#[test]
fn a_wish_holds_one_live_stay() {
    let mut history = ordered(10);
    let first = history.book(1);
    history.order(2, stay(1, 2));
    history.ask_as(1, 2, Operation::Book, Attempt::Retry);
    let second = history.book(2);
    assert_eq!(history.evidence("no-double-booking"), [first, second]);
}

#[test]
fn a_wish_holds_one_live_stay_even_if_it_learns_of_the_other_later() {
    let mut history = ordered(10);
    let first = history.book(1);
    history.order(2, stay(1, 2));
    let second = history.book(2);
    history.tell(1, 2, Answer::Booked);
    assert_eq!(history.evidence("no-double-booking"), [first, second]);
}

#[test]
fn two_wishes_may_hold_a_stay_each() {
    let mut history = ordered(10);
    history.book(1);
    history.pay(1);
    history.tell(1, 1, Answer::Booked);
    history.settle(1, 1);
    history.booked_stay(2, stay(1, 2));
    history.settle(2, 2);
    history.passes();
}

#[test]
fn answers_for_one_id_agree() {
    let pairs = [
        (Answer::Booked, Answer::Rejected),
        (Answer::Rejected, Answer::Booked),
        (Answer::SoldOut, Answer::Rejected),
        (Answer::Expired, Answer::Booked),
    ];
    for (one, other) in pairs {
        let mut history = ordered(0);
        let first = history.tell(1, 1, one);
        let second = history.tell(1, 1, other);
        assert_eq!(history.evidence("no-double-booking"), [first, second]);
    }
}

#[test]
fn nobody_is_told_canceled_who_did_not_ask_for_it() {
    let mut history = ordered(10);
    let told = history.tell(1, 1, Answer::Canceled);
    assert_eq!(history.evidence("no-double-booking"), [told]);
}

#[test]
fn nobody_is_told_booked_who_asked_after_the_cancellation() {
    let mut history = ordered(10);
    history.ask(1, 1, Operation::Cancel);
    let canceled = history.tell(1, 1, Answer::Canceled);
    history.ask(1, 1, Operation::Book);
    let booked = history.tell(1, 1, Answer::Booked);
    assert_eq!(history.evidence("no-double-booking"), [canceled, booked]);
}

#[test]
fn nothing_is_booked_once_a_guest_was_told_that_it_never_will_be() {
    let mut sold_out = ordered(0);
    let told = sold_out.tell(1, 1, Answer::SoldOut);
    let booked = sold_out.book(1);
    assert_eq!(sold_out.evidence("no-double-booking"), [told, booked]);

    let mut withdrawn = ordered(10);
    withdrawn.ask(1, 1, Operation::Cancel);
    let told = withdrawn.tell(1, 1, Answer::Canceled);
    let booked = withdrawn.book(1);
    withdrawn.end(1, Status::Rejected, Status::Pending, None);
    assert_eq!(withdrawn.evidence("no-double-booking"), [told, booked]);
}

#[test]
fn what_is_live_is_not_sold_out() {
    let mut history = ordered(1);
    let booked = history.book(1);
    let told = history.tell(1, 1, Answer::SoldOut);
    assert_eq!(history.evidence("no-double-booking"), [booked, told]);
}

#[test]
fn a_reservation_is_of_the_stay_that_was_ordered() {
    let mut history = History::with_rooms(10);
    let placed = history.order(1, stay(1, 1));
    let order = Order { guest: 2, ..history.order_of(1) };
    let booked = history.commit(|position| vec![Fact::Booked { position, order }]);
    assert_eq!(history.evidence("no-double-booking"), [placed, booked]);
}

#[test]
fn a_stay_that_nobody_was_told_of_must_not_rest() {
    let mut history = ordered(10);
    let booked = history.book(1);
    let paid = history.pay(1);
    let settled = history.settle(1, 1);
    assert_eq!(history.evidence("no-double-booking"), [booked, paid, settled]);
}

#[test]
fn a_stay_that_its_guest_was_told_of_is_there() {
    let mut history = ordered(10);
    let told = history.tell(1, 1, Answer::Booked);
    let settled = history.settle(1, 1);
    assert_eq!(history.evidence("no-double-booking"), [told, settled]);
    assert_eq!(history.evidence("acknowledged-survives"), [told]);
}

#[test]
fn a_cancellation_whose_answer_was_given_up_may_have_happened() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 2));
    history.ask(1, 1, Operation::Cancel);
    history.settle(1, 1);
    history.passes();
    history.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    history.give_back(1);
    history.refunded(1);
    history.passes();
}

#[test]
fn sold_out_is_a_lie_while_rooms_are_left_below_the_limit() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, Stay { rooms: 10, ..stay(1, 2) });
    history.order(2, stay(1, 3));
    let asked = history.ask(2, 2, Operation::Book);
    let told = history.tell(2, 2, Answer::SoldOut);
    let evidence = history.evidence("sold-out-is-true");
    assert!(evidence.contains(&asked) && evidence.contains(&told));
}

#[test]
fn a_night_that_was_short_for_a_while_makes_sold_out_true() {
    let mut history = History::with_rooms(1);
    history.order(1, stay(1, 2));
    history.order(2, stay(1, 3));
    history.ask(2, 2, Operation::Book);
    history.book(1);
    history.end(1, Status::Rejected, Status::Pending, None);
    history.tell(2, 2, Answer::SoldOut);
    history.settle(2, 2);
    history.passes();
}

#[test]
fn just_enough_rooms_left_are_enough() {
    let mut history = History::with_rooms(2);
    history.order(1, stay(1, 2));
    history.order(2, stay(1, 3));
    history.ask(2, 2, Operation::Book);
    let booked = history.book(1);
    let told = history.tell(2, 2, Answer::SoldOut);
    let evidence = history.evidence("sold-out-is-true");
    assert!(
        evidence.contains(&told) && evidence.contains(&(booked + 1)),
        "what was told, and the night's row"
    );
}

#[test]
fn a_night_that_was_short_before_anybody_asked_does_not() {
    let mut history = History::with_rooms(1);
    history.order(1, stay(1, 2));
    history.order(2, stay(1, 3));
    history.book(1);
    history.end(1, Status::Rejected, Status::Pending, None);
    history.ask(2, 2, Operation::Book);
    let told = history.tell(2, 2, Answer::SoldOut);
    assert!(history.evidence("sold-out-is-true").contains(&told));
}

#[test]
fn an_order_is_sold_out_only_where_a_night_is_not_on_the_calendar() {
    for (last, lied) in [(4, true), (5, false)] {
        let mut history = History::with_rooms(1);
        let asked = history.ask_for_order(1, stay(1, last));
        let told = history.refuse_order(1, stay(1, last));
        if lied {
            let evidence = history.evidence("sold-out-is-true");
            assert!(evidence.contains(&asked) && evidence.contains(&told));
        } else {
            history.settle(1, 1);
            history.passes();
        }
    }
}

#[test]
fn whoever_wants_more_rooms_finds_them_too_few_first() {
    let mut history = History::with_rooms(3);
    history.order(1, stay(1, 2));
    history.order(2, Stay { rooms: 3, ..stay(1, 2) });
    history.order(3, stay(1, 2));
    history.ask(2, 2, Operation::Book);
    history.ask(3, 3, Operation::Book);
    history.book(1);
    history.end(1, Status::Rejected, Status::Pending, None);
    history.tell(2, 2, Answer::SoldOut);
    history.settle(2, 2);
    let told = history.tell(3, 3, Answer::SoldOut);
    let fired = history.verdicts();
    assert_eq!(fired.len(), 1);
    assert!(fired[0].evidence.contains(&told));
}

#[test]
fn a_wish_is_settled_in_the_end() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    let asked = history.ask(1, 1, Operation::Order);
    history.ask_as(1, 1, Operation::Order, Attempt::Retry);
    assert_eq!(history.evidence("everyone-answered"), [asked]);
}

#[test]
fn no_step_is_left_open() {
    let mut history = ordered(10);
    let booked = history.book(1);
    history.end(1, Status::Rejected, Status::Pending, Some(StepKind::Void));
    history.tell(1, 1, Answer::Rejected);
    history.settle(1, 1);
    let evidence = history.evidence("everyone-answered");
    assert!(evidence.len() == 1 && evidence[0] > booked);
}

#[test]
fn no_transaction_is_left_open() {
    let mut history = History::with_rooms(10);
    history.say(Who::Database, Fact::OldTransactions { count: 1 });
    let old = history.say(Who::Database, Fact::OldTransactions { count: 2 });
    assert_eq!(history.evidence("everyone-answered"), [old]);
    history.say(Who::Database, Fact::OldTransactions { count: 0 });
    history.passes();
}
