//! The facts of the chain in words: each as the rest of a sentence that begins with the node's name.
//!
//! They are for people who know hotels and not the code: ids, nights and amounts stand in them, types and fields
//! do not. What looks alike and is not the same is told apart: a first request from its repeats, what is written
//! from what is durable, a usual change of status from any other.

mod guests;
mod writers;

use super::facts::{Fact, RetryReason};
use super::stay::{Night, Order, OrderState, ReservationId, RoomType, Status, Stay, StepKind};
use crate::database::LogPosition;

/// What the node did or learned, without its name and without a full stop.
pub(super) fn of(fact: &Fact) -> String {
    match *fact {
        Fact::Asked { intent, reservation, operation, ref stay, attempt, request, .. } => {
            let what = guests::question(operation, reservation, stay);
            format!("{} {what} {}", guests::asks(attempt), guests::which(intent, request))
        }
        Fact::Told { intent, reservation, operation, ref stay, ref answer, request, .. } => {
            let what = guests::answer(answer, operation, reservation, stay);
            format!("is told {what} {}", guests::which(intent, request))
        }
        Fact::Settled { intent, reservation, .. } => match reservation {
            Some(id) => format!("is done with wish {}, which ended with {}", intent.0, name(id)),
            None => format!("is done with wish {}, for which it has no order", intent.0),
        },

        Fact::InventorySet { position, night, total_inventory, reserved_before, total_reserved } => {
            let taken = taken(total_reserved, total_inventory);
            durable(position, &format!("{taken} on {}, {reserved_before} before", name_of_night(night)))
        }
        Fact::RateSet { position, night, price } => {
            durable(position, &format!("one room costs {} on {}", money(price), name_of_night(night)))
        }
        Fact::OrderPlaced { position, ref order } => {
            durable(position, &format!("an order is placed: {}", order_in_words(order)))
        }
        Fact::OrderDecided { position, reservation, state } => {
            durable(position, &format!("the order of {} {}", name(reservation), decision(state)))
        }
        Fact::Booked { position, ref order } => durable(
            position,
            &format!("a reservation is made, which waits for its payment: {}", order_in_words(order)),
        ),
        Fact::Paid { position, reservation, from } => became(position, reservation, from, Status::Paid),
        Fact::Rejected { position, reservation, from } => {
            became(position, reservation, from, Status::Rejected)
        }
        Fact::Canceled { position, reservation, from } => {
            became(position, reservation, from, Status::Canceled)
        }
        Fact::Refunded { position, reservation, from } => {
            became(position, reservation, from, Status::Refunded)
        }
        Fact::Reopened { position, reservation, from } => {
            became(position, reservation, from, Status::Pending)
        }
        Fact::Removed { position, reservation } => {
            durable(position, &format!("{} is removed, as if it had never been", name(reservation)))
        }
        Fact::StepSet { position, reservation, step: Some(step) } => {
            durable(position, &to_do(step, reservation))
        }
        Fact::StepSet { position, reservation, step: None } => {
            durable(position, &format!("nothing is left to be done about the money of {}", name(reservation)))
        }
        Fact::Committed { position } => format!("has made durable all of commit {}", position.0),
        Fact::Recovered { through: LogPosition(0) } => "comes up with an empty log".to_owned(),
        Fact::Recovered { through } => format!("comes up and has all up to commit {} in its log", through.0),
        Fact::TornTailCut => "finds the end of its log written only in part and cuts that off".to_owned(),
        Fact::LogCorrupt { offset } => format!("finds its log damaged at byte {offset} and does not serve"),
        Fact::Written { commits } => {
            format!("has written {} to its log; a crash can still lose that", count(commits, "commit"))
        }
        Fact::Synced { commits } => {
            format!("has made {} safe from crashes with one sync", count(commits, "commit"))
        }
        Fact::DeadlockBroken => "undoes a transaction, since some were waiting for each other".to_owned(),
        Fact::LockTimedOut => "gives up on a transaction that waited too long for a locked row".to_owned(),
        Fact::WaitedForLock => "lets a transaction wait for a row that another one has locked".to_owned(),
        Fact::Rechecked { matched } => {
            let found = if matched { "it still fits" } else { "it does not fit any more" };
            format!("looks at a row anew that was changed meanwhile: {found}")
        }
        Fact::SessionEndedBySilence { open_transaction } => {
            let loss = if open_transaction { "its transaction is undone" } else { "no transaction was open" };
            format!("ends a session in which nothing was heard for too long; {loss}")
        }
        Fact::OldTransactions { count: 0 } => "has no transaction left that is open for too long".to_owned(),
        Fact::OldTransactions { count: old } => {
            format!("has {} open for longer than a session may be silent", count(old, "transaction"))
        }

        Fact::IdTaken { id } => format!("takes {} as the number of a new order", id.0),
        Fact::Retried { reservation, reason } => {
            format!("tries again with {}, since {}", name(reservation), why(reason))
        }
        Fact::DuplicateAbsorbed { reservation } => {
            format!("finds {} decided before, changes nothing and answers what stands", name(reservation))
        }
        Fact::CommitAnswerLost { reservation } => format!(
            "gets no answer to its commit for {} and does not know whether it happened",
            name(reservation)
        ),

        Fact::Charged { reservation, amount } => format!("takes {} for {}", money(amount), name(reservation)),
        Fact::ChargeRefused { reservation } => format!("refuses the charge for {}", name(reservation)),
        Fact::MoneyReturned { reservation, amount } => {
            format!("gives {} back for {}", money(amount), name(reservation))
        }
        Fact::ProviderRepeat { reservation } => {
            format!("is asked again for what it settled before for {}, and does nothing", name(reservation))
        }
        Fact::ChargeSent { reservation } => format!("sends the provider a charge for {}", name(reservation)),
        Fact::ChargeConfirmed { reservation } => {
            format!("hears from the provider that {} is charged", name(reservation))
        }
        Fact::StepResumed { reservation, step } => {
            format!("takes up what was left undone: {}", to_do(step, reservation))
        }
        _ => writers::of(fact),
    }
}

/// What the database has on its disk, with the commit by which it got there: what one commit did, stands or falls
/// together.
fn durable(position: LogPosition, what: &str) -> String {
    format!("has made durable: {what} (commit {})", position.0)
}

/// The change of a status; the status before is said unless it is the only one from which the change is legal.
fn became(position: LogPosition, id: ReservationId, from: Status, to: Status) -> String {
    let now = format!("{} is {}", name(id), status(to));
    let usual = matches!(
        (from, to),
        (Status::Pending, Status::Paid | Status::Rejected) | (Status::Canceled, Status::Refunded)
    );
    durable(position, &if usual { now } else { format!("{now}, {} before", status(from)) })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Paid => "paid",
        Status::Rejected => "rejected",
        Status::Canceled => "canceled",
        Status::Refunded => "refunded",
    }
}

fn decision(state: OrderState) -> &'static str {
    match state {
        OrderState::Open => "is open",
        OrderState::Booked => "is booked",
        OrderState::SoldOut => "is refused for lack of rooms",
        OrderState::Withdrawn => "is withdrawn before it was booked",
        OrderState::Expired => "is refused, since its time is over",
    }
}

fn to_do(step: StepKind, id: ReservationId) -> String {
    let name = name(id);
    match step {
        StepKind::Charge => format!("{name} is to be charged"),
        StepKind::Void => format!("a charge for {name}, if there is one, is to be undone"),
        StepKind::Refund => format!("what was paid for {name} is to be given back"),
    }
}

fn why(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::VersionChanged => "a night was changed after it had been read",
        RetryReason::Deadlock => "its transaction was undone to end a deadlock",
        RetryReason::LockTimeout => "its transaction waited too long for a locked row",
        RetryReason::SessionLost => "its session with the database ended before the commit",
        RetryReason::DecidedMeanwhile => "somebody else decided the order meanwhile",
        RetryReason::Refused => "the database refused",
        RetryReason::Fenced => "a later writer owns the rooms",
    }
}

fn order_in_words(order: &Order) -> String {
    let Order { id, guest, ref stay, price } = *order;
    format!("{} of guest {guest} for {}, {}", name(id), money(price), stay_in_words(stay))
}

fn stay_in_words(stay: &Stay) -> String {
    let RoomType { hotel, kind } = stay.room_type;
    let last = stay.end - 1;
    let nights = match stay.length() {
        1 => format!("night {last}"),
        length if length > 1 => format!("night {} to night {last} ({length} nights)", stay.start),
        _ => format!("no night, day {} only", stay.start),
    };
    format!("hotel {hotel}, room type {kind}, {nights}, {}", rooms(stay.rooms))
}

fn name(id: ReservationId) -> String {
    format!("reservation {}", id.0)
}

fn name_of_night(night: Night) -> String {
    format!("night {} (hotel {}, room type {})", night.date, night.room_type.hotel, night.room_type.kind)
}

/// As `1 of 2 rooms is taken`.
fn taken(reserved: i64, total: i64) -> String {
    let verb = if reserved == 1 { "is" } else { "are" };
    format!("{reserved} of {} {verb} taken", rooms(total))
}

fn rooms(number: i64) -> String {
    if number == 1 { "1 room".to_owned() } else { format!("{number} rooms") }
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Cents, as `120.00`.
fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Answer, Attempt, Operation};
    use super::super::stay::Intent;
    use super::*;
    use rehearsal_env::Fact as _;
    use std::collections::BTreeSet;

    const ID: ReservationId = ReservationId(7);
    const COMMIT: LogPosition = LogPosition(4);
    const ROOM_TYPE: RoomType = RoomType { hotel: 0, kind: 1 };
    const NIGHT: Night = Night { room_type: ROOM_TYPE, date: 4 };
    const STAY: Stay = Stay { room_type: ROOM_TYPE, start: 4, end: 6, rooms: 1 };
    const ORDER: Order = Order { id: ID, guest: 3, stay: STAY, price: 12_000 };

    /// At least one of every kind.
    fn examples() -> Vec<Fact> {
        let (position, reservation, night, order, from) = (COMMIT, ID, NIGHT, ORDER, Status::Pending);
        let (guest, intent, request, stay) = (3, Intent(2), 5, STAY);
        let (operation, attempt, answer) = (Operation::Book, Attempt::First, Answer::Booked);
        let (id, step, state, reason) = (ID, StepKind::Charge, OrderState::SoldOut, RetryReason::Deadlock);
        let (named, nameless) = (Some(ID), None);
        vec![
            Fact::Asked { guest, intent, reservation: named, operation, stay, attempt, request },
            Fact::Asked { guest, intent, reservation: nameless, operation, stay, attempt, request },
            Fact::Told { guest, intent, reservation: named, operation, stay, answer, request },
            Fact::Settled { guest, intent, reservation: named },
            Fact::Settled { guest, intent, reservation: nameless },
            inventory(0, 1),
            Fact::RateSet { position, night, price: 6000 },
            Fact::OrderPlaced { position, order },
            Fact::OrderDecided { position, reservation, state },
            Fact::Booked { position, order },
            Fact::Paid { position, reservation, from },
            Fact::Rejected { position, reservation, from },
            Fact::Canceled { position, reservation, from },
            Fact::Refunded { position, reservation, from },
            Fact::Reopened { position, reservation, from },
            Fact::Removed { position, reservation },
            Fact::OwnerSet { position, room_type: ROOM_TYPE, before: 1, generation: 2 },
            Fact::ChangeAsked { reservation },
            Fact::WriterSeated { generation: 2, partitions: 1 },
            Fact::WriterUnseated { generation: 2 },
            Fact::WriteBegun { reservation, generation: 2 },
            Fact::WriterFenced { reservation, room_type: ROOM_TYPE, generation: 2 },
            Fact::StepSet { position, reservation, step: Some(step) },
            Fact::StepSet { position, reservation, step: None },
            Fact::Committed { position },
            Fact::Recovered { through: LogPosition(0) },
            Fact::Recovered { through: position },
            Fact::TornTailCut,
            Fact::LogCorrupt { offset: 512 },
            Fact::Written { commits: 2 },
            Fact::Synced { commits: 2 },
            Fact::DeadlockBroken,
            Fact::LockTimedOut,
            Fact::WaitedForLock,
            Fact::Rechecked { matched: true },
            Fact::Rechecked { matched: false },
            Fact::SessionEndedBySilence { open_transaction: true },
            Fact::SessionEndedBySilence { open_transaction: false },
            Fact::OldTransactions { count: 0 },
            Fact::OldTransactions { count: 2 },
            Fact::IdTaken { id },
            Fact::Retried { reservation, reason },
            Fact::DuplicateAbsorbed { reservation },
            Fact::CommitAnswerLost { reservation },
            Fact::Charged { reservation, amount: 12_000 },
            Fact::ChargeRefused { reservation },
            Fact::MoneyReturned { reservation, amount: 12_000 },
            Fact::ProviderRepeat { reservation },
            Fact::ChargeSent { reservation },
            Fact::ChargeConfirmed { reservation },
            Fact::StepResumed { reservation, step },
        ]
    }

    fn inventory(reserved_before: i64, total_reserved: i64) -> Fact {
        let (position, night) = (COMMIT, NIGHT);
        Fact::InventorySet { position, night, total_inventory: 2, reserved_before, total_reserved }
    }

    #[test]
    fn every_kind_of_fact_has_an_example() {
        let kinds = include_str!("facts.rs").lines().filter_map(|line| line.trim().strip_suffix("\","));
        let kinds: BTreeSet<&str> = kinds.filter_map(|line| Some(line.split_once("=> \"")?.1)).collect();
        assert!(
            kinds.contains("Asked") && kinds.contains("StepResumed"),
            "are the kinds still read? {kinds:?}"
        );
        assert_eq!(kinds, examples().iter().map(|fact| fact.kind()).collect());
    }

    #[test]
    fn every_fact_is_a_sentence_for_people() {
        for fact in examples() {
            let words = fact.in_words();
            let spelled = ["{", "}", "::", "Some(", "None", "ReservationId", "LogPosition", "\""];
            assert!(spelled.iter().all(|code| !words.contains(code)), "{words}");
            assert!(words.starts_with(|first: char| first.is_ascii_lowercase()), "{fact:?}: {words}");
            assert!(!words.ends_with('.') && !words.contains("  "), "{words}");
        }
    }

    #[test]
    fn no_two_facts_sound_the_same() {
        let sentences: BTreeSet<String> = examples().iter().map(of).collect();
        assert_eq!(sentences.len(), examples().len(), "{sentences:#?}");
    }

    #[test]
    fn the_database_says_what_is_durable_and_with_which_commit() {
        assert_eq!(
            of(&inventory(0, 1)),
            "has made durable: 1 of 2 rooms is taken on night 4 (hotel 0, room type 1), 0 before (commit 4)"
        );
        assert_eq!(
            of(&Fact::Booked { position: COMMIT, order: ORDER }),
            "has made durable: a reservation is made, which waits for its payment: reservation 7 of guest 3 for \
             120.00, hotel 0, room type 1, night 4 to night 5 (2 nights), 1 room (commit 4)"
        );
        assert_eq!(of(&Fact::Committed { position: COMMIT }), "has made durable all of commit 4");
        assert_eq!(
            of(&Fact::Written { commits: 1 }),
            "has written 1 commit to its log; a crash can still lose that"
        );
        assert_eq!(
            of(&Fact::Recovered { through: COMMIT }),
            "comes up and has all up to commit 4 in its log"
        );
    }

    #[test]
    fn an_unusual_change_of_status_says_what_was_before() {
        let paid = |from| of(&Fact::Paid { position: COMMIT, reservation: ID, from });
        assert_eq!(paid(Status::Pending), "has made durable: reservation 7 is paid (commit 4)");
        assert_eq!(
            paid(Status::Canceled),
            "has made durable: reservation 7 is paid, canceled before (commit 4)"
        );
    }

    #[test]
    fn money_is_told_in_whole_units_and_cents() {
        assert_eq!([12_000, 5, -150].map(money), ["120.00", "0.05", "-1.50"]);
        assert_eq!(of(&Fact::Charged { reservation: ID, amount: 12_000 }), "takes 120.00 for reservation 7");
        assert_eq!(
            of(&Fact::MoneyReturned { reservation: ID, amount: 12_000 }),
            "gives 120.00 back for reservation 7"
        );
        assert_eq!(
            of(&Fact::ChargeSent { reservation: ID }),
            "sends the provider a charge for reservation 7"
        );
    }

    #[test]
    fn a_server_says_why_it_tries_again() {
        assert_eq!(
            of(&Fact::Retried { reservation: ID, reason: RetryReason::VersionChanged }),
            "tries again with reservation 7, since a night was changed after it had been read"
        );
        assert_eq!(
            of(&Fact::StepResumed { reservation: ID, step: StepKind::Refund }),
            "takes up what was left undone: what was paid for reservation 7 is to be given back"
        );
    }

    #[test]
    fn a_stay_names_its_nights_and_not_the_day_of_departure() {
        let told = |end| stay_in_words(&Stay { end, rooms: 2, ..STAY });
        assert_eq!(told(4), "hotel 0, room type 1, no night, day 4 only, 2 rooms");
        assert_eq!(told(5), "hotel 0, room type 1, night 4, 2 rooms");
        assert_eq!(told(7), "hotel 0, room type 1, night 4 to night 6 (3 nights), 2 rooms");
    }
}
