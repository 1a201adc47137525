//! The message queue: topics cut into partitions, each an append-only log on several brokers; producers, consumers
//! and their groups.
//!
//! ```text
//!  producers ──▶ brokers: one of a partition's replicas leads, the others fetch from it ──▶ consumers, in groups
//!                   │  ▲
//!                   ▼  │ orders
//!                controller (one of the brokers) ──▶ coordination service: who lives, who leads, the in-sync sets
//! ```

pub mod aim;
pub mod archive;
mod attendance;
pub mod borrowing;
pub mod broker;
pub mod brokers;
pub mod client;
pub mod consumer;
pub mod controller;
pub mod defects;
pub mod delay;
pub mod deploy;
pub mod facts;
pub mod group;
pub mod identity;
pub mod keys;
pub mod knobs;
pub mod lending;
pub mod log;
pub mod message;
pub mod offset;
pub mod operation;
pub mod operator;
pub mod partition;
pub mod pipeline;
pub mod plan;
pub mod producer;
pub mod producers;
pub mod production;
pub mod protocol;
pub mod pushing;
pub mod reading;
pub mod record;
pub mod replica;
pub mod report;
pub mod restart;
pub mod retry;
pub mod tags;
pub mod topics;
pub mod transactions;
pub mod unfinished;
mod words;
