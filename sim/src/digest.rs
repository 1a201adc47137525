//! One number for everything a run did.

use crate::mixing::{SALT, fold};
use serde::{Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The hash of every event, decision and fact of a run: 128 bits, shown as 32 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest of a campaign: those of its runs, in the order of their seeds.
    pub fn of_all(digests: impl IntoIterator<Item = Digest>) -> Digest {
        let mut rolling = Rolling::default();
        for digest in digests {
            rolling.absorb(digest.0 as u64);
            rolling.absorb((digest.0 >> 64) as u64);
        }
        rolling.digest()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A hasher of fixed width and byte order that never forgets: two lanes, so that a collision must
/// happen in both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rolling {
    near: u64,
    far: u64,
}

impl Default for Rolling {
    fn default() -> Self {
        Rolling { near: SALT[4], far: SALT[5] }
    }
}

impl Rolling {
    #[inline]
    pub(crate) fn absorb(&mut self, word: u64) {
        self.far = self.far.rotate_left(23).wrapping_add(word ^ self.near).wrapping_mul(SALT[3] | 1);
        self.near = fold(self.near ^ word, SALT[1]) ^ SALT[0];
    }

    /// Two words for the price of one: the multiplication is what a run waits for.
    #[inline]
    pub(crate) fn absorb_pair(&mut self, first: u64, second: u64) {
        self.far =
            self.far.rotate_left(23).wrapping_add(first ^ self.near).wrapping_mul(SALT[3] | 1) ^ second;
        self.near = fold(self.near ^ first, SALT[2] ^ second) ^ SALT[0] ^ second.rotate_left(32);
    }

    pub(crate) fn digest(&self) -> Digest {
        let near = fold(self.near ^ SALT[2], SALT[5]);
        let far = fold(self.far ^ SALT[0], SALT[3]);
        Digest(u128::from(near) << 64 | u128::from(far ^ near.rotate_left(32)))
    }
}

impl Hasher for Rolling {
    fn finish(&self) -> u64 {
        self.digest().0 as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        self.absorb(bytes.len() as u64);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.absorb(u64::from_le_bytes(word.try_into().expect("chunks of eight")));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.absorb(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.absorb(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.absorb(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.absorb(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.absorb(value);
    }

    fn write_u128(&mut self, value: u128) {
        self.absorb(value as u64);
        self.absorb((value >> 64) as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.absorb(value as u64);
    }

    fn write_i8(&mut self, value: i8) {
        self.absorb(value as u64);
    }

    fn write_i16(&mut self, value: i16) {
        self.absorb(value as u64);
    }

    fn write_i32(&mut self, value: i32) {
        self.absorb(value as u64);
    }

    fn write_i64(&mut self, value: i64) {
        self.absorb(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.absorb(value as u64);
    }
}

/// The digest of one value.
#[cfg(test)]
pub(crate) fn digest_of(value: &impl Hash) -> Digest {
    let mut rolling = Rolling::default();
    value.hash(&mut rolling);
    rolling.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_length_and_content_all_count() {
        let distinct = [
            digest_of(&(1u64, 2u64)),
            digest_of(&(2u64, 1u64)),
            digest_of(&(1u64, 2u64, 0u64)),
            digest_of(&"ab"),
            digest_of(&"ba"),
            digest_of(&["a", "b"]),
            digest_of(&0u64),
            digest_of(&()),
        ];
        for (index, digest) in distinct.iter().enumerate() {
            assert!(!distinct[..index].contains(digest), "{index} collides");
        }
    }

    #[test]
    fn a_digest_is_the_same_on_every_machine() {
        assert_eq!(digest_of(&(7u32, "seven")).to_string(), "8bb69e6f219f08a933980e1f60b7da07");
    }
}
