//! One partition on one broker: the cores side by side, and the disk behind them.

use super::super::brokers::BrokerId;
use super::super::controller::PartitionState;
use super::super::facts::Fact;
use super::super::log::{Extent, PartitionLog, Retention, SegmentName, Write};
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::producers::Producers;
use super::super::record::{Batch, Kind, Outline};
use super::super::replica::{Replica, Role, Settings};
use super::super::topics::Barriers;
use super::lag::Lag;
use rehearsal_env::Env;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};

/// The cores of one replica, moved together: no step of one is seen without that of the other.
#[derive(Debug)]
pub(super) struct Cores {
    pub(super) replica: Replica,
    pub(super) log: PartitionLog,
    pub(super) producers: Producers,
    /// Since when followers lag.
    pub(super) lag: Lag,
    /// The newest question of each follower that waits for an answer; an older one is not answered any more.
    pub(super) waiting: BTreeMap<BrokerId, u64>,
    /// The watermark that each follower was last told.
    pub(super) told: BTreeMap<BrokerId, Offset>,
    /// Where the log says from which version on records are routed.
    pub(super) routed: Barriers,
    reported: Offset,
}

/// One partition on this broker.
pub(super) struct Host {
    pub(super) partition: Partition,
    pub(super) settings: Settings,
    /// How much of it is kept, if not all.
    pub(super) retention: Option<Retention>,
    pub(super) cores: RefCell<Cores>,
    /// Something about it has changed.
    pub(super) changed: Notify,
    pub(super) writes: RefCell<VecDeque<Write>>,
    pub(super) something_to_write: Notify,
    /// How many writes the log has handed out, how many of them are carried out, and that it is more than before.
    handed_out: Cell<u64>,
    carried_out: Cell<u64>,
    more_carried_out: Notify,
    /// How often anything of the log was cut off or dropped.
    cuts: Cell<u64>,
    /// Whether somebody is asking for another in-sync set.
    pub(super) asking: Cell<bool>,
    /// Whether nothing more is taken: the broker is about to stop.
    pub(super) closed: Cell<bool>,
    /// How many fetches were answered.
    pub(super) answers: Cell<u64>,
    /// Who may open its files: the one who writes them, or one who reads a closed one.
    pub(super) files: Mutex<()>,
}

impl Host {
    pub(super) fn new(
        partition: Partition,
        settings: Settings,
        retention: Option<Retention>,
        replica: Replica,
        log: PartitionLog,
        producers: Producers,
    ) -> Host {
        let reported = replica.watermark();
        let (lag, waiting, told) = (Lag::default(), BTreeMap::new(), BTreeMap::new());
        let routed = log.outlines().filter_map(version_and_place).collect();
        let cores = Cores { replica, log, producers, lag, waiting, told, routed, reported };
        Host {
            partition,
            settings,
            retention,
            cores: RefCell::new(cores),
            changed: Notify::new(),
            writes: RefCell::default(),
            something_to_write: Notify::new(),
            handed_out: Cell::new(0),
            carried_out: Cell::new(0),
            more_carried_out: Notify::new(),
            cuts: Cell::new(0),
            asking: Cell::new(false),
            closed: Cell::new(false),
            answers: Cell::new(0),
            files: Mutex::new(()),
        }
    }

    /// The controller's word about the partition.
    pub(super) fn ordered<E: Env<Fact = Fact>>(&self, env: &E, state: &PartitionState) {
        if self.closed.get() {
            return;
        }
        let mut cores = self.cores.borrow_mut();
        let before = cores.replica.role().clone();
        let (_, life) = cores.replica.life();
        let cut = cores.replica.ordered(state, life, self.settings);
        self.cut(env, &mut cores, cut);
        let (partition, epoch) = (self.partition, cores.replica.epoch());
        match (cores.replica.role(), &before) {
            (Role::Leading(now), Role::Leading(then)) if now.epoch() == then.epoch() => {}
            (Role::Leading(now), _) => {
                let begins = now.begins();
                env.observe(Fact::Led { partition, epoch, begins });
                self.tell_watermark(env, &cores);
                cores.lag = Lag::begin(state.in_sync, env.now());
                cores.told.clear();
            }
            (Role::Truncating(leader) | Role::Fetching(leader), _) if *cores.replica.role() != before => {
                env.observe(Fact::Followed { partition, epoch, leader: *leader });
                self.tell_watermark(env, &cores);
            }
            _ => {}
        }
        self.moved(env, &mut cores);
    }

    /// Carries out what a truncation means to the log and to what is known of producers.
    pub(super) fn cut<E: Env<Fact = Fact>>(&self, env: &E, cores: &mut Cores, cut: Option<Offset>) {
        let Some(to) = cut else { return };
        let from = cores.log.end();
        let anew = cores.replica.start() != cores.log.start();
        let writes = if anew { cores.log.reset(to) } else { cores.log.truncate(to) };
        self.write(writes);
        cores.producers = Producers::of(self.settings.defects, cores.log.outlines());
        cores.routed = cores.log.outlines().filter_map(version_and_place).collect();
        let partition = self.partition;
        let gone = *cores.replica.role() == Role::Idle;
        env.observe(match anew {
            _ if gone => Fact::CopyDropped { partition, from },
            true => Fact::BeganAnew { partition, at: to },
            false => Fact::Truncated { partition, to, from },
        });
        if !gone {
            self.tell_watermark(env, cores);
        }
    }

    fn tell_watermark<E: Env<Fact = Fact>>(&self, env: &E, cores: &Cores) {
        env.observe(Fact::WatermarkHeld { partition: self.partition, at: cores.replica.watermark() });
    }

    /// Appends a batch that already has its place, and hands it to the disk.
    pub(super) fn append<E: Env<Fact = Fact>>(&self, env: &E, cores: &mut Cores, batch: Arc<Batch>) {
        let outline = Outline::from(&*batch);
        cores.producers.appended(outline);
        cores.routed.extend(version_and_place(outline));
        let before = cores.log.extents().last();
        let writes = cores.log.append(batch.clone(), batch.appended);
        self.write(writes);
        let active = cores.log.extents().last();
        if let Some(closed) = before.filter(|before| active.is_some_and(|active| active.base > before.base))
            && self.retention.is_some()
        {
            let Extent { base, end, length } = closed;
            env.observe(Fact::SegmentClosed { partition: self.partition, base, end, bytes: length });
        }
    }

    /// Begins another segment, so that what stands in the active one can be dropped when it is out of retention.
    pub(super) fn close_active<E: Env<Fact = Fact>>(&self, env: &E) {
        if self.closed.get() {
            return;
        }
        let mut cores = self.cores.borrow_mut();
        let Some(active) = cores.log.extents().last().filter(|active| active.length > 0) else { return };
        let Extent { base, end, length } = active;
        let writes = cores.log.close_active();
        self.write(writes);
        env.observe(Fact::SegmentClosed { partition: self.partition, base, end, bytes: length });
    }

    /// Drops what is out of retention, below the watermark and, where archiving is on, archived.
    pub(super) fn expire<E: Env<Fact = Fact>>(&self, env: &E, archived_up_to: Option<Offset>) {
        let Some(retention) = self.retention.filter(|_| !self.closed.get()) else { return };
        let mut cores = self.cores.borrow_mut();
        let (at, watermark) = (env.wall().micros(), cores.replica.watermark());
        let before: Vec<Extent> = cores.log.extents().collect();
        let writes = cores.log.expired(at, retention, archived_up_to, watermark, self.settings.defects);
        if writes.is_empty() {
            return;
        }
        let start = cores.log.start();
        cores.replica.expired(start);
        cores.producers.dropped_below(start);
        self.write(writes);
        let mut left: u64 = before.iter().map(|extent| extent.length).sum();
        for Extent { base, end, length } in before.into_iter().filter(|extent| extent.end <= start) {
            left -= length;
            env.observe(Fact::Dropped { partition: self.partition, from: base, to: end, left, at });
        }
        self.tell_watermark(env, &cores);
        self.moved(env, &mut cores);
    }

    /// The disk has everything up to where the log says.
    pub(super) fn persisted<E: Env<Fact = Fact>>(&self, env: &E) {
        let mut cores = self.cores.borrow_mut();
        let through = cores.log.persisted_end();
        cores.replica.persisted(through, self.settings);
        env.observe(Fact::Persisted { partition: self.partition, through });
        self.moved(env, &mut cores);
    }

    /// Whether the disk has everything that was ever appended here.
    pub(super) fn is_on_disk(&self) -> bool {
        let log = &self.cores.borrow().log;
        self.writes.borrow().is_empty() && log.persisted_end() >= log.end()
    }

    /// Says where the watermark is, if it has moved, and wakes whoever waits for anything.
    pub(super) fn moved<E: Env<Fact = Fact>>(&self, env: &E, cores: &mut Cores) {
        self.watermark_moved(env, cores);
        self.changed.notify_waiters();
    }

    /// The same where nothing else can have changed.
    pub(super) fn watermark_may_have_moved<E: Env<Fact = Fact>>(&self, env: &E, cores: &mut Cores) {
        if self.watermark_moved(env, cores) {
            self.changed.notify_waiters();
        }
    }

    fn watermark_moved<E: Env<Fact = Fact>>(&self, env: &E, cores: &mut Cores) -> bool {
        let to = cores.replica.watermark();
        let moved = to != cores.reported;
        if let Role::Leading(leadership) = cores.replica.role()
            && moved
        {
            env.observe(Fact::WatermarkMoved { partition: self.partition, epoch: leadership.epoch(), to });
        }
        cores.reported = to;
        moved
    }

    /// The disk has done so many more of the writes.
    pub(super) fn carried_out(&self, writes: u64) {
        self.carried_out.update(|before| before + writes);
        self.more_carried_out.notify_waiters();
    }

    /// Waits until the disk has done all writes to this segment that were handed out so far. What has long been durable
    /// waits for nothing: not for what else is to be written, and not for the time when that is flushed.
    pub(super) async fn carried_out_of(&self, segment: SegmentName) {
        if self.cores.borrow().log.is_persisted(segment) {
            return;
        }
        let handed_out = self.handed_out.get();
        while self.carried_out.get() < handed_out {
            self.more_carried_out.notified().await;
        }
    }

    /// How often anything of the log was cut off or dropped: as long as that is the same, what it held it holds.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.get()
    }

    fn write(&self, writes: Vec<Write>) {
        self.handed_out.update(|before| before + writes.len() as u64);
        if writes.iter().any(|write| matches!(write, Write::Remove { .. } | Write::Truncate { .. })) {
            self.cuts.update(|before| before + 1);
        }
        self.writes.borrow_mut().extend(writes);
        self.something_to_write.notify_one();
    }
}

/// Where a batch says from which version on records are routed.
fn version_and_place(batch: Outline) -> Option<(u32, Offset)> {
    match batch.kind {
        Kind::Routing(version) => Some((version, batch.base)),
        Kind::Records | Kind::Marker(_) => None,
    }
}
