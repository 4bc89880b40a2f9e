//! Whether the other end of a connection is still there. The browser does not say: a killed peer's
//! connection can look open for minutes.

use crate::domain::Timestamp;

pub const PING_EVERY_MS: u64 = 5_000;
pub const DEAD_AFTER_MS: u64 = 15_000;
/// A tick that comes this late means that we ourselves slept: ask before judging.
pub const SLIP_MS: u64 = 10_000;
/// How long an answer may take after we slept.
pub const PROBE_MS: u64 = 3_000;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    Nothing,
    Ping,
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    heard: Timestamp,
    pinged: Timestamp,
    probe_until: Option<Timestamp>,
}

impl Liveness {
    pub fn new(now: Timestamp) -> Self {
        Self { heard: now, pinged: now, probe_until: None }
    }

    /// Anything at all came from the other end.
    pub fn heard(&mut self, now: Timestamp) {
        self.heard = now;
        self.probe_until = None;
    }

    /// Asks for a sign of life within [`PROBE_MS`]: after sleeping, or on returning to the foreground.
    pub fn probe(&mut self, now: Timestamp) -> Pulse {
        self.pinged = now;
        self.probe_until = Some(now.plus(PROBE_MS));
        Pulse::Ping
    }

    /// Call at [`Liveness::next`], or whenever.
    pub fn tick(&mut self, now: Timestamp) -> Pulse {
        if now.since(self.next()) > SLIP_MS {
            return self.probe(now);
        }
        if let Some(until) = self.probe_until {
            return if now >= until { Pulse::Dead } else { Pulse::Nothing };
        }
        if now >= self.heard.plus(DEAD_AFTER_MS) {
            return Pulse::Dead;
        }
        if now >= self.pinged.plus(PING_EVERY_MS) {
            self.pinged = now;
            return Pulse::Ping;
        }
        Pulse::Nothing
    }

    /// When there is something to do next.
    pub fn next(&self) -> Timestamp {
        match self.probe_until {
            Some(until) => until,
            None => self.heard.plus(DEAD_AFTER_MS).min(self.pinged.plus(PING_EVERY_MS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(100_000);

    #[test]
    fn pings_every_five_seconds_and_dies_after_fifteen() {
        let mut liveness = Liveness::new(START);
        let mut seen = vec![];
        while seen.last().map(|(_, pulse)| *pulse) != Some(Pulse::Dead) {
            let now = liveness.next();
            seen.push((now.since(START), liveness.tick(now)));
        }
        assert_eq!(seen, [(5_000, Pulse::Ping), (10_000, Pulse::Ping), (15_000, Pulse::Dead)]);
    }

    #[test]
    fn a_sign_of_life_starts_over() {
        let mut liveness = Liveness::new(START);
        liveness.tick(START.plus(5_000));
        liveness.heard(START.plus(9_000));
        assert_eq!(liveness.tick(START.plus(10_000)), Pulse::Ping);
        assert_eq!(liveness.tick(START.plus(15_000)), Pulse::Ping);
        assert_eq!(liveness.tick(START.plus(24_000)), Pulse::Dead);
    }

    #[test]
    fn whoever_ticks_in_time_is_believed_to_have_been_awake() {
        let late = |ms| Liveness::new(START).tick(START.plus(PING_EVERY_MS + ms));
        assert_eq!(late(SLIP_MS), Pulse::Dead);
        assert_eq!(late(SLIP_MS + 1), Pulse::Ping);
    }

    #[test]
    fn after_sleeping_it_asks_before_it_judges() {
        let mut liveness = Liveness::new(START);
        let woken = START.plus(3_600_000);
        assert_eq!(liveness.tick(woken), Pulse::Ping);
        assert_eq!(liveness.tick(woken.plus(PROBE_MS - 1)), Pulse::Nothing);
        let mut answered = liveness.clone();
        answered.heard(woken.plus(10));
        assert_eq!(answered.tick(woken.plus(PROBE_MS)), Pulse::Nothing);
        assert_eq!(liveness.tick(woken.plus(PROBE_MS)), Pulse::Dead);
    }
}
