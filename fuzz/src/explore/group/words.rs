//! Steps and states in words.

use super::action::{Action, Reads, Way};
use super::state::{At, Consumer, State};
use rehearsal_model::queue::group::{Ask, GroupEntry};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

/// A step.
pub(super) fn label(action: &Action) -> String {
    match action {
        Action::Ask(number) => format!("{} goes on with its group", name(*number)),
        Action::AskDeposed(number) => {
            format!("{} asks the coordinator that was replaced where to go on", name(*number))
        }
        Action::GiveUp(number) => format!("{} waits no more for its group's answer", name(*number)),
        Action::Beat(number) => format!("{} says that it lives", name(*number)),
        Action::Process(number, partition) => {
            format!("{} processes the next record of partition {}", name(*number), partition.number)
        }
        Action::Commit(number, Way::Arrives) => format!("{} commits", name(*number)),
        Action::Commit(number, Way::IsLate) => format!("{} commits; that is on its way", name(*number)),
        Action::Arrive(number, place) => format!("commit {} of {} arrives", place + 1, name(*number)),
        Action::GiveUpCommit(number, place) => {
            format!("{} waits no more for the answer to its commit {}", name(*number), place + 1)
        }
        Action::Die(number) => format!("{} dies, and begins anew", name(*number)),
        Action::Settle => "the coordinator's next write is in sync".to_owned(),
        Action::Silence(member) => format!("{member} was silent for its session"),
        Action::TimeToJoinIsOver => "the time to join is over".to_owned(),
        Action::TakeOver(kept, Reads::Everything) => {
            format!("another coordinator takes over; of what was not in sync {kept} writes remain")
        }
        Action::TakeOver(kept, Reads::Nothing) => {
            format!("another coordinator takes over, and answers before it has read ({kept} writes remain)")
        }
    }
}

fn name(number: usize) -> String {
    format!("consumer-{number}")
}

/// What a step changed that somebody would ask about.
pub(super) fn consequences(before: &State, after: &State) -> Vec<String> {
    let mut told = Vec::new();
    for (number, (old, new)) in before.consumers.iter().zip(&after.consumers).enumerate() {
        if old.at != new.at || old.owned() != new.owned() {
            told.push(format!("{} {}", name(number), at_words(new)));
        }
    }
    let (old, new) = (&before.coordinator, &after.coordinator);
    if old.group.generation() != new.group.generation() || old.group.state() != new.group.state() {
        told.push(format!("the group is {}", group_words(after)));
    }
    if new.unsettled.len() > old.unsettled.len() {
        told.extend(
            new.unsettled.back().map(|(_, entry)| format!("the coordinator writes {}", entry_words(entry))),
        );
    }
    if before.chronicle.confirmed != after.chronicle.confirmed {
        told.push(format!("confirmed: {}", offsets_words(&after.chronicle.confirmed)));
    }
    told
}

/// A state: each consumer in a line, then the group, its log and what was processed.
pub(super) fn picture(state: &State) -> Vec<String> {
    let consumers = state.consumers.iter().enumerate();
    let mut lines: Vec<String> = consumers
        .map(|(number, consumer)| format!("{}  {}", name(number), consumer_words(consumer)))
        .collect();
    lines.push(format!("group  {}", group_words(state)));
    let unsettled: Vec<String> =
        state.coordinator.unsettled.iter().map(|(_, entry)| entry_words(entry)).collect();
    let log: Vec<String> = state.log.entries().iter().map(entry_words).collect();
    lines.push(format!("log  {}; not in sync: [{}]", log.join(", "), unsettled.join(", ")));
    let processed = state.chronicle.processed.iter();
    let processed: Vec<String> =
        processed.map(|(partition, times)| format!("partition {} {times:?}", partition.number)).collect();
    lines.push(format!("processed  {}", processed.join(", ")));
    lines.push(format!("confirmed  {}", offsets_words(&state.chronicle.confirmed)));
    lines
}

fn at_words(consumer: &Consumer) -> String {
    match &consumer.at {
        At::Waits(_) => "waits for its group".to_owned(),
        At::Begins(_) => format!("{}, and waits to hear where to go on", owned_words(consumer)),
        At::Next(Ask::Join { member: None, .. }) => "is to join".to_owned(),
        At::Next(Ask::Join { member: Some(member), .. }) => format!("is to join again as {member}"),
        At::Next(Ask::Sync { member, generation, .. }) => {
            format!("is {member} in generation {generation}, and is to ask what it owns")
        }
        At::Next(Ask::Offsets(_)) => format!("{}, and is to ask where to go on", owned_words(consumer)),
        At::Next(Ask::LetGo) => format!("{}, and is to let go of it", owned_words(consumer)),
        At::Next(Ask::Nothing) => owned_words(consumer),
    }
}

fn consumer_words(consumer: &Consumer) -> String {
    let commits = consumer.commits.iter().map(|commit| {
        let way = if commit.taken.is_some() { "taken" } else { "on its way" };
        format!("; commit of {} in generation {} {way}", offsets_words(&commit.offsets), commit.generation)
    });
    format!("{}{}", at_words(consumer), commits.collect::<String>())
}

fn owned_words(consumer: &Consumer) -> String {
    let Some((generation, owned)) = consumer.owned() else { return "owns nothing".to_owned() };
    let whom = consumer.known.map_or("nobody".to_owned(), |member| member.to_string());
    format!("is {whom} and owns {} in generation {generation}", partitions_words(owned))
}

fn group_words(state: &State) -> String {
    let group = &state.coordinator.group;
    let members: Vec<String> = group.members().map(|member| member.to_string()).collect();
    format!("{:?} in generation {} with [{}]", group.state(), group.generation(), members.join(", "))
}

fn entry_words(entry: &GroupEntry) -> String {
    match entry {
        GroupEntry::Asked => "somebody asks where to go on".to_owned(),
        GroupEntry::Offsets { offsets } => format!("commits {}", offsets_words(offsets)),
        GroupEntry::OffsetsWithin { producer, offsets } => {
            format!("commits {} with the transaction of {producer}", offsets_words(offsets))
        }
        GroupEntry::TransactionEnded { producer, .. } => {
            format!("the transaction before {producer} has ended")
        }
        GroupEntry::Generation { generation, members, planned, .. } => {
            let members: Vec<String> = members.keys().map(ToString::to_string).collect();
            let plan = if *planned { "with" } else { "without" };
            format!("generation {generation} of [{}] {plan} a plan", members.join(", "))
        }
    }
}

fn partitions_words(partitions: &BTreeSet<Partition>) -> String {
    let numbers: Vec<String> = partitions.iter().map(|partition| partition.number.to_string()).collect();
    format!("{{{}}}", numbers.join(", "))
}

fn offsets_words(offsets: &BTreeMap<Partition, Offset>) -> String {
    let offsets = offsets.iter().map(|(partition, offset)| format!("{} up to {offset}", partition.number));
    format!("{{{}}}", offsets.collect::<Vec<_>>().join(", "))
}
