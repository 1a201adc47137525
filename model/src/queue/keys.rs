//! What the queue keeps in the coordination service, and under which keys.
//!
//! | key | holds |
//! |---|---|
//! | `/brokers/N` | ephemeral: broker N lives, and whether it was stopped in order before; the key's version is the broker's life |
//! | `/controller` | ephemeral: which broker is the controller; the key's version is its epoch |
//! | `/lives/N` | the newest life of broker N that the controller has taken note of |
//! | `/partitions/…` | the state of a partition |
//! | `/stops/N` | which life of broker N is to stop in order, once somebody has asked for one |
//! | `/members` | the brokers that copies are placed on, once somebody has asked for others than the first |
//! | `/archived/…` | how far a partition is archived |
//! | `/topics/N` | the state of topic N, once somebody has asked for another than the first |
//! | `/barriers/…` | behind which places in a partition nothing stands that was routed before which versions |
//! | `offsets/…` | with `offsets = coordination`: what groups have committed whose coordinator leads that partition |

use super::archive::Archived;
use super::brokers::{BrokerEpoch, BrokerId, Brokers};
use super::controller::PartitionState;
use super::group::keeper::KeptOffsets;
use super::partition::Partition;
use super::restart::{Registration, Stop};
use super::topics::{Barriers, TopicState};
use crate::coordination::{Entry, Revision};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What everything begins with that all brokers hear of.
pub const ALL: &str = "/";
/// Who is the controller.
pub const CONTROLLER: &str = "/controller";

/// The brokers that copies are placed on.
pub const MEMBERS: &str = "/members";

const BROKERS: &str = "/brokers/";
const LIVES: &str = "/lives/";
const STOPS: &str = "/stops/";
const PARTITIONS: &str = "/partitions/";
const ARCHIVED: &str = "/archived/";
const TOPICS: &str = "/topics/";
const BARRIERS: &str = "/barriers/";
/// Not below [`ALL`]: it changes with every commit, and concerns its coordinator alone.
const OFFSETS: &str = "offsets/";

/// What a partition's key holds: its own name stands in it, so that no key has to be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartitionEntry {
    /// Which partition.
    pub partition: Partition,
    /// Its state.
    pub state: PartitionState,
    /// The epoch of the controller that ordered it; none when its leader asked for another in-sync set.
    pub ordered: Option<Revision>,
}

/// What the key of a partition's archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArchivedEntry {
    /// Which partition.
    pub partition: Partition,
    /// How far it is archived.
    pub archived: Archived,
}

/// What the key of a topic holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TopicEntry {
    /// Which topic.
    pub topic: u32,
    /// Its state.
    pub state: TopicState,
}

/// What the key of a partition's barriers holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BarriersEntry {
    /// Which partition.
    pub partition: Partition,
    /// Its barriers.
    pub barriers: Barriers,
}

/// What a key tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// A broker lives this life, and the one before it was this one, if that was stopped in order; or it has gone.
    Broker(BrokerId, Option<(BrokerEpoch, Option<BrokerEpoch>)>),
    /// A broker is the controller, or nobody is.
    Controller(Option<BrokerId>),
    /// The controller has taken note of this life.
    Life(BrokerId, BrokerEpoch),
    /// A broker is to stop in order.
    Stop(BrokerId, Stop),
    /// Copies are placed on these brokers.
    Members(Brokers),
    /// A partition is in this state.
    Partition(Partition, PartitionState),
    /// A partition is archived so far.
    Archived(Partition, Archived),
    /// A topic is in this state.
    Topic(u32, TopicState),
    /// A partition has these barriers.
    Barriers(Partition, Barriers),
}

/// The key of a broker that lives.
pub fn broker(broker: BrokerId) -> String {
    format!("{BROKERS}{}", broker.0)
}

/// The key of the newest life of a broker that was taken note of.
pub fn life(broker: BrokerId) -> String {
    format!("{LIVES}{}", broker.0)
}

/// The key of a broker's life that is to stop in order.
pub fn stop(broker: BrokerId) -> String {
    format!("{STOPS}{}", broker.0)
}

/// The key of a partition's state.
pub fn partition(partition: Partition) -> String {
    format!("{PARTITIONS}{partition}")
}

/// The key of how far a partition is archived.
pub fn archived(partition: Partition) -> String {
    format!("{ARCHIVED}{partition}")
}

/// The key of what groups have committed whose coordinator leads this partition.
pub fn offsets(partition: Partition) -> String {
    format!("{OFFSETS}{partition}")
}

/// What groups have committed, as their key says; none when it says something else.
pub fn kept_offsets(key: &str, entry: &Entry) -> Option<KeptOffsets> {
    key.strip_prefix(OFFSETS)?;
    decode(entry)
}

/// The key of a topic's state.
pub fn topic(topic: u32) -> String {
    format!("{TOPICS}{topic}")
}

/// The key of a partition's barriers.
pub fn barriers(partition: Partition) -> String {
    format!("{BARRIERS}{partition}")
}

/// A value as bytes.
///
/// # Panics
/// Never: whatever the queue keeps can be written as bytes.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("what is kept can be written as bytes")
}

/// What a key tells when it holds this, or nothing. None for keys and values that are not the queue's.
pub fn news(key: &str, entry: Option<&Entry>) -> Option<News> {
    let number = |rest: &str| rest.parse().ok().map(BrokerId);
    if let Some(rest) = key.strip_prefix(BROKERS) {
        let after = |entry| decode::<Registration>(entry).and_then(|registration| registration.after);
        let lives = entry.map(|entry| (life_of(version(entry)), after(entry)));
        return Some(News::Broker(number(rest)?, lives));
    }
    if let Some(rest) = key.strip_prefix(STOPS) {
        return Some(News::Stop(number(rest)?, decode(entry?)?));
    }
    if let Some(rest) = key.strip_prefix(LIVES) {
        return Some(News::Life(number(rest)?, decode(entry?)?));
    }
    if key == CONTROLLER {
        return Some(News::Controller(entry.and_then(decode)));
    }
    if key == MEMBERS {
        return members(entry?).map(News::Members);
    }
    if key.starts_with(ARCHIVED) {
        let ArchivedEntry { partition, archived } = decode(entry?)?;
        return Some(News::Archived(partition, archived));
    }
    if key.starts_with(TOPICS) {
        let TopicEntry { topic, state } = decode(entry?)?;
        return Some(News::Topic(topic, state));
    }
    if key.starts_with(BARRIERS) {
        let BarriersEntry { partition, barriers } = decode(entry?)?;
        return Some(News::Barriers(partition, barriers));
    }
    key.strip_prefix(PARTITIONS)?;
    let PartitionEntry { partition, state, .. } = decode(entry?)?;
    Some(News::Partition(partition, state))
}

/// The brokers that copies are placed on, as their key says; none when it says something else.
pub fn members(entry: &Entry) -> Option<Brokers> {
    decode(entry)
}

/// The epoch of the controller that ordered what a key of a partition holds; none where no controller did.
pub fn ordered_in(key: &str, entry: &Entry) -> Option<Revision> {
    key.strip_prefix(PARTITIONS)?;
    decode::<PartitionEntry>(entry)?.ordered
}

/// The state of a topic, as its key says; none when it says something else.
pub fn topic_state(entry: &Entry) -> Option<TopicState> {
    decode::<TopicEntry>(entry).map(|held| held.state)
}

/// The version of what a key holds.
pub fn version(entry: &Entry) -> Revision {
    entry.modified
}

/// The life of a broker whose key was written at this revision.
pub fn life_of(revision: Revision) -> BrokerEpoch {
    BrokerEpoch(revision.0)
}

fn decode<T: DeserializeOwned>(entry: &Entry) -> Option<T> {
    postcard::from_bytes(&entry.value).ok()
}
