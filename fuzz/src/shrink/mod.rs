//! Shrinking: from a failing scenario to a small one that fails for the same reason.
//!
//! A scenario is data, so it is made smaller as data: whole families of faults go, then single faults, guests, requests,
//! nodes; knobs go back to plain, times to round ones. [`Shrinker`] proposes such scenarios one after the other and is
//! told of each whether it still fails; it runs nothing but the scenarios whose decisions it has to know. [`Search`] is
//! the loop around it.
//!
//! ```text
//!            ┌────────────── propose ◀─────────────┐
//!  failing   │  a pass's edit of the smallest so far│     nothing helps with any of a few seeds
//!  scenario ─┤            run it                    ├───▶ keep the decisions that matter, drop the rest ──▶ repro
//!            └── answer: fails ▶ it is the smallest ┘     (plain schedule + deviations)
//! ```
//!
//! Passes are repeated until none helps. A scenario in which something was left out may hold only because its draws fell
//! otherwise, so later rounds try every edit with a few other seeds too. All of it is deterministic, and
//! [`Position`] says how far it has come, so that it can be taken up again.

mod passes;
mod search;
mod simpler;
mod size;

pub use search::{Progress, Search, ShrinkError, Shrunk, target};
pub use size::Size;

use crate::repro::{Position, Stage};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::system::{Plain, System, Watch};
use passes::{Edit, PASSES, Pass};
use rehearsal_env::Time;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A scenario with more deviations than this explains less than a seed does.
const MOST_DEVIATIONS: usize = 12;
/// With how many other seeds an edit is tried, round by round.
const OTHER_SEEDS: [u64; 3] = [0, 4, 24];
/// With how many of them at most what makes things plainer is tried.
const FEW_SEEDS: u64 = 4;
/// What leaves something out may take so many times as many events to fail as the smallest; then it is given up.
const PATIENCE: u64 = 2;
/// … and so many more.
const LEEWAY: u64 = 1_000;

/// What trying a proposal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It did not fail within the events that it was given, or for another reason.
    Held,
    /// It failed likewise, after so many events.
    Failed {
        /// How many events were handled before the violation; 0 where nobody counts.
        events: u64,
        /// When that was; a proposal may be given up for not having failed by some time after that of the smallest.
        at: Time,
    },
}

/// Proposes smaller scenarios.
pub struct Shrinker<'a> {
    system: &'a dyn System,
    plain: Plain,
    smallest: Scenario,
    /// Before the violation of the smallest.
    events: u64,
    /// When the smallest fails.
    at: Time,
    position: Position,
    /// The edits of the present pass, for the smallest as it is.
    edits: Option<Vec<Edit>>,
    proposed: Option<Scenario>,
    /// What held, by its word and seed, and for how many events that is known: to try it again would only take time.
    held: BTreeMap<(u64, u64), u64>,
}

impl<'a> Shrinker<'a> {
    /// Shrinks a scenario that fails after so many events, at that time; from the beginning, or from where it was stopped. What is
    /// known of it as a repro is no part of what is shrunk.
    pub fn new(system: &'a dyn System, mut failing: Scenario, events: u64, at: Time) -> Shrinker<'a> {
        let stopped_at = failing.repro.take().and_then(|repro| repro.shrinking);
        let is_a_place = |at: &Position| at.pass < PASSES.len() && at.round < OTHER_SEEDS.len();
        let drawn =
            Some(&failing.schedule).filter(|schedule| schedule.is_drawn()).cloned().unwrap_or_default();
        let beginning = || Position { drawn, ..Position::default() };
        let position = stopped_at.filter(is_a_place).unwrap_or_else(beginning);
        let (plain, edits, proposed, held) = (system.plain(), None, None, BTreeMap::new());
        Shrinker { system, plain, smallest: failing, events, at, position, edits, proposed, held }
    }

    /// The smallest failing scenario so far.
    pub fn smallest(&self) -> &Scenario {
        &self.smallest
    }

    /// How many events it takes to fail.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When it fails.
    pub fn at(&self) -> Time {
        self.at
    }

    /// After how many events a proposal may be given up: it would not be taken if it failed later. The more of them are needed by
    /// what is the smallest, the longer what leaves something out is waited for.
    pub fn most_events(&self) -> u64 {
        match self.events {
            0 => u64::MAX,
            events => self.pass().most_events(events).min(events * PATIENCE + LEEWAY),
        }
    }

    /// How far it has come.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The scenario that was proposed and is not answered yet.
    pub fn proposed(&self) -> Option<&Scenario> {
        self.proposed.as_ref()
    }

    /// The next scenario to be tried; None when nothing is left to try. [`answer`](Shrinker::answer) comes before the
    /// next one.
    pub fn propose(&mut self) -> Option<&Scenario> {
        self.proposed = None;
        while self.position.stage != Stage::Done {
            let Some(candidate) = self.candidate() else {
                self.next_pass();
                continue;
            };
            if self.is_worth_trying(&candidate) {
                return Some(self.proposed.insert(candidate));
            }
            self.position.cursor += 1;
        }
        None
    }

    /// Tells what became of the scenario proposed last; whether it is the smallest now.
    pub fn answer(&mut self, tried: Tried) -> bool {
        let Some(candidate) = self.proposed.take() else { return false };
        let within = self.most_events();
        match tried {
            Tried::Failed { events, at } if events <= self.pass().most_events(self.events) => {
                // The edits after this one are as many as before, or fewer.
                let variants = self.variants();
                self.position.cursor -= self.position.cursor % variants;
                self.position.improved |= self.is_worth_another_round(events);
                self.position.behind.insert(short(word(&self.smallest)));
                if at > self.at {
                    // What was given up may be given the time to fail now.
                    self.held.clear();
                }
                (self.smallest, self.events, self.at, self.edits) = (candidate, events, at, None);
                true
            }
            Tried::Failed { .. } | Tried::Held => {
                self.held.insert((word(&candidate), candidate.seed), within);
                self.position.cursor += 1;
                false
            }
        }
    }

    /// What is only plainer is no reason to try everything again before other seeds were tried.
    fn is_worth_another_round(&self, events: u64) -> bool {
        let is_last = self.position.round + 1 == OTHER_SEEDS.len();
        is_last || self.pass().takes_away() || events <= Pass::Seeds.most_events(self.events)
    }

    fn pass(&self) -> Pass {
        PASSES[self.position.pass]
    }

    /// In how many ways every edit is tried: as things are; with other seeds; where something is left out, also with
    /// decisions drawn from other seeds in place of plain ones.
    fn variants(&self) -> u64 {
        let seeds = self.other_seeds();
        match self.position.stage {
            Stage::Structure if self.pass().leaves_out() => 1 + 2 * seeds,
            Stage::Structure if self.pass().may_change_seed() => 1 + seeds,
            _ => 1,
        }
    }

    /// Many only for what takes something away; a knob may say how much there is of something.
    fn other_seeds(&self) -> u64 {
        let is_much = self.pass().takes_away() || self.pass() == Pass::Knobs;
        let most = if is_much { u64::MAX } else { FEW_SEEDS };
        OTHER_SEEDS[self.position.round].min(most)
    }

    /// Makes the candidate the variant of this number.
    fn vary(&self, candidate: &mut Scenario, variant: u64) {
        let seeds = self.other_seeds();
        match variant {
            0 => {}
            _ if variant <= seeds => candidate.seed = variant - 1,
            _ => {
                candidate.seed = variant - seeds - 1;
                candidate.schedule = self.position.drawn.clone();
            }
        }
    }

    fn is_in_pass(&self) -> bool {
        // Nothing takes fewer than no events, nor does anything where nobody counts.
        if self.events == 0 && self.pass().needs_fewer_events() {
            return false;
        }
        match self.position.stage {
            Stage::Structure | Stage::Polish => !self.pass().is_about_decisions(),
            Stage::Decisions => self.pass().is_about_decisions(),
            Stage::Done => false,
        }
    }

    /// The scenario at the cursor; None at the end of the pass.
    fn candidate(&mut self) -> Option<Scenario> {
        if !self.is_in_pass() {
            return None;
        }
        let variants = self.variants();
        let edits = match self.edits.take() {
            Some(edits) => edits,
            None => self.pass().edits(self.system, &self.plain, &self.smallest, self.at),
        };
        let edit = edits.get((self.position.cursor / variants) as usize);
        let candidate = edit.map(|edit| {
            let mut candidate = self.smallest.clone();
            edit(&mut candidate);
            self.vary(&mut candidate, self.position.cursor % variants);
            candidate
        });
        self.edits = Some(edits);
        candidate
    }

    /// Whether it is another scenario than the smallest, makes sense, and was not tried before.
    fn is_worth_trying(&self, candidate: &Scenario) -> bool {
        let Scenario { seed, ref schedule, .. } = self.smallest;
        // Another seed or schedule alone is no step: it only varies one.
        let schedule = if self.pass().leaves_out() { schedule } else { &candidate.schedule };
        let is_step = || Scenario { seed, schedule: schedule.clone(), ..candidate.clone() } != self.smallest;
        let differs = if self.pass().is_about_seeds() { candidate.seed != seed } else { is_step() };
        if !differs {
            return false;
        }
        let word = word(candidate);
        let undoes = !self.pass().is_about_seeds() && self.position.behind.contains(&short(word));
        let held =
            || self.held.get(&(word, candidate.seed)).is_some_and(|within| *within >= self.most_events());
        !undoes && !held() && self.system.check(candidate).is_ok()
    }

    fn next_pass(&mut self) {
        self.edits = None;
        let position = &mut self.position;
        (position.pass, position.cursor) = (position.pass + 1, 0);
        if position.pass < PASSES.len() {
            return;
        }
        position.pass = 0;
        if std::mem::take(&mut position.improved) {
            return;
        }
        match position.stage {
            Stage::Structure if position.round + 1 < OTHER_SEEDS.len() => position.round += 1,
            Stage::Structure if self.smallest.schedule.plain => position.stage = Stage::Done,
            Stage::Structure => self.keep_decisions(),
            Stage::Decisions => self.judge_decisions(),
            Stage::Polish | Stage::Done => position.stage = Stage::Done,
        }
    }

    /// Writes down every decision of the smallest scenario that is not plain: the same run, told otherwise. Where it is
    /// not the same, since the system depends on more than its scenario, the decisions stay with the seed.
    fn keep_decisions(&mut self) {
        let run = |scenario: &Scenario, watch| self.system.run(scenario, watch).ok();
        let noted = run(&self.smallest, Watch { decisions: true, ..Watch::default() });
        let told = noted.and_then(|noted| {
            let schedule = Schedule { deviations: noted.deviations, ..Schedule::plain() };
            let told = Scenario { schedule, ..self.smallest.clone() };
            let again = run(&told, Watch::default())?;
            (again.digest == noted.digest).then_some(told)
        });
        self.position.stage = if told.is_some() { Stage::Decisions } else { Stage::Done };
        self.smallest = told.unwrap_or_else(|| self.smallest.clone());
    }

    /// Keeps the decisions if they are few; a seed says as much in a word.
    fn judge_decisions(&mut self) {
        self.position.stage = Stage::Polish;
        if self.smallest.schedule.deviations.len() > MOST_DEVIATIONS {
            self.smallest.schedule = self.position.drawn.clone();
            self.position.stage = Stage::Done;
        }
    }
}

/// A word for a scenario but for its seed. (After another release of the library's hasher, a search that is taken up again
/// may return to what it had left.)
fn word(scenario: &Scenario) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", Scenario { seed: 0, ..scenario.clone() }).hash(&mut hasher);
    hasher.finish()
}

/// A word as it stands in files.
fn short(word: u64) -> u32 {
    word as u32
}
