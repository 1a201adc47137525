//! One event in the Trace Event Format, which Perfetto and Chrome's trace viewer read.
//!
//! Source: "Trace Event Format" (Chromium project, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).

use rehearsal_env::{EventId, Time};
use serde::Serialize;
use serde_json::Value;

/// The kinds of event that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Phase {
    /// A slice of a thread, with its duration. Slices of one thread lie in each other or apart.
    #[serde(rename = "X")]
    Complete,
    /// Something without duration.
    #[serde(rename = "i")]
    Instant,
    /// The beginning of a slice that may overlap others. Its end has the same category, name and id.
    #[serde(rename = "b")]
    AsyncBegin,
    /// Its end.
    #[serde(rename = "e")]
    AsyncEnd,
    /// An arrow leaves the slice that lies here. Its end has the same category, name and id.
    #[serde(rename = "s")]
    FlowBegin,
    /// It ends in the slice that lies here.
    #[serde(rename = "f")]
    FlowEnd,
    /// A name.
    #[serde(rename = "M")]
    Metadata,
}

/// An event; keys that its phase does not have are left out.
#[derive(Serialize)]
pub(super) struct ChromeEvent<'a> {
    pub(super) name: &'a str,
    pub(super) cat: &'static str,
    pub(super) ph: Phase,
    /// In microseconds.
    pub(super) ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dur: Option<f64>,
    pub(super) pid: u64,
    pub(super) tid: u64,
    /// Text, since viewers are programs of a language whose numbers have 53 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// `e`: an arrow's end binds to the slice around it, not to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bp: Option<&'static str>,
    /// How far an instant is drawn: `t`hread, `p`rocess, `g`lobal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s: Option<&'static str>,
    pub(super) args: Value,
}

/// The thread of a process on which an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Track {
    pub(super) pid: u64,
    pub(super) tid: u64,
}

impl<'a> ChromeEvent<'a> {
    /// An event of this phase.
    pub(super) fn new(
        ph: Phase,
        cat: &'static str,
        name: &'a str,
        at: Time,
        track: Track,
    ) -> ChromeEvent<'a> {
        let Track { pid, tid } = track;
        let (bp, args) = ((ph == Phase::FlowEnd).then_some("e"), Value::Object(serde_json::Map::new()));
        ChromeEvent {
            name,
            cat,
            ph,
            ts: microseconds(at.nanos()),
            dur: None,
            pid,
            tid,
            id: None,
            bp,
            s: None,
            args,
        }
    }

    pub(super) fn lasting(self, nanos: u64) -> ChromeEvent<'a> {
        ChromeEvent { dur: Some(microseconds(nanos)), ..self }
    }

    pub(super) fn id(self, id: EventId) -> ChromeEvent<'a> {
        ChromeEvent { id: Some(id.to_string()), ..self }
    }

    pub(super) fn scope(self, scope: &'static str) -> ChromeEvent<'a> {
        ChromeEvent { s: Some(scope), ..self }
    }

    pub(super) fn args(self, args: Value) -> ChromeEvent<'a> {
        ChromeEvent { args, ..self }
    }
}

fn microseconds(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
