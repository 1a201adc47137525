//! What is wrong with the durable state.

use crate::history::{History, RULES, Who, id, night, stay};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Answer, Fact, Operation};
use rehearsal_model::reservation::stay::{Status, Stay, StepKind};
use std::time::Duration;

/// A booking whose columns are written as given, night by night.
fn book_with(history: &mut History, number: i64, columns: &[(i64, i64)]) -> u64 {
    let position = LogPosition(history.newest() + 1);
    let mut facts = vec![Fact::Booked { position, order: history.order_of(number) }];
    facts.extend(columns.iter().map(|(date, reserved)| history.set(position, *date, *reserved)));
    history.commit(|_| facts)
}

#[test]
fn a_column_above_the_limit_is_overbooked() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, Stay { rooms: 11, ..stay(1, 2) });
    let eleven = history.facts.len() as u64;
    history.order(2, stay(1, 2));
    let booked = history.book(2);
    let evidence = history.evidence("overbooking-limit");
    assert!(evidence.contains(&booked), "the booking that went too far");
    assert!(evidence.contains(&(booked + 1)), "the row it wrote");
    assert!(evidence.iter().any(|number| *number < eleven), "the stay that had filled the night");
}

#[test]
fn a_column_above_the_limit_is_overbooked_whoever_raised_it() {
    let mut history = History::with_rooms(10);
    let position = LogPosition(history.newest() + 1);
    let facts = history.raise(position, stay(1, 2), 12);
    let commit = history.commit(|_| facts);
    assert_eq!(history.evidence("overbooking-limit"), [commit, commit + 1]);
}

#[test]
fn the_sum_of_the_stays_is_judged_where_the_column_lost_an_update() {
    let mut history = History::with_rooms(1);
    history.order(1, stay(1, 2));
    history.order(2, stay(1, 2));
    let first = history.book(1);
    let second = book_with(&mut history, 2, &[(1, 1)]);
    assert_eq!(history.evidence("overbooking-limit"), [first, second, second + 1, second + 2]);
}

#[test]
fn a_lost_update_unbalances_the_ledger() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.order(2, stay(1, 2));
    let first = history.book(1);
    let second = book_with(&mut history, 2, &[(1, 1)]);
    assert_eq!(
        history.evidence("ledger-balances"),
        [first, first + 1, second, second + 1, second + 2],
        "both bookings, both rows, and the commit"
    );
}

#[test]
fn nights_given_back_twice_unbalance_the_ledger() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 2));
    history.booked_stay(2, stay(1, 2));
    history.end(1, Status::Canceled, Status::Paid, Some(StepKind::Refund));
    let position = LogPosition(history.newest() + 1);
    let facts = history.raise(position, stay(1, 2), -1);
    let again = history.commit(|_| facts);
    assert!(history.evidence("ledger-balances").contains(&again));
    assert!(history.evidence("all-nights-or-none").contains(&again));
}

#[test]
fn no_column_may_be_negative() {
    let mut history = History::with_rooms(10);
    let position = LogPosition(history.newest() + 1);
    let facts = history.raise(position, stay(1, 2), -1);
    let commit = history.commit(|_| facts);
    assert_eq!(history.evidence("ledger-balances"), [0, commit, commit + 1]);
}

#[test]
fn nobody_stays_in_less_than_no_room() {
    let mut history = History::with_rooms(10);
    history.order(1, Stay { rooms: -1, ..stay(1, 2) });
    let booked = history.book(1);
    assert!(history.evidence("ledger-balances").contains(&booked));
}

#[test]
fn a_stay_must_not_hold_some_of_its_nights() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 4));
    let booked = book_with(&mut history, 1, &[(1, 1), (3, 1)]);
    assert_eq!(history.evidence("all-nights-or-none"), [booked, booked + 1, booked + 2, booked + 3]);
}

#[test]
fn nights_must_not_be_taken_ahead_of_their_stay() {
    let mut history = History::with_rooms(10);
    let position = LogPosition(history.newest() + 1);
    let facts = history.raise(position, stay(1, 2), 1);
    let commit = history.commit(|_| facts);
    assert_eq!(history.evidence("all-nights-or-none"), [commit, commit + 1]);
}

#[test]
fn a_canceled_stay_must_not_keep_some_of_its_nights() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 3));
    let position = LogPosition(history.newest() + 1);
    let mut facts = vec![Fact::Canceled { position, reservation: id(1), from: Status::Paid }];
    facts.extend(history.raise(position, stay(1, 2), -1));
    let canceled = history.commit(|_| facts);
    assert_eq!(history.evidence("all-nights-or-none"), [canceled, canceled + 1, canceled + 2]);
}

#[test]
fn one_commit_may_end_several_stays() {
    let mut history = History::with_rooms(10);
    for number in [1, 2] {
        history.order(number, stay(number, number + 2));
        history.book(number);
    }
    history.pause(RULES.hold);
    let position = LogPosition(history.newest() + 1);
    let mut facts = vec![];
    for reservation in [id(1), id(2)] {
        facts.push(Fact::Rejected { position, reservation, from: Status::Pending });
        facts.push(Fact::StepSet { position, reservation, step: None });
    }
    facts.extend([(1, 0), (2, 0), (3, 0)].map(|(date, reserved)| history.set(position, date, reserved)));
    history.commit(|_| facts);
    history.passes();
}

#[test]
fn only_the_changes_of_the_table_are_legal() {
    let mut rejected = History::with_rooms(10);
    rejected.order(1, stay(1, 2));
    let booked = rejected.book(1);
    rejected.charge(1);
    rejected.confirm(1);
    rejected.end(1, Status::Rejected, Status::Pending, None);
    let reservation = id(1);
    let changes: [fn(LogPosition, _) -> Fact; 5] = [
        |position, reservation| Fact::Paid { position, reservation, from: Status::Rejected },
        |position, reservation| Fact::Canceled { position, reservation, from: Status::Rejected },
        |position, reservation| Fact::Refunded { position, reservation, from: Status::Rejected },
        |position, reservation| Fact::Reopened { position, reservation, from: Status::Rejected },
        |position, reservation| Fact::Removed { position, reservation },
    ];
    for change in changes {
        let mut history = rejected.clone();
        let illegal = history.commit(|position| vec![change(position, reservation)]);
        let evidence = history.evidence("legal-status");
        assert!(evidence.contains(&illegal), "{:?}", history.facts[illegal as usize].1);
        let removed = matches!(history.facts[illegal as usize].1, Fact::Removed { .. });
        assert!(removed || evidence.contains(&booked));
    }
}

#[test]
fn who_writes_paid_has_the_confirmation_in_hand() {
    for (charged, confirmed) in [(false, false), (true, false), (false, true)] {
        let mut history = History::with_rooms(10);
        history.order(1, stay(1, 2));
        let booked = history.book(1);
        if charged {
            history.charge(1);
        }
        if confirmed {
            history.confirm(1);
        }
        let paid = history.paid(1);
        assert_eq!(history.evidence("legal-status"), [booked, paid, paid + 2]);
    }
}

#[test]
fn only_what_was_paid_is_refunded() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.book(1);
    history.end(1, Status::Canceled, Status::Pending, Some(StepKind::Void));
    let refunded = history.refunded(1);
    assert!(history.evidence("legal-status").contains(&refunded));
}

#[test]
fn an_id_is_taken_once() {
    let mut history = History::with_rooms(10);
    let first = history.say(Who::Server, Fact::IdTaken { id: id(7) });
    history.restart(Who::Server);
    let second = history.say(Who::Server, Fact::IdTaken { id: id(7) });
    assert_eq!(history.evidence("ids-are-unique"), [first, second]);
}

#[test]
fn an_id_is_placed_once() {
    let mut history = History::with_rooms(10);
    let first = history.order(7, stay(1, 2));
    let order = history.order_of(7);
    let second = history.commit(|position| vec![Fact::OrderPlaced { position, order }]);
    assert_eq!(history.evidence("ids-are-unique"), [first, second]);
}

#[test]
fn a_hold_ends() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    let booked = history.book(1);
    history.pause(RULES.hold + RULES.round + Duration::from_secs(1));
    assert_eq!(history.evidence("holds-end"), [booked]);
}

#[test]
fn a_hold_and_a_round_are_not_too_long() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.book(1);
    history.charge(1);
    history.pause(RULES.hold);
    let fired = history.verdicts();
    assert!(fired.iter().all(|violation| !["holds-end", "charged-once"].contains(&&*violation.invariant)));
}

#[test]
fn a_durable_commit_must_be_found_again() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 2));
    let newest = history.facts.iter().rposition(|(_, fact)| matches!(fact, Fact::Committed { .. }));
    let through = LogPosition(history.newest() - 1);
    history.restart(Who::Database);
    let recovered = history.say(Who::Database, Fact::Recovered { through });
    assert_eq!(history.evidence("acknowledged-survives"), [newest.unwrap() as u64, recovered]);
}

#[test]
fn a_booking_that_a_guest_was_told_of_survives_the_crash() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    history.ask(1, 1, Operation::Book);
    let told = history.tell(1, 1, Answer::Booked);
    let recovered = history.recover_from(1);
    history.book(1);
    history.pay(1);
    assert_eq!(
        history.evidence("acknowledged-survives"),
        [told, recovered],
        "a second booking mends nothing"
    );
}

#[test]
fn a_cancellation_that_a_guest_was_told_of_survives_the_crash() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 2));
    history.ask(1, 1, Operation::Cancel);
    let told = history.tell(1, 1, Answer::Canceled);
    history.recover_from(1);
    assert!(history.evidence("acknowledged-survives").contains(&told));
}

#[test]
fn after_a_restart_every_answer_is_judged_at_once() {
    let mut history = History::with_rooms(10);
    history.order(1, stay(1, 2));
    let booked = history.book(1);
    let recovered = history.recover_from(1);
    history.ask(1, 1, Operation::Book);
    let told = history.tell(1, 1, Answer::Booked);
    history.pay(1);
    assert_eq!(history.evidence("acknowledged-survives"), [booked, recovered, told]);
}

#[test]
fn a_repeat_with_other_contents_is_not_even_looked_at() {
    let mut history = History::with_rooms(10);
    history.booked_stay(1, stay(1, 2));
    history.settle(1, 1);
    history.restart(Who::Database);
    let position = LogPosition(history.newest());
    history.say(Who::Database, Fact::Removed { position, reservation: id(1) });
    let raised = Fact::InventorySet {
        position,
        night: night(1),
        total_inventory: 10,
        reserved_before: 1,
        total_reserved: 99,
    };
    history.say(Who::Database, raised);
    history.say(Who::Database, Fact::Committed { position });
    history.passes();
}
