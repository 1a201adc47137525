//! The chain's invariants and known bugs, as the program lists them.

use crate::atlas::{Beyond, Family};
use crate::system::{Defect, Invariant};

/// Every kind of fact that a fault may wait for.
pub(super) const FACT_KINDS: &[&str] = &[
    "Asked",
    "Told",
    "Settled",
    "InventorySet",
    "RateSet",
    "OrderPlaced",
    "OrderDecided",
    "Booked",
    "Paid",
    "Rejected",
    "Canceled",
    "Refunded",
    "Reopened",
    "Removed",
    "StepSet",
    "Committed",
    "Recovered",
    "TornTailCut",
    "LogCorrupt",
    "Written",
    "Synced",
    "DeadlockBroken",
    "LockTimedOut",
    "WaitedForLock",
    "Rechecked",
    "SessionEndedBySilence",
    "OldTransactions",
    "IdTaken",
    "Retried",
    "DuplicateAbsorbed",
    "CommitAnswerLost",
    "OwnerSet",
    "ChangeAsked",
    "WriterSeated",
    "WriterUnseated",
    "WriteBegun",
    "WriterFenced",
    "Charged",
    "ChargeRefused",
    "MoneyReturned",
    "ProviderRepeat",
    "ChargeSent",
    "ChargeConfirmed",
    "StepResumed",
];

/// What must hold.
pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "no-double-booking",
        says: "an id takes its nights at most once, a wish has at most one live stay, and answers agree",
    },
    Invariant {
        name: "overbooking-limit",
        says: "no commit raises a night above floor(rooms × (100 + overbooking) / 100)",
    },
    Invariant { name: "ledger-balances", says: "rooms taken = sum of the live reservations of the night" },
    Invariant { name: "all-nights-or-none", says: "no stay holds some of its nights" },
    Invariant { name: "legal-status", says: "a reservation changes its status only as the table allows" },
    Invariant {
        name: "charged-once",
        says: "at most one charge stands for a reservation, and none without one",
    },
    Invariant {
        name: "price-as-quoted",
        says: "the charge is the order's price, and that the sum of its nights'",
    },
    Invariant { name: "ids-are-unique", says: "no two orders share an id" },
    Invariant {
        name: "holds-end",
        says: "in the calm nothing is pending longer than the hold and one round",
    },
    Invariant { name: "acknowledged-survives", says: "what a guest was told is so after every crash" },
    Invariant {
        name: "sold-out-is-true",
        says: "nobody hears \"sold out\" while rooms were free throughout the request",
    },
    Invariant {
        name: "everyone-answered",
        says: "in the calm every request is answered, and no step or transaction is left open",
    },
];

const fn defect(
    name: &'static str,
    invariant: &'static str,
    stands_for: &'static str,
    needs: &'static [&'static str],
) -> Defect {
    Defect { name, invariant, stands_for, needs }
}

/// Known bugs.
pub(super) const DEFECTS: &[Defect] = &[
    defect(
        "answer-before-sync",
        "acknowledged-survives",
        "a commit answered before its log is on the disk: synchronous_commit = off where it must not be",
        &[],
    ),
    defect(
        "recovery-keeps-torn-tail",
        "acknowledged-survives",
        "a log appended to behind an incomplete record, so that the next recovery stops there",
        &[],
    ),
    defect(
        "key-checked-outside",
        "no-double-booking",
        "an idempotency key looked up in a transaction of its own, without a unique index",
        &[],
    ),
    defect(
        "fresh-id-after-lost-answer",
        "no-double-booking",
        "a client that retries an unknown outcome under a new id",
        &[],
    ),
    defect(
        "nights-given-back-twice",
        "ledger-balances",
        "a cancellation that does not compare and set the status it ends",
        &[],
    ),
    defect(
        "nights-in-separate-transactions",
        "all-nights-or-none",
        "a booking of several nights as several transactions",
        &[],
    ),
    defect("charged-again-on-retry", "charged-once", "a payment retried under a new idempotency key", &[]),
    defect(
        "limit-rounds-up",
        "overbooking-limit",
        "110 % computed with the ceiling instead of the floor",
        &[],
    ),
    defect(
        "price-read-again-at-charge",
        "price-as-quoted",
        "a price looked up when it is charged instead of kept with the order",
        &["workload.rate_changes=8"],
    ),
    defect(
        "optimistic-gives-up-as-sold-out",
        "sold-out-is-true",
        "a server out of retries that answers as if there were no rooms",
        &["reservation.strategy=optimistic"],
    ),
    defect("id-from-clock-and-node", "ids-are-unique", "ids made of a coarse clock and a node number", &[]),
    defect("steps-not-resumed", "holds-end", "a payment nobody takes up again after a lost answer", &[]),
    defect(
        "paid-without-confirmation",
        "legal-status",
        "a payment taken for confirmed because its answer did not come",
        &[],
    ),
    defect(
        "silent-sessions-stay",
        "everyone-answered",
        "a database that keeps the locks of clients that are gone: no keep-alive",
        &[],
    ),
    defect(
        "single-writer-unfenced",
        "ledger-balances",
        "the owner of a partition writing on after its group has gone on without it: no fencing token",
        &["reservation.strategy=single-writer"],
    ),
];

/// It promises to survive every family of faults there is.
pub(super) const BEYOND: &[Beyond] = &[
    Beyond {
        family: Family::Rot,
        because: "a rotten end of a log looks like one that a crash tore, and a log that has rotted within is left to people",
        gives_up: &[
            "acknowledged-survives",
            "ids-are-unique",
            "no-double-booking",
            "charged-once",
            "everyone-answered",
            "clients-finish",
            "holds-end",
        ],
    },
    Beyond {
        family: Family::LostDisks,
        because: "there is one database, one payment service, one giver of numbers, each with one disk",
        gives_up: &[
            "acknowledged-survives",
            "ids-are-unique",
            "no-double-booking",
            "charged-once",
            "everyone-answered",
            "clients-finish",
            "holds-end",
        ],
    },
];
