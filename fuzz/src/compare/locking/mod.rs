//! The locking lab, first version: the strategies side by side, over contention.
//!
//! Every cell is the same small chain; the same seeds and so the same wishes for every strategy.

mod measure;
mod workload;

pub use workload::Contention;

use crate::bookings::replay::quiet_network;
use crate::jury::Jury;
use measure::{Measurements, SharedMeasure};
use rehearsal_model::reservation::deploy::deploy;
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::knobs::{LockOrder, StrategyName};
use rehearsal_sim::{Ends, Settings, World};
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A strategy as the lab compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its name in the table.
    pub name: &'static str,
    /// The strategy.
    pub strategy: StrategyName,
    /// The order in which it locks.
    pub lock_order: LockOrder,
}

/// What is compared.
pub const CONTENDERS: [Contender; 7] = [
    Contender { name: "unprotected", strategy: StrategyName::Unprotected, lock_order: LockOrder::Sorted },
    Contender { name: "pessimistic", strategy: StrategyName::Pessimistic, lock_order: LockOrder::Sorted },
    Contender {
        name: "pessimistic-as-asked",
        strategy: StrategyName::Pessimistic,
        lock_order: LockOrder::AsAsked,
    },
    Contender { name: "optimistic", strategy: StrategyName::Optimistic, lock_order: LockOrder::Sorted },
    Contender { name: "constraint", strategy: StrategyName::Constraint, lock_order: LockOrder::Sorted },
    Contender { name: "conditional", strategy: StrategyName::Conditional, lock_order: LockOrder::Sorted },
    Contender { name: "single-writer", strategy: StrategyName::SingleWriter, lock_order: LockOrder::Sorted },
];

/// How many guests book at the same time.
pub const GUESTS: [u32; 4] = [1, 4, 16, 64];
/// How many room types they book.
pub const ROOM_TYPES: [u32; 2] = [1, 100];

/// One cell of the table. Times are virtual.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The contender's name.
    pub strategy: &'static str,
    /// Guests at the same time.
    pub guests: u32,
    /// Room types.
    pub room_types: u32,
    /// Reservations made, per second.
    pub bookings_per_second: f64,
    /// Tries that each reservation took, refusals' tries included.
    pub attempts_per_booking: f64,
    /// Median time from the click to the final answer, in milliseconds.
    pub p50_ms: f64,
    /// The same for the slowest of a hundred.
    pub p99_ms: f64,
    /// Deadlocks that the database broke.
    pub deadlocks: u64,
    /// Rooms sold beyond the limit, summed over nights.
    pub oversold_nights: u64,
    /// Reservations made.
    pub bookings: u64,
    /// Guests who were told "sold out".
    pub sold_out: u64,
    /// Guests who gave up at "busy".
    pub gave_up: u64,
}

/// Measures one cell over the seeds `0..seeds`.
pub fn measure(contender: &Contender, guests: u32, room_types: u32, seeds: u64) -> Cell {
    let mut total = Measurements::default();
    for seed in 0..seeds {
        total.add(&run(contender, Contention { guests, room_types, seed }));
    }
    let [p50_ms, p99_ms] = total.latencies.percentiles_ms([50, 99]);
    Cell {
        strategy: contender.name,
        guests,
        room_types,
        bookings_per_second: total.bookings as f64 / total.seconds,
        attempts_per_booking: total.tries() as f64 / total.bookings.max(1) as f64,
        p50_ms,
        p99_ms,
        deadlocks: total.deadlocks,
        oversold_nights: total.oversold_nights,
        bookings: total.bookings,
        sold_out: total.sold_out,
        gave_up: total.gave_up,
    }
}

fn run(contender: &Contender, contention: Contention) -> Measurements {
    let plan = Arc::new(workload::plan(contender, contention));
    let shared = SharedMeasure::new(plan.knobs.overbooking_percent);
    // No invariant watches: the unprotected strategy breaks them, and is to be measured all the same.
    let jury: Jury<Fact> = Jury::new(vec![Box::new(shared.clone())], Box::new(()), Box::new(|_, _| {}));
    let settings = Settings { network: quiet_network(), ..Settings::default() };
    let mut world = World::seeded(contention.seed, settings, Rc::new(RefCell::new(jury)));
    deploy(&mut world, &plan);
    let outcome = world.run(Ends::WithTheClients).expect("there are no faults");
    assert_eq!(outcome.violation, None, "a world without faults neither panics nor stalls");
    shared.finish(outcome.time)
}
