//! The core of the coordination service's members, the very one that they run, under an exhaustive search.
//!
//! ```text
//!  member-0 ◀── votes, entries, answers ──▶ member-1, member-2      each with its disk
//! ```
//!
//! A step is one of [`Action`]. Members stand for election, beat, take proposals and reads at any time; messages are late
//! or lost; disks are late; members die and come back with what their disks kept.

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
use super::core::{Core, Knob, Marker, Promise, Rule};
use action::Action;
use rehearsal_model::queue::defects::{Defect, Defects};
use setup::{Bounds, Setup};
use state::State;

/// Members that agree on a log.
#[derive(Clone, Copy, Debug)]
pub struct Consensus {
    /// What is searched of it.
    pub setup: Setup,
}

impl Core for Consensus {
    type State = State;
    type Action = Action;

    const NAME: &'static str = "coordination-consensus";
    const SUMMARY: &'static str =
        "agreement of the coordination service's members on one log: elections, entries, reads, crashes";

    const KNOBS: &'static [Knob] = &[
        Knob::number("members", "members", [3, 1, 4]),
        Knob::number("terms", "terms", [2, 1, 7]),
        Knob::number("proposals", "proposals that leaders take in all", [1, 0, 7]),
        Knob::number("reads", "reads that leaders take in all", [0, 0, 7]),
        Knob::number("crashes", "crashes in all", [1, 0, 7]),
        Knob::number("messages", "messages on their way at once", [1, 0, 7]),
    ];
    const RULES: &'static [Rule] = rules::RULES;
    const SOUND: &'static [&'static [(&'static str, &'static str)]] = rules::SOUND;
    const PAGE: &'static str = include_str!("page.md");
    const PROMISES: &'static [Promise<Consensus>] = promises::PROMISES;
    const MARKERS: &'static [Marker<Consensus>] = markers::MARKERS;

    fn chosen(choice: &Choice) -> Result<Consensus, Misfit> {
        let number = |name| choice.number(name);
        let bounds = Bounds {
            members: number("members"),
            terms: number("terms"),
            proposals: number("proposals"),
            reads: number("reads"),
            crashes: number("crashes"),
            messages: number("messages"),
        };
        let defects = Defects::of(choice.defects.iter().filter_map(|name| Defect::named(name)));
        Ok(Consensus { setup: Setup { bounds, defects, reduced: choice.reduced } })
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
