//! Deliberate bugs, which prove that the tests of whole rooms can fail.
//!
//! Each breaks one line that a promise rests on. The feature `simulation` compiles them in, for tests alone;
//! without it [`on`] is a constant and nothing is left of them.

/// One broken line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The hub acks a command when it has judged it, not when its transaction completed.
    AckBeforeCommit,
    /// The log does not look for a command that it has already.
    DedupDropped,
    /// A command id stands for whatever came first under it.
    ReusedIdAccepted,
    /// A duplicate gets a receipt made now, not the one from then.
    ReceiptReissued,
    /// A closed poll looks at its being closed before it looks for a duplicate.
    ClosedPollRefusesDuplicates,
    ClosedPollTakesVotes,
    /// A role is looked at when a command arrives, and not again when it is applied.
    RoleCheckedAtReceipt,
    /// The log refuses what is older by the owner's clock than its last entry.
    ClockDecides,
    /// A refusal is told at once, also where it rests on what is not committed yet.
    RefusedBeforeCommit,
    /// The owner's log is written in a way that a power cut undoes.
    LogWrittenRelaxed,
    /// The newest entry of the log is forgotten when the page is loaded.
    LogForgotten,
    /// What was in a transaction that failed is not tried again.
    FailedCommitForgotten,
    ForgedCommandAccepted,
    /// The hub sends the state in answer to `auth:hello`.
    ServedBeforeProof,
    /// The lobby lists polls that their owner did not list.
    LobbyTellsAll,
    /// A state replaces a newer one.
    SnapshotOverNewer,
    /// An increment is applied whatever revision it follows.
    GapIgnored,
    /// An increment is applied whatever hash it claims.
    HashIgnored,
    AckNotVerified,
    /// A participant does not look at the owner's proof.
    OwnerNotProved,
    /// What is signed in a handshake leaves the certificates out.
    CertificatesNotSigned,
    /// Commands are taken while there is no connection to the owner.
    OfflineActAccepted,
    /// A command leaves the outbox on disk when it is sent.
    RowRemovedBeforeAck,
    SentBeforeSaved,
    /// The outbox is written in a way that a power cut undoes.
    OutboxWrittenRelaxed,
    /// A command that came too fast is given up.
    TooFastIsFinal,
    /// Commands are sent without waiting for the answers to those before them.
    SentBeforeAnswer,
    /// What was done while another tab led is handed over in the order of its ids.
    HandedOverById,
    /// The newest command in the outbox is forgotten when the page is loaded.
    OutboxForgottenOnReload,
    /// The newest command is sent first.
    OutboxOrderLost,
    /// What was sent over a lost connection counts as delivered.
    ResendForgotten,
    /// A refused command stays in the outbox.
    RefusalIgnored,
    /// A tab leads on after it has heard of a newer leader.
    ExLeaderLeadsOn,
    /// Storage writes for a leader whose epoch has passed: the simulated storage, as the page's own is out of reach here.
    EpochNotChecked,
    /// A dial whose moment has passed is due again and again while signalling is down.
    TicksForEver,
}

#[cfg(feature = "simulation")]
mod active {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static ACTIVE: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether this thread runs with the bug.
    pub fn on(bug: Bug) -> bool {
        ACTIVE.get() == Some(bug)
    }

    /// Puts back what was before, also when a check panics: the thread may run another test next.
    #[cfg(test)]
    struct Restore(Option<Bug>);

    #[cfg(test)]
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }

    /// Runs `work` with one bug, or with none.
    #[cfg(test)]
    pub fn with<T>(bug: Option<Bug>, work: impl FnOnce() -> T) -> T {
        let _restore = Restore(ACTIVE.replace(bug));
        work()
    }
}

#[cfg(not(feature = "simulation"))]
mod active {
    use super::Bug;

    pub const fn on(_: Bug) -> bool {
        false
    }

    #[cfg(test)]
    pub fn with<T>(_: Option<Bug>, work: impl FnOnce() -> T) -> T {
        work()
    }
}

pub use active::on;
#[cfg(test)]
pub use active::with;
