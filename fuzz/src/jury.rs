//! The audience of a run: every monitor, every marker, and if wanted the whole history.

use crate::ailments;
use crate::system::HistoryLine;
use rehearsal_env::{Fact, Marker, NodeId, Stamp, Time, Violation};
use rehearsal_invariants::{MarkerWatch, Monitor, Remark, Scope};
use rehearsal_sim::{Audience, FaultTally, Incident};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Counts the faults that clients make, from the facts of their system.
pub type ClientFaults<F> = Box<dyn FnMut(&F, &mut FaultTally)>;

/// Watches a run of a system whose facts are `F`.
pub struct Jury<F> {
    monitors: Vec<Box<dyn Monitor<F>>>,
    markers: Box<dyn MarkerWatch<F>>,
    client_faults: ClientFaults<F>,
    reached: BTreeSet<Marker>,
    faults: FaultTally,
    violations: Vec<Violation>,
    history: Option<Vec<HistoryLine>>,
    until: Option<Time>,
    cut_off: bool,
    not_judged: Vec<&'static str>,
}

/// What a jury found.
pub struct Findings {
    /// Markers reached.
    pub markers: BTreeSet<Marker>,
    /// Faults of clients.
    pub faults: FaultTally,
    /// All that fired.
    pub violations: Vec<Violation>,
    /// What was allowed, if nothing fired.
    pub remarks: Vec<Remark>,
    /// The history, if it was kept.
    pub history: Vec<HistoryLine>,
    /// The invariants that were not judged.
    pub not_judged: Vec<&'static str>,
}

impl<F: Fact> Jury<F> {
    /// A jury of these monitors; every one of them sees a fact before the run stops.
    pub fn new(
        monitors: Vec<Box<dyn Monitor<F>>>,
        markers: Box<dyn MarkerWatch<F>>,
        client_faults: ClientFaults<F>,
    ) -> Jury<F> {
        Jury {
            monitors,
            markers,
            client_faults,
            reached: BTreeSet::new(),
            faults: FaultTally::default(),
            violations: Vec::new(),
            history: None,
            until: None,
            cut_off: false,
            not_judged: Vec::new(),
        }
    }

    /// Does not judge these invariants, those of the world itself included.
    pub fn without(mut self, names: Vec<&'static str>) -> Jury<F> {
        self.monitors.retain(|monitor| !names.contains(&monitor.name()));
        self.not_judged = names;
        self
    }

    /// Keeps the history.
    pub fn keep_history(&mut self) {
        self.history = Some(Vec::new());
    }

    /// Cuts the run off at this time.
    pub fn stop_at(&mut self, until: Time) {
        self.until = Some(until);
    }

    /// The run was cut off: what should be so at its end is not judged.
    pub fn cut_off(&mut self) {
        self.cut_off = true;
    }

    /// The verdict, when the run is over: if nothing fired yet, the monitors judge the whole. `own` is
    /// what the world itself found, told last.
    pub fn verdict(&mut self, end: Time, own: Option<Violation>) -> Findings {
        if self.violations.is_empty() && !self.cut_off {
            self.violations.extend(self.monitors.iter().filter_map(|monitor| monitor.conclude(end).err()));
        }
        let is_judged = |own: &Violation| !self.not_judged.contains(&&*own.invariant);
        self.violations.extend(own.filter(is_judged));
        let mut remarks = Vec::new();
        if self.violations.is_empty() && !self.cut_off {
            remarks.extend(self.monitors.iter().flat_map(|monitor| monitor.remarks()));
            self.reached.extend(remarks.iter().map(|remark| remark.marker));
        }
        Findings {
            markers: std::mem::take(&mut self.reached),
            faults: self.faults,
            violations: std::mem::take(&mut self.violations),
            remarks,
            history: self.history.take().unwrap_or_default(),
            not_judged: std::mem::take(&mut self.not_judged),
        }
    }

    fn is_past(&mut self, stamp: &Stamp) -> bool {
        self.cut_off |= self.until.is_some_and(|until| stamp.time > until);
        self.cut_off
    }
}

impl<F: Fact> Audience<F> for Jury<F> {
    fn witness(&mut self, stamp: &Stamp, fact: &F) -> ControlFlow<()> {
        if self.is_past(stamp) {
            return ControlFlow::Break(());
        }
        if let Some(history) = &mut self.history {
            history.push(HistoryLine {
                stamp: *stamp,
                node: String::new(),
                text: format!("{fact:?}"),
                kind: fact.kind(),
                words: fact.in_words(),
                fact: serde_json::to_value(fact).unwrap_or_default(),
            });
        }
        for monitor in &mut self.monitors {
            if let Err(objection) = monitor.witness(stamp, fact) {
                let is_too_early = monitor.scope() == Scope::Final;
                assert!(!is_too_early, "{} is to judge the end, and objects before", monitor.name());
                self.violations.push(objection);
            }
        }
        self.markers.witness(stamp, fact, &mut |marker| {
            self.reached.insert(marker);
        });
        (self.client_faults)(fact, &mut self.faults);
        if self.violations.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn incident(&mut self, stamp: &Stamp, incident: &Incident) -> ControlFlow<()> {
        if self.is_past(stamp) {
            return ControlFlow::Break(());
        }
        if let Some(history) = &mut self.history {
            history.push(HistoryLine {
                stamp: *stamp,
                node: String::new(),
                text: format!("{incident:?}"),
                kind: "",
                words: incident_in_words(incident),
                fact: serde_json::to_value(incident).unwrap_or_default(),
            });
        }
        ControlFlow::Continue(())
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.monitors.iter().all(|monitor| monitor.is_at_rest(now))
    }
}

/// A history with the names of its nodes.
pub fn named(mut history: Vec<HistoryLine>, names: &[String]) -> Vec<HistoryLine> {
    let name = |node: NodeId| names.get(node.index()).cloned().unwrap_or_default();
    history.iter_mut().for_each(|line| line.node = name(line.stamp.node));
    history
}

/// The rest of a sentence that begins with the node's name, or with "the world".
fn incident_in_words(incident: &Incident) -> String {
    match incident {
        Incident::Crashed(_) => "crashes: what it kept in memory is lost".to_owned(),
        Incident::Exited(_) => "ends its program".to_owned(),
        Incident::Started(_) => "starts".to_owned(),
        Incident::Paused(_) => "stands still".to_owned(),
        Incident::Resumed(_) => "goes on".to_owned(),
        Incident::Cut(fault) => format!("draws partition {fault}"),
        Incident::Healed(fault) => format!("heals partition {fault}"),
        Incident::SyncFailed(_) => "cannot sync: the disk reports an error".to_owned(),
        Incident::WriteSpoiled(_) => "loses or tears what it had written and not synced".to_owned(),
        Incident::NoSpace(_) => "cannot write: its disk is full".to_owned(),
        Incident::Ailed(_, class) => ailments::begins(*class).to_owned(),
        Incident::Mended(_, class) => ailments::ends(*class).to_owned(),
        Incident::Failed(_, class) => ailments::fails(*class).to_owned(),
        Incident::CalmBegan => "ends the storm: faults are healed, nodes are up".to_owned(),
        Incident::LinkSlowed(fault) => format!("slows links down (fault {fault})"),
        Incident::LinkFast(fault) => format!("lets links be as fast as before (fault {fault})"),
        Incident::LinkReset(fault) => format!("resets links (fault {fault})"),
        Incident::ZoneLost(fault) => format!("loses a data centre (fault {fault})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_env::{EventId, Incarnation};
    use rehearsal_invariants::counter::{CounterMarkers, EveryAddAnswered};
    use rehearsal_model::counter::facts::CounterFact;
    use rehearsal_model::counter::messages::Request;

    /// What a jury finds when a request was asked and never answered, and the world says that a client is not done.
    fn findings(not_judged: Vec<&'static str>) -> Findings {
        let monitors: Vec<Box<dyn Monitor<CounterFact>>> = vec![Box::new(EveryAddAnswered::new(Time(5)))];
        let jury = Jury::new(monitors, Box::new(CounterMarkers::default()), Box::new(|_, _| {}));
        let mut jury = jury.without(not_judged);
        let (time, node, incarnation) = (Time(1), NodeId(1), Incarnation(0));
        let stamp = Stamp { number: 0, time, node, incarnation, cause: EventId(0) };
        let request = Request { client: 0, number: 0 };
        let asked = CounterFact::Asked { request, amount: 1, attempt: 0 };
        assert!(jury.witness(&stamp, &asked).is_continue());
        jury.verdict(Time(u64::MAX), Some(Violation::new("clients-finish", "it is not done", [])))
    }

    #[test]
    fn what_is_not_judged_convicts_nobody_and_is_named() {
        let names = |findings: &Findings| {
            findings.violations.iter().map(|violation| violation.invariant.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&findings(vec![])), ["every-add-answered", "clients-finish"]);
        assert_eq!(names(&findings(vec!["every-add-answered"])), ["clients-finish"]);
        let neither = findings(vec!["clients-finish", "every-add-answered"]);
        assert!(neither.violations.is_empty());
        assert_eq!(neither.not_judged, ["clients-finish", "every-add-answered"]);
    }
}
