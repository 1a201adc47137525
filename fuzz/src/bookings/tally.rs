//! What a replay through the whole stack came to, read from its facts alone.

use super::reference::Replay;
use rehearsal_env::{Stamp, Violation};
use rehearsal_invariants::Monitor;
use rehearsal_model::reservation::facts::{Answer, Fact, Operation};
use rehearsal_model::reservation::stay::{Intent, Night, ReservationId, Stay};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Counts accepted, refused and canceled bookings, and keeps the inventory as the database left it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Bookings that are canceled on their own day: they touch no key.
    canceled_at_once: BTreeSet<Intent>,
    intents: BTreeMap<ReservationId, Intent>,
    stays: BTreeMap<ReservationId, Stay>,
    touched: BTreeSet<Night>,
    inventory: BTreeMap<Night, (i64, i64)>,
    counts: Replay,
}

/// A tally that is read after the run.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedTally(Rc<RefCell<Tally>>);

impl SharedTally {
    pub(super) fn new(canceled_at_once: BTreeSet<Intent>) -> SharedTally {
        SharedTally(Rc::new(RefCell::new(Tally { canceled_at_once, ..Tally::default() })))
    }

    /// The counters, when the run is over.
    pub(super) fn counts(&self) -> Replay {
        let tally = self.0.borrow();
        let nights = tally.inventory.values();
        let (taken, above) = nights.fold((0, 0), |(taken, above), (rooms, reserved)| {
            (taken + reserved, above + (reserved - rooms).max(0))
        });
        Replay {
            final_room_nights: taken as u64,
            keys_touched: tally.touched.len() as u64,
            room_nights_above_physical_capacity_at_end: above as u64,
            ..tally.counts
        }
    }
}

impl Monitor<Fact> for SharedTally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn witness(&mut self, _stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let tally = &mut *self.0.borrow_mut();
        match fact {
            Fact::Asked { intent, reservation: Some(id), operation: Operation::Book, .. } => {
                tally.intents.insert(*id, *intent);
            }
            Fact::Told { operation: Operation::Book, answer: Answer::SoldOut, .. } => {
                tally.counts.refused += 1
            }
            Fact::Booked { order, .. } => tally.accept(order.id, order.stay),
            Fact::Canceled { reservation, .. } => tally.cancel(*reservation),
            Fact::InventorySet { night, total_inventory, total_reserved, .. } => {
                tally.inventory.insert(*night, (*total_inventory, *total_reserved));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Tally {
    fn at_once(&self, id: ReservationId) -> bool {
        self.intents.get(&id).is_some_and(|intent| self.canceled_at_once.contains(intent))
    }

    fn accept(&mut self, id: ReservationId, stay: Stay) {
        self.counts.accepted += 1;
        self.counts.accepted_room_nights += (stay.length() * stay.rooms) as u64;
        if !self.at_once(id) {
            self.touched.extend(stay.nights());
        }
        self.stays.insert(id, stay);
    }

    fn cancel(&mut self, id: ReservationId) {
        if self.at_once(id) {
            self.counts.cancelled_same_day += 1;
        } else {
            self.counts.cancelled_later += 1;
        }
    }
}
