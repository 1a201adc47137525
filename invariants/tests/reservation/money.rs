//! What is wrong with the money.

use crate::history::{History, RATE, Who, id, stay};
use rehearsal_model::reservation::facts::{Answer, Fact, Operation};
use rehearsal_model::reservation::stay::{Order, Status, Stay, StepKind};

fn pending() -> History {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 3));
    history.ask(1, 1, Operation::Book);
    history.book(1);
    history
}

#[test]
fn two_charges_must_not_stand() {
    let mut history = pending();
    let first = history.charge(1);
    let second = history.charge(1);
    assert_eq!(history.evidence("charged-once"), [first, second]);
}

#[test]
fn a_charge_after_one_was_given_back_stands_alone() {
    let mut history = pending();
    history.charge(1);
    history.give_back(1);
    history.pay(1);
    history.tell(1, 1, Answer::Booked);
    history.settle(1, 1);
    history.passes();
}

#[test]
fn no_more_is_given_back_than_was_taken() {
    let mut history = pending();
    history.charge(1);
    history.give_back(1);
    let again = history.give_back(1);
    assert_eq!(history.evidence("charged-once"), [again]);
}

#[test]
fn a_charge_of_another_amount_is_not_the_orders() {
    let mut history = pending();
    let charged = history.say(Who::Provider, Fact::Charged { reservation: id(1), amount: 2 * RATE + 1 });
    assert!(history.evidence("charged-once").contains(&charged));
    assert!(history.evidence("price-as-quoted").contains(&charged));
}

#[test]
fn a_charge_must_not_stand_for_what_is_not_paid() {
    for status in [Status::Rejected, Status::Canceled] {
        let mut history = pending();
        let ended = history.end(1, status, Status::Pending, None);
        let charged = history.charge(1);
        assert_eq!(history.evidence("charged-once"), [ended, charged]);
        assert_eq!(history.evidence("legal-status"), [ended, charged]);
    }
}

#[test]
fn cancel_and_charge_must_not_both_win() {
    let mut history = pending();
    history.end(1, Status::Canceled, Status::Pending, Some(StepKind::Void));
    let charged = history.charge(1);
    history.confirm(1);
    let paid =
        history.commit(|position| vec![Fact::Paid { position, reservation: id(1), from: Status::Canceled }]);
    assert_eq!(history.evidence("charged-once"), [charged, paid, paid + 1]);
    assert!(history.evidence("legal-status").contains(&paid));
}

#[test]
fn a_forgotten_refund_leaves_a_charge_standing() {
    let mut history = pending();
    let charged = history.charge(1);
    history.confirm(1);
    history.paid(1);
    history.ask(1, 1, Operation::Cancel);
    let canceled = history.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    history.step_done(1);
    history.tell(1, 1, Answer::Canceled);
    history.settle(1, 1);
    assert_eq!(history.evidence("charged-once"), [charged, canceled]);
}

#[test]
fn what_is_paid_must_not_be_given_back() {
    let mut history = pending();
    let paid = history.pay(1);
    history.give_back(1);
    history.tell(1, 1, Answer::Booked);
    history.settle(1, 1);
    assert_eq!(history.evidence("charged-once"), [paid]);
}

#[test]
fn a_charge_for_no_order_at_all_belongs_to_nobody() {
    let mut history = History::with_rooms(10);
    let charged = history.say(Who::Provider, Fact::Charged { reservation: id(5), amount: 1 });
    assert_eq!(history.evidence("charged-once"), [charged]);
}

#[test]
fn a_quote_is_made_of_rates_that_stood_together() {
    let mut history = History::with_rooms(10);
    history.rate(1, 150);
    history.rate(2, 170);
    for (number, price) in [(1, 320), (2, 250), (3, 200)] {
        history.order_for(number, stay(1, 3), price);
    }
    history.order_for(4, Stay { rooms: 3, ..stay(1, 3) }, 960);
    history.passes();
    let wrong = history.order_for(5, stay(1, 3), 270);
    assert!(
        history.evidence("price-as-quoted").contains(&wrong),
        "the first night's old rate with the second's new"
    );
}

#[test]
fn an_order_for_a_night_without_a_rate_has_no_price() {
    let mut history = History::with_rooms(10);
    let placed = history.order_for(1, stay(3, 5), 2 * RATE);
    assert!(history.evidence("price-as-quoted").contains(&placed));
}

#[test]
fn a_rate_changed_later_touches_no_order() {
    let mut history = pending();
    history.rate(1, 2 * RATE);
    let charged = history.say(Who::Provider, Fact::Charged { reservation: id(1), amount: 3 * RATE });
    assert!(history.evidence("price-as-quoted").contains(&charged));
}

#[test]
fn a_reservation_carries_the_price_of_its_order() {
    let mut history = History::with_rooms(10);
    let placed = history.order(1, stay(1, 1));
    let order = Order { price: 1, ..history.order_of(1) };
    let booked = history.commit(|position| vec![Fact::Booked { position, order }]);
    assert_eq!(history.evidence("price-as-quoted"), [placed, booked]);
}

#[test]
fn a_guest_is_told_the_price_of_its_order() {
    let mut history = History::with_rooms(10);
    let placed = history.order(1, stay(1, 2));
    let told = history.tell(1, 1, Answer::Ordered(id(1), RATE - 1));
    assert_eq!(history.evidence("price-as-quoted"), [placed, told]);
}

#[test]
fn a_charge_ahead_of_its_order_is_judged_when_the_order_comes() {
    let mut history = History::with_rooms(10);
    let charged = history.say(Who::Provider, Fact::Charged { reservation: id(1), amount: 1 });
    let placed = history.order(1, stay(1, 2));
    assert_eq!(history.evidence("price-as-quoted"), [charged, placed]);
}
