//! What an invariant is to whoever runs it.

use rehearsal_env::{Marker, Stamp, Time, Violation};

/// How much of a run an invariant has to see while it goes on. Many judge its end as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The facts of one node.
    Local,
    /// Facts of which one led to the other: whoever orders them as they happened to each other sees it too.
    Causal,
    /// All facts in the order in which they happened.
    Global,
    /// What is so in the end: nothing is judged before.
    Final,
}

impl Scope {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Local => "local",
            Scope::Causal => "causal",
            Scope::Global => "global",
            Scope::Final => "final",
        }
    }
}

/// Something that an invariant allows, and that people want to know of all the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remark {
    /// What kind of thing it is; a campaign must have seen each.
    pub marker: Marker,
    /// What, in one sentence.
    pub message: String,
}

/// An invariant that reads facts as they come.
pub trait Monitor<F> {
    /// The invariant's name, as `overbooking-limit`.
    fn name(&self) -> &'static str;

    /// How much of a run it has to see. One that is `Final` objects in `conclude` alone.
    fn scope(&self) -> Scope {
        Scope::Global
    }

    /// Judges one fact in the light of those before it.
    ///
    /// # Errors
    /// The violation that this fact completes.
    fn witness(&mut self, stamp: &Stamp, fact: &F) -> Result<(), Violation>;

    /// Judges the whole at the end of the calm, when everything should have come to rest.
    ///
    /// # Errors
    /// What has not come to rest, or is not as it should be.
    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let _ = end;
        Ok(())
    }

    /// Whether the calm has done its work here: nothing is still to come that would be judged at its end. Whoever allows
    /// some time before it convicts says no as soon as that time runs.
    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now).is_ok()
    }

    /// What it has allowed, to be asked when it has concluded and all held.
    fn remarks(&self) -> Vec<Remark> {
        Vec::new()
    }
}

/// Looks out for the markers of a system.
pub trait MarkerWatch<F> {
    /// Calls `reached` for every marker that this fact completes; again and again if need be.
    fn witness(&mut self, stamp: &Stamp, fact: &F, reached: &mut dyn FnMut(Marker));
}

/// Looks out for nothing.
impl<F> MarkerWatch<F> for () {
    fn witness(&mut self, _stamp: &Stamp, _fact: &F, _reached: &mut dyn FnMut(Marker)) {}
}
