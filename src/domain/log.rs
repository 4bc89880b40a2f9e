//! The hash chain of accepted commands, and what the owner signs about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::bug::{self, Bug};
use super::bytes::{Hash, Signature, Transcript, sha256};
use super::command::{CommandId, SignedCommand};
use super::identity::{KeyPair, RoomRef};
use super::poll::{Action, Poll, Refusal};

/// Entries a log holds at most.
pub const LOG_ENTRIES_MAX: u64 = 50_000;
/// The only status a receipt has so far.
const STATUS_ACCEPTED: u8 = 1;

/// One accepted command at its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub revision: u64,
    /// The hash of the entry before; zero for the first.
    pub previous: Hash,
    /// The owner's clock when the command was accepted. Says when, never decides order.
    pub time_ms: Timestamp,
    pub signed: SignedCommand,
}

impl Entry {
    /// `SHA-256("peerpoll/entry/v1\0" ‖ pollId ‖ revision u64 ‖ prevHash ‖ ownerTimeMs u64 ‖ lp32(C) ‖ sigC)`.
    pub fn hash(&self) -> Hash {
        let bytes = Transcript::new("peerpoll/entry/v1")
            .raw(self.signed.command.room.poll.0.as_bytes())
            .u64(self.revision)
            .raw(&self.previous.0)
            .u64(self.time_ms.0)
            .lp32(&self.signed.command.transcript())
            .raw(&self.signed.signature.0)
            .finish();
        sha256(&[&bytes])
    }
}

/// The owner's signed word that a command stands at a place of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub command_id: CommandId,
    pub command_hash: Hash,
    pub revision: u64,
    pub entry_hash: Hash,
    pub time_ms: Timestamp,
    pub signature: Signature,
}

impl Receipt {
    /// Signs for an entry. Ed25519 is deterministic: the same entry always gives the same receipt.
    pub fn issue(entry: &Entry, entry_hash: Hash, owner: &KeyPair) -> Self {
        let mut receipt = Self {
            command_id: entry.signed.command.id,
            command_hash: entry.signed.hash(),
            revision: entry.revision,
            entry_hash,
            time_ms: entry.time_ms,
            signature: Signature::ZERO,
        };
        receipt.signature = owner.sign(&receipt.transcript(&entry.signed.command.room));
        receipt
    }

    /// `"peerpoll/receipt/v1\0" ‖ pollId ‖ pkO ‖ commandId ‖ SHA-256(C‖sigC) ‖ status u8 ‖ revision u64 ‖ entryHash ‖ ownerTimeMs u64`.
    fn transcript(&self, room: &RoomRef) -> Vec<u8> {
        Transcript::new("peerpoll/receipt/v1")
            .raw(room.poll.0.as_bytes())
            .raw(room.owner.as_bytes())
            .raw(self.command_id.0.as_bytes())
            .raw(&self.command_hash.0)
            .u8(STATUS_ACCEPTED)
            .u64(self.revision)
            .raw(&self.entry_hash.0)
            .u64(self.time_ms.0)
            .finish()
    }

    /// Whether the owner of `signed`'s room vouches for exactly this command.
    pub fn verifies(&self, signed: &SignedCommand) -> bool {
        let room = &signed.command.room;
        self.command_id == signed.command.id
            && self.command_hash == signed.hash()
            && room.owner.verify(&self.transcript(room), &self.signature)
    }
}

/// The owner's signed word about how long the log is and how it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub revision: u64,
    pub hash: Hash,
    /// Bit 0: the poll is open.
    pub flags: u8,
    pub time_ms: Timestamp,
    pub signature: Signature,
}

impl Head {
    pub fn issue(poll: &Poll, now: Timestamp, owner: &KeyPair) -> Self {
        let mut head = Self {
            revision: poll.revision,
            hash: poll.head,
            flags: poll.open.into(),
            time_ms: now,
            signature: Signature::ZERO,
        };
        head.signature =
            owner.sign(&head.transcript(&RoomRef { owner: poll.owner, poll: poll.id }));
        head
    }

    /// `"peerpoll/head/v1\0" ‖ pollId ‖ pkO ‖ revision u64 ‖ headHash ‖ flags u8 ‖ timeMs u64`.
    fn transcript(&self, room: &RoomRef) -> Vec<u8> {
        Transcript::new("peerpoll/head/v1")
            .raw(room.poll.0.as_bytes())
            .raw(room.owner.as_bytes())
            .u64(self.revision)
            .raw(&self.hash.0)
            .u8(self.flags)
            .u64(self.time_ms.0)
            .finish()
    }

    pub fn verifies(&self, room: &RoomRef) -> bool {
        room.owner.verify(&self.transcript(room), &self.signature)
    }
}

/// What the owner's storage keeps for one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub entry: Entry,
    pub hash: Hash,
    pub receipt: Receipt,
}

/// Why a stored log can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    Empty,
    NotACreation,
    BrokenChain { revision: u64 },
    ForeignEntry { revision: u64 },
    Refused { revision: u64, refusal: Refusal },
}

/// How the log answers a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New and allowed: here is the record to be committed.
    Accept(Box<Record>),
    /// Seen before: the identical receipt.
    Duplicate(Receipt),
    /// Not allowed.
    Refuse(Refused),
}

/// Why a log refuses a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Rule(Refusal),
    /// The command id was used with other content.
    IdReused,
    Full,
}

/// The log of one poll: records, the index for deduplication, and the folded state.
#[derive(Clone, Debug)]
pub struct Log {
    records: Vec<Record>,
    by_command: BTreeMap<CommandId, usize>,
    poll: Poll,
}

impl Log {
    /// The record that starts a poll: its creation by the owner.
    pub fn found(
        signed: SignedCommand,
        now: Timestamp,
        owner: &KeyPair,
    ) -> Result<(Self, Record), Refusal> {
        let Action::Create(draft) = &signed.command.action else {
            return Err(Refusal::AlreadyCreated);
        };
        let poll = Poll::create(signed.command.room.poll, owner.public(), draft)?;
        let mut log = Self { records: Vec::new(), by_command: BTreeMap::new(), poll };
        let record = record_against(&log.poll, signed, now, owner);
        log.place(record.clone());
        Ok((log, record))
    }

    /// Folds a stored log, checking its chain. Signatures were checked before they were stored.
    pub fn restore(room: RoomRef, records: Vec<Record>) -> Result<Self, LogError> {
        let first = records.first().ok_or(LogError::Empty)?;
        let Action::Create(draft) = &first.entry.signed.command.action else {
            return Err(LogError::NotACreation);
        };
        let poll = Poll::create(room.poll, room.owner, draft)
            .map_err(|refusal| LogError::Refused { revision: 1, refusal })?;
        let mut log =
            Self { records: Vec::with_capacity(records.len()), by_command: BTreeMap::new(), poll };
        for record in records {
            let entry = &record.entry;
            let revision = log.poll.revision + 1;
            if entry.signed.command.room != room {
                return Err(LogError::ForeignEntry { revision });
            }
            if entry.revision != revision
                || entry.previous != log.poll.head
                || entry.hash() != record.hash
            {
                return Err(LogError::BrokenChain { revision });
            }
            if revision > 1 {
                log.poll
                    .apply(&entry.signed.command.author, &entry.signed.command.action)
                    .map_err(|refusal| LogError::Refused { revision, refusal })?;
            }
            log.place(record);
        }
        Ok(log)
    }

    pub fn poll(&self) -> &Poll {
        &self.poll
    }

    pub fn revision(&self) -> u64 {
        self.poll.revision
    }

    /// The records after `revision`, in order.
    pub fn after(&self, revision: u64) -> &[Record] {
        let from = usize::try_from(revision).unwrap_or(usize::MAX).min(self.records.len());
        self.records.get(from..).unwrap_or_default()
    }

    /// A copy of the state to judge a batch of commands against, one after another.
    pub fn stage(&self) -> Staging {
        Staging { poll: self.poll.clone(), records: Vec::new() }
    }

    /// Takes over what was staged against this very state, once it is committed.
    pub fn commit(&mut self, staging: Staging) {
        debug_assert_eq!(staging.poll.revision, self.poll.revision + staging.records.len() as u64);
        for record in staging.records {
            self.by_command.insert(record.entry.signed.command.id, self.records.len());
            self.records.push(record);
        }
        self.poll = staging.poll;
    }

    /// The receipt of a command that is in the log.
    pub fn receipt(&self, id: CommandId) -> Option<&Receipt> {
        self.known(id).map(|record| &record.receipt)
    }

    fn known(&self, id: CommandId) -> Option<&Record> {
        self.by_command.get(&id).and_then(|at| self.records.get(*at))
    }

    fn place(&mut self, record: Record) {
        place(&mut self.poll, &record);
        self.by_command.insert(record.entry.signed.command.id, self.records.len());
        self.records.push(record);
    }
}

/// Commands accepted but not yet committed. Nobody is told of them.
#[derive(Clone, Debug)]
pub struct Staging {
    poll: Poll,
    records: Vec<Record>,
}

impl Staging {
    /// Judges a command whose signature has been verified, against `log` and all staged before it.
    /// An accepted one is staged.
    pub fn judge(
        &mut self,
        log: &Log,
        signed: &SignedCommand,
        now: Timestamp,
        owner: &KeyPair,
    ) -> Verdict {
        let id = signed.command.id;
        let staged = || self.records.iter().find(|record| record.entry.signed.command.id == id);
        let known = log.known(id).or_else(staged).filter(|_| !bug::on(Bug::DedupDropped));
        if let Some(known) = known {
            return if bug::on(Bug::ClosedPollRefusesDuplicates) && !self.poll.open {
                Verdict::Refuse(Refused::Rule(Refusal::PollClosed))
            } else if bug::on(Bug::ReceiptReissued) {
                let entry = Entry { time_ms: now, ..known.entry.clone() };
                Verdict::Duplicate(Receipt::issue(&entry, known.hash, owner))
            } else if known.entry.signed == *signed || bug::on(Bug::ReusedIdAccepted) {
                Verdict::Duplicate(known.receipt.clone())
            } else {
                Verdict::Refuse(Refused::IdReused)
            };
        }
        if bug::on(Bug::ClockDecides)
            && log.records.last().is_some_and(|last| now < last.entry.time_ms)
        {
            return Verdict::Refuse(Refused::Full);
        }
        if self.poll.revision >= LOG_ENTRIES_MAX {
            return Verdict::Refuse(Refused::Full);
        }
        if let Err(refusal) = self.poll.apply(&signed.command.author, &signed.command.action) {
            return Verdict::Refuse(Refused::Rule(refusal));
        }
        let record = record_against(&self.poll, signed.clone(), now, owner);
        place(&mut self.poll, &record);
        self.records.push(record.clone());
        Verdict::Accept(Box::new(record))
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// The record that `signed` would be after `poll`.
fn record_against(poll: &Poll, signed: SignedCommand, now: Timestamp, owner: &KeyPair) -> Record {
    let entry = Entry { revision: poll.revision + 1, previous: poll.head, time_ms: now, signed };
    let hash = entry.hash();
    let receipt = Receipt::issue(&entry, hash, owner);
    Record { entry, hash, receipt }
}

fn place(poll: &mut Poll, record: &Record) {
    poll.revision = record.entry.revision;
    poll.head = record.hash;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::{room, signed};
    use crate::domain::poll::tests::draft;
    use crate::domain::poll::{Choice, OptionId, Status, Vote};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn owner() -> KeyPair {
        KeyPair::from_seed(&[1; 32])
    }

    fn log() -> Log {
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        Log::found(create, NOW, &owner()).expect("a valid draft").0
    }

    fn vote(seed: u8, id: u128, option: u16) -> SignedCommand {
        signed(seed, id, Action::Vote(Vote { choices: vec![OptionId(option)] }))
    }

    fn accept(log: &mut Log, signed: &SignedCommand) -> Receipt {
        let mut staging = log.stage();
        match staging.judge(log, signed, NOW, &owner()) {
            Verdict::Accept(record) => {
                log.commit(staging);
                record.receipt
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ten_duplicates_give_ten_identical_receipts_and_one_vote() {
        let mut log = log();
        let command = vote(2, 7, 1);
        let receipt = accept(&mut log, &command);
        assert!(receipt.verifies(&command));
        for _ in 0..10 {
            assert_eq!(
                log.stage().judge(&log, &command, NOW.plus(9), &owner()),
                Verdict::Duplicate(receipt.clone())
            );
        }
        assert_eq!(log.poll().tally().counts, [0, 1]);
        assert_eq!(log.revision(), 2);
    }

    #[test]
    fn an_id_with_other_content_is_refused() {
        let mut log = log();
        accept(&mut log, &vote(2, 7, 1));
        let other = log.stage().judge(&log, &vote(2, 7, 0), NOW, &owner());
        assert_eq!(other, Verdict::Refuse(Refused::IdReused));
        let stolen = log.stage().judge(&log, &vote(3, 7, 1), NOW, &owner());
        assert_eq!(stolen, Verdict::Refuse(Refused::IdReused));
    }

    #[test]
    fn a_closed_poll_still_answers_duplicates() {
        let mut log = log();
        let early = vote(2, 7, 1);
        let receipt = accept(&mut log, &early);
        accept(&mut log, &signed(1, 8, Action::SetStatus(Status { open: false })));
        assert_eq!(log.stage().judge(&log, &early, NOW, &owner()), Verdict::Duplicate(receipt));
        let late = log.stage().judge(&log, &vote(3, 9, 0), NOW, &owner());
        assert_eq!(late, Verdict::Refuse(Refused::Rule(Refusal::PollClosed)));
    }

    #[test]
    fn a_stored_log_folds_to_the_same_state_and_a_changed_one_is_refused() {
        let mut log = log();
        for n in 0..5u8 {
            accept(&mut log, &vote(n + 2, u128::from(n) + 7, u16::from(n % 2)));
        }
        let records = log.after(0).to_vec();
        let restored = Log::restore(room(), records.clone()).expect("an intact log");
        assert_eq!(restored.poll(), log.poll());

        let mut swapped = records.clone();
        swapped.swap(2, 3);
        assert_eq!(
            Log::restore(room(), swapped).err(),
            Some(LogError::BrokenChain { revision: 3 })
        );
        let mut edited = records.clone();
        edited[4].entry.time_ms = NOW.plus(1);
        assert_eq!(Log::restore(room(), edited).err(), Some(LogError::BrokenChain { revision: 5 }));
        assert_eq!(Log::restore(room(), records[1..].to_vec()).err(), Some(LogError::NotACreation));
        assert_eq!(Log::restore(room(), vec![]).err(), Some(LogError::Empty));
    }

    /// Records whose hashes fit what they hold, with something else wrong in the second.
    fn rehashed(change: impl FnOnce(&mut Entry)) -> Vec<Record> {
        let mut log = log();
        accept(&mut log, &vote(2, 7, 1));
        let mut records = log.after(0).to_vec();
        change(&mut records[1].entry);
        records[1].hash = records[1].entry.hash();
        records
    }

    #[test]
    fn each_thing_that_does_not_fit_a_stored_log_is_named() {
        let error = |records| Log::restore(room(), records).err();
        assert_eq!(error(rehashed(|_| {})), None);
        let broken = Some(LogError::BrokenChain { revision: 2 });
        assert_eq!(error(rehashed(|entry| entry.revision = 3)), broken);
        assert_eq!(error(rehashed(|entry| entry.previous = Hash::ZERO)), broken);
        let mut wrong_hash = rehashed(|_| {});
        wrong_hash[1].hash = Hash::ZERO;
        assert_eq!(error(wrong_hash), broken);
        let elsewhere = rehashed(|entry| {
            entry.signed.command.room.poll =
                crate::domain::identity::PollId(uuid::Uuid::from_u128(9));
        });
        assert_eq!(error(elsewhere), Some(LogError::ForeignEntry { revision: 2 }));
        let refused = LogError::Refused { revision: 2, refusal: Refusal::UnknownOption };
        assert_eq!(error(rehashed(|entry| entry.signed = vote(2, 7, 9))), Some(refused));
    }

    #[test]
    fn what_comes_after_a_revision() {
        let mut log = log();
        accept(&mut log, &vote(2, 7, 1));
        let revisions = |from| log.after(from).iter().map(|r| r.entry.revision).collect::<Vec<_>>();
        assert_eq!(revisions(0), [1, 2]);
        assert_eq!(revisions(1), [2]);
        assert_eq!(revisions(2), [] as [u64; 0]);
        assert_eq!(revisions(u64::MAX), [] as [u64; 0]);
    }

    #[test]
    fn receipts_and_heads_vouch_for_nothing_else() {
        let mut log = log();
        let command = vote(2, 7, 1);
        let receipt = accept(&mut log, &command);
        assert!(!receipt.verifies(&vote(2, 7, 0)));
        let mut moved = receipt.clone();
        moved.revision += 1;
        assert!(!moved.verifies(&command));

        let head = Head::issue(log.poll(), NOW, &owner());
        assert!(head.verifies(&room()));
        let mut longer = head.clone();
        longer.revision += 1;
        assert!(!longer.verifies(&room()));
        let impostor = KeyPair::from_seed(&[9; 32]);
        assert!(!Head::issue(log.poll(), NOW, &impostor).verifies(&room()));
    }
}
