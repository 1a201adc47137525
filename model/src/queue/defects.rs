//! Known bugs that can be switched on on purpose, each read where the rule stands that it breaks.

use std::fmt;

macro_rules! defects {
    ($($(#[doc = $text:literal])+ $variant:ident $name:literal),+ $(,)?) => {
        /// One known bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Defect {
            $($(#[doc = $text])+ $variant,)+
        }

        impl Defect {
            /// All of them with their names.
            pub const ALL: &[(Defect, &'static str)] = &[$((Defect::$variant, $name)),+];
        }
    };
}

defects! {
    /// The leader counts what its disk and those of its followers have not synced. Convicted by `acked-not-lost`.
    AcknowledgesBeforeSync "acknowledges-before-sync",
    /// Under `acks = all` the leader answers when it has the batch itself. Convicted by `acked-not-lost`.
    AcknowledgesBeforeReplication "acknowledges-before-replication",
    /// Under `acks = all` the leader answers when `min_insync` members of the set have the batch, not all of them.
    /// Convicted by `acked-not-lost`.
    MinimumIsEnough "minimum-is-enough",
    /// A new follower cuts its log at its own high watermark (before KIP-101).
    TruncatesToWatermark "truncates-to-watermark",
    /// Asked where an epoch ended that it never had, a leader answers with the start of the next larger one it has, and
    /// the follower cuts there without asking again (KIP-101 before KIP-279).
    GuessesEndOfEpoch "guesses-end-of-epoch",
    /// A new follower cuts nothing.
    NeverTruncates "never-truncates",
    /// A leader answers questions about ends of epochs from followers of another epoch (KIP-320).
    AnswersStaleTruncation "answers-stale-truncation",
    /// A leader serves fetches of another epoch (KIP-320).
    ServesStaleFetch "serves-stale-fetch",
    /// A leader counts what followers fetched before its epoch towards the high watermark (KIP-320).
    CountsStaleFetch "counts-stale-fetch",
    /// A leader takes a follower into the set for what it fetched before its epoch (KIP-320).
    ExpandsOnStaleFetch "expands-on-stale-fetch",
    /// A leader takes a follower into the set that has its watermark but not the start of its epoch.
    ExpandsBelowEpochStart "expands-below-epoch-start",
    /// A leader takes a follower into the set that has not reached its watermark.
    ExpandsBelowWatermark "expands-below-watermark",
    /// The watermark counts the accepted set alone, not the one proposed (KIP-497).
    WatermarkIgnoresProposal "watermark-ignores-proposal",
    /// A leader that asks to shrink its set counts on it before the answer, and so acknowledges when it is deposed.
    DeposedLeaderAcknowledges "deposed-leader-acknowledges",
    /// The watermark asks that as many replicas have a record as the set has members, whoever they are.
    WatermarkCountsDeparted "watermark-counts-departed",
    /// The in-sync set is written whatever was accepted meanwhile: no compare-and-set.
    SetWrittenBlindly "set-written-blindly",
    /// A restarted follower enters the set by what its former incarnation had fetched (KIP-903).
    BrokerEpochIgnored "broker-epoch-ignored",
    /// A member of the set that stopped uncleanly stays in it although its tail may be gone (KIP-966).
    UncleanRestartStays "unclean-restart-stays",
    /// A leader that restarts goes on in its old epoch.
    RestartedLeaderKeepsEpoch "restarted-leader-keeps-epoch",
    /// A broker obeys an order of the controller that was meant for an earlier life of it (KIP-380).
    ObeysOrdersForAnotherLife "obeys-orders-for-another-life",
    /// A follower takes an answer to a fetch from an earlier epoch.
    TakesStaleAnswer "takes-stale-answer",
    /// A follower takes an answer that does not continue its log, as if it did.
    TakesMisplacedAnswer "takes-misplaced-answer",
    /// Members of the set are elected, or else anybody who lives (unclean election where it is not allowed).
    ElectsOutOfSync "elects-out-of-sync",
    /// A repeated batch is appended again: no sequence is checked.
    SequenceUnchecked "sequence-unchecked",
    /// A producer that was replaced goes on writing (KIP-360).
    ProducerEpochUnfenced "producer-epoch-unfenced",
    /// A late batch of a transaction that has ended begins one that nobody will end (KIP-890).
    HangingTransaction "hanging-transaction",
    /// One partition gets no marker when a transaction ends.
    MarkerMissing "marker-missing",
    /// A member of an earlier generation commits.
    ZombieCommits "zombie-commits",
    /// A member of an earlier generation goes on with its partitions: nothing tells it that they were taken away.
    TwoOwners "two-owners",
    /// A member whose session has expired stays an owner.
    ExpiredSessionOwns "expired-session-owns",
    /// A new coordinator answers before it has read its partition to the end.
    AnswersWhileLoading "answers-while-loading",
    /// A coordinator says where to go on without finding out whether it was replaced.
    DeposedCoordinatorAnswers "deposed-coordinator-answers",
    /// Recovery leaves a torn batch where it is. Convicted by `brokers-return`.
    KeepsTornBatch "keeps-torn-batch",
    /// Retention drops the segment that is being written.
    DropsActiveSegment "drops-active-segment",
    /// Retention goes by the time a producer claims.
    RetentionByProducersTime "retention-by-producers-time",
    /// Retention drops what was not archived yet.
    RetentionOvertakesArchiver "retention-overtakes-archiver",
    /// A broker takes a batch that is not what its producer made, and writes it with a checksum of its own.
    ChecksumRewritten "checksum-rewritten",
    /// A consumer hands on what it fetched without a look at the checksum.
    FetchedUnchecked "fetched-unchecked",
    /// An order of a controller that was replaced is obeyed: nobody looks whether its chair, and its session, are its own
    /// still. Convicted by `one-controller-per-epoch`.
    StaleControllerObeyed "stale-controller-obeyed",
    /// A vote is given before it is on the disk.
    VoteNotSynced "vote-not-synced",
    /// A leader that was replaced answers reads.
    DeposedLeaderReads "deposed-leader-reads",
    /// A new leader of the coordination service counts how long sessions are silent from before its election, when it
    /// heard none of them. Convicted by `session-honest`.
    NewLeaderKeepsSilence "new-leader-keeps-silence",
    /// A client that reconnects watches from now on, and what happened meanwhile is not told.
    WatchLostOnReconnect "watch-lost-on-reconnect",
    /// A consumer of an at-least-once group commits before it processes.
    CommitsBeforeProcessing "commits-before-processing",
    /// Several batches are in flight, and nothing keeps a retry behind none of its successors.
    InFlightWithoutSequence "in-flight-without-sequence",
    /// The producer takes "not enough replicas after the append" for "definitely not written" and sends anew.
    AfterAppendIsDefinite "after-append-is-definite",
    /// Where to go on is committed before the transaction that holds what came of the records.
    OffsetsOutsideTransaction "offsets-outside-transaction",
    /// A read-committed consumer is shown what is below the watermark, whether its transaction has ended or not.
    ShowsUncommitted "shows-uncommitted",
    /// A follower serves consumers all that it has, and not up to its watermark.
    FollowerServesAll "follower-serves-all",
    /// A follower takes an offset that it does not have yet for one that is out of range.
    FollowerSaysOutOfRange "follower-says-out-of-range",
    /// A fetch that matched nothing does not say where to go on.
    FilteredTailLags "filtered-tail-lags",
    /// A member votes for whoever asks, as often as it is asked in a term (Raft, 5.2).
    VotesTwice "votes-twice",
    /// A member votes for one whose log is less up to date than its own (Raft, 5.4.1).
    VotesForShorterLog "votes-for-shorter-log",
    /// A candidate counts votes that it was given in an earlier term.
    CountsStaleVotes "counts-stale-votes",
    /// A follower says that it has entries before its disk has them.
    AppendsAnsweredBeforeSync "appends-answered-before-sync",
    /// A leader counts itself for entries that its disk does not have.
    LeaderCountsBeforeSync "leader-counts-before-sync",
    /// A leader commits an entry of an earlier term as soon as a majority has it (Raft, figure 8).
    CommitsEarlierTerm "commits-earlier-term",
    /// A follower cuts off what stands behind entries that it has already.
    LateAppendCuts "late-append-cuts",
    /// A follower takes entries from the leader of an earlier term.
    ObeysStaleLeader "obeys-stale-leader",
    /// A leader counts what followers said that they have in an earlier term.
    CountsStaleAnswers "counts-stale-answers",
    /// A new leader answers reads from what it knows to be committed before an entry of its own is (6.4).
    ReadsBeforeFirstCommit "reads-before-first-commit",
    /// The members hear of a generation before it is on the log.
    GenerationToldBeforeWritten "generation-told-before-written",
    /// A commit is confirmed before it is on the log.
    CommitToldBeforeWritten "commit-told-before-written",
    /// A consumer that joins again keeps how far it was in what it had owned.
    JoinsWithoutLettingGo "joins-without-letting-go",
    /// A consumer of an at-most-once group begins a record before the commit behind it is confirmed.
    BeginsBeforeConfirmed "begins-before-confirmed",
    /// A delay is counted by wall clocks, and from the time at which the producer made the record.
    DelaysByWall "delays-by-wall",
    /// What is copied bears a name that is drawn at random: whoever copies it once more is not known again.
    MovesAgain "moves-again",
    /// A consumer goes on, and commits, before it knows that what failed stands where it is tried again.
    ForgetsToWaitForRetry "forgets-to-wait-for-retry",
    /// A record does not wait for one of its key that is to be tried again.
    ParkedKeyOvertaken "parked-key-overtaken",
    /// An acknowledgement counts under a loan that is over. Convicted by `taken-by-one`.
    LateAcknowledgementTaken "late-acknowledgement-taken",
    /// A message is lent while an earlier loan of it is on its way to the log. Convicted by `taken-by-one`.
    LendsTwice "lends-twice",
    /// A lender answers an acknowledgement before it is on the log. Convicted by `taken-by-one`.
    AcknowledgedBeforeWritten "acknowledged-before-written",
    /// A new partition is given out before the group is through with what its keys had in others. Convicted by
    /// `key-order-kept`.
    KeyOrderWithoutTheWait "key-order-without-the-wait",
    /// The leader of a retired partition goes on appending. Convicted by `retired-drains`.
    RetiredTakesAppends "retired-takes-appends",
    /// Who is to go is let go of as soon as anybody who stays is in sync. Convicted by `reassignment-keeps-copies`.
    TrimsBeforeInSync "trims-before-in-sync",
    /// Who has gone is let go of in the epoch that there is, so that what was heard of its copy counts for the next one.
    /// Convicted by `reassignment-keeps-copies`.
    TrimsInOldEpoch "trims-in-old-epoch",
    /// A group without an offset in a partition begins at its end, though that was written since it began: as
    /// `auto.offset.reset = latest` does in partitions that are added. Convicted by `at-least-once`.
    StartsAtTheEnd "starts-at-the-end",
    /// With `acks = leader` a broker answers that it has appended what it has refused. Convicted by
    /// `lost-only-as-allowed`.
    AnswersBeforeAppending "answers-before-appending",
    /// Retention drops what is not below the watermark yet. Convicted by `start-below-watermark`.
    RetentionOvertakesWatermark "retention-overtakes-watermark",
    /// Leads never pass on for the sake of evenness. Convicted by `placement-spread`.
    NeverBalances "never-balances",
    /// A broker that is asked to stop does so at once, and says that others lead in its place. Convicted by
    /// `brokers-return`.
    StopsWithoutHandingOver "stops-without-handing-over",
    /// A broker that stops in order leaves the mark of that before its disk has what it has. Convicted by `brokers-return`.
    StopsBeforeSyncing "stops-before-syncing",
    /// A broker that is still registered from its life before never registers for another. Convicted by `brokers-return`.
    GivesUpWhenRegistered "gives-up-when-registered",
    /// A subscription is taken up again behind what was pushed, and not behind what was worked through. Convicted by
    /// `partition-order`.
    PushSkipsOnResubscribe "push-skips-on-resubscribe",
    /// A consumer takes a push as it comes, whether one before it is missing or not. Convicted by `partition-order`.
    PushGapIgnored "push-gap-ignored",
    /// A broker pushes what there is, whether there is credit for it or not. Convicted by `within-credit`.
    PushesWithoutCredit "pushes-without-credit",
    /// What is not in memory is read from the batch behind the one that holds the offset asked for. Convicted by
    /// `partition-order`.
    ReadsFromNextBatch "reads-from-next-batch",
    /// Whoever asks for an offset is served, whatever it has read before that (KIP-320). Convicted by `partition-order`.
    ConsumerEpochIgnored "consumer-epoch-ignored",
    /// Who wants a tag is shown what has it as its first, and nothing that has it among others. Convicted by
    /// `partition-order`.
    OnlyFirstTagCounts "only-first-tag-counts",
    /// A producer whose buffer is full lets go of what has waited longest, and tells nobody. Convicted by
    /// `every-message-told`.
    FullBufferDropsOldest "full-buffer-drops-oldest",
    /// A replica that begins anew at its leader's start keeps the watermark that it had (KAFKA-9491). Convicted by
    /// `start-below-watermark`.
    BeginsAnewWithoutWatermark "begins-anew-without-watermark",
    /// A new leader drops what it does not know to be below the watermark. Convicted by `lost-only-as-allowed`.
    LeaderBeginsAtWatermark "leader-begins-at-watermark",
    /// A leader takes whatever comes from a producer of whom it knows nothing any more (KIP-360). Convicted by
    /// `partition-order`.
    UnknownProducerTaken "unknown-producer-taken",
    /// With `offsets = coordination` a coordinator writes what was committed over whatever stands there, by whomever.
    /// Convicted by `offsets-move-forward`.
    CommitsUnfenced "commits-unfenced",
    /// With `offsets = coordination` a new coordinator begins as if nothing were committed, and writes that. Convicted by
    /// `offsets-move-forward`.
    ClaimsOffsetsUnread "claims-offsets-unread",
    /// A consumer that leaves its group commits what it has fetched, processed or not. Convicted by
    /// `offsets-move-forward`.
    LeaveCommitsFetched "leave-commits-fetched",
    /// A consumer that goes back finishes what it has in hand, as if that came next. Convicted by `partition-order`.
    SeekKeepsWorkInHand "seek-keeps-work-in-hand",
    /// A group that begins where the log ends commits nothing before it has processed something. Convicted by
    /// `at-least-once`.
    StartNotCommitted "start-not-committed",
}

/// The known bugs that are switched on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Defects(u128);

impl Defect {
    /// The defect of this name.
    pub fn named(name: &str) -> Option<Defect> {
        Defect::ALL.iter().find(|(_, known)| *known == name).map(|(defect, _)| *defect)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Defect::ALL[self as usize].1
    }
}

impl Defects {
    /// None.
    pub const NONE: Defects = Defects(0);

    /// These and no others.
    pub fn of(defects: impl IntoIterator<Item = Defect>) -> Defects {
        Defects(defects.into_iter().fold(0, |all, defect| all | 1 << defect as u32))
    }

    /// Whether this one is switched on.
    pub fn has(self, defect: Defect) -> bool {
        self.0 & 1 << defect as u32 != 0
    }
}

impl fmt::Debug for Defects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = Defect::ALL.iter().filter(|(defect, _)| self.has(*defect)).map(|(_, name)| name);
        formatter.debug_set().entries(on).finish()
    }
}
