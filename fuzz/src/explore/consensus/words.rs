//! Steps and states in words.

use super::action::{Action, Move};
use super::state::{Letter, Node, State};
use rehearsal_model::coordination::consensus::{LogEntry, MemberId, Message};

/// A step.
pub(super) fn label(action: &Action) -> String {
    let what = match &action.what {
        Move::Stand(id) => format!("{} stands for election", name(*id)),
        Move::Beat(id) => format!("{} sends what others may lack", name(*id)),
        Move::Propose(id) => format!("{} takes a proposal", name(*id)),
        Move::Read(id) => format!("{} is asked for a read", name(*id)),
        Move::Deliver(letter) => format!("{} arrives", letter_words(letter)),
        Move::Sync(id, ticket) => format!("the disk of {} has its writes up to {}", name(*id), ticket.0),
        Move::Crash(id, 0) => format!("{} dies and comes back with what its disk had", name(*id)),
        Move::Crash(id, kept) => {
            format!("{} dies and comes back with what its disk had and {kept} writes more", name(*id))
        }
    };
    let lost: Vec<String> = action.lost.iter().map(letter_words).collect();
    if lost.is_empty() { what } else { format!("{what}, while {} is lost", lost.join(", and ")) }
}

fn name(id: MemberId) -> String {
    format!("member-{}", id.0)
}

fn letter_words(letter: &Letter) -> String {
    let what = match &letter.message {
        Message::RequestVote { term, last, last_term } => {
            format!("the wish to lead in term {} (log up to {} of term {})", term.0, last.0, last_term.0)
        }
        Message::Vote { term, granted: true } => format!("the vote for term {}", term.0),
        Message::Vote { term, granted: false } => format!("the refusal to vote in term {}", term.0),
        Message::Append { term, before, before_term, entries, committed, round } => format!(
            "term {}'s {} behind {} of term {} (committed {}, round {round})",
            term.0,
            log_words(entries),
            before.0,
            before_term.0,
            committed.0
        ),
        Message::Install { term, snapshot, round } => {
            format!("term {}'s snapshot through {} (round {round})", term.0, snapshot.through.0)
        }
        Message::Appended { term, result: Ok(matched), round } => {
            format!("the answer in term {} that {} is there (round {round})", term.0, matched.0)
        }
        Message::Appended { term, result: Err(mismatch), round } => {
            format!("the answer in term {} to try behind {} (round {round})", term.0, mismatch.hint.0)
        }
    };
    format!("{what} from {} to {}", name(letter.from), name(letter.to))
}

/// What a step changed that somebody would ask about.
pub(super) fn consequences(before: &State, after: &State) -> Vec<String> {
    let mut told = Vec::new();
    for ((id, old), (_, new)) in before.members().zip(after.members()) {
        let (was, is) = (&old.member, &new.member);
        if is.leads() && !(was.leads() && was.term() == is.term()) {
            told.push(format!("{} leads in term {}", name(id), is.term().0));
        }
        if was.leads() && !is.leads() {
            told.push(format!("{} leads no more", name(id)));
        }
        if was.log() != is.log() {
            told.push(format!("the log of {} is now {}", name(id), log_words(is.log())));
        }
        if is.committed() > was.committed() {
            told.push(format!("{} has committed up to {}", name(id), is.committed().0));
        }
    }
    if after.answered > before.answered {
        let how = if after.stale_read && !before.stale_read { ", with less than was committed" } else { "" };
        told.push(format!("a read is answered{how}"));
    }
    told
}

/// A state: each member in a line, then what was committed.
pub(super) fn picture(state: &State) -> Vec<String> {
    let mut lines: Vec<String> =
        state.members().map(|(id, node)| format!("{}  {}", name(id), node_words(node))).collect();
    let committed: Vec<LogEntry<u8>> = state.committed.iter().map(|known| known.entry.clone()).collect();
    lines.push(format!("committed  {}", log_words(&committed)));
    lines
}

fn node_words(node: &Node) -> String {
    let member = &node.member;
    let role = match (member.leads(), member.votes()) {
        (true, _) => "leads".to_owned(),
        (false, Some(votes)) => {
            format!(
                "stands with the votes of {}",
                votes.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", ")
            )
        }
        (false, None) => "follows".to_owned(),
    };
    let (log, disk) = (log_words(member.log()), log_words(&node.disk.log));
    let vote = node.vote().map_or(String::new(), |id| format!(", voted for {}", name(id)));
    format!(
        "term {}{vote}: {role}; log {log}, on disk {disk}, committed {}",
        member.term().0,
        member.committed().0
    )
}

fn log_words(log: &[LogEntry<u8>]) -> String {
    let entry = |entry: &LogEntry<u8>| match entry.command {
        Some(command) => format!("{}@{}", char::from(b'a' + command - 1), entry.term.0),
        None => format!("-@{}", entry.term.0),
    };
    format!("[{}]", log.iter().map(entry).collect::<Vec<_>>().join(" "))
}
