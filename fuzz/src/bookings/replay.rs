//! A file of real bookings through the whole stack: guests, network, servers, database.
//!
//! No faults; the provider always pays, and no deadline expires. One after the other it must come to what the
//! strictly sequential [`reference`](super::reference) comes to; all bookings of a day at once, every invariant must
//! hold.

use super::capacity::{Capacities, CapacityScale, OVERBOOKING_PERCENT, peak_occupancy, scaled};
use super::reference::Replay;
use super::row::{BookingRow, RoomTypeOfHotel};
use super::schedule::schedule;
use super::tally::SharedTally;
use crate::jury::Jury;
use crate::systems::reservation::rules;
use rehearsal_env::Violation;
use rehearsal_invariants::reservation::monitors;
use rehearsal_model::reservation::crowd::{Calendar, CrowdBooking, CrowdDay};
use rehearsal_model::reservation::deploy::deploy_crowd;
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::knobs::{Knobs, LockOrder, StrategyName};
use rehearsal_model::reservation::plan::{Plan, Rooms, Wish};
use rehearsal_model::reservation::stay::Intent;
use rehearsal_sim::{Digest, Ends, NetworkSettings, Settings, Span, World};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// How a file is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayOptions {
    /// What capacities are multiplied with.
    pub scale: CapacityScale,
    /// How bookings take their nights.
    pub strategy: StrategyName,
    /// Whether each booking waits for the one before it; otherwise those of a day race.
    pub sequential: bool,
}

/// What a replay came to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The counters.
    pub counts: Replay,
    /// Every invariant that fired.
    pub violations: Vec<Violation>,
    /// Virtual time it took, in seconds.
    pub simulated_seconds: f64,
    /// Events handled.
    pub events: u64,
    /// Messages delivered.
    pub messages: u64,
    /// The hash of all that happened.
    pub digest: Digest,
}

/// Longer than any replay takes.
const NEVER: Span = Span::seconds(1_000_000_000);

/// Replays the rows through the simulated chain.
pub fn replay(rows: &[BookingRow], options: ReplayOptions) -> Replayed {
    let capacities = scaled(&peak_occupancy(rows), options.scale);
    let plan = Arc::new(plan(rows, &capacities, options.strategy));
    let calendar = Arc::new(calendar(rows, options.sequential));
    let at_once = calendar.bookings.iter().enumerate().filter(|(_, booking)| booking.canceled_at_once);
    let tally = SharedTally::new(at_once.map(|(index, _)| Intent(index as u64)).collect());
    let mut monitors = monitors(rules(&plan));
    monitors.push(Box::new(tally.clone()));
    let jury: Jury<Fact> = Jury::new(monitors, Box::new(()), Box::new(|_, _| {}));
    let jury = Rc::new(RefCell::new(jury));
    let settings = Settings { network: quiet_network(), ..Settings::default() };
    let mut world = World::seeded(1, settings, jury.clone());
    deploy_crowd(&mut world, &plan, &calendar);
    let outcome = world.run(Ends::WithTheClients).expect("there are no faults");
    let findings = jury.borrow_mut().verdict(outcome.time, outcome.violation);
    Replayed {
        counts: tally.counts(),
        violations: findings.violations,
        simulated_seconds: outcome.time.0 as f64 / 1e9,
        events: outcome.events,
        messages: outcome.messages,
        digest: outcome.digest,
    }
}

/// A data centre without faults.
pub(crate) fn quiet_network() -> NetworkSettings {
    NetworkSettings {
        latency_min: Span::micros(100),
        latency_max: Span::micros(300),
        ..NetworkSettings::default()
    }
}

fn plan(rows: &[BookingRow], capacities: &Capacities, strategy: StrategyName) -> Plan {
    let first_day = rows.iter().map(|row| row.night_days().start).min().unwrap_or(0);
    let last_day = rows.iter().map(|row| row.night_days().end).max().unwrap_or(0);
    let types: std::collections::BTreeSet<RoomTypeOfHotel> =
        rows.iter().map(BookingRow::room_type_of_hotel).collect();
    let rooms = types.into_iter().map(|of| Rooms {
        hotel: i64::from(of.hotel),
        kind: i64::from(of.room_type),
        rooms: capacities.get(&of).map_or(0, |rooms| *rooms as i64),
        price: 10_000,
        first_day: i64::from(first_day),
        days: i64::from(last_day - first_day).max(1),
    });
    Plan {
        knobs: patient(strategy),
        defects: Default::default(),
        servers: 3,
        brokers: 1,
        writers: 2,
        rooms: rooms.collect(),
        wishes: Vec::new(),
        rate_changes: Vec::new(),
    }
}

/// Settings under which nothing ever runs out.
fn patient(strategy: StrategyName) -> Knobs {
    Knobs {
        strategy,
        lock_order: LockOrder::Sorted,
        overbooking_percent: OVERBOOKING_PERCENT as i64,
        tries: 1_000_000,
        backoff: Span::millis(2),
        hold: NEVER,
        order_valid: NEVER,
        sweep: NEVER,
        deadlock_timeout: Span::seconds(1),
        lock_timeout: Span(0),
        resend: Span::seconds(5),
        silence: Span::seconds(3_600),
        patience: NEVER,
        payment_patience: NEVER,
        provider_refuses: 0,
        provider_late: 0,
        provider_late_max: Span(0),
        provider_twice: 0,
        provider_never: 0,
        provider_recovers: Span(0),
        writer_partitions: 2,
        writer_session: Span::seconds(60),
    }
}

fn calendar(rows: &[BookingRow], sequential: bool) -> Calendar {
    let bookings = rows.iter().map(|row| CrowdBooking {
        wish: wish(row),
        canceled_at_once: row.is_cancelled_same_day(),
        canceled_later: row.later_cancellation_day().is_some(),
    });
    let days = schedule(rows)
        .into_iter()
        .map(|day| CrowdDay { cancellations: day.cancellations, bookings: day.bookings });
    Calendar { bookings: bookings.collect(), days: days.collect(), one_after_the_other: sequential }
}

/// A booking of the file as a wish for one room.
pub(crate) fn wish(row: &BookingRow) -> Wish {
    let nights = row.night_days();
    Wish {
        guest: 0,
        at: Span(0),
        hotel: i64::from(row.hotel),
        kind: i64::from(row.room_type),
        start: i64::from(nights.start),
        end: i64::from(nights.end),
        rooms: 1,
        backwards: false,
        extra_clicks: 0,
        looks: false,
        impatient: false,
        cancel_after: None,
        history: false,
    }
}
