//! A token bucket: so many commands at once, so many a second.

use crate::domain::Timestamp;

/// Commands that may come at once.
pub const BURST: u64 = 20;
/// Commands a second in the long run.
pub const PER_SECOND: u64 = 5;

/// Counts thousandths of a token, so that time in milliseconds divides evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    thousandths: u64,
    burst: u64,
    per_second: u64,
    refilled: Timestamp,
}

impl TokenBucket {
    pub fn new(burst: u64, per_second: u64, now: Timestamp) -> Self {
        Self { thousandths: burst * 1_000, burst, per_second, refilled: now }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let gained = now.since(self.refilled).saturating_mul(self.per_second);
        self.thousandths = self.thousandths.saturating_add(gained).min(self.burst * 1_000);
        self.refilled = self.refilled.max(now);
        let allowed = self.thousandths >= 1_000;
        if allowed {
            self.thousandths -= 1_000;
        }
        allowed
    }

    /// When there will be a token.
    pub fn next(&self) -> Timestamp {
        let missing = 1_000u64.saturating_sub(self.thousandths);
        self.refilled.plus(missing.div_ceil(self.per_second.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_long_run() {
        let start = Timestamp(1_000);
        let mut bucket = TokenBucket::new(BURST, PER_SECOND, start);
        assert_eq!((0..30).filter(|_| bucket.take(start)).count(), 20);
        assert_eq!(bucket.next(), start.plus(200));
        assert!(!bucket.take(start.plus(199)));
        assert!(bucket.take(start.plus(200)));
        assert!(!bucket.take(Timestamp(0)), "a clock that goes back gives nothing");
        assert_eq!((0..30).filter(|_| bucket.take(start.plus(1_000_000))).count(), 20);
    }
}
