//! Three replicas with their logs, a controller, and every answer that was ever given.

use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState, SetRefusal};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::replica::{
    EndAnswer, FetchAnswer, Flush, Leadership, Lineage, Replica, Role, Settings,
};

pub const SETTINGS: Settings = Settings { flush: Flush::BeforeAck, min_insync: 1, defects: Defects::NONE };

/// The epoch of a record, and which one it is.
pub type Entry = (u32, u32);

#[derive(Clone, Debug)]
pub enum Answer {
    End(EndAnswer),
    Fetched(FetchAnswer, Option<Entry>),
}

pub struct Stage {
    pub replicas: Vec<Replica>,
    pub logs: Vec<Vec<Entry>>,
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
        let life = self.replicas[broker].life().1;
        let cut = self.replicas[broker].ordered(&self.state, life, SETTINGS);
        self.cut(broker, cut);
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
    }

    /// A follower asks, and the answer is kept; who gets it is another matter.
    pub fn ask(&mut self, broker: usize) {
        let replica = &self.replicas[broker];
        if let Some((leader, request)) = replica.end_request() {
            let answer = self.replicas[usize::from(leader.0)].end_of_epoch(&request, SETTINGS);
            self.answers.extend(answer.map(Answer::End));
        } else if let Some((leader, request)) = replica.fetch_request(SETTINGS) {
            let leader = usize::from(leader.0);
            if let Ok(answer) = self.replicas[leader].fetch(&request, SETTINGS) {
                let entry = self.logs[leader].get(request.offset.0 as usize).copied();
                self.answers.push(Answer::Fetched(answer, entry));
            }
        }
    }

    /// An answer arrives, now or again. Whether it was taken.
    pub fn answered(&mut self, answer: &Answer) -> bool {
        match answer {
            Answer::End(answer) => {
                let broker = usize::from(answer.request.asker.broker.0);
                let taken = self.replicas[broker].end_answered(answer);
                self.cut(broker, taken.ok().flatten());
                taken.is_ok()
            }
            Answer::Fetched(answer, entry) => {
                let broker = usize::from(answer.request.asker.broker.0);
                let batches = entry.map(|(epoch, _)| (rehearsal_model::queue::offset::LeaderEpoch(epoch), 1));
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
        let kept = old.persisted_end();
        let mut lineage = old.lineage().clone();
        lineage.truncated(kept);
        let (me, life) = (old.life().0, BrokerEpoch(old.life().1.0 + 1));
        self.replicas[broker] = Replica::recovered(me, life, Offset::ZERO..kept, lineage, Offset::ZERO);
        self.logs[broker].truncate(kept.0 as usize);
        self.state = self.state.restarted(me, false, SETTINGS.min_insync, Defects::NONE);
    }

    fn cut(&mut self, broker: usize, to: Option<Offset>) {
        if let Some(to) = to {
            self.logs[broker].truncate(to.0 as usize);
        }
    }

    /// Notes what leaders acknowledge by now.
    pub fn note(&mut self) {
        for broker in 0..3 {
            let through = self.replicas[broker].watermark().0 as usize;
            if self.leadership(broker).is_some() && through > self.acknowledged.len() {
                self.acknowledged = self.logs[broker][..through].to_vec();
            }
        }
    }
}
