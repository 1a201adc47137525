//! The hotel chain: guests book nights of room types, pay, and cancel; the chain sells a little more than
//! it has.
//!
//! ```text
//!  guests ──▶ reservation servers (stateless) ──▶ database: inventory, rates, orders, reservations, steps
//!                │        │                          ▲
//!                ▼        ▼                          │
//!          id service   payment service ─────────────┘
//!                           │
//!                           ▼
//!                       provider (outside)
//! ```
//!
//! Under the strategy `single-writer` servers and the payment service do not touch the inventory: they write what is
//! to be done to a queue, the project's own, and its consumers, the writers, do it.

mod booking;
pub mod clerk;
pub mod commits;
pub mod crowd;
pub mod defects;
pub mod deploy;
pub mod facts;
pub mod figures;
pub mod guest;
pub mod ids;
pub mod knobs;
pub mod payment;
pub mod plan;
pub mod protocol;
pub mod provider;
pub mod server;
pub mod stay;
pub mod strategy;
pub mod tables;
mod words;
pub mod writer;
