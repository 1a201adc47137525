//! What all handles of one world share: time, the queue, the tasks, the nodes, the decider, the
//! digest.
//!
//! Nothing here knows the facts of a system; those pass through [`crate::facts`].

use crate::audience::Incident;
use crate::decider::{Decider, Question};
use crate::digest::Rolling;
use crate::disk::Disk;
use crate::life::Life;
use crate::links::{Links, message_fates};
use crate::machine::Machine;
use crate::mixing::{SALT, fold};
use crate::queue::{Queue, Ticket};
use crate::settings::Settings;
use crate::slab::Slab;
use crate::storage::DiskOperation;
use crate::striking::fault_names;
use crate::tally::{FaultClass, FaultTally};
use crate::tasks::{BoxedTask, Tasks, Waits};
use crate::trace::Tracing;
use crate::waker::Epoch;
use crate::wire::AnyWire;
use rehearsal_env::{EventId, Incarnation, NodeId, Time, Violation};
use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::rc::Rc;
use std::task::Waker;

/// A place in the web of causes: the event or message that a step follows from, and how many
/// draws it has made since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) cause: u64,
    pub(crate) ordinal: u32,
}

impl Context {
    pub(crate) fn of(id: EventId) -> Context {
        Context { cause: id.0, ordinal: 0 }
    }

    /// The identity of what is caused next.
    #[inline(always)]
    fn next_id(&mut self) -> EventId {
        let id = fold(self.cause ^ SALT[0], u64::from(self.ordinal) ^ SALT[1]);
        self.ordinal += 1;
        EventId(id)
    }

    /// The identity of the next step of a task, without counting it.
    #[inline]
    pub(crate) fn step_id(&self) -> EventId {
        EventId(fold(self.cause ^ SALT[2], u64::from(self.ordinal) ^ SALT[3]))
    }
}

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message reaches its node.
    Deliver { wire: u16, slot: u32, to: NodeId },
    /// A sleep ends.
    Timer(Waker),
    /// A disk operation completes.
    Disk(u32),
    /// A node that went down is started; the incarnation is the one that ended.
    Restart(NodeId, Incarnation),
    /// A paused node goes on.
    Resume(NodeId),
    /// The fault of this index strikes; so many times more after that.
    Strike { fault: u32, repeats: u32 },
    /// It heals.
    Heal { fault: u32 },
    /// A task of a slow node has its turn.
    Turn(NodeId),
}

/// A program: called at every start of its node.
pub(crate) type Program = Box<dyn Fn(Rc<Life>) -> BoxedTask>;

/// One node of the world.
pub(crate) struct Node {
    pub(crate) name: Box<str>,
    pub(crate) program: Option<Program>,
    /// A client's program runs once; when it returns the client is done.
    pub(crate) client: bool,
    pub(crate) done: bool,
    pub(crate) life: Option<Rc<Life>>,
    pub(crate) incarnation: Incarnation,
    pub(crate) paused: bool,
    /// Tasks that became ready while the node stood still.
    pub(crate) held: Vec<u32>,
    /// The event that ends a pause.
    pub(crate) resume: Option<Ticket>,
    pub(crate) disk: Disk,
    /// The faults that fill the disk now.
    pub(crate) filled_by: Vec<u32>,
    pub(crate) failing_syncs: u32,
    /// When the last message of the node to itself arrives, so that they stay in order.
    pub(crate) last_to_itself: Time,
    /// What is wrong with its machine; None as long as nothing ever was.
    pub(crate) machine: Option<Box<Machine>>,
}

pub(crate) struct Kernel {
    pub(crate) epoch: Epoch,
    pub(crate) settings: Settings,
    pub(crate) now: Cell<Time>,
    pub(crate) stormy: Cell<bool>,
    /// The odds of what becomes of a message, as they are now.
    pub(crate) message_fates: Cell<[u32; 3]>,
    pub(crate) context: Cell<Context>,
    /// The event being handled.
    pub(crate) event: Cell<EventId>,
    pub(crate) waits: Cell<Waits>,
    pub(crate) decider: RefCell<Box<dyn Decider>>,
    digest: Cell<Rolling>,
    pub(crate) tracing: Tracing,
    pub(crate) queue: RefCell<Queue<Event>>,
    pub(crate) tasks: RefCell<Tasks>,
    pub(crate) nodes: RefCell<Vec<Node>>,
    pub(crate) wires: RefCell<Vec<Rc<dyn AnyWire>>>,
    pub(crate) operations: RefCell<Slab<DiskOperation>>,
    /// Whether `links` says anything at all.
    pub(crate) links_matter: Cell<bool>,
    pub(crate) links: RefCell<Links>,
    pub(crate) tally: RefCell<FaultTally>,
    /// The names of the faults, by index.
    pub(crate) fault_names: Vec<u64>,
    /// Whether the fault of this index has changed an operation in flight.
    pub(crate) fault_effects: RefCell<Vec<bool>>,
    /// Nodes that stand still or are slow.
    pub(crate) hindered_nodes: Cell<u32>,
    /// Whether every clock shows true time.
    pub(crate) clocks_agree: Cell<bool>,
    /// Clients whose programs have not returned.
    pub(crate) clients_waiting: Cell<u32>,
    pub(crate) events: Cell<u64>,
    /// After so many events the run is cut off.
    pub(crate) most_events: Cell<u64>,
    /// Messages handed to the network.
    pub(crate) sent: Cell<u64>,
    /// Messages delivered.
    pub(crate) messages: Cell<u64>,
    /// Numbers facts and incidents.
    pub(crate) history: Cell<u64>,
    pub(crate) stopped: Cell<bool>,
    pub(crate) violation: RefCell<Option<Violation>>,
    pub(crate) incidents_wait: Cell<bool>,
    /// Incidents not yet shown to the audience.
    pub(crate) incidents: RefCell<Vec<Incident>>,
}

impl Kernel {
    pub(crate) fn new(settings: Settings, decider: Box<dyn Decider>) -> Rc<Kernel> {
        let faults = settings.faults.len();
        Rc::new(Kernel {
            epoch: Epoch::fresh(),
            now: Cell::new(Time::ZERO),
            stormy: Cell::new(true),
            message_fates: Cell::new(message_fates(&settings.network, true)),
            fault_names: fault_names(&settings.faults),
            settings,
            context: Cell::default(),
            event: Cell::default(),
            waits: Cell::default(),
            decider: RefCell::new(decider),
            digest: Cell::default(),
            tracing: Tracing::default(),
            queue: RefCell::default(),
            tasks: RefCell::default(),
            nodes: RefCell::new(Vec::with_capacity(8)),
            wires: RefCell::default(),
            operations: RefCell::default(),
            links_matter: Cell::new(false),
            links: RefCell::default(),
            tally: RefCell::default(),
            fault_effects: RefCell::new(vec![false; faults]),
            hindered_nodes: Cell::new(0),
            clocks_agree: Cell::new(true),
            clients_waiting: Cell::new(0),
            events: Cell::new(0),
            most_events: Cell::new(u64::MAX),
            sent: Cell::new(0),
            messages: Cell::new(0),
            history: Cell::new(0),
            stopped: Cell::new(false),
            violation: RefCell::new(None),
            incidents_wait: Cell::new(false),
            incidents: RefCell::default(),
        })
    }

    /// The identity of what the running step causes next.
    #[inline]
    pub(crate) fn next_id(&self) -> EventId {
        let mut context = self.context.get();
        let id = context.next_id();
        self.context.set(context);
        id
    }

    /// Puts an event into the queue.
    #[inline(always)]
    pub(crate) fn schedule(&self, at: Time, id: EventId, event: Event) -> Ticket {
        self.queue.borrow_mut().push(at, id, event)
    }

    /// Wakes whoever polls with `waker`.
    #[inline(always)]
    pub(crate) fn wake(&self, waker: &Waker) {
        match self.epoch.task_of(waker) {
            Some(slot) => self.wake_task(slot),
            None => waker.wake_by_ref(),
        }
    }

    /// Asks for a number of `low..=high` and keeps the answer in the digest.
    #[inline]
    pub(crate) fn value(&self, question: Question, low: u64, high: u64) -> u64 {
        let answer = self.decider.borrow_mut().value(question, low, high);
        self.absorb(answer);
        answer
    }

    /// Asks for one of several fates and keeps the answer in the digest.
    #[inline]
    pub(crate) fn fate(&self, question: Question, weights: &[u32]) -> usize {
        let answer = self.decider.borrow_mut().fate(question, weights);
        self.absorb(answer as u64);
        answer
    }

    #[inline]
    pub(crate) fn absorb(&self, word: u64) {
        let mut digest = self.digest.get();
        digest.absorb(word);
        self.digest.set(digest);
    }

    #[inline(always)]
    pub(crate) fn absorb_pair(&self, first: u64, second: u64) {
        let mut digest = self.digest.get();
        digest.absorb_pair(first, second);
        self.digest.set(digest);
    }

    #[inline(always)]
    pub(crate) fn absorb_value(&self, value: &impl Hash) {
        let mut digest = self.digest.get();
        value.hash(&mut digest);
        self.digest.set(digest);
    }

    pub(crate) fn digest(&self) -> crate::Digest {
        self.digest.get().digest()
    }

    pub(crate) fn strike(&self, class: FaultClass) {
        self.tally.borrow_mut().strike(class);
    }

    pub(crate) fn effect(&self, class: FaultClass) {
        self.tally.borrow_mut().effect(class);
    }

    /// The fault of this index changed an operation in flight; counted once.
    pub(crate) fn fault_had_effect(&self, fault: u32, class: FaultClass) {
        let mut effects = self.fault_effects.borrow_mut();
        if !std::mem::replace(&mut effects[fault as usize], true) {
            self.effect(class);
        }
    }

    pub(crate) fn report(&self, incident: Incident) {
        self.incidents_wait.set(true);
        self.incidents.borrow_mut().push(incident);
    }

    /// Ends the run with a violation of the world's own.
    pub(crate) fn violate(&self, violation: Violation) {
        self.violation.borrow_mut().get_or_insert(violation);
        self.stopped.set(true);
    }

    pub(crate) fn node_name(&self, node: NodeId) -> String {
        self.nodes.borrow()[node.index()].name.to_string()
    }
}
