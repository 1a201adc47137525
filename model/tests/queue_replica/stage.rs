//! Three replicas with their logs, a controller, and every answer that was ever given.

use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState, SetRefusal};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{
    EndAnswer, FetchAnswer, Flush, Leadership, Lineage, OutOfRangeAnswer, Refusal, Replica, Role, Settings,
};

pub const SETTINGS: Settings = Settings { flush: Flush::BeforeAck, min_insync: 1, defects: Defects::NONE };

/// The epoch of a record, and which one it is.
pub type Entry = (u32, u32);

#[derive(Clone, Debug)]
pub enum Answer {
    End(EndAnswer),
    Fetched(FetchAnswer, Option<Entry>),
    OutOfRange(OutOfRangeAnswer),
}

/// What stands below the start of a log.
const GONE: Entry = (u32::MAX, u32::MAX);

/// A log as it was before it began anew, as far as its disk had it: a crash brings it back.
#[derive(Clone, Debug)]
struct Former {
    start: Offset,
    log: Vec<Entry>,
}

pub struct Stage {
    pub replicas: Vec<Replica>,
    /// Every record by its offset; those below the start are not there any more.
    pub logs: Vec<Vec<Entry>>,
    starts: Vec<Offset>,
    formers: Vec<Option<Former>>,
    pub state: PartitionState,
    pub answers: Vec<Answer>,
    pub acknowledged: Vec<Entry>,
    appended: u32,
}

impl Stage {
    pub fn new() -> Stage {
        let life = BrokerEpoch(0);
        let replica = |number| {
            let empty = Offset::ZERO..Offset::ZERO;
            Replica::recovered(BrokerId(number), life, empty, Lineage::default(), Offset::ZERO)
        };
        Stage {
            replicas: (0..3).map(replica).collect(),
            logs: vec![Vec::new(); 3],
            starts: vec![Offset::ZERO; 3],
            formers: vec![None; 3],
            state: PartitionState::new(Brokers::first(3), Leader { broker: BrokerId(0), life }),
            answers: Vec::new(),
            acknowledged: Vec::new(),
            appended: 0,
        }
    }

    pub fn leadership(&self, broker: usize) -> Option<&Leadership> {
        match self.replicas[broker].role() {
            Role::Leading(leadership) => Some(leadership),
            _ => None,
        }
    }

    pub fn hear(&mut self, broker: usize) {
        let (life, persisted) = (self.replicas[broker].life().1, self.replicas[broker].persisted_end());
        let cut = self.replicas[broker].ordered(&self.state, life, SETTINGS);
        self.cut_from(broker, cut, persisted);
    }

    pub fn append(&mut self, broker: usize) {
        if self.replicas[broker].append(1, true, SETTINGS).is_ok() {
            self.logs[broker].push((self.replicas[broker].epoch().0, self.appended));
            self.appended += 1;
        }
    }

    pub fn sync(&mut self, broker: usize) {
        let end = self.replicas[broker].end();
        self.replicas[broker].persisted(end, SETTINGS);
        self.formers[broker] = None;
    }

    /// Retention takes what is before `share` hundredths of what may go.
    pub fn expire(&mut self, broker: usize, share: u64) {
        let replica = &mut self.replicas[broker];
        let start = replica.start().0;
        let start = Offset(start + (replica.watermark().0 - start) * share / 100);
        replica.expired(start);
        self.starts[broker] = start;
    }

    /// A follower asks, and the answer is kept; who gets it is another matter.
    pub fn ask(&mut self, broker: usize) {
        let replica = &self.replicas[broker];
        if let Some((leader, request)) = replica.end_request() {
            let answer = self.replicas[usize::from(leader.0)].end_of_epoch(&request, SETTINGS);
            self.answers.extend(answer.map(Answer::End));
        } else if let Some((leader, request)) = replica.fetch_request(SETTINGS) {
            let leader = usize::from(leader.0);
            match self.replicas[leader].fetch(&request, SETTINGS) {
                Ok(answer) => {
                    let entry = self.logs[leader].get(request.offset.0 as usize).copied();
                    self.answers.push(Answer::Fetched(answer, entry));
                }
                Err(Refusal::OutOfRange { start, .. }) => {
                    self.answers.push(Answer::OutOfRange(OutOfRangeAnswer { request, start }));
                }
                Err(_) => {}
            }
        }
    }

    /// An answer arrives, now or again. Whether it was taken.
    pub fn answered(&mut self, answer: &Answer) -> bool {
        match answer {
            Answer::OutOfRange(answer) => {
                let broker = usize::from(answer.request.asker.broker.0);
                let persisted = self.replicas[broker].persisted_end();
                let taken = self.replicas[broker].out_of_range(answer, SETTINGS);
                self.cut_from(broker, taken.ok().flatten(), persisted);
                taken.is_ok()
            }
            Answer::End(answer) => {
                let broker = usize::from(answer.request.asker.broker.0);
                let persisted = self.replicas[broker].persisted_end();
                let taken = self.replicas[broker].end_answered(answer);
                self.cut_from(broker, taken.ok().flatten(), persisted);
                taken.is_ok()
            }
            Answer::Fetched(answer, entry) => {
                let broker = usize::from(answer.request.asker.broker.0);
                let batches = entry.map(|(epoch, _)| (LeaderEpoch(epoch), 1));
                let taken = self.replicas[broker].fetched(answer, batches, SETTINGS);
                if taken.is_ok() {
                    self.logs[broker].extend(entry);
                }
                taken.is_ok()
            }
        }
    }

    pub fn elect(&mut self, broker: usize) {
        let broker = BrokerId(broker as u8);
        if self.state.candidates(Brokers::only(broker), Defects::NONE).has(broker) {
            let life = self.replicas[usize::from(broker.0)].life().1;
            self.state = self.state.elected(Leader { broker, life }, SETTINGS.min_insync);
        }
    }

    /// A leader asks for another set, and the controller decides at once.
    pub fn change_set(&mut self, leader: usize, other: usize) {
        let id = BrokerId(other as u8);
        let replica = &mut self.replicas[leader];
        let request = match replica.expand(id, SETTINGS) {
            Some(request) => Some(request),
            None => replica.shrink(Brokers::only(id), SETTINGS),
        };
        let Some(request) = request else { return };
        let life_of = |broker: BrokerId| Some(self.replicas[usize::from(broker.0)].life().1);
        match self.state.change_set(&request, life_of, SETTINGS.min_insync, Defects::NONE) {
            Ok(state) => self.state = state,
            Err(SetRefusal::Stale) => {}
            Err(_) => self.replicas[leader].set_refused(&request, SETTINGS),
        }
    }

    /// A broker dies and keeps what its disk has.
    pub fn restart(&mut self, broker: usize) {
        let old = &self.replicas[broker];
        let (me, life) = (old.life().0, BrokerEpoch(old.life().1.0 + 1));
        let kept = old.persisted_end();
        match self.formers[broker].take() {
            Some(Former { start, log }) => (self.starts[broker], self.logs[broker]) = (start, log),
            None => self.logs[broker].truncate(kept.0 as usize),
        }
        let (start, end) = (self.starts[broker], Offset(self.logs[broker].len() as u64));
        let lineage = self.lineage(broker);
        self.replicas[broker] = Replica::recovered(me, life, start..end, lineage, start);
        self.state = self.state.restarted(me, false, SETTINGS.min_insync, Defects::NONE);
    }

    /// The lineage of the log as it is.
    pub fn lineage(&self, broker: usize) -> Lineage {
        let mut lineage = Lineage::default();
        let start = self.starts[broker].0 as usize;
        for (offset, (epoch, _)) in self.logs[broker].iter().enumerate().skip(start) {
            lineage.appended(LeaderEpoch(*epoch), Offset(offset as u64));
        }
        lineage
    }

    /// Drops what the replica wants dropped of a log of which the disk had everything before `persisted`.
    fn cut_from(&mut self, broker: usize, to: Option<Offset>, persisted: Offset) {
        let Some(to) = to else { return };
        let start = self.replicas[broker].start();
        if start == self.starts[broker] {
            return self.logs[broker].truncate(to.0 as usize);
        }
        let mut log = std::mem::replace(&mut self.logs[broker], vec![GONE; to.0 as usize]);
        log.truncate(persisted.0 as usize);
        let former = Former { start: std::mem::replace(&mut self.starts[broker], start), log };
        self.formers[broker].get_or_insert(former);
    }

    /// Notes what leaders acknowledge by now.
    pub fn note(&mut self) {
        for broker in 0..3 {
            let through = self.replicas[broker].watermark().0 as usize;
            if self.leadership(broker).is_some() && through > self.acknowledged.len() {
                let known = self.acknowledged.len();
                self.acknowledged.extend_from_slice(&self.logs[broker][known..through]);
            }
        }
    }
}
