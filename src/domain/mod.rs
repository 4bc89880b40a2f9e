//! Values and rules, nothing else: no clock, no randomness, no IO, no browser.
//!
//! * [`identity`]: key pairs, peer ids, room links.
//! * [`text`]: the only strings a person may put into a poll.
//! * [`poll`]: a poll and the rules that change it.
//! * [`command`]: a signed wish to change a poll, and its exact bytes.
//! * [`config`]: what whoever deploys the page decides.
//! * [`log`]: the hash chain of accepted commands, receipts and heads.
//! * [`bug`]: lines broken on purpose, for the tests that must notice.

pub mod bug;
pub mod bytes;
pub mod command;
pub mod config;
pub mod identity;
pub mod log;
pub mod poll;
pub mod text;

/// Milliseconds since the Unix epoch, always passed in, never read from a clock here.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment plus `ms` milliseconds, saturating.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; zero when the clock went backwards.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
