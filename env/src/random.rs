//! The only source of chance.

/// A node's random numbers, ids included. In the seeded world a stream of the node's own, so that
/// two nodes never disturb each other's draws.
pub trait Random {
    /// The generator, as `rand_core` has it, for whatever samples from one.
    fn random(&self) -> impl rand_core::Rng;

    /// 64 uniform bits.
    fn bits(&self) -> u64 {
        rand_core::Rng::next_u64(&mut self.random())
    }

    /// A number below `bound`, uniform to within 2⁻⁶⁴ · `bound`. The arithmetic is ours (the high half of a
    /// product), so that no library's version changes what a seed means.
    ///
    /// # Panics
    /// When `bound` is 0.
    fn below(&self, bound: u64) -> u64 {
        assert!(bound > 0, "a draw below 0 has no outcome");
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}
