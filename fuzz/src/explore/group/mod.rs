//! The cores of a consumer group, the very ones that brokers and consumers run, under an exhaustive search.
//!
//! ```text
//!  consumer-0     consumer-1                 each a Member, with what it is at
//!     │ join, sync, heartbeat, commit: late or given up
//!     ▼
//!  coordinator: a Group ─── writes ──▶ log ─── read by ──▶ the next coordinator
//! ```
//!
//! A step is one of [`Action`]. Members are silent, die and come back, work on as zombies; commits are late; writes are
//! late; other coordinators take over at any time, with what remains of the log.

pub mod action;
mod effect;
mod key;
mod markers;
pub mod promises;
mod rules;
pub mod setup;
pub mod state;
mod words;

use super::choice::{Choice, Misfit};
use super::core::{Core, Knob, Marker, Promise, Rule, Values};
use action::Action;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::group::CommitRule;
use setup::{Bounds, Setup};
use state::State;

/// A group of consumers and its coordinators.
#[derive(Clone, Copy, Debug)]
pub struct Consumers {
    /// What is searched of it.
    pub setup: Setup,
}

impl Core for Consumers {
    type State = State;
    type Action = Action;

    const NAME: &'static str = "queue-group";
    const SUMMARY: &'static str =
        "a consumer group: generations, owners, commits, zombies, and coordinators that follow one another";

    const KNOBS: &'static [Knob] = &[
        Knob::number("consumers", "consumers", [2, 1, 4]),
        Knob::number("partitions", "partitions", [2, 1, 4]),
        Knob::number("records", "records in each partition", [1, 1, 7]),
        Knob::number("generations", "generations of the group", [2, 1, 7]),
        Knob::number("deaths", "deaths of consumers in all", [1, 0, 7]),
        Knob::number("takeovers", "times that another coordinator takes over", [1, 0, 7]),
        Knob::number("silences", "sessions that end by silence in all", [1, 0, 7]),
        Knob::number("timeouts", "answers that are not waited for in all", [0, 0, 7]),
        Knob::number("messages", "late commits on their way at once", [1, 0, 7]),
        Knob {
            name: "delivery",
            says: "when consumers commit: after they process, or before",
            values: Values::Word(&["at-least-once", "at-most-once"]),
        },
        Knob {
            name: "deposed",
            says: "whether consumers may ask one where to go on that was replaced, and has not heard of it",
            values: Values::Word(&["forgotten", "asked"]),
        },
    ];
    const RULES: &'static [Rule] = rules::RULES;
    const SOUND: &'static [&'static [(&'static str, &'static str)]] = rules::SOUND;
    const PAGE: &'static str = include_str!("page.md");
    const PROMISES: &'static [Promise<Consumers>] = promises::PROMISES;
    const MARKERS: &'static [Marker<Consumers>] = markers::MARKERS;

    fn chosen(choice: &Choice) -> Result<Consumers, Misfit> {
        let number = |name| choice.number(name);
        let bounds = Bounds {
            consumers: number("consumers"),
            partitions: number("partitions"),
            records: number("records"),
            generations: number("generations"),
            deaths: number("deaths"),
            takeovers: number("takeovers"),
            silences: number("silences"),
            timeouts: number("timeouts"),
            messages: number("messages"),
        };
        let rule = match choice.word("delivery") {
            "at-most-once" => CommitRule::BeforeProcessing,
            _ => CommitRule::AfterProcessing,
        };
        let defects = Defects::of(choice.defects.iter().filter_map(|name| Defect::named(name)));
        let deposed_is_asked = choice.word("deposed") == "asked";
        Ok(Consumers { setup: Setup { bounds, rule, deposed_is_asked, defects, reduced: choice.reduced } })
    }

    fn first(&self) -> State {
        State::first(&self.setup)
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
