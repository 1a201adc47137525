//! What comes of changes of a topic's partitions, in words.

use super::super::facts::OfTopics;
use super::super::partition::Topic;
use super::super::topics::TopicState;
use super::listed;

pub(super) fn of(fact: &OfTopics) -> String {
    match fact {
        OfTopics::Changed { topic, state } => {
            format!("has made durable: {}", state_in_words(Topic::Named(*topic), state))
        }
        OfTopics::Retired { partition, epoch } => {
            format!(
                "knows as the leader in epoch {epoch} that {partition} is retired, and appends nothing more"
            )
        }
        OfTopics::Withheld { group, partitions } => {
            let withheld = listed(partitions.iter().map(ToString::to_string).collect());
            format!("withholds {withheld} from group {group}, which is not through with what came before")
        }
        OfTopics::Rerouted { message, partition, version } => {
            format!("sends {message} to {partition} instead, as version {version} of its topic's state says")
        }
        OfTopics::Unplaced { message, partition } => {
            format!("does not send {message}: it is to go to {partition}, which takes nothing any more")
        }
    }
}

fn state_in_words(topic: Topic, state: &TopicState) -> String {
    let those = |numbers: Vec<u32>, are: &str| match numbers[..] {
        [] => String::new(),
        _ => {
            format!("; {are}: {}", listed(numbers.iter().map(|number| format!("{topic}/{number}")).collect()))
        }
    };
    let retired = those(state.retired().filter(|number| !state.is_drained(*number)).collect(), "retired");
    let drained = those(state.drained().collect(), "retired and drained");
    format!("{topic} has {} partitions{retired}{drained} (version {})", state.partitions(), state.version())
}
