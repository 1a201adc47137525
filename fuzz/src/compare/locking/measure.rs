//! What a run of the lab came to, read from its facts.

use super::super::latencies::Latencies;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_invariants::Monitor;
use rehearsal_model::reservation::facts::{Answer, Attempt, Fact, Operation};
use rehearsal_model::reservation::stay::{Intent, Night, ReservationId, Stay, limit};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Sums over one or several runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Measurements {
    pub(super) seconds: f64,
    pub(super) bookings: u64,
    pub(super) sold_out: u64,
    pub(super) gave_up: u64,
    pub(super) retries: u64,
    pub(super) deadlocks: u64,
    pub(super) oversold_nights: u64,
    /// From the first click to the final answer.
    pub(super) latencies: Latencies,
}

impl Measurements {
    pub(super) fn add(&mut self, other: &Measurements) {
        self.seconds += other.seconds;
        self.bookings += other.bookings;
        self.sold_out += other.sold_out;
        self.gave_up += other.gave_up;
        self.retries += other.retries;
        self.deadlocks += other.deadlocks;
        self.oversold_nights += other.oversold_nights;
        self.latencies.add_all(&other.latencies);
    }

    /// Every booking, refusal and give-up took one try, and one more for each retry.
    pub(super) fn tries(&self) -> u64 {
        self.bookings + self.sold_out + self.gave_up + self.retries
    }
}

#[derive(Debug, Default)]
struct Measure {
    overbooking_percent: i64,
    /// When anybody first asked anything.
    begun: Option<Time>,
    asked: BTreeMap<Intent, Time>,
    live: BTreeMap<ReservationId, Stay>,
    rooms: BTreeMap<Night, i64>,
    sums: Measurements,
}

/// A measure that is read after the run.
#[derive(Clone, Debug)]
pub(super) struct SharedMeasure(Rc<RefCell<Measure>>);

impl SharedMeasure {
    pub(super) fn new(overbooking_percent: i64) -> SharedMeasure {
        SharedMeasure(Rc::new(RefCell::new(Measure { overbooking_percent, ..Measure::default() })))
    }

    /// The sums, with what is sold too often at the end.
    pub(super) fn finish(&self, end: Time) -> Measurements {
        let measure = self.0.borrow();
        let mut sold: BTreeMap<Night, i64> = BTreeMap::new();
        for stay in measure.live.values() {
            for night in stay.nights() {
                *sold.entry(night).or_default() += stay.rooms;
            }
        }
        let over = sold.iter().map(|(night, sold)| {
            let rooms = measure.rooms.get(night).copied().unwrap_or(0);
            (sold - limit(rooms, measure.overbooking_percent)).max(0) as u64
        });
        let took = end.since(measure.begun.unwrap_or(end));
        Measurements { oversold_nights: over.sum(), seconds: took.as_secs_f64(), ..measure.sums.clone() }
    }
}

impl Monitor<Fact> for SharedMeasure {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let measure = &mut *self.0.borrow_mut();
        if let Fact::Asked { .. } = fact {
            measure.begun.get_or_insert(stamp.time);
        }
        match fact {
            Fact::Asked { operation: Operation::Book, attempt: Attempt::First, intent, .. } => {
                measure.asked.insert(*intent, stamp.time);
            }
            Fact::Told { operation: Operation::Book, answer, intent, .. } => {
                measure.told(stamp, *intent, answer)
            }
            Fact::Settled { intent, .. } => {
                // Still there: the guest never got a final answer.
                measure.sums.gave_up += u64::from(measure.asked.remove(intent).is_some());
            }
            Fact::InventorySet { night, total_inventory, .. } => {
                measure.rooms.insert(*night, *total_inventory);
            }
            Fact::Booked { order, .. } => {
                measure.sums.bookings += 1;
                measure.live.insert(order.id, order.stay);
            }
            Fact::Canceled { reservation, .. } | Fact::Rejected { reservation, .. } => {
                measure.live.remove(reservation);
            }
            Fact::Retried { .. } => measure.sums.retries += 1,
            Fact::DeadlockBroken => measure.sums.deadlocks += 1,
            _ => {}
        }
        Ok(())
    }
}

impl Measure {
    fn told(&mut self, stamp: &Stamp, intent: Intent, answer: &Answer) {
        match answer {
            Answer::Booked => {}
            Answer::SoldOut => self.sums.sold_out += 1,
            _ => return,
        }
        if let Some(asked) = self.asked.remove(&intent) {
            self.sums.latencies.add(stamp.time.since(asked));
        }
    }
}
