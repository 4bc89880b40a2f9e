//! Random bytes for the machines: drawn from one secret seed, so that a seed replays a run exactly.

use zeroize::Zeroizing;

use crate::domain::bytes::{Bytes, sha256};

/// Hash in counter mode over a 32-byte seed: `SHA-256(domain ‖ seed ‖ counter)` (the idea of NIST SP 800-90A's
/// hash generator, without reseeding: a page lives for hours, not for 2^48 requests).
pub struct Random {
    seed: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed: Zeroizing::new(seed), counter: 0 }
    }

    /// 32 fresh bytes.
    pub fn bytes(&mut self) -> Bytes<32> {
        self.counter += 1;
        sha256(&[b"peerpoll/random/v1\0", &*self.seed, &self.counter.to_be_bytes()])
    }

    /// Uniform in `0..=max`, but for a bias below 2^-32 for the small ranges used here.
    pub fn up_to(&mut self, max: u64) -> u64 {
        let bytes = self.bytes();
        let number = bytes.0.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        number % max.saturating_add(1).max(1)
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Random(#{})", self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_draws_differ() {
        let (mut a, mut b) = (Random::new([7; 32]), Random::new([7; 32]));
        let first = a.bytes();
        assert_eq!(first, b.bytes());
        assert_ne!(first, a.bytes());
        assert!((0..200).all(|_| a.up_to(9) <= 9));
        assert_eq!(a.up_to(0), 0);
    }
}
