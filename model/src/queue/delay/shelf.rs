//! What a mover holds of one partition of the delayed topic, what is due, and how far it is.

use super::postponed::Due;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::unfinished::Unfinished;
use rehearsal_env::{Time, WallTime};
use std::collections::BTreeMap;
use std::time::Duration;

/// A wall clock may be set while an appointment is waited for, so it is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a mover's clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clocks {
    /// The monotonic one.
    pub now: Time,
    /// The wall clock.
    pub wall: WallTime,
}

/// When something is due, by the mover's own clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Deadline {
    Now(Time),
    Wall(WallTime),
}

/// What a mover holds of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shelf {
    defects: Defects,
    held: BTreeMap<Offset, Deadline>,
    unfinished: Unfinished,
}

impl Shelf {
    /// An empty one, of a mover that begins here.
    pub fn from(start: Offset, defects: Defects) -> Shelf {
        Shelf { defects, held: BTreeMap::new(), unfinished: Unfinished::from(start) }
    }

    /// Holds the record at this offset until it is due. The mover sees it for the first time now; `created` is what the
    /// producer says.
    pub fn hold(&mut self, offset: Offset, due: Due, created: WallTime, clocks: Clocks) {
        let deadline = match due {
            Due::After(delay) if self.defects.has(Defect::DelaysByWall) => {
                Deadline::Wall(after(created, delay.duration()))
            }
            Due::After(delay) => Deadline::Now(clocks.now + delay.duration()),
            Due::At(wall) => Deadline::Wall(wall),
        };
        self.held.insert(offset, deadline);
        self.unfinished.begin(offset);
    }

    /// What stands at this offset is not to be moved.
    pub fn pass(&mut self, offset: Offset) {
        self.unfinished.begin(offset);
        self.unfinished.finish(offset);
    }

    /// How long to wait before the record at this offset may be due; none when it is, and for what is not held.
    pub fn wait(&self, offset: Offset, clocks: Clocks) -> Option<Duration> {
        match *self.held.get(&offset)? {
            Deadline::Now(at) => (clocks.now < at).then(|| at.since(clocks.now)),
            Deadline::Wall(at) => {
                let left = u64::try_from(at.micros().saturating_sub(clocks.wall.micros())).unwrap_or(0);
                (left > 0).then(|| Duration::from_micros(left).min(LOOK_AGAIN))
            }
        }
    }

    /// The record at this offset stands in its target.
    pub fn moved(&mut self, offset: Offset) {
        self.held.remove(&offset);
        self.unfinished.finish(offset);
    }

    /// Everything before it is moved: what may be committed.
    pub fn through(&self) -> Offset {
        self.unfinished.through()
    }
}

fn after(wall: WallTime, span: Duration) -> WallTime {
    WallTime(wall.micros().saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}
