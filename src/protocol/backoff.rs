//! Capped exponential backoff with full jitter.
//!
//! Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the delay is uniform in
//! `0..=min(cap, base * 2^attempt)`, which spreads a crowd that lost the same owner best.

use super::random::Random;

pub const BASE_MS: u64 = 1_000;
pub const CAP_MS: u64 = 60_000;
/// A connection that held this long counts as good: the next loss starts from the base again.
pub const STABLE_MS: u64 = 30_000;

/// Counts attempts since things were last good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    attempt: u32,
}

impl Backoff {
    /// Milliseconds until the next attempt.
    pub fn next_ms(&mut self, random: &mut Random) -> u64 {
        let ceiling = BASE_MS.saturating_mul(1 << self.attempt.min(16)).min(CAP_MS);
        self.attempt = self.attempt.saturating_add(1);
        random.up_to(ceiling)
    }

    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn highest(attempt: u32) -> u64 {
        let mut random = Random::new([1; 32]);
        (0..2_000).map(|_| Backoff { attempt }.next_ms(&mut random)).max().unwrap_or(0)
    }

    #[test]
    fn delays_grow_to_the_cap_and_no_further() {
        for (attempt, ceiling) in
            [(0, 1_000), (1, 2_000), (5, 32_000), (6, 60_000), (4_000_000_000, 60_000)]
        {
            let highest = highest(attempt);
            assert!(highest <= ceiling && highest > ceiling * 99 / 100, "{attempt}: {highest}");
        }
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let mut random = Random::new([2; 32]);
        let low = (0..2_000).filter(|_| Backoff { attempt: 3 }.next_ms(&mut random) < 800).count();
        assert!((100..300).contains(&low), "about a tenth: {low}");
    }

    #[test]
    fn a_reset_starts_over() {
        let mut backoff = Backoff { attempt: 9 };
        backoff.reset();
        assert!(backoff.next_ms(&mut Random::new([3; 32])) <= BASE_MS);
    }
}
