//! Which links are cut or slow, and which messages are being overtaken.

use crate::decider::{Decider, Question, Site};
use crate::kernel::Kernel;
use crate::settings::NetworkSettings;
use crate::tally::FaultClass;
use crate::trace::Loss;
use rehearsal_env::{EventId, NodeId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a node's message to itself takes.
const TO_ITSELF: Duration = Duration::from_micros(1);
/// Shares of messages are out of so many.
const WHOLE: u32 = 100_000;
/// The fates of a message, beside the first: that it arrives.
const LOST: usize = 1;
const DOUBLED: usize = 2;

/// The odds that a message arrives, is lost, is doubled.
pub(crate) fn message_fates(network: &NetworkSettings, stormy: bool) -> [u32; 3] {
    if !stormy {
        return [WHOLE, 0, 0];
    }
    let lost = network.loss.min(WHOLE);
    let doubled = network.duplication.min(WHOLE - lost);
    [WHOLE - lost - doubled, lost, doubled]
}

/// How finely the latency range is shared out among the links.
const LINK_STEPS: u64 = 1_000;

/// An ordered pair of nodes as one number.
fn entity(from: NodeId, to: NodeId) -> u64 {
    u64::from(from.0) << 32 | u64::from(to.0)
}

/// A message that was held back and has not arrived.
#[derive(Debug)]
struct HeldBack {
    link: u64,
    number: u64,
    overtaken: bool,
}

/// A fault that slows a link down.
#[derive(Debug)]
struct Slow {
    fault: u32,
    /// How long the link is busy with one message.
    apart: Duration,
    /// When it is free again.
    free: Time,
}

/// A division that may come more than once.
#[derive(Clone, Copy, Debug, Default)]
struct Drawn {
    times: u32,
    /// In which of its times it stopped a message first; 0 when in none.
    stopped_in: u32,
}

/// So long a message waits for its turn on a slow link at most: what would wait longer finds the buffers full.
const LONGEST_TURN: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The faults that cut a link now.
    cuts: BTreeMap<u64, Vec<u32>>,
    /// The faults that slow a link down now.
    slow: BTreeMap<u64, Vec<Slow>>,
    drawn: BTreeMap<u32, Drawn>,
    held_back: Vec<HeldBack>,
}

/// What the network does with one message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Route {
    /// When it arrives.
    pub(crate) first: Option<Time>,
    /// When its second copy does.
    pub(crate) second: Option<Time>,
    /// Whether it is held back.
    pub(crate) held_back: bool,
    /// Why it is lost.
    pub(crate) lost: Option<Loss>,
    /// The fault for which it waits behind others.
    pub(crate) slowed_by: Option<u32>,
}

/// What a message finds on its link.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// Its turn comes so much later than now, in nanoseconds; behind others if a fault is named.
    Turn { later: u64, behind: Option<u32> },
    /// It goes no further.
    Stop(Loss),
}

impl Links {
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId, fault: u32) {
        self.cuts.entry(entity(from, to)).or_default().push(fault);
    }

    pub(crate) fn heal(&mut self, fault: u32) {
        self.cuts.retain(|_, faults| {
            faults.retain(|by| *by != fault);
            !faults.is_empty()
        });
        self.slow.retain(|_, slow| {
            slow.retain(|slow| slow.fault != fault);
            !slow.is_empty()
        });
    }

    pub(crate) fn heal_all(&mut self) {
        self.cuts.clear();
        self.slow.clear();
    }

    /// The fault is about to cut its links once more.
    pub(crate) fn draw(&mut self, fault: u32) {
        self.drawn.entry(fault).or_default().times += 1;
    }

    /// The fault stopped a message; whether it had done so before it was healed last.
    pub(crate) fn stopped_again(&mut self, fault: u32) -> bool {
        let drawn = self.drawn.entry(fault).or_default();
        if drawn.stopped_in == 0 {
            drawn.stopped_in = drawn.times;
        }
        drawn.stopped_in < drawn.times
    }

    pub(crate) fn slow_down(&mut self, from: NodeId, to: NodeId, fault: u32, apart: Duration) {
        let slow = Slow { fault, apart, free: Time::ZERO };
        self.slow.entry(entity(from, to)).or_default().push(slow);
    }

    /// A message is sent now: it waits until the link has carried those before it, and itself, under each fault that slows
    /// the link down.
    fn take_turn(&mut self, link: u64, now: Time) -> Found {
        let Some(slow) = self.slow.get_mut(&link) else { return Found::Turn { later: 0, behind: None } };
        let (mut at, mut behind) = (now, None);
        for slow in slow.iter() {
            behind = behind.or((slow.free > at).then_some(slow.fault));
            at = slow.free.max(at) + slow.apart;
            // Before anything is changed: what is lost takes nobody's turn.
            if behind.is_some() && at.since(now) > LONGEST_TURN {
                return Found::Stop(Loss::SlowLink(slow.fault));
            }
        }
        let mut free = now;
        for slow in slow {
            free = slow.free.max(free) + slow.apart;
            slow.free = free;
        }
        Found::Turn { later: at.since(now).as_nanos() as u64, behind }
    }

    /// A message that was held back is no more under way.
    fn forget(&mut self, link: u64, number: u64) {
        self.held_back.retain(|held| held.link != link || held.number != number);
    }

    /// The fault that stops messages on this link, if any.
    #[inline]
    fn stopped_by(&self, from: NodeId, to: NodeId) -> Option<u32> {
        if self.cuts.is_empty() {
            return None;
        }
        self.cuts.get(&entity(from, to)).and_then(|faults| faults.first().copied())
    }
}

impl Kernel {
    /// Decides what becomes of message `id`; `number` counts all messages of the run.
    #[inline(always)]
    pub(crate) fn route(
        &self,
        from: NodeId,
        to: NodeId,
        id: EventId,
        number: u64,
        heard: impl FnOnce() -> bool,
    ) -> Route {
        if from == to {
            self.absorb_pair(id.0, u64::from(from.0));
            return self.route_to_itself(from);
        }
        let network = &self.settings.network;
        let link = entity(from, to);
        let ask = |site| Question { cause: id.0, entity: link, site, ordinal: 0 };
        let (fate, mut latency) = {
            let decider = &mut **self.decider.borrow_mut();
            let fate = decider.fate(ask(Site::Message), &self.message_fates.get());
            (fate, self.latency(decider, ask(Site::Latency), link))
        };
        self.absorb_pair(id.0 ^ link, latency << 2 | fate as u64);
        let (lost, doubled) = (fate == LOST, fate == DOUBLED);
        let mut held_back = false;
        let may_be_held = network.delay > 0 && self.stormy.get();
        let delay = [WHOLE - network.delay.min(WHOLE), network.delay];
        if may_be_held && self.fate(ask(Site::Delay), &delay) == 1 {
            latency += self.value(ask(Site::DelayLength), 1, network.delay_max.0.max(1));
            self.strike(FaultClass::Delay);
            held_back = true;
        }
        let (mut turn, mut slowed_by) = (0, None);
        if self.links_matter.get() {
            match self.find(from, to, !lost) {
                Found::Turn { later, behind } => (turn, slowed_by) = (later, behind),
                Found::Stop(loss) => return Route { lost: Some(loss), ..Route::default() },
            }
        }
        if lost {
            self.lose(heard());
        } else if held_back {
            self.hold_back(link, number);
        }
        let arrival = |latency| Time(self.now.get().0.saturating_add(latency));
        let second = doubled.then(|| {
            self.strike(FaultClass::Duplication);
            let latency = self.latency(&mut **self.decider.borrow_mut(), ask(Site::DuplicateLatency), link);
            self.absorb(latency);
            arrival(latency + turn)
        });
        let first = (!lost).then(|| arrival(latency + turn));
        Route { first, second, held_back, lost: lost.then_some(Loss::Network), slowed_by }
    }

    /// What a message that is sent now finds on its link; whether it takes a turn if that is slow.
    fn find(&self, from: NodeId, to: NodeId, takes_turn: bool) -> Found {
        let stopped = self.links.borrow().stopped_by(from, to);
        if let Some(fault) = stopped {
            self.cut_stopped(fault);
            return Found::Stop(Loss::Partition(fault));
        }
        if !takes_turn {
            return Found::Turn { later: 0, behind: None };
        }
        let found = self.links.borrow_mut().take_turn(entity(from, to), self.now.get());
        if let Found::Turn { behind: Some(fault), .. } | Found::Stop(Loss::SlowLink(fault)) = found {
            self.fault_had_effect(fault, FaultClass::SlowLink);
        }
        found
    }

    fn route_to_itself(&self, node: NodeId) -> Route {
        let mut nodes = self.nodes.borrow_mut();
        let last = &mut nodes[node.index()].last_to_itself;
        *last = (self.now.get() + TO_ITSELF).max(*last + Duration::from_nanos(1));
        Route { first: Some(*last), ..Route::default() }
    }

    #[inline(always)]
    fn latency(&self, decider: &mut dyn Decider, question: Question, link: u64) -> u64 {
        let network = &self.settings.network;
        let (low, high) = (network.latency_min.0, network.latency_max.0);
        if !network.links_differ {
            return decider.value(question, low, high);
        }
        let of_link = |ordinal| Question { cause: 0, entity: link, site: Site::LinkLatency, ordinal };
        let start = decider.value(of_link(0), 0, LINK_STEPS - 1);
        let end = decider.value(of_link(1), start, LINK_STEPS);
        let at =
            |step: u64| low + (u128::from(high - low) * u128::from(step) / u128::from(LINK_STEPS)) as u64;
        decider.value(question, at(start), at(end))
    }

    fn lose(&self, heard: bool) {
        self.strike(FaultClass::Loss);
        if heard {
            self.effect(FaultClass::Loss);
        }
    }

    fn hold_back(&self, link: u64, number: u64) {
        self.links_matter.set(true);
        self.links.borrow_mut().held_back.push(HeldBack { link, number, overtaken: false });
    }

    /// Whether the message may cross now, at its arrival; keeps account of overtaking.
    #[inline(always)]
    pub(crate) fn crosses(&self, from: NodeId, to: NodeId, number: u64) -> bool {
        if !self.links_matter.get() {
            return true;
        }
        let mut links = self.links.borrow_mut();
        if let Some(fault) = links.stopped_by(from, to) {
            links.forget(entity(from, to), number);
            drop(links);
            self.cut_stopped(fault);
            return false;
        }
        if !links.held_back.is_empty() {
            let link = entity(from, to);
            for held in &mut links.held_back {
                if held.link == link && held.number < number && !held.overtaken {
                    held.overtaken = true;
                    self.effect(FaultClass::Delay);
                }
            }
            links.forget(link, number);
        }
        true
    }

    /// A message that was lost on its way does not arrive any more, and is overtaken by nobody.
    pub(crate) fn is_lost(&self, from: NodeId, to: NodeId, number: u64) {
        self.links.borrow_mut().forget(entity(from, to), number);
    }
}
