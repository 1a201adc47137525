//! Several futures polled by one task, each with a waker of its own: what `FuturesUnordered` is at heart.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

type Part = Pin<Box<dyn Future<Output = u32>>>;

/// Remembers that its part was woken, and wakes whoever polls them all.
struct PartWaker {
    woken: AtomicBool,
    parent: Mutex<Waker>,
}

impl Wake for PartWaker {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.parent.lock().expect("nobody panics while holding it").wake_by_ref();
    }
}

struct Member {
    part: Option<Part>,
    waker: Arc<PartWaker>,
    polls: u32,
}

/// Futures that run together; a part is polled only when its own waker was woken.
pub(super) struct Together {
    members: Vec<Member>,
}

impl Together {
    pub(super) fn new(parts: Vec<Part>) -> Together {
        let member = |part| {
            let parent = Mutex::new(Waker::noop().clone());
            Member {
                part: Some(part),
                waker: Arc::new(PartWaker { woken: AtomicBool::new(true), parent }),
                polls: 0,
            }
        };
        Together { members: parts.into_iter().map(member).collect() }
    }

    /// The output of the part that ends next.
    pub(super) async fn next(&mut self) -> u32 {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<u32> {
        for member in &mut self.members {
            let Some(part) = &mut member.part else { continue };
            member.waker.parent.lock().expect("nobody panics while holding it").clone_from(context.waker());
            if !member.waker.woken.swap(false, Ordering::Relaxed) {
                continue;
            }
            member.polls += 1;
            let waker = Waker::from(member.waker.clone());
            if let Poll::Ready(output) = part.as_mut().poll(&mut Context::from_waker(&waker)) {
                member.part = None;
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }

    /// How often the last part was polled.
    pub(super) fn polls_of_the_last(&self) -> u32 {
        self.members.last().map_or(0, |member| member.polls)
    }
}
