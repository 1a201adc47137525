//! What a search needs to know of a core.

use super::choice::{Choice, Misfit};
use std::fmt::Debug;
use std::hash::Hash;

/// A core of a system with what surrounds it, as a set of states and the steps between them.
///
/// The hash of a state decides what a search takes for the same state: it should leave out what cannot matter.
pub trait Core: Send + Sync + Sized + 'static {
    /// One state.
    type State: Clone + Debug + PartialEq + Hash + Send + Sync + 'static;
    /// One step.
    type Action: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// What it is called.
    const NAME: &'static str;
    /// What it is, in one line.
    const SUMMARY: &'static str;

    /// What can be chosen of it: how far a search goes, and settings.
    const KNOBS: &'static [Knob];
    /// Its rules that can be removed, to see what they are for.
    const RULES: &'static [Rule];
    /// With what it is searched for the table of rules while all its rules stand.
    const SOUND: &'static [&'static [(&'static str, &'static str)]];
    /// Its page: what it is, in Markdown, with `{sound}` and `{rules}` where the tables belong.
    const PAGE: &'static str;
    /// What must hold in every state. There is at least one.
    const PROMISES: &'static [Promise<Self>];
    /// What a search must have seen, or it has not searched what it should.
    const MARKERS: &'static [Marker<Self>];

    /// The core as it was chosen.
    ///
    /// # Errors
    /// A choice that does not fit.
    fn chosen(choice: &Choice) -> Result<Self, Misfit>;
    /// Where it begins.
    fn first(&self) -> Self::State;
    /// Everything that can happen next.
    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>);
    /// The state after a step that is possible.
    fn next(&self, state: &Self::State, action: &Self::Action) -> Self::State;

    /// A step in words; those that are possible in one state differ in them.
    fn label(action: &Self::Action) -> String;
    /// What else is to be told of a step: what came of it.
    fn consequences(&self, before: &Self::State, after: &Self::State) -> Vec<String>;
    /// A state in a few lines.
    fn picture(&self, state: &Self::State) -> Vec<String>;
}

/// Something that can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub says: &'static str,
    /// What it can be.
    pub values: Values,
}

impl Knob {
    /// One that is a number: where nothing is chosen, at least, and at most.
    pub const fn number(name: &'static str, says: &'static str, [default, least, most]: [u8; 3]) -> Knob {
        Knob { name, says, values: Values::Number { default, least, most } }
    }
}

/// The values of a knob.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// A whole number.
    Number {
        /// Where nothing is chosen.
        default: u8,
        /// At least this.
        least: u8,
        /// At most this.
        most: u8,
    },
    /// One of these words; the first where nothing is chosen.
    Word(&'static [&'static str]),
}

/// A rule that can be removed.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name of the known bug that has it no more.
    pub defect: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// In the table: with what else than the plain choice the search finds out what it is for.
    pub needs: &'static [(&'static str, &'static str)],
}

/// What must hold in every state.
pub struct Promise<C: Core> {
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Whether it holds.
    pub holds: fn(&C, &C::State) -> bool,
}

/// What a search must have seen.
pub struct Marker<C: Core> {
    /// What it is.
    pub name: &'static str,
    /// Whether a search with these bounds can see it.
    pub expected: fn(&C) -> bool,
    /// Whether it is to be seen here.
    pub seen: fn(&C, &C::State) -> bool,
}
