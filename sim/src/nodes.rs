//! The life of nodes: start, crash, exit, pause.

use crate::audience::Incident;
use crate::disk::Disk;
use crate::kernel::{Context, Event, Kernel, Node};
use crate::life::Life;
use crate::mixing::{SALT, fold, mix};
use crate::panics;
use crate::tally::FaultClass;
use crate::tasks::{BoxedTask, TaskId};
use rehearsal_env::{EventId, Incarnation, NodeId, Time};
use std::rc::Rc;
use std::time::Duration;

impl Kernel {
    /// The node of this name, which may have no program yet.
    pub(crate) fn named(&self, name: &str) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(index) = nodes.iter().position(|node| &*node.name == name) {
            return NodeId(index as u32);
        }
        nodes.push(Node {
            name: name.into(),
            program: None,
            client: false,
            done: false,
            life: None,
            incarnation: Incarnation(0),
            paused: false,
            held: Vec::new(),
            resume: None,
            disk: Disk::default(),
            filled_by: Vec::new(),
            failing_syncs: 0,
            last_to_itself: Time::ZERO,
            machine: None,
        });
        NodeId((nodes.len() - 1) as u32)
    }

    /// Puts a new task among the ready ones.
    pub(crate) fn start_task(
        &self,
        node: NodeId,
        program: bool,
        context: Context,
        future: BoxedTask,
    ) -> TaskId {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.insert(node, program, context, future);
        drop(tasks);
        self.wake_task(task.slot);
        task
    }

    /// Makes a task ready, or, when its node stands still, ready as soon as that goes on; on a slow node it waits for
    /// its turn.
    #[inline(always)]
    pub(crate) fn wake_task(&self, slot: u32) {
        let mut tasks = self.tasks.borrow_mut();
        if self.hindered_nodes.get() > 0
            && let Some(task) = tasks.slots.get(slot as usize)
            && task.used
        {
            let node = &mut self.nodes.borrow_mut()[task.node.index()];
            if node.paused {
                if !node.held.contains(&slot) {
                    node.held.push(slot);
                }
                return;
            }
            if let Some(machine) = node.machine.as_deref_mut().filter(|machine| machine.is_slow()) {
                self.wait_for_turn(task.node, machine, &tasks, slot);
                return;
            }
        }
        tasks.wake(slot, self.event.get());
    }

    /// Starts the node's program in a new incarnation, unless it is up.
    pub(crate) fn start_node(self: &Rc<Self>, id: NodeId) {
        let (life, program) = {
            let mut nodes = self.nodes.borrow_mut();
            let node = &mut nodes[id.index()];
            let gone = node.machine.as_ref().is_some_and(|machine| machine.gone);
            if node.life.is_some() || node.done || gone {
                return;
            }
            let life = Life::new(self.clone(), id, node.incarnation);
            node.life = Some(life.clone());
            (life, node.program.take().expect("a node is started once it has a program"))
        };
        self.report(Incident::Started(id));
        // What the program does while it makes its future is the node's doing already: its draws, its panics.
        let boot = mix(u64::from(id.0), u64::from(life.incarnation.0));
        self.context.set(Context { cause: boot, ordinal: 0 });
        let mut future = None;
        let made = panics::catch(|| future = Some(program(life)));
        self.nodes.borrow_mut()[id.index()].program = Some(program);
        match (made, future) {
            (Ok(()), Some(future)) => {
                self.start_task(id, true, self.context.get(), future);
            }
            (Err(panicked), _) => {
                self.violate(panicked.violation(&self.node_name(id)));
            }
            (Ok(()), None) => unreachable!("a program that did not panic made its future"),
        }
    }

    /// The node loses its memory: its handle goes inert, the disk is judged, the tasks go.
    pub(crate) fn crash(&self, id: NodeId, restart_after: Duration) {
        self.strike(FaultClass::Crash);
        let Some(life) = self.nodes.borrow_mut()[id.index()].life.take() else { return };
        if self.crash_matters(id) {
            self.effect(FaultClass::Crash);
        }
        life.alive.set(false);
        self.crash_disk(id, self.event.get());
        self.report(Incident::Crashed(id));
        self.end_tasks(id);
        self.lose_what_comes(id);
        self.restart_later(id, restart_after);
    }

    /// Whether the node has anything in hand that a crash would take: unsure writes, messages unread
    /// or on their way to it.
    pub(crate) fn crash_matters(&self, id: NodeId) -> bool {
        self.disk_is_unsure(id)
            || self.wires.borrow().iter().any(|wire| wire.unread(id) > 0)
            || self.queue.borrow().pending().any(|(_, _, event)| match event {
                Event::Deliver { to, .. } => *to == id,
                _ => false,
            })
    }

    /// Messages on their way to a node that crashed reach nobody, however soon it is up again.
    fn lose_what_comes(&self, id: NodeId) {
        let coming = |event: &Event| matches!(event, Event::Deliver { to, .. } if *to == id);
        let events = self.queue.borrow_mut().take_all(coming);
        for event in events {
            if let Event::Deliver { wire, slot, to } = event {
                // Its ports are closed by now.
                self.wires.borrow()[wire as usize].deliver(self, slot, to);
            }
        }
    }

    /// The node's program returned.
    pub(crate) fn exit(&self, id: NodeId) {
        let client = {
            let mut nodes = self.nodes.borrow_mut();
            let node = &mut nodes[id.index()];
            let Some(life) = node.life.take() else { return };
            life.alive.set(false);
            node.disk.exit();
            node.done = node.client;
            node.client
        };
        self.report(Incident::Exited(id));
        self.end_tasks(id);
        if client {
            self.clients_waiting.set(self.clients_waiting.get() - 1);
        } else {
            self.restart_later(id, self.settings.exit_restart.duration());
        }
    }

    fn end_tasks(&self, id: NodeId) {
        self.unpause(id);
        self.forget_turns(&mut self.nodes.borrow_mut()[id.index()]);
        let slots = self.tasks.borrow().of_node(id);
        for slot in slots {
            let future = self.tasks.borrow_mut().release(slot);
            drop(future);
        }
    }

    fn restart_later(&self, id: NodeId, after: Duration) {
        let incarnation = {
            let mut nodes = self.nodes.borrow_mut();
            let node = &mut nodes[id.index()];
            node.held.clear();
            let ended = node.incarnation;
            node.incarnation = Incarnation(ended.0 + 1);
            ended
        };
        let cause = mix(u64::from(id.0) ^ SALT[4], u64::from(incarnation.0));
        self.schedule(self.now.get() + after, EventId(cause), Event::Restart(id, incarnation));
    }

    /// The node stands still for a while.
    pub(crate) fn pause(&self, id: NodeId, lasts: Duration) {
        self.strike(FaultClass::Pause);
        self.stand_still(id, lasts);
    }

    /// The node stands still for a while, unless it is down or does so already.
    pub(crate) fn stand_still(&self, id: NodeId, lasts: Duration) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let node = &mut nodes[id.index()];
        if node.life.is_none() || node.paused {
            return false;
        }
        node.paused = true;
        let mut tasks = self.tasks.borrow_mut();
        let ready: Vec<u32> = tasks.ready.iter().map(|ready| ready.slot).collect();
        for slot in ready {
            if tasks.slots[slot as usize].node == id {
                tasks.slots[slot as usize].ready = false;
                tasks.ready.retain(|ready| ready.slot != slot);
                node.held.push(slot);
            }
        }
        drop(tasks);
        self.hindered_nodes.set(self.hindered_nodes.get() + 1);
        let resume = EventId(fold(self.event.get().0 ^ SALT[1], u64::from(id.0) ^ SALT[5]));
        node.resume = Some(self.schedule(self.now.get() + lasts, resume, Event::Resume(id)));
        drop(nodes);
        self.report(Incident::Paused(id));
        true
    }

    /// The node goes on.
    pub(crate) fn resume(&self, id: NodeId) {
        let held = std::mem::take(&mut self.nodes.borrow_mut()[id.index()].held);
        if let Some(class) = self.unpause(id) {
            if !held.is_empty() {
                self.effect(class);
            }
            self.report(Incident::Resumed(id));
        }
        for slot in held {
            self.wake_task(slot);
        }
    }

    /// Ends a pause without waking anybody; which class of fault it was, if there was one.
    fn unpause(&self, id: NodeId) -> Option<FaultClass> {
        let mut nodes = self.nodes.borrow_mut();
        let node = &mut nodes[id.index()];
        if let Some(ticket) = node.resume.take() {
            self.queue.borrow_mut().remove(ticket);
        }
        if !std::mem::replace(&mut node.paused, false) {
            return None;
        }
        self.hindered_nodes.set(self.hindered_nodes.get() - 1);
        let suspended = node.machine.as_mut().and_then(|machine| machine.go_on(self.now.get()));
        Some(suspended.map_or(FaultClass::Pause, |()| {
            self.report(Incident::Mended(id, FaultClass::Suspend));
            FaultClass::Suspend
        }))
    }
}
