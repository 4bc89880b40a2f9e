//! What rooms must have gone through: a fault that never happens proves nothing.

use std::collections::BTreeMap;

/// Something worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    // The network.
    Cut,
    HalfCut,
    Stall,
    Offline,
    /// A frame reached an end that can't be heard itself.
    OneWayFrame,
    /// A frame came over a link after a newer one to the same device stood.
    FrameOfAnOlderLink,
    Squatter,
    IdTaken,
    /// Somebody sits in between and terminates both halves of a connection.
    InBetween,
    // Storage and tabs.
    FailedCommit,
    FencedCommit,
    CommitNobodyHeardOf,
    RelaxedWriteLost,
    /// Something happened to a tab that its browser had frozen.
    Frozen,
    /// A page was left, and shown again later.
    Left,
    ClockWentBack,
    // What the machines made of it.
    DuplicateAcked,
    Refused,
    SentTooFast,
    /// Somebody sent on after being told to wait.
    CutOffForHaste,
    StateAskedFor,
    StateInChunks,
    /// A participant closed a connection to somebody who is not the owner, or has somebody in between.
    ImpostorLeft,
    BackedUp,
    Listed,
}

impl Seen {
    pub const ALL: [Self; 25] = [
        Self::Cut,
        Self::HalfCut,
        Self::Stall,
        Self::Offline,
        Self::OneWayFrame,
        Self::FrameOfAnOlderLink,
        Self::Squatter,
        Self::IdTaken,
        Self::InBetween,
        Self::FailedCommit,
        Self::FencedCommit,
        Self::CommitNobodyHeardOf,
        Self::RelaxedWriteLost,
        Self::Frozen,
        Self::Left,
        Self::ClockWentBack,
        Self::DuplicateAcked,
        Self::Refused,
        Self::SentTooFast,
        Self::CutOffForHaste,
        Self::StateAskedFor,
        Self::StateInChunks,
        Self::ImpostorLeft,
        Self::BackedUp,
        Self::Listed,
    ];
}

/// How often each was seen.
#[derive(Clone, Debug, Default)]
pub struct Sightings(BTreeMap<Seen, u64>);

impl Sightings {
    pub fn count(&mut self, seen: Seen) {
        *self.0.entry(seen).or_default() += 1;
    }

    pub fn add(&mut self, others: &Self) {
        for (seen, count) in &others.0 {
            *self.0.entry(*seen).or_default() += count;
        }
    }

    pub fn of(&self, seen: Seen) -> u64 {
        self.0.get(&seen).copied().unwrap_or_default()
    }
}
