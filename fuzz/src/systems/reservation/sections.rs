//! The sections of a scenario that are the hotel chain's own, and what in them cannot be.

use crate::scenario::{Scenario, ScenarioError, list, typed, typed_beside};
use rehearsal_model::reservation::defects::{Defect, Defects};
use rehearsal_model::reservation::knobs::Knobs;
use rehearsal_model::reservation::plan::{Plan, RateChange, Rooms, Wish};
use rehearsal_sim::Span;
use serde::{Deserialize, Serialize};

/// The section `[topology]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topology {
    /// Reservation servers.
    pub(super) api: u32,
    /// Guests; the wishes say which of them do anything.
    pub(super) guests: u32,
    /// Brokers of the queue to the writers, under the strategy `single-writer`.
    pub(super) brokers: u32,
    /// Writers, under the same.
    pub(super) writers: u32,
}

/// What wishes and rooms are drawn with (`--set workload.…`); no part of the scenario, which lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    /// How many wishes there are.
    pub(super) wishes: u32,
    /// How many hotels.
    pub(super) hotels: u32,
    /// How many room types each has.
    pub(super) room_types: u32,
    /// How many days can be booked.
    pub(super) days: u32,
    /// The most rooms of a type.
    pub(super) most_rooms: u32,
    /// The time in which all wishes begin.
    pub(super) window: Span,
    /// Out of 100 wishes, how many come with double clicks.
    pub(super) double_clicks: u32,
    /// Out of 100 wishes, how many name their nights last to first.
    pub(super) backwards: u32,
    /// Whether anybody cancels.
    pub(super) cancels: bool,
    /// Whether guests come in groups that want the same.
    pub(super) groups: bool,
    /// How many prices change.
    pub(super) rate_changes: u32,
}

/// The section `[reservation]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Section {
    #[serde(flatten)]
    pub(super) knobs: Knobs,
    /// What can be booked.
    #[serde(default)]
    pub(super) rooms: Vec<Rooms>,
    /// What the guests will do.
    #[serde(default, rename = "wish")]
    pub(super) wishes: Vec<Wish>,
    /// Prices that change.
    #[serde(default, rename = "rate_change")]
    pub(super) rate_changes: Vec<RateChange>,
}

impl Workload {
    /// Refuses what cannot be drawn with.
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        for (key, value, most) in [
            ("hotels", self.hotels, 10_000),
            ("room_types", self.room_types, 10_000),
            ("days", self.days, 730),
            ("most_rooms", self.most_rooms, 1_000_000),
        ] {
            if !(1..=most).contains(&value) {
                let mend = format!("write 1 to {most}");
                return Err(ScenarioError::new(
                    format!("workload.{key}"),
                    format!("{value} cannot be"),
                    mend,
                ));
            }
        }
        for (key, share) in [("double_clicks", self.double_clicks), ("backwards", self.backwards)] {
            if share > 100 {
                let mend = "it counts wishes out of 100: write at most 100";
                return Err(ScenarioError::new(format!("workload.{key}"), "more than all wishes", mend));
            }
        }
        Ok(())
    }
}

impl Default for Topology {
    fn default() -> Self {
        Topology { api: 3, guests: 12, brokers: 1, writers: 2 }
    }
}

impl Topology {
    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        let Topology { api, guests, brokers, writers } = *self;
        for (key, value) in [("api", api), ("guests", guests), ("brokers", brokers), ("writers", writers)] {
            if !(1..=10_000).contains(&value) {
                let reason = format!("{value} cannot be");
                return Err(ScenarioError::new(format!("topology.{key}"), reason, "write 1 to 10000"));
            }
        }
        Ok(())
    }
}

/// Everything a deployment is started with, if the scenario makes sense.
pub(super) fn plan(scenario: &Scenario) -> Result<Plan, ScenarioError> {
    let topology: Topology = typed(&scenario.topology, "topology")?;
    topology.check()?;
    let section = read_section(&scenario.knobs)?;
    check_knobs(&section.knobs)?;
    check_rooms(&section.rooms)?;
    for (index, wish) in section.wishes.iter().enumerate() {
        check_wish(index, wish, &topology, &section.rooms)?;
    }
    for (index, change) in section.rate_changes.iter().enumerate() {
        let key = format!("reservation.rate_change[{index}]");
        let known = |rooms: &&Rooms| {
            let last = rooms.first_day + rooms.days;
            (rooms.hotel, rooms.kind) == (change.hotel, change.kind)
                && (rooms.first_day..last).contains(&change.date)
        };
        if !section.rooms.iter().any(|rooms| known(&rooms)) {
            return Err(ScenarioError::new(
                key,
                "there is no such night",
                "name a night of [[reservation.rooms]]",
            ));
        }
    }
    Ok(Plan {
        knobs: section.knobs,
        defects: Defects::of(scenario.defects.iter().filter_map(|name| Defect::named(name))),
        servers: topology.api,
        brokers: topology.brokers,
        writers: topology.writers,
        rooms: section.rooms,
        wishes: section.wishes,
        rate_changes: section.rate_changes,
    })
}

fn read_section(table: &toml::Table) -> Result<Section, ScenarioError> {
    let lists @ [rooms, wishes, rate_changes] = ["rooms", "wish", "rate_change"];
    Ok(Section {
        rooms: list(table, "reservation", rooms)?,
        wishes: list(table, "reservation", wishes)?,
        rate_changes: list(table, "reservation", rate_changes)?,
        knobs: typed_beside(table, "reservation", &lists)?,
    })
}

fn check_knobs(knobs: &Knobs) -> Result<(), ScenarioError> {
    let refuse = |key: &str, reason: &str, mend: &str| {
        Err(ScenarioError::new(format!("reservation.{key}"), reason.to_owned(), mend))
    };
    if !(0..=1_000).contains(&knobs.overbooking_percent) {
        return refuse("overbooking_percent", "it is out of range", "write 0 to 1000");
    }
    if knobs.tries == 0 {
        return refuse("tries", "a server that never tries never answers", "write at least 1");
    }
    if !(1..=1_000).contains(&knobs.writer_partitions) {
        return refuse("writer_partitions", "so many partitions cannot be", "write 1 to 1000");
    }
    for (key, span) in [
        ("hold", knobs.hold),
        ("order_valid", knobs.order_valid),
        ("sweep", knobs.sweep),
        ("deadlock_timeout", knobs.deadlock_timeout),
        ("resend", knobs.resend),
        ("silence", knobs.silence),
        ("patience", knobs.patience),
        ("payment_patience", knobs.payment_patience),
        ("writer_session", knobs.writer_session),
    ] {
        if span == Span(0) {
            return refuse(key, "a span of 0 leaves no time", "write a span, as \"500ms\"");
        }
    }
    for (key, share) in [
        ("provider_refuses", knobs.provider_refuses),
        ("provider_late", knobs.provider_late),
        ("provider_twice", knobs.provider_twice),
        ("provider_never", knobs.provider_never),
    ] {
        if share > 100 {
            return refuse(key, "more than all requests", "it counts requests out of 100: write at most 100");
        }
    }
    if knobs.provider_never == 100 {
        return refuse("provider_never", "no payment could ever end", "write at most 99");
    }
    Ok(())
}

fn check_rooms(rooms: &[Rooms]) -> Result<(), ScenarioError> {
    for (index, one) in rooms.iter().enumerate() {
        let key = format!("reservation.rooms[{index}]");
        let refuse = |reason: &str, mend: &str| Err(ScenarioError::new(key.clone(), reason, mend));
        if one.rooms < 0 || one.rooms > 1_000_000 {
            return refuse("so many rooms cannot be", "write 0 to 1000000");
        }
        if !(1..=100_000).contains(&one.days) {
            return refuse("so many days cannot be", "write 1 to 100000");
        }
        if !(0..=1_000_000_000).contains(&one.price) {
            return refuse("such a price cannot be", "write 0 to 1000000000 cents");
        }
        let same = |other: &Rooms| (other.hotel, other.kind) == (one.hotel, one.kind);
        if rooms[..index].iter().any(same) {
            return refuse("this room type is listed twice", "list each hotel and kind once");
        }
    }
    Ok(())
}

fn check_wish(index: usize, wish: &Wish, topology: &Topology, rooms: &[Rooms]) -> Result<(), ScenarioError> {
    let key = format!("reservation.wish[{index}]");
    let refuse = |reason: &str, mend: &str| Err(ScenarioError::new(key.clone(), reason, mend));
    if wish.guest >= topology.guests {
        return refuse("there is no such guest", "guests are 0 to topology.guests − 1");
    }
    if wish.rooms < 1 {
        return refuse("it asks for no room", "write at least 1");
    }
    if wish.end < wish.start {
        return refuse("the departure lies before the arrival", "let `end` be at least `start`");
    }
    if wish.extra_clicks > 100 {
        return refuse("so many clicks cannot be", "write at most 100");
    }
    if !rooms.iter().any(|rooms| (rooms.hotel, rooms.kind) == (wish.hotel, wish.kind)) {
        return refuse("there is no such room type", "name a hotel and kind of [[reservation.rooms]]");
    }
    Ok(())
}
