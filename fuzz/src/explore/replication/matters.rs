//! What can still matter in a state: the reductions of the search, each with its reason.
//!
//! Two kinds. What differs in nothing that can still matter is the same ([`key`](super::key)): whatever one can do, the
//! other can. And of two ways to go on of which one can do all that the other can, and breaks every promise that the other
//! breaks, the other need not be gone. Where a rule is removed whose absence makes something matter after all, it is kept
//! ([`Setup`]); a search of small bounds without any reduction comes to the same verdicts.

use super::setup::Setup;
use super::state::{Message, Node, State};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::defects::Defect;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{FetchRequest, Flush, Leadership, Progress, Replica};

impl State {
    /// Whether the leader of an epoch leads in it, or may hear that it does.
    pub(super) fn may_be_led(&self, epoch: LeaderEpoch) -> bool {
        self.order(epoch).leader.is_some_and(|leader| {
            let node = self.node(leader.broker);
            let not_told = node.replica.version().is_none() || node.replica.epoch() < epoch;
            node.since <= epoch && (not_told || node.leads_in(epoch))
        })
    }

    /// Whether it may change something that this broker hears of this epoch.
    ///
    /// That nobody leads changes nothing that a silent broker would not do too, and who follows does not care for the
    /// set. A follower need not hear of an epoch before its leader does, nor when that one has gone on: until it is
    /// served in the new epoch it might as well be silent in the old one.
    pub(super) fn is_news(&self, broker: BrokerId, epoch: LeaderEpoch, setup: &Setup) -> bool {
        let (state, node) = (self.order(epoch), self.node(broker));
        let replica = &node.replica;
        let newer = replica.version().is_none_or(|known| state.version > known) && epoch >= replica.epoch();
        let for_it = epoch >= node.since || setup.obeys_for_another_life();
        if !setup.reduced || !newer || !for_it {
            return newer && for_it;
        }
        let Some(leader) = state.leader else { return false };
        let another_epoch = epoch > replica.epoch() || replica.version().is_none();
        let concerns = match leader.broker == broker {
            true => another_epoch || node.leads_in(epoch),
            false => another_epoch && self.node(leader.broker).leads_in(epoch),
        };
        concerns || another_epoch && setup.heeds_idle_epochs()
    }

    /// Whether this leader's request for another set could be accepted: it leads, and knows the partition's newest
    /// state. Who does not need not ask, since until it is answered it only waits for more.
    pub(super) fn knows_the_present(&self, leader: BrokerId) -> bool {
        let (present, replica) = (self.present(), &self.node(leader).replica);
        present.leader.is_some_and(|other| other.broker == leader)
            && replica.version() == Some(present.version)
    }

    /// Whether this sync can matter now.
    ///
    /// Who has synced less can lose more, or as little, so a sync can wait until it is counted: until a follower asks for
    /// more, or until a leader's watermark moves by it. When nobody counts on the disk, it can wait for ever.
    pub(super) fn need_sync(&self, node: &Node, through: Offset, setup: &Setup) -> bool {
        let settings = setup.settings;
        if !setup.reduced {
            return settings.flush == Flush::BeforeAck;
        }
        if node.leadership().is_none() {
            return false;
        }
        let mut synced = node.replica.clone();
        synced.persisted(through, settings);
        let counted = |replica: &Replica| replica.watermark().max(replica.acknowledged(settings));
        counted(&synced) >= through && counted(&synced) > counted(&node.replica)
    }

    /// The fetch that a follower may leave behind, if its leader may learn something of use from it later. (A question
    /// for the end of an epoch may be left behind too, but nobody takes note of it, and its answer is for nobody.)
    pub(super) fn late_fetch(&self, broker: BrokerId, setup: &Setup) -> Option<Message> {
        let mut replica = self.node(broker).replica.clone();
        if setup.bounds.messages == 0 {
            return None;
        }
        if setup.reduced {
            replica.persisted(replica.end(), setup.settings);
        }
        let (leader, request) = replica.fetch_request(setup.settings)?;
        let message = Message::Fetch(leader, request);
        (!setup.reduced || self.may_be_heeded(&message, setup)).then_some(message)
    }

    /// Whether it may change something that a broker hears that its earlier life leads. It leads no more; then it is told
    /// of nothing that it could do.
    pub(super) fn learns_late(&self, broker: BrokerId, setup: &Setup) -> bool {
        let led = self.present().leader.is_some_and(|leader| leader.broker == broker);
        led && (!setup.reduced || setup.lacks(&[Defect::RestartedLeaderKeepsEpoch]))
    }

    /// Takes out what cannot matter any more.
    pub(super) fn reduce(&mut self, setup: &Setup) {
        if self.crashes == setup.bounds.crashes {
            self.sync_followers(setup);
        }
        if !setup.heeds_stale_requests() {
            self.drop_hopeless_requests(setup);
        }
        if setup.decides_at_once() {
            self.hear_what_is_known(setup);
        }
        if !self.network.is_empty() {
            let network = std::mem::take(&mut self.network);
            self.network = network.into_iter().filter(|message| self.may_be_heeded(message, setup)).collect();
        }
    }

    /// When no crash can come any more it makes no difference when a follower syncs.
    fn sync_followers(&mut self, setup: &Setup) {
        for broker in self.present().replicas.iter() {
            if self.node(broker).leadership().is_none() {
                self.sync_all(broker, setup.settings);
            }
        }
    }

    /// A leader that hears that the set is as large as it took it for counts on nobody else than before, and can ask for
    /// another again: it may as well hear it at once.
    fn hear_what_is_known(&mut self, setup: &Setup) {
        for broker in self.present().replicas.iter() {
            let node = self.node(broker);
            let Some(leads) = node.leadership() else { continue };
            let (state, min_insync) = (self.order(leads.epoch()), setup.settings.min_insync);
            let enough = |set: Brokers| set.len() >= min_insync;
            let same = state.in_sync == maximal(leads) && enough(state.in_sync) == enough(leads.in_sync());
            let told = state.leader.is_some_and(|leader| leader.broker == broker);
            if told && same && node.since <= state.epoch && node.replica.version() != Some(state.version) {
                let (state, life) = (state.clone(), node.replica.life().1);
                self.node_mut(broker).replica.ordered(&state, life, setup.settings);
            }
        }
    }

    /// A request that was not accepted before the epoch ended never will be. Its leader would do more without it.
    fn drop_hopeless_requests(&mut self, setup: &Setup) {
        let hopeless: Vec<_> = self
            .brokers()
            .filter(|(broker, _)| self.is_deposed(*broker))
            .filter_map(|(broker, node)| Some((broker, *node.leadership()?.proposed()?)))
            .filter(|(_, request)| request.version == self.order(request.epoch).version)
            .collect();
        for (broker, request) in hopeless {
            self.node_mut(broker).replica.set_refused(&request, setup.settings);
        }
    }

    /// Whether somebody may yet take this message.
    fn may_be_heeded(&self, message: &Message, setup: &Setup) -> bool {
        match message {
            Message::End(_) => false,
            Message::Fetched(..) => setup.takes_late_answers(),
            Message::Fetch(..) if setup.heeds_other_epochs() => true,
            Message::Fetch(leader, request) => {
                let node = self.node(*leader);
                node.leads_in(request.asker.epoch)
                    && node.leadership().is_some_and(|leads| self.informs(*leader, leads, request, setup))
            }
        }
    }

    /// Whether the leader may learn something of use from this fetch.
    fn informs(&self, leader: BrokerId, leads: &Leadership, request: &FetchRequest, setup: &Setup) -> bool {
        let asker = request.asker;
        let known = leads.progress(asker.broker);
        let old = known.is_some_and(|known| {
            asker.life < known.life || asker.life == known.life && request.offset <= known.held
        });
        let held = request.offset.min(self.node(leader).replica.end());
        let progress = Progress { life: asker.life, held, stale: false };
        !old && self.counts(leader, leads, asker.broker, progress, setup)
    }

    /// Whether it matters that a leader knows this of a follower. Below its watermark it does not: the watermark never
    /// falls, and a follower that is to join or to be counted must have it. Nor does it, of a follower outside of the
    /// set, below the start of the epoch, or when the leader is deposed.
    pub(super) fn counts(
        &self,
        leader: BrokerId,
        leads: &Leadership,
        follower: BrokerId,
        progress: Progress,
        setup: &Setup,
    ) -> bool {
        if setup.heeds_laggards() {
            return true;
        }
        let could_join = !self.is_deposed(leader) || setup.heeds_stale_requests();
        progress.held >= self.node(leader).replica.watermark()
            && (maximal(leads).has(follower) || could_join && progress.held >= leads.begins())
    }

    /// The smallest epoch that this broker may yet hear of. A follower that nobody serves can do nothing else.
    pub(super) fn next_to_hear(&self, broker: BrokerId) -> LeaderEpoch {
        let node = self.node(broker);
        let replica = &node.replica;
        let untold = replica.version().is_none();
        let epochs = (0..self.orders.len() as u32).map(LeaderEpoch);
        let mut heard = epochs.filter(|epoch| {
            (untold || *epoch > replica.epoch()) && *epoch >= node.since && self.may_be_led(*epoch)
        });
        heard.next().unwrap_or(LeaderEpoch(self.orders.len() as u32))
    }

    /// From where on a leader's watermark counts as its epoch's (KIP-207). Once passed it is passed for good.
    pub(super) fn still_to_reach(&self, leader: BrokerId, leads: &Leadership) -> Offset {
        let watermark = self.node(leader).replica.watermark();
        if self.is_deposed(leader) || watermark >= leads.begins() { Offset::ZERO } else { leads.begins() }
    }
}

/// Whoever is in a leader's set or may be in it already.
pub(super) fn maximal(leads: &Leadership) -> Brokers {
    leads.proposed().map_or(leads.in_sync(), |request| leads.in_sync().or(request.in_sync))
}
