//! The loop that a run is: choose what goes next, do it, until nothing is left or time is up.

use crate::decider::{Decider, Frontier, Next};
use crate::facts::FactBus;
use crate::kernel::{Event, Kernel};
use crate::panics::Caught;
use crate::tasks::{BoxedTask, Waits};
use crate::trace::Traced;
use crate::upcoming::View;
use crate::waker;
use crate::{Settings, panics};
use rehearsal_env::{EventId, Fact, Time, Violation};
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

/// So many steps without time moving are a livelock.
const LIVELOCK: u64 = 1_000_000;

/// How often the audience is asked in the calm whether everything is at rest, where that may end it.
const LOOK: Duration = Duration::from_secs(1);

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// When storm and calm are over.
    AfterTheCalm,
    /// Likewise; or before, in the calm, when every client is done and the audience, asked every second, has found
    /// everything at rest for so long.
    AtRest(Duration),
    /// As soon as every client is done; there is no calm.
    WithTheClients,
}

pub(crate) struct Runner<'a, F> {
    pub(crate) kernel: &'a Rc<Kernel>,
    pub(crate) facts: &'a FactBus<F>,
    pub(crate) ends: Ends,
    /// Whether the decider is asked only which of several ready tasks goes next.
    follows_time: bool,
    /// Whether some fault waits for a number of events, or the run is cut off after some.
    counts_events: bool,
    /// The task being polled, and its slot.
    polled: Option<(u32, BoxedTask)>,
    steps_at_one_time: u64,
    /// When the present part of the run is over: the storm, the calm, or the time until the next look at it.
    part_over: Time,
    over: Time,
    /// Since when everything was found at rest.
    at_rest: Option<Time>,
}

impl<'a, F: Fact> Runner<'a, F> {
    pub(crate) fn new(kernel: &'a Rc<Kernel>, facts: &'a FactBus<F>, ends: Ends) -> Self {
        let Settings { storm, calm, faults, .. } = &kernel.settings;
        let (part_over, over) = match ends {
            Ends::AfterTheCalm | Ends::AtRest(_) => (Time(storm.0), Time(storm.0 + calm.0)),
            Ends::WithTheClients => (Time::NEVER, Time::NEVER),
        };
        let counts_events = kernel.most_events.get() < u64::MAX
            || faults.iter().any(|fault| matches!(fault.trigger, crate::Trigger::After(_)));
        let follows_time = kernel.decider.borrow().follows_time();
        let (polled, steps_at_one_time) = (None, 0);
        Runner {
            kernel,
            facts,
            ends,
            follows_time,
            counts_events,
            polled,
            steps_at_one_time,
            part_over,
            over,
            at_rest: None,
        }
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) {
        let _entered = self.kernel.epoch.enter();
        let _quiet = panics::quiet();
        while let Err(panicked) = panics::catch(|| while !self.kernel.stopped.get() && self.step() {}) {
            // What the world itself does wrong goes on to the caller.
            let Some((slot, future)) = self.polled.take() else { panicked.resume() };
            self.panicked(slot, &panicked);
            // What its destructors say beyond that adds nothing.
            let _ = panics::catch(|| drop(future));
        }
        self.facts.show_incidents(self.kernel);
    }

    /// One step; false when the run is over.
    #[inline(always)]
    fn step(&mut self) -> bool {
        let kernel = self.kernel;
        waker::drain(|slot| kernel.wake_task(slot));
        if kernel.incidents_wait.get() {
            self.facts.show_incidents(kernel);
        }
        self.steps_at_one_time += 1;
        if self.steps_at_one_time > LIVELOCK {
            self.livelocked();
            return false;
        }
        let ready = kernel.tasks.borrow().ready.len();
        if ready == 1 && self.follows_time {
            self.poll(0);
            return true;
        }
        if ready == 0 {
            if self.ends == Ends::WithTheClients && kernel.clients_waiting.get() == 0 {
                return false;
            }
            let due = kernel.queue.borrow().earliest().map_or(Time::NEVER, |(time, _)| time);
            if due >= self.part_over || due == Time::NEVER {
                return self.nothing_is_due(due);
            }
            if self.follows_time {
                self.handle_earliest();
                return true;
            }
        }
        match self.choose() {
            Next::Task(index) => self.poll(index),
            Next::Earliest => self.handle_earliest(),
            Next::Event(id) => {
                let event = kernel.queue.borrow_mut().take(id);
                self.handle(event.expect("a decider names a pending event"));
            }
        }
        true
    }

    #[inline]
    fn handle_earliest(&mut self) {
        let event = self.kernel.queue.borrow_mut().pop();
        self.handle(event.expect("something is pending"));
    }

    /// Asks the decider.
    fn choose(&self) -> Next {
        let (tasks, queue) = (self.kernel.tasks.borrow(), self.kernel.queue.borrow());
        let kernel = self.kernel;
        let view = View { kernel, queue: &queue, tasks: &tasks };
        let (now, stormy, until) = (kernel.now.get(), kernel.stormy.get(), self.part_over);
        let frontier = Frontier { now, ready: &tasks.ready, until, stormy, pending: &view };
        kernel.decider.borrow_mut().next(&frontier)
    }

    /// No task is ready, and no event is due before the present part of the run is over.
    fn nothing_is_due(&mut self, due: Time) -> bool {
        let kernel = self.kernel;
        if due == Time::NEVER && kernel.clients_waiting.get() > 0 && !self.calm_may_help() {
            self.stalled();
            return false;
        }
        match self.ends {
            Ends::WithTheClients => false,
            Ends::AfterTheCalm | Ends::AtRest(_) if kernel.stormy.get() => {
                self.move_time(self.part_over);
                self.part_over = self.next_look();
                kernel.begin_calm();
                true
            }
            Ends::AfterTheCalm | Ends::AtRest(_) => {
                self.move_time(self.part_over);
                let waiting = kernel.clients_waiting.get() > 0;
                if self.part_over == self.over {
                    if waiting {
                        self.unfinished();
                    }
                    return false;
                }
                self.part_over = self.next_look();
                !self.has_rested(waiting)
            }
        }
    }

    /// When it is to be looked next whether the calm has done its work.
    fn next_look(&self) -> Time {
        match self.ends {
            Ends::AtRest(_) => (self.kernel.now.get() + LOOK).min(self.over),
            Ends::AfterTheCalm | Ends::WithTheClients => self.over,
        }
    }

    /// Whether everything is at rest, and has been for long enough; while clients wait nothing is.
    fn has_rested(&mut self, waiting: bool) -> bool {
        let Ends::AtRest(rest) = self.ends else { return false };
        let now = self.kernel.now.get();
        if waiting || !self.facts.is_at_rest(now) {
            self.at_rest = None;
            return false;
        }
        let since = *self.at_rest.get_or_insert(now);
        now.since(since) >= rest
    }

    /// Whether the end of the storm could still set something going.
    fn calm_may_help(&self) -> bool {
        self.ends != Ends::WithTheClients && self.kernel.stormy.get()
    }

    fn move_time(&mut self, to: Time) {
        if to > self.kernel.now.get() {
            self.kernel.now.set(to);
            self.steps_at_one_time = 0;
        }
    }

    #[inline(always)]
    fn handle(&mut self, (due, id, event): (Time, EventId, Event)) {
        let kernel = self.kernel;
        self.move_time(due);
        kernel.event.set(id);
        kernel.context.set(crate::kernel::Context::of(id));
        kernel.absorb_pair(kernel.now.get().0, id.0);
        let events = kernel.events.get() + 1;
        kernel.events.set(events);
        match event {
            Event::Deliver { wire, slot, to } => {
                let wires = kernel.wires.borrow();
                wires[wire as usize].deliver(kernel, slot, to);
            }
            Event::Timer(waker) => {
                kernel.trace(kernel.node_of(&waker), || Traced::Woke { timer: id });
                kernel.wake(&waker);
            }
            Event::Disk(operation) => kernel.complete(operation),
            Event::Restart(node, ended) => {
                if kernel.nodes.borrow()[node.index()].incarnation.0 == ended.0 + 1 {
                    kernel.start_node(node);
                }
            }
            Event::Resume(node) => {
                kernel.nodes.borrow_mut()[node.index()].resume = None;
                kernel.resume(node);
            }
            Event::Strike { fault, repeats } => kernel.strike_with(fault, repeats),
            Event::Heal { fault } => kernel.heal(fault),
            Event::Turn(node) => kernel.take_turn(node),
        }
        if self.counts_events {
            kernel.strike_after_events(events);
            if events > kernel.most_events.get() {
                kernel.stopped.set(true);
            }
        }
    }

    #[inline(always)]
    fn poll(&mut self, index: usize) {
        let kernel = self.kernel;
        let (slot, generation, future) = {
            let mut tasks = kernel.tasks.borrow_mut();
            let slot = tasks.ready.remove(index).slot;
            let task = &mut tasks.slots[slot as usize];
            task.ready = false;
            kernel.context.set(task.context);
            kernel.event.set(task.woken_by);
            (slot, task.generation, task.future.take().expect("a ready task is not being polled"))
        };
        kernel.waits.set(Waits::Nothing);
        let waker = kernel.epoch.waker(slot);
        let (_, future) = self.polled.insert((slot, future));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let (_, future) = self.polled.take().expect("it is being polled");
        let mut tasks = kernel.tasks.borrow_mut();
        let task = &mut tasks.slots[slot as usize];
        // A task that aborts itself leaves its slot, which another may have taken by now.
        let lives = task.used && task.generation == generation;
        if polled.is_pending() && lives {
            task.future = Some(future);
            task.context = kernel.context.get();
            task.waits = kernel.waits.get();
            return;
        }
        // It has ended, or it aborted itself.
        let ended_program = (lives && task.program).then_some(task.node);
        if lives {
            tasks.release(slot);
        }
        drop(tasks);
        drop(future);
        if let Some(node) = ended_program {
            kernel.exit(node);
        }
    }

    fn panicked(&self, slot: u32, panicked: &Caught) {
        let node = self.kernel.tasks.borrow().slots[slot as usize].node;
        let name = self.kernel.node_name(node);
        self.kernel.tasks.borrow_mut().release(slot);
        self.kernel.violate(panicked.violation(&name));
    }

    fn livelocked(&self) {
        let message = format!(
            "{LIVELOCK} steps were taken at {} without time moving; {}",
            self.kernel.now.get(),
            self.who_waits()
        );
        self.kernel.violate(Violation::new("no-livelock", message, []));
    }

    fn stalled(&self) {
        let message =
            format!("no event is left at {}, yet clients wait: {}", self.kernel.now.get(), self.who_waits());
        self.kernel.violate(Violation::new("no-stall", message, []));
    }

    fn unfinished(&self) {
        let message = format!("the calm is over, yet clients are not done: {}", self.who_waits());
        self.kernel.violate(Violation::new("clients-finish", message, []));
    }

    /// The tasks that wait, those of clients first, and what they wait for.
    fn who_waits(&self) -> String {
        const SHOWN: usize = 8;
        let tasks = self.kernel.tasks.borrow();
        let nodes = self.kernel.nodes.borrow();
        let mut used: Vec<_> = tasks.slots.iter().filter(|task| task.used).collect();
        used.sort_by_key(|task| !nodes[task.node.index()].client);
        let mut told: Vec<String> = used
            .iter()
            .take(SHOWN)
            .map(|task| {
                let name = &nodes[task.node.index()].name;
                match (task.ready, task.waits) {
                    (true, _) => format!("{name} is ready"),
                    (_, Waits::Nothing) => format!("{name} waits for another of its tasks"),
                    (_, Waits::Message(kind)) => format!("{name} waits for a message {}", last_part(kind)),
                    (_, Waits::Timer(until)) => format!("{name} sleeps until {until}"),
                    (_, Waits::Disk) => format!("{name} waits for its disk"),
                }
            })
            .collect();
        if used.len() > SHOWN {
            told.push(format!("and {} more", used.len() - SHOWN));
        }
        told.join(", ")
    }
}

/// `queue::Fetch` of `system::queue::Fetch`.
fn last_part(path: &str) -> &str {
    let generic = path.find('<').unwrap_or(path.len());
    path[..generic].rmatch_indices("::").nth(1).map_or(path, |(at, _)| &path[at + 2..])
}
