//! The commit whose facts are coming in.
//!
//! The facts of a commit come one after another, and in between the books are neither what they were nor what
//! they will be. So an invariant about durable state waits for `Committed` and then finds here what the whole
//! commit did, night by night and reservation by reservation.

use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::stay::{Night, ReservationId, Status};

/// What a commit did to one night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NightChange {
    /// Which night.
    pub night: Night,
    /// Rooms there are after the commit.
    pub total_inventory: i64,
    /// Rooms taken after the commit, by the column.
    pub total_reserved: i64,
    /// By how much the column rose.
    pub column_rise: i64,
    /// Rooms taken after the commit, summed over the live reservations that cover the night.
    pub live_rooms: i64,
    /// By how much that sum rose: what the column should have risen by.
    pub live_rise: i64,
    /// The facts that say so, by their numbers: the last of the row and the one of the row before it.
    pub rows: [Option<u64>; 2],
}

/// What a commit did to one reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReservationChange {
    /// Which.
    pub reservation: ReservationId,
    /// The status before; `None` when it was made.
    pub from: Option<Status>,
    /// The status after; `None` when its row was removed.
    pub to: Option<Status>,
    /// The number of the fact.
    pub number: u64,
    /// When it was made although a reservation of this id existed: the number of that one's fact.
    pub made_before: Option<u64>,
}

/// What a commit did, complete once its `Committed` has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommitAtHand {
    position: LogPosition,
    nights: Vec<NightChange>,
    reservations: Vec<ReservationChange>,
}

impl CommitAtHand {
    /// Its place in the log.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// The nights of which the row or the live reservations changed, each once, in order.
    pub fn nights(&self) -> &[NightChange] {
        &self.nights
    }

    /// The reservations that changed, in the order of their facts.
    pub fn reservations(&self) -> &[ReservationChange] {
        &self.reservations
    }

    /// The numbers of the facts about reservations.
    pub fn reservation_facts(&self) -> impl Iterator<Item = u64> {
        self.reservations.iter().map(|change| change.number)
    }

    /// Makes room for the commit at `position`; nothing happens if that is the one at hand.
    pub(super) fn enter(&mut self, position: LogPosition) {
        if self.position != position {
            self.position = position;
            self.nights.clear();
            self.reservations.clear();
        }
    }

    /// The column of a night rose.
    pub(super) fn column_rose(&mut self, night: Night, column_rise: i64) {
        self.nights.push(NightChange { column_rise, ..untouched(night) });
    }

    /// The rooms of the live reservations that cover a night rose.
    pub(super) fn live_rose(&mut self, night: Night, live_rise: i64) {
        self.nights.push(NightChange { live_rise, ..untouched(night) });
    }

    /// A reservation changed.
    pub(super) fn reservation_changed(&mut self, change: ReservationChange) {
        self.reservations.push(change);
    }

    /// Makes one entry of all about the same night, and has `complete` fill in what is true after the commit.
    pub(super) fn close(&mut self, mut complete: impl FnMut(&mut NightChange)) {
        self.nights.sort_unstable_by_key(|change| change.night);
        self.nights.dedup_by(|other, kept| {
            let same = other.night == kept.night;
            if same {
                kept.column_rise += other.column_rise;
                kept.live_rise += other.live_rise;
            }
            same
        });
        self.nights.iter_mut().for_each(&mut complete);
    }
}

fn untouched(night: Night) -> NightChange {
    NightChange {
        night,
        total_inventory: 0,
        total_reserved: 0,
        column_rise: 0,
        live_rooms: 0,
        live_rise: 0,
        rows: [None, None],
    }
}
