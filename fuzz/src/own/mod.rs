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
//! A whole system with its test:
//!
//! ```
//! use rehearsal::prelude::*;
//!
//! rehearsal::facts! {
//!     enum EchoFact {
//!         Asked { number: u64 } => "asks question {number}",
//!         Answered { number: u64, with: u64 } => "is told {with} for question {number}",
//!     }
//! }
//!
//! #[derive(Clone, Debug, Hash, rehearsal::serde::Serialize, rehearsal::serde::Deserialize)]
//! # #[serde(crate = "rehearsal::serde")]
//! struct Question(u64);
//! #[derive(Clone, Debug, Hash, rehearsal::serde::Serialize, rehearsal::serde::Deserialize)]
//! # #[serde(crate = "rehearsal::serde")]
//! struct Answer(u64);
//!
//! async fn server(env: impl Env<Fact = EchoFact>, _: Place) {
//!     let (questions, answers) = (env.bind::<Question>(), env.bind::<Answer>());
//!     loop {
//!         let asked = questions.recv().await;
//!         answers.send(asked.from, Answer(asked.message.0));
//!     }
//! }
//!
//! async fn client(env: impl Env<Fact = EchoFact>, place: Place) {
//!     let (questions, answers) = (env.bind::<Question>(), env.bind::<Answer>());
//!     for number in 0..place.knobs.number("questions") {
//!         env.observe(EchoFact::Asked { number });
//!         loop {
//!             questions.send(place.node("server"), Question(number));
//!             let Ok(answer) = env.timeout(Duration::from_millis(200), answers.recv()).await else { continue };
//!             if answer.message.0 == number {
//!                 env.observe(EchoFact::Answered { number, with: answer.message.0 });
//!                 break;
//!             }
//!         }
//!     }
//! }
//!
//! fn echo() -> Declaration<EchoFact> {
//!     declare("echo", "clients ask, a server answers")
//!         .node("server", server)
//!         .clients("client", 1..=3, client)
//!         .knob("questions", 1..=9)
//!         .always("answers-fit", "every answer is that of its question", |_: &mut (), _, fact| match fact {
//!             EchoFact::Answered { number, with } if number != with => Err("another answer".into()),
//!             _ => Ok(()),
//!         })
//! }
//!
//! # /*
//! #[test]
//! # */
//! fn every_answer_fits() {
//!     check(echo()).seeds(20).run();
//! }
//! # every_answer_fits();
//! ```
//!
//! What is declared becomes a [`System`](crate::system::System) like those of this program, and everything that works
//! for them works for it. All that a seed draws stands in the scenario: the number of nodes of each kind in
//! `[topology]`, knobs and work in the section of the system's name, faults as `[[fault]]`. The programs are written
//! against the traits of `rehearsal-env`, and learn from their [`Place`] which node they are and how the knobs stand.

mod choices;
mod declaration;
mod declared;
mod judges;
mod knobs;
mod mistakes;
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
