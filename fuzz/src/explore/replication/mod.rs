//! The replica's core, the very one that a broker runs, under an exhaustive search.
//!
//! ```text
//!  broker-0        broker-1        broker-2         each a Replica, with its log and its disk
//!     │ ask, fetch    │                │
//!     └───────────────┴── late fetches ┘
//!            ▲ orders, late and newest only
//!       PartitionState of each epoch                the controller
//! ```
//!
//! A step is one of [`Action`]. Brokers die and come back with what their disks kept; orders are heard
//! late or never; fetches arrive when those who sent them have gone on; the controller elects anybody who may lead, and
//! takes anybody for dead, at any time.

pub mod action;
mod effect;
mod key;
mod markers;
mod matters;
pub mod promises;
mod rules;
pub mod setup;
pub mod state;
mod words;

use super::choice::{Choice, Misfit};
use super::core::{Core, Knob, Marker, Promise, Rule, Values};
use action::Action;
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::replica::{Flush, Settings};
use setup::{Bounds, Setup};
use state::State;

/// The replication of one partition.
#[derive(Clone, Copy, Debug)]
pub struct Replication {
    /// What is searched of it.
    pub setup: Setup,
    /// Who leads first. Who it is makes no difference but in names.
    pub leader: BrokerId,
}

impl Core for Replication {
    type State = State;
    type Action = Action;

    const NAME: &'static str = "queue-replica";
    const SUMMARY: &'static str =
        "in-sync replication of one partition: leaders, followers, the in-sync set, crashes";

    const KNOBS: &'static [Knob] = &[
        Knob::number("replicas", "brokers", [3, 1, 4]),
        Knob::number("slots", "records that a log can hold", [3, 1, 7]),
        Knob::number("records", "records that are appended in all", [3, 1, 14]),
        Knob::number("epochs", "leader epochs", [3, 1, 7]),
        Knob::number("crashes", "crashes in all", [1, 0, 7]),
        Knob::number(
            "changes",
            "changes of the in-sync set in all; 255: as many as there can be",
            [2, 0, 255],
        ),
        Knob::number("messages", "late messages on their way at once", [1, 0, 3]),
        Knob::number(
            "min_insync",
            "members that the set must have for anything to be acknowledged",
            [1, 1, 4],
        ),
        Knob {
            name: "flush",
            says: "when a record counts as held",
            values: Values::Word(&["before-ack", "background"]),
        },
    ];
    const RULES: &'static [Rule] = rules::RULES;
    const SOUND: &'static [&'static [(&'static str, &'static str)]] = rules::SOUND;
    const PAGE: &'static str = include_str!("page.md");
    const PROMISES: &'static [Promise<Replication>] = promises::PROMISES;
    const MARKERS: &'static [Marker<Replication>] = markers::MARKERS;

    fn chosen(choice: &Choice) -> Result<Replication, Misfit> {
        let number = |name| choice.number(name);
        let bounds = Bounds {
            replicas: number("replicas"),
            slots: number("slots"),
            records: number("records"),
            epochs: number("epochs"),
            crashes: number("crashes"),
            changes: number("changes"),
            messages: number("messages"),
        };
        let flush = if choice.word("flush") == "background" { Flush::Background } else { Flush::BeforeAck };
        let defects = Defects::of(choice.defects.iter().filter_map(|name| Defect::named(name)));
        let settings = Settings { flush, min_insync: usize::from(number("min_insync")), defects };
        let setup = Setup { bounds, settings, reduced: choice.reduced };
        Ok(Replication { setup, leader: BrokerId(0) })
    }

    fn first(&self) -> State {
        State::first(self.leader, &self.setup)
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.possible(&self.setup, actions);
    }

    fn next(&self, state: &State, action: &Action) -> State {
        state.after(action, &self.setup)
    }

    fn label(action: &Action) -> String {
        words::label(action)
    }

    fn consequences(&self, before: &State, after: &State) -> Vec<String> {
        words::consequences(before, after)
    }

    fn picture(&self, state: &State) -> Vec<String> {
        words::picture(state)
    }
}
