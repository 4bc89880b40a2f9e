//! How fast commands may come: a token bucket allows so many at once and so many a second.

use crate::domain::Timestamp;

/// Commands that may come at once.
pub const BURST: u64 = 20;
/// Commands a second in the long run.
pub const PER_SECOND: u64 = 5;
/// Commands beyond those that may come at once and are told to wait, at the same pace in the long run. Each costs time to
/// read, and whoever sends more does not listen.
pub const EXCESS_BURST: u64 = 100;

/// What becomes of a command, as far as its pace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Granted,
    /// To be sent again later.
    Deferred,
    /// The last of too many.
    Denied,
}

/// The pace of one participant in one poll, over whatever connections.
#[derive(Debug)]
pub struct Pace {
    granted: TokenBucket,
    deferred: TokenBucket,
}

impl Pace {
    pub fn new(now: Timestamp) -> Self {
        Self {
            granted: TokenBucket::new(BURST, PER_SECOND, now),
            deferred: TokenBucket::new(EXCESS_BURST, PER_SECOND, now),
        }
    }

    pub fn admit(&mut self, now: Timestamp) -> Admission {
        if self.granted.take(now) {
            Admission::Granted
        } else if self.deferred.take(now) {
            Admission::Deferred
        } else {
            Admission::Denied
        }
    }

    /// Whether there is nothing to remember any more.
    pub fn is_rested(&self, now: Timestamp) -> bool {
        self.granted.is_full(now) && self.deferred.is_full(now)
    }
}

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

    fn thousandths_at(&self, now: Timestamp) -> u64 {
        let gained = now.since(self.refilled).saturating_mul(self.per_second);
        self.thousandths.saturating_add(gained).min(self.burst * 1_000)
    }

    fn is_full(&self, now: Timestamp) -> bool {
        self.thousandths_at(now) == self.burst * 1_000
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.thousandths = self.thousandths_at(now);
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

    #[test]
    fn what_is_beyond_the_pace_is_deferred_and_what_is_beyond_that_denied() {
        let start = Timestamp(1_000);
        let mut pace = Pace::new(start);
        let mut outcomes = |now: Timestamp, count: u64| {
            let outcomes: Vec<Admission> = (0..count).map(|_| pace.admit(now)).collect();
            let of = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
            [Admission::Granted, Admission::Deferred, Admission::Denied].map(of)
        };
        assert_eq!(outcomes(start, 130), [20, 100, 10]);
        assert_eq!(outcomes(start.plus(1_000), 12), [5, 5, 2]);
    }

    #[test]
    fn a_pace_is_rested_once_both_its_buckets_are_full() {
        let start = Timestamp(1_000);
        let mut pace = Pace::new(start);
        assert!(pace.is_rested(start));
        for _ in 0..BURST + 5 {
            let _ = pace.admit(start);
        }
        assert!(!pace.is_rested(start.plus(3_999)));
        assert!(pace.is_rested(start.plus(4_000)));
        for _ in 0..BURST + EXCESS_BURST {
            let _ = pace.admit(start.plus(4_000));
        }
        assert!(!pace.is_rested(start.plus(23_999)));
        assert!(pace.is_rested(start.plus(24_000)));
    }
}
