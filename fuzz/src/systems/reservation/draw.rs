//! What a seed stands for in the hotel chain: knobs, rooms, wishes, prices that change.
//!
//! Stays, fates and prices are drawn from the figures of real bookings. The chain is small and its rooms few, so
//! that guests meet; lead times are folded into the open calendar.

use super::sections::{Topology, Workload};
use crate::bookings::row::BookingRow;
use crate::draws::Draws;
use crate::swarm::Families;
use rehearsal_model::queue::deploy::broker_name;
use rehearsal_model::reservation::deploy::writer_name;
use rehearsal_model::reservation::figures::{Fate, HotelKind, Stay as DrawnStay, draw_stay};
use rehearsal_model::reservation::knobs::{Knobs, LockOrder, StrategyName};
use rehearsal_model::reservation::plan::{Plan, RateChange, Rooms, Wish};
use rehearsal_sim::{Blow, Fault, Span, Trigger};

/// The strategies that seeds choose among: those that are meant to hold. The one that is not here brings a whole queue
/// along, so fewer seeds have it.
const PROTECTED: [StrategyName; 4] = [
    StrategyName::Pessimistic,
    StrategyName::Optimistic,
    StrategyName::Constraint,
    StrategyName::Conditional,
];

/// What the workload is drawn with.
pub(super) fn workload(draws: &Draws) -> Workload {
    let mut draws = draws.part("workload", 0);
    Workload {
        wishes: draws.between(12, 22) as u32,
        hotels: draws.between(1, 2) as u32,
        room_types: draws.between(1, 2) as u32,
        days: draws.between(4, 14) as u32,
        most_rooms: *draws.pick(&[1, 2, 3, 5, 11]),
        window: draws.millis(2_000, 12_000),
        double_clicks: *draws.pick(&[0, 10, 40]),
        backwards: *draws.pick(&[0, 0, 50]),
        cancels: draws.percent(75),
        groups: draws.percent(60),
        rate_changes: *draws.pick(&[0, 0, 3, 8]),
    }
}

/// The settings.
pub(super) fn knobs(draws: &Draws, storm: Span) -> Knobs {
    let mut writers = draws.part("writers", 0);
    let mut draws = draws.part("knobs", 0);
    let lock_order = if draws.percent(25) { LockOrder::AsAsked } else { LockOrder::Sorted };
    // A deadlock is broken after this time, one victim at a time: what has many must break them soon.
    let longest_deadlock = if lock_order == LockOrder::AsAsked { 150 } else { 1_000 };
    let among_the_others = *draws.pick(&PROTECTED);
    Knobs {
        strategy: if writers.percent(8) { StrategyName::SingleWriter } else { among_the_others },
        lock_order,
        tries: draws.between(2, 8) as u32,
        backoff: draws.millis(1, 60),
        hold: draws.millis(3_000, 8_000),
        order_valid: if draws.percent(5) { draws.millis(200, 2_000) } else { Span::seconds(600) },
        sweep: draws.millis(1_000, 3_000),
        deadlock_timeout: draws.millis(50, longest_deadlock),
        lock_timeout: if draws.percent(20) { draws.millis(100, 2_000) } else { Span(0) },
        resend: draws.millis(200, 700),
        silence: draws.millis(2_000, 4_000),
        patience: draws.millis(500, 3_000),
        payment_patience: draws.millis(300, 1_500),
        provider_refuses: *draws.pick(&[0, 4, 20]),
        provider_late: *draws.pick(&[0, 10, 40]),
        provider_late_max: draws.millis(100, 6_000),
        provider_twice: *draws.pick(&[0, 10, 50]),
        provider_never: *draws.pick(&[0, 5, 30]),
        provider_recovers: storm,
        writer_partitions: writers.between(1, 3) as u32,
        writer_session: writers.millis(500, 2_000),
        ..Knobs::default()
    }
}

/// How many nodes there are: always the same, but for the brokers of a queue if there is one.
pub(super) fn topology(draws: &Draws, strategy: StrategyName) -> Topology {
    let brokers = if strategy == StrategyName::SingleWriter {
        *draws.part("brokers", 0).pick(&[1, 3])
    } else {
        Topology::default().brokers
    };
    Topology { brokers, ..Topology::default() }
}

/// Draws what befalls this writer, for so long if it lasts.
type Befall = fn(&mut Draws, String, Span, &Plan) -> Blow;

/// What befalls writers, and makes zombies of them: one that has just begun with a request stands still for so long that
/// another takes over; or it does not hear some broker, perhaps the one that would tell it that it is no longer the
/// owner, while others still give it requests; or it crashes.
pub(super) fn zombies(draws: &Draws, families: Families, plan: &Plan, storm: Span) -> Vec<Fault> {
    let mut kinds: Vec<Befall> = Vec::new();
    if families.pauses {
        kinds.push(stands_still);
    }
    if families.partitions {
        kinds.extend([hears_no_broker as Befall, hears_no_broker]);
    }
    if families.crashes {
        kinds.push(crashes);
    }
    let session = plan.knobs.writer_session.0 / 1_000_000;
    let longest = (storm.0 / 10 * 4 / 1_000_000).max(session + 1);
    let count = if kinds.is_empty() { 0 } else { 4 };
    let numbers = 0..count;
    numbers
        .map(|number| {
            let mut draws = draws.part("zombie", number);
            let node = writer_name(draws.below(u64::from(plan.writers)) as u32);
            let nth = draws.between(1, 30);
            let delay = Span::micros(*draws.pick(&[0, 100, 1_000, 10_000]) * draws.between(1, 9));
            let trigger = Trigger::On { fact: "WriteBegun".to_owned(), nth, delay };
            let lasts = draws.millis(session, longest);
            Fault { trigger, blow: draws.pick(&kinds)(&mut draws, node, lasts, plan) }
        })
        .collect()
}

fn stands_still(_: &mut Draws, node: String, lasts: Span, _: &Plan) -> Blow {
    Blow::Pause { node, lasts }
}

fn hears_no_broker(draws: &mut Draws, node: String, heal_after: Span, plan: &Plan) -> Blow {
    // Brokers begin to lead partitions in turn, that of the group last.
    let of_the_group = plan.knobs.writer_partitions % plan.brokers;
    let any = draws.below(u64::from(plan.brokers)) as u32;
    let only = if draws.percent(70) { of_the_group } else { any };
    let all = draws.percent(20);
    let cut_off = (0..plan.brokers).filter(|number| all || *number == only);
    Blow::Partition { from: vec![node], to: cut_off.map(broker_name).collect(), one_way: false, heal_after }
}

fn crashes(draws: &mut Draws, node: String, _: Span, _: &Plan) -> Blow {
    Blow::Crash { node, restart_after: draws.millis(10, 3_000) }
}

/// What can be booked.
pub(super) fn rooms(draws: &Draws, workload: &Workload) -> Vec<Rooms> {
    let types = (0..i64::from(workload.hotels))
        .flat_map(|hotel| (0..i64::from(workload.room_types)).map(move |kind| (hotel, kind)));
    types
        .map(|(hotel, kind)| {
            let mut draws = draws.part("rooms", (hotel * 1_000 + kind) as u64);
            let price = draw(&mut draws, hotel).price_cents;
            let rooms = draws.between(1, u64::from(workload.most_rooms)) as i64;
            let days = i64::from(workload.days);
            Rooms { hotel, kind, rooms, price: i64::from(price).max(1), first_day: 0, days }
        })
        .collect()
}

/// A booking as real guests make them, in a city hotel or, for the odd numbers, a resort.
fn draw(draws: &mut Draws, hotel: i64) -> DrawnStay {
    let kind = if hotel % 2 == 0 { HotelKind::City } else { HotelKind::Resort };
    draw_stay(kind, &mut |bound| draws.below(bound))
}

/// What the guests will do. A group wishes the same at the same moment, as groups do.
pub(super) fn wishes(draws: &Draws, topology: &Topology, workload: &Workload) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    for number in 0..u64::from(workload.wishes) {
        let mut draws = draws.part("wish", number);
        let wish = wish(&mut draws, topology, workload);
        let together = workload.groups && draws.percent(50);
        wishes.push(match wishes.last() {
            Some(before) if together => Wish { guest: wish.guest, ..*before },
            _ => wish,
        });
    }
    wishes
}

fn wish(draws: &mut Draws, topology: &Topology, workload: &Workload) -> Wish {
    let guest = draws.below(u64::from(topology.guests)) as u32;
    let hotel = draws.below(u64::from(workload.hotels)) as i64;
    let drawn = draw(draws, hotel);
    let days = i64::from(workload.days);
    let nights = i64::from(drawn.nights).min(days);
    let start = i64::from(drawn.lead_days) % (days - nights + 1);
    let cancels = workload.cancels && matches!(drawn.fate, Fate::Cancels { .. });
    Wish {
        guest,
        at: Span::millis(draws.between(0, workload.window.0 / 1_000_000)),
        hotel,
        kind: i64::from(drawn.room_type) % i64::from(workload.room_types),
        start,
        end: start + nights,
        rooms: 1 + i64::from(draws.percent(10)),
        backwards: draws.below(100) < u64::from(workload.backwards),
        extra_clicks: if draws.below(100) < u64::from(workload.double_clicks) {
            draws.between(1, 2) as u32
        } else {
            0
        },
        looks: draws.percent(40),
        impatient: cancels && draws.percent(30),
        cancel_after: cancels.then(|| draws.millis(10, 3_000)),
        history: draws.percent(30),
    }
}

/// What the guests will do, from consecutive bookings of a file that begin where the seed says. Those of one day
/// begin together, and groups stay groups; hotels, room types and days are folded into the small chain.
pub(super) fn wishes_of(
    rows: &[BookingRow],
    draws: &Draws,
    topology: &Topology,
    workload: &Workload,
) -> Vec<Wish> {
    let count = rows.len().min(workload.wishes as usize);
    let first = draws.part("first-booking", 0).below((rows.len() - count + 1) as u64) as usize;
    let rows = &rows[first..first + count];
    let days = rows.last().map_or(0, |last| last.booking_day - rows[0].booking_day) as u64 + 1;
    let numbered = rows.iter().enumerate();
    numbered
        .map(|(number, row)| {
            let mut draws = draws.part("booking", (first + number) as u64);
            let day = (row.booking_day - rows[0].booking_day) as u64;
            let at = Span(workload.window.0 / days * day);
            wish_of(row, &mut draws, at, topology, workload)
        })
        .collect()
}

fn wish_of(row: &BookingRow, draws: &mut Draws, at: Span, topology: &Topology, workload: &Workload) -> Wish {
    let calendar = i64::from(workload.days);
    let nights = i64::from(row.nights).min(calendar);
    let start = i64::from(row.lead_days) % (calendar - nights + 1);
    let cancel_after = match (row.is_cancelled_same_day(), row.later_cancellation_day()) {
        (true, _) => Some(Span::millis(0)),
        (false, Some(_)) => Some(draws.millis(10, 3_000)),
        (false, None) => None,
    };
    Wish {
        guest: draws.below(u64::from(topology.guests)) as u32,
        at,
        hotel: i64::from(row.hotel) % i64::from(workload.hotels),
        kind: i64::from(row.room_type) % i64::from(workload.room_types),
        start,
        end: start + nights,
        rooms: 1,
        backwards: draws.below(100) < u64::from(workload.backwards),
        extra_clicks: u32::from(draws.below(100) < u64::from(workload.double_clicks)),
        looks: draws.percent(40),
        impatient: cancel_after.is_some() && draws.percent(30),
        cancel_after,
        history: draws.percent(30),
    }
}

/// Prices that change while guests book.
pub(super) fn rate_changes(draws: &Draws, workload: &Workload, rooms: &[Rooms]) -> Vec<RateChange> {
    let mut changes: Vec<RateChange> = (0..u64::from(workload.rate_changes))
        .map(|number| {
            let mut draws = draws.part("rate-change", number);
            let Rooms { hotel, kind, price, .. } = *draws.pick(rooms);
            let date = draws.below(u64::from(workload.days)) as i64;
            let at = Span::millis(draws.between(0, workload.window.0 / 1_000_000));
            RateChange { at, hotel, kind, date, price: price + draws.between(1, 5_000) as i64 }
        })
        .collect();
    changes.sort_by_key(|change| change.at);
    changes
}
