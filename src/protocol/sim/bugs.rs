//! Every deliberate bug is found: the random rooms break the very promise that the bug breaks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::chaos::{Trace, run};
use crate::domain::bug::{self, Bug};

/// Far more seeds than any of the bugs needs.
const SEEDS_MAX: u64 = 5_000;

/// What the first failing seed says, with the seed.
fn first_failure(bug: Bug) -> Option<(u64, String)> {
    (0..SEEDS_MAX).find_map(|seed| {
        let run = || bug::with(Some(bug), || run(seed, Trace::Off));
        Some((seed, words(catch_unwind(AssertUnwindSafe(run)).err()?.as_ref())))
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned()
}

fn is_caught(bug: Bug, promises: &[&str]) {
    let (seed, words) = first_failure(bug).expect("the bug is found");
    println!("{bug:?}: seed {seed}: {words}");
    let named = promises.iter().any(|promise| words.contains(promise));
    assert!(named, "{bug:?} breaks {promises:?}, but seed {seed} says: {words}");
}

macro_rules! caught {
    ($($name:ident: $bug:ident breaks $($promise:literal)or+;)+) => {
        $(#[test]
        fn $name() {
            is_caught(Bug::$bug, &[$($promise),+]);
        })+
    };
}

caught! {
    ack_before_commit: AckBeforeCommit breaks "[1, 13]";
    dedup_dropped: DedupDropped breaks "[2]";
    reused_id_accepted: ReusedIdAccepted breaks "[2]";
    receipt_reissued: ReceiptReissued breaks "[2]";
    closed_poll_refuses_duplicates: ClosedPollRefusesDuplicates breaks "[10]" or "[11, 13]";
    closed_poll_takes_votes: ClosedPollTakesVotes breaks "[9, 10]";
    role_checked_at_receipt: RoleCheckedAtReceipt breaks "[9, 10]";
    clock_decides: ClockDecides breaks "[11]";
    refused_before_commit: RefusedBeforeCommit breaks "[11, 13]";
    log_written_relaxed: LogWrittenRelaxed breaks "[1]";
    log_forgotten: LogForgotten breaks "[1]" or "[12]";
    failed_commit_forgotten: FailedCommitForgotten breaks "[5]";
    forged_command_accepted: ForgedCommandAccepted breaks "[9]";
    served_before_proof: ServedBeforeProof breaks "[14]";
    lobby_tells_all: LobbyTellsAll breaks "[16]";
    snapshot_over_newer: SnapshotOverNewer breaks "[3]";
    gap_ignored: GapIgnored breaks "[3, 4]";
    hash_ignored: HashIgnored breaks "[3, 4]";
    ack_not_verified: AckNotVerified breaks "[6]";
    owner_not_proved: OwnerNotProved breaks "[14]";
    certificates_not_signed: CertificatesNotSigned breaks "[14]";
    offline_act_accepted: OfflineActAccepted breaks "[8]";
    row_removed_before_ack: RowRemovedBeforeAck breaks "[6]";
    sent_before_saved: SentBeforeSaved breaks "[6]";
    outbox_written_relaxed: OutboxWrittenRelaxed breaks "[7]";
    handed_over_by_id: HandedOverById breaks "[7]";
    too_fast_is_final: TooFastIsFinal breaks "[6]";
    sent_before_answer: SentBeforeAnswer breaks "[7]";
    outbox_forgotten_on_reload: OutboxForgottenOnReload breaks "[7]";
    outbox_order_lost: OutboxOrderLost breaks "[7]";
    resend_forgotten: ResendForgotten breaks "[5]";
    refusal_ignored: RefusalIgnored breaks "[5]";
    ex_leader_leads_on: ExLeaderLeadsOn breaks "[12]" or "[3]";
    epoch_not_checked: EpochNotChecked breaks "[12]";
    ticks_for_ever: TicksForEver breaks "[15]";
}
