//! The one queue of events: a four-ary heap ordered by (time, tie), from which any event can be
//! taken out again, so that a dropped timer leaves nothing behind.

use rehearsal_env::{EventId, Time};

/// Where an event lies in the queue, until it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    slot: u32,
    generation: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time: u64,
    /// Orders events of one instant; derived from the event's cause, so that it does not change
    /// when something unrelated is added.
    tie: u64,
    slot: u32,
}

impl Entry {
    #[inline]
    fn before(&self, other: &Entry) -> bool {
        (self.time, self.tie) < (other.time, other.tie)
    }
}

#[derive(Debug)]
struct Slot<T> {
    /// Index into the heap, or the next free slot.
    position: u32,
    generation: u32,
    event: Option<T>,
}

const ARITY: usize = 4;
const NONE: u32 = u32::MAX;

/// Pending events of type `T`.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: Vec<Entry>,
    slots: Vec<Slot<T>>,
    free: u32,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: Vec::with_capacity(32), slots: Vec::with_capacity(32), free: NONE }
    }
}

impl<T> Queue<T> {
    /// Adds an event.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: Time, id: EventId, event: T) -> Ticket {
        let slot = if self.free == NONE {
            self.slots.push(Slot { position: 0, generation: 0, event: Some(event) });
            (self.slots.len() - 1) as u32
        } else {
            let slot = self.free;
            let place = &mut self.slots[slot as usize];
            self.free = place.position;
            place.event = Some(event);
            slot
        };
        let generation = self.slots[slot as usize].generation;
        let entry = Entry { time: time.0, tie: id.0, slot };
        self.heap.push(entry);
        self.rise(self.heap.len() - 1, entry);
        Ticket { slot, generation }
    }

    /// Takes out the earliest event.
    pub(crate) fn pop(&mut self) -> Option<(Time, EventId, T)> {
        let first = *self.heap.first()?;
        let event = self.remove_at(0);
        Some((Time(first.time), EventId(first.tie), event))
    }

    /// Takes out the event of this ticket; None when it has left the queue already.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let slot = self.slots.get(ticket.slot as usize)?;
        if slot.generation != ticket.generation || slot.event.is_none() {
            return None;
        }
        Some(self.remove_at(slot.position as usize))
    }

    /// The event of this ticket, unless it has left the queue.
    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        if slot.generation == ticket.generation { slot.event.as_mut() } else { None }
    }

    /// Takes out the event with this id, wherever it lies.
    pub(crate) fn take(&mut self, id: EventId) -> Option<(Time, EventId, T)> {
        let position = self.heap.iter().position(|entry| entry.tie == id.0)?;
        let time = Time(self.heap[position].time);
        Some((time, id, self.remove_at(position)))
    }

    /// Takes out every event that `wanted` names, in no particular order.
    pub(crate) fn take_all(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let slots: Vec<u32> = self.heap.iter().map(|entry| entry.slot).collect();
        let mut taken = Vec::new();
        for slot in slots {
            let place = &self.slots[slot as usize];
            if place.event.as_ref().is_some_and(&wanted) {
                taken.push(self.remove_at(place.position as usize));
            }
        }
        taken
    }

    /// When the earliest event is due.
    pub(crate) fn earliest(&self) -> Option<(Time, EventId)> {
        self.heap.first().map(|entry| (Time(entry.time), EventId(entry.tie)))
    }

    /// Shows every event that is due by `time`, in no particular order.
    pub(crate) fn due_until(&self, time: Time, see: &mut dyn FnMut(Time, EventId, &T)) {
        self.due_below(0, time.0, see);
    }

    /// Those of the heap below `position`: where one is due too late, all below it are.
    fn due_below(&self, position: usize, time: u64, see: &mut dyn FnMut(Time, EventId, &T)) {
        let Some(entry) = self.heap.get(position).filter(|entry| entry.time <= time) else { return };
        let event = self.slots[entry.slot as usize].event.as_ref();
        see(Time(entry.time), EventId(entry.tie), event.expect("a queued slot holds its event"));
        let first = position * ARITY + 1;
        (first..first + ARITY).for_each(|child| self.due_below(child, time, see));
    }

    /// All pending events, in no particular order.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (Time, EventId, &T)> {
        self.heap.iter().map(|entry| {
            let event = self.slots[entry.slot as usize].event.as_ref();
            (Time(entry.time), EventId(entry.tie), event.expect("a queued slot holds its event"))
        })
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    #[inline(always)]
    fn remove_at(&mut self, position: usize) -> T {
        let removed = self.heap[position];
        let last = self.heap.pop().expect("a position lies in the heap");
        if position < self.heap.len() {
            if position > 0 && last.before(&self.heap[(position - 1) / ARITY]) {
                self.rise(position, last);
            } else {
                self.sink(position, last);
            }
        }
        let slot = &mut self.slots[removed.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.position = self.free;
        self.free = removed.slot;
        slot.event.take().expect("a queued slot holds its event")
    }

    /// Moves `entry` from `position` up to where it belongs.
    #[inline(always)]
    fn rise(&mut self, mut position: usize, entry: Entry) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        self.place(position, entry);
    }

    /// Moves `entry` from `position` down to where it belongs.
    #[inline(always)]
    fn sink(&mut self, mut position: usize, entry: Entry) {
        loop {
            let first = position * ARITY + 1;
            if first >= self.heap.len() {
                break;
            }
            let mut least = first;
            for child in first + 1..(first + ARITY).min(self.heap.len()) {
                if self.heap[child].before(&self.heap[least]) {
                    least = child;
                }
            }
            if !self.heap[least].before(&entry) {
                break;
            }
            self.place(position, self.heap[least]);
            position = least;
        }
        self.place(position, entry);
    }

    #[inline(always)]
    fn place(&mut self, position: usize, entry: Entry) {
        self.heap[position] = entry;
        self.slots[entry.slot as usize].position = position as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push { time: u64, tie: u64 },
        Pop,
        Remove(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..20u64, any::<u64>()).prop_map(|(time, tie)| Step::Push { time, tie }),
            1 => Just(Step::Pop),
            1 => (0..50usize).prop_map(Step::Remove),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_sorted_list(steps in steps()) {
            let mut queue = Queue::default();
            let mut list: Vec<(u64, u64, usize)> = Vec::new();
            let mut tickets = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push { time, tie } => {
                        tickets.push((number, queue.push(Time(time), EventId(tie), number)));
                        list.push((time, tie, number));
                        list.sort_unstable();
                    }
                    Step::Pop => {
                        let expected = (!list.is_empty()).then(|| list.remove(0));
                        let popped = queue.pop().map(|(time, id, number)| (time.0, id.0, number));
                        prop_assert_eq!(popped, expected);
                    }
                    Step::Remove(index) if index < tickets.len() => {
                        let (number, ticket) = tickets[index];
                        let expected = list.iter().position(|entry| entry.2 == number);
                        prop_assert_eq!(queue.remove(ticket), expected.map(|at| list.remove(at).2));
                    }
                    Step::Remove(_) => {}
                }
                prop_assert_eq!(queue.len(), list.len());
                prop_assert_eq!(queue.pending().count(), list.len());
                let mut due = Vec::new();
                queue.due_until(Time(9), &mut |time, id, number| due.push((time.0, id.0, *number)));
                due.sort_unstable();
                prop_assert_eq!(&due[..], &list[..list.partition_point(|entry| entry.0 <= 9)]);
            }
        }
    }
}
