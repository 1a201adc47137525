//! The plainest scenario of the hotel chain: one server, nobody who wishes anything, a provider that can be relied on.

use super::sections::Topology;
use crate::scenario::{Scenario, Schedule, VERSION};
use crate::system::Plain;
use rehearsal_model::reservation::knobs::Knobs;
use rehearsal_model::reservation::plan::{RateChange, Rooms, Wish};
use rehearsal_sim::{DiskSettings, NetworkSettings, Span};
use serde::Serialize;

pub(super) fn plain() -> Plain {
    let provider_that_can_be_relied_on = Knobs {
        provider_refuses: 0,
        provider_late: 0,
        provider_twice: 0,
        provider_never: 0,
        ..Knobs::default()
    };
    let mut knobs = table(&provider_that_can_be_relied_on);
    let nothing = items().into_iter().map(|(list, _)| (list, toml::Value::Array(Vec::new())));
    knobs.extend(nothing);
    let scenario = Scenario {
        version: VERSION,
        system: "reservation".to_owned(),
        seed: 0,
        storm: Span::seconds(20),
        calm: Span::seconds(30),
        rest: None,
        rarely: 0,
        beyond_promise: false,
        defects: Vec::new(),
        network: NetworkSettings::default(),
        disk: DiskSettings::default(),
        schedule: Schedule::default(),
        repro: None,
        topology: table(&Topology { api: 1, guests: 1, brokers: 1, writers: 2 }),
        knobs,
        faults: Vec::new(),
    };
    Plain { scenario, items: items(), fewer: Vec::new() }
}

/// A night in the only room for 100.00, wished for when everybody has started.
fn items() -> toml::Table {
    let rooms = Rooms { hotel: 0, kind: 0, rooms: 1, price: 10_000, first_day: 0, days: 1 };
    let wish = Wish {
        guest: 0,
        at: Span::millis(100),
        hotel: 0,
        kind: 0,
        start: 0,
        end: 1,
        rooms: 1,
        backwards: false,
        extra_clicks: 0,
        looks: false,
        impatient: false,
        cancel_after: None,
        history: false,
    };
    let change = RateChange { at: Span::millis(100), hotel: 0, kind: 0, date: 0, price: 20_000 };
    let named = [("rooms", table(&rooms)), ("wish", table(&wish)), ("rate_change", table(&change))];
    named.into_iter().map(|(name, item)| (name.to_owned(), toml::Value::Table(item))).collect()
}

fn table(value: &impl Serialize) -> toml::Table {
    toml::Table::try_from(value).expect("plain values are a table")
}
