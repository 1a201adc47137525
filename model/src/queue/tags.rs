//! What consumers may choose records by.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The tags of one record: in rising order, each once, so that the same tags are the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<[u16]>")]
pub struct Tags(Box<[u16]>);

/// Tags are read in one order only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("tags are listed in rising order, each once")]
pub struct OutOfOrder;

impl Tags {
    /// Whether this one is among them.
    pub fn has(&self, tag: u16) -> bool {
        self.0.contains(&tag)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<u16> for Tags {
    fn from_iter<I: IntoIterator<Item = u16>>(tags: I) -> Tags {
        let mut tags = Vec::from_iter(tags);
        tags.sort_unstable();
        tags.dedup();
        Tags(tags.into())
    }
}

impl TryFrom<Box<[u16]>> for Tags {
    type Error = OutOfOrder;

    fn try_from(tags: Box<[u16]>) -> Result<Tags, OutOfOrder> {
        if tags.is_sorted_by(|one, next| one < next) { Ok(Tags(tags)) } else { Err(OutOfOrder) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tags_are_the_same_bytes_and_no_others_are_read() {
        let tags = Tags::from_iter([300, 2, 300]);
        assert!(tags.has(2) && tags.has(300) && !tags.has(3));
        let written = postcard::to_allocvec(&tags).expect("they are plain data");
        assert_eq!(written, postcard::to_allocvec(&[2_u16, 300][..]).expect("so is this"));
        assert_eq!(postcard::from_bytes(&written), Ok(tags));
        for disorderly in [[300_u16, 2], [2, 2]] {
            let written = postcard::to_allocvec(&disorderly[..]).expect("it is plain data");
            assert!(postcard::from_bytes::<Tags>(&written).is_err());
        }
    }
}
