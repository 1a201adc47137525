//! One archived piece of a partition: frames as they stood in a segment.

use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::{Partition, Topic};

/// What is in a piece, which its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// Of which partition.
    pub partition: Partition,
    /// Where its first batch begins.
    pub base: Offset,
    /// Where its last batch ends.
    pub end: Offset,
    /// The epoch of its last batch. Of the batches with these ends and this last epoch there is one row.
    pub epoch: LeaderEpoch,
}

impl Piece {
    /// What the names of all pieces of a partition begin with.
    pub fn prefix(partition: Partition) -> String {
        format!("{}.{}.", partition.topic, partition.number)
    }

    /// Its name: sorted as texts, the pieces of a partition are in the order of their offsets.
    pub fn name(&self) -> String {
        let Piece { partition, base, end, epoch } = *self;
        format!("{}{:020}.{:020}.{}", Piece::prefix(partition), base.0, end.0, epoch.0)
    }

    /// The piece of this name; `None` when it is no piece's.
    pub fn named(name: &str) -> Option<Piece> {
        let mut parts = name.split('.');
        let topic = Topic::Named(parts.next()?.strip_prefix("topic-")?.parse().ok()?);
        let partition = Partition { topic, number: parts.next()?.parse().ok()? };
        let (base, end) = (Offset(parts.next()?.parse().ok()?), Offset(parts.next()?.parse().ok()?));
        let epoch = LeaderEpoch(parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Piece { partition, base, end, epoch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_what_its_name_says() {
        let partition = Partition { topic: Topic::Named(3), number: 2 };
        let piece = Piece { partition, base: Offset(8), end: Offset(12), epoch: LeaderEpoch(5) };
        assert_eq!(piece.name(), "topic-3.2.00000000000000000008.00000000000000000012.5");
        assert_eq!(Piece::named(&piece.name()), Some(piece));
        assert!(piece.name().starts_with(&Piece::prefix(partition)));
        assert_eq!(Piece::named("offsets.0.1.2.3"), None);
    }
}
