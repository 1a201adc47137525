//! What a step does.

use super::action::{Action, Answer, Learnt, Left, Old};
use super::setup::Setup;
use super::state::{Entry, Message, State};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, SetRefusal};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{
    FetchAnswer, FetchRequest, Flush, Lineage, Refusal, Replica, Role, Settings,
};
use std::sync::Arc;

impl State {
    /// The state after a step that is possible.
    pub fn after(&self, action: &Action, setup: &Setup) -> State {
        let mut next = self.clone();
        let settings = setup.settings;
        match action {
            Action::Hear(broker, epoch, left) => next.hear(*broker, *epoch, left, setup),
            Action::Append(broker) => next.append(*broker, settings),
            Action::Sync(broker, through) => next.sync(*broker, *through, settings),
            Action::Serve(broker, answer) => next.serve(*broker, *answer, setup),
            Action::Deliver(message) => {
                next.network.retain(|other| other != message);
                next.deliver(message, settings);
            }
            Action::Lose(message) => next.network.retain(|other| other != message),
            Action::Expand(leader, joining) => {
                next.count_change(setup);
                next.node_mut(*leader).replica.expand(*joining, settings);
                if setup.decides_at_once() {
                    next.decide(*leader, settings);
                }
            }
            Action::Shrink(leader, leaving) => {
                next.count_change(setup);
                next.node_mut(*leader).replica.shrink(Brokers::only(*leaving), settings);
            }
            Action::Decide(leader) => next.decide(*leader, settings),
            Action::Bury(broker) => {
                next.count_change(setup);
                next.change(next.present().departed(*broker, settings.min_insync));
            }
            Action::Elect(broker, old) => next.elect(*broker, *old, setup),
            Action::Restart(broker, kept, left, learnt) => {
                next.leave_behind(*broker, left, setup);
                next.restart(*broker, *kept, *learnt, setup);
            }
        }
        if setup.reduced {
            next.reduce(setup);
        }
        next.note_promises(settings);
        next.key = next.key(setup);
        next
    }

    /// As many changes as there can be are none to be counted.
    fn count_change(&mut self, setup: &Setup) {
        self.changes += u8::from(setup.bounds.changes < u8::MAX);
    }

    fn elect(&mut self, broker: BrokerId, old: Old, setup: &Setup) {
        let min_insync = setup.settings.min_insync;
        let leader = Leader { broker, life: self.node(broker).replica.life().1 };
        let mut state = self.present().clone();
        if let (Old::IsBuried, Some(old)) = (old, state.leader) {
            self.count_change(setup);
            state = state.departed(old.broker, min_insync);
        }
        Arc::make_mut(&mut self.orders).push(state.elected(leader, min_insync));
    }

    fn hear(&mut self, broker: BrokerId, epoch: LeaderEpoch, left: &Left, setup: &Setup) {
        self.leave_behind(broker, left, setup);
        let (orders, life) = (Arc::clone(&self.orders), self.addressed(broker, epoch));
        let node = self.node_mut(broker);
        if let Some(to) = node.replica.ordered(&orders[epoch.0 as usize], life, setup.settings) {
            node.log.truncate(to.0 as usize);
        }
    }

    fn leave_behind(&mut self, broker: BrokerId, left: &Left, setup: &Setup) {
        match left {
            Left::Nothing => return,
            Left::Fetch => {}
            Left::FetchInsteadOf(lost) => self.network.retain(|other| other != lost),
        }
        if setup.reduced {
            self.sync_all(broker, setup.settings);
        }
        if let Some((leader, request)) = self.node(broker).replica.fetch_request(setup.settings) {
            self.send(Message::Fetch(leader, request));
        }
    }

    fn append(&mut self, broker: BrokerId, settings: Settings) {
        let record = self.appended;
        let node = self.node_mut(broker);
        if node.replica.append(1, false, settings).is_ok() {
            node.log.push(Entry { epoch: node.replica.epoch(), record });
            self.appended += 1;
        }
    }

    pub(super) fn sync(&mut self, broker: BrokerId, through: Offset, settings: Settings) {
        self.node_mut(broker).replica.persisted(through, settings);
    }

    pub(super) fn sync_all(&mut self, broker: BrokerId, settings: Settings) {
        let replica = &self.node(broker).replica;
        if replica.persisted_end() < replica.end() {
            self.sync(broker, replica.end(), settings);
        }
    }

    /// A follower whose disk must have what it got before it asks for more syncs just before.
    fn serve(&mut self, broker: BrokerId, fate: Answer, setup: &Setup) {
        let settings = setup.settings;
        if matches!(self.node(broker).replica.role(), Role::Fetching(_))
            && self.node(broker).replica.fetch_request(settings).is_none()
        {
            self.sync_all(broker, settings);
        }
        let replica = &self.node(broker).replica;
        let answer = if let Some((leader, request)) = replica.end_request() {
            self.node(leader).replica.end_of_epoch(&request, settings).map(Message::End)
        } else if let Some((leader, request)) = replica.fetch_request(settings) {
            self.fetch(leader, &request, settings)
        } else {
            return;
        };
        match (answer, fate) {
            (Ok(answer), Answer::Arrives) => self.deliver(&answer, settings),
            (Ok(answer), Answer::IsOnItsWay) => self.send(answer),
            _ => {}
        }
    }

    fn fetch(
        &mut self,
        leader: BrokerId,
        request: &FetchRequest,
        settings: Settings,
    ) -> Result<Message, Refusal> {
        let node = self.node_mut(leader);
        let answer = node.replica.fetch(request, settings)?;
        Ok(Message::Fetched(answer, node.log.get(request.offset.0 as usize).copied()))
    }

    fn deliver(&mut self, message: &Message, settings: Settings) {
        match message {
            Message::End(answer) => {
                let node = self.node_mut(answer.request.asker.broker);
                if let Ok(Some(to)) = node.replica.end_answered(answer) {
                    node.log.truncate(to.0 as usize);
                }
            }
            // Who asked is not there any more: the answer goes to nobody.
            Message::Fetch(leader, request) => {
                let _ = self.fetch(*leader, request, settings);
            }
            Message::Fetched(answer, entry) => self.fetched(answer, *entry, settings),
        }
    }

    fn fetched(&mut self, answer: &FetchAnswer, entry: Option<Entry>, settings: Settings) {
        let node = self.node_mut(answer.request.asker.broker);
        let batches = entry.map(|entry| (entry.epoch, 1));
        if node.replica.fetched(answer, batches, settings).is_ok() {
            node.log.extend(entry);
        }
    }

    fn decide(&mut self, leader: BrokerId, settings: Settings) {
        let Some(request) = self.node(leader).leadership().and_then(|leads| leads.proposed()).copied() else {
            return;
        };
        let life_of = |broker| Some(self.node(broker).replica.life().1);
        match self.present().change_set(&request, life_of, settings.min_insync, settings.defects) {
            Ok(state) => self.change(state),
            Err(SetRefusal::Stale) => {}
            Err(SetRefusal::AnotherLife | SetRefusal::NotASet) => {
                self.node_mut(leader).replica.set_refused(&request, settings);
            }
        }
    }

    /// What it remembers of its watermark is nothing: it can have written it down long ago.
    fn restart(&mut self, broker: BrokerId, kept: Offset, learnt: Learnt, setup: &Setup) {
        let kept = kept.max(self.node(broker).replica.persisted_end());
        self.crashes += 1;
        let (since, orders) = (self.present().epoch, Arc::clone(&self.orders));
        let node = self.node_mut(broker);
        node.since = since;
        let old = &node.replica;
        let mut lineage: Lineage = old.lineage().clone();
        lineage.truncated(kept);
        let life = BrokerEpoch(old.life().1.0 + 1);
        node.replica = Replica::recovered(broker, life, old.start()..kept, lineage, Offset::ZERO);
        node.log.truncate(kept.0 as usize);
        if learnt == Learnt::Late {
            node.replica.ordered(orders.last().expect("there is an epoch"), life, setup.settings);
        }
        let loses = setup.settings.flush == Flush::Background;
        let Settings { min_insync, defects, .. } = setup.settings;
        self.change(self.present().restarted(broker, loses, min_insync, defects));
    }

    /// Notes what leaders show and acknowledge by now.
    fn note_promises(&mut self, settings: Settings) {
        for broker in 0..self.nodes.len() {
            let node = &self.nodes[broker];
            if node.leadership().is_none() {
                continue;
            }
            let through = node.replica.watermark().max(node.replica.acknowledged(settings)).0 as usize;
            let more = self.promised.len()..through.min(node.log.len());
            if !more.is_empty() {
                Arc::make_mut(&mut self.promised).extend_from_slice(&self.nodes[broker].log[more]);
            }
        }
    }
}
