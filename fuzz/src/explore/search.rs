//! The search itself, driven by `stateright`.
//!
//! Its budgets are ours, not stateright's: there, a search that runs out of time or states passes like one that found
//! nothing. A search that is cut makes the property "the search goes on" fail, and is reported for what it is. The first
//! state that breaks a promise is kept, where stateright would put later ones of the same block of 1,500 states in its
//! place: breadth first on one thread, the path to it is as short as can be.

use super::core::Core;
use super::story;
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const KEPT: &str = "every promise is kept";
const GOES_ON: &str = "the search goes on";

/// What a search may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// States that are judged at most.
    pub states: Option<u64>,
    /// Real time at most.
    pub time: Option<Duration>,
    /// How many threads; with more than one a path to a broken promise may not be the shortest.
    pub jobs: usize,
    /// In which order.
    pub order: Order,
}

/// In which order states are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those with the shortest paths first.
    #[default]
    Breadth,
    /// Those that were found last first: less memory, and paths that are long.
    Depth,
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// States that differ.
    pub unique: u64,
    /// Steps of the longest path.
    pub depth: usize,
    /// Real time since it began.
    pub elapsed: Duration,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The verdict.
    pub verdict: Verdict,
    /// States that were made, the same ones counted again.
    pub states: u64,
    /// States that differ.
    pub unique: u64,
    /// Steps of the longest path that was walked.
    pub depth: usize,
    /// Real time.
    pub elapsed: Duration,
    /// Markers that were seen.
    pub reached: Vec<&'static str>,
    /// Markers that were not, though these bounds allow for them.
    pub never: Vec<&'static str>,
}

/// The verdict.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All states within the bounds were judged, no promise is broken, and every marker was seen.
    Verified,
    /// A promise is broken.
    Refuted(Violation),
    /// Nothing is known.
    Inconclusive(Shortfall),
}

/// A broken promise and how to get there.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The first promise that is broken.
    pub promise: &'static str,
    /// What it says.
    pub says: &'static str,
    /// All that are broken there.
    pub broken: Vec<&'static str>,
    /// The steps, in words.
    pub steps: Vec<String>,
    /// The same with what came of each.
    pub story: Vec<String>,
    /// The state in which it is broken.
    pub picture: Vec<String>,
    /// Whether no path is shorter.
    pub shortest: bool,
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// As many states were judged as were allowed.
    States,
    /// The time that was allowed is over.
    Time,
    /// Somebody stopped it.
    Interrupted,
    /// All states were judged, but a marker was not seen.
    Marker,
    /// Only one path was walked.
    OnePath,
}

struct Searched<C> {
    core: C,
    limit: u64,
    judged: AtomicU64,
    seen: AtomicU64,
    found: AtomicBool,
    stopped: AtomicBool,
}

impl<C: Core> Model for Searched<C> {
    type State = C::State;
    type Action = C::Action;

    fn init_states(&self) -> Vec<C::State> {
        vec![self.core.first()]
    }

    fn actions(&self, state: &C::State, actions: &mut Vec<C::Action>) {
        self.core.actions(state, actions);
    }

    fn next_state(&self, state: &C::State, action: C::Action) -> Option<C::State> {
        Some(self.core.next(state, &action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(KEPT, Searched::judge),
            Property::always(GOES_ON, |search, _| !search.stopped.load(Ordering::Relaxed)),
        ]
    }
}

impl<C: Core> Searched<C> {
    /// Whether the search has nothing to say of this state: all promises hold, or another broke one before.
    fn judge(&self, state: &C::State) -> bool {
        if self.judged.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.stopped.store(true, Ordering::Relaxed);
            return true;
        }
        self.look_for_markers(state);
        let kept = C::PROMISES.iter().all(|promise| (promise.holds)(&self.core, state));
        kept || self.found.swap(true, Ordering::Relaxed)
    }

    fn look_for_markers(&self, state: &C::State) {
        let seen = self.seen.load(Ordering::Relaxed);
        for (number, marker) in C::MARKERS.iter().enumerate() {
            if seen & 1 << number == 0 && (marker.seen)(&self.core, state) {
                self.seen.fetch_or(1 << number, Ordering::Relaxed);
            }
        }
    }

    /// The markers that were seen, and those that were not and should have been.
    fn markers(&self) -> [Vec<&'static str>; 2] {
        let seen = self.seen.load(Ordering::Relaxed);
        let numbered = || C::MARKERS.iter().enumerate();
        let reached = numbered().filter(|(number, _)| seen & 1 << number != 0);
        let never =
            numbered().filter(|(number, marker)| seen & 1 << number == 0 && (marker.expected)(&self.core));
        [reached.map(|(_, marker)| marker.name).collect(), never.map(|(_, marker)| marker.name).collect()]
    }
}

/// Searches a core.
pub(super) fn search<C: Core>(
    core: C,
    limits: &Limits,
    interrupted: &AtomicBool,
    show: &mut dyn FnMut(Progress),
) -> Found {
    assert!(!C::PROMISES.is_empty(), "a core that promises nothing cannot be searched");
    let searched = Searched {
        core,
        limit: limits.states.unwrap_or(u64::MAX),
        judged: AtomicU64::new(0),
        seen: AtomicU64::new(0),
        found: AtomicBool::new(false),
        stopped: AtomicBool::new(false),
    };
    let builder = searched.checker().threads(limits.jobs.max(1)).finish_when(HasDiscoveries::AnyFailures);
    match limits.order {
        Order::Breadth => watch(builder.spawn_bfs(), limits, interrupted, show),
        Order::Depth => watch(builder.spawn_dfs(), limits, interrupted, show),
    }
}

/// Waits for the end, and cuts the search when it must not go on.
fn watch<C: Core>(
    mut checker: impl Checker<Searched<C>>,
    limits: &Limits,
    interrupted: &AtomicBool,
    show: &mut dyn FnMut(Progress),
) -> Found {
    let began = Instant::now();
    let mut shortfall = Shortfall::States;
    let mut pause = Duration::from_millis(1);
    let threads = checker.handles();
    while !threads.iter().all(JoinHandle::is_finished) {
        let elapsed = began.elapsed();
        let cut = match () {
            () if interrupted.load(Ordering::Relaxed) => Some(Shortfall::Interrupted),
            () if limits.time.is_some_and(|time| elapsed >= time) => Some(Shortfall::Time),
            () => None,
        };
        if let Some(cut) = cut
            && !checker.model().stopped.swap(true, Ordering::Relaxed)
        {
            shortfall = cut;
        }
        let unique = checker.unique_state_count() as u64;
        show(Progress { unique, depth: steps(checker.max_depth()), elapsed });
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    for thread in threads {
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    found(&checker, limits, shortfall, began.elapsed())
}

fn found<C: Core>(
    checker: &impl Checker<Searched<C>>,
    limits: &Limits,
    shortfall: Shortfall,
    elapsed: Duration,
) -> Found {
    let searched = checker.model();
    let [reached, never] = searched.markers();
    let verdict = match checker.discoveries().remove(KEPT) {
        Some(path) => {
            let (core, actions) = (&searched.core, path.into_actions());
            let shortest = limits.order == Order::Breadth && limits.jobs <= 1;
            let told = story::tell(core, &actions, shortest);
            Verdict::Refuted(told.expect("what broke a promise breaks it again"))
        }
        None if searched.stopped.load(Ordering::Relaxed) => Verdict::Inconclusive(shortfall),
        None if !never.is_empty() => Verdict::Inconclusive(Shortfall::Marker),
        None => Verdict::Verified,
    };
    let (states, unique) = (checker.state_count() as u64, checker.unique_state_count() as u64);
    Found { verdict, states, unique, depth: steps(checker.max_depth()), elapsed, reached, never }
}

/// Stateright counts the states of a path.
fn steps(states: usize) -> usize {
    states.saturating_sub(1)
}
