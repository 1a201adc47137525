//! Known bugs that can be switched on on purpose, each read at one place.

use std::collections::BTreeSet;

/// One known bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// The database answers a commit before its log is on the disk (`synchronous_commit = off` where it
    /// must not be). Convicted by `acknowledged-survives`.
    AnswerBeforeSync,
    /// Recovery leaves an incomplete batch at the end of the log, and appends behind it: the next
    /// recovery stops there and loses all that follows. Convicted by `acknowledged-survives`.
    RecoveryKeepsTornTail,
    /// Whether an order is booked already is looked up in a transaction of its own, and no unique key
    /// guards the reservation: two clicks at once both pass. Convicted by `no-double-booking`.
    KeyCheckedOutside,
    /// A client that got no answer to its booking orders again and books under the new id. Convicted by
    /// `no-double-booking`.
    FreshIdAfterLostAnswer,
    /// A cancellation does not look whether the stay is live in the transaction that gives its nights
    /// back. Convicted by `ledger-balances`.
    NightsGivenBackTwice,
    /// Each night is taken in a transaction of its own. Convicted by `all-nights-or-none`.
    NightsInSeparateTransactions,
    /// A charge that got no answer is sent again under a new key. Convicted by `charged-once`.
    ChargedAgainOnRetry,
    /// The limit is rounded up. Convicted by `overbooking-limit`.
    LimitRoundsUp,
    /// The price is computed again when it is charged. Convicted by `price-as-quoted`.
    PriceReadAgainAtCharge,
    /// An optimistic server that has tried often enough says "sold out". Convicted by `sold-out-is-true`.
    OptimisticGivesUpAsSoldOut,
    /// Ids are made of the wall clock and the node's number. Convicted by `ids-are-unique`.
    IdFromClockAndNode,
    /// Nobody takes up the payment steps that a lost answer or a crash left behind. Convicted by
    /// `holds-end`.
    StepsNotResumed,
    /// The payment service writes `paid` without waiting for the provider's answer. Convicted by
    /// `legal-status`.
    PaidWithoutConfirmation,
    /// The database never ends a session that fell silent, so its locks stay. Convicted by
    /// `everyone-answered`.
    SilentSessionsStay,
    /// The database is not asked whether a later writer owns the room type, so one that was left behind goes on
    /// writing. Convicted by `ledger-balances`.
    SingleWriterUnfenced,
}

/// The known bugs that are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defects(BTreeSet<Defect>);

impl Defect {
    /// All of them with their names.
    pub const ALL: [(Defect, &'static str); 15] = [
        (Defect::AnswerBeforeSync, "answer-before-sync"),
        (Defect::RecoveryKeepsTornTail, "recovery-keeps-torn-tail"),
        (Defect::KeyCheckedOutside, "key-checked-outside"),
        (Defect::FreshIdAfterLostAnswer, "fresh-id-after-lost-answer"),
        (Defect::NightsGivenBackTwice, "nights-given-back-twice"),
        (Defect::NightsInSeparateTransactions, "nights-in-separate-transactions"),
        (Defect::ChargedAgainOnRetry, "charged-again-on-retry"),
        (Defect::LimitRoundsUp, "limit-rounds-up"),
        (Defect::PriceReadAgainAtCharge, "price-read-again-at-charge"),
        (Defect::OptimisticGivesUpAsSoldOut, "optimistic-gives-up-as-sold-out"),
        (Defect::IdFromClockAndNode, "id-from-clock-and-node"),
        (Defect::StepsNotResumed, "steps-not-resumed"),
        (Defect::PaidWithoutConfirmation, "paid-without-confirmation"),
        (Defect::SilentSessionsStay, "silent-sessions-stay"),
        (Defect::SingleWriterUnfenced, "single-writer-unfenced"),
    ];

    /// The defect of this name.
    pub fn named(name: &str) -> Option<Defect> {
        Defect::ALL.into_iter().find(|(_, known)| *known == name).map(|(defect, _)| defect)
    }
}

impl Defects {
    /// These and no others.
    pub fn of(defects: impl IntoIterator<Item = Defect>) -> Defects {
        Defects(defects.into_iter().collect())
    }

    /// Whether this one is switched on.
    pub fn has(&self, defect: Defect) -> bool {
        self.0.contains(&defect)
    }
}
