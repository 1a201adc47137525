//! Sleeping: a timer that leaves the queue when nobody waits for it any more.

use crate::kernel::{Event, Kernel};
use crate::life::Life;
use crate::queue::Ticket;
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
}

impl Sleep {
    pub(crate) fn new(life: Rc<Life>, until: Time) -> Sleep {
        Sleep { life, until, ticket: None }
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let kernel = &*self.life.kernel;
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
            Some(ticket) => kernel.rewake(ticket, context),
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
    /// Makes a pending timer wake whoever polls now.
    fn rewake(&self, ticket: Ticket, context: &Context<'_>) {
        let mut queue = self.queue.borrow_mut();
        if let Some(Event::Timer(waker)) = queue.get_mut(ticket)
            && !waker.will_wake(context.waker())
        {
            *waker = context.waker().clone();
        }
    }
}
