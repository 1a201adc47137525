//! Random priorities of links, tasks and disks, and a few points at which the highest becomes the lowest.
//!
//! A bug of depth d needs d orderings between steps. Among n subjects and k steps, one run with d − 1 points of change finds it
//! with a chance of at least 1 / (n · k^(d−1)), whatever else goes on: a stall of any length is one ordering, and so as likely as
//! a short one (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).

use super::searching::Order;
use super::window::Candidate;
use crate::mixing::{SALT, mix, scale};
use crate::upcoming::Subject;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Above the priorities of those that were lowered.
const NOT_LOWERED: u64 = 1 << 63;

/// The priorities and points of change of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PriorityChanges {
    seed: u64,
    steps: u64,
    /// At which steps whoever is to go becomes the lowest, and how low.
    changes: BTreeMap<u64, u64>,
    lowered: BTreeMap<Subject, u64>,
}

impl PriorityChanges {
    /// For bugs of this depth, in runs of about so many steps.
    pub fn new(seed: u64, depth: u32, steps: u64) -> PriorityChanges {
        let point = |number: u64| 1 + scale(mix(seed ^ SALT[5], number), steps.max(1));
        let changes = (1..u64::from(depth)).map(|rank| (point(rank), rank)).collect();
        PriorityChanges { seed, steps: 0, changes, lowered: BTreeMap::new() }
    }

    fn priority(&self, subject: Subject) -> u64 {
        let drawn = || mix(self.seed, subject.word()) | NOT_LOWERED;
        self.lowered.get(&subject).copied().unwrap_or_else(drawn)
    }

    /// The highest; of one subject, what is due first.
    fn highest(&self, candidates: &[Candidate]) -> usize {
        let rank = |candidate: &Candidate| {
            (self.priority(candidate.subject), Reverse(candidate.due), Reverse(candidate.id))
        };
        let highest = (0..candidates.len()).max_by_key(|index| rank(&candidates[*index]));
        highest.expect("something may go")
    }
}

impl Order for PriorityChanges {
    fn pick(&mut self, candidates: &[Candidate]) -> usize {
        let highest = self.highest(candidates);
        self.steps += 1;
        match self.changes.remove(&self.steps) {
            None => highest,
            Some(rank) => {
                self.lowered.insert(candidates[highest].subject, rank);
                self.highest(candidates)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Next;
    use rehearsal_env::{EventId, NodeId, Time};

    /// The next step of a subject that has done so many.
    fn step(subject: u32, done: u64) -> Candidate {
        let id = EventId(mix(u64::from(subject), done));
        let (subject, node) = (Subject::Task(subject, 0), Some(NodeId(subject)));
        Candidate { next: Next::Event(id), id, due: Time(done), subject, node }
    }

    /// Subjects with so many steps each, run to the end: whose step came when.
    fn run(mut order: PriorityChanges, steps: &[u64]) -> Vec<(u32, u64)> {
        let mut done = vec![0; steps.len()];
        let mut schedule = Vec::new();
        loop {
            let goes_on = (0..steps.len()).filter(|subject| done[*subject] < steps[*subject]);
            let candidates: Vec<Candidate> =
                goes_on.map(|subject| step(subject as u32, done[subject])).collect();
            if candidates.is_empty() {
                return schedule;
            }
            let Subject::Task(subject, _) = candidates[order.pick(&candidates)].subject else {
                unreachable!()
            };
            schedule.push((subject, done[subject as usize]));
            done[subject as usize] += 1;
        }
    }

    #[test]
    fn at_depth_one_everything_runs_strictly_by_priority() {
        let mut first = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let schedule = run(PriorityChanges::new(seed, 1, 15), &[5, 5, 5]);
            let subjects: Vec<u32> = schedule.iter().map(|(subject, _)| *subject).collect();
            for block in subjects.chunks(5) {
                assert!(block.iter().all(|subject| *subject == block[0]), "seed {seed}: {subjects:?}");
            }
            first.insert(subjects);
        }
        assert_eq!(first.len(), 6, "every order of three subjects comes up");
    }

    #[test]
    fn of_one_subject_what_is_due_first_goes_first() {
        let mut order = PriorityChanges::new(1, 1, 10);
        assert_eq!(order.pick(&[step(0, 7), step(0, 3), step(0, 9)]), 1);
    }

    /// How many of so many seeds give a schedule in which `found` holds.
    fn count(depth: u32, steps: &[u64], found: impl Fn(&dyn Fn(u32, u64) -> usize) -> bool) -> u64 {
        let total = steps.iter().sum();
        let finds = |seed: &u64| {
            let schedule = run(PriorityChanges::new(*seed, depth, total), steps);
            found(&|subject, number| {
                schedule.iter().position(|step| *step == (subject, number)).expect("every step is taken")
            })
        };
        (0..RUNS).filter(finds).count() as u64
    }

    const RUNS: u64 = 40_000;

    /// One run of so many, less a fifth, since the chance of the theorem is exact for some bugs.
    fn at_least(one_of: u64) -> u64 {
        RUNS / one_of * 4 / 5
    }

    #[test]
    fn a_bug_of_each_depth_is_found_with_at_least_the_chance_of_the_theorem() {
        // Depth 1: everything of one before anything of the other.
        let found = count(1, &[5, 5], |at| at(0, 4) < at(1, 0));
        assert!(found >= at_least(2), "{found}");
        // Depth 2: the other comes between two given steps, n = 2, k = 10: one run in 20.
        let found = count(2, &[5, 5], |at| at(0, 2) < at(1, 0) && at(1, 4) < at(0, 3));
        assert!(found >= at_least(20), "{found}");
        // Depth 3: and the first between two of the other's: one run in 200.
        let found = count(3, &[5, 5], |at| at(0, 2) < at(1, 0) && at(1, 1) < at(0, 3) && at(0, 3) < at(1, 2));
        assert!(found >= at_least(200), "{found}");
        // Fewer changes than the bug needs orderings cannot find it.
        assert_eq!(count(1, &[5, 5], |at| at(0, 2) < at(1, 0) && at(1, 4) < at(0, 3)), 0);
    }
}
