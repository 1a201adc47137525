//! What may go next, so that nothing becomes later than the bound.

use crate::Span;
use crate::decider::{Frontier, Next, ReadyTask};
use crate::upcoming::{Subject, Upcoming};
use rehearsal_env::{EventId, NodeId, Time};

/// An event or a ready task that may go next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// As an answer.
    pub next: Next,
    /// The event, or this wake of the task.
    pub id: EventId,
    /// Since when it could go, or from when it can.
    pub due: Time,
    /// Whose it is.
    pub subject: Subject,
    /// Where it happens; None for what the scenario does.
    pub node: Option<NodeId>,
}

/// Keeps the bound.
#[derive(Clone, Debug)]
pub struct Window {
    late: Span,
    /// The ready tasks, and since when they are.
    woke: Vec<(ReadyTask, Time)>,
    candidates: Vec<Candidate>,
}

impl Window {
    /// A window in which nothing is later than `late`.
    pub fn new(late: Span) -> Window {
        Window { late, woke: Vec::new(), candidates: Vec::new() }
    }

    /// All that may go now; at least one.
    pub fn open(&mut self, frontier: &Frontier<'_>) -> &[Candidate] {
        self.note_wakes(frontier);
        self.candidates.clear();
        for (index, (task, since)) in self.woke.iter().enumerate() {
            let (subject, node) = frontier.owner(task);
            self.candidates.push(Candidate {
                next: Next::Task(index),
                id: task.id,
                due: *since,
                subject,
                node,
            });
        }
        self.add_events(frontier);
        &self.candidates
    }

    /// It goes.
    pub fn goes(&mut self, next: Next) {
        if let Next::Task(index) = next {
            self.woke.remove(index);
        }
    }

    /// Brings the list of ready tasks up to date: some were taken away, and new ones stand at the end.
    fn note_wakes(&mut self, frontier: &Frontier<'_>) {
        let Window { woke, .. } = self;
        for (index, task) in frontier.ready.iter().enumerate() {
            match woke[index.min(woke.len())..].iter().position(|(known, _)| known == task) {
                Some(gone) => drop(woke.drain(index..index + gone)),
                None => {
                    woke.truncate(index);
                    woke.push((*task, frontier.now));
                }
            }
        }
        woke.truncate(frontier.ready.len());
    }

    /// Adds the events to whose times the clock may move: not past the time at which anything else would be too late.
    fn add_events(&mut self, frontier: &Frontier<'_>) {
        let latest = |due: Time| due.0.saturating_add(self.late.0);
        let Some((first, _)) = frontier.earliest().filter(|(first, _)| *first < frontier.until) else {
            return;
        };
        let tasks_wait = self.woke.iter().map(|(_, since)| latest(*since)).min().unwrap_or(u64::MAX);
        let bound = latest(first).min(tasks_wait).min(frontier.until.0 - 1);
        let mut punctual: Option<Candidate> = None;
        let candidates = &mut self.candidates;
        frontier.due_until(Time(bound), &mut |event| {
            let candidate = candidate(event);
            if event.kind.may_be_late() {
                candidates.push(candidate);
            } else if punctual.is_none_or(|first| before(&candidate, &first)) {
                punctual = Some(candidate);
            }
        });
        if let Some(punctual) = punctual {
            // What would come after it by time would make it late.
            candidates.retain(|other| matches!(other.next, Next::Task(_)) || before(other, &punctual));
            candidates.push(punctual);
        }
    }
}

fn candidate(event: Upcoming) -> Candidate {
    let Upcoming { due, id, subject, node, .. } = event;
    Candidate { next: Next::Event(id), id, due, subject, node }
}

fn before(one: &Candidate, other: &Candidate) -> bool {
    (one.due, one.id) < (other.due, other.id)
}
