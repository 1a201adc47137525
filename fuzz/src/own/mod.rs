//! Systems of your own, declared in some sixty lines: nodes, knobs, work, promises.
//!
//! ```text
//!  declare("lock", "…")                                  a Declaration
//!    .node(…) .nodes(…) .clients(…)   who runs what        │ build: checked as a whole
//!    .knob(…) .work(…)                what a seed draws    ▼
//!    .always(…) .finally(…)           what must hold     OwnSystem: System
//!    .marker(…) .defect(…)                                 │
//!                                                          ▼ campaigns, shrinking, stories, replay, traces
//! ```
//!
//! What is declared becomes a [`System`](crate::system::System) like those of this program, and everything that works
//! for them works for it. All that a seed draws stands in the scenario: the number of nodes of each kind in
//! `[topology]`, knobs and work in the section of the system's name, faults as `[[fault]]`. The programs are written
//! against the traits of `rehearsal-env`, and learn from their [`Place`] which node they are and how the knobs stand.

mod choices;
mod declaration;
mod declared;
mod mistakes;
mod judges;
mod knobs;
mod place;
mod values;
mod vocabulary;
mod work;

pub use choices::{Choices, Count};
pub use declaration::{Declaration, declare};
pub use declared::{DeclarationError, OwnSystem};
pub use judges::Objection;
pub use knobs::Knobs;
pub use place::Place;
pub use values::Values;
pub use vocabulary::{Vocabulary, spelled};
pub use work::Work;
