//! Wakers that are two numbers: a task and the epoch of its world.
//!
//! No reference count, no atomics, no allocation. Waking puts the task's number on a list of the
//! current thread, provided that the world of that epoch is the one running there; a waker kept
//! from another world, or used on another thread, wakes nobody.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};

/// Which world, of all of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

/// Epoch 0 belongs to no world.
static NEXT_EPOCH: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static EPOCH: Cell<u32> = const { Cell::new(0) };
    /// How many wait in `WOKEN`: looked at after every step, so it needs no destructor.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static WOKEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

impl Epoch {
    /// An epoch that no living world has. After 2³² worlds the numbers come round again.
    pub(crate) fn fresh() -> Epoch {
        loop {
            let number = NEXT_EPOCH.fetch_add(1, Ordering::Relaxed);
            if number != 0 {
                return Epoch(number);
            }
        }
    }

    /// Makes this the epoch whose wakers work on this thread, until the guard is dropped.
    pub(crate) fn enter(self) -> Entered {
        COUNT.set(0);
        Entered { outer: EPOCH.replace(self.0), outer_tasks: WOKEN.take() }
    }

    /// The task that `waker` wakes, if it is a plain waker of this world: then the task can be made
    /// ready at once, without the thread's list.
    #[inline]
    pub(crate) fn task_of(self, waker: &Waker) -> Option<u32> {
        let data = waker.data().addr() as u64;
        let plain = std::ptr::eq(waker.vtable(), &TABLE) && (data >> 32) as u32 == self.0;
        plain.then_some(data as u32)
    }

    /// The waker of the task in `slot`.
    pub(crate) fn waker(self, slot: u32) -> Waker {
        let data = u64::from(self.0) << 32 | u64::from(slot);
        // SAFETY: the pointer is never dereferenced: it carries two numbers, and every function of
        // the table treats it so. That holds on any thread, as `Waker` demands, since the only
        // state touched is the calling thread's own.
        #[allow(unsafe_code)]
        unsafe {
            Waker::new(std::ptr::without_provenance(data as usize), &TABLE)
        }
    }
}

/// Restores the world that ran on this thread before.
pub(crate) struct Entered {
    outer: u32,
    outer_tasks: Vec<u32>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        EPOCH.set(self.outer);
        COUNT.set(self.outer_tasks.len());
        WOKEN.replace(std::mem::take(&mut self.outer_tasks));
    }
}

/// Hands every task woken since the last call to `visit`, oldest first.
#[inline]
pub(crate) fn drain(visit: impl FnMut(u32)) {
    if COUNT.get() > 0 {
        COUNT.set(0);
        WOKEN.with_borrow_mut(|woken| woken.drain(..).for_each(visit));
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, forget);

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &TABLE)
}

fn wake(data: *const ()) {
    let data = data.addr() as u64;
    if EPOCH.get() == (data >> 32) as u32 {
        COUNT.set(COUNT.get() + 1);
        WOKEN.with_borrow_mut(|woken| woken.push(data as u32));
    }
}

fn forget(_data: *const ()) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn woken() -> Vec<u32> {
        let mut tasks = Vec::new();
        drain(|task| tasks.push(task));
        tasks
    }

    #[test]
    fn a_waker_wakes_its_task_in_its_own_world_only() {
        let mine = Epoch::fresh();
        let gone = Epoch::fresh().waker(7);
        let entered = mine.enter();
        mine.waker(3).wake();
        mine.waker(4).wake_by_ref();
        gone.wake();
        assert_eq!(woken(), [3, 4]);
        drop(entered);
        mine.waker(5).wake();
        assert!(woken().is_empty());
    }

    #[test]
    fn a_waker_used_on_another_thread_wakes_nobody() {
        let mine = Epoch::fresh();
        let _entered = mine.enter();
        let waker = mine.waker(3);
        std::thread::spawn(move || waker.wake()).join().expect("waking does not panic");
        assert!(woken().is_empty());
    }
}
