//! A system as its author declares it.

use super::choices::{Choices, Count};
use super::declared::{DeclarationError, OwnSystem};
use super::judges::{Always, Finally, Objection};
use super::knobs::Knobs;
use super::place::Place;
use super::vocabulary::Vocabulary;
use super::work::Work;
use crate::system::{Defect, Invariant};
use rehearsal_env::{Marker, Span, Stamp};
use rehearsal_invariants::Monitor;
use rehearsal_sim::SimEnv;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(super) type Program<F> = Arc<dyn Fn(SimEnv<F>, Place) -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync>;
pub(super) type Judge<F> = Box<dyn Fn(&Knobs) -> Box<dyn Monitor<F>> + Send + Sync>;
pub(super) type Sight<F> = Arc<dyn Fn(&F) -> bool + Send + Sync>;

/// Nodes that run the same program.
pub(super) struct Kind<F> {
    pub(super) name: &'static str,
    /// None: exactly one, of that very name.
    pub(super) count: Option<Count>,
    /// Whether the program runs once and is done.
    pub(super) is_client: bool,
    pub(super) is_spared: bool,
    pub(super) program: Program<F>,
}

/// A system of one's own, to be declared part by part. Nothing is checked before it is
/// [built](Declaration::build): by hand, or by [`check`](crate::check()) and [`program`](crate::program()).
pub struct Declaration<F> {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) kinds: Vec<Kind<F>>,
    pub(super) spared: Vec<&'static str>,
    pub(super) knobs: Vec<(&'static str, Choices)>,
    pub(super) work: Vec<(&'static str, Work)>,
    pub(super) invariants: Vec<Invariant>,
    pub(super) judges: Vec<Judge<F>>,
    pub(super) markers: Vec<Marker>,
    pub(super) sights: Vec<(Marker, Sight<F>)>,
    pub(super) defects: Vec<Defect>,
    pub(super) request: &'static str,
    pub(super) storm: Span,
    pub(super) calm: Span,
}

/// Begins the declaration of a system: its name on the command line and in scenario files, and what it is, in one line.
pub fn declare<F: Vocabulary>(name: &'static str, summary: &'static str) -> Declaration<F> {
    Declaration {
        name,
        summary,
        kinds: Vec::new(),
        spared: Vec::new(),
        knobs: Vec::new(),
        work: Vec::new(),
        invariants: Vec::new(),
        judges: Vec::new(),
        markers: Vec::new(),
        sights: Vec::new(),
        defects: Vec::new(),
        request: "",
        storm: Span::seconds(10),
        calm: Span::seconds(10),
    }
}

impl<F: Vocabulary> Declaration<F> {
    /// One node of this name. Its program is started anew after every crash, and whenever it returns; it knows then what
    /// its disk tells it. Crashes, pauses and failures of its disk may strike it, and partitions cut it off.
    pub fn node<P, T>(self, name: &'static str, program: P) -> Self
    where
        P: Fn(SimEnv<F>, Place) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + 'static,
    {
        self.kind(name, None, false, program)
    }

    /// Nodes `replica-0`, `replica-1`, … where the kind is `replica`, each as by [`node`](Declaration::node). How many is
    /// a number in the scenario's `[topology]`, drawn from the range.
    pub fn nodes<P, T>(self, kind: &'static str, count: impl Into<Count>, program: P) -> Self
    where
        P: Fn(SimEnv<F>, Place) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + 'static,
    {
        self.kind(kind, Some(count.into()), false, program)
    }

    /// As [`nodes`](Declaration::nodes), but the program runs once and is done when it returns; that it is not done when
    /// the calm is over is a violation, `clients-finish`. No fault strikes a client by itself; partitions cut it off.
    pub fn clients<P, T>(self, kind: &'static str, count: impl Into<Count>, program: P) -> Self
    where
        P: Fn(SimEnv<F>, Place) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + 'static,
    {
        self.kind(kind, Some(count.into()), true, program)
    }

    fn kind<P, T>(mut self, name: &'static str, count: Option<Count>, is_client: bool, program: P) -> Self
    where
        P: Fn(SimEnv<F>, Place) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + 'static,
    {
        let program: Program<F> = Arc::new(move |env, place| Box::pin(program(env, place)));
        self.kinds.push(Kind { name, count, is_client, is_spared: is_client, program });
        self
    }

    /// Neither crashes nor pauses nor failures of its disk strike nodes of this kind; partitions do.
    pub fn spare(mut self, kind: &'static str) -> Self {
        self.spared.push(kind);
        self
    }

    /// A knob, which programs and invariants read from their [`Knobs`]: `3..=9`, a range of spans, words, or
    /// `[false, true]`. The plain value, which shrinking heads for, is the lowest or the first. Every invariant must
    /// hold for all of the range: a scenario with anything else is refused.
    pub fn knob(mut self, name: &'static str, choices: impl Into<Choices>) -> Self {
        self.knobs.push((name, choices.into()));
        self
    }

    /// A list of work, as `requests`, of which shrinking leaves out what does not matter.
    pub fn work(mut self, list: &'static str, work: Work) -> Self {
        self.work.push((list, work));
        self
    }

    /// An invariant that is judged at every fact. `judge` keeps what it must remember in a state that begins as the
    /// default. `says` is one sentence, what must hold.
    pub fn always<S: Default + 'static>(
        self,
        name: &'static str,
        says: &'static str,
        judge: impl Fn(&mut S, &Stamp, &F) -> Result<(), Objection> + Clone + Send + Sync + 'static,
    ) -> Self {
        self.monitor(name, says, move |_| Always { name, state: S::default(), judge: judge.clone() })
    }

    /// An invariant that is judged once, when the calm is over and everything should have come to rest. `note` is told
    /// every fact, and `judge` looks at what it has noted.
    pub fn finally<S: Default + 'static>(
        self,
        name: &'static str,
        says: &'static str,
        note: impl Fn(&mut S, &Stamp, &F) + Clone + Send + Sync + 'static,
        judge: impl Fn(&S) -> Result<(), Objection> + Clone + Send + Sync + 'static,
    ) -> Self {
        let fresh =
            move |_: &Knobs| Finally { name, state: S::default(), note: note.clone(), judge: judge.clone() };
        self.monitor(name, says, fresh)
    }

    /// An invariant by a [`Monitor`] of its own, made anew for every run. The monitor must go by this name.
    pub fn monitor<M: Monitor<F> + 'static>(
        mut self,
        name: &'static str,
        says: &'static str,
        monitor: impl Fn(&Knobs) -> M + Send + Sync + 'static,
    ) -> Self {
        self.invariants.push(Invariant { name, says });
        self.judges.push(Box::new(move |knobs| {
            let monitor = monitor(knobs);
            let called = monitor.name();
            assert!(
                called == name,
                "the invariant `{name}` is declared with a monitor that is called `{called}`"
            );
            Box::new(monitor)
        }));
        self
    }

    /// Something that a campaign must have seen at least once, or its silence proves nothing: any fact of which this is
    /// true.
    pub fn marker(mut self, name: &'static str, is_it: impl Fn(&F) -> bool + Send + Sync + 'static) -> Self {
        self.markers.push(Marker(name));
        self.sights.push((Marker(name), Arc::new(is_it)));
        self
    }

    /// A known bug that can be switched on (`--defect NAME`): the programs ask [`Knobs::has_defect`] where the rule
    /// stands that it leaves out. The invariant is the one that must convict it.
    pub fn defect(mut self, name: &'static str, invariant: &'static str, stands_for: &'static str) -> Self {
        self.defects.push(Defect { name, invariant, stands_for, needs: &[] });
        self
    }

    /// The kind of fact by which somebody asks for something: reports count them as the size of a failure.
    pub fn request(mut self, kind: &'static str) -> Self {
        self.request = kind;
        self
    }

    /// For how long faults may strike, and how long the system then has to come to rest; 10 s each unless this says
    /// otherwise.
    pub fn lasts(mut self, storm: Span, calm: Span) -> Self {
        (self.storm, self.calm) = (storm, calm);
        self
    }

    /// The declared system.
    ///
    /// # Errors
    /// What cannot be: nothing to run, nothing to judge, a name that is given twice, an empty range.
    pub fn build(mut self) -> Result<OwnSystem<F>, DeclarationError> {
        super::mistakes::find(&self)?;
        let spared = std::mem::take(&mut self.spared);
        for kind in self.kinds.iter_mut().filter(|kind| spared.contains(&kind.name)) {
            kind.is_spared = true;
        }
        Ok(OwnSystem::new(self))
    }
}
