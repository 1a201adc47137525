//! One protocol's messages: on their way, in inboxes, and in the hands of ports.

use crate::kernel::{Context, Event, Kernel};
use crate::life::Life;
use crate::mixing::SALT;
use crate::slab::Slab;
use crate::tally::FaultClass;
use crate::tasks::Waits;
use crate::trace::{Missed, Traced, as_json};
use rehearsal_env::{EventId, Message, NodeId, Port, Received, Time};
use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

struct Parcel<M> {
    message: M,
    from: NodeId,
    id: EventId,
    /// Which of all messages sent in the run; both copies of a doubled one share it.
    number: u64,
    /// Whether it is the second copy of a message whose first is on its way too.
    copy: bool,
}

#[derive(Default)]
struct Inbox {
    bound: bool,
    waiting: VecDeque<u32>,
    waker: Option<Waker>,
}

/// The identity of the second copy of a doubled message.
fn copy_of(id: EventId) -> EventId {
    EventId(id.0.rotate_left(17) ^ SALT[5])
}

/// All messages of type `M` in a world.
pub(crate) struct Wire<M> {
    index: u16,
    parcels: RefCell<Slab<Parcel<M>>>,
    inboxes: RefCell<Vec<Inbox>>,
}

/// A wire as the event loop sees it.
pub(crate) trait AnyWire: Any {
    /// A message reaches the node `to`.
    fn deliver(&self, kernel: &Kernel, slot: u32, to: NodeId);
    /// Who sent the message that is under way here.
    fn sender(&self, slot: u32) -> NodeId;
    /// The message is lost on its way to `to`; whether anybody there would have received it.
    fn lose(&self, kernel: &Kernel, slot: u32, to: NodeId) -> bool;
    /// How many messages lie unread at this node.
    fn unread(&self, node: NodeId) -> usize;
}

impl<M: Message> AnyWire for Wire<M> {
    fn deliver(&self, kernel: &Kernel, slot: u32, to: NodeId) {
        let mut parcels = self.parcels.borrow_mut();
        let parcel = parcels.get(slot);
        let (from, number, copy) = (parcel.from, parcel.number, parcel.copy);
        let mut inboxes = self.inboxes.borrow_mut();
        let open = inboxes.get_mut(to.index()).filter(|inbox| inbox.bound);
        let crosses = from == to || kernel.crosses(from, to, number);
        let listens = open.is_some();
        let message = parcel.id;
        let Some(inbox) = open.filter(|_| crosses) else {
            let lost = parcels.remove(slot);
            let why = if listens { Missed::Partition } else { Missed::NobodyListens };
            kernel.trace(Some(to), || Traced::Missed { message, why });
            drop((parcels, inboxes));
            drop(lost);
            return;
        };
        if copy {
            kernel.effect(FaultClass::Duplication);
        }
        kernel.trace(Some(to), || Traced::Arrived { message });
        kernel.messages.set(kernel.messages.get() + 1);
        inbox.waiting.push_back(slot);
        if let Some(waker) = &inbox.waker {
            kernel.wake(waker);
        }
    }

    fn sender(&self, slot: u32) -> NodeId {
        self.parcels.borrow().get(slot).from
    }

    fn lose(&self, kernel: &Kernel, slot: u32, to: NodeId) -> bool {
        let lost = self.parcels.borrow_mut().remove(slot);
        kernel.is_lost(lost.from, to, lost.number);
        kernel.trace(Some(to), || Traced::Missed { message: lost.id, why: Missed::Reset });
        self.is_bound(to)
    }

    fn unread(&self, node: NodeId) -> usize {
        self.inboxes.borrow().get(node.index()).map_or(0, |inbox| inbox.waiting.len())
    }
}

impl<M: Message> Wire<M> {
    /// The wire of `M`, made when it is first asked for.
    fn of(kernel: &Kernel) -> Rc<Wire<M>> {
        let mut wires = kernel.wires.borrow_mut();
        for wire in wires.iter() {
            let any: Rc<dyn Any> = wire.clone();
            if let Ok(wire) = any.downcast::<Wire<M>>() {
                return wire;
            }
        }
        let index = u16::try_from(wires.len()).expect("a world has fewer than 65,536 protocols");
        let wire = Rc::new(Wire { index, parcels: RefCell::default(), inboxes: RefCell::default() });
        wires.push(wire.clone());
        wire
    }

    pub(crate) fn bind(life: &Rc<Life>) -> SimPort<M> {
        let wire = Wire::<M>::of(&life.kernel);
        if life.alive.get() {
            let mut inboxes = wire.inboxes.borrow_mut();
            if inboxes.len() <= life.node.index() {
                inboxes.resize_with(life.node.index() + 1, Inbox::default);
            }
            let inbox = &mut inboxes[life.node.index()];
            let name = std::any::type_name::<M>();
            assert!(!inbox.bound, "node {} binds {name} twice", life.kernel.node_name(life.node));
            inbox.bound = true;
        }
        SimPort { life: life.clone(), wire, bound: life.alive.get() }
    }

    fn is_bound(&self, node: NodeId) -> bool {
        self.inboxes.borrow().get(node.index()).is_some_and(|inbox| inbox.bound)
    }

    #[inline(always)]
    fn dispatch(&self, kernel: &Kernel, to: NodeId, at: Time, parcel: Parcel<M>) {
        let id = parcel.id;
        let slot = self.parcels.borrow_mut().insert(parcel);
        kernel.schedule(at, id, Event::Deliver { wire: self.index, slot, to });
    }
}

/// A bound port in the seeded world.
pub struct SimPort<M: Message> {
    life: Rc<Life>,
    wire: Rc<Wire<M>>,
    /// False when it was bound by an incarnation that had ended.
    bound: bool,
}

impl<M: Message> Port<M> for SimPort<M> {
    #[inline]
    fn send(&self, to: NodeId, message: M) {
        let life = &*self.life;
        if !life.alive.get() {
            return;
        }
        let kernel = &*life.kernel;
        let (from, id) = (life.node, kernel.next_id());
        kernel.absorb_value(&message);
        let number = kernel.sent.get();
        kernel.sent.set(number + 1);
        let route = kernel.route(from, to, id, number, || self.wire.is_bound(to));
        kernel.trace(Some(from), || Traced::Sent {
            message: id,
            to,
            protocol: std::any::type_name::<M>(),
            body: as_json(&message),
            arrives: route.first,
            copy: route.second.map(|at| (copy_of(id), at)),
            held_back: route.held_back,
            lost: route.lost,
            slowed_by: route.slowed_by,
        });
        if let Some(at) = route.second {
            let copy = route.first.is_some();
            let copied = Parcel { message: message.clone(), from, id: copy_of(id), number, copy };
            self.wire.dispatch(kernel, to, at, copied);
        }
        if let Some(at) = route.first {
            self.wire.dispatch(kernel, to, at, Parcel { message, from, id, number, copy: false });
        }
    }

    fn recv(&self) -> impl Future<Output = Received<M>> {
        poll_fn(|context| self.poll_recv(context))
    }
}

impl<M: Message> SimPort<M> {
    #[inline(always)]
    fn poll_recv(&self, context: &mut TaskContext<'_>) -> Poll<Received<M>> {
        if !self.life.alive.get() {
            return Poll::Pending;
        }
        let kernel = &*self.life.kernel;
        let mut inboxes = self.wire.inboxes.borrow_mut();
        let inbox = &mut inboxes[self.life.node.index()];
        let Some(slot) = inbox.waiting.pop_front() else {
            if !inbox.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                inbox.waker = Some(context.waker().clone());
            }
            kernel.waits.set(Waits::Message(std::any::type_name::<M>()));
            return Poll::Pending;
        };
        let parcel = self.wire.parcels.borrow_mut().remove(slot);
        // What the receiver does from here on is caused by this message.
        kernel.context.set(Context::of(parcel.id));
        kernel.event.set(parcel.id);
        kernel.trace(Some(self.life.node), || Traced::Taken { message: parcel.id });
        Poll::Ready(Received { from: parcel.from, message: parcel.message })
    }
}

impl<M: Message> Drop for SimPort<M> {
    fn drop(&mut self) {
        if !self.bound {
            return;
        }
        let mut inboxes = self.wire.inboxes.borrow_mut();
        let inbox = &mut inboxes[self.life.node.index()];
        inbox.bound = false;
        inbox.waker = None;
        let unread = std::mem::take(&mut inbox.waiting);
        drop(inboxes);
        for slot in unread {
            let parcel = self.wire.parcels.borrow_mut().remove(slot);
            drop(parcel);
        }
    }
}
