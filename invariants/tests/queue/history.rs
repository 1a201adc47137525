//! The vocabulary that the histories are written in: three brokers and one partition that do what they are told, right
//! or wrong, and say so in facts.

use rehearsal_env::{Incarnation, NodeId, Span, Stamp, Time, Violation};
use rehearsal_invariants::queue::{Rules, monitors};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::facts::{Fact, Fate, Stretch};
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::knobs::{Delivery, Retry, StartAt};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use rehearsal_model::queue::topics::KeyOrder;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What producers write to.
pub const PARTITION: Partition = Partition { topic: Topic::Named(0), number: 0 };
/// Where the group keeps its offsets.
pub const OFFSETS: Partition = Partition { topic: Topic::Offsets, number: 0 };

#[derive(Clone, Copy)]
pub enum Who {
    Coordination,
    Blobs,
    Broker(u8),
    Producer,
    Consumer(u32),
}

impl Who {
    fn node(self) -> u32 {
        match self {
            Who::Coordination => 0,
            Who::Blobs => 9,
            Who::Broker(number) => 1 + u32::from(number),
            Who::Producer => 10,
            Who::Consumer(number) => 20 + number,
        }
    }
}

/// Everything is on the safe side: acks all, flush before the answer, idempotent, at least once.
pub fn rules() -> Rules {
    Rules {
        brokers: 3,
        factor: 3,
        members: Brokers::first(3),
        min_insync: 2,
        flush: Flush::BeforeAck,
        acks: Acks::All,
        idempotent: true,
        max_in_flight: 5,
        delivery: Delivery::AtLeastOnce,
        transaction_timeout: Duration::from_secs(5),
        start: StartAt::Earliest,
        tags: BTreeMap::new(),
        wanted: BTreeMap::new(),
        pipes: BTreeSet::new(),
        unclean_election: false,
        retention: BTreeMap::new(),
        archive: false,
        calm_begins: Time(10_000_000_000),
        retry: Retry::None,
        retry_backoff: Span::millis(500),
        keys: BTreeMap::new(),
        groups: BTreeMap::from([(0, BTreeSet::from([PARTITION.topic]))]),
        loans: BTreeMap::new(),
        key_order: KeyOrder::Announced,
        partitions: BTreeSet::from([PARTITION, OFFSETS]),
    }
}

pub fn message(number: u32) -> MessageId {
    MessageId { producer: 0, number }
}

/// A batch of one message, by what wrote it.
pub fn stretch(base: u64, epoch: u32, number: u32) -> Stretch {
    let (base, epoch) = (Offset(base), LeaderEpoch(epoch));
    Stretch {
        base,
        end: base.plus(1),
        epoch,
        checksum: number,
        appended: 0,
        messages: vec![message(number)],
        within: None,
    }
}

/// Everything that happened. Methods that say something return the number of the fact, those that say more the number of
/// the last.
#[derive(Clone)]
pub struct History {
    pub facts: Vec<(Stamp, Fact)>,
    pub rules: Rules,
    /// How the partition is.
    pub state: PartitionState,
    logs: BTreeMap<u8, Vec<Stretch>>,
    time: Time,
    incarnations: BTreeMap<u32, u32>,
    lives: u64,
}

impl History {
    /// Three brokers that are all in sync, led by the first, and a producer; nobody consumes.
    pub fn begin() -> History {
        History::with(Rules { groups: BTreeMap::new(), ..rules() })
    }

    pub fn with(rules: Rules) -> History {
        let leader = Leader { broker: BrokerId(0), life: BrokerEpoch(1) };
        let mut history = History {
            facts: Vec::new(),
            rules,
            state: PartitionState::new(Brokers::first(3), leader),
            logs: BTreeMap::from([(0, vec![]), (1, vec![]), (2, vec![])]),
            time: Time(0),
            incarnations: BTreeMap::new(),
            lives: 0,
        };
        (0..3).for_each(|broker| {
            history.come_up(broker, 0);
        });
        history.say(Who::Coordination, Fact::ControllerChanged { broker: Some(BrokerId(0)), epoch: 1 });
        let state = history.state.clone();
        let elsewhere = Leader { broker: BrokerId(2), life: BrokerEpoch(3) };
        let of_offsets = PartitionState { leader: Some(elsewhere), ..state.clone() };
        for (partition, state) in [(OFFSETS, of_offsets), (PARTITION, state)] {
            history.say(Who::Coordination, Fact::PartitionChanged { partition, state });
        }
        history.lead(0);
        history
    }

    /// As [`begin`](History::begin), with consumer 0 alone in group 0.
    pub fn with_a_group() -> History {
        let mut history = History::with(rules());
        history.own(0, 1);
        history.position(0, 0, false);
        history
    }

    pub fn say(&mut self, who: Who, fact: Fact) -> u64 {
        self.time = self.time + Duration::from_millis(1);
        let stamp = Stamp {
            number: self.facts.len() as u64,
            time: self.time,
            node: NodeId(who.node()),
            incarnation: Incarnation(*self.incarnations.entry(who.node()).or_default()),
            ..Stamp::default()
        };
        self.facts.push((stamp, fact));
        stamp.number
    }

    /// Time goes by.
    pub fn wait(&mut self, milliseconds: u64) {
        self.time = self.time + Duration::from_millis(milliseconds);
    }

    pub fn calm(&mut self) {
        self.time = self.time.max(self.rules.calm_begins);
    }

    /// The calm has lasted a minute.
    pub fn long_calm(&mut self) {
        self.time = self.rules.calm_begins + Duration::from_secs(60);
    }

    /// The next thing it says, it says in its next life.
    pub fn crash(&mut self, who: Who) {
        *self.incarnations.entry(who.node()).or_default() += 1;
    }

    // ---- brokers ----

    /// A broker comes up and finds so many batches of what it had; then it registers.
    pub fn come_up(&mut self, broker: u8, found: usize) -> u64 {
        let up = self.recover(broker, found);
        self.register(broker);
        up
    }

    pub fn recover(&mut self, broker: u8, found: usize) -> u64 {
        self.logs.entry(broker).or_default().truncate(found);
        let recovered = |partition, log| Fact::Recovered {
            broker: BrokerId(broker),
            partition,
            start: Offset::ZERO,
            log,
            torn: false,
        };
        self.say(Who::Broker(broker), recovered(OFFSETS, vec![]));
        let log = self.logs[&broker].clone();
        self.say(Who::Broker(broker), recovered(PARTITION, log))
    }

    pub fn register(&mut self, broker: u8) -> u64 {
        self.lives += 1;
        let life = BrokerEpoch(self.lives);
        self.say(Who::Coordination, Fact::BrokerRegistered { broker: BrokerId(broker), life })
    }

    pub fn gone(&mut self, broker: u8) -> u64 {
        self.say(Who::Coordination, Fact::BrokerGone { broker: BrokerId(broker) })
    }

    /// The partition's state changes; the version rises by itself.
    pub fn change(&mut self, change: impl FnOnce(&mut PartitionState)) -> u64 {
        change(&mut self.state);
        self.state.version += 1;
        let (partition, state) = (PARTITION, self.state.clone());
        self.say(Who::Coordination, Fact::PartitionChanged { partition, state })
    }

    pub fn in_sync(&mut self, members: &[u8]) -> u64 {
        let in_sync = members.iter().copied().map(BrokerId).collect();
        self.change(|state| state.in_sync = in_sync)
    }

    /// A broker is elected, and has not heard of it yet.
    pub fn elect(&mut self, broker: u8) -> u64 {
        let leader = Leader { broker: BrokerId(broker), life: BrokerEpoch(1) };
        self.change(|state| {
            state.leader = Some(leader);
            state.epoch = LeaderEpoch(state.epoch.0 + 1);
        })
    }

    /// A broker begins to lead in the newest epoch.
    pub fn lead(&mut self, broker: u8) -> u64 {
        let (epoch, begins) = (self.state.epoch, self.end(broker));
        self.say(Who::Broker(broker), Fact::Led { partition: PARTITION, epoch, begins })
    }

    /// Where a broker's log ends.
    pub fn end(&self, broker: u8) -> Offset {
        self.logs[&broker].last().map_or(Offset::ZERO, |last| last.end)
    }

    /// A broker appends a message in the newest epoch.
    pub fn append(&mut self, broker: u8, number: u32) -> u64 {
        let stretch = stretch(self.end(broker).0, self.state.epoch.0, number);
        self.append_this(broker, stretch)
    }

    pub fn append_this(&mut self, broker: u8, stretch: Stretch) -> u64 {
        self.logs.entry(broker).or_default().push(stretch.clone());
        self.say(Who::Broker(broker), Fact::Appended { partition: PARTITION, stretch })
    }

    /// A broker appends these messages, each in a batch of its own.
    pub fn append_all(&mut self, broker: u8, numbers: &[u32]) {
        for number in numbers {
            self.append(broker, *number);
        }
    }

    /// A broker fetches from another what it lacks.
    pub fn fetch(&mut self, broker: u8, leader: u8) -> u64 {
        let lacks = self.logs[&leader][self.logs[&broker].len()..].to_vec();
        lacks.into_iter().map(|stretch| self.fetch_this(broker, stretch)).last().expect("there is something")
    }

    pub fn fetch_all(&mut self, followers: &[u8], leader: u8) {
        for follower in followers {
            self.fetch(*follower, leader);
        }
    }

    pub fn fetch_this(&mut self, broker: u8, stretch: Stretch) -> u64 {
        self.logs.entry(broker).or_default().push(stretch.clone());
        self.say(Who::Broker(broker), Fact::Replicated { partition: PARTITION, stretch })
    }

    pub fn sync(&mut self, broker: u8) -> u64 {
        let through = self.end(broker);
        self.say(Who::Broker(broker), Fact::Persisted { partition: PARTITION, through })
    }

    /// A broker cuts its log so that so many batches are left.
    pub fn truncate(&mut self, broker: u8, left: usize) -> u64 {
        let from = self.end(broker);
        self.logs.entry(broker).or_default().truncate(left);
        let to = self.end(broker);
        self.say(Who::Broker(broker), Fact::Truncated { partition: PARTITION, to, from })
    }

    /// Retention drops the first batches of a broker's log up to there; so many bytes are left, as it says.
    pub fn expire(&mut self, broker: u8, (from, to): (u64, u64), left: u64, at: i64) -> u64 {
        let (from, to) = (Offset(from), Offset(to));
        self.say(Who::Broker(broker), Fact::Dropped { partition: PARTITION, from, to, left, at })
    }

    /// The blob store has a piece.
    pub fn archive(&mut self, base: u64, end: u64) -> u64 {
        let (base, end) = (Offset(base), Offset(end));
        self.say(Who::Blobs, Fact::Archived { partition: PARTITION, base, end })
    }

    pub fn watermark(&mut self, broker: u8, to: u64) -> u64 {
        let (partition, epoch) = (PARTITION, self.state.epoch);
        self.say(Who::Broker(broker), Fact::WatermarkMoved { partition, epoch, to: Offset(to) })
    }

    /// A leader and its followers have a message on their disks, and the leader knows.
    pub fn replicate(&mut self, leader: u8, followers: &[u8], number: u32) -> u64 {
        let appended = self.append(leader, number);
        self.sync(leader);
        for follower in followers {
            self.fetch(*follower, leader);
            self.sync(*follower);
        }
        let end = self.end(leader).0;
        self.watermark(leader, end);
        appended
    }

    // ---- producers ----

    pub fn send(&mut self, number: u32) -> u64 {
        let (partition, acks) = (PARTITION, self.rules.acks);
        self.say(Who::Producer, Fact::Sent { message: message(number), partition, acks })
    }

    pub fn told(&mut self, number: u32, fate: Fate) -> u64 {
        self.say(Who::Producer, Fact::Told { message: message(number), partition: PARTITION, fate })
    }

    pub fn acknowledge(&mut self, number: u32, offset: u64) -> u64 {
        self.told(number, Fate::Acknowledged(Some(Offset(offset))))
    }

    /// A message is sent, is on all disks, and is acknowledged; the number of the acknowledgement.
    pub fn write(&mut self, number: u32) -> u64 {
        self.send(number);
        let offset = self.end(0).0;
        self.replicate(0, &[1, 2], number);
        self.acknowledge(number, offset)
    }

    // ---- consumers ----

    /// A consumer, which is the member of its number, owns the partition.
    pub fn own(&mut self, consumer: u32, generation: u32) -> u64 {
        self.own_these(consumer, generation, &[PARTITION])
    }

    pub fn own_these(&mut self, consumer: u32, generation: u32, partitions: &[Partition]) -> u64 {
        let (group, member, generation) = (0, MemberId(u64::from(consumer)), Generation(generation));
        let partitions = partitions.iter().copied().collect();
        self.say(Who::Consumer(consumer), Fact::Assigned { group, member, generation, partitions })
    }

    pub fn let_go(&mut self, consumer: u32, generation: u32) -> u64 {
        let (group, member, generation) = (0, MemberId(u64::from(consumer)), Generation(generation));
        self.say(Who::Consumer(consumer), Fact::LetGo { group, member, generation })
    }

    pub fn position(&mut self, consumer: u32, offset: u64, committed: bool) -> u64 {
        let (group, member, partition) = (0, MemberId(u64::from(consumer)), PARTITION);
        let offset = Offset(offset);
        self.say(Who::Consumer(consumer), Fact::Positioned { group, member, partition, offset, committed })
    }

    /// A consumer processes the message that has its offset for a number.
    pub fn process(&mut self, consumer: u32, generation: u32, offset: u32) -> u64 {
        self.process_this(consumer, generation, offset, offset)
    }

    pub fn process_this(&mut self, consumer: u32, generation: u32, offset: u32, number: u32) -> u64 {
        self.process_bytes(consumer, generation, (offset, number), 0)
    }

    /// With a record whose checksum is this.
    pub fn process_bytes(
        &mut self,
        consumer: u32,
        generation: u32,
        (offset, number): (u32, u32),
        record: u32,
    ) -> u64 {
        let fact = Fact::Processed {
            group: 0,
            member: MemberId(u64::from(consumer)),
            generation: Generation(generation),
            partition: PARTITION,
            offset: Offset(u64::from(offset)),
            message: message(number),
            record,
        };
        self.say(Who::Consumer(consumer), fact)
    }

    pub fn commit(&mut self, consumer: u32, generation: u32, offset: u64) -> u64 {
        let (group, member, generation) = (0, MemberId(u64::from(consumer)), Generation(generation));
        let offsets = BTreeMap::from([(PARTITION, Offset(offset))]);
        self.say(Who::Consumer(consumer), Fact::CommitConfirmed { group, member, generation, offsets })
    }

    // ---- verdicts ----

    /// As a jury does it: until something fires, or to the end.
    pub fn verdicts(&self) -> Vec<Violation> {
        let mut monitors = monitors(self.rules.clone());
        for (stamp, fact) in &self.facts {
            let fired: Vec<_> =
                monitors.iter_mut().filter_map(|monitor| monitor.witness(stamp, fact).err()).collect();
            if !fired.is_empty() {
                return fired;
            }
        }
        monitors.iter_mut().filter_map(|monitor| monitor.conclude(self.time).err()).collect()
    }

    /// That this invariant convicts, by these facts.
    #[track_caller]
    pub fn convicts(&self, invariant: &str, evidence: &[u64]) {
        let verdicts = self.verdicts();
        let violation = verdicts.iter().find(|violation| violation.invariant == invariant);
        let violation = violation.unwrap_or_else(|| panic!("{invariant} is silent: {verdicts:#?}"));
        assert_eq!(violation.evidence, evidence, "{}", violation.message);
    }

    /// That nothing fires.
    #[track_caller]
    pub fn passes(&self) {
        assert_eq!(self.verdicts(), [], "nothing is wrong with this history");
    }

    /// That this invariant does not convict, whatever others do.
    #[track_caller]
    pub fn is_no_matter_of(&self, invariant: &str) {
        let verdicts = self.verdicts();
        assert!(verdicts.iter().all(|violation| violation.invariant != invariant), "{verdicts:#?}");
    }
}
