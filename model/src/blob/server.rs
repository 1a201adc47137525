//! A blob store as a node.
//!
//! 1. Read what is there; what was never finished, or has rotted, is not.
//! 2. Take one request after the other. A put is answered when its bytes and its name are durable.
//!
//! A failed disk ends the program: what it holds is for the next life to find out.

use super::messages::{Answer, Happening, Report, Request};
use super::store::{Admission, Store, is_part, part_of, seal, unseal};
use crate::session::{Patience, SessionServer};
use rehearsal_env::{Env, File, StorageError};

/// The longest file that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// Runs a blob store on this node. Returns when the disk failed.
pub async fn serve<E: Env>(env: E, patience: Patience, report: Report<E::Fact>) {
    let Ok(mut store) = recover(&env, report).await else { return };
    let server: SessionServer<E, Request, Answer> = SessionServer::bind(&env, patience);
    loop {
        let (session, request) = server.next().await;
        let Ok(answer) = carry_out(&env, &mut store, request, report).await else { return };
        server.answer(session, answer);
    }
}

async fn recover<E: Env>(env: &E, report: Report<E::Fact>) -> Result<Store, StorageError> {
    let mut store = Store::default();
    for file in env.list().await? {
        if is_part(&file) {
            continue;
        }
        let content = env.open(&file).await?.read_at(0, WHOLE).await?;
        if let Some(bytes) = unseal(&content) {
            store.stored(file, bytes);
        }
    }
    // A name that is seen is not sure.
    env.sync_dir().await?;
    store.names("").for_each(|name| say(env, name, report));
    Ok(store)
}

fn say<E: Env>(env: &E, name: &str, report: Report<E::Fact>) {
    report(&Happening::Stored { name: name.to_owned() }, &mut |fact| env.observe(fact));
}

async fn carry_out<E: Env>(
    env: &E,
    store: &mut Store,
    request: Request,
    report: Report<E::Fact>,
) -> Result<Answer, StorageError> {
    Ok(match request {
        Request::Put { name, bytes } => match store.admit(&name, &bytes) {
            Admission::Same => Answer::Stored,
            Admission::Occupied => Answer::Occupied,
            Admission::Write => {
                write(env, &name, &bytes).await?;
                say(env, &name, report);
                store.stored(name, &bytes);
                Answer::Stored
            }
        },
        Request::Get { name } if store.has(&name) => {
            let file = env.open(&name).await?.read_at(0, WHOLE).await?;
            Answer::Got(unseal(&file).map(Into::into))
        }
        Request::Get { .. } => Answer::Got(None),
        Request::Names { prefix } => Answer::Names(store.names(&prefix).cloned().collect()),
    })
}

async fn write<E: Env>(env: &E, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let part = part_of(name);
    let file = env.open(&part).await?;
    // Something may be left of a life before.
    file.truncate(0).await?;
    file.write_at(0, &seal(bytes)).await?;
    file.sync().await?;
    env.rename(&part, name).await?;
    env.sync_dir().await
}
