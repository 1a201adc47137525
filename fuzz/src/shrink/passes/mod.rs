//! The passes of shrinking, each a kind of edit that makes a scenario smaller or plainer.

mod ailments;
mod decisions;
mod faults;
mod items;
mod later;
mod nodes;
mod sections;
mod triggers;

use crate::scenario::Scenario;
use crate::system::{Plain, System};
use rehearsal_env::Time;

/// One way to make a scenario smaller or plainer.
pub(super) type Edit = Box<dyn Fn(&mut Scenario)>;

/// A kind of edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// The plain schedule in place of drawn decisions.
    PlainSchedule,
    /// Decisions of one kind, then more and more finely any.
    Deviations,
    /// Triggers that count facts or events in place of which a time would do: leaving something out changes counts.
    TriggersToTimes,
    /// All faults of a kind; known bugs that have nothing to do with it.
    Families,
    /// Some faults.
    Faults,
    /// Everything that has something in common, as all that one guest wishes.
    Groups,
    /// Some items of a list, as wishes.
    Items,
    /// Fewer nodes.
    Nodes,
    /// Names that are out of order, as guest 7 where there are two.
    Names,
    /// The system's knobs, back to plain.
    Knobs,
    /// The links and disks, back to plain.
    World,
    /// A shorter storm and calm.
    Storm,
    /// A storm that is waited for, and a shorter calm: so that every run is short.
    Afterwards,
    /// What comes only after the violation.
    Later,
    /// Items made plainer; their times merge.
    Fields,
    /// Faults that do less, for a shorter time.
    Weaker,
    /// Times in place of which a fact says more.
    TimesToFacts,
    /// Faults that strike at an earlier fact, so that it takes fewer events.
    Earlier,
    /// Shorter times among the knobs, so that it takes fewer events.
    Sooner,
    /// Another seed with which it takes fewer events.
    Seeds,
}

/// All passes, in the order in which they are tried: what leaves out most comes first, after what makes every run short.
pub(super) const PASSES: [Pass; 20] = [
    Pass::PlainSchedule,
    Pass::Deviations,
    Pass::TriggersToTimes,
    Pass::Afterwards,
    Pass::Later,
    Pass::Nodes,
    Pass::Families,
    Pass::Faults,
    Pass::Groups,
    Pass::Items,
    Pass::Names,
    Pass::Knobs,
    Pass::World,
    Pass::Storm,
    Pass::Fields,
    Pass::Weaker,
    Pass::TimesToFacts,
    Pass::Earlier,
    Pass::Sooner,
    Pass::Seeds,
];

/// So many more events are no price for plainness.
const FEW_EVENTS: u64 = 4;
/// Fewer events by one in so many are a gain.
const LEAST_GAIN: u64 = 32;
/// How many seeds the last pass tries.
const SEEDS: u64 = 24;

impl Pass {
    /// The edits of this scenario, which fails at this time; what takes most away first.
    pub(super) fn edits(
        self,
        system: &dyn System,
        plain: &Plain,
        scenario: &Scenario,
        fails_at: Time,
    ) -> Vec<Edit> {
        match self {
            Pass::PlainSchedule => decisions::plain_schedule(),
            Pass::Deviations => decisions::fewer(scenario),
            Pass::TriggersToTimes => triggers::to_times(system, scenario),
            Pass::Families => faults::families(scenario),
            Pass::Faults => faults::fewer(scenario),
            Pass::Groups => items::groups(scenario),
            Pass::Items => items::fewer(scenario),
            Pass::Nodes => nodes::fewer(plain, scenario),
            Pass::Names => items::names(plain, scenario).into_iter().chain(faults::names(scenario)).collect(),
            Pass::Knobs => sections::knobs(plain, scenario),
            Pass::World => sections::world(plain, scenario),
            Pass::Later => later::without(system, scenario, fails_at),
            Pass::Afterwards => sections::afterwards(scenario, fails_at),
            Pass::Storm => sections::storm(plain, scenario),
            Pass::Fields => items::fields(plain, scenario),
            Pass::Weaker => faults::weaker(scenario),
            Pass::TimesToFacts => triggers::to_facts(system, scenario),
            Pass::Earlier => triggers::earlier(system, scenario),
            Pass::Sooner => sections::sooner(scenario, fails_at),
            Pass::Seeds => seeds(),
        }
    }

    /// In how many events at most a proposal must fail to be taken, where `before` were needed: leaving something out is
    /// worth any number of events, plainness is not.
    pub(super) fn most_events(self, before: u64) -> u64 {
        match self {
            Pass::PlainSchedule | Pass::Deviations | Pass::TriggersToTimes => u64::MAX,
            // For less another round of everything is too dear.
            _ if self.needs_fewer_events() => before.saturating_sub((before / LEAST_GAIN).max(1)),
            // Or it would undo what made it sooner.
            Pass::Knobs => before,
            _ if self.leaves_out() => u64::MAX,
            _ => before + FEW_EVENTS,
        }
    }

    /// Whether its edits leave out what happens, and do not only make it plainer.
    pub(super) fn leaves_out(self) -> bool {
        matches!(self, Pass::Later | Pass::Families | Pass::Faults | Pass::Groups | Pass::Items)
    }

    /// Whether there is less afterwards: of what happens, or of whom it happens to.
    pub(super) fn takes_away(self) -> bool {
        self.leaves_out() || matches!(self, Pass::PlainSchedule | Pass::Nodes | Pass::Names)
    }

    /// Whether its edits are tried with other seeds too.
    pub(super) fn may_change_seed(self) -> bool {
        !matches!(
            self,
            Pass::Deviations
                | Pass::TriggersToTimes
                | Pass::Later
                | Pass::TimesToFacts
                | Pass::Earlier
                | Pass::Sooner
                | Pass::Seeds
        )
    }

    /// Whether it is for fewer events, and for nothing else.
    pub(super) fn needs_fewer_events(self) -> bool {
        matches!(self, Pass::Seeds | Pass::Earlier | Pass::Sooner)
    }

    /// Whether the seed is what it changes.
    pub(super) fn is_about_seeds(self) -> bool {
        self == Pass::Seeds
    }

    /// Whether it leaves out decisions, which are written down last.
    pub(super) fn is_about_decisions(self) -> bool {
        self == Pass::Deviations
    }
}

fn seeds() -> Vec<Edit> {
    (0..SEEDS).map(|seed| edit(move |scenario| scenario.seed = seed)).collect()
}

fn edit(change: impl Fn(&mut Scenario) + 'static) -> Edit {
    Box::new(change)
}

/// Stretches of a list of this length: all of it, its halves, quarters and so on down to single ones.
fn stretches(length: usize) -> Vec<std::ops::Range<usize>> {
    let mut all = Vec::new();
    let mut size = length;
    while size > 0 {
        all.extend((0..length).step_by(size).map(|from| from..(from + size).min(length)));
        size /= 2;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_the_whole_its_halves_and_single_ones() {
        assert_eq!(stretches(4), [0..4, 0..2, 2..4, 0..1, 1..2, 2..3, 3..4]);
        assert_eq!(stretches(3), [0..3, 0..1, 1..2, 2..3]);
        assert!(stretches(0).is_empty());
    }
}
