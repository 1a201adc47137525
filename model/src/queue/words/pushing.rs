//! What is reported of subscriptions, in words.

use super::super::facts::PushFact;
use super::super::pushing::Ending;

pub(super) fn of(fact: &PushFact) -> String {
    match fact {
        PushFact::Subscribed { group, partition, subscription, offset, credit } => format!(
            "asks for {partition} from offset {offset} on to be pushed to it, {credit} bytes at most, for group {group}, as \
             {subscription}"
        ),
        PushFact::Came { subscription, number, bytes } => {
            format!("gets push {number} of {subscription}, of {bytes} bytes")
        }
        PushFact::CreditGiven { subscription, through } => {
            format!("has worked through {subscription} up to push {through}, and can take more")
        }
        PushFact::CreditSpent { subscription, partition } => {
            format!("has more of {partition} for {subscription} than its consumer can take, and waits")
        }
        PushFact::Over { subscription, partition, ending } => {
            let why = match ending {
                Ending::Refused(refusal) => format!("the broker says that {refusal}"),
                Ending::Forgotten => "the broker does not know it".to_owned(),
                Ending::Lost => "a push is missing".to_owned(),
                Ending::Silent => "the broker is silent".to_owned(),
            };
            format!("finds that {subscription} of {partition} is over, since {why}")
        }
    }
}
