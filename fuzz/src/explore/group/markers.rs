//! What a search must have come by, or its silence means nothing.

use super::Consumers;
use super::state::{At, State};
use crate::explore::core::Marker;
use rehearsal_model::queue::group::{Ask, CommitRule, Generation};

pub(super) const MARKERS: &[Marker<Consumers>] = &[
    Marker {
        name: "a commit was confirmed",
        expected: |_| true,
        seen: |_, state| !state.chronicle.confirmed.is_empty(),
    },
    Marker {
        name: "all was processed",
        expected: |_| true,
        seen: |_, state| state.chronicle.processed.values().flatten().all(|times| *times > 0),
    },
    Marker {
        name: "two shared the partitions",
        expected: |core| core.setup.bounds.consumers > 1 && core.setup.bounds.partitions > 1,
        seen: |_, state| {
            let owned = state.consumers.iter().filter_map(|consumer| consumer.owned());
            owned.filter(|(_, owned)| !owned.is_empty()).count() > 1
        },
    },
    Marker {
        name: "a zombie was at work on what another owned",
        expected: |core| core.setup.bounds.silences > 0 && grows(core),
        seen: |_, state| zombies(state).any(|number| state.consumers[number].works()),
    },
    Marker {
        name: "a commit was on its way from a zombie",
        expected: |core| {
            let bounds = &core.setup.bounds;
            bounds.silences > 0 && bounds.messages > 0 && grows(core)
        },
        seen: |_, state| {
            let mut commits = state.consumers.iter().flat_map(|consumer| &consumer.commits);
            commits.any(|commit| commit.taken.is_none() && state.is_over(commit.generation))
        },
    },
    Marker {
        name: "one that lets go had something to commit",
        expected: grows,
        seen: |_, state| {
            let leaving = state.consumers.iter().filter(|consumer| consumer.at == At::Next(Ask::LetGo));
            leaving.into_iter().any(|consumer| !consumer.member.clone().commit_due().is_empty())
        },
    },
    Marker {
        name: "a new owner went on where another had committed",
        expected: grows,
        seen: |core, state| {
            state.consumers.iter().any(|consumer| {
                let late = consumer.owned().is_some_and(|(generation, _)| generation > Generation(1));
                let mut progress =
                    core.setup.partitions().filter_map(|partition| consumer.member.progress(partition));
                late && consumer.works() && progress.any(|progress| progress.processed().0 > 0)
            })
        },
    },
    Marker {
        name: "another coordinator found members at work",
        expected: |core| core.setup.bounds.takeovers > 0,
        seen: |_, state| {
            state.counts.takeovers > 0 && state.consumers.iter().any(|consumer| consumer.works())
        },
    },
    Marker {
        name: "another coordinator found a generation without a plan",
        expected: |core| core.setup.bounds.takeovers > 0,
        seen: |_, state| {
            state.counts.takeovers > 0
                && state.coordinator.group.state()
                    == rehearsal_model::queue::group::State::CompletingRebalance
                && state.coordinator.unsettled.is_empty()
                && state.consumers.iter().all(|consumer| matches!(consumer.at, At::Next(_)))
        },
    },
    Marker {
        name: "a record was committed that nobody will process",
        expected: |core| {
            core.setup.rule == CommitRule::BeforeProcessing && core.setup.bounds.deaths > 0 && grows(core)
        },
        seen: |core, state| {
            core.setup.rule == CommitRule::BeforeProcessing
                && state.counts.deaths > 0
                && state.consumers.iter().all(|consumer| consumer.owned().is_none())
                && state.chronicle.processed.iter().any(|(partition, records)| {
                    records.iter().take(state.committed(*partition).0 as usize).any(|times| *times == 0)
                })
        },
    },
];

fn grows(core: &Consumers) -> bool {
    core.setup.bounds.consumers > 1 && core.setup.bounds.generations > 1
}

/// Those who own what one of a later generation owns too.
fn zombies(state: &State) -> impl Iterator<Item = usize> {
    let owners =
        || state.consumers.iter().enumerate().filter_map(|(number, one)| Some((number, one.owned()?)));
    let later = move |generation, owned: &std::collections::BTreeSet<_>| {
        owners().any(|(_, (theirs, partitions))| theirs > generation && !owned.is_disjoint(partitions))
    };
    owners().filter(move |(_, (generation, owned))| later(*generation, owned)).map(|(number, _)| number)
}
