//! The smallest system there is: clients add to a counter that a server keeps in a file. Read this one first.
//!
//! ```text
//!   client-0 ─┐ Add{request, amount}            ┌─ append the entry
//!   client-1 ─┼────────────────────▶ server ────┼─ sync
//!   client-2 ─┘ ◀────────────────────           └─ answer
//!               Added{request, total}
//! ```
//!
//! A client sends the same request again, under the same number, until it is answered. The server counts a
//! request once however often it comes, and answers only when the entry is sure to survive a crash. What may
//! happen to whom is in [`facts`], the decisions are in [`ledger`], the waiting is in [`server`] and
//! [`client`], who runs what is in [`deploy`](mod@deploy), and [`defects`] are the two mistakes that everybody
//! makes once.

pub mod client;
pub mod defects;
pub mod deploy;
pub mod entry;
pub mod facts;
pub mod ledger;
pub mod messages;
pub mod server;
mod words;
