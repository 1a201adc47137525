//! The cores that can be searched, by name.

use super::choice::{Choice, Misfit};
use super::consensus::Consensus;
use super::core::{Core, Knob, Rule};
use super::group::Consumers;
use super::replication::Replication;
use super::search::{Found, Limits, Progress, Shortfall, Verdict, search};
use super::story;
use std::marker::PhantomData;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A core, whatever its states and steps are.
pub trait Explorable {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// What it is, in one line.
    fn summary(&self) -> &'static str;
    /// What can be chosen of it.
    fn knobs(&self) -> &'static [Knob];
    /// Its rules that can be removed.
    fn rules(&self) -> &'static [Rule];
    /// With what it is searched for the table of rules while all its rules stand.
    fn sound(&self) -> &'static [&'static [(&'static str, &'static str)]];
    /// Its page, with `{sound}` and `{rules}` where the tables belong.
    fn page(&self) -> &'static str;
    /// Its promises with what they say.
    fn promises(&self) -> Vec<(&'static str, &'static str)>;
    /// Searches it.
    ///
    /// # Errors
    /// A choice that does not fit.
    fn search(
        &self,
        choice: &Choice,
        limits: &Limits,
        interrupted: &AtomicBool,
        show: &mut dyn FnMut(Progress),
    ) -> Result<Found, Misfit>;
    /// Walks one path.
    ///
    /// # Errors
    /// A choice that does not fit.
    fn replay(&self, choice: &Choice, steps: &[String]) -> Result<Replayed, Misfit>;
}

/// What became of a path that was walked again.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// It was walked to its end.
    Walked(Box<Found>),
    /// This step is not possible where it stands; counted from 0.
    Impossible(usize),
}

/// All of them.
pub fn cores() -> Vec<Box<dyn Explorable>> {
    vec![of::<Replication>(), of::<Consumers>(), of::<Consensus>()]
}

/// A core of this type.
pub fn of<C: Core>() -> Box<dyn Explorable> {
    Box::new(Of::<C>(PhantomData))
}

/// The one of this name.
pub fn named(name: &str) -> Option<Box<dyn Explorable>> {
    cores().into_iter().find(|core| core.name() == name)
}

struct Of<C>(PhantomData<C>);

impl<C: Core> Of<C> {
    fn set_up(choice: &Choice) -> Result<C, Misfit> {
        let known = |name: &String| C::RULES.iter().any(|rule| rule.defect == *name);
        if let Some(name) = choice.defects.iter().find(|name| !known(name)) {
            let there = C::RULES.iter().map(|rule| rule.defect).collect::<Vec<_>>().join(", ");
            return Err(Misfit::Defect { name: name.clone(), there });
        }
        C::chosen(choice)
    }
}

impl<C: Core> Explorable for Of<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn summary(&self) -> &'static str {
        C::SUMMARY
    }

    fn knobs(&self) -> &'static [Knob] {
        C::KNOBS
    }

    fn rules(&self) -> &'static [Rule] {
        C::RULES
    }

    fn sound(&self) -> &'static [&'static [(&'static str, &'static str)]] {
        C::SOUND
    }

    fn page(&self) -> &'static str {
        C::PAGE
    }

    fn promises(&self) -> Vec<(&'static str, &'static str)> {
        C::PROMISES.iter().map(|promise| (promise.name, promise.says)).collect()
    }

    fn search(
        &self,
        choice: &Choice,
        limits: &Limits,
        interrupted: &AtomicBool,
        show: &mut dyn FnMut(Progress),
    ) -> Result<Found, Misfit> {
        Ok(search(Of::<C>::set_up(choice)?, limits, interrupted, show))
    }

    fn replay(&self, choice: &Choice, steps: &[String]) -> Result<Replayed, Misfit> {
        let core = Of::<C>::set_up(choice)?;
        let actions = match story::walk(&core, steps) {
            Ok(actions) => actions,
            Err(step) => return Ok(Replayed::Impossible(step)),
        };
        let verdict = match story::tell(&core, &actions, false) {
            Some(violation) => Verdict::Refuted(violation),
            None => Verdict::Inconclusive(Shortfall::OnePath),
        };
        let states = steps.len() as u64 + 1;
        Ok(Replayed::Walked(Box::new(Found {
            verdict,
            states,
            unique: states,
            depth: steps.len(),
            elapsed: Duration::ZERO,
            reached: Vec::new(),
            never: Vec::new(),
        })))
    }
}
