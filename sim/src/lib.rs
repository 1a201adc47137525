//! The seeded world: executor, virtual time, network, disks and faults. It knows no system.
//!
//! A run is a pure function of its [`Settings`], its programs and the answers of its [`Decider`].
//!
//! ```text
//!   programs ──handles──▶ kernel: queue · tasks · wires · disks · links ──questions──▶ decider
//!      ▲                    │ events, in the order of (time, cause)
//!      └──── polled ────────┘        facts and incidents ──▶ audience
//! ```

mod ailing;
mod audience;
mod decider;
mod digest;
mod disk;
mod division;
mod facts;
mod fault;
mod handle;
mod kernel;
mod life;
mod links;
mod local_clock;
mod machine;
mod mixing;
mod nodes;
mod overtaking;
mod panics;
mod plain;
mod queue;
mod recording;
mod run;
pub mod search;
mod settings;
mod slab;
mod storage;
mod striking;
mod striking_links;
mod tally;
mod tasks;
mod timer;
mod trace;
mod upcoming;
mod waker;
mod wire;
mod world;

pub use audience::{Audience, Incident};
pub use decider::{Decider, Frontier, Next, Question, ReadyTask, Seeded, Site};
pub use digest::Digest;
pub use division::{Division, Shape};
pub use fault::{Ailment, Blow, Fault, Trigger};
pub use handle::{SimEnv, SimTask};
pub use plain::{Deviation, Deviations, Met, Noting, PlainSchedule};
pub use recording::{Decision, Recorder, Recording, Replay};
pub use rehearsal_env::{NoSpan, Span};
pub use run::Ends;
pub use settings::{DiskSettings, NetworkSettings, Settings};
pub use storage::SimFile;
pub use tally::{FaultClass, FaultTally};
pub use trace::{Loss, Missed, Trace, TraceEntry, Traced};
pub use upcoming::{Kind, Subject, Upcoming};
pub use wire::SimPort;
pub use world::{Outcome, UnknownNode, World};
