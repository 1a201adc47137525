//! Mixing of words: the arithmetic under every draw, every identity and the digest.
//!
//! Integer operations of fixed width only, so that the same scenario gives the same run on any
//! 64-bit machine.

/// Odd constants with no structure of their own: the fractional bits of the square roots of the
/// first primes.
pub(crate) const SALT: [u64; 6] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
];

/// Both halves of the 128-bit product, folded into one word.
#[inline]
pub(crate) fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A word that depends on every bit of both.
#[inline]
pub(crate) fn mix(left: u64, right: u64) -> u64 {
    fold(fold(left ^ SALT[0], right ^ SALT[1]) ^ SALT[2], SALT[3] ^ right)
}

/// A number below `bound`, from uniform bits: the high half of the product.
#[inline]
pub(crate) fn scale(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

/// A word for a name.
pub(crate) fn digest_text(text: &str) -> u64 {
    text.bytes().fold(SALT[4], |word, byte| fold(word ^ u64::from(byte), SALT[5]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_both_words_matters() {
        let base = mix(1, 2);
        for bit in 0..64 {
            for changed in [mix(1 ^ (1 << bit), 2), mix(1, 2 ^ (1 << bit))] {
                let differing = (base ^ changed).count_ones();
                assert!((12..=52).contains(&differing), "bit {bit} moved {differing} bits");
            }
        }
    }

    #[test]
    fn scaled_draws_stay_below_their_bound_and_reach_both_ends() {
        assert_eq!(scale(0, 7), 0);
        assert_eq!(scale(u64::MAX, 7), 6);
        assert_eq!(scale(u64::MAX, 1), 0);
    }
}
