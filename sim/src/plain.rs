//! The plain schedule, and the few decisions that depart from it.
//!
//! Plain is what people expect when nothing is said: every message arrives, once and after the shortest time; disks
//! are as fast as they can be; what is ready longest goes next; no write survives a crash unless it was synced. What is
//! due at one instant, as two messages sent in one step, keeps the order it has in every run. A failing run is
//! understood best as its scenario, the plain schedule, and as few [`Deviation`]s as possible.

use crate::decider::{Decider, Frontier, Next, Question, ReadyTask, Seeded, Site};
use crate::overtaking::{Held, Overtaking};
use rehearsal_env::EventId;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One decision that is not the plain one, named by what asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "DeviationEntry", into = "DeviationEntry")]
pub struct Deviation {
    /// The question.
    pub question: Question,
    /// The number or the index of the fate; for tasks that are ready together, the rank: the lowest goes first; for what is
    /// overtaken, the word of the last that overtook it.
    pub answer: u64,
}

/// What a run without deviations answers. A node's own random numbers have no plain value: they are drawn from the
/// seed whatever the schedule.
#[derive(Clone, Copy, Debug)]
struct Plain {
    seeded: Seeded,
}

impl Plain {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        match question.site {
            Site::NodeSeed => self.seeded.value(question, low, high),
            _ => low,
        }
    }

    fn fate(self, question: Question, weights: &[u32]) -> usize {
        match question.site {
            // Of an unsynced write nothing is left.
            Site::CrashedWrite => weights.len() - 1,
            _ => weights.iter().position(|weight| *weight > 0).unwrap_or(0),
        }
    }
}

/// How often each wake was chosen among several that were ready. A task that is woken for nothing wakes with the same
/// identity again, so the identity alone does not tell one choice from a later one.
#[derive(Default)]
pub(crate) struct Choices {
    counts: BTreeMap<EventId, u32>,
}

impl Choices {
    /// The question whether this task goes next.
    pub(crate) fn question(&self, task: &ReadyTask) -> Question {
        let ordinal = self.counts.get(&task.id).copied().unwrap_or(0);
        Question { cause: task.id.0, entity: 0, site: Site::ReadyTask, ordinal }
    }

    /// It did.
    pub(crate) fn chose(&mut self, task: &ReadyTask) {
        *self.counts.entry(task.id).or_default() += 1;
    }
}

/// The deviations that a run came to: those never asked for name causes that the run does not have.
pub type Met = Rc<RefCell<BTreeSet<Question>>>;

/// Decides plainly but for some deviations.
pub struct PlainSchedule {
    plain: Plain,
    deviations: BTreeMap<Question, u64>,
    met: Met,
    choices: Choices,
    held: Held,
}

impl PlainSchedule {
    /// The plain schedule with these deviations; nodes draw their own random numbers from `seed`. Also the list of
    /// deviations met, filled as the run goes on.
    pub fn new(seed: u64, deviations: impl IntoIterator<Item = Deviation>) -> (PlainSchedule, Met) {
        let all = deviations.into_iter().map(|one| (one.question, one.answer));
        let (overtaken, deviations) = all.partition(|(question, _)| question.site == Site::After);
        let met = Met::default();
        let plain = Plain { seeded: Seeded::new(seed) };
        let (choices, held) = (Choices::default(), Held::new(overtaken));
        (PlainSchedule { plain, deviations, met: met.clone(), choices, held }, met)
    }

    fn deviation(&self, question: Question) -> Option<u64> {
        let answer = self.deviations.get(&question).copied();
        if answer.is_some() {
            self.met.borrow_mut().insert(question);
        }
        answer
    }

    /// Where something is held back, the decider is asked for every step.
    fn next_but_held(&mut self, frontier: &Frontier<'_>) -> Next {
        let mut held = std::mem::take(&mut self.held);
        let rank =
            |index: usize| self.deviation(self.choices.question(&frontier.ready[index])).unwrap_or(u64::MAX);
        let mut meet = |question| {
            self.met.borrow_mut().insert(question);
        };
        let next = held.next(frontier, &rank, &mut meet);
        self.held = held;
        if let Next::Task(index) = next
            && frontier.ready.len() > 1
        {
            self.choices.chose(&frontier.ready[index]);
        }
        next
    }
}

impl Decider for PlainSchedule {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        match self.deviation(question) {
            Some(answer) => answer.clamp(low, high),
            None => self.plain.value(question, low, high),
        }
    }

    /// A deviation to a fate that cannot be now, as a loss in the calm, is passed over.
    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        let possible = |answer: &u64| weights.get(*answer as usize).is_some_and(|weight| *weight > 0);
        match self.deviation(question).filter(possible) {
            Some(answer) => answer as usize,
            None => self.plain.fate(question, weights),
        }
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        if !self.held.is_empty() {
            return self.next_but_held(frontier);
        }
        if frontier.ready.is_empty() {
            return Next::Earliest;
        }
        let ready = frontier.ready;
        if ready.len() == 1 {
            return Next::Task(0);
        }
        // Of equal ranks the first: who woke first.
        let rank = |index: &usize| self.deviation(self.choices.question(&ready[*index])).unwrap_or(u64::MAX);
        let first = (0..ready.len()).min_by_key(rank).expect("a task is ready");
        self.choices.chose(&ready[first]);
        Next::Task(first)
    }

    fn follows_time(&self) -> bool {
        self.held.is_empty()
    }
}

/// What a run decided otherwise than plainly, in the order of the decisions, each question once.
pub type Deviations = Rc<RefCell<Vec<Deviation>>>;

/// Asks another decider, and notes where its answers are not the plain ones. The plain schedule with all of them is
/// the same run again.
pub struct Noting<D> {
    inner: D,
    plain: Plain,
    deviations: Deviations,
    /// What was noted already: the part of a link in the latencies is asked for at every message.
    noted: BTreeSet<Question>,
    choices: Choices,
    overtaking: Overtaking,
    /// Where it is noted after what somebody goes: whoever is overtaken again goes later still.
    overtaken: BTreeMap<Question, usize>,
}

impl<D: Decider> Noting<D> {
    /// Notes what `inner` decides in a run whose seed is `seed`, in the list that is given back too.
    pub fn new(seed: u64, inner: D) -> (Noting<D>, Deviations) {
        let deviations = Deviations::default();
        let plain = Plain { seeded: Seeded::new(seed) };
        let (noted, choices) = (BTreeSet::new(), Choices::default());
        let (overtaking, overtaken) = (Overtaking::default(), BTreeMap::new());
        let list = deviations.clone();
        (Noting { inner, plain, deviations, noted, choices, overtaking, overtaken }, list)
    }

    fn note(&mut self, question: Question, answer: u64) {
        if self.noted.insert(question) {
            self.deviations.borrow_mut().push(Deviation { question, answer });
        }
    }

    /// Notes who was overtaken, the last time that he was.
    fn note_overtaking(&mut self, frontier: &Frontier<'_>, next: Next) {
        let (mut deviations, overtaken) = (self.deviations.borrow_mut(), &mut self.overtaken);
        self.overtaking.goes(frontier, next, &mut |question, answer| match overtaken.get(&question) {
            Some(at) => deviations[*at].answer = answer,
            None => {
                overtaken.insert(question, deviations.len());
                deviations.push(Deviation { question, answer });
            }
        });
    }
}

impl<D: Decider> Decider for Noting<D> {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        let answer = self.inner.value(question, low, high);
        if answer != self.plain.value(question, low, high) {
            self.note(question, answer);
        }
        answer
    }

    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        let answer = self.inner.fate(question, weights);
        if answer != self.plain.fate(question, weights) {
            self.note(question, answer as u64);
        }
        answer
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        let next = self.inner.next(frontier);
        if !self.inner.follows_time() {
            self.note_overtaking(frontier, next);
        } else if let Next::Task(index) = next
            && frontier.ready.len() > 1
        {
            // In the order of the choices: whoever was chosen earlier goes first again.
            let rank = self.noted.len() as u64;
            let task = &frontier.ready[index];
            self.note(self.choices.question(task), rank);
            self.choices.chose(task);
        }
        next
    }

    fn follows_time(&self) -> bool {
        self.inner.follows_time()
    }
}

impl Site {
    /// Every question that is asked within a run, with its name in scenario files.
    pub const NAMES: [(Site, &'static str); 16] = [
        (Site::Latency, "latency"),
        (Site::Message, "message"),
        (Site::DuplicateLatency, "duplicate-latency"),
        (Site::Delay, "delay"),
        (Site::DelayLength, "delay-length"),
        (Site::LinkLatency, "link-latency"),
        (Site::NodeSeed, "node-seed"),
        (Site::DiskLatency, "disk-latency"),
        (Site::CrashedWrite, "crashed-write"),
        (Site::TornSector, "torn-sector"),
        (Site::CrashedNames, "crashed-names"),
        (Site::UnderWay, "under-way"),
        (Site::Rarely, "rarely"),
        (Site::ReadyTask, "ready-task"),
        (Site::RottenByte, "rotten-byte"),
        (Site::After, "after"),
    ];

    /// Its name in scenario files and traces.
    pub fn name(self) -> &'static str {
        Site::NAMES.iter().find(|(site, _)| *site == self).map_or("scenario", |(_, name)| name)
    }
}

/// A deviation as it is written: words are hexadecimal digits, since whole numbers of TOML have 63 bits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviationEntry {
    decision: String,
    cause: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    about: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    ordinal: u32,
    answer: Answer,
}

/// An answer above the whole numbers of TOML is a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "the answer is a number from 0, or a hexadecimal word")]
enum Answer {
    Number(u64),
    Word(String),
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl TryFrom<DeviationEntry> for Deviation {
    type Error = String;

    fn try_from(entry: DeviationEntry) -> Result<Deviation, String> {
        let site = Site::NAMES.iter().find(|(_, name)| *name == entry.decision).ok_or_else(|| {
            let names: Vec<&str> = Site::NAMES.iter().map(|(_, name)| *name).collect();
            format!("there is no decision `{}`; there are {}", entry.decision, names.join(", "))
        })?;
        let word = |key: &str, text: &str| {
            u64::from_str_radix(text, 16).map_err(|_| format!("{key} `{text}` is no hexadecimal number"))
        };
        let cause = word("cause", &entry.cause)?;
        let entity = if entry.about.is_empty() { 0 } else { word("about", &entry.about)? };
        let question = Question { cause, entity, site: site.0, ordinal: entry.ordinal };
        let answer = match &entry.answer {
            Answer::Number(number) => *number,
            Answer::Word(text) => word("answer", text)?,
        };
        Ok(Deviation { question, answer })
    }
}

impl From<Deviation> for DeviationEntry {
    fn from(Deviation { question, answer }: Deviation) -> DeviationEntry {
        DeviationEntry {
            decision: question.site.name().to_owned(),
            cause: format!("{:016x}", question.cause),
            about: if question.entity == 0 { String::new() } else { format!("{:x}", question.entity) },
            ordinal: question.ordinal,
            answer: match i64::try_from(answer) {
                Ok(_) if question.site != Site::After => Answer::Number(answer),
                _ => Answer::Word(format!("{answer:016x}")),
            },
        }
    }
}
