//! What all formats read from a run alike: names, facts by their number, what a message is called.

use crate::links_in_words;
use crate::scenario::Scenario;
use crate::system::{HistoryLine, Run};
use rehearsal_env::NodeId;
use rehearsal_sim::{Blow, Incident};
use serde_json::Value;

/// The scenario and its run, as a trace looks at them.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) run: &'a Run,
}

impl<'a> Reading<'a> {
    pub(super) fn name(self, node: NodeId) -> &'a str {
        self.run.nodes.get(node.index()).map_or("", String::as_str)
    }

    /// The fact or incident of this number. None for what a run that is cut off did past its end.
    pub(super) fn line(self, number: u64) -> Option<&'a HistoryLine> {
        let lines = &self.run.history;
        let at = lines.binary_search_by_key(&number, |line| line.stamp.number).ok()?;
        lines.get(at)
    }

    /// The rest of a sentence that begins with the node's name.
    pub(super) fn words(self, number: u64) -> &'a str {
        self.line(number).map_or("", |line| &line.words)
    }

    /// The fault of this index, as it stands in the scenario's file.
    pub(super) fn fault(self, index: u32) -> Value {
        let fault = self.scenario.faults.get(index as usize);
        fault.map_or(Value::Null, |fault| serde_json::to_value(fault).unwrap_or_default())
    }

    /// The partition that is the fault of this index, with its sides.
    pub(super) fn partition(self, index: u32) -> String {
        match self.scenario.faults.get(index as usize).map(|fault| &fault.blow) {
            Some(Blow::Partition { from, to, one_way, .. }) => {
                let cut = if *one_way { "cannot reach" } else { "cut off from" };
                format!("partition {index}: {} {cut} {}", from.join(", "), to.join(", "))
            }
            Some(blow) => match links_in_words::divided(blow) {
                Some(words) => format!("partition {index} {words}"),
                None => format!("partition {index}"),
            },
            None => format!("partition {index}"),
        }
    }

    /// What the fault of this index does to links that it slows down.
    pub(super) fn slow_link(self, index: u32) -> String {
        let fault = self.scenario.faults.get(index as usize);
        let words = fault.and_then(|fault| links_in_words::slowed(&fault.blow)).unwrap_or_default();
        format!("fault {index} {words}")
    }
}

/// The name of an incident in traces.
pub(super) fn incident(incident: Incident) -> &'static str {
    match incident {
        Incident::Crashed(_) => "crashed",
        Incident::Exited(_) => "exited",
        Incident::Started(_) => "started",
        Incident::Paused(_) => "paused",
        Incident::Resumed(_) => "resumed",
        Incident::Cut(_) => "cut",
        Incident::Healed(_) => "healed",
        Incident::SyncFailed(_) => "sync-failed",
        Incident::WriteSpoiled(_) => "write-spoiled",
        Incident::NoSpace(_) => "no-space",
        Incident::Ailed(..) => "ailed",
        Incident::Mended(..) => "mended",
        Incident::Failed(..) => "failed",
        Incident::CalmBegan => "calm-began",
        Incident::LinkSlowed(_) => "link-slowed",
        Incident::LinkFast(_) => "link-fast",
        Incident::LinkReset(_) => "link-reset",
        Incident::ZoneLost(_) => "zone-lost",
    }
}

/// What a message is called: the variant that it is of its type, or else the type itself. An envelope is called by what
/// its `body` is too: `Request Book`.
pub(super) fn title(protocol: &str, message: &Value) -> String {
    let Some((name, content)) = variant(message) else {
        let bare = protocol.split('<').next().unwrap_or(protocol);
        return bare.rsplit("::").next().unwrap_or(bare).to_owned();
    };
    match content.get("body").and_then(variant) {
        Some((inner, _)) => format!("{name} {inner}"),
        None => name.to_owned(),
    }
}

/// The variant that a value is, with its content, as far as JSON shows it.
fn variant(value: &Value) -> Option<(&str, &Value)> {
    let (name, content) = match value {
        Value::String(name) => (name, &Value::Null),
        Value::Object(fields) if fields.len() == 1 => fields.iter().next()?,
        _ => return None,
    };
    let looks_like_one = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|letter| letter.is_alphanumeric());
    looks_like_one.then_some((name, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_called_by_its_variant_or_else_by_its_type() {
        let protocol = "system::protocol::Request";
        assert_eq!(title(protocol, &json!({"Reserve": {"room": 3}})), "Reserve");
        assert_eq!(title(protocol, &json!("Stop")), "Stop");
        assert_eq!(title(protocol, &json!({"room": 3})), "Request");
        assert_eq!(title(protocol, &json!({"Room": 3, "Night": 4})), "Request");
        assert_eq!(title(protocol, &json!("Some words")), "Request");
        let enveloped = json!({"Request": {"call": 7, "body": {"Book": {"room": 3}}}});
        assert_eq!(title(protocol, &enveloped), "Request Book");
        assert_eq!(title(protocol, &json!({"Answer": {"call": 7, "body": null}})), "Answer");
        assert_eq!(title("system::Envelope<system::Request>", &json!(7)), "Envelope");
    }
}
