//! What a mover holds, what is due and how far it is, against a list that is looked through from its beginning each time.

use proptest::prelude::*;
use rehearsal_env::{Span, Time, WallTime};
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::delay::shelf::Clocks;
use rehearsal_model::queue::delay::{Due, Shelf};
use rehearsal_model::queue::offset::Offset;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A record comes, made so long ago.
    Comes { due: Due, age: i64 },
    /// What stands next is not to be moved.
    Passes,
    /// Time goes by.
    Wait(u64),
    /// Somebody sets the wall clock.
    SetWall(i64),
    /// The so-many-th of those that are due is moved.
    Move(usize),
}

/// One record, as it came.
#[derive(Clone, Copy, Debug)]
struct Item {
    offset: Offset,
    seen: u64,
    due: Due,
    moved: bool,
}

struct Stage {
    shelf: Shelf,
    items: Vec<Item>,
    next: u64,
    now: u64,
    wall: i64,
}

const MILLISECOND: u64 = 1_000_000;

impl Stage {
    fn new(defects: Defects) -> Stage {
        let (shelf, wall) = (Shelf::from(Offset::ZERO, defects), 1_700_000_000_000_000);
        Stage { shelf, items: Vec::new(), next: 0, now: 5 * MILLISECOND, wall }
    }

    fn clocks(&self) -> Clocks {
        Clocks { now: Time(self.now), wall: WallTime(self.wall) }
    }

    fn is_due(&self, item: &Item) -> bool {
        match item.due {
            Due::After(delay) => self.now - item.seen >= delay.0,
            Due::At(at) => self.wall >= at.micros(),
        }
    }

    fn due_on_the_shelf(&self) -> Vec<Offset> {
        let waiting = self.items.iter().filter(|item| !item.moved);
        let due = waiting.filter(|item| self.shelf.wait(item.offset, self.clocks()).is_none());
        due.map(|item| item.offset).collect()
    }

    fn happen(&mut self, happening: Happening) {
        let clocks = self.clocks();
        let offset = Offset(self.next);
        match happening {
            Happening::Comes { due, age } => {
                self.shelf.hold(offset, due, WallTime(self.wall - age), clocks);
                self.items.push(Item { offset, seen: self.now, due, moved: false });
                self.next += 1;
            }
            Happening::Passes => {
                self.shelf.pass(offset);
                self.next += 1;
            }
            Happening::Wait(span) => {
                self.now += span;
                self.wall += (span / 1_000) as i64;
            }
            Happening::SetWall(by) => self.wall += by,
            Happening::Move(which) => {
                let due = self.due_on_the_shelf();
                let Some(offset) = due.get(which % due.len().max(1)).copied() else { return };
                self.shelf.moved(offset);
                self.items.iter_mut().filter(|item| item.offset == offset).for_each(|item| item.moved = true);
            }
        }
    }

    /// What the list says is due, and before what everything is moved.
    fn judge(&self) -> Result<(), TestCaseError> {
        let waiting = || self.items.iter().filter(|item| !item.moved);
        let due: Vec<Offset> = waiting().filter(|item| self.is_due(item)).map(|item| item.offset).collect();
        prop_assert_eq!(self.due_on_the_shelf(), due);
        let first = waiting().map(|item| item.offset).min();
        prop_assert_eq!(self.shelf.through(), first.unwrap_or(Offset(self.next)));
        Ok(())
    }
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let due = prop_oneof![
        (0..5_000u64).prop_map(|millis| Due::After(Span::millis(millis))),
        (-1_000_000..5_000_000i64).prop_map(|micros| Due::At(WallTime(1_700_000_000_000_000 + micros))),
    ];
    let happening = prop_oneof![
        4 => (due, 0..2_000_000i64).prop_map(|(due, age)| Happening::Comes { due, age }),
        1 => Just(Happening::Passes),
        4 => (0..2_000u64).prop_map(|millis| Happening::Wait(millis * MILLISECOND)),
        1 => (-5_000_000..5_000_000i64).prop_map(Happening::SetWall),
        4 => any::<usize>().prop_map(Happening::Move),
    ];
    prop::collection::vec(happening, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_due_and_what_is_moved_is_as_a_list_has_it(happenings in happenings()) {
        let mut stage = Stage::new(Defects::NONE);
        for happening in happenings {
            stage.happen(happening);
            stage.judge()?;
        }
    }

    /// Who sleeps as long as the shelf says finds it due, or is told to look again.
    #[test]
    fn nobody_waits_for_nothing(delay in 0..10_000u64, appointed in any::<bool>()) {
        let mut stage = Stage::new(Defects::NONE);
        let at = WallTime(stage.wall + delay as i64 * 1_000);
        let due = if appointed { Due::At(at) } else { Due::After(Span::millis(delay)) };
        stage.happen(Happening::Comes { due, age: 0 });
        let mut waited = Duration::ZERO;
        while let Some(wait) = stage.shelf.wait(Offset::ZERO, stage.clocks()) {
            prop_assert!(wait > Duration::ZERO);
            waited += wait;
            stage.happen(Happening::Wait(wait.as_nanos() as u64));
        }
        prop_assert_eq!(waited, Duration::from_millis(delay));
    }
}

#[test]
fn a_delay_is_not_shorter_when_the_wall_clock_is_set_forward() {
    let early = |defects| {
        let mut stage = Stage::new(defects);
        stage.happen(Happening::Comes { due: Due::After(Span::seconds(10)), age: 0 });
        stage.happen(Happening::SetWall(3_600_000_000));
        !stage.due_on_the_shelf().is_empty()
    };
    assert!(!early(Defects::NONE));
    assert!(early(Defects::of([Defect::DelaysByWall])));
}

#[test]
fn an_appointment_moves_with_the_wall_clock() {
    let mut stage = Stage::new(Defects::NONE);
    let at = WallTime(stage.wall + 10_000_000);
    stage.happen(Happening::Comes { due: Due::At(at), age: 0 });
    stage.happen(Happening::SetWall(10_000_000));
    assert_eq!(stage.due_on_the_shelf(), [Offset::ZERO]);
    stage.happen(Happening::SetWall(-1));
    assert_eq!(stage.due_on_the_shelf(), []);
}
