//! What must hold in every state.

use super::Consumers;
use super::setup::Setup;
use super::state::State;
use crate::explore::core::Promise;
use rehearsal_model::queue::group::CommitRule;

pub(super) const PROMISES: &[Promise<Consumers>] = &[
    Promise {
        name: "one-owner",
        says: "in a generation a partition has one owner",
        holds: |_, state| state.each_partition_has_one_owner(),
    },
    Promise {
        name: "zombie-is-fenced",
        says: "no commit is taken of one whom a later generation has left behind",
        holds: |_, state| !state.chronicle.zombie_committed,
    },
    Promise {
        name: "zombie-is-told",
        says: "who says that it lives in a generation that was left behind is told that it is over",
        holds: |_, state| !state.chronicle.zombie_told_alive,
    },
    Promise {
        name: "silence-ends-membership",
        says: "who was silent for its session is no member any more",
        holds: |_, state| !state.chronicle.silent_stayed,
    },
    Promise {
        name: "offsets-move-forward",
        says: "the group goes on no earlier than where the last confirmed commit says",
        holds: |_, state| {
            let confirmed = &state.chronicle.confirmed;
            let falls = confirmed.iter().any(|(partition, offset)| state.committed(*partition) < *offset);
            !falls && !state.chronicle.began_below
        },
    },
    Promise {
        name: "commits-what-is-processed",
        says: "at least once: what is before the committed offset was processed",
        holds: |core, state| state.committed_is_processed(&core.setup),
    },
    Promise {
        name: "at-most-once",
        says: "at most once: no record is processed twice",
        holds: |core, state| {
            let mut processed = state.chronicle.processed.values().flatten();
            core.setup.rule == CommitRule::AfterProcessing || processed.all(|times| *times < 2)
        },
    },
];

impl State {
    fn each_partition_has_one_owner(&self) -> bool {
        let owners =
            || self.consumers.iter().enumerate().filter_map(|(number, one)| Some((number, one.owned()?)));
        owners().all(|(number, (generation, owned))| {
            let others = owners().filter(|(other, _)| *other < number);
            let same = others.filter(|(_, (theirs, _))| *theirs == generation);
            same.into_iter().all(|(_, (_, theirs))| owned.is_disjoint(theirs))
        })
    }

    fn committed_is_processed(&self, setup: &Setup) -> bool {
        setup.rule == CommitRule::BeforeProcessing
            || self.chronicle.processed.iter().all(|(partition, records)| {
                let committed = self.committed(*partition).0 as usize;
                records.iter().take(committed).all(|times| *times > 0)
            })
    }
}
