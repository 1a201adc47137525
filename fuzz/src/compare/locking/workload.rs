//! Guests who all want the same few nights.

use super::Contender;
use crate::draws::Draws;
use rehearsal_model::reservation::knobs::Knobs;
use rehearsal_model::reservation::plan::{Plan, Rooms, Wish};
use rehearsal_sim::Span;

/// Days that can be booked.
const DAYS: i64 = 6;
/// Nights of every stay.
const NIGHTS: i64 = 3;
/// When the guests begin: everybody else is up by then.
const OPENING: Span = Span::seconds(3);
/// Wishes of each guest, one after the other.
const WISHES: u32 = 12;

/// How much guests are in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contention {
    /// Guests at the same time.
    pub guests: u32,
    /// Room types, each as likely.
    pub room_types: u32,
    /// Which wishes exactly.
    pub seed: u64,
}

/// The same wishes for every contender.
pub(super) fn plan(contender: &Contender, contention: Contention) -> Plan {
    let Contention { guests, room_types, seed } = contention;
    let draws = Draws::of(seed);
    // Two thirds of what is asked for fit, so that the limit is reached.
    let asked = i64::from(guests * WISHES) * NIGHTS / i64::from(room_types);
    let rooms = (asked * 2 / 3 / DAYS).max(1);
    let rooms = (0..i64::from(room_types)).map(|kind| Rooms {
        hotel: 0,
        kind,
        rooms,
        price: 10_000,
        first_day: 0,
        days: DAYS,
    });
    let wishes = (0..guests).flat_map(|guest| (0..WISHES).map(move |number| (guest, number)));
    let wishes = wishes.map(|(guest, number)| {
        let mut draws = draws.part("wish", u64::from(guest) << 32 | u64::from(number));
        let start = draws.below((DAYS - NIGHTS + 1) as u64) as i64;
        Wish {
            guest,
            at: OPENING,
            hotel: 0,
            kind: draws.below(u64::from(room_types)) as i64,
            start,
            end: start + NIGHTS,
            rooms: 1,
            backwards: draws.percent(50),
            extra_clicks: 0,
            looks: false,
            impatient: false,
            cancel_after: None,
            history: false,
        }
    });
    Plan {
        knobs: Knobs {
            strategy: contender.strategy,
            lock_order: contender.lock_order,
            tries: 100,
            backoff: Span::millis(2),
            deadlock_timeout: Span::millis(50),
            patience: Span::seconds(600),
            hold: Span::seconds(3_600),
            sweep: Span::seconds(3_600),
            silence: Span::seconds(60),
            provider_refuses: 0,
            provider_late: 0,
            provider_twice: 0,
            provider_never: 0,
            ..Knobs::default()
        },
        defects: Default::default(),
        servers: 3,
        brokers: 3,
        writers: 2,
        rooms: rooms.collect(),
        wishes: wishes.collect(),
        rate_changes: Vec::new(),
    }
}
