//! Rows: how what must last is laid out. The storage adapter moves rows and knows nothing of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::domain::command::{CommandId, SignedCommand};
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::log::{Receipt, Record};
use crate::domain::poll::Poll;

/// The object stores. Keys are strings within each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Store {
    /// Our own polls: `poll/revision` to a log record.
    Log,
    /// Commands not yet acked: `owner/poll/sequence` to a signed command.
    Outbox,
    /// How commands were answered for good: `owner/poll/commandId` to a receipt, which proves that it was acked, or to a refusal.
    Receipts,
    /// Polls of others: `owner/poll` to the cached copy.
    Rooms,
    /// Who was lately connected to a poll of ours: `poll` to signalling ids.
    Visitors,
}

impl Store {
    pub const ALL: [Self; 5] =
        [Self::Log, Self::Outbox, Self::Receipts, Self::Rooms, Self::Visitors];

    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Outbox => "outbox",
            Self::Receipts => "receipts",
            Self::Rooms => "rooms",
            Self::Visitors => "visitors",
        }
    }
}

/// One row to be put, or deleted where there is no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub store: Store,
    pub key: String,
    /// JSON text.
    pub value: Option<String>,
}

impl Row {
    fn put<T: Serialize>(store: Store, key: String, value: &T) -> Self {
        // Our own types hold only strings, numbers and maps with string keys: nothing here can fail.
        Self { store, key, value: Some(serde_json::to_string(value).unwrap_or_default()) }
    }

    fn delete(store: Store, key: String) -> Self {
        Self { store, key, value: None }
    }

    pub fn record(record: &Record) -> Self {
        let poll = record.entry.signed.command.room.poll;
        Self::put(Store::Log, format!("{poll}/{:016}", record.entry.revision), record)
    }

    pub fn outbox(sequence: u64, signed: &SignedCommand) -> Self {
        Self::put(Store::Outbox, outbox_key(signed.command.room, sequence), signed)
    }

    pub fn outbox_done(room: RoomRef, sequence: u64) -> Self {
        Self::delete(Store::Outbox, outbox_key(room, sequence))
    }

    pub fn receipt(room: RoomRef, kept: &KeptReceipt) -> Self {
        Self::put(Store::Receipts, format!("{}/{}", room_key(room), kept.receipt.command_id), kept)
    }

    pub fn refusal(room: RoomRef, id: CommandId) -> Self {
        Self::put(Store::Receipts, format!("{}/{id}", room_key(room)), &KeptRefusal::Refused)
    }

    pub fn cached(room: RoomRef, cached: &CachedPoll) -> Self {
        Self::put(Store::Rooms, room_key(room), cached)
    }

    pub fn forget(room: RoomRef) -> Self {
        Self::delete(Store::Rooms, room_key(room))
    }

    pub fn visitors(poll: PollId, ids: &BTreeSet<String>) -> Self {
        Self::put(Store::Visitors, poll.to_string(), ids)
    }
}

/// A receipt as the participant keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReceipt {
    pub receipt: Receipt,
    /// Whether it is about a vote: the newest of those is shown.
    pub vote: bool,
}

/// That a command was refused for good.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptRefusal {
    Refused,
}

/// A joined poll as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedPoll {
    pub poll: Arc<Poll>,
    pub at_ms: Timestamp,
    /// Commands of ours that were acked at these revisions, later than the poll's.
    pub settling: Vec<(u64, SignedCommand)>,
}

/// Everything a device remembers, parsed. What can't be read is counted, never guessed at.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub logs: BTreeMap<PollId, Vec<Record>>,
    pub outboxes: BTreeMap<RoomRef, Vec<(u64, SignedCommand)>>,
    pub receipts: BTreeMap<RoomRef, Receipt>,
    /// Commands that were acked, or refused for good.
    pub answered: BTreeMap<RoomRef, BTreeSet<CommandId>>,
    pub rooms: BTreeMap<RoomRef, CachedPoll>,
    pub visitors: BTreeMap<PollId, BTreeSet<String>>,
    pub unreadable: usize,
}

impl Stored {
    /// Rows may come in any order.
    pub fn parse(rows: Vec<Row>) -> Self {
        let mut stored = Self::default();
        for row in rows {
            if stored.take(&row).is_none() {
                stored.unreadable += 1;
            }
        }
        for log in stored.logs.values_mut() {
            log.sort_by_key(|record| record.entry.revision);
        }
        stored
    }

    fn take(&mut self, row: &Row) -> Option<()> {
        let value = row.value.as_deref()?;
        match row.store {
            Store::Log => {
                let record: Record = serde_json::from_str(value).ok()?;
                self.logs.entry(record.entry.signed.command.room.poll).or_default().push(record);
            }
            Store::Outbox => {
                let signed: SignedCommand = serde_json::from_str(value).ok()?;
                let sequence = row.key.rsplit_once('/')?.1.parse().ok()?;
                self.outboxes.entry(signed.command.room).or_default().push((sequence, signed));
            }
            Store::Receipts => {
                let (room, id) = row.key.rsplit_once('/')?;
                let room = parse_room_key(room)?;
                let id = CommandId(id.parse().ok()?);
                if serde_json::from_str::<KeptRefusal>(value).is_err() {
                    let kept: KeptReceipt = serde_json::from_str(value).ok()?;
                    let newest = self.receipts.get(&room).map_or(0, |receipt| receipt.revision);
                    if kept.vote && kept.receipt.revision > newest {
                        self.receipts.insert(room, kept.receipt);
                    }
                }
                self.answered.entry(room).or_default().insert(id);
            }
            Store::Rooms => {
                let cached: CachedPoll = serde_json::from_str(value).ok()?;
                self.rooms.insert(parse_room_key(&row.key)?, cached);
            }
            Store::Visitors => {
                let poll = PollId(row.key.parse().ok()?);
                self.visitors.insert(poll, serde_json::from_str(value).ok()?);
            }
        }
        Some(())
    }
}

fn room_key(room: RoomRef) -> String {
    format!("{}/{}", room.owner, room.poll)
}

fn parse_room_key(key: &str) -> Option<RoomRef> {
    let (owner, poll) = key.split_once('/')?;
    Some(RoomRef { owner: PublicKey::from_peer_id(owner).ok()?, poll: PollId(poll.parse().ok()?) })
}

fn outbox_key(room: RoomRef, sequence: u64) -> String {
    format!("{}/{sequence:016}", room_key(room))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::{room, signed};
    use crate::domain::identity::KeyPair;
    use crate::domain::log::Log;
    use crate::domain::poll::tests::draft;
    use crate::domain::poll::{Action, Choice, OptionId, Vote};

    #[test]
    fn what_is_put_is_read_back() {
        let owner = KeyPair::from_seed(&[1; 32]);
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (mut log, first) = Log::found(create, Timestamp(5), &owner).expect("valid");
        let vote = signed(2, 9, Action::Vote(Vote { choices: vec![OptionId(1)] }));
        let mut staging = log.stage();
        staging.judge(&log, &vote, Timestamp(6), &owner);
        log.commit(staging);
        let second = log.after(1)[0].clone();
        let cached = CachedPoll {
            poll: Arc::new(log.poll().clone()),
            at_ms: Timestamp(7),
            settling: vec![(2, vote.clone())],
        };
        let ids = BTreeSet::from(["a".to_owned()]);
        let refused = CommandId(uuid::Uuid::from_u128(10));
        let older = KeptReceipt { receipt: first.receipt.clone(), vote: true };
        let newer = KeptReceipt { receipt: second.receipt.clone(), vote: true };
        let (first_id, vote_id) = (first.receipt.command_id, second.receipt.command_id);
        let stored = Stored::parse(vec![
            Row::record(&second),
            Row::record(&first),
            Row::outbox(12, &vote),
            Row::receipt(room(), &newer),
            Row::receipt(room(), &older),
            Row::refusal(room(), refused),
            Row::cached(room(), &cached),
            Row::visitors(room().poll, &ids),
        ]);
        assert_eq!(stored.unreadable, 0);
        assert_eq!(stored.logs.get(&room().poll), Some(&vec![first, second.clone()]));
        assert_eq!(stored.outboxes.get(&room()), Some(&vec![(12, vote)]));
        assert_eq!(stored.receipts.get(&room()), Some(&second.receipt));
        let answered = [first_id, vote_id, refused].into_iter().collect::<BTreeSet<CommandId>>();
        assert_eq!(stored.answered.get(&room()), Some(&answered));
        assert_eq!(stored.rooms.get(&room()), Some(&cached));
        assert_eq!(stored.visitors.get(&room().poll), Some(&ids));
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let rows = Store::ALL.map(|store| Row { store, key: "?".into(), value: Some("{}".into()) });
        assert_eq!(Stored::parse(rows.to_vec()).unreadable, 5);
        let no_answer = Row {
            value: Some("{}".into()),
            ..Row::refusal(room(), CommandId(uuid::Uuid::from_u128(7)))
        };
        let stored = Stored::parse(vec![no_answer]);
        assert_eq!((stored.unreadable, stored.answered), (1, BTreeMap::new()));
        let deleted = Row::forget(room());
        assert_eq!(Stored::parse(vec![deleted]).unreadable, 1);
    }

    #[test]
    fn the_layout_on_disk_is_what_older_pages_wrote() {
        assert_eq!(Store::ALL.map(Store::name), ["log", "outbox", "receipts", "rooms", "visitors"]);
        let vote = signed(2, 9, Action::Vote(Vote { choices: vec![OptionId(1)] }));
        let owner = room().owner.peer_id();
        let poll = "00000000-0000-0000-0000-000000000051";
        let keys = [
            Row::outbox(12, &vote),
            Row::outbox_done(room(), 12),
            Row::forget(room()),
            Row::visitors(room().poll, &BTreeSet::new()),
        ]
        .map(|row| (row.store, row.key, row.value.is_some()));
        assert_eq!(
            keys,
            [
                (Store::Outbox, format!("{owner}/{poll}/0000000000000012"), true),
                (Store::Outbox, format!("{owner}/{poll}/0000000000000012"), false),
                (Store::Rooms, format!("{owner}/{poll}"), false),
                (Store::Visitors, poll.to_owned(), true),
            ]
        );
    }

    #[test]
    fn the_receipt_shown_is_that_of_the_newest_vote() {
        let owner = KeyPair::from_seed(&[1; 32]);
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (_, record) = Log::found(create, Timestamp(5), &owner).expect("valid");
        let row = |revision, vote| {
            let command_id = crate::domain::command::CommandId(uuid::Uuid::from_u128(revision));
            let revision = u64::try_from(revision).expect("small");
            let receipt = Receipt { command_id, revision, ..record.receipt.clone() };
            Row::receipt(room(), &KeptReceipt { receipt, vote })
        };
        let rows = vec![row(3, true), row(5, true), row(4, true), row(9, false)];
        let shown = Stored::parse(rows).receipts.remove(&room()).map(|receipt| receipt.revision);
        assert_eq!(shown, Some(5));
    }
}
