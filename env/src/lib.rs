//! The world as a node sees it: traits and their promises, no behaviour.
//!
//! A node's program is a function of one handle, [`Env`]. Whether the handle belongs to a seeded
//! simulation or to a real machine, the promises written on these traits hold; nothing else may be
//! relied on. Functions ask only for what they use:
//!
//! ```
//! use rehearsal_env::{Clock, Random};
//! use std::time::Duration;
//!
//! async fn jittered_pause<E: Clock + Random>(env: &E) {
//!     env.sleep(Duration::from_millis(100 + env.below(50))).await;
//! }
//! ```
//!
//! No trait asks for `Send`: a node is one thread, wherever it runs.

pub mod conformance;

mod clock;
mod cluster;
mod fact;
mod network;
mod node;
mod observer;
mod part;
mod random;
mod span;
mod spawner;
mod storage;
mod violation;

pub use clock::{Clock, Elapsed, Time, WallTime};
pub use cluster::Cluster;
pub use fact::{Fact, Marker, Stamp};
pub use network::{Message, Network, Port, Received};
pub use node::{EventId, Incarnation, NodeId};
pub use observer::Observer;
pub use part::{Meaning, Part, PartOfCluster};
pub use random::Random;
pub use span::{NoSpan, Span};
pub use spawner::{Spawner, TaskHandle};
pub use storage::{File, Storage, StorageError};
pub use violation::Violation;

/// Everything a node may touch: the sum of the six traits. Cheap to clone.
pub trait Env: Clock + Network + Storage + Spawner + Random + Observer + Clone + 'static {}

impl<E> Env for E where E: Clock + Network + Storage + Spawner + Random + Observer + Clone + 'static {}
