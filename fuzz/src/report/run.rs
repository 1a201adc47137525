//! What `run` tells people: the history with the facts that convict marked, then what it came to.

use super::campaign_json::MarkersJson;
use super::figures::{grouped, spell_seconds, tally};
use crate::paint::Paint;
use crate::scenario::Scenario;
use crate::shrink::target;
use crate::story::tell;
use crate::swarm::{MaskBit, mask};
use crate::system::{HistoryLine, Run, System};
use rehearsal_env::Marker;
use rehearsal_sim::search::{Search, Strategy};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The whole of a run that kept its trace; at the end, the story of what it broke.
pub fn whole_run(system: &dyn System, scenario: &Scenario, run: &Run, paint: Paint) -> String {
    let convicting: BTreeSet<u64> =
        run.violations.iter().flat_map(|violation| violation.evidence.iter().copied()).collect();
    let mut text = String::new();
    for fact in &run.history {
        let convicts = convicting.contains(&fact.stamp.number);
        let told = line(fact, paint);
        let told = if convicts { format!("{} {told}", paint.red(">>")) } else { format!("   {told}") };
        writeln!(text, "{told}").expect("a string takes everything");
    }
    let markers = MarkersJson::of(system, &run.markers);
    let names = |markers: &[Marker]| {
        let names: Vec<&str> = markers.iter().map(|marker| marker.0).collect();
        if names.is_empty() { "none".to_owned() } else { names.join("; ") }
    };
    let Scenario { seed, system: name, .. } = scenario;
    let (events, messages) = (grouped(run.events), grouped(run.messages));
    let simulated = spell_seconds(run.time.nanos() as f64 / 1e9);
    write!(
        text,
        "\n{}, seed {seed}: {events} events, {messages} messages, {simulated} simulated\n  \
         swarm    {}\n  schedule {}\n  faults   {}\n  markers  {}\n  digest   {}\n\n",
        paint.bold(name),
        swarm_mask(system, scenario),
        schedule(scenario),
        tally(&run.faults),
        names(&markers.reached),
        run.digest
    )
    .expect("a string takes everything");
    text.push_str(&remarks(run));
    let about = target(system, scenario, &run.violations).into_iter();
    let any = run.violations.iter().map(|violation| violation.invariant.to_string());
    if let Some(story) = about.chain(any).find_map(|invariant| tell(system, scenario, run, &invariant)) {
        text.push_str(&story.on_the_terminal(paint));
        text.push('\n');
    }
    text.push_str(&verdict(scenario, run, paint));
    text
}

/// How many remarks of one kind are told; all are where a program reads.
const TOLD_OF_EACH: usize = 3;

/// What the invariants allowed: of each kind how many, and the first few.
fn remarks(run: &Run) -> String {
    let mut by_kind: BTreeMap<Marker, Vec<&str>> = BTreeMap::new();
    for remark in &run.remarks {
        by_kind.entry(remark.marker).or_default().push(&remark.message);
    }
    let mut text = String::new();
    for (kind, messages) in by_kind {
        writeln!(text, "Allowed: {kind}, {} times", grouped(messages.len() as u64)).expect("a string");
        for message in messages.iter().take(TOLD_OF_EACH) {
            writeln!(text, "  {message}").expect("a string");
        }
    }
    text
}

/// What is broken, and whether that is what the scenario broke once.
fn verdict(scenario: &Scenario, run: &Run, paint: Paint) -> String {
    let mut text = String::new();
    let once = scenario.repro.as_ref().map(|repro| repro.breaks.as_str());
    for violation in &run.violations {
        let again = if once == Some(&*violation.invariant) { " again" } else { "" };
        let head = paint.red(&format!("{} is broken{again}", violation.invariant));
        writeln!(text, "{head}: {}", violation.message).expect("a string takes everything");
    }
    let broken = |name: &str| run.violations.iter().any(|violation| violation.invariant == name);
    if let Some(repro) = scenario.repro.as_ref().filter(|repro| !broken(&repro.breaks)) {
        let because = if repro.because.is_empty() { String::new() } else { format!(" ({})", repro.because) };
        writeln!(text, "{} holds now; this scenario broke it once{because}.", repro.breaks)
            .expect("a string takes everything");
    }
    if !run.not_judged.is_empty() {
        let names = run.not_judged.join(", ");
        writeln!(text, "Not judged, since the faults go beyond what the system promises: {names}.")
            .expect("a string takes everything");
    }
    if run.violations.is_empty() {
        let held =
            if run.not_judged.is_empty() { "Every invariant held." } else { "Every other invariant held." };
        writeln!(text, "{}", paint.green(held)).expect("a string takes everything");
    }
    let (unmet, all) = (run.unmet.len(), scenario.schedule.deviations.len());
    if unmet > 0 {
        writeln!(text, "{unmet} of {all} deviations of [schedule] were never asked for: their causes do not occur in this run.")
            .expect("a string takes everything");
    }
    text
}

/// Who decides, and how the order is chosen.
fn schedule(scenario: &Scenario) -> String {
    let Search { strategy, late, steps } = scenario.schedule.search(&scenario.network);
    match strategy {
        _ if scenario.schedule.plain => {
            format!("plain but for {} decisions", grouped(scenario.schedule.deviations.len() as u64))
        }
        Strategy::Time => "drawn, by time".to_owned(),
        Strategy::PriorityChanges(2..) => {
            format!("drawn, by {strategy} within {} steps, up to {late} late", grouped(steps))
        }
        _ => format!("drawn, by {strategy}, up to {late} late"),
    }
}

/// What the scenario has of all that a seed may leave out.
fn swarm_mask(system: &dyn System, scenario: &Scenario) -> String {
    let bits: Vec<MaskBit> = mask(scenario).into_iter().chain(system.operations(scenario)).collect();
    let those = |wanted: bool| {
        let names: Vec<&str> = bits.iter().filter(|(_, on)| *on == wanted).map(|(name, _)| *name).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    format!("{}; without {}", those(true), those(false))
}

/// One line of a history: number, time, node, fact.
pub fn line(fact: &HistoryLine, paint: Paint) -> String {
    let HistoryLine { stamp, node, text, .. } = fact;
    let node = if node.is_empty() { "the world" } else { node };
    format!("{} {:>12} {node:<12} {text}", paint.dim(&format!("{:>6}", stamp.number)), stamp.time.to_string())
}
