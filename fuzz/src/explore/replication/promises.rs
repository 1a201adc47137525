//! What must hold in every state, and what must be reached.

use super::Replication;
use super::state::{Entry, Node, State};
use crate::explore::core::Promise;

use rehearsal_model::queue::replica::{Flush, Role, Settings};

pub(super) const PROMISES: &[Promise<Replication>] = &[
    Promise {
        name: "acked-not-lost",
        says: "whoever may be elected has everything that was acknowledged or shown",
        holds: |core, state| state.nothing_promised_is_lost(core.setup.settings),
    },
    Promise {
        name: "logs-agree",
        says: "where two logs have a record of one epoch at one offset, they are the same up to there",
        holds: |_, state| state.logs_agree(),
    },
    Promise {
        name: "one-leader-per-epoch",
        says: "at most one broker leads in an epoch",
        holds: |_, state| state.one_leads_in_an_epoch(),
    },
    Promise {
        name: "follower-read",
        says: "what a replica shows up to its watermark is what leaders have shown",
        holds: |_, state| state.readers_see_one_log(),
    },
    Promise {
        name: "end-never-goes-back",
        says: "no client sees the end of the partition go back",
        holds: |_, state| state.end_never_goes_back(),
    },
    Promise {
        name: "start-below-watermark",
        says: "start ≤ watermark ≤ end on every replica, and the disk has no more than the log",
        holds: |_, state| state.watermark_is_within_the_log(),
    },
    Promise {
        name: "isr-ordering",
        says: "the leader is in its set, and its watermark is in the log of every member",
        holds: |_, state| state.watermark_is_in_every_log(),
    },
    Promise {
        name: "followers-follow",
        says: "who fetches has a beginning of its leader's log",
        holds: |_, state| state.followers_follow(),
    },
];

impl State {
    /// `acked-not-lost`: whoever can be elected has, on its disk where that is promised, everything that was shown or
    /// acknowledged.
    pub fn nothing_promised_is_lost(&self, settings: Settings) -> bool {
        let present = self.present();
        present.in_sync.or(present.eligible).iter().all(|broker| {
            let node = self.node(broker);
            let held = match settings.flush {
                Flush::BeforeAck => node.replica.persisted_end(),
                Flush::Background => node.replica.end(),
            };
            held.0 as usize >= self.promised.len() && node.log.starts_with(&self.promised)
        })
    }

    /// `logs-agree`: where two logs have a record of the same epoch at the same offset, they are the same up to there.
    pub fn logs_agree(&self) -> bool {
        let agree = |one: &[Entry], other: &[Entry]| {
            let common = one.iter().zip(other).take_while(|(left, right)| left == right).count();
            let mut rest = one[common..].iter().zip(&other[common..]);
            rest.all(|(left, right)| left.epoch != right.epoch)
        };
        self.pairs().all(|(one, other)| agree(&one.log, &other.log))
    }

    /// `isr-ordering`: the leader is in its set, and its watermark is at most the end of every member's log, whether it
    /// is accepted or proposed.
    pub fn watermark_is_in_every_log(&self) -> bool {
        let present = self.present();
        let Some(leader) = present.leader else { return true };
        if !present.in_sync.has(leader.broker) {
            return false;
        }
        let replica = &self.node(leader.broker).replica;
        let Role::Leading(leadership) = replica.role() else { return true };
        if leadership.epoch() != present.epoch {
            return true;
        }
        let proposed = leadership.proposed().map_or(present.in_sync, |request| request.in_sync);
        let mut set = present.in_sync.or(proposed).iter();
        set.all(|broker| self.node(broker).replica.end() >= replica.watermark())
    }

    /// `one-leader-per-epoch`.
    pub fn one_leads_in_an_epoch(&self) -> bool {
        let epoch = |node: &Node| match node.replica.role() {
            Role::Leading(leadership) => Some(leadership.epoch()),
            _ => None,
        };
        self.pairs().all(|(one, other)| epoch(one).is_none() || epoch(one) != epoch(other))
    }

    /// `follower-read`: what a follower shows, up to its own watermark, is what leaders have shown; what a leader shows
    /// too.
    pub fn readers_see_one_log(&self) -> bool {
        self.nodes.iter().all(|node| {
            let shown = &node.log[..(node.replica.watermark().0 as usize).min(node.log.len())];
            matches!(node.replica.role(), Role::Idle | Role::Truncating(_))
                || self.promised.starts_with(shown)
        })
    }

    /// `start-below-watermark`: start ≤ watermark ≤ end on every replica, and the disk has no more than the log.
    pub fn watermark_is_within_the_log(&self) -> bool {
        self.brokers().all(|(_, Node { replica, log, .. })| {
            replica.start() <= replica.watermark()
                && replica.watermark() <= replica.end()
                && replica.persisted_end() <= replica.end()
                && log.len() as u64 == replica.end().0
        })
    }

    /// `end-never-goes-back`: no client sees the end of a partition go back (KIP-207).
    pub fn end_never_goes_back(&self) -> bool {
        let present = self.present();
        let Some(leader) = present.leader else { return true };
        let replica = &self.node(leader.broker).replica;
        if replica.epoch() != present.epoch {
            return true;
        }
        replica.latest().is_none_or(|latest| latest.0 as usize >= self.promised.len())
    }

    /// `followers-follow`: a follower that fetches has a beginning of its leader's log.
    pub fn followers_follow(&self) -> bool {
        self.nodes.iter().all(|node| {
            let Role::Fetching(leader) = node.replica.role() else { return true };
            let leader = self.node(*leader);
            let same = leader.replica.epoch() == node.replica.epoch();
            let leads = matches!(leader.replica.role(), Role::Leading(_));
            !(same && leads) || leader.log.starts_with(&node.log)
        })
    }

    fn pairs(&self) -> impl Iterator<Item = (&Node, &Node)> {
        let nodes = &self.nodes;
        (0..nodes.len()).flat_map(move |one| (0..one).map(move |other| (&*nodes[one], &*nodes[other])))
    }
}
