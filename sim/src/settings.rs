//! The knobs of a world.

use crate::{Fault, Span};
use serde::{Deserialize, Serialize};

/// How the links behave. Shares are per 100,000 messages, and hold during the storm only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSettings {
    /// The shortest time a message takes.
    pub latency_min: Span,
    /// The longest.
    pub latency_max: Span,
    /// Whether every link has a part of that range of its own.
    pub links_differ: bool,
    /// Share of messages lost.
    pub loss: u32,
    /// Share of messages that arrive twice.
    pub duplication: u32,
    /// Share of messages held back, so that later ones overtake them.
    pub delay: u32,
    /// The longest time a message is held back.
    pub delay_max: Span,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        NetworkSettings {
            latency_min: Span::millis(1),
            latency_max: Span::millis(10),
            links_differ: false,
            loss: 0,
            duplication: 0,
            delay: 0,
            delay_max: Span::millis(200),
        }
    }
}

/// How the disks behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSettings {
    /// The shortest time a read, write or directory operation takes.
    pub access_min: Span,
    /// The longest.
    pub access_max: Span,
    /// The shortest time a sync takes.
    pub sync_min: Span,
    /// The longest.
    pub sync_max: Span,
}

impl Default for DiskSettings {
    fn default() -> Self {
        DiskSettings {
            access_min: Span::micros(20),
            access_max: Span::micros(200),
            sync_min: Span::micros(500),
            sync_max: Span::millis(5),
        }
    }
}

/// Everything about a run that is no program and no monitor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The part of the run in which faults strike.
    pub storm: Span,
    /// The part after it: all faults healed, all nodes up.
    pub calm: Span,
    /// The links.
    pub network: NetworkSettings,
    /// The disks.
    pub disk: DiskSettings,
    /// After which time a program that returned is started again.
    pub exit_restart: Span,
    /// What strikes when.
    pub faults: Vec<Fault>,
    /// Of the rare branches that a system offers, the share that is taken during the storm, out of 100,000.
    pub rarely: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            storm: Span::seconds(30),
            calm: Span::seconds(10),
            network: NetworkSettings::default(),
            disk: DiskSettings::default(),
            exit_restart: Span::millis(500),
            faults: Vec::new(),
            rarely: 0,
        }
    }
}
