//! Decisions in words: what a deviation of a repro is about, for who reads the file.

use super::words::named;
use crate::system::Run;
use rehearsal_env::{EventId, NodeId};
use rehearsal_sim::{Deviation, Site, TraceEntry, Traced};

/// What the run of a repro, which kept its trace, decided there; None when the trace does not say.
pub fn in_words(run: &Run, deviation: &Deviation) -> Option<String> {
    let question = deviation.question;
    if question.site == Site::After {
        let (held, before) = (EventId(question.cause), EventId(deviation.answer));
        return Some(format!("{} only after {}", event(run, held)?, event(run, before)?));
    }
    let decided = run
        .trace
        .iter()
        .find(|entry| matches!(&entry.what, Traced::Decided { question: asked, .. } if *asked == question))?;
    let event = EventId(question.cause);
    let answer = deviation.answer;
    let told = match question.site {
        Site::Message if answer == 1 => format!("{} is lost", message(run, event)?),
        Site::Message => format!("{} arrives twice", message(run, event)?),
        Site::Latency => format!("{} takes {}", message(run, event)?, millis(answer)),
        Site::DuplicateLatency => {
            format!("the second copy of {} takes {}", message(run, event)?, millis(answer))
        }
        Site::Delay => format!("{} is held back", message(run, event)?),
        Site::DelayLength => format!("{} is held back for {}", message(run, event)?, millis(answer)),
        Site::DiskLatency => {
            let (node, does) = operation(run, event)?;
            format!("{} {does}: that takes {}", name(run, node?), millis(answer))
        }
        Site::CrashedWrite => match answer {
            0 => "a crash leaves a write that was not synced".to_owned(),
            _ => "a crash tears a write".to_owned(),
        },
        Site::TornSector => "where the write tears".to_owned(),
        Site::CrashedNames => format!("{answer} changes of names survive a crash"),
        Site::UnderWay => "an operation under way at the crash took effect".to_owned(),
        Site::Rarely => "a rare branch is taken".to_owned(),
        Site::ReadyTask => "of several ready tasks this one goes first".to_owned(),
        Site::RottenByte => "which bit is rotten".to_owned(),
        Site::LinkLatency => "the part of the latencies that a link has".to_owned(),
        Site::After | Site::NodeSeed | Site::Scenario => return None,
    };
    Some(format!("at {}: {told}", decided.time))
}

fn millis(nanos: u64) -> String {
    format!("{:.3} ms", nanos as f64 / 1e6)
}

fn name(run: &Run, node: NodeId) -> &str {
    run.nodes.get(node.index()).map_or("?", String::as_str)
}

/// What happens when an event goes; None for the steps of tasks, which the trace does not name.
fn event(run: &Run, wanted: EventId) -> Option<String> {
    if let Some(message) = message(run, wanted) {
        return Some(format!("{message} arrives"));
    }
    run.trace.iter().find_map(|TraceEntry { node, what, .. }| match what {
        Traced::Slept { timer, until } if *timer == wanted => {
            Some(format!("the sleep of {} until {until} ends", name(run, (*node)?)))
        }
        Traced::DiskBegan { operation, does } if *operation == wanted => {
            Some(format!("{} is through with this: it {does}", name(run, (*node)?)))
        }
        _ => None,
    })
}

fn message(run: &Run, wanted: EventId) -> Option<String> {
    run.trace.iter().find_map(|entry| match &entry.what {
        Traced::Sent { message, to, protocol, body, .. } if *message == wanted => {
            let (from, to) = (name(run, entry.node?), name(run, *to));
            Some(format!("{} from {from} to {to}", named(protocol, body)))
        }
        _ => None,
    })
}

fn operation(run: &Run, wanted: EventId) -> Option<(Option<NodeId>, &str)> {
    run.trace.iter().find_map(|TraceEntry { node, what, .. }| match what {
        Traced::DiskBegan { operation, does } if *operation == wanted => Some((*node, does.as_str())),
        _ => None,
    })
}
