//! The tasks of a world, in a slab, and which of them are ready.

use crate::decider::ReadyTask;
use crate::kernel::Context;
use rehearsal_env::{EventId, NodeId, Time};
use std::future::Future;
use std::pin::Pin;

pub(crate) type BoxedTask = Pin<Box<dyn Future<Output = ()>>>;

/// What a waiting task waits for, as it is told to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waits {
    #[default]
    Nothing,
    Message(&'static str),
    Timer(Time),
    Disk,
}

/// Names one task, also after its slot was used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId {
    pub(crate) slot: u32,
    generation: u32,
}

pub(crate) struct TaskSlot {
    /// None while the task is being polled, or when the slot is free.
    pub(crate) future: Option<BoxedTask>,
    pub(crate) node: NodeId,
    /// Whether it is its node's program itself.
    pub(crate) program: bool,
    /// The task's place in the web of causes: what its next draw is keyed by.
    pub(crate) context: Context,
    /// The event that was handled when the task was woken.
    pub(crate) woken_by: EventId,
    pub(crate) waits: Waits,
    pub(crate) ready: bool,
    pub(crate) used: bool,
    /// How many tasks lay in the slot before.
    pub(crate) generation: u32,
}

pub(crate) struct Tasks {
    pub(crate) slots: Vec<TaskSlot>,
    free: Vec<u32>,
    pub(crate) ready: Vec<ReadyTask>,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks { slots: Vec::with_capacity(8), free: Vec::new(), ready: Vec::with_capacity(8) }
    }
}

impl Tasks {
    pub(crate) fn insert(
        &mut self,
        node: NodeId,
        program: bool,
        context: Context,
        future: BoxedTask,
    ) -> TaskId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(TaskSlot {
                future: None,
                node,
                program,
                context,
                woken_by: EventId(0),
                waits: Waits::Nothing,
                ready: false,
                used: false,
                generation: 0,
            });
            (self.slots.len() - 1) as u32
        });
        let task = &mut self.slots[slot as usize];
        task.future = Some(future);
        (task.node, task.program, task.context) = (node, program, context);
        (task.waits, task.ready, task.used) = (Waits::Nothing, false, true);
        TaskId { slot, generation: task.generation }
    }

    /// Makes the task ready, unless it is already or has ended.
    #[inline(always)]
    pub(crate) fn wake(&mut self, slot: u32, event: EventId) {
        let Some(task) = self.slots.get_mut(slot as usize) else { return };
        if task.ready || !task.used {
            return;
        }
        task.ready = true;
        task.woken_by = event;
        let id = task.context.step_id();
        self.ready.push(ReadyTask { id, slot });
    }

    /// Frees the slot; the future is returned, to be dropped where nothing is borrowed.
    pub(crate) fn release(&mut self, slot: u32) -> Option<BoxedTask> {
        let task = &mut self.slots[slot as usize];
        if !task.used {
            return None;
        }
        task.used = false;
        task.generation = task.generation.wrapping_add(1);
        if task.ready {
            task.ready = false;
            self.ready.retain(|ready| ready.slot != slot);
        }
        self.free.push(slot);
        task.future.take()
    }

    /// The task that lies in this slot.
    pub(crate) fn id_of(&self, slot: u32) -> TaskId {
        TaskId { slot, generation: self.slots[slot as usize].generation }
    }

    /// Whether this very task still exists.
    pub(crate) fn lives(&self, task: TaskId) -> bool {
        let slot = &self.slots[task.slot as usize];
        slot.used && slot.generation == task.generation
    }

    /// The slots of all tasks of a node.
    pub(crate) fn of_node(&self, node: NodeId) -> Vec<u32> {
        let slots = self.slots.iter().enumerate();
        slots.filter(|(_, task)| task.used && task.node == node).map(|(slot, _)| slot as u32).collect()
    }
}
