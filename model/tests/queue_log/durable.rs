//! Up to where the log is durable, whatever was changed while the sync was under way.

use crate::words::{ONE_SEGMENT, Replica, SEGMENT_EACH, batch};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::log::{Retention, Ticket};
use rehearsal_model::queue::offset::Offset;

fn five_and_three() -> Replica {
    let mut replica = Replica::new(ONE_SEGMENT);
    replica.append(batch(0, 5, b"first"));
    replica.append(batch(5, 3, b"second"));
    replica
}

#[test]
fn nothing_is_durable_before_its_ticket_is() {
    let mut replica = five_and_three();
    assert_eq!(replica.log.persisted_end(), Offset(0));
    let ticket = replica.log.due_sync().ticket;
    replica.append(batch(8, 1, b"third"));
    replica.log.persisted(ticket);
    assert_eq!(replica.log.persisted_end(), Offset(8));
}

#[test]
fn a_sync_that_ends_after_a_cut_says_nothing_of_what_was_appended_in_its_place() {
    let mut replica = five_and_three();
    let ticket = replica.log.due_sync().ticket;
    replica.truncate(5);
    replica.append(batch(5, 3, b"other"));
    replica.log.persisted(ticket);
    assert_eq!(replica.log.persisted_end(), Offset(5));
    replica.log.persisted(replica.log.due_sync().ticket);
    assert_eq!(replica.log.persisted_end(), Offset(8));
}

#[test]
fn what_was_durable_is_so_no_more_once_it_is_cut_off() {
    let mut replica = five_and_three();
    replica.sync();
    replica.truncate(6);
    assert_eq!(replica.log.persisted_end(), Offset(5));
    replica.append(batch(5, 3, b"other"));
    assert_eq!(replica.log.persisted_end(), Offset(5));
}

#[test]
fn a_ticket_that_comes_late_takes_nothing_back() {
    let mut replica = five_and_three();
    let early = replica.log.due_sync().ticket;
    replica.append(batch(8, 1, b"third"));
    replica.sync();
    replica.log.persisted(early);
    assert_eq!(replica.log.persisted_end(), Offset(9));
}

#[test]
fn a_log_that_was_reset_is_durable_up_to_its_new_start_once_that_is_durable() {
    let mut replica = five_and_three();
    let before = replica.log.due_sync().ticket;
    replica.log.reset(Offset(4));
    let reset = replica.log.due_sync().ticket;
    replica.log.append(batch(4, 2, b"other"), 0);
    replica.log.persisted(before);
    assert_eq!(replica.log.persisted_end(), Offset(0), "a crash may still bring back what was there");
    replica.log.persisted(reset);
    assert_eq!(replica.log.persisted_end(), Offset(4));
}

#[test]
fn what_is_dropped_needs_to_be_durable_no_more() {
    let mut replica = Replica::with_batches(SEGMENT_EACH, 3);
    let before = replica.log.due_sync().ticket;
    let all = Retention { bytes: Some(0), ..Retention::default() };
    replica.log.expired(0, all, None, replica.log.end(), Defects::NONE);
    assert_eq!((replica.log.start(), replica.log.persisted_end()), (Offset(4), Offset(4)));
    replica.log.persisted(Ticket(1));
    assert_eq!(replica.log.persisted_end(), Offset(4));
    replica.log.persisted(before);
    assert_eq!(replica.log.persisted_end(), Offset(6));
}

#[test]
#[should_panic(expected = "was never given")]
fn a_ticket_that_was_never_given_is_refused() {
    let mut replica = five_and_three();
    let beyond = Ticket(replica.log.due_sync().ticket.0 + 1);
    replica.log.persisted(beyond);
}
