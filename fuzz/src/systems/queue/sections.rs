//! The sections of a scenario that are the queue's own.

use super::figures::{EXPONENTS, MOST_KEYS, Sizes};
use super::ordeals::Ordeal;
use super::possible;
use crate::scenario::{Scenario, ScenarioError, list, typed, typed_beside};
use rehearsal_model::queue::aim::Aim;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::plan::{ConsumerPlan, Plan, Sending, TopicPlan};
use rehearsal_sim::Span;
use serde::{Deserialize, Serialize};

/// The section `[topology]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topology {
    /// Brokers.
    pub(super) brokers: u32,
    /// How many copies each partition has.
    pub(super) factor: u32,
    /// Producers; what is sent says which of them do anything.
    pub(super) producers: u32,
    /// Consumers; those listed are there.
    pub(super) consumers: u32,
}

/// For what the queue is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SetUpFor {
    /// For nothing in particular: how batches are made is drawn.
    AsDrawn,
    /// For early messages, or for many.
    #[serde(untagged)]
    Aim(Aim),
}

/// How all brokers are restarted, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rolling {
    /// They are not.
    None,
    /// Each loses its power, at its time.
    Crashes,
    /// Each is asked to stop when the one before it is back and in sync again.
    Orderly,
}

/// What messages and consumers are drawn with (`--set workload.…`); no part of the scenario, which lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    /// For what the queue is set up.
    pub(super) aim: SetUpFor,
    /// How many messages there are.
    pub(super) messages: u32,
    /// The time in which all of them are sent.
    pub(super) window: Span,
    /// Whether they come in bursts.
    pub(super) bursts: bool,
    /// How many topics there are.
    pub(super) topics: u32,
    /// The most partitions of a topic.
    pub(super) most_partitions: u32,
    /// How many keys there are.
    pub(super) keys: u32,
    /// How much more often some keys come than others: the exponent of Zipf's law, times 100.
    pub(super) zipf: u32,
    /// How many of 100 messages have no key, so that they go anywhere.
    pub(super) keyless: u32,
    /// How many of 100 messages go where a rule of their producer's own says.
    pub(super) named: u32,
    /// How large messages are.
    pub(super) sizes: Sizes,
    /// In how many groups the consumers are.
    pub(super) groups: u32,
    /// Whether consumers take their time with a message.
    pub(super) slow_consumers: bool,
    /// How many tags there are, of which a message has one or two; with 0 none has any.
    pub(super) tags: u32,
    /// Whether the first group writes what comes of each message to a topic of its own, which the others read.
    pub(super) pipe: bool,
    /// How many of 100 messages nobody is to see at once.
    pub(super) delayed: u32,
    /// How many of 100 messages fail to be processed at first.
    pub(super) failing: u32,
    /// Whether messages are lent to the last group, where that can be.
    pub(super) lent: bool,
    /// Whether a topic gets more partitions while the queue runs, where nothing stands in the way.
    pub(super) grows: bool,
    /// Whether a partition of it is retired.
    pub(super) retires: bool,
    /// Whether the first topic has dozens of partitions.
    pub(super) big_topic: bool,
    /// Whether brokers are added and removed.
    pub(super) members_change: bool,
    /// Whether consumers leave their groups in an orderly way, and come back.
    pub(super) leaves: bool,
    /// Whether consumers are to work through what they own again.
    pub(super) replays: bool,
    /// How all brokers are restarted, one after the other, if they are.
    pub(super) rolling_restart: Rolling,
    /// Which faults come together, aimed at one rule, where the families allow for them.
    pub(super) ordeal: Ordeal,
}

/// The section `[queue]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Section {
    #[serde(flatten)]
    pub(super) knobs: Knobs,
    /// The topics.
    #[serde(rename = "topic")]
    pub(super) topics: Vec<TopicPlan>,
    /// What is sent.
    #[serde(rename = "send")]
    pub(super) sendings: Vec<Sending>,
    /// Who reads.
    #[serde(rename = "consumer")]
    pub(super) consumers: Vec<ConsumerPlan>,
    /// What is asked for while it runs.
    #[serde(rename = "operation", skip_serializing_if = "Vec::is_empty")]
    pub(super) operations: Vec<Operation>,
}

impl Workload {
    /// Refuses what cannot be drawn with in a storm of this length.
    pub(super) fn check(&self, storm: Span) -> Result<(), ScenarioError> {
        for (key, value, least, most) in [
            ("messages", self.messages, 0, 100_000),
            ("topics", self.topics, 1, 100),
            ("most_partitions", self.most_partitions, 1, possible::MOST_PARTITIONS),
            ("keys", self.keys, 1, MOST_KEYS),
            ("groups", self.groups, 0, 100),
            ("tags", self.tags, 0, 1_000),
            ("keyless", self.keyless, 0, 100),
            ("named", self.named, 0, 100),
            ("delayed", self.delayed, 0, 100),
            ("failing", self.failing, 0, 100),
        ] {
            if !(least..=most).contains(&value) {
                let mend = format!("write {least} to {most}");
                return Err(refuse(key, format!("{value} cannot be"), mend));
            }
        }
        if !EXPONENTS.contains(&self.zipf) {
            let reason = format!("there are no weights for an exponent of {} / 100", self.zipf);
            return Err(refuse("zipf", reason, format!("write one of {EXPONENTS:?}")));
        }
        if self.window > storm {
            let mend = "let it be at most `storm`";
            return Err(refuse("window", "it is longer than the storm".to_owned(), mend.to_owned()));
        }
        Ok(())
    }
}

fn refuse(key: &str, reason: String, mend: String) -> ScenarioError {
    ScenarioError::new(format!("workload.{key}"), reason, mend)
}

/// Everything a deployment is started with, if the scenario makes sense.
pub(super) fn plan(scenario: &Scenario) -> Result<Plan, ScenarioError> {
    let topology: Topology = typed(&scenario.topology, "topology")?;
    let section = read_section(&scenario.knobs)?;
    planned(topology, section, scenario.storm, &scenario.defects)
}

/// The plan of what has been read or drawn.
///
/// # Errors
/// What makes no sense, with the key.
pub(super) fn planned(
    topology: Topology,
    section: Section,
    storm: Span,
    defects: &[String],
) -> Result<Plan, ScenarioError> {
    topology.check()?;
    possible::check(&topology, &section)?;
    possible::check_wishes(&section, storm)?;
    Ok(Plan {
        brokers: topology.brokers,
        factor: topology.factor,
        knobs: section.knobs,
        topics: section.topics,
        sendings: section.sendings,
        consumers: section.consumers,
        operations: section.operations,
        defects: Defects::of(defects.iter().filter_map(|name| Defect::named(name))),
    })
}

fn read_section(table: &toml::Table) -> Result<Section, ScenarioError> {
    let lists @ [topics, sendings, consumers, operations] = ["topic", "send", "consumer", "operation"];
    Ok(Section {
        topics: list(table, "queue", topics)?,
        sendings: list(table, "queue", sendings)?,
        consumers: list(table, "queue", consumers)?,
        operations: list(table, "queue", operations)?,
        knobs: typed_beside(table, "queue", &lists)?,
    })
}
