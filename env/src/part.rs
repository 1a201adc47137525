//! A system as a part of a larger one, in the same world.
//!
//! A system's programs are written for its own facts, and a world has one kind of facts. [`Part`] is the handle of the
//! whole as a program of the part sees it, and [`PartOfCluster`] the whole's cluster as the part's `deploy` sees it:
//! both pass everything on, and turn each fact of the part into one of the whole's, or into nothing.
//!
//! ```text
//!  node of the whole: program(env) ─┬─ env ───────────────▶ world of facts W
//!                                   └─ Part(env) ─ F → W? ──▶ the same world
//! ```
//!
//! A program of the whole may hold both at once: what it uses of the part takes the part's handle.

use crate::{
    Clock, Cluster, Elapsed, Env, Fact, Message, Network, NodeId, Observer, Random, Spawner, Storage,
    StorageError, Time, WallTime,
};
use std::future::Future;
use std::time::Duration;

/// What a fact of the part is to the whole; None when nobody there cares.
pub type Meaning<F, W> = fn(F) -> Option<W>;

/// The handle `E` of a larger system's node, for programs of a part whose facts are `F`.
pub struct Part<E: Env, F> {
    whole: E,
    meaning: Meaning<F, E::Fact>,
}

impl<E: Env, F> Part<E, F> {
    /// The part's handle on the node that `whole` belongs to.
    pub fn of(whole: &E, meaning: Meaning<F, E::Fact>) -> Self {
        Part { whole: whole.clone(), meaning }
    }
}

impl<E: Env, F> Clone for Part<E, F> {
    fn clone(&self) -> Self {
        Part { whole: self.whole.clone(), meaning: self.meaning }
    }
}

impl<E: Env, F: Fact> Clock for Part<E, F> {
    fn now(&self) -> Time {
        self.whole.now()
    }

    fn wall(&self) -> WallTime {
        self.whole.wall()
    }

    fn sleep_until(&self, until: Time) -> impl Future<Output = ()> {
        self.whole.sleep_until(until)
    }

    fn timeout<T: Future>(
        &self,
        within: Duration,
        future: T,
    ) -> impl Future<Output = Result<T::Output, Elapsed>> {
        self.whole.timeout(within, future)
    }
}

impl<E: Env, F: Fact> Network for Part<E, F> {
    type Port<M: Message> = E::Port<M>;

    fn id(&self) -> NodeId {
        self.whole.id()
    }

    fn bind<M: Message>(&self) -> Self::Port<M> {
        self.whole.bind()
    }
}

impl<E: Env, F: Fact> Storage for Part<E, F> {
    type File = E::File;

    fn open(&self, name: &str) -> impl Future<Output = Result<Self::File, StorageError>> {
        self.whole.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> impl Future<Output = Result<(), StorageError>> {
        self.whole.rename(from, to)
    }

    fn remove(&self, name: &str) -> impl Future<Output = Result<(), StorageError>> {
        self.whole.remove(name)
    }

    fn list(&self) -> impl Future<Output = Result<Vec<String>, StorageError>> {
        self.whole.list()
    }

    fn sync_dir(&self) -> impl Future<Output = Result<(), StorageError>> {
        self.whole.sync_dir()
    }
}

impl<E: Env, F: Fact> Spawner for Part<E, F> {
    type Task = E::Task;

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Task {
        self.whole.spawn(future)
    }
}

impl<E: Env, F: Fact> Random for Part<E, F> {
    fn random(&self) -> impl rand_core::Rng {
        self.whole.random()
    }
}

impl<E: Env, F: Fact> Observer for Part<E, F> {
    type Fact = F;

    fn observe(&self, fact: impl Into<F>) {
        if let Some(fact) = (self.meaning)(fact.into()) {
            self.whole.observe(fact);
        }
    }

    fn rarely(&self, point: &'static str) -> bool {
        self.whole.rarely(point)
    }
}

/// The cluster `C` of a larger system, for the `deploy` of a part whose facts are `F`. Names of nodes are shared: the
/// part's nodes must be called otherwise than the whole's.
pub struct PartOfCluster<'a, C: Cluster, F> {
    whole: &'a mut C,
    meaning: Meaning<F, <C::Env as Observer>::Fact>,
}

impl<'a, C: Cluster, F> PartOfCluster<'a, C, F> {
    /// The part's cluster within `whole`.
    pub fn of(whole: &'a mut C, meaning: Meaning<F, <C::Env as Observer>::Fact>) -> Self {
        PartOfCluster { whole, meaning }
    }
}

impl<C: Cluster, F: Fact> Cluster for PartOfCluster<'_, C, F> {
    type Env = Part<C::Env, F>;

    fn node(&mut self, name: &str) -> NodeId {
        self.whole.node(name)
    }

    fn start<P, T>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(Self::Env) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        let meaning = self.meaning;
        self.whole.start(name, move |env| program(Part::of(&env, meaning)))
    }

    fn start_client<P, T>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(Self::Env) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        let meaning = self.meaning;
        self.whole.start_client(name, move |env| program(Part::of(&env, meaning)))
    }
}
