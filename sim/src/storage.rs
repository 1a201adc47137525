//! Disks with time: every operation takes a while, and a crash may come in between.

mod ailing;

use crate::audience::Incident;
use crate::decider::{Question, Site};
use crate::disk::{CrashLottery, Disk, FileId, WriteFate};
use crate::kernel::{Event, Kernel};
use crate::life::Life;
use crate::mixing::mix;
use crate::tally::FaultClass;
use crate::tasks::Waits;
use crate::trace::Traced;
use rehearsal_env::{EventId, File, NodeId, StorageError};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Odds that a crash keeps, tears or loses an unsynced write.
const KEPT_TORN_LOST: [u32; 3] = [1, 2, 1];

#[derive(Debug)]
enum Request {
    Open(String),
    Rename(String, String),
    Remove(String),
    List,
    SyncNames { covered: usize },
    Read { file: FileId, offset: u64, length: usize },
    Length(FileId),
    Write { file: FileId, offset: u64, bytes: Vec<u8> },
    Append { file: FileId, bytes: Vec<u8> },
    Truncate { file: FileId, length: u64 },
    Sync { file: FileId, covered: usize },
}

#[derive(Debug)]
enum Response {
    Opened(FileId),
    Names(Vec<String>),
    Bytes(Vec<u8>),
    Number(u64),
    Done,
}

#[derive(Debug)]
enum Progress {
    UnderWay {
        waker: Waker,
    },
    /// Under way, but nobody waits for it.
    Abandoned,
    Finished(Result<Response, StorageError>),
}

/// One operation that was begun.
#[derive(Debug)]
pub(crate) struct DiskOperation {
    node: NodeId,
    id: EventId,
    request: Option<Request>,
    progress: Progress,
}

impl DiskOperation {
    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    fn is_under_way_at(&self, node: NodeId) -> bool {
        self.node == node && !matches!(self.progress, Progress::Finished(_))
    }
}

impl Request {
    fn is_sync(&self) -> bool {
        matches!(self, Request::Sync { .. } | Request::SyncNames { .. })
    }

    /// As it is told to people.
    fn in_words(&self) -> String {
        match self {
            Request::Open(name) => format!("opens `{name}`"),
            Request::Rename(from, to) => format!("renames `{from}` to `{to}`"),
            Request::Remove(name) => format!("removes `{name}`"),
            Request::List => "lists its files".to_owned(),
            Request::SyncNames { .. } => "syncs the names of its files".to_owned(),
            Request::Read { offset, length: usize::MAX, .. } => format!("reads all from {offset} on"),
            Request::Read { offset, length, .. } => format!("reads {length} bytes at {offset}"),
            Request::Length(_) => "asks how long a file is".to_owned(),
            Request::Write { offset, bytes, .. } => format!("writes {} bytes at {offset}", bytes.len()),
            Request::Append { bytes, .. } => format!("appends {} bytes", bytes.len()),
            Request::Truncate { length, .. } => format!("cuts a file to {length} bytes"),
            Request::Sync { .. } => "syncs a file".to_owned(),
        }
    }

    fn apply(self, disk: &mut Disk) -> Result<Response, StorageError> {
        match self {
            Request::Open(name) => disk.open(&name).map(Response::Opened),
            Request::Rename(from, to) => disk.rename(&from, &to).map(|()| Response::Done),
            Request::Remove(name) => disk.remove(&name).map(|()| Response::Done),
            Request::List => Ok(Response::Names(disk.list())),
            Request::SyncNames { covered } => {
                disk.sync_names(covered);
                Ok(Response::Done)
            }
            Request::Read { file, offset, length } => disk.read(file, offset, length).map(Response::Bytes),
            Request::Length(file) => disk.length(file).map(Response::Number),
            Request::Write { file, offset, bytes } => {
                disk.write(file, offset, bytes).map(|()| Response::Done)
            }
            Request::Append { file, bytes } => disk.append(file, bytes).map(Response::Number),
            Request::Truncate { file, length } => disk.truncate(file, length).map(|()| Response::Done),
            Request::Sync { file, covered } => disk.sync(file, covered).map(|()| Response::Done),
        }
    }
}

/// Waits for one operation; begins it when first polled.
struct Waiting {
    life: Rc<Life>,
    request: Option<Request>,
    slot: Option<u32>,
}

impl Waiting {
    fn begin(&mut self, mut request: Request, waker: Waker) -> u32 {
        let kernel = &*self.life.kernel;
        {
            let nodes = kernel.nodes.borrow();
            let disk = &nodes[self.life.node.index()].disk;
            match &mut request {
                Request::Sync { file, covered } => *covered = disk.changes_so_far(*file),
                Request::SyncNames { covered } => *covered = disk.names_so_far(),
                _ => {}
            }
        }
        let id = kernel.next_id();
        let settings = &kernel.settings.disk;
        let (low, high) = if request.is_sync() {
            (settings.sync_min, settings.sync_max)
        } else {
            (settings.access_min, settings.access_max)
        };
        let entity = u64::from(self.life.node.0);
        let question = Question { cause: id.0, entity, site: Site::DiskLatency, ordinal: 0 };
        let takes = Duration::from_nanos(kernel.value(question, low.0, high.0));
        let takes = kernel.takes_on_disk(&kernel.nodes.borrow()[self.life.node.index()], takes);
        let does = if kernel.tracing.is_on() { request.in_words() } else { String::new() };
        let operation = DiskOperation {
            node: self.life.node,
            id,
            request: Some(request),
            progress: Progress::UnderWay { waker },
        };
        let slot = kernel.operations.borrow_mut().insert(operation);
        kernel.schedule(kernel.now.get() + takes, id, Event::Disk(slot));
        kernel.trace(Some(self.life.node), || Traced::DiskBegan { operation: id, does });
        slot
    }
}

impl Future for Waiting {
    type Output = Result<Response, StorageError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let life = self.life.clone();
        if let Some(request) = self.request.take() {
            self.slot = Some(self.begin(request, context.waker().clone()));
        }
        let Some(slot) = self.slot else { panic!("a disk operation was polled after it had ended") };
        let mut operations = life.kernel.operations.borrow_mut();
        if let Progress::UnderWay { waker } = &mut operations.get_mut(slot).progress {
            waker.clone_from(context.waker());
            life.kernel.waits.set(Waits::Disk);
            return Poll::Pending;
        }
        self.slot = None;
        match operations.remove(slot).progress {
            Progress::Finished(result) => Poll::Ready(result),
            _ => unreachable!("an operation that is waited for is under way or finished"),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut operations = self.life.kernel.operations.borrow_mut();
        let operation = operations.get_mut(slot);
        if matches!(operation.progress, Progress::Finished(_)) {
            operations.remove(slot);
        } else {
            operation.progress = Progress::Abandoned;
        }
    }
}

impl Kernel {
    /// A disk operation completes. One of a node that crashed meanwhile was judged at the crash.
    pub(crate) fn complete(&self, slot: u32) {
        let mut operations = self.operations.borrow_mut();
        let operation = operations.get_mut(slot);
        let Some(request) = operation.request.take() else {
            operations.remove(slot);
            return;
        };
        let result = self.perform(operation.node, operation.id, request);
        self.trace(Some(operation.node), || Traced::DiskEnded {
            operation: operation.id,
            error: result.as_ref().err().map(ToString::to_string),
        });
        match std::mem::replace(&mut operation.progress, Progress::Finished(result)) {
            Progress::UnderWay { waker } => self.wake(&waker),
            _ => {
                operations.remove(slot);
            }
        }
    }

    fn perform(&self, node: NodeId, id: EventId, request: Request) -> Result<Response, StorageError> {
        let mut nodes = self.nodes.borrow_mut();
        let state = &mut nodes[node.index()];
        if state.failing_syncs > 0
            && let Request::Sync { file, covered } = request
        {
            state.failing_syncs -= 1;
            state.disk.poison(file);
            self.effect(FaultClass::FailedSync);
            self.report(Incident::SyncFailed(node));
            let question =
                Question { cause: id.0, entity: u64::from(node.0), site: Site::UnderWay, ordinal: 0 };
            if self.fate(question, &[1, 1]) == 1 {
                state.disk.sync_despite_poison(file, covered);
            }
            return Err(StorageError::Device);
        }
        state.disk.operation = id.0;
        let result = match state.machine {
            None => request.apply(&mut state.disk),
            Some(_) => self.apply_to_ailing(node, id, request, state),
        };
        if matches!(result, Err(StorageError::NoSpace)) {
            for fault in &state.filled_by {
                self.fault_had_effect(*fault, FaultClass::FullDisk);
            }
            self.report(Incident::NoSpace(node));
        }
        result
    }

    /// Judges what a crash leaves of a node's disk: first the operations under way, each of which
    /// happened or did not, then every unsynced write.
    pub(crate) fn crash_disk(&self, node: NodeId, cause: EventId) {
        let mut nodes = self.nodes.borrow_mut();
        let disk = &mut nodes[node.index()].disk;
        let mut lottery = Lottery { kernel: self, node, cause, spoiled: false };
        for operation in self.operations.borrow_mut().values_mut() {
            if operation.is_under_way_at(node)
                && let Some(request) = operation.request.take()
                && self.fate(lottery.question(operation.id.0, Site::UnderWay, 0), &[1, 1]) == 1
            {
                disk.operation = operation.id.0;
                // Nobody is left to be told of its failure.
                let _ = request.apply(disk);
            }
        }
        disk.crash(&mut lottery);
        if lottery.spoiled {
            self.report(Incident::WriteSpoiled(node));
        }
    }

    /// The disk that the node's operations are on is lost: none of them will have happened.
    pub(crate) fn forget_operations(&self, node: NodeId) {
        for operation in self.operations.borrow_mut().values_mut() {
            if operation.is_under_way_at(node) {
                operation.request = None;
            }
        }
    }

    /// Whether a crash of this node now would find something unsure on its disk.
    pub(crate) fn disk_is_unsure(&self, node: NodeId) -> bool {
        self.nodes.borrow()[node.index()].disk.has_unsynced()
            || self.operations.borrow().values().any(|operation| operation.is_under_way_at(node))
    }
}

struct Lottery<'a> {
    kernel: &'a Kernel,
    node: NodeId,
    /// The crash.
    cause: EventId,
    spoiled: bool,
}

impl Lottery<'_> {
    /// What this crash does to that operation: keyed by both, so that it does not depend on what else the crash
    /// found.
    fn question(&self, operation: u64, site: Site, ordinal: u32) -> Question {
        Question { cause: mix(self.cause.0, operation), entity: u64::from(self.node.0), site, ordinal }
    }
}

impl CrashLottery for Lottery<'_> {
    fn write(&mut self, operation: u64, borders: u64) -> WriteFate {
        let [kept, torn, lost] = KEPT_TORN_LOST;
        let torn = if borders == 0 { 0 } else { torn };
        let kernel = self.kernel;
        let fate = match kernel.fate(self.question(operation, Site::CrashedWrite, 0), &[kept, torn, lost]) {
            0 => return WriteFate::Kept,
            1 => {
                let border = kernel.value(self.question(operation, Site::TornSector, 0), 0, borders - 1);
                let front = kernel.fate(self.question(operation, Site::TornSector, 1), &[2, 1]);
                WriteFate::Torn { border, keeps_front: front == 0 }
            }
            _ => WriteFate::Lost,
        };
        kernel.strike(class_of(fate));
        fate
    }

    fn names(&mut self, changes: usize) -> usize {
        if changes == 0 {
            return 0;
        }
        self.kernel.value(self.question(0, Site::CrashedNames, 0), 0, changes as u64) as usize
    }

    fn spoiled(&mut self, fate: WriteFate, changed: bool) {
        if changed {
            self.spoiled = true;
            self.kernel.effect(class_of(fate));
        }
    }
}

fn class_of(fate: WriteFate) -> FaultClass {
    if matches!(fate, WriteFate::Torn { .. }) { FaultClass::TornWrite } else { FaultClass::LostWrite }
}

/// The file operations of a handle.
impl Life {
    async fn ask_disk(self: &Rc<Life>, request: Request) -> Result<Response, StorageError> {
        if !self.alive.get() {
            return std::future::pending().await;
        }
        Waiting { life: self.clone(), request: Some(request), slot: None }.await
    }

    pub(crate) async fn open(self: &Rc<Life>, name: &str) -> Result<SimFile, StorageError> {
        match self.ask_disk(Request::Open(name.to_owned())).await? {
            Response::Opened(file) => Ok(SimFile { life: self.clone(), file }),
            other => unreachable!("opening answers with a file, not {other:?}"),
        }
    }

    pub(crate) async fn rename(self: &Rc<Life>, from: &str, to: &str) -> Result<(), StorageError> {
        self.ask_disk(Request::Rename(from.to_owned(), to.to_owned())).await.map(|_| ())
    }

    pub(crate) async fn remove(self: &Rc<Life>, name: &str) -> Result<(), StorageError> {
        self.ask_disk(Request::Remove(name.to_owned())).await.map(|_| ())
    }

    pub(crate) async fn list(self: &Rc<Life>) -> Result<Vec<String>, StorageError> {
        match self.ask_disk(Request::List).await? {
            Response::Names(names) => Ok(names),
            other => unreachable!("listing answers with names, not {other:?}"),
        }
    }

    pub(crate) async fn sync_dir(self: &Rc<Life>) -> Result<(), StorageError> {
        self.ask_disk(Request::SyncNames { covered: 0 }).await.map(|_| ())
    }
}

/// An open file in the seeded world.
pub struct SimFile {
    life: Rc<Life>,
    file: FileId,
}

impl SimFile {
    async fn number(&self, request: Request) -> Result<u64, StorageError> {
        match self.life.ask_disk(request).await? {
            Response::Number(number) => Ok(number),
            other => unreachable!("this operation answers with a number, not {other:?}"),
        }
    }
}

impl File for SimFile {
    async fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        match self.life.ask_disk(Request::Read { file: self.file, offset, length }).await? {
            Response::Bytes(bytes) => Ok(bytes),
            other => unreachable!("reading answers with bytes, not {other:?}"),
        }
    }

    async fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let request = Request::Write { file: self.file, offset, bytes: bytes.to_vec() };
        self.life.ask_disk(request).await.map(|_| ())
    }

    async fn append(&self, bytes: &[u8]) -> Result<u64, StorageError> {
        self.number(Request::Append { file: self.file, bytes: bytes.to_vec() }).await
    }

    async fn len(&self) -> Result<u64, StorageError> {
        self.number(Request::Length(self.file)).await
    }

    async fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.life.ask_disk(Request::Truncate { file: self.file, length }).await.map(|_| ())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        self.life.ask_disk(Request::Sync { file: self.file, covered: 0 }).await.map(|_| ())
    }
}
