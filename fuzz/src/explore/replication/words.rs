//! Steps and states in words.

use super::action::{Action, Answer, Learnt, Left, Old};
use super::state::{Entry, Message, Node, State};
use rehearsal_model::queue::replica::{Asker, Role};

/// A step.
pub(super) fn label(action: &Action) -> String {
    match action {
        Action::Hear(broker, epoch, left) => {
            format!("{broker} hears of the partition's newest state in epoch {epoch}{}", left_words(left))
        }
        Action::Append(broker) => format!("{broker} appends a record"),
        Action::Sync(broker, through) => format!("the disk of {broker} has its log up to {through}"),
        Action::Serve(broker, Answer::Arrives) => format!("{broker} asks its leader, and is answered"),
        Action::Serve(broker, Answer::IsLost) => format!("{broker} asks its leader; the answer is lost"),
        Action::Serve(broker, Answer::IsOnItsWay) => {
            format!("{broker} asks its leader; the answer is on its way")
        }
        Action::Deliver(message) => format!("{} arrives late", message_words(message)),
        Action::Lose(message) => format!("{} is lost", message_words(message)),
        Action::Expand(leader, joining) => format!("{leader} asks for {joining} in the set"),
        Action::Shrink(leader, leaving) => format!("{leader} asks for a set without {leaving}"),
        Action::Decide(leader) => format!("the controller decides what {leader} asked for"),
        Action::Bury(broker) => format!("the controller takes {broker} for dead"),
        Action::Elect(broker, Old::Stays) => format!("the controller elects {broker}"),
        Action::Elect(broker, Old::IsBuried) => {
            format!("the controller takes the leader for dead and elects {broker}")
        }
        Action::Restart(broker, kept, left, learnt) => {
            let learnt = match learnt {
                Learnt::First => "",
                Learnt::Late => "; before the controller knows, it hears that its earlier life leads",
            };
            format!("{broker} dies, and comes back with its log up to {kept}{}{learnt}", left_words(left))
        }
    }
}

fn left_words(left: &Left) -> String {
    match left {
        Left::Nothing => String::new(),
        Left::Fetch => ", its last fetch still on its way".to_owned(),
        Left::FetchInsteadOf(lost) => {
            format!(", its last fetch still on its way, while {} is lost", message_words(lost))
        }
    }
}

fn message_words(message: &Message) -> String {
    let asker = |asker: &Asker| format!("{} in epoch {}, life {}", asker.broker, asker.epoch, asker.life.0);
    match message {
        Message::Fetch(to, request) => {
            format!("the fetch from {} by {} to {to}", request.offset, asker(&request.asker))
        }
        Message::Fetched(answer, entry) => {
            let what = entry.map_or("nothing".to_owned(), entry_words);
            let request = &answer.request;
            let watermark = answer.watermark;
            let asker = asker(&request.asker);
            format!(
                "the answer ({what}, watermark {watermark}) to the fetch from {} by {asker}",
                request.offset
            )
        }
        Message::End(answer) => {
            let request = &answer.request;
            let end = answer.end.end;
            let found = answer.end.found.map_or("none".to_owned(), |epoch| epoch.to_string());
            format!(
                "the answer (epoch {found} ends at {end}) to where epoch {} ends for {}",
                request.last,
                asker(&request.asker)
            )
        }
    }
}

/// What a step changed that somebody would ask about.
pub(super) fn consequences(before: &State, after: &State) -> Vec<String> {
    let mut told = Vec::new();
    for ((broker, old), (_, new)) in before.brokers().zip(after.brokers()) {
        if old.log != new.log {
            told.push(format!("the log of {broker} is now {}", log_words(&new.log)));
        }
        if old.leadership().is_none()
            && let Some(leads) = new.leadership()
        {
            told.push(format!("{broker} leads in epoch {}", leads.epoch()));
        }
        if old.replica.watermark() != new.replica.watermark() {
            told.push(format!("its watermark at {broker} is {}", new.replica.watermark()));
        }
    }
    let (old, new) = (before.present(), after.present());
    if old.in_sync != new.in_sync {
        told.push(format!("the in-sync set is {}", new.in_sync));
    }
    if let Some(more) = after.promised.get(before.promised.len()..)
        && !more.is_empty()
    {
        told.push(format!("{} is acknowledged", log_words(more)));
    }
    told
}

/// A state: each broker in a line, then the controller and what was acknowledged.
pub(super) fn picture(state: &State) -> Vec<String> {
    let mut lines: Vec<String> =
        state.brokers().map(|(broker, node)| format!("{broker}  {}", node_words(node))).collect();
    let present = state.present();
    let leader =
        present.leader.map_or("nobody leads".to_owned(), |leader| format!("{} leads", leader.broker));
    lines.push(format!("controller  epoch {}: {leader}, in sync {}", present.epoch, present.in_sync));
    lines.push(format!("acknowledged  {}", log_words(&state.promised)));
    lines
}

fn node_words(node: &Node) -> String {
    let replica = &node.replica;
    let role = match replica.role() {
        Role::Idle => "idle".to_owned(),
        Role::Truncating(leader) => format!("asks {leader} where to cut in epoch {}", replica.epoch()),
        Role::Fetching(leader) => format!("fetches from {leader} in epoch {}", replica.epoch()),
        Role::Leading(leads) => format!("leads in epoch {}, set {}", leads.epoch(), leads.in_sync()),
    };
    let (watermark, persisted) = (replica.watermark(), replica.persisted_end());
    format!("{role}; log {}, on disk up to {persisted}, watermark {watermark}", log_words(&node.log))
}

fn log_words(log: &[Entry]) -> String {
    format!("[{}]", log.iter().copied().map(entry_words).collect::<Vec<_>>().join(" "))
}

/// A record by a letter, and in whose time it was appended.
fn entry_words(entry: Entry) -> String {
    format!("{}@{}", char::from(b'a' + entry.record), entry.epoch)
}
