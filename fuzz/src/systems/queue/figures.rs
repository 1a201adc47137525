//! How large messages are and how often a key comes, as real caches and benchmarks have it, in integers.
//!
//! Sizes and skew: "A large scale analysis of hundreds of in-memory cache clusters at Twitter" (Yang, Yue, Rashmi, OSDI
//! 2020) and the traces published with it; 53 clusters. Message sizes of benchmarks: the workloads of the OpenMessaging
//! benchmark.

use crate::draws::Draws;
use serde::{Deserialize, Serialize};

/// Where message sizes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sizes {
    /// As the values of Twitter's caches, up to 4 KiB.
    Caches,
    /// As the workloads of the OpenMessaging benchmark: some of 64 KiB.
    Benchmarks,
    /// A few bytes.
    Small,
}

/// What is larger counts as large, in bytes.
pub(super) const LARGE: u32 = 4_096;

/// The smallest message: one that holds its name and nothing else, in bytes.
const SMALLEST: u64 = 8;

/// Mean value sizes of the clusters, in bytes: so many in 100 lie between two. The largest decile, up to 66 KiB, is
/// folded into the one before.
const CACHES: [(u64, u64, u64); 5] =
    [(10, SMALLEST, 28), (15, 28, 85), (25, 85, 224), (25, 224, 1_030), (25, 1_030, LARGE as u64)];

/// Message sizes in bytes, and how many of 130 workloads have them.
const BENCHMARKS: [(u64, u64); 3] = [(36, 100), (80, 1_024), (14, 65_536)];

impl Sizes {
    /// The size of a message, in bytes.
    pub(super) fn draw(self, draws: &mut Draws) -> u32 {
        let bytes = match self {
            Sizes::Caches => {
                let (_, low, high) = CACHES[weighted(draws, CACHES.iter().map(|(weight, _, _)| *weight))];
                draws.between(low, high)
            }
            Sizes::Benchmarks => BENCHMARKS[weighted(draws, BENCHMARKS.iter().map(|(weight, _)| *weight))].1,
            Sizes::Small => draws.between(SMALLEST, 64),
        };
        bytes as u32
    }
}

/// The most keys there can be.
pub(super) const MOST_KEYS: u32 = 32;

/// How skewed keys can be: the exponent of Zipf's law, times 100. The clusters' quartiles are 63, 121 and 150, their
/// ninth decile 188.
pub(super) const EXPONENTS: [u32; 4] = [0, 90, 120, 170];

type Weights = [u64; MOST_KEYS as usize];

const EVEN: Weights = [1; MOST_KEYS as usize];

/// 100,000 / rank^0.9, rounded.
const ZIPF_90: Weights = [
    100_000, 53_589, 37_204, 28_717, 23_492, 19_937, 17_354, 15_389, 13_841, 12_589, 11_554, 10_684, 9_941,
    9_300, 8_740, 8_247, 7_809, 7_417, 7_065, 6_746, 6_457, 6_192, 5_949, 5_725, 5_519, 5_328, 5_150, 4_984,
    4_829, 4_684, 4_548, 4_419,
];

/// 100,000 / rank^1.2, rounded.
const ZIPF_120: Weights = [
    100_000, 43_528, 26_758, 18_946, 14_496, 11_647, 9_680, 8_247, 7_160, 6_310, 5_628, 5_070, 4_605, 4_214,
    3_879, 3_590, 3_338, 3_117, 2_921, 2_746, 2_590, 2_450, 2_322, 2_207, 2_101, 2_005, 1_916, 1_834, 1_758,
    1_688, 1_623, 1_563,
];

/// 100,000 / rank^1.7, rounded.
const ZIPF_170: Weights = [
    100_000, 30_779, 15_449, 9_473, 6_483, 4_755, 3_659, 2_916, 2_387, 1_995, 1_697, 1_463, 1_277, 1_126,
    1_001, 897, 810, 735, 670, 614, 565, 522, 484, 450, 420, 393, 369, 347, 327, 308, 292, 276,
];

/// One of so many keys; key 0 comes most often. An exponent that is none of [`EXPONENTS`] counts as 0.
pub(crate) fn key(draws: &mut Draws, keys: u32, exponent: u32) -> u32 {
    let weights = match exponent {
        90 => &ZIPF_90,
        120 => &ZIPF_120,
        170 => &ZIPF_170,
        _ => &EVEN,
    };
    weighted(draws, weights.iter().take(keys as usize).copied()) as u32
}

/// The place of one of the weights, each as likely as it is heavy.
fn weighted(draws: &mut Draws, weights: impl Iterator<Item = u64> + Clone) -> usize {
    let mut left = draws.below(weights.clone().sum());
    for (place, weight) in weights.enumerate() {
        if left < weight {
            return place;
        }
        left -= weight;
    }
    unreachable!("a number below the sum lies within one of the weights")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_comes_as_often_as_zipf_says() {
        let mut draws = Draws::of(1).part("test", 0);
        let mut share = |exponent| (0..10_000).filter(|_| key(&mut draws, 8, exponent) == 0).count();
        // 1 / (sum of 1 / rank^s over 8 ranks).
        for (exponent, expected) in [(0, 1_250), (90, 3_382), (120, 4_281), (170, 5_762)] {
            let found = share(exponent);
            assert!(found.abs_diff(expected) < 200, "{exponent}: {found} of 10,000, not {expected}");
        }
    }

    #[test]
    fn half_of_the_caches_values_are_smaller_than_224_bytes() {
        let mut draws = Draws::of(2).part("test", 0);
        let sizes: Vec<u32> = (0..10_000).map(|_| Sizes::Caches.draw(&mut draws)).collect();
        let small = sizes.iter().filter(|bytes| **bytes < 224).count();
        assert!(small.abs_diff(5_000) < 200, "{small} of 10,000");
        assert!(sizes.iter().all(|bytes| (8..=LARGE).contains(bytes)));
    }
}
