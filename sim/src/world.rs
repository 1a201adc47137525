//! A world: nodes, links and disks of one run, and the run itself.

use crate::audience::Audience;
use crate::decider::Decider;
use crate::digest::Digest;
use crate::facts::FactBus;
use crate::fault::Fault;
use crate::handle::SimEnv;
use crate::kernel::{Kernel, Program};
use crate::run::{Ends, Runner};
use crate::settings::Settings;
use crate::tally::FaultTally;
use crate::trace::Trace;
use crate::{Seeded, panics};
use rehearsal_env::{Cluster, Fact, NodeId, Time, Violation};
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The hash of all that happened.
    pub digest: Digest,
    /// When it ended.
    pub time: Time,
    /// Events handled.
    pub events: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Faults that struck, and that had an effect.
    pub faults: FaultTally,
    /// What the world itself found wrong: a panic, a stall, a livelock, clients left waiting.
    pub violation: Option<Violation>,
}

/// A seeded world for systems whose facts are `F`.
pub struct World<F: Fact> {
    kernel: Rc<Kernel>,
    facts: Rc<FactBus<F>>,
}

/// A fault names a node that the world does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault {fault} names the node `{name}`, which this world does not have; its nodes are {known}")]
pub struct UnknownNode {
    /// Index of the fault in the scenario, from 0.
    pub fault: usize,
    /// The name.
    pub name: String,
    /// The names there are.
    pub known: String,
}

impl<F: Fact> World<F> {
    /// An empty world whose chances are drawn from `seed`.
    pub fn seeded(seed: u64, settings: Settings, audience: Rc<RefCell<dyn Audience<F>>>) -> World<F> {
        World::new(settings, Box::new(Seeded::new(seed)), audience)
    }

    /// An empty world whose chances `decider` decides.
    pub fn new(
        settings: Settings,
        decider: Box<dyn Decider>,
        audience: Rc<RefCell<dyn Audience<F>>>,
    ) -> World<F> {
        panics::install_hook();
        let facts = FactBus::new(&settings, audience);
        World { kernel: Kernel::new(settings, decider), facts }
    }

    /// Keeps a trace of the run that comes: the list fills while it goes on.
    pub fn keep_trace(&self) -> Trace {
        self.kernel.begin_trace()
    }

    /// Cuts the run that comes off when it takes more events than so many; nothing comes of the next one, which counts
    /// in [`Outcome::events`].
    pub fn cut_off_after(&self, most_events: u64) {
        self.kernel.most_events.set(most_events);
    }

    /// The names of all nodes, by id.
    pub fn node_names(&self) -> Vec<String> {
        self.kernel.nodes.borrow().iter().map(|node| node.name.to_string()).collect()
    }

    /// Starts every node that has a program, and runs to the end.
    ///
    /// # Errors
    /// [`UnknownNode`] when a fault names a node that does not exist; nothing has run then.
    pub fn run(self, ends: Ends) -> Result<Outcome, UnknownNode> {
        self.check_faults(&self.kernel.settings.faults)?;
        self.kernel.schedule_faults();
        let count = self.kernel.nodes.borrow().len();
        for index in 0..count {
            if self.kernel.nodes.borrow()[index].program.is_some() {
                self.kernel.start_node(NodeId(index as u32));
            }
        }
        Runner::new(&self.kernel, &self.facts, ends).run();
        Ok(self.outcome())
    }

    fn check_faults(&self, faults: &[Fault]) -> Result<(), UnknownNode> {
        for (fault, entry) in faults.iter().enumerate() {
            let known = self.node_names();
            for name in entry.blow.nodes() {
                if !known.iter().any(|node| node == name) {
                    return Err(UnknownNode { fault, name: name.to_owned(), known: known.join(", ") });
                }
            }
        }
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        let kernel = &self.kernel;
        Outcome {
            digest: kernel.digest(),
            time: kernel.now.get(),
            events: kernel.events.get(),
            messages: kernel.messages.get(),
            faults: *kernel.tally.borrow(),
            violation: kernel.violation.take(),
        }
    }

    fn add(&mut self, name: &str, client: bool, program: Program) -> NodeId {
        let id = self.kernel.named(name);
        let node = &mut self.kernel.nodes.borrow_mut()[id.index()];
        assert!(node.program.is_none(), "node {name} is started twice");
        node.program = Some(program);
        node.client = client;
        if client {
            self.kernel.clients_waiting.set(self.kernel.clients_waiting.get() + 1);
        }
        id
    }

    fn program<P, T>(&self, program: P) -> Program
    where
        P: Fn(SimEnv<F>) -> T + 'static,
        T: Future<Output = ()> + 'static,
    {
        let facts = self.facts.clone();
        Box::new(move |life| Box::pin(program(SimEnv { life, facts: facts.clone() })))
    }
}

impl<F: Fact> Cluster for World<F> {
    type Env = SimEnv<F>;

    fn node(&mut self, name: &str) -> NodeId {
        self.kernel.named(name)
    }

    fn start<P, T>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(SimEnv<F>) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        let program = self.program(program);
        self.add(name, false, program)
    }

    fn start_client<P, T>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(SimEnv<F>) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        let program = self.program(program);
        self.add(name, true, program)
    }
}

/// Tasks hold handles, and handles hold the kernel that holds the tasks: the circle is cut here.
impl<F: Fact> Drop for World<F> {
    fn drop(&mut self) {
        let kernel = &self.kernel;
        for node in kernel.nodes.borrow_mut().iter_mut() {
            if let Some(life) = node.life.take() {
                life.alive.set(false);
            }
        }
        let count = kernel.tasks.borrow().slots.len();
        for slot in 0..count {
            let future = kernel.tasks.borrow_mut().release(slot as u32);
            drop(future);
        }
        let programs: Vec<_> =
            kernel.nodes.borrow_mut().iter_mut().filter_map(|node| node.program.take()).collect();
        drop(programs);
    }
}
