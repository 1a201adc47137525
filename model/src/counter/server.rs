//! The server: receive, ask the ledger, write, sync, answer.

use super::defects::Defects;
use super::entry::{LENGTH, read_entries};
use super::facts::CounterFact;
use super::ledger::{Ledger, Step};
use super::messages::{Add, Added};
use rehearsal_env::{Env, File, Port, StorageError};

const FILE: &str = "entries";

/// Serves until the disk fails: nothing is sure then, so the program exits, and recovers when it is started
/// again.
pub async fn serve<E: Env<Fact = CounterFact>>(env: E, defects: Defects) {
    // Bound only when recovery is done: until then nobody is heard, and clients ask again.
    let Ok((file, mut ledger)) = recover(&env, defects).await else { return };
    let (requests, answers) = (env.bind::<Add>(), env.bind::<Added>());
    loop {
        let received = requests.recv().await;
        let add = received.message;
        let entry = match ledger.receive(&add) {
            Step::Answer(added) => {
                env.observe(CounterFact::Absorbed { request: add.request, attempt: add.attempt });
                answers.send(received.from, added);
                continue;
            }
            Step::Write(entry) => entry,
        };
        match file.append(&entry.encode()).await {
            Ok(_) => {}
            // Definitely not written: the client will ask again, and there may be room then.
            Err(StorageError::NoSpace) => continue,
            Err(_) => return,
        }
        if defects.answer_before_sync {
            answers.send(received.from, Added { request: entry.request, total: entry.total });
        }
        if file.sync().await.is_err() {
            return;
        }
        let added = ledger.persisted(&entry);
        env.observe(CounterFact::Counted(entry));
        answers.send(received.from, added);
    }
}

/// Reads the file, cuts off a torn end, and makes sure of what is left before anybody is told of it: an entry
/// whose sync failed can be read and yet be lost with the next crash.
async fn recover<E: Env<Fact = CounterFact>>(
    env: &E,
    defects: Defects,
) -> Result<(E::File, Ledger), StorageError> {
    let file = env.open(FILE).await?;
    let length = file.len().await?;
    let entries = read_entries(&file.read_at(0, length as usize).await?);
    let whole = (entries.len() * LENGTH) as u64;
    if whole < length {
        file.truncate(whole).await?;
    }
    file.sync().await?;
    env.sync_dir().await?;
    let ledger = Ledger::recovered(&entries, defects);
    env.observe(CounterFact::Recovered { entries, cut: length - whole });
    Ok((file, ledger))
}
