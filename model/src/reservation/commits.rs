//! From what the database reports to the facts of the chain: who booked, paid, canceled.

use super::facts::Fact;
use super::stay::{OrderState, Status};
use super::tables::{
    Tables, rate, read_inventory, read_night, read_order, read_order_state, read_owned, read_owner,
    read_reservation, read_step,
};
use crate::database::{Commit, Happening, LogPosition, RowChange};

/// The facts that a happening in the database is to the hotel chain.
pub fn of_database(happening: &Happening, observe: &mut dyn FnMut(Fact)) {
    match happening {
        Happening::Committed(commit) => of_commit(commit, observe),
        Happening::Recovered { through } => observe(Fact::Recovered { through: *through }),
        Happening::TornTailCut => observe(Fact::TornTailCut),
        Happening::LogCorrupt { offset } => observe(Fact::LogCorrupt { offset: *offset }),
        Happening::Written { commits } => observe(Fact::Written { commits: *commits }),
        Happening::Synced { commits } => observe(Fact::Synced { commits: *commits }),
        Happening::DeadlockBroken => observe(Fact::DeadlockBroken),
        Happening::LockTimedOut => observe(Fact::LockTimedOut),
        Happening::WaitedForLock => observe(Fact::WaitedForLock),
        Happening::Rechecked { matched } => observe(Fact::Rechecked { matched: *matched }),
        Happening::SessionEndedBySilence { open_transaction } => {
            observe(Fact::SessionEndedBySilence { open_transaction: *open_transaction });
        }
        Happening::OldTransactions { count } => observe(Fact::OldTransactions { count: *count }),
    }
}

fn of_commit(commit: &Commit, observe: &mut dyn FnMut(Fact)) {
    let position = commit.position;
    for change in &commit.changes {
        if change.table == Tables::INVENTORY {
            of_inventory(position, change, observe);
        } else if change.table == Tables::RATE {
            if let Some(row) = &change.after {
                let price = row[rate::PRICE].int().expect("a price is an integer");
                observe(Fact::RateSet { position, night: read_night(row), price });
            }
        } else if change.table == Tables::ORDERS {
            of_order(position, change, observe);
        } else if change.table == Tables::RESERVATION {
            of_reservation(position, change, observe);
        } else if change.table == Tables::STEP {
            let row = change.after.as_ref().or(change.before.as_ref()).expect("a change has a row");
            let (reservation, kind) = read_step(row);
            let step = change.after.as_ref().map(|_| kind);
            observe(Fact::StepSet { position, reservation, step });
        } else if change.table == Tables::OWNER {
            of_owner(position, change, observe);
        }
    }
    observe(Fact::Committed { position });
}

fn of_inventory(position: LogPosition, change: &RowChange, observe: &mut dyn FnMut(Fact)) {
    let Some(after) = &change.after else { return };
    let reserved_before = change.before.as_ref().map_or(0, |before| read_inventory(before).1);
    let (total_inventory, total_reserved, _) = read_inventory(after);
    let night = read_night(after);
    observe(Fact::InventorySet { position, night, total_inventory, reserved_before, total_reserved });
}

fn of_owner(position: LogPosition, change: &RowChange, observe: &mut dyn FnMut(Fact)) {
    // Before a writer has written, nobody owns anything.
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return };
    let (before, generation) = (read_owner(before), read_owner(after));
    observe(Fact::OwnerSet { position, room_type: read_owned(after), before, generation });
}

fn of_order(position: LogPosition, change: &RowChange, observe: &mut dyn FnMut(Fact)) {
    let Some(after) = &change.after else { return };
    let order = read_order(after);
    if change.before.is_none() {
        observe(Fact::OrderPlaced { position, order });
    }
    let state = read_order_state(after);
    if change.before.as_ref().map(|before| read_order_state(before)) != Some(state)
        && state != OrderState::Open
    {
        observe(Fact::OrderDecided { position, reservation: order.id, state });
    }
}

fn of_reservation(position: LogPosition, change: &RowChange, observe: &mut dyn FnMut(Fact)) {
    let before = change.before.as_ref().map(|row| read_reservation(row));
    let Some((order, status)) = change.after.as_ref().map(|row| read_reservation(row)) else {
        let (order, _) = before.expect("a change has a row");
        observe(Fact::Removed { position, reservation: order.id });
        return;
    };
    let reservation = order.id;
    let from = match before {
        None => {
            observe(Fact::Booked { position, order });
            Status::Pending
        }
        Some((_, from)) => from,
    };
    if from == status {
        return;
    }
    observe(match status {
        Status::Pending => Fact::Reopened { position, reservation, from },
        Status::Paid => Fact::Paid { position, reservation, from },
        Status::Rejected => Fact::Rejected { position, reservation, from },
        Status::Canceled => Fact::Canceled { position, reservation, from },
        Status::Refunded => Fact::Refunded { position, reservation, from },
    });
}
