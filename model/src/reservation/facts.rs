//! What can have happened in the hotel chain.
//!
//! The truth about bookings comes from the database alone: it reports every durable commit once, and
//! [`of_database`](super::commits::of_database) turns its row changes into facts, closed by
//! [`Fact::Committed`]. So a server that dies
//! after its commit hides nothing. What guests ask and are told are facts of the guests; charges and
//! refunds are facts of the provider.
//!
//! After a restart the database reports again the last commits of its log, which a crash may have kept from
//! being reported: whoever reads takes each position once.

use super::stay::{Intent, Night, Order, OrderState, ReservationId, RoomType, Status, Stay, StepKind};
use crate::database::LogPosition;
use rehearsal_env::Fact as FactTrait;
use serde::{Deserialize, Serialize};

/// What a guest asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// How many rooms are left.
    Availability,
    /// An order, with a price.
    Order,
    /// To book an order.
    Book,
    /// To cancel what was ordered or booked.
    Cancel,
    /// What the guest has booked.
    History,
}

/// Why a guest asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Attempt {
    /// For the first time.
    First,
    /// Again at once, elsewhere: the same click twice.
    DoubleClick,
    /// Again, since no answer came.
    Retry,
    /// Again, since the answer was not final.
    Poll,
}

/// What a guest is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// So many rooms are left on the scarcest night.
    Available(i64),
    /// The order's id, and the price in cents.
    Ordered(ReservationId, i64),
    /// The stay is booked and paid. Final.
    Booked,
    /// The nights are held, the payment is not decided. Ask again.
    Pending,
    /// The payment was refused or took too long; nothing is booked. Final.
    Rejected,
    /// A night is sold out; nothing is booked, and this id never will be. To who asks for an order: a night is not
    /// for sale. Final.
    SoldOut,
    /// Too much is going on; nothing was booked by this request. Ask again or cancel.
    Busy,
    /// The id belongs to another order than the one described; nothing was booked by this request. Final.
    Conflict,
    /// There is no such order; nothing was booked by this request. Final.
    NoSuchOrder,
    /// The order's time is over; nothing was booked by this request, and nothing will be. Final.
    Expired,
    /// The stay is canceled, or was withdrawn before it was booked. Final.
    Canceled,
    /// The guest's reservations with their statuses.
    History(Vec<(ReservationId, Status)>),
}

/// Why a server tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RetryReason {
    /// A version had changed (the optimistic strategy).
    VersionChanged,
    /// Its transaction was chosen to break a deadlock.
    Deadlock,
    /// It waited too long for a lock.
    LockTimeout,
    /// Its session with the database ended before the commit.
    SessionLost,
    /// Somebody else decided the order meanwhile.
    DecidedMeanwhile,
    /// The database refused for another reason.
    Refused,
    /// A later writer owns the room type.
    Fenced,
}

/// Something that happened. Money is in cents.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fact {
    /// A guest asked a server. `request` is new for every message; `stay` is what the guest wishes.
    Asked {
        /// Who.
        guest: i64,
        /// Which of all wishes.
        intent: Intent,
        /// The order's id, once the guest knows it.
        reservation: Option<ReservationId>,
        /// What.
        operation: Operation,
        /// What the guest wishes.
        stay: Stay,
        /// Why.
        attempt: Attempt,
        /// Which message.
        request: u64,
    },
    /// A guest got the answer to that request.
    Told {
        /// Who.
        guest: i64,
        /// Which of all wishes.
        intent: Intent,
        /// The order's id, once the guest knows it.
        reservation: Option<ReservationId>,
        /// What had been asked.
        operation: Operation,
        /// What the guest wishes.
        stay: Stay,
        /// The answer.
        answer: Answer,
        /// Which message it answers.
        request: u64,
    },
    /// The guest is done with this wish: it will ask nothing more about it.
    Settled {
        /// Who.
        guest: i64,
        /// Which of all wishes.
        intent: Intent,
        /// The order it ended with.
        reservation: Option<ReservationId>,
    },

    /// Durable: a row of the inventory was made or changed.
    InventorySet {
        /// Place in the log.
        position: LogPosition,
        /// Which night.
        night: Night,
        /// Rooms there are.
        total_inventory: i64,
        /// Rooms taken before; 0 when the row was made.
        reserved_before: i64,
        /// Rooms taken now.
        total_reserved: i64,
    },
    /// Durable: the price of a night is this.
    RateSet {
        /// Place in the log.
        position: LogPosition,
        /// Which night.
        night: Night,
        /// Price of one room.
        price: i64,
    },
    /// Durable: an order was placed.
    OrderPlaced {
        /// Place in the log.
        position: LogPosition,
        /// The order.
        order: Order,
    },
    /// Durable: an order was decided.
    OrderDecided {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// How.
        state: OrderState,
    },
    /// Durable: a reservation was made, pending; its nights are in the same commit.
    Booked {
        /// Place in the log.
        position: LogPosition,
        /// Its id, guest, stay and price.
        order: Order,
    },
    /// Durable: pending → paid.
    Paid {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// The status before.
        from: Status,
    },
    /// Durable: rejected.
    Rejected {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// The status before.
        from: Status,
    },
    /// Durable: canceled.
    Canceled {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// The status before.
        from: Status,
    },
    /// Durable: refunded.
    Refunded {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// The status before.
        from: Status,
    },
    /// Durable: a status changed to pending, which it never should.
    Reopened {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
        /// The status before.
        from: Status,
    },
    /// Durable: a reservation's row was removed, which it never should be.
    Removed {
        /// Place in the log.
        position: LogPosition,
        /// Which.
        reservation: ReservationId,
    },
    /// Durable: something has to be done with the provider, or (None) nothing has any more.
    StepSet {
        /// Place in the log.
        position: LogPosition,
        /// For which reservation.
        reservation: ReservationId,
        /// What.
        step: Option<StepKind>,
    },
    /// Durable: the commit is complete; the facts since the last of these belong to it.
    Committed {
        /// Place in the log.
        position: LogPosition,
    },
    /// The database came up: every commit up to this one was found in the log, and those that may not
    /// have been reported before were reported just now.
    Recovered {
        /// The last commit.
        through: LogPosition,
    },
    /// The database cut an incomplete batch off the end of its log.
    TornTailCut,
    /// The database found its log corrupt and does not serve.
    LogCorrupt {
        /// Where, in bytes.
        offset: u64,
    },
    /// Commits that were written to the log, and are not durable yet.
    Written {
        /// How many.
        commits: u64,
    },
    /// Commits that became durable with one sync.
    Synced {
        /// How many.
        commits: u64,
    },
    /// The database broke a deadlock.
    DeadlockBroken,
    /// A statement waited for its lock too long.
    LockTimedOut,
    /// A statement had to wait for a lock.
    WaitedForLock,
    /// A statement looked at a row again after it had waited for it.
    Rechecked {
        /// Whether the row was still wanted.
        matched: bool,
    },
    /// The database ended a session that had been silent.
    SessionEndedBySilence {
        /// Whether a transaction was open in it, and was rolled back.
        open_transaction: bool,
    },
    /// How many transactions have been open for longer than a session may be silent; said when it changes.
    OldTransactions {
        /// How many.
        count: u64,
    },

    /// A server took an id for a new order.
    IdTaken {
        /// The id.
        id: ReservationId,
    },
    /// A server tries a booking or cancellation again.
    Retried {
        /// Which.
        reservation: ReservationId,
        /// Why.
        reason: RetryReason,
    },
    /// A server got a request whose id was decided already, and answered with the recorded outcome.
    DuplicateAbsorbed {
        /// Which.
        reservation: ReservationId,
    },
    /// A server does not know whether its commit happened.
    CommitAnswerLost {
        /// Which.
        reservation: ReservationId,
    },

    /// Durable: a writer of this generation owns the room type; an older one may not write any more.
    OwnerSet {
        /// Place in the log.
        position: LogPosition,
        /// Which rooms.
        room_type: RoomType,
        /// The generation before; 0 when nobody had owned it.
        before: i64,
        /// The generation now.
        generation: i64,
    },
    /// A server or the payment service asked the writers for a change.
    ChangeAsked {
        /// Of which reservation.
        reservation: ReservationId,
    },
    /// A writer owns so many partitions of the queue now.
    WriterSeated {
        /// In which generation of the group.
        generation: u32,
        /// How many.
        partitions: u32,
    },
    /// A writer knows that what it owned is no longer its.
    WriterUnseated {
        /// In which generation of the group it was.
        generation: u32,
    },
    /// A writer begins with a request.
    WriteBegun {
        /// About which reservation.
        reservation: ReservationId,
        /// In which generation of the group it is.
        generation: u32,
    },
    /// A writer found that a later one owns the room type, and wrote nothing.
    WriterFenced {
        /// About which reservation it was asked.
        reservation: ReservationId,
        /// Which rooms.
        room_type: RoomType,
        /// In which generation of the group it is.
        generation: u32,
    },

    /// The provider took money.
    Charged {
        /// For which reservation.
        reservation: ReservationId,
        /// How much.
        amount: i64,
    },
    /// The provider refused to.
    ChargeRefused {
        /// For which reservation.
        reservation: ReservationId,
    },
    /// The provider gave money back.
    MoneyReturned {
        /// For which reservation.
        reservation: ReservationId,
        /// How much.
        amount: i64,
    },
    /// The provider got a charge or a return that it had carried out before, and did nothing.
    ProviderRepeat {
        /// For which reservation.
        reservation: ReservationId,
    },
    /// The payment service asks the provider to charge.
    ChargeSent {
        /// Which.
        reservation: ReservationId,
    },
    /// The payment service heard that the charge was confirmed.
    ChargeConfirmed {
        /// Which.
        reservation: ReservationId,
    },
    /// The payment service takes up a step that somebody began before it.
    StepResumed {
        /// Which.
        reservation: ReservationId,
        /// What.
        step: StepKind,
    },
}

impl FactTrait for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Fact::Asked { .. } => "Asked",
            Fact::Told { .. } => "Told",
            Fact::Settled { .. } => "Settled",
            Fact::InventorySet { .. } => "InventorySet",
            Fact::RateSet { .. } => "RateSet",
            Fact::OrderPlaced { .. } => "OrderPlaced",
            Fact::OrderDecided { .. } => "OrderDecided",
            Fact::Booked { .. } => "Booked",
            Fact::Paid { .. } => "Paid",
            Fact::Rejected { .. } => "Rejected",
            Fact::Canceled { .. } => "Canceled",
            Fact::Refunded { .. } => "Refunded",
            Fact::Reopened { .. } => "Reopened",
            Fact::Removed { .. } => "Removed",
            Fact::StepSet { .. } => "StepSet",
            Fact::Committed { .. } => "Committed",
            Fact::Recovered { .. } => "Recovered",
            Fact::TornTailCut => "TornTailCut",
            Fact::LogCorrupt { .. } => "LogCorrupt",
            Fact::Written { .. } => "Written",
            Fact::Synced { .. } => "Synced",
            Fact::DeadlockBroken => "DeadlockBroken",
            Fact::LockTimedOut => "LockTimedOut",
            Fact::WaitedForLock => "WaitedForLock",
            Fact::Rechecked { .. } => "Rechecked",
            Fact::SessionEndedBySilence { .. } => "SessionEndedBySilence",
            Fact::OldTransactions { .. } => "OldTransactions",
            Fact::IdTaken { .. } => "IdTaken",
            Fact::Retried { .. } => "Retried",
            Fact::DuplicateAbsorbed { .. } => "DuplicateAbsorbed",
            Fact::CommitAnswerLost { .. } => "CommitAnswerLost",
            Fact::OwnerSet { .. } => "OwnerSet",
            Fact::ChangeAsked { .. } => "ChangeAsked",
            Fact::WriterSeated { .. } => "WriterSeated",
            Fact::WriterUnseated { .. } => "WriterUnseated",
            Fact::WriteBegun { .. } => "WriteBegun",
            Fact::WriterFenced { .. } => "WriterFenced",
            Fact::Charged { .. } => "Charged",
            Fact::ChargeRefused { .. } => "ChargeRefused",
            Fact::MoneyReturned { .. } => "MoneyReturned",
            Fact::ProviderRepeat { .. } => "ProviderRepeat",
            Fact::ChargeSent { .. } => "ChargeSent",
            Fact::ChargeConfirmed { .. } => "ChargeConfirmed",
            Fact::StepResumed { .. } => "StepResumed",
        }
    }

    fn in_words(&self) -> String {
        super::words::of(self)
    }
}
