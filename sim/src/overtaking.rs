//! What went before what it would plainly have gone after, and the same again.
//!
//! Plainly ready tasks go before events, in the order in which they woke, and events by time. Who is overtaken is known by
//! its cause, and with it the last that overtook it. If everything goes plainly but that nobody goes before the last that
//! overtook it, the order is the same again: whatever is plainly earlier than the one that went was overtaken by it, and so is
//! held back until then.

use crate::decider::{Frontier, Next, Question, ReadyTask, Site};
use crate::mixing::mix;
use rehearsal_env::{EventId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// How often each wake went. A task that is woken for nothing wakes with the same identity again.
#[derive(Default)]
struct Steps {
    counts: BTreeMap<EventId, u32>,
}

impl Steps {
    fn ordinal(&self, task: &ReadyTask) -> u32 {
        self.counts.get(&task.id).copied().unwrap_or(0)
    }

    /// The question after what this task goes.
    fn of_task(&self, task: &ReadyTask) -> Question {
        Question { ordinal: self.ordinal(task), ..of_event(task.id) }
    }

    /// One word for what goes: the event, or the wake with its number.
    fn goes(&mut self, frontier: &Frontier<'_>, next: Next) -> u64 {
        match next {
            Next::Event(id) => id.0,
            Next::Earliest => frontier.earliest().expect("something is pending").1.0,
            Next::Task(index) => {
                let task = &frontier.ready[index];
                let ordinal = self.ordinal(task);
                *self.counts.entry(task.id).or_default() += 1;
                if ordinal == 0 { task.id.0 } else { mix(task.id.0, u64::from(ordinal)) }
            }
        }
    }
}

/// The question after what this event goes.
fn of_event(id: EventId) -> Question {
    Question { cause: id.0, entity: 0, site: Site::After, ordinal: 0 }
}

/// Finds out who is overtaken.
#[derive(Default)]
pub(crate) struct Overtaking {
    steps: Steps,
}

impl Overtaking {
    /// Shows the question of everyone whom `next` overtakes, with the word of what overtakes it.
    pub(crate) fn goes(
        &mut self,
        frontier: &Frontier<'_>,
        next: Next,
        overtaken: &mut dyn FnMut(Question, u64),
    ) {
        let tasks = match next {
            Next::Task(index) => &frontier.ready[..index],
            Next::Earliest | Next::Event(_) => frontier.ready,
        };
        let mut passed: Vec<Question> = tasks.iter().map(|task| self.steps.of_task(task)).collect();
        if let Next::Event(id) = next {
            passed.extend(events_before(frontier, id).into_iter().map(of_event));
        }
        let word = self.steps.goes(frontier, next);
        passed.into_iter().for_each(|question| overtaken(question, word));
    }
}

/// The events that are plainly earlier than this one.
fn events_before(frontier: &Frontier<'_>, id: EventId) -> Vec<EventId> {
    if frontier.earliest().is_some_and(|(_, earliest)| earliest == id) {
        return Vec::new();
    }
    let mut pending: Vec<(Time, EventId)> = frontier.pending();
    pending.sort_unstable();
    let earlier = pending.into_iter().map(|(_, other)| other).take_while(|other| *other != id);
    earlier.collect()
}

/// Holds back what is to go after something else.
#[derive(Default)]
pub(crate) struct Held {
    after: BTreeMap<Question, u64>,
    /// What is waited for and has not gone.
    awaited: BTreeSet<u64>,
    steps: Steps,
}

impl Held {
    /// Each of these questions with the word of what goes before.
    pub(crate) fn new(after: BTreeMap<Question, u64>) -> Held {
        let awaited = after.values().copied().collect();
        Held { after, awaited, steps: Steps::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    fn holds(&self, question: Question, met: &mut dyn FnMut(Question)) -> bool {
        let Some(word) = self.after.get(&question) else { return false };
        met(question);
        self.awaited.contains(word)
    }

    /// What goes next: plainly, but for what is held back. `rank` is that of a ready task, the lowest first. Who waits for
    /// something that does not come goes when nothing else can; in the calm no event is held back.
    pub(crate) fn next(
        &mut self,
        frontier: &Frontier<'_>,
        rank: &dyn Fn(usize) -> u64,
        met: &mut dyn FnMut(Question),
    ) -> Next {
        let all = || 0..frontier.ready.len();
        let free: Vec<usize> =
            all().filter(|index| !self.holds(self.steps.of_task(&frontier.ready[*index]), met)).collect();
        let task = free.into_iter().min_by_key(|index| rank(*index));
        let event = || if frontier.stormy { self.first_free_event(frontier, met) } else { None };
        let next = task.map(Next::Task).or_else(event);
        let next = next.or_else(|| all().min_by_key(|index| rank(*index)).map(Next::Task));
        let next = next.unwrap_or(Next::Earliest);
        let word = self.steps.goes(frontier, next);
        self.awaited.remove(&word);
        next
    }

    fn first_free_event(&self, frontier: &Frontier<'_>, met: &mut dyn FnMut(Question)) -> Option<Next> {
        let (due, earliest) = frontier.earliest().filter(|(due, _)| *due < frontier.until)?;
        if !self.holds(of_event(earliest), met) {
            return Some(Next::Earliest);
        }
        let mut first: Option<(Time, EventId)> = None;
        for (time, id) in frontier.pending() {
            let is_first = first.is_none_or(|first| (time, id) < first) && time < frontier.until;
            if is_first && time >= due && !self.holds(of_event(id), met) {
                first = Some((time, id));
            }
        }
        first.map(|(_, id)| Next::Event(id))
    }
}
