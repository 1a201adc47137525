//! What a campaign must have reached at least once, or its silence proves nothing.
//!
//! Each marker is a predicate over facts, with the little that it has to remember. Some are reached under
//! certain strategies only: a seed draws the strategy, a campaign draws them all.

use super::books::position_of;
use super::rules::Rules;
use crate::MarkerWatch;
use rehearsal_env::{Incarnation, Marker, Stamp};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Attempt, Fact, RetryReason};
use rehearsal_model::reservation::stay::{Night, Order, OrderState, ReservationId, Status, Stay, StepKind};
use std::collections::{BTreeMap, BTreeSet};

/// The database broke a deadlock.
pub const DEADLOCK_BROKEN: Marker = Marker("deadlock-broken");
/// A server tried again since a version had changed.
pub const OPTIMISTIC_RETRY: Marker = Marker("optimistic-retry");
/// A guest clicked twice, and the second click found the outcome of the first.
pub const DUPLICATE_CLICK_ABSORBED: Marker = Marker("duplicate-click-absorbed");
/// A server did not learn that its commit had happened.
pub const LOST_COMMIT_HAD_HAPPENED: Marker = Marker("lost-commit-had-happened");
/// A payment was paid by another life of the payment service or the database than the one that charged it.
pub const CRASH_BETWEEN_CHARGE_AND_PAID: Marker = Marker("crash-between-charge-and-paid");
/// A charge that was made was taken up again: its answer was lost, or whoever waited for it crashed.
pub const CHARGE_RESUMED: Marker = Marker("charge-resumed");
/// The database cut an incomplete batch off the end of its log.
pub const TORN_TAIL_CUT: Marker = Marker("torn-tail-cut");
/// A session ended by silence, and its open transaction was rolled back.
pub const SILENT_TRANSACTION_ROLLED_BACK: Marker = Marker("silent-transaction-rolled-back");
/// One sync made several commits durable.
pub const GROUP_COMMIT: Marker = Marker("group-commit");
/// A statement looked at a row again after it had waited for it.
pub const RECHECKED_AFTER_WAIT: Marker = Marker("rechecked-after-wait");
/// A reservation was rejected although the provider had not refused: its hold ran out.
pub const HOLD_RAN_OUT: Marker = Marker("hold-ran-out");
/// Money was given back for a reservation that was never paid: the charge came too late.
pub const LATE_SUCCESS_VOIDED: Marker = Marker("late-success-voided");
/// A canceled reservation was refunded.
pub const REFUNDED_AFTER_CANCEL: Marker = Marker("refunded-after-cancel");
/// The provider refused a charge.
pub const CHARGE_REFUSED: Marker = Marker("charge-refused");
/// A reservation was canceled while its payment was under way.
pub const CANCELED_DURING_PAYMENT: Marker = Marker("canceled-during-payment");
/// The last room of a night below the limit was sold.
pub const NIGHT_SOLD_OUT: Marker = Marker("night-sold-out");
/// More rooms of a night were sold than there are, within the limit.
pub const NIGHT_OVERBOOKED: Marker = Marker("night-overbooked");
/// A stay of several nights was booked.
pub const SEVERAL_NIGHTS_BOOKED: Marker = Marker("several-nights-booked");
/// The database found a commit in its log that had not been reported.
pub const UNREPORTED_COMMIT_FOUND: Marker = Marker("unreported-commit-found");
/// The provider was asked again for what it had done.
pub const PROVIDER_REPEAT_ABSORBED: Marker = Marker("provider-repeat-absorbed");
/// The price of a night changed while an order for it was open.
pub const RATE_CHANGED_UNDER_ORDER: Marker = Marker("rate-changed-under-order");
/// A statement waited for a lock.
pub const LOCK_AWAITED: Marker = Marker("lock-awaited");
/// A statement waited for a lock too long.
pub const LOCK_TIMED_OUT: Marker = Marker("lock-timed-out");
/// A guest gave up an order before anything was booked.
pub const ORDER_WITHDRAWN: Marker = Marker("order-withdrawn");
/// A writer took over a room type that another had owned.
pub const WRITER_TOOK_OVER: Marker = Marker("writer-took-over");
/// A writer that was left behind wanted to write, and found a later owner.
pub const OLD_WRITER_FENCED: Marker = Marker("old-writer-fenced");

/// Every marker of the chain.
pub const MARKERS: &[Marker] = &[
    DEADLOCK_BROKEN,
    OPTIMISTIC_RETRY,
    DUPLICATE_CLICK_ABSORBED,
    LOST_COMMIT_HAD_HAPPENED,
    CRASH_BETWEEN_CHARGE_AND_PAID,
    CHARGE_RESUMED,
    TORN_TAIL_CUT,
    SILENT_TRANSACTION_ROLLED_BACK,
    GROUP_COMMIT,
    RECHECKED_AFTER_WAIT,
    HOLD_RAN_OUT,
    LATE_SUCCESS_VOIDED,
    REFUNDED_AFTER_CANCEL,
    CHARGE_REFUSED,
    CANCELED_DURING_PAYMENT,
    NIGHT_SOLD_OUT,
    NIGHT_OVERBOOKED,
    SEVERAL_NIGHTS_BOOKED,
    UNREPORTED_COMMIT_FOUND,
    PROVIDER_REPEAT_ABSORBED,
    RATE_CHANGED_UNDER_ORDER,
    LOCK_AWAITED,
    LOCK_TIMED_OUT,
    ORDER_WITHDRAWN,
    WRITER_TOOK_OVER,
    OLD_WRITER_FENCED,
];

/// What is remembered of a reservation.
#[derive(Clone, Copy, Debug, Default)]
struct Trace {
    booked: bool,
    paid: bool,
    refused: bool,
    answer_lost: bool,
    /// Which life of the database the charge was made in.
    charged_in: Option<Incarnation>,
    /// Which life of the payment service first sent the charge.
    sent_in: Option<Incarnation>,
}

/// Looks out for the markers.
#[derive(Debug)]
pub struct Markers {
    rules: Rules,
    traces: BTreeMap<ReservationId, Trace>,
    double_clicked: BTreeSet<ReservationId>,
    open_orders: BTreeMap<ReservationId, Stay>,
    /// The nights of the open orders.
    ordered: BTreeSet<(Night, ReservationId)>,
    /// The newest commit that was reported.
    newest: LogPosition,
    /// The life of the database that last said it was up.
    up: Incarnation,
}

impl Markers {
    /// A night is sold out, or sold beyond its rooms, by these rules.
    pub fn new(rules: Rules) -> Markers {
        Markers {
            rules,
            traces: BTreeMap::new(),
            double_clicked: BTreeSet::new(),
            open_orders: BTreeMap::new(),
            ordered: BTreeSet::new(),
            newest: LogPosition::default(),
            up: Incarnation::default(),
        }
    }

    /// A fact that is a marker by itself.
    fn at_once(fact: &Fact) -> Option<Marker> {
        Some(match fact {
            Fact::DeadlockBroken => DEADLOCK_BROKEN,
            Fact::Retried { reason: RetryReason::VersionChanged, .. } => OPTIMISTIC_RETRY,
            Fact::TornTailCut => TORN_TAIL_CUT,
            Fact::SessionEndedBySilence { open_transaction: true } => SILENT_TRANSACTION_ROLLED_BACK,
            Fact::Synced { commits: 2.. } => GROUP_COMMIT,
            Fact::Rechecked { .. } => RECHECKED_AFTER_WAIT,
            Fact::Refunded { .. } => REFUNDED_AFTER_CANCEL,
            Fact::ChargeRefused { .. } => CHARGE_REFUSED,
            Fact::Canceled { from: Status::Pending, .. } => CANCELED_DURING_PAYMENT,
            Fact::ProviderRepeat { .. } => PROVIDER_REPEAT_ABSORBED,
            Fact::WaitedForLock => LOCK_AWAITED,
            Fact::LockTimedOut => LOCK_TIMED_OUT,
            Fact::OrderDecided { state: OrderState::Withdrawn, .. } => ORDER_WITHDRAWN,
            Fact::OwnerSet { before: 1.., .. } => WRITER_TOOK_OVER,
            Fact::WriterFenced { .. } => OLD_WRITER_FENCED,
            _ => return None,
        })
    }

    /// What a fact of a commit completes.
    fn of_commit(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        match *fact {
            Fact::InventorySet { total_inventory, reserved_before, total_reserved, .. }
                if total_reserved > reserved_before =>
            {
                let limit = self.rules.limit(total_inventory);
                if total_reserved == limit {
                    reached(NIGHT_SOLD_OUT);
                }
                if total_reserved > total_inventory && total_reserved <= limit {
                    reached(NIGHT_OVERBOOKED);
                }
            }
            Fact::RateSet { night, .. } => {
                let first = (night, ReservationId(i64::MIN));
                if self.ordered.range(first..).next().is_some_and(|(other, _)| *other == night) {
                    reached(RATE_CHANGED_UNDER_ORDER);
                }
            }
            Fact::OrderPlaced { order, .. } => self.open(&order),
            Fact::OrderDecided { reservation, .. } => self.decide(reservation),
            Fact::Booked { order, .. } => self.booked(stamp, &order, reached),
            Fact::Paid { reservation, .. } => {
                let trace = self.traces.entry(reservation).or_default();
                trace.paid = true;
                if trace.charged_in.take().is_some_and(|life| life != stamp.incarnation) {
                    reached(CRASH_BETWEEN_CHARGE_AND_PAID);
                }
            }
            Fact::Rejected { reservation, .. } if !self.trace(reservation).refused => reached(HOLD_RAN_OUT),
            Fact::Committed { .. } if self.is_recovering(stamp) => reached(UNREPORTED_COMMIT_FOUND),
            _ => {}
        }
    }

    fn booked(&mut self, stamp: &Stamp, order: &Order, reached: &mut dyn FnMut(Marker)) {
        if order.stay.length() > 1 {
            reached(SEVERAL_NIGHTS_BOOKED);
        }
        // What comes in later than the loss and was not found by a recovery is another attempt's commit.
        let found = self.is_recovering(stamp);
        let trace = self.traces.entry(order.id).or_default();
        trace.booked = true;
        if trace.answer_lost && found {
            reached(LOST_COMMIT_HAD_HAPPENED);
        }
    }

    /// What a fact of guests, servers, the payment service or the provider completes.
    fn of_others(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        match *fact {
            Fact::Asked { reservation: Some(id), attempt: Attempt::DoubleClick, .. } => {
                self.double_clicked.insert(id);
            }
            // From here on it may be this request, and no copy of the click, that finds the order decided.
            Fact::Asked { reservation: Some(id), attempt: Attempt::Retry | Attempt::Poll, .. }
            | Fact::Settled { reservation: Some(id), .. } => {
                self.double_clicked.remove(&id);
            }
            Fact::DuplicateAbsorbed { reservation } if self.double_clicked.contains(&reservation) => {
                reached(DUPLICATE_CLICK_ABSORBED);
            }
            Fact::CommitAnswerLost { reservation } => {
                let trace = self.traces.entry(reservation).or_default();
                trace.answer_lost = true;
                if trace.booked {
                    reached(LOST_COMMIT_HAD_HAPPENED);
                }
            }
            Fact::Charged { reservation, .. } => {
                let up = self.up;
                self.traces.entry(reservation).or_default().charged_in = Some(up);
            }
            Fact::StepResumed { reservation, step: StepKind::Charge }
                if self.trace(reservation).charged_in.is_some() =>
            {
                reached(CHARGE_RESUMED);
                if self.trace(reservation).sent_in.is_some_and(|life| life != stamp.incarnation) {
                    reached(CRASH_BETWEEN_CHARGE_AND_PAID);
                }
            }
            Fact::ChargeSent { reservation } => {
                let trace = self.traces.entry(reservation).or_default();
                trace.sent_in.get_or_insert(stamp.incarnation);
            }
            Fact::ChargeRefused { reservation } => {
                self.traces.entry(reservation).or_default().refused = true;
            }
            Fact::MoneyReturned { reservation, .. } if !self.trace(reservation).paid => {
                reached(LATE_SUCCESS_VOIDED);
            }
            Fact::Recovered { .. } => self.up = stamp.incarnation,
            _ => {}
        }
    }

    fn trace(&self, id: ReservationId) -> Trace {
        self.traces.get(&id).copied().unwrap_or_default()
    }

    /// Whether the database, in this life, is still reading its log.
    fn is_recovering(&self, stamp: &Stamp) -> bool {
        stamp.incarnation > self.up
    }

    fn open(&mut self, order: &Order) {
        self.open_orders.insert(order.id, order.stay);
        self.ordered.extend(order.stay.nights().map(|night| (night, order.id)));
    }

    fn decide(&mut self, id: ReservationId) {
        for night in self.open_orders.remove(&id).into_iter().flat_map(|stay| stay.nights()) {
            self.ordered.remove(&(night, id));
        }
    }
}

impl MarkerWatch<Fact> for Markers {
    fn witness(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        let position = position_of(fact);
        if position.is_some_and(|position| position <= self.newest) {
            return;
        }
        if let Some(marker) = Markers::at_once(fact) {
            reached(marker);
        }
        match position {
            Some(position) => {
                self.of_commit(stamp, fact, reached);
                if matches!(fact, Fact::Committed { .. }) {
                    self.newest = position;
                }
            }
            None => self.of_others(stamp, fact, reached),
        }
    }
}
