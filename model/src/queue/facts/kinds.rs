//! What kind of fact each is, for triggers and traces, and what it says to people.

use super::Fact;
use crate::coordination::Happening;
use rehearsal_env::Fact as FactTrait;

/// The kinds of what is told of the coordination service; what is told in other facts has none of its own.
fn kind_of(happening: &Happening) -> &'static str {
    match happening {
        Happening::Changed(_) => "CoordinationChanged",
        Happening::Invoked { .. } => "CoordinationAsked",
        Happening::Returned { .. } => "CoordinationAnswered",
        Happening::SessionOpened { .. } => "SessionOpened",
        Happening::SessionClosed { .. } => "SessionClosed",
        Happening::SessionExpired { .. } => "SessionExpired",
        Happening::SnapshotInstalled { .. } => "SnapshotInstalled",
        Happening::Led { .. } => "CoordinationLed",
        Happening::VoteGiven { .. } => "VoteGiven",
        Happening::VoteRefused { .. } => "VoteRefused",
        Happening::ReadsRefused { .. } => "ReadsRefused",
        Happening::WatchRenewed { .. } => "WatchRenewed",
        _ => "CoordinationOther",
    }
}

impl FactTrait for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Fact::BrokerRegistered { .. } => "BrokerRegistered",
            Fact::BrokerGone { .. } => "BrokerGone",
            Fact::ControllerChanged { .. } => "ControllerChanged",
            Fact::PartitionChanged { .. } => "PartitionChanged",
            Fact::MembersChanged { .. } => "MembersChanged",
            Fact::CoordinationRecovered => "CoordinationRecovered",
            Fact::Coordination(happening) => kind_of(happening),
            Fact::OfTopics(fact) => fact.kind(),
            Fact::OfRestarts(fact) => fact.kind(),
            Fact::OfLogs(fact) => fact.kind(),
            Fact::OfGroups(fact) => fact.kind(),
            Fact::Recovered { .. } => "Recovered",
            Fact::Led { .. } => "Led",
            Fact::Followed { .. } => "Followed",
            Fact::Appended { .. } => "Appended",
            Fact::DuplicateAbsorbed { .. } => "DuplicateAbsorbed",
            Fact::Refused { .. } => "Refused",
            Fact::Replicated { .. } => "Replicated",
            Fact::Truncated { .. } => "Truncated",
            Fact::BeganAnew { .. } => "BeganAnew",
            Fact::CopyDropped { .. } => "CopyDropped",
            Fact::Dropped { .. } => "Dropped",
            Fact::SegmentClosed { .. } => "SegmentClosed",
            Fact::Archived { .. } => "Archived",
            Fact::Persisted { .. } => "Persisted",
            Fact::WatermarkMoved { .. } => "WatermarkMoved",
            Fact::WatermarkHeld { .. } => "WatermarkHeld",
            Fact::StaleRequestRefused { .. } => "StaleRequestRefused",
            Fact::SetShrinks { .. } => "SetShrinks",
            Fact::SetGrows { .. } => "SetGrows",
            Fact::SetRefused { .. } => "SetRefused",
            Fact::FollowerServed { .. } => "FollowerServed",
            Fact::FollowerSaidWait { .. } => "FollowerSaidWait",
            Fact::FollowerSaidOutOfRange { .. } => "FollowerSaidOutOfRange",
            Fact::CoordinatorLoaded { .. } => "CoordinatorLoaded",
            Fact::MemberFenced { .. } => "MemberFenced",
            Fact::TransactionEnding { .. } => "TransactionEnding",
            Fact::TransactionTakenUp { .. } => "TransactionTakenUp",
            Fact::Sent { .. } => "Sent",
            Fact::WaitsForRoom { .. } => "WaitsForRoom",
            Fact::RefusedForRoom { .. } => "RefusedForRoom",
            Fact::SentAgain { .. } => "SentAgain",
            Fact::Told { .. } => "Told",
            Fact::Assigned { .. } => "Assigned",
            Fact::LetGo { .. } => "LetGo",
            Fact::Positioned { .. } => "Positioned",
            Fact::Processed { .. } => "Processed",
            Fact::CommitConfirmed { .. } => "CommitConfirmed",
            Fact::OffsetOutOfRange { .. } => "OffsetOutOfRange",
            Fact::Replayed { .. } => "Replayed",
            Fact::Lending { what, .. } => what.kind(),
            Fact::Pushing(fact) => fact.kind(),
            Fact::BitFlipped { .. } => "BitFlipped",
            Fact::DamageFound { .. } => "DamageFound",
            Fact::Postponed { .. } => "Postponed",
            Fact::Released { .. } => "Released",
            Fact::Moved { .. } => "Moved",
            Fact::Failed { .. } => "Failed",
            Fact::Forwarded { .. } => "Forwarded",
            Fact::Parked { .. } => "Parked",
        }
    }

    fn in_words(&self) -> String {
        super::super::words::of(self)
    }
}
