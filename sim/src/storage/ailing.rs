//! Operations on a disk with which something is wrong.

use super::{Request, Response};
use crate::audience::Incident;
use crate::decider::{Question, Site};
use crate::disk::FileId;
use crate::kernel::{Kernel, Node};
use crate::tally::FaultClass;
use rehearsal_env::{EventId, NodeId, StorageError};

impl Request {
    /// The file that it is about, if it reads one, writes to one, or syncs one.
    fn file(&self) -> Option<FileId> {
        match self {
            Request::Read { file, .. }
            | Request::Write { file, .. }
            | Request::Append { file, .. }
            | Request::Truncate { file, .. }
            | Request::Sync { file, .. } => Some(*file),
            _ => None,
        }
    }
}

impl Kernel {
    /// As [`Request::apply`], on a node with which something is wrong. What finds its file poisoned is refused for that.
    pub(super) fn apply_to_ailing(
        &self,
        node: NodeId,
        id: EventId,
        request: Request,
        state: &mut Node,
    ) -> Result<Response, StorageError> {
        let Some(file) = request.file().filter(|file| !state.disk.is_poisoned(*file)) else {
            return request.apply(&mut state.disk);
        };
        let Some(machine) = &mut state.machine else { return request.apply(&mut state.disk) };
        match request {
            Request::Read { .. } if machine.failing_reads > 0 => {
                machine.failing_reads -= 1;
                self.fails(node, FaultClass::FailedRead)
            }
            Request::Write { .. } | Request::Append { .. } | Request::Truncate { .. }
                if machine.failing_writes > 0 =>
            {
                machine.failing_writes -= 1;
                let question =
                    Question { cause: id.0, entity: u64::from(node.0), site: Site::UnderWay, ordinal: 0 };
                if self.fate(question, &[1, 1]) == 1 {
                    // Whether there was room for it nobody is told.
                    let _ = request.apply(&mut state.disk);
                }
                state.disk.poison(file);
                self.fails(node, FaultClass::FailedWrite)
            }
            Request::Sync { covered, .. } if machine.dropping_syncs > 0 => {
                machine.dropping_syncs -= 1;
                state.disk.drop_unsynced(file, covered);
                state.disk.poison(file);
                self.fails(node, FaultClass::DroppedSync)
            }
            Request::Read { offset, .. } if !machine.rots.is_empty() && state.disk.is_clean(file) => {
                self.read_rotten(node, id, (file, offset), request, state)
            }
            _ => request.apply(&mut state.disk),
        }
    }

    fn fails(&self, node: NodeId, class: FaultClass) -> Result<Response, StorageError> {
        self.effect(class);
        self.report(Incident::Failed(node, class));
        Err(StorageError::Device)
    }

    /// Reads, and turns one bit round. At the end of a file there is nothing that could rot.
    fn read_rotten(
        &self,
        node: NodeId,
        id: EventId,
        (file, offset): (FileId, u64),
        request: Request,
        state: &mut Node,
    ) -> Result<Response, StorageError> {
        let read = request.apply(&mut state.disk);
        let Ok(Response::Bytes(mut bytes)) = read else { return read };
        let rot =
            state.machine.as_mut().filter(|_| !bytes.is_empty()).and_then(|machine| machine.rots.pop_front());
        let Some(lasting) = rot else { return Ok(Response::Bytes(bytes)) };
        let ask = |ordinal| {
            let entity = u64::from(node.0);
            Question { cause: id.0, entity, site: Site::RottenByte, ordinal }
        };
        let at = self.value(ask(0), 0, bytes.len() as u64 - 1);
        let bit = 1 << self.value(ask(1), 0, 7);
        bytes[at as usize] ^= bit;
        if lasting {
            state.disk.rot(file, offset + at, bit);
        }
        self.effect(FaultClass::BitRot);
        self.report(Incident::Failed(node, FaultClass::BitRot));
        Ok(Response::Bytes(bytes))
    }
}
