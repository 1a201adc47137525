//! The handle that a program gets in the seeded world.

use crate::decider::{Question, Site};
use crate::facts::FactBus;
use crate::kernel::Context;
use crate::life::Life;
use crate::mixing::digest_text;
use crate::storage::SimFile;
use crate::tasks::TaskId;
use crate::timer::Sleep;
use crate::wire::{SimPort, Wire};
use rand_chacha::rand_core::{Rng, TryRng};
use rehearsal_env::{
    Clock, Elapsed, Fact, Message, Network, NodeId, Observer, Random, Spawner, Storage, StorageError,
    TaskHandle, Time, WallTime,
};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// The share of rare branches taken is out of so many.
const WHOLE: u32 = 100_000;

/// A node's handle on the seeded world, for a system whose facts are `F`.
pub struct SimEnv<F> {
    pub(crate) life: Rc<Life>,
    pub(crate) facts: Rc<FactBus<F>>,
}

impl<F> Clone for SimEnv<F> {
    fn clone(&self) -> Self {
        SimEnv { life: self.life.clone(), facts: self.facts.clone() }
    }
}

impl<F: Fact> Clock for SimEnv<F> {
    fn now(&self) -> Time {
        self.life.kernel.clock_of(self.life.node)
    }

    fn wall(&self) -> WallTime {
        self.life.kernel.wall_of(self.life.node)
    }

    fn sleep_until(&self, until: Time) -> impl Future<Output = ()> {
        Sleep::new(self.life.clone(), until)
    }

    async fn timeout<T: Future>(&self, within: Duration, future: T) -> Result<T::Output, Elapsed> {
        let mut future = pin!(future);
        let mut sleep = pin!(Sleep::new(self.life.clone(), self.now() + within));
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            sleep.as_mut().poll(context).map(|()| Err(Elapsed))
        })
        .await
    }
}

impl<F: Fact> Network for SimEnv<F> {
    type Port<M: Message> = SimPort<M>;

    fn id(&self) -> NodeId {
        self.life.node
    }

    fn bind<M: Message>(&self) -> SimPort<M> {
        Wire::bind(&self.life)
    }
}

impl<F: Fact> Storage for SimEnv<F> {
    type File = SimFile;

    fn open(&self, name: &str) -> impl Future<Output = Result<SimFile, StorageError>> {
        self.life.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> impl Future<Output = Result<(), StorageError>> {
        self.life.rename(from, to)
    }

    fn remove(&self, name: &str) -> impl Future<Output = Result<(), StorageError>> {
        self.life.remove(name)
    }

    fn list(&self) -> impl Future<Output = Result<Vec<String>, StorageError>> {
        self.life.list()
    }

    fn sync_dir(&self) -> impl Future<Output = Result<(), StorageError>> {
        self.life.sync_dir()
    }
}

impl<F: Fact> Spawner for SimEnv<F> {
    type Task = SimTask;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> SimTask {
        let life = self.life.clone();
        if !life.alive.get() {
            return SimTask { life, task: None };
        }
        let kernel = &life.kernel;
        let context = Context::of(kernel.next_id());
        let task = kernel.start_task(life.node, false, context, Box::pin(future));
        SimTask { life, task: Some(task) }
    }
}

/// A task of a node in the seeded world.
pub struct SimTask {
    life: Rc<Life>,
    /// None when it was spawned by an incarnation that had ended.
    task: Option<TaskId>,
}

impl TaskHandle for SimTask {
    fn abort(&self) {
        let Some(task) = self.task else { return };
        let mut tasks = self.life.kernel.tasks.borrow_mut();
        if tasks.lives(task) {
            let future = tasks.release(task.slot);
            drop(tasks);
            drop(future);
        }
    }
}

impl<F: Fact> Random for SimEnv<F> {
    fn random(&self) -> impl Rng {
        NodeRandom { life: self.life.clone() }
    }
}

/// A node's random numbers, drawn one after the other.
struct NodeRandom {
    life: Rc<Life>,
}

impl TryRng for NodeRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.life.with_random(Rng::next_u32))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.life.with_random(Rng::next_u64))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.life.with_random(|random| random.fill_bytes(bytes));
        Ok(())
    }
}

impl<F: Fact> Observer for SimEnv<F> {
    type Fact = F;

    #[inline]
    fn observe(&self, fact: impl Into<F>) {
        self.facts.observe(&self.life, &fact.into());
    }

    fn rarely(&self, point: &'static str) -> bool {
        let kernel = &*self.life.kernel;
        let share = kernel.settings.rarely.min(WHOLE);
        if share == 0 || !self.life.alive.get() || !kernel.stormy.get() {
            return false;
        }
        let cause = kernel.next_id().0;
        let question = Question { cause, entity: digest_text(point), site: Site::Rarely, ordinal: 0 };
        kernel.fate(question, &[WHOLE - share, share]) == 1
    }
}
