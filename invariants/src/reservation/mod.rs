//! The promises of the hotel chain.
//!
//! The truth about bookings comes from the database alone: [`books`] keeps what it holds from the facts of its
//! commits. Beside them stand what guests asked and were told, and what the provider took and gave back.
//! One promise per file:
//!
//! ```text
//!  facts ──▶ books ──▶ durable state, one commit after the other
//!    │                    overbooking_limit  ledger_balances  all_nights_or_none  legal_status
//!    │                    ids_are_unique  price_as_quoted  holds_end
//!    ├── Asked, Told ──▶ no_double_booking  acknowledged_survives  sold_out_is_true  everyone_answered
//!    └── Charged, MoneyReturned ──▶ charged_once
//! ```
//!
//! A commit is judged when it is complete, at its `Committed`; what is reported again after a restart of the
//! database is judged by nobody.

pub mod acknowledged_survives;
pub mod all_nights_or_none;
pub mod books;
pub mod charged_once;
pub mod commit_at_hand;
pub mod everyone_answered;
pub mod holds_end;
pub mod ids_are_unique;
pub mod ledger_balances;
pub mod legal_status;
pub mod markers;
pub mod no_double_booking;
pub mod overbooking_limit;
pub mod price_as_quoted;
pub mod rate_history;
pub mod rules;
pub mod sold_out_is_true;
mod wording;

use crate::Monitor;
use rehearsal_model::reservation::facts::Fact;

pub use markers::{MARKERS, Markers};
pub use rules::Rules;

/// Every invariant of the chain over books of their own, in the order in which they must be witness.
pub fn monitors(rules: Rules) -> Vec<Box<dyn Monitor<Fact>>> {
    let books = books::Books::shared();
    let shared = || books.clone();
    vec![
        Box::new(shared()),
        Box::new(no_double_booking::NoDoubleBooking::new(shared())),
        Box::new(overbooking_limit::OverbookingLimit::new(shared(), rules)),
        Box::new(ledger_balances::LedgerBalances::new(shared())),
        Box::new(all_nights_or_none::AllNightsOrNone::new(shared())),
        Box::new(legal_status::LegalStatus::new(shared())),
        Box::new(charged_once::ChargedOnce::new(shared(), rules)),
        Box::new(price_as_quoted::PriceAsQuoted::new(shared())),
        Box::new(ids_are_unique::IdsAreUnique::new(shared())),
        Box::new(holds_end::HoldsEnd::new(shared(), rules)),
        Box::new(acknowledged_survives::AcknowledgedSurvives::new(shared())),
        Box::new(sold_out_is_true::SoldOutIsTrue::new(shared(), rules)),
        Box::new(everyone_answered::EveryoneAnswered::new(shared())),
    ]
}
