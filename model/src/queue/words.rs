//! The facts of the queue in words: each as the rest of a sentence that begins with the node's name.
//!
//! They are for people who know queues and not the code. What looks alike and is not the same is told apart: a first
//! batch from its repeats, what stands in a memory from what is on a disk, what is said from what is known.

mod clients;
mod coordination;
mod delays;
mod lending;
mod logs;
mod of_groups;
mod pushing;
mod restarts;
mod topics;

use super::brokers::{BrokerId, Brokers};
use super::controller::PartitionState;
use super::facts::{Fact, Stretch};
use super::message::MessageId;
use super::offset::Offset;
use super::partition::Partition;
use super::record::Verdict;

/// What the node did or learned, without its name and without a full stop.
pub(super) fn of(fact: &Fact) -> String {
    match fact {
        Fact::BrokerRegistered { broker, life } => {
            format!("has made durable: {broker} is registered for a new life, number {}", life.0)
        }
        Fact::BrokerGone { broker } => format!("has made durable: the session of {broker} has ended"),
        Fact::ControllerChanged { broker: Some(broker), epoch } => {
            format!("has made durable: {broker} is the controller, in controller epoch {epoch}")
        }
        Fact::ControllerChanged { broker: None, epoch } => {
            format!("has made durable: nobody is the controller, from {epoch} on")
        }
        Fact::PartitionChanged { partition, state } => {
            format!("has made durable: {}", state_in_words(*partition, state))
        }
        Fact::MembersChanged { members } => {
            format!("has made durable: copies are placed on {}", brokers(*members))
        }
        Fact::CoordinationRecovered => "comes up and has read its log".to_owned(),
        Fact::Coordination(happening) => coordination::of(happening),
        Fact::OfTopics(fact) => topics::of(fact),
        Fact::OfRestarts(fact) => restarts::of(fact),
        Fact::OfLogs(fact) => logs::of(fact),
        Fact::OfGroups(fact) => of_groups::of(fact),

        Fact::Recovered { partition, log, torn, .. } => recovered(*partition, log, *torn),
        Fact::Led { partition, epoch, begins } => {
            format!("leads {partition} in epoch {epoch}; its log ends at {begins}")
        }
        Fact::Followed { partition, epoch, leader } => {
            format!("follows {leader} in {partition}, in epoch {epoch}")
        }
        Fact::Appended { partition, stretch } => format!("appends {}", placed(*partition, stretch)),
        Fact::Replicated { partition, stretch } => {
            format!("copies from its leader {}", placed(*partition, stretch))
        }
        Fact::FollowerServed { partition, served } => {
            let messages: Vec<MessageId> =
                served.iter().flat_map(|stretch| stretch.messages.iter().copied()).collect();
            format!("serves a consumer of {partition} as a follower: {}", those(&messages))
        }
        Fact::FollowerSaidWait { partition, offset } => {
            format!("has nothing yet for a consumer at offset {offset} of {partition}, as a follower")
        }
        Fact::FollowerSaidOutOfRange { partition, offset } => {
            format!("tells a consumer as a follower that offset {offset} of {partition} is out of range")
        }
        Fact::TransactionEnding { id, producer, verdict, fenced } => {
            let how = match (verdict, fenced) {
                (Verdict::Commit, _) => "is to be committed",
                (Verdict::Abort, false) => "is to be aborted",
                (Verdict::Abort, true) => "is to be aborted, for another takes the id over",
            };
            format!("decides that the transaction of {producer} under id {} {how}", id.0)
        }
        Fact::TransactionTakenUp { id, producer } => format!(
            "goes on with the end of the transaction of {producer} under id {}, which was decided before",
            id.0
        ),
        Fact::DuplicateAbsorbed { partition, base, messages } => format!(
            "gets {} for {partition} once more, which it has at offset {base}, and only answers",
            those(messages)
        ),
        Fact::Refused { partition, why, messages } => {
            format!("refuses {} for {partition}: {}", those(messages), why.trim_end_matches('.'))
        }
        Fact::Truncated { partition, to, from } => {
            format!("cuts its log of {partition} off at offset {to}; it ended at {from}")
        }
        Fact::BeganAnew { partition, at } => {
            format!("drops all of its log of {partition} and begins anew at offset {at}")
        }
        Fact::CopyDropped { partition, from } => {
            format!("drops its copy of {partition}, which ended at {from}: it is to have none any more")
        }
        Fact::Dropped { partition, from, to, left, .. } => format!(
            "drops {partition} from offset {from} to {to}, which is out of retention, and keeps {left} bytes"
        ),
        Fact::SegmentClosed { partition, base, end, bytes } => {
            format!("closes the segment of {partition} from offset {base} to {end}, of {bytes} bytes")
        }
        Fact::Archived { partition, base, end } => {
            format!("has made durable: {partition} from offset {base} to {end} is archived")
        }
        Fact::Persisted { partition, through } => {
            format!("has its log of {partition} on the disk for sure up to offset {through}")
        }
        Fact::WatermarkMoved { partition, epoch, to } => {
            format!("moves the watermark of {partition} to {to}, in epoch {epoch}")
        }
        Fact::WatermarkHeld { partition, at } => {
            format!("has {partition} in sync up to {at}, as far as it knows")
        }
        Fact::StaleRequestRefused { partition, epoch } => {
            format!("does not answer a request about {partition} from epoch {epoch}")
        }
        Fact::SetShrinks { partition } => {
            format!("asks for a smaller in-sync set of {partition}, since a follower lags")
        }
        Fact::SetGrows { partition } => {
            format!("asks for a larger in-sync set of {partition}, since a follower has caught up")
        }
        Fact::SetRefused { partition } => {
            format!("is refused another in-sync set of {partition}: something has changed since")
        }
        Fact::CoordinatorLoaded { group, generation } => {
            format!("takes over group {group}, which it finds in generation {generation}")
        }
        Fact::MemberFenced { group, member } => {
            format!("refuses {member} of group {group}, which is not of its generation")
        }
        _ => clients::of(fact),
    }
}

fn state_in_words(partition: Partition, state: &PartitionState) -> String {
    let PartitionState { version, epoch, leader, in_sync, eligible, adding, removing, .. } = state;
    let leads = match leader {
        Some(leader) => format!("{} leads {partition}", leader.broker),
        None => format!("nobody leads {partition}"),
    };
    let sync = match *in_sync {
        Brokers::NONE => "nobody is in sync".to_owned(),
        members => format!("in sync: {}", brokers(members)),
    };
    let besides = [("as good as in sync", eligible), ("new", adding), ("to go", removing)];
    let besides: String = besides
        .into_iter()
        .filter(|(_, those)| !those.is_empty())
        .map(|(what, those)| format!("; {what}: {}", brokers(*those)))
        .collect();
    format!("{leads} in epoch {epoch}; {sync}{besides} (version {version})")
}

fn brokers(brokers: Brokers) -> String {
    listed(brokers.iter().map(|broker: BrokerId| broker.to_string()).collect())
}

fn recovered(partition: Partition, log: &[Stretch], torn: bool) -> String {
    let found = match log {
        [] => format!("comes up and finds nothing of {partition}"),
        [first, .., last] => {
            let (start, end) = (first.base, last.end);
            format!(
                "comes up and finds {partition} from offset {start} to {end}, {} batches, the last from epoch {}",
                log.len(),
                last.epoch
            )
        }
        [only] => format!(
            "comes up and finds {partition} from offset {} to {}, one batch from epoch {}",
            only.base, only.end, only.epoch
        ),
    };
    if torn { format!("{found}, and cuts a torn batch off") } else { found }
}

fn placed(partition: Partition, stretch: &Stretch) -> String {
    let Stretch { base, epoch, messages, .. } = stretch;
    format!("{} to {partition} at offset {base}, in epoch {epoch}", those(messages))
}

/// Messages as people list them: those of one producer in one breath.
fn those(messages: &[MessageId]) -> String {
    let Some(first) = messages.first() else { return "an entry of the queue's own".to_owned() };
    if messages.len() > 1 && messages.iter().all(|message| message.producer == first.producer) {
        let numbers = messages.iter().map(|message| message.number.to_string()).collect();
        return format!("messages {} of producer-{}", listed(numbers), first.producer);
    }
    listed(messages.iter().map(ToString::to_string).collect())
}

fn listed(names: Vec<String>) -> String {
    match &names[..] {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn places<'a>(offsets: impl IntoIterator<Item = (&'a Partition, &'a Offset)>) -> String {
    let each = |(partition, offset): (&Partition, &Offset)| format!("{partition} from {offset} on");
    listed(offsets.into_iter().map(each).collect())
}

#[cfg(test)]
mod tests;
