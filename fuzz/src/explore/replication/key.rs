//! The key of a state: what can still matter in it, the same for all states that differ in the names of brokers alone.
//!
//! Brokers are put in order by what can be said of each without naming another; only among those that nothing tells
//! apart every order is tried, and the smallest text taken. States keep the names that they have: a path of the search
//! is a story in which every broker is called the same from beginning to end.

use super::matters::maximal;
use super::setup::Setup;
use super::state::{Entry, Message, Node, State};
use crate::explore::orders::{each_order, places};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{Asker, Flush, Leadership, Role};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Each broker's place.
type Places<'a> = &'a [u8];

impl State {
    pub(super) fn key(&self, setup: &Setup) -> u64 {
        let mut hasher = DefaultHasher::new();
        if setup.reduced {
            self.text(setup).hash(&mut hasher);
        } else {
            let State { nodes, orders, network, promised, appended, changes, crashes, key: _ } = self;
            (nodes, orders, network, promised, appended, changes, crashes).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The key, written out.
    fn text(&self, setup: &Setup) -> Vec<u8> {
        let known = self.entries();
        let plain: Vec<Vec<u8>> =
            self.brokers().map(|(broker, node)| self.plain(broker, node, &known, setup)).collect();
        let mut sorted: Vec<usize> = (0..plain.len()).collect();
        sorted.sort_unstable_by(|one, other| plain[*one].cmp(&plain[*other]));
        let mut text = Vec::with_capacity(128);
        text.extend([
            self.appended,
            self.changes,
            self.crashes,
            self.orders.len() as u8,
            self.promised.len() as u8,
        ]);
        text.extend(self.promised.iter().map(|entry| name(&known, entry)));
        for broker in &sorted {
            text.push(plain[*broker].len() as u8);
            text.extend_from_slice(&plain[*broker]);
        }
        let mut least: Option<Vec<u8>> = None;
        each_order(&mut sorted, 0, &plain, &mut |sorted| {
            let named = self.named(&places(sorted), sorted, &known, setup);
            if least.as_ref().is_none_or(|known| named < *known) {
                least = Some(named);
            }
        });
        text.extend(least.expect("there is at least one order"));
        text
    }

    /// Every record that is anywhere.
    fn entries(&self) -> Vec<Entry> {
        let on_their_way = self.network.iter().filter_map(|message| match message {
            Message::Fetched(_, entry) => *entry,
            _ => None,
        });
        let logs = self.nodes.iter().flat_map(|node| node.log.iter().copied());
        let mut known: Vec<Entry> = logs.chain(self.promised.iter().copied()).chain(on_their_way).collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// What can be said of a broker without naming another.
    fn plain(&self, broker: BrokerId, node: &Node, known: &[Entry], setup: &Setup) -> Vec<u8> {
        let replica = &node.replica;
        let mut text = Vec::with_capacity(32);
        text.push(node.log.len() as u8);
        text.extend(node.log.iter().map(|entry| name(known, entry)));
        let counts_on_disk = setup.settings.flush == Flush::BeforeAck || self.crashes < setup.bounds.crashes;
        let persisted = if counts_on_disk { replica.persisted_end() } else { replica.end() };
        text.extend([persisted.0 as u8, replica.watermark().0 as u8, replica.life().1.0 as u8]);
        let (role, epoch) = match replica.role() {
            Role::Leading(_) => (3, replica.epoch()),
            _ if setup.heeds_idle_epochs() => {
                text.extend([node.since.0 as u8, u8::from(replica.version().is_none())]);
                (role_number(replica.role()), replica.epoch())
            }
            Role::Truncating(leader) | Role::Fetching(leader)
                if self.node(*leader).leads_in(replica.epoch()) =>
            {
                (role_number(replica.role()), replica.epoch())
            }
            _ => (0, self.next_to_hear(broker)),
        };
        text.extend([role, epoch.0 as u8]);
        if setup.settings.defects != Defects::NONE {
            // A log whose epochs do not rise is not what the replica thinks of it.
            let epochs = (0..replica.end().0).map(|offset| replica.lineage().epoch_at(Offset(offset)));
            text.extend(epochs.map(|epoch| epoch.map_or(u8::MAX, |epoch| epoch.0 as u8)));
        }
        if let Some(leads) = node.leadership() {
            let current = replica.version() == Some(self.order(leads.epoch()).version);
            text.extend([
                u8::from(current),
                self.still_to_reach(broker, leads).0 as u8,
                leads.in_sync().len() as u8,
            ]);
        }
        let epochs = (0..self.orders.len() as u32).map(LeaderEpoch);
        text.extend(epochs.map(|epoch| self.standing(broker, epoch, setup)));
        text
    }

    /// What a broker is in the controller's order of an epoch, as far as somebody can still hear of it.
    fn standing(&self, broker: BrokerId, epoch: LeaderEpoch, setup: &Setup) -> u8 {
        let state = self.order(epoch);
        let present = epoch == self.present().epoch;
        let leads = state.leader.is_some_and(|leader| leader.broker == broker);
        let may_be_led = present || setup.heeds_idle_epochs() || self.may_be_led(epoch);
        let all_heard = state.leader.is_some_and(|leader| {
            let node = self.node(leader.broker);
            node.leads_in(epoch) && node.replica.version() == Some(state.version)
        });
        let shows_set = present || may_be_led && !all_heard;
        u8::from(leads && may_be_led)
            | u8::from(shows_set && state.in_sync.has(broker)) << 1
            | u8::from(shows_set && state.eligible.has(broker)) << 2
    }

    /// What brokers know of each other, and what is on its way between them.
    fn named(&self, places: Places, sorted: &[usize], known: &[Entry], setup: &Setup) -> Vec<u8> {
        let mut text = Vec::with_capacity(32);
        for broker in sorted {
            let node = &self.nodes[*broker];
            match node.replica.role() {
                Role::Leading(leads) => self.leading_text(node, leads, places, setup, &mut text),
                Role::Truncating(leader) | Role::Fetching(leader)
                    if setup.heeds_idle_epochs() || self.node(*leader).leads_in(node.replica.epoch()) =>
                {
                    text.push(places[usize::from(leader.0)]);
                }
                _ => text.push(u8::MAX),
            }
        }
        let mut network: Vec<Vec<u8>> =
            self.network.iter().map(|message| message.text(places, known)).collect();
        network.sort_unstable();
        text.extend(network.into_iter().flatten());
        text
    }

    fn leading_text(
        &self,
        node: &Node,
        leads: &Leadership,
        places: Places,
        setup: &Setup,
        text: &mut Vec<u8>,
    ) {
        let me = node.replica.life().0;
        text.push(renamed(leads.in_sync(), places));
        match leads.proposed() {
            // Once it is decided, a request only says who may be in the set.
            Some(_) if setup.decides_at_once() => text.push(renamed(maximal(leads), places)),
            None if setup.decides_at_once() => text.push(renamed(leads.in_sync(), places)),
            None => text.push(u8::MAX),
            Some(request) => {
                text.push(renamed(request.in_sync, places));
                let joining =
                    request.joining.map(|(broker, life)| (places[usize::from(broker.0)], life.0 as u8));
                text.extend(joining.map_or([u8::MAX; 2], |(place, life)| [place, life]));
            }
        }
        let mut followers = vec![[0; 2]; self.nodes.len()];
        for (broker, _) in self.brokers() {
            if let Some(progress) = leads.progress(broker)
                && self.counts(me, leads, broker, progress, setup)
            {
                let life = (progress.life.0 as u8) << 1 | u8::from(progress.stale);
                followers[usize::from(places[usize::from(broker.0)])] = [1 + progress.held.0 as u8, life];
            }
        }
        text.extend(followers.into_iter().flatten());
    }
}

impl Message {
    fn text(&self, places: Places, known: &[Entry]) -> Vec<u8> {
        let asker =
            |asker: &Asker| [places[usize::from(asker.broker.0)], asker.life.0 as u8, asker.epoch.0 as u8];
        match self {
            Message::Fetch(to, request) => {
                let head = [1, places[usize::from(to.0)], request.offset.0 as u8];
                [&head[..], &asker(&request.asker)].concat()
            }
            Message::Fetched(answer, entry) => {
                let request = &answer.request;
                let entry = entry.map_or(u8::MAX, |entry| name(known, &entry));
                let head = [2, entry, answer.watermark.0 as u8, request.offset.0 as u8];
                [&head[..], &asker(&request.asker)].concat()
            }
            Message::End(answer) => {
                let request = &answer.request;
                let found = answer.end.found.map_or(u8::MAX, |epoch| epoch.0 as u8);
                let head = [3, found, answer.end.end.0 as u8, request.last.0 as u8];
                [&head[..], &asker(&request.asker)].concat()
            }
        }
    }
}

fn role_number(role: &Role) -> u8 {
    match role {
        Role::Idle => 0,
        Role::Truncating(_) => 1,
        Role::Fetching(_) => 2,
        Role::Leading(_) => 3,
    }
}

/// A record by its epoch and its rank among those of its epoch that are anywhere: records are only ever compared.
fn name(known: &[Entry], entry: &Entry) -> u8 {
    let first = known.partition_point(|other| other.epoch < entry.epoch);
    let rank = known[first..].iter().take_while(|other| *other < entry).count();
    (entry.epoch.0 as u8) << 4 | rank as u8
}

fn renamed(set: Brokers, places: Places) -> u8 {
    set.iter().fold(0, |bits, broker| bits | 1 << places[usize::from(broker.0)])
}
