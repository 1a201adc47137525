//! Sleeping: a timer that leaves the queue when nobody waits for it any more.

use crate::kernel::{Event, Kernel};
use crate::life::Life;
use crate::queue::Ticket;
use crate::tally::FaultClass;
use crate::tasks::Waits;
use crate::trace::Traced;
use rehearsal_env::Time;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Waits until a time of the node's clock.
pub(crate) struct Sleep {
    life: Rc<Life>,
    until: Time,
    ticket: Option<Ticket>,
    /// The drift by which it ends at another time than without.
    moved_by: Option<u32>,
}

impl Sleep {
    pub(crate) fn new(life: Rc<Life>, until: Time) -> Sleep {
        Sleep { life, until, ticket: None, moved_by: None }
    }

    /// As [`poll`](Future::poll), where clocks do not agree. The node's clock may be changed meanwhile: a sleep that is
    /// over before it shows the time goes on, and one that it shows earlier ends late.
    #[cold]
    fn poll_by_own_clock(&mut self, context: &Context<'_>) -> Poll<()> {
        let (kernel, node) = (&*self.life.kernel, self.life.node);
        let due = kernel.due(node, self.until);
        if kernel.now.get() >= due.at {
            if let Some(fault) = self.moved_by.take() {
                kernel.fault_had_effect(fault, FaultClass::ClockDrift);
            }
            return Poll::Ready(());
        }
        kernel.waits.set(Waits::Timer(due.at));
        if self.ticket.is_none_or(|ticket| !kernel.rewake(ticket, context)) {
            let id = kernel.next_id();
            self.ticket = Some(kernel.schedule(due.at, id, Event::Timer(context.waker().clone())));
            self.moved_by = self.moved_by.or(due.moved_by);
            kernel.trace(Some(node), || Traced::Slept { timer: id, until: due.at });
        }
        Poll::Pending
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let kernel = &*self.life.kernel;
        if !kernel.clocks_agree.get() {
            return self.poll_by_own_clock(context);
        }
        if kernel.now.get() >= self.until {
            return Poll::Ready(());
        }
        kernel.waits.set(Waits::Timer(self.until));
        match self.ticket {
            None => {
                let id = kernel.next_id();
                let ticket = kernel.schedule(self.until, id, Event::Timer(context.waker().clone()));
                kernel.trace(Some(self.life.node), || Traced::Slept { timer: id, until: self.until });
                self.ticket = Some(ticket);
            }
            Some(ticket) => {
                kernel.rewake(ticket, context);
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.life.kernel.queue.borrow_mut().remove(ticket);
        }
    }
}

impl Kernel {
    /// Makes a pending timer wake whoever polls now; false when it has ended.
    fn rewake(&self, ticket: Ticket, context: &Context<'_>) -> bool {
        let mut queue = self.queue.borrow_mut();
        let Some(Event::Timer(waker)) = queue.get_mut(ticket) else { return false };
        if !waker.will_wake(context.waker()) {
            *waker = context.waker().clone();
        }
        true
    }
}
