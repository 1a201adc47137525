//! What must hold in every state.

use super::Consensus;
use super::state::{Node, State};
use crate::explore::core::Promise;
use rehearsal_model::coordination::consensus::{LogEntry, Term};

pub(super) const PROMISES: &[Promise<Consensus>] = &[
    Promise {
        name: "one-leader-per-term",
        says: "at most one member ever leads in a term",
        holds: |_, state| state.leaders.windows(2).all(|pair| pair[0].0 != pair[1].0),
    },
    Promise {
        name: "committed-is-final",
        says: "what anybody said to be committed is what everybody who says so has at that place",
        holds: |_, state| state.committed_is_final(),
    },
    Promise {
        name: "leader-has-all",
        says: "who leads in a later term than that in which an entry was committed has it",
        holds: |_, state| state.leaders_have_all(),
    },
    Promise {
        name: "committed-on-disks",
        says: "what was committed is on the disks of a majority",
        holds: |_, state| state.committed_is_on_disks(),
    },
    Promise {
        name: "electable-has-all",
        says: "whom a majority would vote for by what is on their disks has all that was committed",
        holds: |_, state| state.electable_have_all(),
    },
    Promise {
        name: "logs-match",
        says: "where two logs have an entry of one term at one place, they are the same up to there",
        holds: |_, state| state.logs_match(),
    },
    Promise {
        name: "reads-are-fresh",
        says: "a read is answered with everything that was committed when it came",
        holds: |_, state| !state.stale_read,
    },
];

impl State {
    fn committed_is_final(&self) -> bool {
        self.nodes.iter().all(|node| {
            let committed = node.member.committed().0 as usize;
            let log = node.member.log();
            committed <= log.len()
                && committed <= self.committed.len()
                && log[..committed].iter().zip(&*self.committed).all(|(entry, known)| *entry == known.entry)
        })
    }

    fn leaders_have_all(&self) -> bool {
        let leaders = || self.nodes.iter().filter(|node| node.member.leads());
        self.committed.iter().enumerate().all(|(place, known)| {
            let later = |node: &&std::sync::Arc<Node>| node.member.term() > known.term;
            leaders().filter(later).all(|node| node.member.log().get(place) == Some(&known.entry))
        })
    }

    fn committed_is_on_disks(&self) -> bool {
        self.committed.iter().enumerate().all(|(place, known)| {
            let disks = self.nodes.iter().filter(|node| node.disk.log.get(place) == Some(&known.entry));
            disks.count() * 2 > self.nodes.len()
        })
    }

    /// Who votes once more knows no more than its disk.
    fn electable_have_all(&self) -> bool {
        let end = |log: &[LogEntry<u8>]| (log.last().map_or(Term(0), |entry| entry.term), log.len());
        let has_all = |log: &[LogEntry<u8>]| {
            log.len() >= self.committed.len()
                && log.iter().zip(&*self.committed).all(|(entry, known)| *entry == known.entry)
        };
        self.nodes.iter().all(|node| {
            let log = node.member.log();
            let votes = || self.nodes.iter().filter(|voter| end(&voter.disk.log) <= end(log)).count();
            has_all(log) || votes() * 2 <= self.nodes.len()
        })
    }

    fn logs_match(&self) -> bool {
        let agree = |one: &[LogEntry<u8>], other: &[LogEntry<u8>]| {
            let common = one.iter().zip(other).take_while(|(left, right)| left == right).count();
            one[common..].iter().zip(&other[common..]).all(|(left, right)| left.term != right.term)
        };
        let logs: Vec<_> = self.nodes.iter().map(|node| node.member.log()).collect();
        (0..logs.len()).all(|one| (0..one).all(|other| agree(logs[one], logs[other])))
    }
}
