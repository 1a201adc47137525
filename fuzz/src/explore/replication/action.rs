//! What can happen in one step.

use super::setup::Setup;
use super::state::{Message, Node, State};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{Leadership, Role};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A broker hears of the partition's newest state in this epoch, and leaves this behind.
    Hear(BrokerId, LeaderEpoch, Left),
    /// A producer's record is appended by who believes to lead.
    Append(BrokerId),
    /// A broker's disk has its log up to there.
    Sync(BrokerId, Offset),
    /// A follower's question reaches its leader, and this becomes of the answer.
    Serve(BrokerId, Answer),
    /// A message arrives.
    Deliver(Message),
    /// A message is lost.
    Lose(Message),
    /// A leader asks for a set with this follower.
    Expand(BrokerId, BrokerId),
    /// A leader asks for a set without this follower.
    Shrink(BrokerId, BrokerId),
    /// A leader's request for another set reaches the controller.
    Decide(BrokerId),
    /// The controller takes a broker for dead.
    Bury(BrokerId),
    /// The controller has this one lead from now on; before that it takes the one who led for dead, or not.
    Elect(BrokerId, Old),
    /// A broker dies, keeps its log up to there, and comes back in another life, which the controller learns of. It
    /// leaves this behind.
    Restart(BrokerId, Offset, Left, Learnt),
}

/// Who is first when a broker comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Learnt {
    /// The controller learns of the new life before the broker hears anything.
    First,
    /// The broker hears the state in which its earlier life leads before the controller learns that this is over.
    Late,
}

/// What a broker leaves behind when it goes on to another epoch or life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// A fetch that its leader has not got yet.
    Fetch,
    /// A fetch that its leader has not got yet, while this message is lost.
    FetchInsteadOf(Message),
}

/// What becomes of a leader when another is elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Old {
    /// It stays in the set.
    Stays,
    /// The controller takes it for dead.
    IsBuried,
}

/// What becomes of an answer.
///
/// It arrives at once or never. That is enough: while a follower waits it does nothing, so an answer that arrives later
/// might as well have arrived at once; and when the follower has not waited, a sound replica does not take it. Only where
/// that rule is removed, answers can be on their way for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It arrives.
    Arrives,
    /// It is lost.
    IsLost,
    /// It arrives some time.
    IsOnItsWay,
}

impl State {
    /// Everything that can happen next.
    pub fn possible(&self, setup: &Setup, actions: &mut Vec<Action>) {
        for (broker, node) in self.brokers() {
            self.hearing(broker, setup, actions);
            self.disk(broker, node, setup, actions);
            match node.leadership() {
                Some(leadership) => self.leading(broker, node, leadership, setup, actions),
                None => self.following(broker, node, setup, actions),
            }
        }
        actions.extend(self.network.iter().cloned().map(Action::Deliver));
        if !setup.reduced {
            actions.extend(self.network.iter().cloned().map(Action::Lose));
        }
        self.controlling(setup, actions);
    }

    /// Orders that change something.
    fn hearing(&self, broker: BrokerId, setup: &Setup, actions: &mut Vec<Action>) {
        for epoch in (0..self.orders.len() as u32).map(LeaderEpoch) {
            if self.is_news(broker, epoch, setup) {
                let left = self.may_be_left(broker, setup);
                actions.extend(left.map(|left| Action::Hear(broker, epoch, left)));
            }
        }
    }

    /// What a broker may leave behind.
    fn may_be_left(&self, broker: BrokerId, setup: &Setup) -> impl Iterator<Item = Left> {
        let synced = self.node(broker).replica.fetch_request(setup.settings).is_some();
        let fetch = self.late_fetch(broker, setup);
        let room = self.network.len() < usize::from(setup.bounds.messages);
        // Where there is room, to leave it is as good as not to: it need never arrive.
        let nothing = (fetch.is_none() || !room || !synced || !setup.reduced).then_some(Left::Nothing);
        let left = (fetch.is_some() && room).then_some(Left::Fetch);
        let others = if fetch.is_some() && !room && setup.reduced { &self.network[..] } else { &[] };
        let instead: Vec<Left> = others.iter().cloned().map(Left::FetchInsteadOf).collect();
        nothing.into_iter().chain(left).chain(instead)
    }

    /// Syncs, and crashes with what they leave.
    fn disk(&self, broker: BrokerId, node: &Node, setup: &Setup, actions: &mut Vec<Action>) {
        let (persisted, end) = (node.replica.persisted_end().0, node.replica.end().0);
        let through = (persisted + 1..=end).map(Offset);
        actions
            .extend(through.filter(|to| self.need_sync(node, *to, setup)).map(|to| Action::Sync(broker, to)));
        if self.crashes < setup.bounds.crashes {
            for kept in (persisted..=end).map(Offset) {
                for left in self.may_be_left(broker, setup) {
                    actions.push(Action::Restart(broker, kept, left.clone(), Learnt::First));
                    if self.learns_late(broker, setup) {
                        actions.push(Action::Restart(broker, kept, left, Learnt::Late));
                    }
                }
            }
        }
    }

    fn following(&self, broker: BrokerId, node: &Node, setup: &Setup, actions: &mut Vec<Action>) {
        let (leader, fetches) = match node.replica.role() {
            Role::Truncating(leader) => (*leader, false),
            Role::Fetching(leader) => (*leader, true),
            _ => return,
        };
        let leader = self.node(leader);
        let epoch = node.replica.epoch();
        let serves = leader.leads_in(epoch) || setup.heeds_other_epochs() && leader.leadership().is_some();
        if !serves {
            return;
        }
        if fetches && !setup.reduced && node.replica.fetch_request(setup.settings).is_none() {
            return;
        }
        actions.push(Action::Serve(broker, Answer::Arrives));
        // That a leader has said where an epoch ends changes nothing at the leader.
        if fetches || !setup.reduced {
            actions.push(Action::Serve(broker, Answer::IsLost));
        }
        if setup.takes_late_answers() && self.network.len() < usize::from(setup.bounds.messages) {
            actions.push(Action::Serve(broker, Answer::IsOnItsWay));
        }
    }

    fn leading(
        &self,
        broker: BrokerId,
        node: &Node,
        leadership: &Leadership,
        setup: &Setup,
        actions: &mut Vec<Action>,
    ) {
        let bounds = &setup.bounds;
        if node.log.len() < usize::from(bounds.slots) && self.appended < bounds.records {
            actions.push(Action::Append(broker));
        }
        let heard = setup.heeds_stale_requests() || self.knows_the_present(broker);
        if leadership.proposed().is_some() {
            if heard {
                actions.push(Action::Decide(broker));
            }
        } else if self.changes < bounds.changes && heard {
            let joining = node.replica.caught_up(setup.settings).iter();
            actions.extend(joining.map(|joining| Action::Expand(broker, joining)));
            // A set that the leader shrinks is as one that the controller shrinks, before the leader has heard of it.
            if !setup.decides_at_once() {
                let leaving = leadership.in_sync().without(broker).iter();
                actions.extend(leaving.map(|leaving| Action::Shrink(broker, leaving)));
            }
        }
    }

    fn controlling(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let present = self.present();
        let leader = present.leader.map(|leader| leader.broker);
        let may_bury = self.changes < setup.bounds.changes && present.in_sync.len() > 1;
        if may_bury {
            // That a leader is taken for dead matters when another is elected.
            let buried = present.in_sync.iter().filter(|broker| !setup.reduced || Some(*broker) != leader);
            actions.extend(buried.map(Action::Bury));
        }
        if self.orders.len() < usize::from(setup.bounds.epochs) {
            // Whoever may be elected is it at the latest when nobody else lives, as far as the controller knows.
            let defects = setup.settings.defects;
            let may_lead =
                |broker: &BrokerId| present.candidates(Brokers::only(*broker), defects).has(*broker);
            let others = present.replicas.iter().filter(|broker| Some(*broker) != leader);
            for broker in others.filter(may_lead) {
                actions.push(Action::Elect(broker, Old::Stays));
                if setup.reduced && may_bury && leader.is_some_and(|leader| present.in_sync.has(leader)) {
                    actions.push(Action::Elect(broker, Old::IsBuried));
                }
            }
        }
    }
}
